/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/boot_clock.h"

#include <time.h>

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * (int64_t)NS_PER_SEC + t.tv_nsec;
}

int64_t boot_clock_to_real_ns(void)
{
    int64_t best = 0, narrowest = INT64_MAX;

    for (int i = 0; i < 3; i++) {
        int64_t before = clock_ns(CLOCK_BOOTTIME);
        int64_t real = clock_ns(CLOCK_REALTIME);
        int64_t after = clock_ns(CLOCK_BOOTTIME);

        if (after - before >= narrowest)
            continue;
        narrowest = after - before;
        best = real - (before + (after - before) / 2);
    }
    return best;
}
