/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Protobuf's wire format field by field, for messages of which one or two fields are wanted (health, reflection, file
 * descriptors here; NRI in the agent): nothing is copied, and nothing is believed about the input. Whole messages of
 * ours are protobuf-c's business.
 */
#include "lib/buf.h"

struct pb_bytes {
    const uint8_t *data; /* borrowed; NULL only where len is 0 */
    size_t len;
};

struct pb_field {
    uint32_t number;
    bool is_bytes;         /* length-delimited: bytes counts, else value */
    uint64_t value;        /* varint, fixed32 or fixed64 */
    struct pb_bytes bytes; /* within the input */
};

enum { PB_FIELDS_END = 0, PB_FIELDS_ONE = 1 };

/* Moves *rest behind its next field. PB_FIELDS_ONE, PB_FIELDS_END, or -EBADMSG (not protobuf, or a
 * group). */
int pb_fields_next(struct pb_bytes *rest, struct pb_field *ret);

static inline bool pb_bytes_equal(struct pb_bytes a, const char *text, size_t len)
{
    return a.len == len && (len == 0 || __builtin_memcmp(a.data, text, len) == 0);
}

/* Append one field. 0, -E2BIG or -ENOMEM; on failure the buffer may hold a part of it. */
int pb_add_varint(struct buf *b, uint32_t number, uint64_t value) MUST_CHECK;
int pb_add_bytes(struct buf *b, uint32_t number, const void *data, size_t len) MUST_CHECK;
