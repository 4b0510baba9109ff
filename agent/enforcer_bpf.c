/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "agent/node_devices.h"
#include "agent/pins.h"
#include "agent/program_object.h"
#include "agent/rule_names.h"
#include "lib/loop.h"
#include "lib/ruleset/ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BPF_MOUNT_POINT "/sys/fs/bpf"
#define SLOT_STRIDE     2 /* u32 words: the kernel lays a cell of an array every 8 bytes */
#define SLOTS_BYTES     (VARMOR_MAX_SLOTS * SLOT_STRIDE * sizeof(uint32_t))

static struct enforcer_bpf *self(struct enforcer *base)
{
    return (struct enforcer_bpf *)base;
}

uint32_t enforcer_bpf_slot_version(const struct enforcer_bpf *e, uint32_t number)
{
    const uint32_t *cells = e->slots.data;

    return __atomic_load_n(&cells[(size_t)number * SLOT_STRIDE], __ATOMIC_ACQUIRE);
}

/* The switch: from here on every judgement uses this version. */
static void slot_switch(struct enforcer_bpf *e, uint32_t number, uint32_t version)
{
    uint32_t *cells = e->slots.data;

    __atomic_store_n(&cells[(size_t)number * SLOT_STRIDE], version, __ATOMIC_SEQ_CST);
}

int enforcer_bpf_require_usable(const struct enforcer_bpf *e, struct error **reterr)
{
    return e->table ? 0
                    : error_set(reterr, -ENODEV, "BPF enforcement cannot be had on this kernel");
}

/* ---- probe ---- */

/* Opens what is pinned and learns what the kernel holds. */
static int take_over(struct enforcer_bpf *e, struct error **reterr)
{
    int r;

    r = enforcer_bpf_open_maps(e->pins, e->maps, reterr);
    if (r < 0)
        return r;
    r = kernel_window_open(&e->slots, e->maps[KERNEL_MAP_SLOTS], SLOTS_BYTES);
    if (r == 0)
        r = kernel_window_open(&e->control, e->maps[KERNEL_MAP_CONTROL],
                               sizeof(struct varmor_control));
    if (r < 0)
        return error_errno(reterr, r, "windows on the kernel's maps");
    e->table = profile_slots_new();
    if (!e->table)
        return error_oom(reterr);
    r = enforcer_bpf_adopt(e, reterr);
    if (r < 0)
        return r;
    enforcer_bpf_want_spare(e);
    return record_ring_new(&e->ring, e, reterr);
}

/* Closes everything that probe opens; the kernel keeps what it has. */
static void let_go(struct enforcer_bpf *e)
{
    e->ring = record_ring_free(e->ring);
    enforcer_bpf_retire_forget(e);
    enforcer_bpf_forget_spare(e);
    e->table = profile_slots_free(e->table);
    kernel_window_done(&e->control);
    kernel_window_done(&e->slots);
    for (int i = 0; i < KERNEL_MAPS; i++) {
        if (e->maps[i] >= 0)
            close(e->maps[i]);
        e->maps[i] = -1;
    }
    e->pins = pins_free(e->pins);
}

static void gap_told(const char *covers, void *data)
{
    struct enforcer_facts *facts = data;

    if (facts->n == ENFORCER_FACTS_MAX)
        return;
    facts->items[facts->n].name = "not_covered";
    snprintf(facts->items[facts->n++].value, sizeof(facts->items[0].value), "%s", covers);
}

/* All that touches the kernel. */
static int probe_kernel(struct enforcer_bpf *e, struct enforcer_facts *facts, struct error **reterr)
{
    char folder[PINS_PATH_SIZE];
    int r;

    r = pins_mount(BPF_MOUNT_POINT, reterr);
    if (r == 0)
        r = pins_open(&e->pins, VARMOR_BPF_ROOT, reterr);
    if (r == 0)
        r = enforcer_bpf_load(e->pins, &e->features, folder, reterr);
    if (r == 0)
        r = take_over(e, reterr);
    if (r == 0)
        program_object_tell_gaps(folder, gap_told, facts);
    return r;
}

static int on_probe(struct enforcer *base, struct enforcer_facts *ret, struct error **reterr)
{
    struct enforcer_bpf *e = self(base);
    struct enforcer_facts facts = {.usable = true};
    CLEANUP(error_free) struct error *why = NULL;

    if (e->pins)
        return error_set(reterr, -EIO, "the BPF enforcer was probed already");
    kernel_features_read(&e->features);
    kernel_features_tell(&e->features, &facts);
    if (facts.usable && probe_kernel(e, &facts, &why) < 0) {
        facts.busy = !e->pins && error_code(why) == -EBUSY; /* the lock; nothing was opened */
        let_go(e);
        if (error_code(why) == -ENOMEM)
            return error_oom(reterr);
        facts.usable = false;
        snprintf(facts.reason, sizeof(facts.reason), "%s", error_message(why));
    }
    *ret = facts;
    return 0;
}

