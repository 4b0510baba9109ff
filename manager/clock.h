/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The time of day for status; deadlines use the loop's monotonic clock. */
#include <stdint.h>
#include <time.h>

#include "lib/base.h"

static inline int64_t clock_real_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * (int64_t)NS_PER_SEC + now.tv_nsec;
}
