/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/violation_history.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "manager/flat_copy.h"

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

static const size_t violation_texts[] = {
    offsetof(struct status_violation, node),
    offsetof(struct status_violation, violation.profile),
    offsetof(struct status_violation, violation.rule),
    offsetof(struct status_violation, violation.container_id),
    offsetof(struct status_violation, violation.container_name),
    offsetof(struct status_violation, violation.pod_name),
    offsetof(struct status_violation, violation.pod_namespace),
    offsetof(struct status_violation, violation.enforcer),
    offsetof(struct status_violation, violation.event),
};

int violation_history_add(struct violation_history *h, const char *node,
                          const struct msg_violation *v)
{
    struct ring *ring = map_find(h->by_profile, v->profile);
    struct status_violation shown = {.node = node, .violation = *v};
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
    if (strlen(v->event) > VIOLATION_MAX_EVENT)
        shown.violation.event = "{}";
    copy = flat_copy(&shown, sizeof(shown), violation_texts, ARRAY_SIZE(violation_texts));
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
