/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "agent/rule_names.h"
#include "lib/loop.h"

#include <stdio.h>
#include <utlist.h>

/* A step waits for the kernel, some 10 ms: other work of the loop gets its turn between two steps.
 */
#define RETIRE_STEP_NS (20 * NS_PER_MSEC)
/* More than these are taken out before the next version goes in, so that a burst of updates ends.
 */
#define RETIRED_MAX 64

/* In this order; each but the second waits until no program uses what was there. */
enum retire_step {
    RETIRE_WAIT,  /* judgements that began before the switch are over */
    RETIRE_CARRY, /* what they counted goes to the present version */
    RETIRE_IMAGE,
    RETIRE_COUNTS,
    RETIRE_EGRESS,
    RETIRE_DONE,
};

struct retired {
    uint32_t version;
    enum retire_step step;
    char profile[PROFILE_NAME_MAX + 1];
    struct kernel_window counts; /* owned, like the two below; empty: nothing to carry */
    struct rule_names *names;    /* counted */
    uint64_t *base;              /* what was carried when the version was replaced */
    struct retired *prev, *next;
};

static void retired_free(struct enforcer_bpf *e, struct retired *old)
{
    DL_DELETE(e->retired, old);
    e->n_retired--;
    kernel_window_done(&old->counts);
    rule_names_unref(old->names);
    free(old->base);
    free(old);
}

/* Putting a map where it is already changes nothing, and returns when running programs have ended.
 */
static void wait_for_programs(struct enforcer_bpf *e, uint32_t version)
{
    CLEANUP_CLOSE int fd = -1;

    if (kernel_map_open_inner(e->maps[KERNEL_MAP_IMAGES], version, &fd) == 1)
        kernel_map_put_inner(e->maps[KERNEL_MAP_IMAGES], version, fd);
}

/* Adds what was counted since the switch to the counters of the profile's present version, if it
 * has one. */
static void carry_rest(struct enforcer_bpf *e, const struct retired *old)
{
    struct profile_slot *slot = profile_slots_find(e->table, old->profile);
    CLEANUP_FREE uint64_t *rest = NULL;
    const uint64_t *now = old->counts.data;
    size_t n;

    if (!now || !old->names || !old->base || !slot || !slot->names || !slot->counts.data)
        return;
    n = rule_names_count(old->names);
    rest = calloc(n + 1, sizeof(rest[0]));
    if (!rest)
        return; /* a handful of counts, and no memory: nothing better is known */
    for (size_t i = 0; i < n; i++)
        rest[i] = __atomic_load_n(&now[i], __ATOMIC_RELAXED) - old->base[i];
    rule_names_carry(old->names, rest, slot->names, slot->counts.data);
}

static void retire_step(struct enforcer_bpf *e, struct retired *old)
{
    switch (old->step) {
    case RETIRE_WAIT:
        wait_for_programs(e, old->version);
        break;
    case RETIRE_CARRY:
        carry_rest(e, old);
        break;
    case RETIRE_IMAGE:
        kernel_map_drop_inner(e->maps[KERNEL_MAP_IMAGES], old->version);
        break;
    case RETIRE_COUNTS:
        kernel_map_drop_inner(e->maps[KERNEL_MAP_COUNTS], old->version);
        break;
    case RETIRE_EGRESS:
        kernel_map_drop_inner(e->maps[KERNEL_MAP_EGRESS], old->version);
        break;
    case RETIRE_DONE:
        break;
    }
    if (++old->step == RETIRE_DONE)
        retired_free(e, old);
}

static void on_timer(void *data)
{
    struct enforcer_bpf *e = data;

    if (e->retired)
        retire_step(e, e->retired);
    if (e->retired)
        loop_timer_set(e->retire_timer, RETIRE_STEP_NS);
}

static struct retired *retired_new(uint32_t version, struct retired_counts *counts)
{
    struct retired *old = calloc(1, sizeof(*old));

    if (!old) {
        kernel_window_done(&counts->window);
        free(TAKE(counts->base));
        return NULL;
    }
    old->version = version;
    if (counts->profile)
        snprintf(old->profile, sizeof(old->profile), "%s", counts->profile);
    old->counts = counts->window;
    counts->window = (struct kernel_window){};
    old->names = rule_names_ref(counts->names);
    old->base = TAKE(counts->base);
    return old;
}

void enforcer_bpf_retire(struct enforcer_bpf *e, uint32_t version, struct retired_counts *counts)
{
    struct retired *old = retired_new(version, counts ? counts : &(struct retired_counts){});

    if (!old)
        return;
    DL_APPEND(e->retired, old);
    e->n_retired++;
    while (e->retired && e->n_retired > RETIRED_MAX)
        retire_step(e, e->retired);
    if (!e->retire_timer && loop_timer_new(e->loop, &e->retire_timer, on_timer, e) < 0)
        return; /* the next one will try again */
    if (e->retired)
        loop_timer_set(e->retire_timer, RETIRE_STEP_NS);
}

void enforcer_bpf_retire_forget(struct enforcer_bpf *e)
{
    while (e->retired)
        retired_free(e, e->retired);
    e->retire_timer = loop_timer_free(e->retire_timer);
}
