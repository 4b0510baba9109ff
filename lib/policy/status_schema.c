/* SPDX-License-Identifier: Apache-2.0 */
/* status of VarmorPolicy and VarmorClusterPolicy: the fields of contract.md 1.4, and ours. */
#include "lib/policy/custom_resource.h"

const struct value_type time_type = {.shape = SHAPE_TIME};

static const struct number count = {.max = INT32_MAX};
static const struct number generation = {.max = INT64_MAX};

static const struct field condition_fields[] = {
    {.name = "type",
     .type = &text_type,
     .required = true,
     .help =
         "What is told: Created, Updated, Ready, Complete (every enforcer can carry out all of it) or Bound (containers)."},
    {.name = "status", .type = &text_type, .required = true, .help = "True or False."},
    {.name = "reason", .type = &text_type, .help = "Why, in one word for programs."},
    {.name = "message", .type = &text_type, .help = "Why, for people."},
    {.name = "lastTransitionTime",
     .type = &time_type,
     .help = "When the status of this condition last changed."},
    {.name = "observedGeneration",
     .type = &number_type,
     .param = &generation,
     .help = "The metadata.generation of the policy that this is about."},
};
static const struct schema condition_schema = {.fields = condition_fields,
                                               .n_fields = ARRAY_SIZE(condition_fields)};

static const struct field node_count_fields[] = {
    {.name = "desired",
     .type = &number_type,
     .param = &count,
     .help = "Nodes that should have the profile."},
    {.name = "ready",
     .type = &number_type,
     .param = &count,
     .help =
         "Nodes whose kernel has the profile with this digest, in every enforcer of the policy."},
    {.name = "failed",
     .type = &number_type,
     .param = &count,
     .help = "Nodes where an enforcer could not take it; see failures."},
    {.name = "summary",
     .type = &text_type,
     .help = "Ready and desired in one text, such as 2/3, for the column READY."},
};
static const struct schema node_count_schema = {.fields = node_count_fields,
                                                .n_fields = ARRAY_SIZE(node_count_fields)};

static const struct field enforcer_fields[] = {
    {.name = "name",
     .type = &text_type,
     .required = true,
     .help = "The enforcer: AppArmor, BPF or Seccomp."},
    {.name = "ready",
     .type = &number_type,
     .param = &count,
     .help = "Nodes where it has the profile."},
    {.name = "failed",
     .type = &number_type,
     .param = &count,
     .help = "Nodes where it could not take it."},
};
static const struct schema enforcer_schema = {.fields = enforcer_fields,
                                              .n_fields = ARRAY_SIZE(enforcer_fields)};

static const struct field failure_fields[] = {
    {.name = "node", .type = &text_type, .required = true, .help = "The node's name."},
    {.name = "enforcer",
     .type = &text_type,
     .required = true,
     .help = "The enforcer that could not take the profile."},
    {.name = "message", .type = &text_type, .help = "Why, as the node says."},
};
static const struct schema failure_schema = {.fields = failure_fields,
                                             .n_fields = ARRAY_SIZE(failure_fields)};

static const struct field status_fields[] = {
    {.name = "profileName",
     .type = &text_type,
     .required = true,
     .help =
         "The name of the profile, and of its ArmorProfile; empty until the policy is first accepted."},
    {.name = "ready",
     .type = &flag_type,
     .required = true,
     .help = "Every node that should have the profile has it, in every enforcer of the policy."},
    {.name = "phase",
     .type = &text_type,
     .help = "Where the policy stands: Pending, Protecting, Modeling, Completed or Error."},
    {.name = "conditions",
     .type = &list_type,
     .param = &condition_schema,
     .max_items = 16,
     .list_keys = "type",
     .help = "What is known about the policy, one entry for each type."},
    {.name = "observedGeneration",
     .type = &number_type,
     .param = &generation,
     .help =
         "The metadata.generation of the policy that was last judged; smaller than it: the newest is not read yet."},
    {.name = "digest",
     .type = &text_type,
     .help =
         "The digest of the profile that is in force, sha256:..., as the nodes of the ArmorProfile have it."},
    {.name = "nodes",
     .type = &object_type,
     .param = &node_count_schema,
     .help = "How many nodes have the profile."},
    {.name = "boundContainers",
     .type = &number_type,
     .param = &count,
     .help = "Running containers that are under the profile."},
    {.name = "enforcers",
     .type = &list_type,
     .param = &enforcer_schema,
     .max_items = 16,
     .list_keys = "name",
     .help = "How many nodes each enforcer of the policy has the profile on."},
    {.name = "failures",
     .type = &list_type,
     .param = &failure_schema,
     .max_items = POLICY_STATUS_MAX_FAILURES,
     .help = "The nodes that could not take the profile, and why; the first of them."},
    {.name = "failuresOmitted",
     .type = &number_type,
     .param = &count,
     .help = "Failures that are not listed."},
    {.name = "warnings",
     .type = &texts_type,
     .max_items = POLICY_STATUS_MAX_WARNINGS,
     .help = "What the policy says that has no effect, or not on every enforcer."},
};
const struct schema policy_status_schema = {.fields = status_fields,
                                            .n_fields = ARRAY_SIZE(status_fields)};