/* ---- profiles ---- */

static void fill_holding(const struct profile_slot *slot, struct enforcer_holding *h)
{
    *h = (struct enforcer_holding){
        .digest = slot->digest,
        .image_digest = slot->image_digest,
        .n_bindings = slot->n_bindings,
    };
    memcpy(h->profile, slot->profile, sizeof(h->profile));
}

static int on_adopt(struct enforcer *base,
                    void (*found)(const struct enforcer_holding *h, void *data), void *data,
                    struct error **reterr)
{
    struct enforcer_bpf *e = self(base);
    struct profile_slot *slot, *next;
    int r = enforcer_bpf_require_usable(e, reterr);

    if (r < 0)
        return r;
    for (slot = profile_slots_next(e->table, NULL); slot; slot = next) {
        struct enforcer_holding h;

        next = profile_slots_next(e->table, slot);
        if (!slot->version)
            continue;
        fill_holding(slot, &h);
        found(&h, data);
    }
    return 0;
}

static void on_discard(struct enforcer *base UNUSED, struct enforcer_version *version)
{
    if (!version)
        return;
    rule_names_unref(version->names);
    ruleset_free(version->ruleset);
    profile_unref(version->profile);
    free(version);
}

/* The profile with this node's disks in it: one reference. 0 or a negative errno with *reterr. */
static int put_disks(const struct enforcer_bpf *e, struct profile *profile, struct profile **ret,
                     struct error **reterr)
{
    static const struct disk_list none;

    if (e->devices)
        return node_devices_expand(e->devices, profile, ret, reterr);
    return disk_list_expand(&none, profile, ret, reterr);
}

static int on_prepare(struct enforcer *base, struct profile *profile, struct enforcer_version **ret,
                      struct error **reterr)
{
    struct enforcer_version *v = calloc(1, sizeof(*v));
    int r;

    if (!v)
        return error_oom(reterr);
    r = put_disks(self(base), profile, &v->profile, reterr);
    if (r == 0)
        v->names = rule_names_new(v->profile);
    if (r == 0)
        r = v->names ? ruleset_build(&v->ruleset, v->profile, reterr) : error_oom(reterr);
    if (r < 0) {
        on_discard(base, v);
        return r;
    }
    *ret = v;
    return 0;
}

/* Does the kernel hold just what was meant? */
static int check_read_back(const struct enforcer_version *v, const struct version_facts *facts,
                           struct error **reterr)
{
    if (strcmp(facts->profile, v->profile->name) != 0 ||
        !digest_equal(&facts->digest, &v->profile->digest))
        return error_set(reterr, -EIO, "what was read back from the kernel is another profile");
    if (!digest_equal(&facts->image_digest, &v->ruleset->digest))
        return error_set(reterr, -EIO, "what was read back from the kernel has another digest");
    if (facts->n_counts < v->ruleset->n_rules ||
        rule_names_count(facts->names) != rule_names_count(v->names))
        return error_set(reterr, -EIO,
                         "what was read back from the kernel has another number of rules");
    return 0;
}

/* Puts the version in, reads it back and opens its counters. On failure nothing of it is left. */
static int put_and_check(struct enforcer_bpf *e, const struct enforcer_version *v,
                         uint32_t *ret_number, struct kernel_window *ret_counts,
                         struct version_facts *ret, struct error **reterr)
{
    uint32_t number = 0, n_counts = 0;
    int r;

    r = enforcer_bpf_take_number(e, v, &number, reterr);
    if (r < 0)
        return r;
    r = version_fill(e->maps, number, v, reterr);
    if (r == 0)
        r = version_read(e->maps, number, ret, reterr);
    if (r == 0)
        r = check_read_back(v, ret, reterr);
    if (r == 0)
        r = version_open_counts(e->maps, number, ret_counts, &n_counts, reterr);
    if (r < 0) {
        version_facts_done(ret);
        version_drop(e->maps, number);
        return r;
    }
    *ret_number = number;
    return 0;
}

/* What the old version has counted so far goes to the new one. NULL: there is nothing, or no memory
 * for it. */
