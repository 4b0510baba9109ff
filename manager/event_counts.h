/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The violations of a profile's rules on all nodes, from what each agent has counted since it
 * started (AppArmor and seccomp, whose verdicts the kernel does not count). Pure.
 */
#include "lib/arena.h"
#include "proto/messages.h"

struct nodes;

/* One count for each enforcer and origin, by enforcer and then origin, in the arena; origins are
 * borrowed from the nodes. Beyond MESSAGE_MAX_EVENT_COUNTS the last ones of the enforcer that has most
 * become one, of MESSAGE_ORIGIN_OTHER. 0 or -ENOMEM. */
int event_counts_sum(const struct nodes *nodes, unsigned slot, struct arena *a,
                     const struct msg_event_count **ret, size_t *ret_n);
