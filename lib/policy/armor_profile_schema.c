/* SPDX-License-Identifier: Apache-2.0 */
/* ArmorProfile, which varmor writes for each policy: the fields of contract.md 1.5 without the
 * incumbent's form of BPF rules, and ours. */
#include "lib/policy/custom_resource.h"
#include "lib/policy/policy_schema.h"

static const struct number count = {.max = INT32_MAX};
static const struct number minutes = {.min = INT32_MIN, .max = INT32_MAX};

/* ---- spec ---- */

static const struct field modeling_fields[] = {
    {.name = "enable",
     .type = &flag_type,
     .required = true,
     .help = "A model of the target's behaviour is being made."},
    {.name = "duration",
     .type = &number_type,
     .param = &minutes,
     .required = true,
     .help = "For how many minutes; 0: the policy makes no model."},
};
static const struct schema modeling_schema = {.fields = modeling_fields,
                                              .n_fields = ARRAY_SIZE(modeling_fields)};

static const struct value_type profile_text_type = {.shape = SHAPE_TEXT};
static const struct field content_fields[] = {
    {.name = "name",
     .type = &text_type,
     .required = true,
     .help = "The name of the profile; that of the ArmorProfile."},
    {.name = "enforcer",
     .type = &text_type,
     .required = true,
     .help = "The enforcers, as the policy writes them."},
    {.name = "mode",
     .type = &text_type,
     .required = true,
     .help = "Whether it denies (enforce), or only writes down what it would deny (complain)."},
    {.name = "content", .type = &profile_text_type, .help = "The text of the AppArmor profile."},
    {.name = "seccompContent",
     .type = &profile_text_type,
     .help = "The seccomp profile as JSON, in the form of the OCI runtime specification."},
    {.name = "digest",
     .type = &text_type,
     .help =
         "The digest of the whole profile, sha256:...; a node that has this digest has this profile."},
    {.name = "bpfRules",
     .type = &texts_type,
     .max_items = ARMOR_PROFILE_MAX_BPF_RULES,
     .help = "The rules of the BPF enforcer, for people; the nodes get them from the manager."},
};
const struct schema armor_profile_content_schema = {.fields = content_fields,
                                                    .n_fields = ARRAY_SIZE(content_fields)};

static const struct value_type target_copy_type = {.shape = SHAPE_OBJECT,
                                                   .param = &policy_target_schema};
static const struct field spec_fields[] = {
    {.name = "target", .type = &target_copy_type, .help = "What the policy protects."},
    {.name = "updateExistingWorkloads",
     .type = &flag_type,
     .required = true,
     .help = "Whether the policy has its workloads restarted when it comes and goes."},
    {.name = "behaviorModeling",
     .type = &object_type,
     .param = &modeling_schema,
     .required = true,
     .help = "Whether a model of the target's behaviour is being made."},
    {.name = "profile",
     .type = &object_type,
     .param = &armor_profile_content_schema,
     .required = true,
     .help = "What the nodes load."},
};
const struct schema armor_profile_spec_schema = {.fields = spec_fields,
                                                 .n_fields = ARRAY_SIZE(spec_fields)};

/* ---- status ---- */

static const struct field node_condition_fields[] = {
    {.name = "type", .type = &text_type, .required = true, .help = "Ready."},
    {.name = "status",
     .type = &text_type,
     .required = true,
     .help = "False: only nodes that failed are listed."},
    {.name = "nodeName", .type = &text_type, .required = true, .help = "The node's name."},
    {.name = "lastTransitionTime", .type = &time_type, .help = "Since when."},
    {.name = "reason", .type = &text_type, .help = "Why, in one word for programs."},
    {.name = "message", .type = &text_type, .help = "Why, as the node says."},
};
const struct schema node_condition_schema = {.fields = node_condition_fields,
                                             .n_fields = ARRAY_SIZE(node_condition_fields)};

static const struct field node_enforcer_fields[] = {
    {.name = "name",
     .type = &text_type,
     .required = true,
     .help = "The enforcer: AppArmor, BPF or Seccomp."},
    {.name = "state",
     .type = &text_type,
     .required = true,
     .help = "Waiting, Applied (the kernel has it) or Failed."},
    {.name = "message", .type = &text_type, .help = "Why it failed."},
};
static const struct schema node_enforcer_schema = {.fields = node_enforcer_fields,
                                                   .n_fields = ARRAY_SIZE(node_enforcer_fields)};

static const struct field node_fields[] = {
    {.name = "name", .type = &text_type, .required = true, .help = "The node's name."},
    {.name = "digest",
     .type = &text_type,
     .help = "The digest of the profile that the node has; compare it with spec.profile.digest."},
    {.name = "ready",
     .type = &flag_type,
     .required = true,
     .help = "The node has this profile, in every enforcer."},
    {.name = "boundContainers",
     .type = &number_type,
     .param = &count,
     .help = "Running containers of the node that are under the profile."},
    {.name = "since", .type = &time_type, .help = "When digest or ready last changed."},
    {.name = "enforcers",
     .type = &list_type,
     .param = &node_enforcer_schema,
     .max_items = 16,
     .list_keys = "name",
     .help = "How each enforcer of the node stands."},
};
static const struct schema node_schema = {.fields = node_fields,
                                          .n_fields = ARRAY_SIZE(node_fields)};

static const struct field status_fields[] = {
    {.name = "desiredNumberLoaded",
     .type = &number_type,
     .param = &count,
     .required = true,
     .help = "Nodes that should have the profile."},
    {.name = "currentNumberLoaded",
     .type = &number_type,
     .param = &count,
     .required = true,
     .help = "Nodes that have it."},
    {.name = "conditions",
     .type = &list_type,
     .param = &node_condition_schema,
     .help = "The nodes that failed, one entry each; the first of them."},
    {.name = "nodes",
     .type = &list_type,
     .param = &node_schema,
     .max_items = ARMOR_PROFILE_STATUS_MAX_NODES,
     .list_keys = "name",
     .help = "How each node stands: those that failed first, then those that wait."},
    {.name = "nodesOmitted",
     .type = &number_type,
     .param = &count,
     .help = "Nodes that are not listed."},
};
const struct schema armor_profile_status_schema = {.fields = status_fields,
                                                   .n_fields = ARRAY_SIZE(status_fields)};
