/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/node_order.h"

#include <string.h>

#include "lib/map.h"
#include "manager/profile_store.h"

static int rank(enum node_standing standing)
{
    return standing == NODE_FAILED ? 0 : standing == NODE_WAITING ? 1 : 2;
}

static int compare(const void *a, const void *b)
{
    const struct ordered_node *x = a, *y = b;

    if (x->standing != y->standing)
        return rank(x->standing) - rank(y->standing);
    return strcmp(x->node->name, y->node->name);
}

struct ordered_node *node_order(const struct nodes *nodes, const struct stored_policy *policy,
                                size_t *ret_n)
{
    struct ordered_node *items = calloc(map_size(nodes_all(nodes)) + 1, sizeof(*items));
    size_t n = 0;

    if (!items)
        return NULL;
    MAP_FOREACH (e, nodes_all(nodes)) {
        const struct node *node = map_value(e);

        items[n++] = (struct ordered_node){
            .node = node,
            .standing = node_standing(node, policy->slot, policy->profile, NULL, NULL)};
    }
    qsort(items, n, sizeof(*items), compare);
    *ret_n = n;
    return items;
}
