/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One version of a profile on its way into the kernel, through every enforcer that it names: first
 * all prepare it, and only if all can, each commits it and is asked what the kernel then holds. How
 * it went with each is kept. Calls the enforcers; no other I/O, no logging.
 */
#include "agent/enforcers.h"
#include "proto/messages.h"

/* How an attempt went with each kind of enforcer. Starts zeroed; lives longer than its application.
 */
struct attempts {
    struct attempt {
        bool tried; /* the profile names this enforcer */
        bool applied;
        char *reason; /* owned; why not; NULL if applied */
        struct digest image_digest;
        int64_t since_ns;     /* CLOCK_REALTIME of the commit */
    } items[ENFORCERS_KINDS]; /* as enforcers_kinds */
};
void attempts_done(struct attempts *a); /* frees; zeroed again */
/* Notes that a kind refused. 0 or -ENOMEM. */
int attempts_note_failure(struct attempts *a, enum enforcer_bit kind, const char *reason);
/* As messages say it; returns how many of ret are used. Texts are borrowed. */
size_t attempts_fill(const struct attempts *a,
                     struct msg_enforcer_result ret[static ENFORCERS_KINDS]);

struct application {
    const struct enforcers *enforcers;
    struct profile *profile;   /* borrowed */
    struct attempts *attempts; /* borrowed; application_prepare() starts it anew */
    unsigned *held;            /* borrowed: enforcers that hold some version of the profile */
    int64_t now_ns;            /* CLOCK_REALTIME */
    struct enforcer_version *versions[ENFORCERS_KINDS]; /* owned */
};
void application_done(struct application *a); /* gives back what was prepared and not committed */

enum application_outcome { APPLICATION_DONE, APPLICATION_REFUSED };
/* Each returns an enum application_outcome (REFUSED with the first reason in *reterr) or -ENOMEM.
 * Nothing in the kernel has changed after application_prepare(). application_commit() also takes
 * the profile out of enforcers that this version no longer names. */
int application_prepare(struct application *a, struct error **reterr);
int application_commit(struct application *a, struct error **reterr);

/* True if the kernel holds this very version in every enforcer that the profile names. */
bool application_is_held(const struct enforcers *enforcers, const struct profile *p);
