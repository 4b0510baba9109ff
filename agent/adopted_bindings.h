/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The bindings that an earlier agent left in the kernel, until a container claims them: by cgroup,
 * with the enforcers that have them. Since when they hold, the kernel does not know; what that agent
 * saved says it, of bindings that the kernel confirms. Pure: no I/O, no clock.
 */
#include "lib/profile.h"

struct adopted_bindings; /* opaque */

#define ADOPTED_BINDINGS_MAX 20000

struct adopted_binding {
    uint64_t cgroup_id;
    unsigned enforcers; /* enum enforcer_bit */
    int64_t since_ns;   /* CLOCK_REALTIME; 0: not known */
    bool before_first_instruction;
    char profile[PROFILE_NAME_MAX + 1];
};

struct adopted_bindings *adopted_bindings_new(void); /* NULL: no memory */
struct adopted_bindings *adopted_bindings_free(struct adopted_bindings *a);
DEFINE_CLEANUP(struct adopted_bindings *, adopted_bindings_free)

/* An enforcer has a cgroup bound to a profile. 0, -ENOMEM or -E2BIG (ADOPTED_BINDINGS_MAX). */
int adopted_bindings_add(struct adopted_bindings *a, uint64_t cgroup_id, const char *profile,
                         enum enforcer_bit enforcer);
/* What was saved of them, a line each (saved_binding.h); what is not the kernel's truth is passed
 * over. */
void adopted_bindings_read_saved(struct adopted_bindings *a, const char *saved);

/* Takes the binding of a cgroup out. False: there is none. */
bool adopted_bindings_take(struct adopted_bindings *a, uint64_t cgroup_id,
                           struct adopted_binding *ret);
/* Takes any one out. False: there is none left. */
bool adopted_bindings_take_any(struct adopted_bindings *a, struct adopted_binding *ret);
