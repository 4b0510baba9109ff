/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which object is to be written next, and when: the pace of writing to an API server, as a pure state machine.
 *
 * 1. Of one object at most one write is under way; what changes meanwhile is one more write after it, however often it
 *    changes. So a queue has one entry an object, and its owner makes the text when its turn has come.
 * 2. After a change an object waits settle_ns, so that what comes together is written together; after a write it waits
 *    a gap that doubles while it goes on changing, up to max_gap_ns, and starts anew after quiet_ns without a write.
 * 3. Over all objects at most max_running writes are under way, and writes cost tokens: burst at most, per_second a
 *    second. A look that finds nothing to write costs none.
 * 4. What failed is tried again for ever, with delays that double up to retry_max_ns.
 *
 * Times are monotonic and come as arguments.
 */
#include "lib/base.h"

struct write_queue; /* opaque */

struct write_pace {
    uint64_t settle_ns, first_gap_ns, max_gap_ns, quiet_ns;
    uint64_t retry_first_ns, retry_max_ns;
    unsigned max_running, burst, per_second;
    size_t max_objects;
};

enum write_outcome {
    WRITE_DONE,    /* it stands there now */
    WRITE_NOTHING, /* there was nothing to write */
    WRITE_LATER,   /* nothing yet: look again after delay_ns, or when it is touched */
    WRITE_AGAIN,   /* it failed; not before delay_ns, which may be 0 */
};

/* seed: of the delays after failures. NULL: no memory. */
struct write_queue *write_queue_new(const struct write_pace *pace, uint64_t seed);
struct write_queue *write_queue_free(struct write_queue *q); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct write_queue *, write_queue_free)

/* The object may have to be written. Copies key. 0, -ENOMEM or -E2BIG (max_objects). */
int write_queue_touch(struct write_queue *q, const char *key, uint64_t now_ns) MUST_CHECK;
/* The object is gone. What is under way may still end. */
void write_queue_drop(struct write_queue *q, const char *key);

/* The object whose turn it is; it is under way until write_queue_ended(). NULL: none is due, or may be written now.
 * Borrowed until then. */
const char *write_queue_next(struct write_queue *q, uint64_t now_ns);
void write_queue_ended(struct write_queue *q, const char *key, enum write_outcome outcome,
                       uint64_t delay_ns, uint64_t now_ns);
/* When write_queue_next() may have an answer; UINT64_MAX: not before something else happens. */
uint64_t write_queue_due_ns(const struct write_queue *q);
size_t write_queue_n_waiting(const struct write_queue *q);
