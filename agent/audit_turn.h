/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How long a source may tell records before others have their turn.
 *
 * What a record costs depends on the profile that it is about: its rules are compared one by one,
 * which takes microseconds or, with thousands of them, milliseconds. A container can make records
 * without end, and must not keep the agent from binding another one; so a turn is bounded by time
 * as well as by its number of records.
 */
#include "lib/base.h"

#include <time.h>

#define AUDIT_TURN_NS (5 * NS_PER_MSEC)

struct audit_turn {
    uint64_t end_ns; /* CLOCK_MONOTONIC */
};

static inline uint64_t audit_turn_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static inline struct audit_turn audit_turn_begin(void)
{
    return (struct audit_turn){.end_ns = audit_turn_now_ns() + AUDIT_TURN_NS};
}

static inline bool audit_turn_is_over(const struct audit_turn *turn)
{
    return audit_turn_now_ns() >= turn->end_ns;
}
