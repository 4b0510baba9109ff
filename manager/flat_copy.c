/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/flat_copy.h"

#include <stdlib.h>
#include <string.h>

static const char **text_at(void *base, size_t offset)
{
    return (const char **)((char *)base + offset);
}

void *flat_copy(const void *from, size_t size, const size_t *text_offsets, size_t n_texts)
{
    size_t total = size;
    char *copy, *room;

    for (size_t i = 0; i < n_texts; i++)
        total += strlen(*text_at((void *)from, text_offsets[i])) + 1;
    copy = malloc(total);
    if (!copy)
        return NULL;
    memcpy(copy, from, size);
    room = copy + size;
    for (size_t i = 0; i < n_texts; i++) {
        const char **text = text_at(copy, text_offsets[i]);
        size_t len = strlen(*text) + 1;

        memcpy(room, *text, len);
        *text = room;
        room += len;
    }
    return copy;
}
