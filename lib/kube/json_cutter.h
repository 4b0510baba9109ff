/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cuts the values of a few members out of JSON objects while their bytes come, one object behind the other: what is
 * needed to take a list of thousands of objects apart with the memory of one.
 *
 * It knows where values begin and end, not whether they are good JSON inside: who gets a value parses it. Members that
 * were not asked for are skipped. Time and memory do not depend on depth. No I/O, no logging.
 */
#include "lib/buf.h"

#define JSON_CUTTER_KEY_MAX                                                                        \
    63 /* bytes of a member's name; longer ones, and those with escapes, are skipped */

struct json_cutter_member {
    const char *name;
    bool is_list;     /* its elements are wanted, one by one; null has none */
    size_t max_bytes; /* of a value: what is longer is cut */
};

struct json_cutter_events {
    /* A value of a member (by its index), as it was written. is_cut: only its beginning. A negative result ends the
     * feeding, as one of ended(). */
    int (*value)(size_t member, const uint8_t *json, size_t len, bool is_cut, void *data);
    int (*ended)(void *data); /* an object is complete */
    void *data;
};

enum json_cutter_state {
    JSON_CUTTER_OUTSIDE, /* an object may begin */
    JSON_CUTTER_FIRST_KEY,
    JSON_CUTTER_KEY,
    JSON_CUTTER_IN_KEY,
    JSON_CUTTER_COLON,
    JSON_CUTTER_VALUE,       /* one is to begin */
    JSON_CUTTER_IN_VALUE,    /* a scalar, or something with a depth */
    JSON_CUTTER_AFTER_VALUE, /* a comma or the end */
};

/* A plain value; to be given back with json_cutter_done(). */
struct json_cutter {
    const struct json_cutter_member *members; /* borrowed */
    size_t n_members;
    struct json_cutter_events events;
    enum json_cutter_state state;
    size_t depth; /* 1: among the members */
    bool in_string, is_escaped;
    char key[JSON_CUTTER_KEY_MAX + 1];
    size_t key_len; /* beyond JSON_CUTTER_KEY_MAX: no name that anybody asks for */
    int member;     /* whose value this is; -1: of none that is wanted */
    bool is_capturing, is_cut;
    struct buf captured; /* owned */
};

void json_cutter_init(struct json_cutter *c, const struct json_cutter_member *members,
                      size_t n_members, const struct json_cutter_events *events);
void json_cutter_done(struct json_cutter *c);

/* 0; -EBADMSG (no JSON object, or one that is not formed well where the members are), -ENOMEM, or what an event
 * returned. After a failure only json_cutter_done(). */
int json_cutter_feed(struct json_cutter *c, const uint8_t *data, size_t len) MUST_CHECK;
/* No object has begun that has not ended. */
bool json_cutter_is_between(const struct json_cutter *c);
