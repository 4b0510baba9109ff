/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A map from text to pointers, in insertion order, on uthash in its non-fatal mode (out of memory
 * is an error, not the end of the process).
 *
 * Keys are copied. Values are owned by the map if it was given a free function, else borrowed.
 */
#include "lib/base.h"

struct map; /* opaque */
struct map_entry;

/* value_free may be NULL. max_entries is the ceiling; 0 means that the caller bounds it in another
 * way. Returns NULL when memory runs out. */
struct map *map_new(void (*value_free)(void *value), size_t max_entries);
struct map *map_free(struct map *m); /* accepts NULL, returns NULL */

size_t map_size(const struct map *m);
void *map_find(const struct map *m, const char *key); /* borrowed, NULL if absent */

/* Sets key to value; a value that was there is freed. Takes value on success only.
 * 0, -ENOMEM or -E2BIG (max_entries). */
int map_put(struct map *m, const char *key, void *value) MUST_CHECK;

/* Forgets the key and frees its value. True if it was there. */
bool map_drop(struct map *m, const char *key);

/* Removes the key and hands its value to the caller; NULL if absent. */
void *map_take(struct map *m, const char *key);

/* Iteration in insertion order; the current entry may be dropped inside the loop. */
struct map_entry *map_first(const struct map *m);
struct map_entry *map_next(const struct map_entry *e);
const char *map_key(const struct map_entry *e);
void *map_value(const struct map_entry *e);

#define MAP_FOREACH(e, m)                                                                          \
    for (struct map_entry *e = map_first(m), *e##_next = e ? map_next(e) : NULL; e;                \
         e = e##_next, e##_next = e ? map_next(e) : NULL)

DEFINE_CLEANUP(struct map *, map_free)
