/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How the containers that a profile is for stand to its enforcers: counts, the first few that are
 * not held, and the Bound condition. A container is bound when every enforcer of its profile holds
 * it; it is "without" when the agent says of one that it does not. Between its start and the
 * agent's first word about an enforcer it is neither. An enforcer that its user has opted it out of
 * is not asked for; a container without any other is neither, too.
 *
 * A tally borrows from the bindings that it was shown. Pure; no clock.
 */
#include "lib/arena.h"
#include "proto/messages.h"

#define BINDING_TALLY_NAMED     3 /* containers named in the condition; the others are counted */
#define BINDING_TALLY_ENFORCERS 3

struct binding_tally { /* starts zeroed */
    unsigned n_bound, n_without;
    unsigned n_restart_needed; /* of those without: a new start would mend all that is missing */
    struct status_enforcer_bindings enforcers[BINDING_TALLY_ENFORCERS];
    int64_t bound_since_ns;   /* the last of those that are bound */
    int64_t without_since_ns; /* the first of the others; 0: not known */
    const struct msg_binding *named[BINDING_TALLY_NAMED]; /* that are without */
    const char *named_nodes[BINDING_TALLY_NAMED];
};

/* enforcers: of the profile, as bits. */
void binding_tally_add(struct binding_tally *t, const char *node, const struct msg_binding *b,
                       unsigned enforcers);

/* Counts for each of the enforcers (bits), in the arena. NULL: no memory. */
const struct status_enforcer_bindings *binding_tally_enforcers(const struct binding_tally *t,
                                                               unsigned enforcers, struct arena *a,
                                                               size_t *ret_n);

/* The Bound condition: 1 and *ret, 0 (no container is bound or without), or -ENOMEM. Its message is
 * in the arena. */
int binding_tally_condition(const struct binding_tally *t, struct arena *a,
                            struct status_condition *ret);
