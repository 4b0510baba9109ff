/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/labels_pool.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <string.h>

#include "lib/policy/selector.h"

/* By the number of labels, then label by label. */
static int labels_order(const void *a, const void *b)
{
    const struct labels *x = a, *y = b;
    size_t n = labels_size(x), m = labels_size(y);
    int order = (n > m) - (n < m);

    for (size_t i = 0; order == 0 && i < n; i++) {
        order = strcmp(labels_key(x, i), labels_key(y, i));
        if (order == 0)
            order = strcmp(labels_value(x, i), labels_value(y, i));
    }
    return order;
}

void labels_pool_done(struct labels_pool *p)
{
    assert(p->n == 0);
    *p = (struct labels_pool){0};
}

int labels_pool_share(struct labels_pool *p, struct labels **labels)
{
    struct labels *const *node = tsearch(*labels, &p->tree, labels_order);

    if (!node)
        return -ENOMEM;
    if (*node == *labels)
        p->n++; /* it is new: the pool's own reference is the second one */
    else
        labels_free(*labels);
    *labels = labels_ref(*node);
    return 0;
}

void labels_pool_release(struct labels_pool *p, struct labels *labels)
{
    if (!labels)
        return;
    if (labels_refs(labels) == 2) { /* the caller's and the pool's */
        tdelete(labels, &p->tree, labels_order);
        p->n--;
        labels_free(labels);
    }
    labels_free(labels);
}