static uint64_t *carry_counts(const struct profile_slot *slot, const struct rule_names *names,
                              uint64_t *counts)
{
    const uint64_t *now = slot->counts.data;
    uint64_t *base;

    if (!now || !slot->names)
        return NULL;
    base = calloc(slot->n_counts + 1, sizeof(base[0]));
    if (!base)
        return NULL;
    for (uint32_t i = 0; i < slot->n_counts; i++)
        base[i] = __atomic_load_n(&now[i], __ATOMIC_RELAXED);
    if (rule_names_carry(slot->names, base, names, counts) < 0) {
        free(base);
        return NULL;
    }
    return base;
}

/* The slot is switched from its old version, if it had one, to what was put in. Cannot fail. */
static void make_current(struct enforcer_bpf *e, struct profile_slot *slot, uint32_t number,
                         struct kernel_window *counts, struct version_facts *facts)
{
    struct retired_counts old = {
        .profile = slot->profile,
        .base = carry_counts(slot, facts->names, counts->data),
        .window = slot->counts,
        .names = slot->names,
    };

    slot_switch(e, slot->number, number);
    rule_names_unref(slot->previous_names);
    slot->previous_names = slot->names;
    slot->previous_version = slot->version;
    slot->version = number;
    slot->digest = facts->digest;
    slot->image_digest = facts->image_digest;
    slot->names = TAKE(facts->names);
    slot->counts = *counts;
    slot->n_counts = facts->n_counts;
    *counts = (struct kernel_window){};
    if (slot->previous_version)
        enforcer_bpf_retire(e, slot->previous_version, &old);
}

static int commit(struct enforcer_bpf *e, const struct enforcer_version *v, struct error **reterr)
{
    CLEANUP_WINDOW struct kernel_window counts = {};
    struct version_facts facts = {};
    struct profile_slot *slot = NULL;
    uint32_t number = 0;
    int r;

    r = enforcer_bpf_require_usable(e, reterr);
    if (r == 0)
        r = enforcer_bpf_slot_reserve(e, v->profile->name, &slot, reterr);
    if (!slot)
        return r;
    r = put_and_check(e, v, &number, &counts, &facts, reterr);
    enforcer_bpf_want_spare(e);
    if (r < 0) {
        enforcer_bpf_slot_release(e, slot);
        return r;
    }
    make_current(e, slot, number, &counts, &facts);
    return 0;
}

static int on_commit(struct enforcer *base, struct enforcer_version **version,
                     struct error **reterr)
{
    struct enforcer_version *v = TAKE(*version);
    int r = commit(self(base), v, reterr);

    if (r < 0)
        error_wrap(reterr, r, "profile '%s'", error_quote(v->profile->name));
    on_discard(base, v);
    return r;
}

static int on_remove(struct enforcer *base, const char *profile_name, struct error **reterr)
{
    struct enforcer_bpf *e = self(base);
    struct profile_slot *slot;
    int r = enforcer_bpf_require_usable(e, reterr);

    if (r < 0)
        return r;
    slot = profile_slots_find(e->table, profile_name);
    if (!slot || !slot->version)
        return 0;
    slot_switch(e, slot->number, 0);
    enforcer_bpf_retire(e, slot->version, NULL);
    profile_slot_clear(slot);
    enforcer_bpf_slot_release(e, slot);
    return 0;
}

static int on_describe(struct enforcer *base, const char *profile_name,
                       struct enforcer_holding *ret, struct error **reterr)
{
    struct enforcer_bpf *e = self(base);
    struct version_facts facts = {};
    const struct profile_slot *slot;
    int r = enforcer_bpf_require_usable(e, reterr);

    if (r < 0)
        return r;
    slot = profile_slots_find(e->table, profile_name);
    if (!slot || !slot->version)
        return -ENOENT;
    r = version_read(e->maps, enforcer_bpf_slot_version(e, slot->number), &facts, reterr);
    if (r < 0) /* -ENOENT means "not held" here, and it is */
        return error_wrap(reterr, r == -ENOENT ? -EIO : r, "profile '%s'",
                          error_quote(profile_name));
    fill_holding(slot, ret);
    ret->digest = facts.digest;
    ret->image_digest = facts.image_digest;
    version_facts_done(&facts);
    return 0;
}

