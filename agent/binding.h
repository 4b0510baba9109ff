/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which profile is for a container, and what is to be done about it. Pure: no I/O, no memory.
 * binder.c does it.
 */
#include "lib/profile.h"

struct container;

/* The profile for a container: of those with a target that means it the one with the highest
 * priority, then with the first name. NULL: none. Borrowed from profiles. */
const struct profile *binding_choose(const struct profile *const *profiles, size_t n_profiles,
                                     const struct container *c);

/* A container and its binding as they are. */
struct binding_state {
    const char *wanted;       /* name of the profile that is for it; NULL: none */
    const char *bound;        /* name of the profile that the kernel has it bound to; "": none */
    unsigned wanted_binders;  /* enforcers of the wanted profile that bind by cgroup */
    unsigned bound_binders;   /* those that have the binding */
    uint64_t cgroup_id;       /* of the container; 0: not known */
    uint64_t bound_cgroup_id; /* that is bound */
    bool bound_is_opaque;     /* bound by an earlier agent to a profile whose targets are not known
                                 (yet) */
};

enum binding_action {
    BINDING_KEEP,
    BINDING_BIND, /* to wanted; replaces what is bound */
    BINDING_UNBIND,
    BINDING_BLOCKED, /* it should be bound and cannot be: its cgroup is not known */
};

/* A profile whose enforcers all hold a container by its own setting needs no cgroup. A binding to an
 * opaque profile is left alone: it loosens nothing, and the manager will name the
 * profile or remove it. */
enum binding_action binding_decide(const struct binding_state *s);
