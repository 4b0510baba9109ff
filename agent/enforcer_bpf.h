/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The BPF enforcer, as its own sources see it; the agent knows agent/enforcer.h alone.
 *
 *   enforcer_bpf.c          the operations, in terms of the parts below
 *   enforcer_bpf_load.c     programs and maps: loaded, attached, pinned, or found pinned
 *   enforcer_bpf_adopt.c    the table of slots, made from what the kernel holds
 *   enforcer_bpf_version.c  one version of a profile: into the kernel, back, out of it
 *   enforcer_bpf_spare.c    a version that is reserved before it is needed
 *   enforcer_bpf_retire.c   versions that were replaced: counters are carried over, they go
 *   enforcer_bpf_binding.c  containers
 *   enforcer_bpf_events.c   the ring of records
 *
 * Invariants
 * 1. Programs and links are owned by their pins alone: nothing in here keeps a link or a program
 * open, so that the end of the process cannot change what is attached.
 * 2. A version is whole in the outer maps and was read back before varmor_slots names it, and
 * leaves them only when no judgement can still use it.
 * 3. The name of a slot is in varmor_names before anything else of it is in the kernel.
 * 4. A version that no slot names is a leftover (of a crash, or waiting to go), and is nobody's.
 */
#include "agent/enforcer.h"
#include "agent/kernel_features.h"
#include "agent/kernel_map.h"
#include "agent/pins.h"
#include "agent/profile_slots.h"

struct rule_names;
struct ruleset;
struct retired;
struct record_ring;

/* The maps that user space reads and writes. */
enum kernel_map {
    KERNEL_MAP_CGROUPS,
    KERNEL_MAP_SLOTS,
    KERNEL_MAP_CONTROL,
    KERNEL_MAP_IMAGES,
    KERNEL_MAP_COUNTS,
    KERNEL_MAP_EGRESS,
    KERNEL_MAP_STATS,
    KERNEL_MAP_EVENTS,
    KERNEL_MAP_NAMES, /* slot -> profile name; for the agent only, no program reads it */
    KERNEL_MAPS,
};

struct enforcer_bpf {
    struct enforcer base;
    struct loop *loop; /* borrowed */
    struct enforcer_events events;
    struct kernel_features features;
    struct pins *pins;            /* owned, like all below; holds the lock */
    int maps[KERNEL_MAPS];        /* -1: not open */
    struct kernel_window slots;   /* of varmor_slots: a u32 every 8 bytes */
    struct kernel_window control; /* of varmor_control */
    struct profile_slots *table;
    uint32_t last_version;
    struct retired *retired; /* a list, the oldest first */
    unsigned n_retired;
    struct loop_timer *retire_timer;
    uint32_t spare; /* a reserved version of SPARE_LINES and SPARE_RULES; 0: none */
    struct loop_timer *spare_timer;
    struct record_ring *ring;
    const struct node_devices *devices; /* borrowed; NULL: not known */
};

struct enforcer_version {
    struct profile *profile; /* counted */
    struct ruleset *ruleset; /* owned, like names */
    struct rule_names *names;
};

/* ---- enforcer_bpf_load.c ---- */

/* Makes sure that the programs of this build are attached and pinned and that the maps are: takes
 * over what is pinned, replaces the programs of another build without a gap, or loads all. 0 or a
 * negative errno with *reterr; on failure exactly what this call pinned is gone again, and what was
 * attached before still is. */
int enforcer_bpf_load(struct pins *pins, const struct kernel_features *features,
                      char ret_links[static PINS_PATH_SIZE], struct error **reterr);
/* Opens the pinned maps. 0 or a negative errno with *reterr; what was opened is closed again on
 * failure. */
int enforcer_bpf_open_maps(const struct pins *pins, int maps[static KERNEL_MAPS],
                           struct error **reterr);
/* The folder of this layout, below the root of pins. Static. */
const char *enforcer_bpf_layout_folder(void);
/* Takes away what agents of other layouts pinned. 0 or a negative errno with *reterr. */
int enforcer_bpf_drop_other_layouts(struct pins *pins, struct error **reterr);

/* ---- enforcer_bpf.c ---- */

/* The version that the kernel uses for a slot; 0: none. */
uint32_t enforcer_bpf_slot_version(const struct enforcer_bpf *e, uint32_t number);

/* 0, or -ENODEV with *reterr if probe() found that this kernel cannot, or was not called. */
int enforcer_bpf_require_usable(const struct enforcer_bpf *e, struct error **reterr);

/* ---- enforcer_bpf_adopt.c ---- */

/* Fills the table from the kernel's maps, takes what nobody uses out of them. 0 or a negative errno
 * with *reterr. */
int enforcer_bpf_adopt(struct enforcer_bpf *e, struct error **reterr);

/* ---- enforcer_bpf_version.c ---- */

