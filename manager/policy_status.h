/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is a policy in force on every node? The phase, the Ready condition and the counts of one policy,
 * from what the store and the nodes say. Ready is true only if every known node is
 * connected and has confirmed the digest of the profile in force, and the newest text of the policy
 * is the one in force. A node whose agent is away goes on enforcing, but nobody confirms it. Pure;
 * the clock is an argument.
 */
#include "manager/profile_store.h"

struct nodes;

enum policy_phase { PHASE_PENDING, PHASE_PROTECTING, PHASE_ERROR, POLICY_PHASES };
const char *policy_phase_name(enum policy_phase phase); /* static */

struct policy_status {
    struct condition ready; /* absent while there is no profile */
    bool is_ready;
    enum policy_phase phase;
    unsigned nodes_desired, nodes_ready, nodes_failed;
};

/* Brings *status up to date. True if it changed. */
bool policy_status_update(struct policy_status *status, const struct stored_policy *policy,
                          const struct nodes *nodes, int64_t now_ns);
void policy_status_done(struct policy_status *status);
