/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who pays for memory that a peer makes us use: a count of bytes with a ceiling, and above it the
 * budget that it is a part of (a connection's lies within its server's). Pure arithmetic; charges
 * nothing on failure.
 */
#include "lib/base.h"

struct budget {
    size_t used, max;
    struct budget *parent; /* borrowed; NULL at the top */
};

static inline bool budget_take(struct budget *b, size_t n)
{
    if (!b)
        return true;
    if (n > b->max - b->used || !budget_take(b->parent, n))
        return false;
    b->used += n;
    return true;
}

static inline void budget_give(struct budget *b, size_t n)
{
    for (; b; b = b->parent)
        b->used -= n;
}
