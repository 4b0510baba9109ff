/* SPDX-License-Identifier: Apache-2.0 */
/* ArmorProfileModel, a model of what the containers of a policy do: the fields of contract.md 1.6,
 * which stand at the root of the object. */
#include "lib/policy/custom_resource.h"

static const struct number count = {.max = INT32_MAX};

/* Lists of a model are as long as what was seen. */
static const struct value_type seen_texts_type = {.shape = SHAPE_TEXT, .list = true};
static const struct value_type seen_type = {.shape = SHAPE_OBJECT, .list = true};
static const struct value_type nothing_type = {.shape = SHAPE_OBJECT};

static const struct field file_fields[] = {
    {.name = "path", .type = &text_type, .required = true, .help = "The file."},
    {.name = "owner",
     .type = &flag_type,
     .required = true,
     .help = "Whether the process owned the file."},
    {.name = "permissions",
     .type = &seen_texts_type,
     .required = true,
     .help = "What was done with it."},
    {.name = "oldPath",
     .type = &text_type,
     .required = true,
     .help = "The path before random parts were replaced; or empty."},
};
static const struct schema file_schema = {.fields = file_fields,
                                          .n_fields = ARRAY_SIZE(file_fields)};

static const struct field network_fields[] = {
    {.name = "family", .type = &text_type, .required = true, .help = "The address family."},
    {.name = "sockType", .type = &text_type, .required = true, .help = "The type of socket."},
    {.name = "protocol", .type = &text_type, .required = true, .help = "The protocol."},
};
static const struct schema network_schema = {.fields = network_fields,
                                             .n_fields = ARRAY_SIZE(network_fields)};

static const struct field ptrace_fields[] = {
    {.name = "peer",
     .type = &text_type,
     .required = true,
     .help = "The profile of the other process."},
    {.name = "permissions", .type = &seen_texts_type, .required = true, .help = "What was done."},
};
static const struct schema ptrace_schema = {.fields = ptrace_fields,
                                            .n_fields = ARRAY_SIZE(ptrace_fields)};

static const struct field signal_fields[] = {
    {.name = "peer",
     .type = &text_type,
     .required = true,
     .help = "The profile of the other process."},
    {.name = "permissions",
     .type = &seen_texts_type,
     .required = true,
     .help = "Whether signals were sent or received."},
    {.name = "signals", .type = &seen_texts_type, .required = true, .help = "The signals."},
};
static const struct schema signal_schema = {.fields = signal_fields,
                                            .n_fields = ARRAY_SIZE(signal_fields)};

static const struct field apparmor_fields[] = {
    {.name = "profiles", .type = &seen_texts_type, .help = "The profiles that were seen."},
    {.name = "executions", .type = &seen_texts_type, .help = "The programs that were run."},
    {.name = "files",
     .type = &seen_type,
     .param = &file_schema,
     .help = "The files that were opened."},
    {.name = "capabilities", .type = &seen_texts_type, .help = "The capabilities that were used."},
    {.name = "networks",
     .type = &seen_type,
     .param = &network_schema,
     .help = "The sockets that were made."},
    {.name = "ptraces",
     .type = &seen_type,
     .param = &ptrace_schema,
     .help = "The processes that were traced or read."},
    {.name = "signals",
     .type = &seen_type,
     .param = &signal_schema,
     .help = "The signals that were exchanged."},
    {.name = "unhandled", .type = &seen_texts_type, .help = "Events that no rule can be made of."},
};
static const struct schema apparmor_schema = {.fields = apparmor_fields,
                                              .n_fields = ARRAY_SIZE(apparmor_fields)};

static const struct field seccomp_fields[] = {
    {.name = "syscalls", .type = &seen_texts_type, .help = "The system calls that were made."},
};
static const struct schema seccomp_schema = {.fields = seccomp_fields,
                                             .n_fields = ARRAY_SIZE(seccomp_fields)};

static const struct field dynamic_fields[] = {
    {.name = "apparmor",
     .type = &object_type,
     .param = &apparmor_schema,
     .help = "What AppArmor's events told."},
    {.name = "seccomp",
     .type = &object_type,
     .param = &seccomp_schema,
     .help = "What seccomp's events told."},
};
static const struct schema dynamic_schema = {.fields = dynamic_fields,
                                             .n_fields = ARRAY_SIZE(dynamic_fields)};

static const struct schema static_schema = {0};

static const struct field data_fields[] = {
    {.name = "dynamicResult",
     .type = &object_type,
     .param = &dynamic_schema,
     .help = "What the containers did while they were watched."},
    {.name = "staticResult",
     .type = &nothing_type,
     .param = &static_schema,
     .help = "Has no fields."},
    {.name = "profile",
     .type = &object_type,
     .param = &armor_profile_content_schema,
     .help = "The profiles that were made of it."},
};
const struct schema behavior_model_data_schema = {.fields = data_fields,
                                                  .n_fields = ARRAY_SIZE(data_fields)};

static const struct field status_fields[] = {
    {.name = "desiredNumber",
     .type = &number_type,
     .param = &count,
     .help = "Nodes that are to tell what they saw."},
    {.name = "completedNumber",
     .type = &number_type,
     .param = &count,
     .help = "Nodes that have told it."},
    {.name = "ready", .type = &flag_type, .required = true, .help = "The profiles are made."},
    {.name = "conditions",
     .type = &list_type,
     .param = &node_condition_schema,
     .help = "The nodes that failed, one entry each."},
};
const struct schema behavior_model_status_schema = {.fields = status_fields,
                                                    .n_fields = ARRAY_SIZE(status_fields)};
