/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How often something may happen: a burst at once, then a rate. Pure: the time is an argument. */
#include "lib/base.h"

struct token_bucket {
    unsigned burst;
    unsigned per_second;
    double tokens;
    uint64_t last_ns;
};

static inline struct token_bucket token_bucket_full(unsigned burst, unsigned per_second)
{
    return (struct token_bucket){.burst = burst, .per_second = per_second, .tokens = burst};
}

/* False: once too often. */
static inline bool token_bucket_take(struct token_bucket *b, uint64_t now_ns)
{
    if (now_ns > b->last_ns) {
        b->tokens += (double)(now_ns - b->last_ns) / (double)NS_PER_SEC * b->per_second;
        if (b->tokens > b->burst)
            b->tokens = b->burst;
        b->last_ns = now_ns;
    }
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}
