/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/json_cutter.h"

#include <errno.h>
#include <string.h>

#define NO_MEMBER (-1)

void json_cutter_init(struct json_cutter *c, const struct json_cutter_member *members,
                      size_t n_members, const struct json_cutter_events *events)
{
    *c = (struct json_cutter){
        .members = members,
        .n_members = n_members,
        .events = *events,
        .member = NO_MEMBER,
    };
}

void json_cutter_done(struct json_cutter *c)
{
    buf_done(&c->captured);
}

bool json_cutter_is_between(const struct json_cutter *c)
{
    return c->state == JSON_CUTTER_OUTSIDE;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_in_list(const struct json_cutter *c)
{
    return c->member != NO_MEMBER && c->members[c->member].is_list;
}

static void capture_begin(struct json_cutter *c)
{
    c->is_capturing = true;
    c->is_cut = false;
    buf_clear(&c->captured);
    c->captured.max = c->members[c->member].max_bytes;
}

static int capture_add(struct json_cutter *c, const uint8_t *data, size_t len)
{
    const size_t room = c->captured.max - MIN(c->captured.len, c->captured.max);

    if (len > room) {
        c->is_cut = true;
        len = room;
    }
    return len > 0 ? buf_add(&c->captured, data, len) : 0;
}

static int capture_end(struct json_cutter *c)
{
    if (!c->is_capturing)
        return 0;
    c->is_capturing = false;
    return c->events.value((size_t)c->member, c->captured.data, c->captured.len, c->is_cut,
                           c->events.data);
}

static void find_member(struct json_cutter *c)
{
    c->member = NO_MEMBER;
    if (c->key_len > JSON_CUTTER_KEY_MAX)
        return;
    c->key[c->key_len] = '\0';
    for (size_t i = 0; i < c->n_members; i++)
        if (strcmp(c->members[i].name, c->key) == 0)
            c->member = (int)i;
}

/* The first byte of a member's value. */
static void begin_value(struct json_cutter *c, uint8_t byte)
{
    if (is_in_list(c) && byte != '[')
        c->member = NO_MEMBER;
    else if (c->member != NO_MEMBER && !is_in_list(c))
        capture_begin(c);
    c->state = JSON_CUTTER_IN_VALUE;
    if (byte == '{' || byte == '[')
        c->depth++;
    else if (byte == '"')
        c->in_string = true;
}

/* A byte within the value of a member that is an object or a list. */
static int step_inside(struct json_cutter *c, uint8_t byte)
{
    const bool is_element = is_in_list(c) && c->depth == 2;
    int r = 0;

    if (is_element && (byte == ',' || byte == ']')) {
        r = capture_end(c);
        if (byte == ',')
            return r;
    } else if (is_element && !c->is_capturing) {
        capture_begin(c);
    }
    if (byte == '{' || byte == '[')
        c->depth++;
    else if (byte == '"')
        c->in_string = true;
    else if ((byte == '}' || byte == ']') && --c->depth == 1)
        c->state = JSON_CUTTER_AFTER_VALUE;
    return r;
}

/* What ends a value at the members' level. */
static int end_value(struct json_cutter *c, uint8_t byte)
{
    int r;

    if (byte != ',' && byte != '}')
        return -EBADMSG;
    r = capture_end(c);
    c->member = NO_MEMBER;
    c->state = JSON_CUTTER_KEY;
    if (r < 0 || byte == ',')
        return r;
    c->depth = 0;
    c->state = JSON_CUTTER_OUTSIDE;
    return c->events.ended(c->events.data);
}

/* A byte among the members, not within a string. */
static int step_members(struct json_cutter *c, uint8_t byte)
{
    switch (c->state) {
    case JSON_CUTTER_OUTSIDE:
        if (byte != '{')
            return -EBADMSG;
        c->depth = 1;
        c->state = JSON_CUTTER_FIRST_KEY;
        return 0;
    case JSON_CUTTER_FIRST_KEY:
        if (byte == '}')
            return end_value(c, byte);
        __attribute__((fallthrough));
    case JSON_CUTTER_KEY:
        if (byte != '"')
            return -EBADMSG;
        c->key_len = 0;
        c->in_string = true;
        c->state = JSON_CUTTER_IN_KEY;
        return 0;
    case JSON_CUTTER_COLON:
        if (byte != ':')
            return -EBADMSG;
        find_member(c);
        c->state = JSON_CUTTER_VALUE;
        return 0;
    case JSON_CUTTER_VALUE:
        if (strchr(",:]}", byte))
            return -EBADMSG;
        begin_value(c, byte);
        return 0;
    case JSON_CUTTER_IN_VALUE:
        if (byte != ',' && byte != '}' && !strchr("\"{[:]", byte))
            return 0; /* a number or a word goes on */
        return end_value(c, byte);
    case JSON_CUTTER_AFTER_VALUE:
    case JSON_CUTTER_IN_KEY:
        break;
    }
    return end_value(c, byte);
}

/* A byte of a string, its closing quote included. */
static void step_string(struct json_cutter *c, uint8_t byte)
{
    const bool ends = byte == '"' && !c->is_escaped;

    if (!ends && c->state == JSON_CUTTER_IN_KEY) {
        if (c->key_len < JSON_CUTTER_KEY_MAX && byte != '\\' && byte != '\0')
            c->key[c->key_len++] = (char)byte;
        else
            c->key_len = JSON_CUTTER_KEY_MAX + 1;
    }
    c->is_escaped = byte == '\\' && !c->is_escaped;
    if (!ends)
        return;
    c->in_string = false;
    if (c->state == JSON_CUTTER_IN_KEY)
        c->state = JSON_CUTTER_COLON;
    else if (c->depth == 1)
        c->state = JSON_CUTTER_AFTER_VALUE;
}

/* One byte that means something by itself: what was captured before it has been put away. */
static int step(struct json_cutter *c, const uint8_t *byte)
{
    const bool was_capturing = c->is_capturing;
    int r = 0;

    if (c->in_string)
        step_string(c, *byte);
    else if (is_space(*byte))
        r = 0;
    else if (c->depth >= 2)
        r = step_inside(c, *byte);
    else
        r = step_members(c, *byte);
    /* It belongs to the value unless it has ended it. */
    if (r == 0 && c->is_capturing && (was_capturing || !is_space(*byte)))
        r = capture_add(c, byte, 1);
    return r;
}

/* How many bytes from data on mean nothing by themselves: the inside of a string or of a deep value. */
static size_t plain_bytes(const struct json_cutter *c, const uint8_t *data, size_t len)
{
    size_t n = 0;

    if (c->state == JSON_CUTTER_IN_KEY || (c->in_string && c->is_escaped))
        return 0;
    if (c->in_string) {
        while (n < len && data[n] != '"' && data[n] != '\\')
            n++;
        return n;
    }
    if (c->depth < 2 || (is_in_list(c) && c->depth == 2))
        return 0;
    while (n < len && !strchr("\"{}[]", data[n])) /* a NUL is found, too */
        n++;
    return n;
}

int json_cutter_feed(struct json_cutter *c, const uint8_t *data, size_t len)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < len;) {
        const size_t n = plain_bytes(c, data + i, len - i);

        if (n > 0 && c->is_capturing)
            r = capture_add(c, data + i, n);
        i += n;
        if (r == 0 && i < len)
            r = step(c, data + i++);
    }
    return r;
}
