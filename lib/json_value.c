/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json_value.h"

#include <errno.h>
#include <stdlib.h>

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

/* ---- Reading ---- */

static bool memory_is_out; /* since the reader was called */
static size_t n_left;      /* bytes that it may take */

static void *allocate(size_t size)
{
    void *p = size <= n_left ? malloc(size) : NULL;

    n_left -= MIN(size, n_left);

    memory_is_out |= !p;
    return p;
}

json_t *json_value_read(const void *text, size_t len, size_t flags, json_error_t *ret_error)
{
    json_malloc_t usual_malloc;
    json_free_t usual_free;
    json_t *value;

    json_get_alloc_funcs(&usual_malloc, &usual_free);
    memory_is_out = false;
    n_left = JSON_VALUE_MAX_BYTES;
    json_set_alloc_funcs(allocate, usual_free);
    value = json_loadb(text, len, flags, ret_error);
    json_set_alloc_funcs(usual_malloc, usual_free);
    if (!memory_is_out)
        return value;
    json_decref(value);
    if (ret_error) {
        *ret_error = (json_error_t){.line = -1, .column = -1, .text = "out of memory"};
        ret_error->text[sizeof(ret_error->text) - 1] = json_error_out_of_memory; /* its own place */
    }
    return NULL;
}

bool json_value_is_oom(const json_error_t *error)
{
    return json_error_code(error) == json_error_out_of_memory;
}