static int on_counts(struct enforcer *base, const char *profile_name, uint64_t *ret_counts,
                     size_t n, struct error **reterr)
{
    struct enforcer_bpf *e = self(base);
    const struct profile_slot *slot;
    const uint64_t *counts;
    int r = enforcer_bpf_require_usable(e, reterr);

    if (r < 0)
        return r;
    slot = profile_slots_find(e->table, profile_name);
    if (!slot || !slot->counts.data)
        return error_set(reterr, -ENOENT, "the kernel holds no counters of profile '%s'",
                         error_quote(profile_name));
    counts = slot->counts.data;
    for (size_t i = 0; i < n; i++)
        ret_counts[i] = i < slot->n_counts ? __atomic_load_n(&counts[i], __ATOMIC_RELAXED) : 0;
    return 0;
}

static int on_settle(struct enforcer *base, struct error **reterr)
{
    struct enforcer_bpf *e = self(base);
    int r = enforcer_bpf_require_usable(e, reterr);

    return r < 0 ? r : enforcer_bpf_drop_other_layouts(e->pins, reterr);
}

static void on_free(struct enforcer *base)
{
    let_go(self(base));
    free(self(base));
}

static const struct enforcer_ops ops = {
    .name = "BPF",
    .bit = ENFORCER_BPF,
    .probe = on_probe,
    .adopt = on_adopt,
    .prepare = on_prepare,
    .commit = on_commit,
    .discard = on_discard,
    .remove = on_remove,
    .bind = enforcer_bpf_bind,
    .unbind = enforcer_bpf_unbind,
    .bindings = enforcer_bpf_bindings,
    .describe = on_describe,
    .counts = on_counts,
    .settle = on_settle,
    .free = on_free,
};

void enforcer_bpf_set_devices(struct enforcer *base, const struct node_devices *devices)
{
    self(base)->devices = devices;
}

int enforcer_bpf_new(struct enforcer **ret, struct loop *loop, const struct enforcer_events *events,
                     struct error **reterr)
{
    struct enforcer_bpf *e = calloc(1, sizeof(*e));

    if (!e)
        return error_oom(reterr);
    e->base.ops = &ops;
    e->loop = loop;
    if (events)
        e->events = *events;
    for (int i = 0; i < KERNEL_MAPS; i++)
        e->maps[i] = -1;
    *ret = &e->base;
    return 0;
}

struct cleanup {
    struct pins *pins;
    void (*told)(const char *what, void *data);
    void *data;
    struct error **reterr;
    int r; /* the first error */
};

static int layout_drop(const char *name, bool is_folder UNUSED, void *data)
{
    struct cleanup *c = data;
    CLEANUP(error_free) struct error *e = NULL;
    int r = pins_drop(c->pins, name, c->told, c->data, &e);

    if (r < 0 && c->r == 0)
        c->r = error_set(c->reterr, r, "%s", error_message(e));
    return 0;
}

/* The kernel detaches a program some moments after its pin is gone; this ends what they enforce at
 * once. */
static int unconfine_all(const struct pins *pins, struct error **reterr)
{
    CLEANUP_WINDOW struct kernel_window slots = {};
    int maps[KERNEL_MAPS];
    uint32_t *cells;
    int r;

    r = enforcer_bpf_open_maps(pins, maps, reterr);
    if (r < 0)
        return r;
    r = kernel_window_open(&slots, maps[KERNEL_MAP_SLOTS], SLOTS_BYTES);
    for (int i = 0; i < KERNEL_MAPS; i++)
        close(maps[i]);
    if (r < 0)
        return error_errno(reterr, r, "window on the kernel's slots");
    cells = slots.data;
    for (size_t i = 0; i < VARMOR_MAX_SLOTS; i++)
        __atomic_store_n(&cells[i * SLOT_STRIDE], 0, __ATOMIC_SEQ_CST);
    return 0;
}

int enforcer_bpf_cleanup(void (*told)(const char *what, void *data), void *data,
                         struct error **reterr)
{
    struct cleanup c = {.told = told, .data = data, .reterr = reterr};
    int r;

    if (access(VARMOR_BPF_ROOT, F_OK) < 0)
        return errno == ENOENT ? 0 : error_errno(reterr, errno, "%s", VARMOR_BPF_ROOT);
    r = pins_open(&c.pins, VARMOR_BPF_ROOT, reterr);
    if (r < 0)
        return r;
    if (pins_has(c.pins, enforcer_bpf_layout_folder()))
        c.r = unconfine_all(c.pins, reterr);
    r = pins_list(c.pins, ".", layout_drop, &c, c.r ? NULL : reterr);
    if (c.r)
        r = c.r;
    if (r == 0)
        r = pins_remove_root(c.pins, reterr);
    pins_free(c.pins);
    return r;
}
