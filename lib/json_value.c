/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json_value.h"

#include <errno.h>

struct output {
    struct buf *b;
    int failure; /* the first one */
};

static int add(const char *data, size_t len, void *arg)
{
    struct output *o = arg;

    if (o->failure == 0)
        o->failure = buf_add(o->b, data, len);
    return o->failure;
}

int json_value_add(struct buf *b, const json_t *value, size_t flags)
{
    struct output o = {.b = b};
    int r = json_dump_callback(value, add, &o, flags);

    if (o.failure < 0)
        return o.failure;
    return r < 0 ? -ENOMEM : 0;
}
