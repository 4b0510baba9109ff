/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A byte buffer that grows up to a ceiling given at birth, as every container of outside data has.
 *
 * The bytes are always followed by a NUL that is not counted: text can be used as a C string.
 */
#include "lib/base.h"

struct buf {
    uint8_t *data; /* owned; NULL while empty */
    size_t len;    /* bytes in use */
    size_t cap;    /* bytes allocated */
    size_t max;    /* ceiling of len */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

void buf_done(struct buf *b);  /* frees; the buffer may be used again as an empty one */
void buf_clear(struct buf *b); /* len becomes 0, the memory stays */

/* Append; 0, -E2BIG (beyond the ceiling) or -ENOMEM; on failure the buffer is as it was. */
int buf_add(struct buf *b, const void *data, size_t len) MUST_CHECK;
int buf_add_text(struct buf *b, const char *text) MUST_CHECK;
int buf_format(struct buf *b, const char *format, ...) PRINTF_FORMAT(2, 3) MUST_CHECK;

/* Makes room for len more bytes without using them; 0, -E2BIG or -ENOMEM. */
int buf_reserve(struct buf *b, size_t len) MUST_CHECK;

/* Removes len bytes (at most what is there) from the front. */
void buf_consume(struct buf *b, size_t len);

/* The content as a C string, never NULL. Borrowed until the next change. */
const char *buf_text(const struct buf *b);

#define CLEANUP_BUF __attribute__((cleanup(buf_done)))
