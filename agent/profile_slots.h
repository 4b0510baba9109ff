/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the agent knows of the profiles that the kernel holds: a slot each (bpf/varmor_shared.h),
 * found by profile name, by slot number or by version.
 *
 * A copy of the kernel's state for quick look-ups; the kernel's maps are the truth and this table
 * is made from them when an agent begins. A slot is reserved by the first binding or the first
 * commit that names its profile, and is free again when it has neither version nor binding. Slot 0
 * is never given out, so that a zeroed binding means nobody. No I/O, no logging. Not thread-safe.
 */
#include "agent/kernel_map.h"
#include "lib/digest.h"
#include "lib/profile.h"

struct rule_names;
struct profile_slots; /* opaque */

#define PROFILE_SLOTS_MAX (VARMOR_MAX_SLOTS - 1)

struct profile_slot {
    uint32_t number;
    char profile[PROFILE_NAME_MAX + 1];
    uint32_t version; /* 0: reserved, no profile yet or any more; all below but n_bindings is then
                         empty */
    struct digest digest;        /* of the profile; zero: what the kernel holds cannot be read */
    struct digest image_digest;  /* of what was read back */
    struct rule_names *names;    /* counted; NULL: not known */
    struct kernel_window counts; /* owned: one u64 a rule, the kernel's own */
    uint32_t n_counts;
    uint32_t previous_version; /* the version before; 0: none. Its records may still be under way */
    struct rule_names *previous_names; /* counted; NULL: not known */
    unsigned n_bindings;
};

struct profile_slots *profile_slots_new(void); /* NULL: no memory */
struct profile_slots *
profile_slots_free(struct profile_slots *slots); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct profile_slots *, profile_slots_free)

struct profile_slot *profile_slots_find(const struct profile_slots *slots, const char *profile);
struct profile_slot *profile_slots_at(const struct profile_slots *slots, uint32_t number);
/* The slot whose present or previous version this is. NULL: none. */
struct profile_slot *profile_slots_find_version(const struct profile_slots *slots,
                                                uint32_t version);
/* The next slot after the given one (NULL: the first), in the order of numbers. NULL: no more. */
struct profile_slot *profile_slots_next(const struct profile_slots *slots,
                                        const struct profile_slot *slot);
size_t profile_slots_size(const struct profile_slots *slots);

/* Makes the slot of a profile that has none, with the lowest free number, or with the given one if
 * that is not 0. Copies the name. 0; -E2BIG (all slots are in use), -EEXIST (name or number are
 * taken), -EINVAL (the name is empty or too long, or there is no such number) or -ENOMEM, with
 * *reterr. */
int profile_slots_add(struct profile_slots *slots, const char *profile, uint32_t number,
                      struct profile_slot **ret, struct error **reterr);
/* Forgets a slot and frees what it owns. */
void profile_slots_drop(struct profile_slots *slots, struct profile_slot *slot);
/* Empties what belongs to the version: the slot is reserved only. */
void profile_slot_clear(struct profile_slot *slot);
