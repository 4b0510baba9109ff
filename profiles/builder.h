/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From a policy and resolved facts to a profile: mode, base rules, built-in rules (data files under
 * profiles/rules/), raw rules, in the order of rules.md 2.0; as rules for BPF, as text for AppArmor,
 * as JSON for seccomp. Knows neither sources nor RPC. Pure.
 *
 * Nothing that a policy asks for is left out in silence: what no enforcer of the policy carries out
 * refuses it, what only some of them carry out is a warning.
 */
#include "lib/error.h"
#include "lib/policy/policy.h"

/* Of one policy. */
#define BUILDER_MAX_BUILTINS 4096 /* names of built-in rules */
#define BUILDER_MAX_TARGETS  256  /* different executables that rules are for */

/* What there is to say about a policy beside its profile. */
enum builder_note_kind {
    BUILDER_WARNING,     /* built, but something is not as one might think */
    BUILDER_UNSUPPORTED, /* what this version cannot carry out yet */
    BUILDER_WRONG,       /* what can never be carried out as it is written */
};
struct builder_note {
    enum builder_note_kind kind;
    struct policy_position at;
    char *text; /* owned; "spec.policy.mode 'DefenseInDepth' (line 12, column 9)" */
};
#define BUILDER_MAX_NOTES 1000 /* one more says how many there were beyond */
struct builder_notes {
    struct builder_note *items; /* owned */
    size_t n;
    size_t n_dropped;    /* beyond BUILDER_MAX_NOTES */
    bool refused, wrong; /* some are not warnings; some are BUILDER_WRONG */
};
void builder_notes_done(struct builder_notes *n);

/* Addresses of one EndpointSlice: each is reached by each of the ports. */
struct builder_endpoints {
    const struct addr *addresses;
    size_t n_addresses;
    const struct port_range *ports; /* none: by no port that is known, which blocks every port */
    size_t n_ports;
};
/* A Service as it is now, with the slices that are its own. */
struct builder_service {
    const char *name_space, *name;
    const struct labels *labels; /* for serviceSelector; never NULL */
    const struct addr *cluster_ips;
    size_t n_cluster_ips; /* blocked on every port */
    const struct builder_endpoints *endpoints;
    size_t n_endpoints;
};
/* A Pod that has addresses, for toPods. */
struct builder_pod {
    const char *name_space, *name;
    const struct labels *labels;
    const struct addr *addresses;
    size_t n_addresses;
};

/* What the builder has to know beside the policy. */
struct builder_facts {
    const char *install_namespace; /* for cluster policies' names */
    uint64_t generation;           /* of the policy */
    /* Resolved by the manager; none: the policy's own target. */
    const struct profile_target *targets;
    size_t n_targets;
    /* Every Service that is known, sorted by namespace and name, so that equal facts give equal profiles, and every
     * Pod, in any order. A service that a policy names and that is not here is left out, with a
     * warning. */
    const struct builder_service *services;
    size_t n_services;
    const struct builder_pod *pods;
    size_t n_pods;
    bool peers_unknown; /* nobody has looked for them: what is not there is no warning */
};

/*
 * Builds and seals the profile: for each enforcer of the policy what it has to do. 0: *ret holds one
 * reference; ret_notes has warnings at most. BUILDER_REFUSED (positive): nothing was built,
 * ret_notes says why. With *reterr: -EINVAL (the policy is wrong: an unknown built-in rule, a mount
 * rule without privileged), -ENAMETOOLONG (the profile's name), -E2BIG (too many rules, targets or
 * bytes) or -ENOMEM. ret_notes is to be given back in any case.
 */
#define BUILDER_REFUSED 1
int builder_build(struct profile **ret, const struct policy *policy,
                  const struct builder_facts *facts, struct builder_notes *ret_notes,
                  struct error **reterr);

/* True if the services or pods that are known can change what the policy becomes. */
bool builder_names_peers(const struct policy *policy);
/* True if one of its rules means a pod with these labels, or can mean the Service of this name (one that is wanted by
 * labels can be any of the namespaces in question). */
bool builder_names_pod(const struct policy *policy, const char *name_space,
                       const struct labels *labels);
bool builder_names_service(const struct policy *policy, const char *name_space, const char *name);
