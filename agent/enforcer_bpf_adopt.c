/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcer_bpf.h"

#include "agent/rule_names.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

/* The numbers that varmor_names holds; the list is the caller's to free. */
static int named_slots(const struct enforcer_bpf *e, uint32_t **ret, size_t *ret_n)
{
    CLEANUP_FREE uint32_t *numbers = calloc(VARMOR_MAX_SLOTS, sizeof(numbers[0]));
    uint32_t *previous = NULL, number;
    size_t n = 0;
    int r;

    if (!numbers)
        return -ENOMEM;
    while ((r = bpf_map_get_next_key(e->maps[KERNEL_MAP_NAMES], previous, &number)) == 0) {
        if (n == VARMOR_MAX_SLOTS)
            return -E2BIG;
        numbers[n] = number;
        previous = &numbers[n++];
    }
    if (r != -ENOENT)
        return r;
    *ret = TAKE(numbers);
    *ret_n = n;
    return 0;
}

/* Reads the slot's version. What cannot be read stays in force (its digest is then zero, so that
 * the manager sends the profile again): taking it away would unconfine its containers. */
static void slot_adopt(struct enforcer_bpf *e, struct profile_slot *slot, uint32_t version)
{
    struct version_facts facts = {};

    slot->version = version;
    if (version_read(e->maps, version, &facts, NULL) < 0)
        return;
    if (version_open_counts(e->maps, version, &slot->counts, &slot->n_counts, NULL) == 0 &&
        strcmp(facts.profile, slot->profile) == 0 &&
        rule_names_count(facts.names) <= slot->n_counts) {
        slot->digest = facts.digest;
        slot->image_digest = facts.image_digest;
        slot->names = TAKE(facts.names);
    } else {
        kernel_window_done(&slot->counts);
        slot->n_counts = 0;
    }
    version_facts_done(&facts);
}

static int slots_adopt(struct enforcer_bpf *e, struct error **reterr)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t n = 0;
    int r = named_slots(e, &numbers, &n);

    if (r < 0)
        return error_errno(reterr, r, "the kernel's names of slots");
    for (size_t i = 0; i < n; i++) {
        char name[VARMOR_NAME_BYTES + 1] = "";
        struct profile_slot *slot = NULL;
        uint32_t version;

        r = bpf_map_lookup_elem(e->maps[KERNEL_MAP_NAMES], &numbers[i], name);
        if (r == 0)
            r = profile_slots_add(e->table, name, numbers[i], &slot, reterr);
        if (r == -ENOMEM)
            return error_oom(reterr);
        if (!slot)
            return error_wrap(reterr, r, "the kernel's name of slot %u", numbers[i]);
        version = enforcer_bpf_slot_version(e, numbers[i]);
        if (version)
            slot_adopt(e, slot, version);
    }
    return 0;
}

/* Lists the versions that no slot names: a crash left them between being put and being named, or
 * between being replaced and being taken out. */
static int leftovers_retire(struct enforcer_bpf *e, enum kernel_map outer, struct error **reterr)
{
    CLEANUP_FREE uint32_t *versions = NULL;
    size_t n = 0;
    int r = kernel_map_versions(e->maps[outer], &versions, &n);

    if (r < 0)
        return error_errno(reterr, r, "the kernel's versions of profiles");
    for (size_t i = 0; i < n; i++) {
        e->last_version = MAX(e->last_version, versions[i]);
        if (!profile_slots_find_version(e->table, versions[i]))
            enforcer_bpf_retire(e, versions[i], NULL);
    }
    return 0;
}

int enforcer_bpf_adopt(struct enforcer_bpf *e, struct error **reterr)
{
    struct profile_slot *slot, *next;
    int r;

    r = slots_adopt(e, reterr);
    if (r == 0)
        r = enforcer_bpf_adopt_bindings(e, reterr);
    if (r < 0)
        return r;
    for (slot = profile_slots_next(e->table, NULL); slot; slot = next) {
        next = profile_slots_next(e->table, slot);
        enforcer_bpf_slot_release(e, slot);
    }
    /* counters go in first and out last but addresses, so they name every version that is there at
     * all */
    r = leftovers_retire(e, KERNEL_MAP_COUNTS, reterr);
    if (r == 0)
        r = leftovers_retire(e, KERNEL_MAP_EGRESS, reterr);
    return r;
}
