/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/violation_history.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"

/* The newest violations of one profile. */
struct ring {
    struct status_violation *items[VIOLATIONS_KEPT]; /* owned; NULL: not used yet */
    unsigned next;                                   /* where the next one goes: the oldest */
};

struct violation_history {
    struct map *by_profile; /* name -> struct ring, owned */
};

static void ring_free(void *value)
{
    struct ring *ring = value;

    for (unsigned i = 0; i < VIOLATIONS_KEPT; i++)
        free(ring->items[i]);
    free(ring);
}

struct violation_history *violation_history_new(void)
{
    CLEANUP(violation_history_free) struct violation_history *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->by_profile = map_new(ring_free, VIOLATION_MAX_PROFILES);
    return h->by_profile ? TAKE(h) : NULL;
}

struct violation_history *violation_history_free(struct violation_history *h)
{
    if (!h)
        return NULL;
    map_free(h->by_profile);
    free(h);
    return NULL;
}

/* A copy with its texts behind it in one piece of memory. NULL: no memory. */
static struct status_violation *violation_copy(const char *node, const struct msg_violation *v)
{
    const struct status_violation from = {.node = node, .violation = *v};
    const char *const *const fields[] = {
        &from.node,
        &from.violation.profile,
        &from.violation.rule,
        &from.violation.container_id,
        &from.violation.container_name,
        &from.violation.pod_name,
        &from.violation.pod_namespace,
        &from.violation.enforcer,
        &from.violation.event,
    };
    size_t size = sizeof(from);
    struct status_violation *to;
    char *text;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        size += strlen(*fields[i]) + 1;
    to = malloc(size);
    if (!to)
        return NULL;
    *to = from;
    text = (char *)(to + 1);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        size_t offset = (size_t)((const char *)fields[i] - (const char *)&from);
        size_t len = strlen(*fields[i]) + 1;

        memcpy(text, *fields[i], len);
        *(const char **)((char *)to + offset) = text;
        text += len;
    }
    return to;
}

int violation_history_add(struct violation_history *h, const char *node,
                          const struct msg_violation *v)
{
    struct ring *ring = map_find(h->by_profile, v->profile);
    struct msg_violation shown = *v;
    struct status_violation *copy;
    int r;

    if (!ring) {
        ring = calloc(1, sizeof(*ring));
        if (!ring)
            return -ENOMEM;
        r = map_put(h->by_profile, v->profile, ring);
        if (r < 0) {
            ring_free(ring);
            return r;
        }
    }
    if (strlen(shown.event) > VIOLATION_MAX_EVENT)
        shown.event = "{}";
    copy = violation_copy(node, &shown);
    if (!copy)
        return -ENOMEM;
    free(ring->items[ring->next]);
    ring->items[ring->next] = copy;
    ring->next = (ring->next + 1) % VIOLATIONS_KEPT;
    return 0;
}

void violation_history_forget(struct violation_history *h, const char *profile)
{
    map_drop(h->by_profile, profile);
}

static void ring_each(const struct ring *ring, const char *node,
                      void (*found)(const struct status_violation *v, void *data), void *data)
{
    for (unsigned i = 0; i < VIOLATIONS_KEPT; i++) {
        const struct status_violation *v = ring->items[(ring->next + i) % VIOLATIONS_KEPT];

        if (v && (!node || strcmp(v->node, node) == 0))
            found(v, data);
    }
}

void violation_history_each(const struct violation_history *h, const char *profile,
                            const char *node,
                            void (*found)(const struct status_violation *v, void *data), void *data)
{
    const struct ring *one = profile ? map_find(h->by_profile, profile) : NULL;

    if (one)
        ring_each(one, node, found, data);
    if (!profile)
        MAP_FOREACH (e, h->by_profile)
            ring_each(map_value(e), node, found, data);
}
