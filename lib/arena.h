/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memory that is freed as a whole: one decoded message, one document. Has a ceiling from birth, so
 * that a hostile input cannot make its decoded form larger than its reader allows.
 */
#include "lib/base.h"

struct arena;

/* max_bytes, well below SIZE_MAX, bounds the sum of all allocations, each rounded up to the
 * alignment. NULL: no memory. */
struct arena *arena_new(size_t max_bytes);
struct arena *arena_free(struct arena *a); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct arena *, arena_free)

/* Zeroed memory, aligned for any type; NULL: no memory, or the ceiling is reached. */
void *arena_alloc(struct arena *a, size_t size);
/* False: size bytes more would pass the ceiling; that is then why arena_alloc() has answered NULL. */
bool arena_has_room(const struct arena *a, size_t size);
/* As calloc(): NULL also when n * size overflows. For n 0 a pointer that nobody may dereference. */
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_text(struct arena *a, const char *text); /* a copy */