/* What the kernel holds under a version. */
struct version_facts {
    char profile[PROFILE_NAME_MAX + 1];
    struct digest digest;       /* of the profile, as its image tells it */
    struct digest image_digest; /* computed over what was read */
    struct rule_names *names;   /* owned */
    uint32_t n_counts;
};
void version_facts_done(struct version_facts *facts);

/*
 * A version gets into the kernel in two steps: first its number is given empty maps, which costs
 * waiting for the kernel twice, then they are filled, which costs next to nothing. Until a slot
 * names the number nobody looks at it. The maps may be larger than what is put in.
 */

/* Lines that the image map of a version needs. */
size_t version_n_lines(const struct enforcer_version *v);
/* 0, or a negative errno with *reterr: then the number has no maps. */
int version_reserve(const int maps[static KERNEL_MAPS], uint32_t number, size_t n_lines,
                    size_t n_rules, struct error **reterr);
/* 0, or a negative errno with *reterr: the number is then of no use but to be dropped. */
int version_fill(const int maps[static KERNEL_MAPS], uint32_t number,
                 const struct enforcer_version *v, struct error **reterr);
/* Takes the maps away, whatever there is of them; no slot may name the number. */
void version_drop(const int maps[static KERNEL_MAPS], uint32_t number);
/* Reads a version back. 0; -ENOENT (no such version), -EINVAL (not a valid image, or not the one
 * that was put in) or another errno, with *reterr. */
int version_read(const int maps[static KERNEL_MAPS], uint32_t number, struct version_facts *ret,
                 struct error **reterr);
/* The window on a version's counters. 0 or a negative errno with *reterr. */
int version_open_counts(const int maps[static KERNEL_MAPS], uint32_t number,
                        struct kernel_window *ret, uint32_t *ret_n, struct error **reterr);

/* ---- enforcer_bpf_spare.c ---- */

/* The number of a reserved version that v fits into: the spare, or a new one. 0 or a negative errno
 * with *reterr. The number is the caller's to fill, or to drop. */
int enforcer_bpf_take_number(struct enforcer_bpf *e, const struct enforcer_version *v,
                             uint32_t *ret, struct error **reterr);
/* Reserves a spare on a later turn of the loop, if there is none. */
void enforcer_bpf_want_spare(struct enforcer_bpf *e);
/* Forgets the spare; it stays in the kernel until an agent adopts. */
void enforcer_bpf_forget_spare(struct enforcer_bpf *e);

/* ---- enforcer_bpf_retire.c ---- */

/* The counters of a version that another one replaced. */
struct retired_counts {
    const char *profile;         /* whose they are */
    struct kernel_window window; /* taken in any case */
    struct rule_names *names;    /* a reference is added */
    uint64_t *base;              /* what was carried over when it was replaced; taken in any case */
};

/* Lists a version that no slot names (any more) to be taken out in steps, one a turn of the loop.
 * counts may be NULL: nothing is to be carried over. Without memory the version stays until an
 * agent adopts. */
void enforcer_bpf_retire(struct enforcer_bpf *e, uint32_t version, struct retired_counts *counts);
/* Forgets the list; what is on it stays in the kernel until an agent adopts. */
void enforcer_bpf_retire_forget(struct enforcer_bpf *e);

/* ---- enforcer_bpf_binding.c ---- */

int enforcer_bpf_bind(struct enforcer *base, const struct container *c, const char *profile_name,
                      bool running, struct error **reterr);
int enforcer_bpf_unbind(struct enforcer *base, uint64_t cgroup_id, struct error **reterr);
int enforcer_bpf_bindings(struct enforcer *base,
                          void (*found)(uint64_t cgroup_id, const char *profile, void *data),
                          void *data, struct error **reterr);
/* Counts the bindings of each slot, and takes those out whose cgroup is gone. */
int enforcer_bpf_adopt_bindings(struct enforcer_bpf *e, struct error **reterr);
/* The slot of a profile, made and named in the kernel if there is none. 0 or a negative errno with
 * *reterr. */
int enforcer_bpf_slot_reserve(struct enforcer_bpf *e, const char *profile,
                              struct profile_slot **ret, struct error **reterr);
/* The slot that a cgroup is bound to; NULL: none. */
const struct profile_slot *enforcer_bpf_slot_of_cgroup(const struct enforcer_bpf *e,
                                                       uint64_t cgroup_id);
/* Gives a slot up if it has neither version nor binding. */
void enforcer_bpf_slot_release(struct enforcer_bpf *e, struct profile_slot *slot);

/* ---- enforcer_bpf_events.c ---- */

/* Reads records on the loop from now on. 0 or a negative errno with *reterr. */
int record_ring_new(struct record_ring **ret, struct enforcer_bpf *e, struct error **reterr);
struct record_ring *record_ring_free(struct record_ring *ring); /* accepts NULL, returns NULL */
