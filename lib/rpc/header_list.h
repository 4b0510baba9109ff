/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The header fields of one block, in order, with a ceiling counted as HTTP/2 counts it (RFC
 * 9113, 6.5.2: name, value and 32 bytes a field). Names are lower-case, as HTTP/2 demands.
 */
#include "lib/buf.h"

struct header_list {
    struct buf bytes; /* "name\0value\0" for each field */
    size_t size;      /* as counted against max_size */
    size_t max_size;
};

void header_list_init(struct header_list *l, size_t max_size);
void header_list_done(struct header_list *l);
void header_list_clear(struct header_list *l);

/* Copies one field. 0, -E2BIG (the ceiling; the field is left out) or -ENOMEM. */
int header_list_add(struct header_list *l, const uint8_t *name, size_t name_len,
                    const uint8_t *value, size_t value_len) MUST_CHECK;

/* The first value of that name, or NULL. Borrowed until the next change. */
const char *header_list_find(const struct header_list *l, const char *name);
