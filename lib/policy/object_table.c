/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/object_table.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/object.h"

#define FIRST_SLOTS 16 /* a power of two, as all numbers of slots are */

/* Linear probing: an object stands in the first free slot from its own on, so that a search ends at the first free
 * one. At most three quarters are in use. */

void object_table_done(struct object_table *t)
{
    free(t->slots);
    *t = (struct object_table){0};
}

/* FNV-1a over both texts with their NULs, then mixed so that the low bits depend on all. */
static uint64_t hash_of(const char *name_space, const char *name)
{
    const char *texts[] = {name_space, name};
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        for (const char *c = texts[i];; c++) {
            h = (h ^ (uint8_t)*c) * 1099511628211u;
            if (!*c)
                break;
        }
    h ^= h >> 32;
    return h;
}

static size_t own_slot(const struct object_table *t, const struct object *o)
{
    return hash_of(o->name_space, o->name) & (t->n_slots - 1);
}

/* Where the object of that name stands, or would be put. The table has slots. */
static size_t find_slot(const struct object_table *t, const char *name_space, const char *name)
{
    size_t i = hash_of(name_space, name) & (t->n_slots - 1);

    while (t->slots[i] && (strcmp(t->slots[i]->name, name) != 0 ||
                           strcmp(t->slots[i]->name_space, name_space) != 0))
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

struct object *object_table_find(const struct object_table *t, const char *name_space,
                                 const char *name)
{
    return t->n ? t->slots[find_slot(t, name_space, name)] : NULL;
}

/* Room for one more. 0 or -ENOMEM. */
static int make_room(struct object_table *t)
{
    struct object_table more = {.n = t->n, .n_slots = MAX(t->n_slots * 2, (size_t)FIRST_SLOTS)};
    struct object *o;

    if ((t->n + 1) * 4 <= t->n_slots * 3)
        return 0;
    more.slots = calloc(more.n_slots, sizeof(*more.slots));
    if (!more.slots)
        return -ENOMEM;
    for (size_t at = 0; (o = object_table_next(t, &at));)
        more.slots[find_slot(&more, o->name_space, o->name)] = o;
    free(t->slots);
    *t = more;
    return 0;
}

int object_table_put(struct object_table *t, struct object *o, struct object **ret_before)
{
    struct object *before = object_table_find(t, o->name_space, o->name);

    if (!before && make_room(t) < 0)
        return -ENOMEM;
    t->slots[find_slot(t, o->name_space, o->name)] = o;
    t->n += !before;
    *ret_before = before;
    return 0;
}

/* Frees a slot: objects behind it that could not have their own slot move up. */
static void close_gap(struct object_table *t, size_t gap)
{
    size_t mask = t->n_slots - 1;

    for (size_t i = (gap + 1) & mask; t->slots[i]; i = (i + 1) & mask) {
        size_t wanted = own_slot(t, t->slots[i]);

        /* It may move if the gap lies between its own slot and where it stands. */
        if (((i - wanted) & mask) >= ((i - gap) & mask)) {
            t->slots[gap] = t->slots[i];
            gap = i;
        }
    }
    t->slots[gap] = NULL;
}

struct object *object_table_take(struct object_table *t, const char *name_space, const char *name)
{
    size_t slot = t->n ? find_slot(t, name_space, name) : 0;
    struct object *o = t->n ? t->slots[slot] : NULL;

    if (!o)
        return NULL;
    close_gap(t, slot);
    t->n--;
    return o;
}

struct object *object_table_next(const struct object_table *t, size_t *at)
{
    while (*at < t->n_slots) {
        struct object *o = t->slots[(*at)++];

        if (o)
            return o;
    }
    return NULL;
}
