/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/custom_resource.h"

#include <assert.h>
#include <strings.h>

#include "lib/policy/policy_schema.h"
#include "lib/profile.h"

/* ---- VarmorPolicy, VarmorClusterPolicy ---- */

static const struct field policy_fields[] = {
    {.name = "spec",
     .type = &object_type,
     .param = &policy_spec_schema,
     .required = true,
     .help = "What is protected, and how."},
    {.name = "status",
     .type = &object_type,
     .param = &policy_status_schema,
     .help = "What the nodes' kernels really have; varmor writes it."},
};

/* A completed model is no longer changed. */
#define MODEL_RULE                                                                                 \
    {                                                                                              \
        .rule = "!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase != "   \
                "'Completed' || !has(oldSelf.spec.policy.modelingOptions) || "                     \
                "(has(self.spec.policy.modelingOptions) && self.spec.policy.modelingOptions == "   \
                "oldSelf.spec.policy.modelingOptions)",                                            \
        .message = "a completed model is not changed: delete the policy and create it anew",       \
        .field = ".spec.policy.modelingOptions"                                                    \
    }

/* The profile's name has at most PROFILE_NAME_MAX bytes. An expression does not see the namespace,
 * which has one at least; the manager judges the whole. */
static_assert(PROFILE_NAME_MAX == 63, "the numbers of the two rules");
static const struct schema_rule policy_rules[] = {
    {.rule = "size(self.metadata.name) <= 54",
     .message =
         "the name is too long for the profile's name 'varmor-NAMESPACE-NAME', which has at most 63 bytes"},
    MODEL_RULE,
};
static const struct schema_rule cluster_policy_rules[] = {
    {.rule = "size(self.metadata.name) <= 46",
     .message =
         "the name is too long for the profile's name 'varmor-cluster-NAMESPACE-NAME', which has at most 63 bytes"},
    MODEL_RULE,
};
static const struct schema policy_root = {
    .fields = policy_fields,
    .n_fields = ARRAY_SIZE(policy_fields),
    .rules = policy_rules,
    .n_rules = ARRAY_SIZE(policy_rules),
};
static const struct schema cluster_policy_root = {
    .fields = policy_fields,
    .n_fields = ARRAY_SIZE(policy_fields),
    .rules = cluster_policy_rules,
    .n_rules = ARRAY_SIZE(cluster_policy_rules),
};

static const struct column policy_columns[] = {
    {"ENFORCER", "string", ".spec.policy.enforcer", 0, "What carries the policy out"},
    {"MODE", "string", ".spec.policy.mode", 0, "What is denied"},
    {"TARGET-KIND", "string", ".spec.target.kind", 0, "The kind of workload"},
    {"TARGET-NAME", "string", ".spec.target.name", 0, "The workload, if it is named"},
    {"READY", "string", ".status.nodes.summary", 0,
     "Nodes that have the profile, of those that should"},
    {"CONTAINERS", "integer", ".status.boundContainers", 0,
     "Running containers that are under the profile"},
    {"STATUS", "string", ".status.phase", 0, "Where the policy stands"},
    {"AGE", "date", ".metadata.creationTimestamp", 0, "Since when there is the policy"},
    {"TARGET-SELECTOR", "string", ".spec.target.selector", 1,
     "The workloads, if labels select them"},
    {"PROFILE-NAME", "string", ".status.profileName", 1, "The name of the profile"},
};

/* ---- ArmorProfile, ArmorProfileModel ---- */

static const struct field armor_profile_fields[] = {
    {.name = "spec",
     .type = &object_type,
     .param = &armor_profile_spec_schema,
     .required = true,
     .help = "The profile that the nodes load."},
    {.name = "status",
     .type = &object_type,
     .param = &armor_profile_status_schema,
     .help = "Which nodes have it."},
};
static const struct schema armor_profile_root = {.fields = armor_profile_fields,
                                                 .n_fields = ARRAY_SIZE(armor_profile_fields)};
