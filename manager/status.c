/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/status.h"

#include <errno.h>

#include "lib/loop.h"
#include "lib/map.h"
#include "manager/binding_tally.h"
#include "manager/clock.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "manager/status_view.h"

#define ALL_RESOURCES                                                                              \
    (1u << STATUS_POLICIES | 1u << STATUS_PROFILES | 1u << STATUS_NODES | 1u << STATUS_BINDINGS)

struct status {
    struct status_facts facts;
    const struct status_handler *handler;
    void *data;
    struct map *policies; /* key of the store -> struct policy_status, owned */
    struct loop_task *task;
    uint8_t *touched_slots; /* owned; by slot */
    unsigned n_touched_slots;
    bool all_touched;
    unsigned resources;              /* that changed in this turn */
    struct container_counts *counts; /* owned; by slot, as last told by touched() */
    unsigned n_counts;
};

/* What status shows of a profile's containers. */
struct container_counts {
    unsigned n_bound, n_without, n_restart_needed;
};

/* ---- Keeping up to date ---- */

static void policy_status_free(void *value)
{
    policy_status_done(value);
    free(value);
}

static struct policy_status *policy_status_get(struct status *s, const char *key)
{
    struct policy_status *ps = map_find(s->policies, key);

    if (ps)
        return ps;
    ps = calloc(1, sizeof(*ps));
    if (!ps || map_put(s->policies, key, ps) < 0) {
        free(ps);
        return NULL;
    }
    return ps;
}

static void update_policy(struct status *s, const struct stored_policy *p)
{
    struct policy_status *ps = policy_status_get(s, p->key);
    enum policy_phase phase;
    bool is_ready;

    if (!ps)
        return; /* no memory: the next touch tries again */
    phase = ps->phase;
    is_ready = ps->is_ready;
    if (!policy_status_update(ps, p, s->facts.nodes, clock_real_ns()))
        return;
    s->resources |= 1u << STATUS_POLICIES | 1u << STATUS_PROFILES | 1u << STATUS_NODES;
    if (ps->phase != phase || ps->is_ready != is_ready)
        s->handler->policy(p, ps->is_ready, policy_phase_name(ps->phase),
                           ps->ready.message ? ps->ready.message : "", s->data);
}

static void forget_the_gone(struct status *s)
{
    MAP_FOREACH (e, s->policies)
        if (!map_find(profile_store_policies(s->facts.store), map_key(e)))
            map_drop(s->policies, map_key(e));
}

static bool is_touched(const struct status *s, const struct stored_policy *p)
{
    return s->all_touched ||
           (p->profile && p->slot < s->n_touched_slots && s->touched_slots[p->slot]);
}

/* Makes room for the counts of all slots. 0 or -ENOMEM. */
static int grow_counts(struct status *s, unsigned n)
{
    struct container_counts *counts;

    if (n <= s->n_counts)
        return 0;
    counts = reallocarray(s->counts, n, sizeof(*counts));
    if (!counts)
        return -ENOMEM;
    s->counts = counts;
    while (s->n_counts < n)
        s->counts[s->n_counts++] = (struct container_counts){0};
    return 0;
}

/* Touches the profiles whose containers are counted otherwise than before: agents tell of containers, not of profiles.
 * Without memory all are touched. */
static void touch_recounted(struct status *s)
{
    unsigned n = profile_store_n_slots(s->facts.store);
    CLEANUP_FREE struct binding_tally *tallies = calloc(MAX(n, 1u), sizeof(*tallies));

    if (!tallies || grow_counts(s, n) < 0) {
        s->all_touched = true;
        return;
    }
    status_view_tally(&s->facts, tallies);
    for (unsigned i = 0; i < n; i++) {
        const struct container_counts now = {tallies[i].n_bound, tallies[i].n_without,
                                             tallies[i].n_restart_needed};

        if (now.n_bound != s->counts[i].n_bound || now.n_without != s->counts[i].n_without ||
            now.n_restart_needed != s->counts[i].n_restart_needed)
            status_touch_slot(s, i);
        s->counts[i] = now;
    }
}

static void status_catch_up(void *data)
{
    struct status *s = data;
    unsigned resources;

    if (s->handler->touched && (s->all_touched || (s->resources & 1u << STATUS_BINDINGS)))
        touch_recounted(s);
    MAP_FOREACH (e, profile_store_policies(s->facts.store)) {
        if (!is_touched(s, map_value(e)))
            continue;
        update_policy(s, map_value(e));
        if (s->handler->touched)
            s->handler->touched(map_value(e), s->data);
    }
    if (s->all_touched) {
        forget_the_gone(s);
        s->resources |= ALL_RESOURCES;
    }
    s->all_touched = false;
    for (unsigned i = 0; i < s->n_touched_slots; i++)
        s->touched_slots[i] = 0;
    resources = s->resources;
    s->resources = 0;
    if (resources)
        s->handler->changed(resources, s->data);
}

void status_touch_slot(struct status *s, unsigned slot)
{
    uint8_t *slots;

    if (slot >= s->n_touched_slots) {
        slots = realloc(s->touched_slots, slot + 64);
        if (slots) {
            for (unsigned i = s->n_touched_slots; i < slot + 64; i++)
                slots[i] = 0;
            s->touched_slots = slots;
            s->n_touched_slots = slot + 64;
        }
    }
    if (slot < s->n_touched_slots)
        s->touched_slots[slot] = 1;
    else
        s->all_touched = true; /* no memory to be precise with */
    loop_task_set(s->task);
}

void status_touch_policies(struct status *s)
{
    s->all_touched = true;
    loop_task_set(s->task);
}

void status_touch(struct status *s, unsigned resources)
{
    s->resources |= resources;
    loop_task_set(s->task);
}

/* ---- Views ---- */

const struct policy_status *status_of_policy(const struct status *s, const char *key)
{
    return map_find(s->policies, key);
}

static struct status_view view_of(const struct status *s, struct arena *arena)
{
    return (struct status_view){.facts = &s->facts, .statuses = s->policies, .arena = arena};
}

int status_list_view(const struct status *s, enum status_resource resource,
                     const struct status_list_request *ask, struct arena *arena,
                     struct status_list *ret)
{
    struct status_view view = view_of(s, arena);

    return status_view_list(&view, resource, ask, ret);
}

int status_describe_policy(const struct status *s, const struct status_describe_request *ask,
                           struct arena *arena, struct status_policy_description *ret)
{
    struct status_view view = view_of(s, arena);

    return status_view_policy(&view, ask, ret);
}

int status_describe_node(const struct status *s, const char *name, struct arena *arena,
                         struct status_node_description *ret)
{
    struct status_view view = view_of(s, arena);

    return status_view_node(&view, name, ret);
}

/* ---- Life ---- */

int status_new(struct status **ret, struct loop *loop, const struct status_facts *facts,
               const struct status_handler *handler, void *data)
{
    CLEANUP(status_free) struct status *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->facts = *facts;
    s->handler = handler;
    s->data = data;
    s->policies = map_new(policy_status_free, 0); /* bounded by the store */
    if (!s->policies || loop_task_new(loop, &s->task, status_catch_up, s) < 0)
        return -ENOMEM;
    *ret = TAKE(s);
    return 0;
}

struct status *status_free(struct status *s)
{
    if (!s)
        return NULL;
    loop_task_free(s->task);
    free(s->counts);
    free(s->touched_slots);
    map_free(s->policies);
    free(s);
    return NULL;
}
