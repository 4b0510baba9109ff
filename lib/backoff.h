/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How long to wait before trying again: doubles from first to max with each failure, each delay
 * drawn evenly from its upper half, so that thousands of agents do not come back together. Pure: no
 * clock, no I/O.
 */
#include "lib/base.h"

struct backoff {
    uint64_t first_ns, max_ns;
    unsigned n_failures;
    uint64_t random_state; /* seed it differently in each process (the pid and the time will do) */
};

uint64_t backoff_next_ns(struct backoff *b); /* the delay after one more failure */
void backoff_reset(struct backoff *b);       /* it worked */
