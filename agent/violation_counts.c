/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_counts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"

#define KEY_BYTES (MESSAGE_MAX_ORIGIN + 4) /* the enforcer's digit in front */

/* Of one profile. */
struct counted {
    struct map *places;            /* enforcer and origin -> place in items, plus one */
    struct msg_event_count *items; /* owned, their origins too */
    size_t n, capacity;
};

struct violation_counts {
    struct map *profiles; /* name -> struct counted */
};

static void counted_free(void *data)
{
    struct counted *c = data;

    for (size_t i = 0; i < c->n; i++)
        free((char *)c->items[i].origin);
    free(c->items);
    map_free(c->places);
    free(c);
}

int violation_counts_new(struct violation_counts **ret)
{
    CLEANUP(violation_counts_free) struct violation_counts *v = calloc(1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    v->profiles = map_new(counted_free, VIOLATION_COUNTS_MAX_PROFILES);
    if (!v->profiles)
        return -ENOMEM;
    *ret = TAKE(v);
    return 0;
}

struct violation_counts *violation_counts_free(struct violation_counts *v)
{
    if (!v)
        return NULL;
    map_free(v->profiles);
    free(v);
    return NULL;
}

static int obtain_profile(struct violation_counts *v, const char *profile, struct counted **ret)
{
    struct counted *c = map_find(v->profiles, profile);
    int r = 0;

    if (!c) {
        c = calloc(1, sizeof(*c));
        if (!c)
            return -ENOMEM;
        c->places = map_new(NULL, MESSAGE_MAX_EVENT_COUNTS);
        r = c->places ? map_put(v->profiles, profile, c) : -ENOMEM;
    }
    if (r < 0)
        counted_free(c);
    else
        *ret = c;
    return r;
}

static const char *make_key(char key[static KEY_BYTES], enum enforcer_bit enforcer,
                            const char *origin)
{
    snprintf(key, KEY_BYTES, "%d %.*s", (int)enforcer, MESSAGE_MAX_ORIGIN, origin);
    return key;
}

static int append(struct counted *c, const char *key, enum enforcer_bit enforcer,
                  struct msg_event_count **ret)
{
    CLEANUP_FREE char *origin = strdup(strchr(key, ' ') + 1);
    int r;

    if (!origin)
        return -ENOMEM;
    if (c->n == c->capacity) {
        size_t capacity = MIN(MAX(c->capacity * 2, (size_t)8), (size_t)MESSAGE_MAX_EVENT_COUNTS);
        struct msg_event_count *items = reallocarray(c->items, capacity, sizeof(*items));

        if (!items)
            return -ENOMEM;
        c->items = items;
        c->capacity = capacity;
    }
    r = map_put(c->places, key, (void *)(c->n + 1));
    if (r < 0)
        return r;
    c->items[c->n] = (struct msg_event_count){.enforcer = enforcer, .origin = TAKE(origin)};
    *ret = &c->items[c->n++];
    return 0;
}

int violation_counts_add(struct violation_counts *v, const char *profile,
                         enum enforcer_bit enforcer, const char *origin)
{
    struct msg_event_count *item = NULL;
    struct counted *c;
    char key[KEY_BYTES];
    size_t place;
    int r = obtain_profile(v, profile, &c);

    if (r < 0)
        return r;
    place = (size_t)map_find(c->places, make_key(key, enforcer, origin));
    if (place == 0 && c->n >= VIOLATION_COUNTS_MAX)
        place = (size_t)map_find(c->places, make_key(key, enforcer, MESSAGE_ORIGIN_OTHER));
    if (place == 0)
        r = append(c, key, enforcer, &item);
    else
        item = &c->items[place - 1];
    if (r == 0)
        item->count++;
    return r;
}

const struct msg_event_count *violation_counts_get(const struct violation_counts *v,
                                                   const char *profile, size_t *ret_n)
{
    const struct counted *c = map_find(v->profiles, profile);

    *ret_n = c ? c->n : 0;
    return c ? c->items : NULL;
}

void violation_counts_drop(struct violation_counts *v, const char *profile)
{
    map_drop(v->profiles, profile);
}
