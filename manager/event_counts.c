/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/event_counts.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "manager/nodes.h"

static int compare(const void *left, const void *right)
{
    const struct msg_event_count *a = left, *b = right;

    if (a->enforcer != b->enforcer)
        return (int)a->enforcer - (int)b->enforcer;
    return strcmp(a->origin, b->origin);
}

static const struct node_counts *counts_of(const struct node *node, unsigned slot)
{
    const struct node_profile *np = node_profile_find(node, slot);

    return np ? np->counts : NULL;
}

/* Merges neighbours that are alike; returns how many remain. */
static size_t merge(struct msg_event_count *items, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && compare(&items[kept - 1], &items[i]) == 0)
            items[kept - 1].count += items[i].count;
        else
            items[kept++] = items[i];
    }
    return kept;
}

/* The end of the largest group of one enforcer's counts, and its size. */
static size_t largest_group(const struct msg_event_count *items, size_t n, size_t *ret_size)
{
    size_t end = 0, first = 0;

    *ret_size = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].enforcer != items[first].enforcer)
            first = i;
        if (i + 1 - first > *ret_size) {
            *ret_size = i + 1 - first;
            end = i + 1;
        }
    }
    return end;
}

/* Sums up the last counts of whichever enforcer has most, until a message can carry all; returns how
 * many remain. */
static size_t fit(struct msg_event_count *items, size_t n)
{
    while (n > MESSAGE_MAX_EVENT_COUNTS) {
        size_t size, end = largest_group(items, n, &size);
        size_t n_gone = MIN(size - 1, n - MESSAGE_MAX_EVENT_COUNTS);
        struct msg_event_count *other = &items[end - 1 - n_gone];

        for (size_t i = 1; i <= n_gone; i++)
            other->count += other[i].count;
        other->origin = MESSAGE_ORIGIN_OTHER;
        memmove(other + 1, other + 1 + n_gone, (n - end) * sizeof(*items));
        n -= n_gone;
    }
    return n;
}

int event_counts_sum(const struct nodes *nodes, unsigned slot, struct arena *a,
                     const struct msg_event_count **ret, size_t *ret_n)
{
    struct msg_event_count *items;
    size_t n = 0;

    MAP_FOREACH (e, nodes_all(nodes)) {
        const struct node_counts *c = counts_of(map_value(e), slot);

        n += c ? c->n_events : 0;
    }
    items = arena_array(a, n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    n = 0;
    MAP_FOREACH (e, nodes_all(nodes)) {
        const struct node_counts *c = counts_of(map_value(e), slot);

        for (size_t i = 0; c && i < c->n_events; i++)
            items[n++] = c->events[i];
    }
    if (n > 1)
        qsort(items, n, sizeof(*items), compare);
    *ret = items;
    *ret_n = fit(items, merge(items, n));
    return 0;
}
