/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Folding of equal events: a container that is denied in a loop makes one line a second.
 *
 * The first event of a kind is written at once, and its kind remembered for a window of time. Events
 * of that kind in the window are held: the last of them is kept, and the others counted. At its end
 * they become one line with their number, and a new window begins; a window without an event is the
 * last. So the numbers of lines and their counts add up to the number of events exactly, and none is
 * told later than a window after it came.
 *
 * At most VIOLATION_FOLD_KINDS kinds and VIOLATION_FOLD_MAX_BYTES of text are remembered; an event
 * that finds no room is written as it is. Pure: the time is an argument; no I/O, no logging.
 */
#include "lib/digest.h"

struct violation_fold; /* opaque */

#define VIOLATION_FOLD_KINDS     64
#define VIOLATION_FOLD_MAX_BYTES (1024 * 1024)

/* A line before it is numbered. */
struct violation_text {
    const char *front; /* up to what is told of this line alone */
    size_t front_len;
    const char *back; /* what follows it */
    size_t back_len;
};

/* NULL: no memory. */
struct violation_fold *violation_fold_new(uint64_t window_ns);
struct violation_fold *violation_fold_free(struct violation_fold *f); /* accepts NULL */
DEFINE_CLEANUP(struct violation_fold *, violation_fold_free)

/* An event of a kind. True: it is held. False: it is to be written. */
bool violation_fold_hold(struct violation_fold *f, const struct digest *kind,
                         const struct violation_text *text, uint64_t now_ns);

/* Takes out a window that has ended by now: *ret and *ret_count are its events' last text and their
 * number. Borrowed until the next call. False: there is none (any more). */
bool violation_fold_take_due(struct violation_fold *f, uint64_t now_ns, struct violation_text *ret,
                             uint64_t *ret_count);
/* When the first window that holds events ends; UINT64_MAX: none does. */
uint64_t violation_fold_deadline_ns(const struct violation_fold *f);
