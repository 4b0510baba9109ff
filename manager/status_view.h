/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lists and descriptions put together from what the manager knows. Everything is allocated in the
 * arena or borrowed from what the view looks at. Pure. Each function: 0 or 1 as status.h says, or
 * -ENOMEM.
 */
#include "manager/status.h"

struct binding_tally;

struct status_view {
    const struct status_facts *facts;
    const struct map *statuses; /* key of the store -> struct policy_status */
    struct arena *arena;
};

int status_view_list(struct status_view *v, enum status_resource resource,
                     const struct status_list_request *ask, struct status_list *ret);
int status_view_policy(struct status_view *v, const struct status_describe_request *ask,
                       struct status_policy_description *ret);
int status_view_node(struct status_view *v, const char *name, struct status_node_description *ret);
/* Counts the containers of each slot's profile, on all nodes, into an array of profile_store_n_slots() tallies, zeroed
 * by the caller. */
void status_view_tally(const struct status_facts *facts, struct binding_tally *by_slot);
