/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The resolver: from what a policy names to what an agent can recognise.
 *
 * An agent knows a container's pod (namespace, name, labels) and, if the container says so itself,
 * its workload. A policy may name a Deployment, StatefulSet or DaemonSet. The policy's own target
 * goes to the agents as it is, for containers that name their workload; in addition each workload
 * manifest that the target means becomes a target of kind Pod with the workload's namespace and pod
 * selector. docs/targets.md tells users.
 *
 * Holds manifests by pointer: they belong to the source. No I/O, no logging.
 */
#include "lib/error.h"
#include "lib/policy/object.h"

struct resolver;

struct resolver *resolver_new(void);                /* NULL: no memory */
struct resolver *resolver_free(struct resolver *r); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct resolver *, resolver_free)

/* True if objects of this kind can change what a target means. */
bool resolver_wants(enum object_kind kind);

/* What is known under the identity of o; NULL: nothing. */
const struct object *resolver_find(const struct resolver *r, const struct object *o);
/* True if the policy's target means this workload. */
bool resolver_means(const struct policy *policy, const struct object *workload);

/* Remembers a manifest until it is dropped or replaced, while it must stay valid. 0 or -ENOMEM. */
int resolver_put(struct resolver *r, const struct object *o);
void resolver_drop(struct resolver *r, const struct object *o); /* fine if it is not there */

/* The targets of a policy; borrows from the policy and the manifests, and is to be used before
 * either changes. */
struct resolved_targets {
    struct profile_target *items; /* the array is owned, what its items point to is not */
    size_t n;
};
/* 0, -ENOMEM, or -E2BIG with *reterr (PROFILE_MAX_TARGETS). */
int resolver_targets(const struct resolver *r, const struct policy *policy,
                     struct resolved_targets *ret, struct error **reterr);
void resolved_targets_done(struct resolved_targets *t);
