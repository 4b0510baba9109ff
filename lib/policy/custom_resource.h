/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The four kinds of objects that varmor brings to Kubernetes, as tables: what they are called, which
 * columns kubectl shows, and their fields. Policies share their tables with the reader of YAML
 * (policy_schema.h); status and the kinds that varmor writes itself have tables that nobody reads
 * by, in status_schema.c, armor_profile_schema.c and behavior_model_schema.c.
 *
 * varmorctl makes of them the CustomResourceDefinitions, `explain FIELD.PATH` and docs/fields.md: a
 * field stands in one place. Constant data: no I/O, no memory, no logging.
 */
#include "lib/policy/decoder.h"

#define CUSTOM_RESOURCE_GROUP   "crd.varmor.org"
#define CUSTOM_RESOURCE_VERSION "v1beta1"

/* Ceilings of what varmor writes into status; more is counted. */
#define POLICY_STATUS_MAX_FAILURES     16
#define POLICY_STATUS_MAX_WARNINGS     16
#define ARMOR_PROFILE_MAX_BPF_RULES    1000
#define ARMOR_PROFILE_STATUS_MAX_NODES 500

struct column { /* of `kubectl get` */
    const char *name, *type, *path;
    unsigned priority; /* 0: always; 1: with -o wide */
    const char *help;
};

struct custom_resource {
    const char *kind, *plural, *singular;
    const char *short_name; /* NULL: none */
    bool cluster_scoped;
    const char *help;
    const struct schema *root; /* the fields beside apiVersion, kind and metadata */
    const struct column *columns;
    size_t n_columns;
};

#define CUSTOM_RESOURCES 4
extern const struct custom_resource custom_resources[CUSTOM_RESOURCES];

/* By kind, plural, singular or short name, in any case; NULL: none of them. */
const struct custom_resource *custom_resource_find(const char *name);

/* Values that only varmor writes. */
extern const struct value_type time_type;

extern const struct schema policy_status_schema;
extern const struct schema armor_profile_spec_schema;
extern const struct schema armor_profile_content_schema; /* spec.profile, and a model's profile */
extern const struct schema armor_profile_status_schema;
extern const struct schema node_condition_schema; /* of failed nodes, in both internal kinds */
extern const struct schema behavior_model_data_schema;
extern const struct schema behavior_model_status_schema;