static const struct column armor_profile_columns[] = {
    {"PROFILE", "string", ".spec.profile.name", 0, "The name of the profile"},
    {"ENFORCER", "string", ".spec.profile.enforcer", 0, "What carries it out"},
    {"MODE", "string", ".spec.profile.mode", 0, "Whether it denies or only complains"},
    {"DESIRED", "integer", ".status.desiredNumberLoaded", 0, "Nodes that should have it"},
    {"CURRENT", "integer", ".status.currentNumberLoaded", 0, "Nodes that have it"},
    {"AGE", "date", ".metadata.creationTimestamp", 0, "Since when there is the profile"},
    {"DIGEST", "string", ".spec.profile.digest", 1, "The digest of the profile"},
};

static const struct field model_fields[] = {
    {.name = "storageType",
     .type = &text_type,
     .help = "Where the data is: in this object (CRDInternal) or with the manager (LocalDisk)."},
    {.name = "data",
     .type = &object_type,
     .param = &behavior_model_data_schema,
     .required = true,
     .help = "The model, and the profiles that were made of it."},
    {.name = "status",
     .type = &object_type,
     .param = &behavior_model_status_schema,
     .help = "How far the model is."},
};
static const struct schema model_root = {.fields = model_fields,
                                         .n_fields = ARRAY_SIZE(model_fields)};
static const struct column model_columns[] = {
    {"STORAGE-TYPE", "string", ".storageType", 0, "Where the data is"},
    {"DESIRED", "integer", ".status.desiredNumber", 0, "Nodes that are to tell what they saw"},
    {"COMPLETED", "integer", ".status.completedNumber", 0, "Nodes that have told it"},
    {"READY", "boolean", ".status.ready", 0, "Whether the profiles are made"},
    {"AGE", "date", ".metadata.creationTimestamp", 0, "Since when there is the model"},
};

/* ---- The kinds ---- */

const struct custom_resource custom_resources[CUSTOM_RESOURCES] = {
    {.kind = "VarmorPolicy",
     .plural = "varmorpolicies",
     .singular = "varmorpolicy",
     .short_name = "vpol",
     .help = "A policy that hardens the containers of workloads in its namespace.",
     .root = &policy_root,
     .columns = policy_columns,
     .n_columns = ARRAY_SIZE(policy_columns)},
    {.kind = "VarmorClusterPolicy",
     .plural = "varmorclusterpolicies",
     .singular = "varmorclusterpolicy",
     .short_name = "vcpol",
     .cluster_scoped = true,
     .help = "A policy that hardens the containers of workloads in all namespaces.",
     .root = &cluster_policy_root,
     .columns = policy_columns,
     .n_columns = ARRAY_SIZE(policy_columns)},
    {.kind = "ArmorProfile",
     .plural = "armorprofiles",
     .singular = "armorprofile",
     .help = "What a policy has become: the profile that the nodes load, and how each node stands. "
             "varmor writes it; change the policy instead.",
     .root = &armor_profile_root,
     .columns = armor_profile_columns,
     .n_columns = ARRAY_SIZE(armor_profile_columns)},
    {.kind = "ArmorProfileModel",
     .plural = "armorprofilemodels",
     .singular = "armorprofilemodel",
     .help =
         "A model of what the containers of a policy do, made in the mode BehaviorModeling. It outlives the policy.",
     .root = &model_root,
     .columns = model_columns,
     .n_columns = ARRAY_SIZE(model_columns)},
};

const struct custom_resource *custom_resource_find(const char *name)
{
    for (size_t i = 0; i < CUSTOM_RESOURCES; i++) {
        const struct custom_resource *c = &custom_resources[i];

        if (strcasecmp(name, c->kind) == 0 || strcasecmp(name, c->plural) == 0 ||
            (c->short_name && strcasecmp(name, c->short_name) == 0))
            return c; /* the singular is the kind in lower case */
    }
    return NULL;
}
