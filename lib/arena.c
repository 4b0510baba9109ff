/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/arena.h"

#include <string.h>

/* A small message needs one block; larger pieces get one of their own. */
#define ARENA_BLOCK_BYTES 4000

#define ARENA_ALIGNMENT   _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t data[];
};

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t total, max;
};

struct arena *arena_new(size_t max_bytes)
{
    struct arena *a = calloc(1, sizeof(*a));

    if (a)
        a->max = max_bytes;
    return a;
}

struct arena *arena_free(struct arena *a)
{
    if (!a)
        return NULL;
    while (a->blocks) {
        struct arena_block *b = a->blocks;

        a->blocks = b->next;
        free(b);
    }
    free(a);
    return NULL;
}

static struct arena_block *arena_block_new(struct arena *a, size_t size)
{
    struct arena_block *b = calloc(1, sizeof(*b) + size);

    if (!b)
        return NULL;
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

/* What a piece really takes, which is what the ceiling is for. */
static size_t arena_rounded(size_t size)
{
    return (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

bool arena_has_room(const struct arena *a, size_t size)
{
    size_t left = a->max - a->total;

    return size <= left && arena_rounded(size) <= left;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_block *b = a->blocks;
    size_t rounded = arena_rounded(size);
    void *p;

    if (!arena_has_room(a, size))
        return NULL;
    if (!b || b->size - b->used < rounded) {
        b = arena_block_new(a, MAX(rounded, (size_t)ARENA_BLOCK_BYTES));
        if (!b)
            return NULL;
    }
    p = (uint8_t *)b->data + b->used;
    b->used += rounded;
    a->total += rounded;
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return arena_alloc(a, bytes);
}

char *arena_text(struct arena *a, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = arena_alloc(a, n);

    if (copy)
        memcpy(copy, text, n);
    return copy;
}
