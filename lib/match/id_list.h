/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A growing list of 32-bit numbers, for lib/match alone. Whoever adds bounds the total. */
#include <errno.h>

#include "lib/base.h"

struct id_list {
    uint32_t *items; /* owned; NULL while nothing was ever added */
    size_t n, capacity;
};

/* Makes room for more items without using it. 0 or -ENOMEM; on failure the list is as it was. */
static inline int id_list_reserve(struct id_list *l, size_t more)
{
    size_t capacity = l->capacity ? l->capacity : 16;
    uint32_t *items;

    if (more <= l->capacity - l->n)
        return 0;
    while (capacity - l->n < more)
        capacity *= 2;
    items = reallocarray(l->items, capacity, sizeof(*items));
    if (!items)
        return -ENOMEM;
    l->items = items;
    l->capacity = capacity;
    return 0;
}

static inline int id_list_add(struct id_list *l, uint32_t item)
{
    int r = id_list_reserve(l, 1);

    if (r < 0)
        return r;
    l->items[l->n++] = item;
    return 0;
}

static inline void id_list_done(struct id_list *l)
{
    free(l->items);
    *l = (struct id_list){0};
}
