/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which policy's profile an object gets when it is admitted.
 *
 * A container gets the policy that an agent would bind it to (docs/targets.md): of those that mean
 * it, cluster policies first, then the first profile name in byte order. So every replica answers
 * alike, and what admission writes is what the node enforces.
 *
 * Invariants
 * 1. Only policies with a profile in force take part, by the text that is in force: a refused text
 *    changes nothing here either.
 * 2. A workload is meant by policies of its own kind, by its own name and labels. A pod is meant by
 *    whatever its profile's targets say, those that the resolver made of workloads included.
 * 3. A pod that has no name yet (generateName) fits no target that asks for one.
 *
 * Borrows from the store: use it before the store changes. No I/O, no logging.
 */
#include "lib/error.h"
#include "lib/profile.h"

struct labels;
struct profile_store;
struct stored_policy;

/* What is to be admitted. Borrowed. */
struct admission_subject {
    enum target_kind kind;
    const char *name_space;
    const char *name;            /* NULL: none yet */
    const struct labels *labels; /* the object's own; never NULL */
};

/* The policies that mean at least a part of the subject, the winner first. */
struct admission_candidates {
    const struct stored_policy **items; /* the array is owned */
    size_t n;
};
void admission_candidates_done(struct admission_candidates *c);

/* Does a policy's target mean at least a part of a workload? */
bool admission_means_workload(const struct profile_target *target,
                              const struct admission_subject *subject);

/* 0 or -ENOMEM; *ret is written on success only. */
int admission_match(struct admission_candidates *ret, const struct profile_store *store,
                    const struct admission_subject *subject);

/* The policy of one container of the subject that the candidates are of; NULL: none. */
const struct stored_policy *admission_choose(const struct admission_candidates *candidates,
                                             const struct admission_subject *subject,
                                             const char *container);
