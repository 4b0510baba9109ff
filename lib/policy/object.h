/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A file of objects: any number of YAML documents (or JSON), each a policy or one of the few
 * Kubernetes kinds that help to resolve policies. The reader is strict for policies (every unknown
 * field, duplicate key, alias, wrong type and bad value is a finding) and takes of the other kinds
 * only the fields below, ignoring the rest, as a manifest of a real cluster carries much that is
 * none of our business.
 */
#include "lib/policy/findings.h"
#include "lib/policy/policy.h"

/* Limits of one file; each is refused with its number. */
#define OBJECT_FILE_MAX_BYTES     (4u << 20)
#define OBJECT_MAX_DEPTH          64     /* nesting of a document */
#define OBJECT_MAX_NODES          500000 /* scalars, maps and lists of a file */
#define OBJECT_FILE_MAX_DOCUMENTS 10000

enum object_kind {
    OBJECT_NONE,
    OBJECT_VARMOR_POLICY,
    OBJECT_VARMOR_CLUSTER_POLICY,
    OBJECT_POD,
    OBJECT_NAMESPACE,
    OBJECT_SERVICE,
    OBJECT_ENDPOINT_SLICE,
    OBJECT_DEPLOYMENT,
    OBJECT_STATEFULSET,
    OBJECT_DAEMONSET,
    OBJECT_KINDS,
};
const char *object_kind_name(enum object_kind kind); /* "VarmorPolicy"; static */

/* Of a Pod, Namespace, Service, EndpointSlice or workload: what varmor reads. */
struct manifest {
    struct labels *labels;          /* metadata.labels; never NULL */
    struct selector *selector;      /* workloads, services: spec.selector; else NULL */
    struct labels *template_labels; /* workloads: spec.template.metadata.labels; else NULL */
    /* Pods: status.podIPs, if they count (pod_addresses_count()); services: clusterIPs; slices: endpoints, whatever
     * their conditions: one that is not ready, or goes, can be reached. */
    struct addr *addresses;
    size_t n_addresses;
    struct port_range *ports; /* services, slices: numeric ports */
    size_t n_ports;
};

struct object {
    enum object_kind kind;
    char *name_space; /* "default" where left out; "" for cluster-scoped kinds */
    char *name;
    struct policy_position at;
    struct policy *policy;     /* owned reference; the two policy kinds */
    struct manifest *manifest; /* owned; the others */
};

void object_done(struct object *o);

struct objects {
    struct object *items; /* owned */
    size_t n;
    size_t n_policies; /* policies that were met, right or wrong */
};
void objects_done(struct objects *o);

/* The lists of built-in rules that a policy has. */
enum policy_rule_list {
    POLICY_HARDENING_RULES,
    POLICY_ATTACK_PROTECTION_RULES,
    POLICY_MITIGATION_RULES,
};

/* What the reader cannot know by itself. Each function may be NULL: not checked. */
struct object_checks {
    /* Is there a built-in rule of this name for this list? 0, -EINVAL with *reterr, or -ENOMEM. */
    int (*builtin_rule)(enum policy_rule_list list, const char *name, struct error **reterr);
    /* The text is no file of anybody's (an API server wrote it): everything is told by its path, and
     * positions are 0. */
    bool without_positions;
};

/*
 * Reads a whole file. 0: the file could be judged, and *ret holds the objects if
 * ret_findings->n_errors is 0; else it is empty but for n_policies (nothing is half applied).
 * Returns -ENOMEM otherwise. Both outputs are to be given back with their _done functions. A
 * document of another apiVersion or kind is an error; an empty document is nothing. Two objects of
 * one identity in a file are an error.
 */
int objects_parse(struct objects *ret, const void *data, size_t len, struct findings *ret_findings);
/* The same with checks, which may be NULL. */
int objects_parse_checked(struct objects *ret, const void *data, size_t len,
                          const struct object_checks *checks, struct findings *ret_findings);
