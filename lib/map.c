/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/map.h"

#include <errno.h>
#include <string.h>

#define HASH_NONFATAL_OOM        1
#define uthash_nonfatal_oom(elt) ((elt)->key = NULL)
#include <uthash.h>
/* Its hash function falls through its cases on purpose, and clang does not see why. */
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"

struct map_entry {
    char *key; /* owned */
    void *value;
    UT_hash_handle hh;
};

struct map {
    struct map_entry *head;
    void (*value_free)(void *value);
    size_t max_entries;
};

struct map *map_new(void (*value_free)(void *value), size_t max_entries)
{
    struct map *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->value_free = value_free;
    m->max_entries = max_entries;
    return m;
}

static void map_value_free(struct map *m, void *value)
{
    if (m->value_free && value)
        m->value_free(value);
}

struct map *map_free(struct map *m)
{
    struct map_entry *e, *tmp;

    if (!m)
        return NULL;
    HASH_ITER (hh, m->head, e, tmp) {
        HASH_DEL(m->head, e);
        map_value_free(m, e->value);
        free(e->key);
        free(e);
    }
    free(m);
    return NULL;
}

size_t map_size(const struct map *m)
{
    return HASH_COUNT(m->head);
}

static struct map_entry *map_entry_find(const struct map *m, const char *key)
{
    struct map_entry *e;

    HASH_FIND_STR(m->head, key, e);
    return e;
}

void *map_find(const struct map *m, const char *key)
{
    struct map_entry *e = map_entry_find(m, key);

    return e ? e->value : NULL;
}

int map_put(struct map *m, const char *key, void *value)
{
    struct map_entry *e = map_entry_find(m, key);
    char *copy;

    if (e) {
        if (e->value != value)
            map_value_free(m, e->value);
        e->value = value;
        return 0;
    }
    if (m->max_entries && map_size(m) >= m->max_entries)
        return -E2BIG;
    e = calloc(1, sizeof(*e));
    copy = strdup(key);
    if (!e || !copy) {
        free(e);
        free(copy);
        return -ENOMEM;
    }
    e->key = copy;
    e->value = value;
    HASH_ADD_KEYPTR(hh, m->head, e->key, strlen(e->key), e);
    if (!e->key) { /* uthash could not grow and left the entry out */
        free(copy);
        free(e);
        return -ENOMEM;
    }
    return 0;
}

void *map_take(struct map *m, const char *key)
{
    struct map_entry *e = map_entry_find(m, key);
    void *value;

    if (!e)
        return NULL;
    value = e->value;
    HASH_DEL(m->head, e);
    free(e->key);
    free(e);
    return value;
}

bool map_drop(struct map *m, const char *key)
{
    if (!map_entry_find(m, key))
        return false;
    map_value_free(m, map_take(m, key));
    return true;
}

struct map_entry *map_first(const struct map *m)
{
    return m->head;
}

struct map_entry *map_next(const struct map_entry *e)
{
    return e->hh.next;
}

const char *map_key(const struct map_entry *e)
{
    return e->key;
}

void *map_value(const struct map_entry *e)
{
    return e->value;
}
