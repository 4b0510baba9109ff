/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From a policy and resolved facts to a profile: mode, base rules, built-in rules (data files under
 * profiles/rules/), raw rules, in the order of rules.md 2.0. Knows neither sources nor RPC. Pure.
 */
#include "lib/error.h"
#include "lib/policy/policy.h"

/* What the policy says that this version's enforcers cannot carry out, one text each with its
 * position. */
struct builder_unsupported {
    char **items;               /* owned; "spec.policy.enforcer 'AppArmor' (line 12, column 9)" */
    struct policy_position *at; /* owned; where each item stands in its file */
    size_t n;
};
void builder_unsupported_done(struct builder_unsupported *u);

/* What the builder has to know beside the policy. */
struct builder_facts {
    const char *install_namespace; /* for cluster policies' names */
    uint64_t generation;           /* of the policy */
    /* Resolved by the manager; none: the policy's own target. */
    const struct profile_target *targets;
    size_t n_targets;
};

/*
 * Builds and seals the profile. 0: *ret holds one reference and ret_unsupported->n is 0.
 * BUILDER_UNSUPPORTED (positive): nothing was built, ret_unsupported says why. With *reterr:
 * -EINVAL (the policy is wrong: an unknown built-in rule, a mount rule without privileged),
 * -ENAMETOOLONG (the profile's name), -E2BIG (too many rules, targets or bytes) or -ENOMEM.
 */
#define BUILDER_UNSUPPORTED 1
int builder_build(struct profile **ret, const struct policy *policy,
                  const struct builder_facts *facts, struct builder_unsupported *ret_unsupported,
                  struct error **reterr);
