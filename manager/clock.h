/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The time of day for status, and how long something took; deadlines use the loop's monotonic clock. */
#include <stdint.h>
#include <time.h>

#include "lib/base.h"

static inline int64_t clock_real_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * (int64_t)NS_PER_SEC + now.tv_nsec;
}

/* Of this moment, not of the loop's turn. */
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}
