/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/header_list.h"

#include <errno.h>
#include <string.h>

#define HEADER_LIST_FIELD_OVERHEAD 32 /* RFC 9113, 6.5.2 */

void header_list_init(struct header_list *l, size_t max_size)
{
    *l = (struct header_list){.bytes = BUF_INIT(max_size), .max_size = max_size};
}

void header_list_done(struct header_list *l)
{
    buf_done(&l->bytes);
    l->size = 0;
}

void header_list_clear(struct header_list *l)
{
    buf_clear(&l->bytes);
    l->size = 0;
}

int header_list_add(struct header_list *l, const uint8_t *name, size_t name_len,
                    const uint8_t *value, size_t value_len)
{
    size_t size = name_len + value_len + HEADER_LIST_FIELD_OVERHEAD;
    int r;

    if (size > l->max_size - l->size)
        return -E2BIG;
    r = buf_reserve(&l->bytes, name_len + value_len + 2);
    if (r < 0)
        return r;
    if (buf_add(&l->bytes, name, name_len) < 0 || buf_add(&l->bytes, "", 1) < 0 ||
        buf_add(&l->bytes, value, value_len) < 0 || buf_add(&l->bytes, "", 1) < 0)
        return -ENOMEM; /* cannot happen: the room is reserved */
    l->size += size;
    return 0;
}

const char *header_list_find(const struct header_list *l, const char *name)
{
    const char *at = (const char *)l->bytes.data;
    const char *end = at ? at + l->bytes.len : NULL;

    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}
