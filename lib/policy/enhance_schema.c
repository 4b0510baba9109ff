/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/policy_schema.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/json_value.h"
#include "lib/policy/object.h"
#include "lib/policy/policy_words.h"

#define ERRNO_MAX    4095 /* the kernel takes no larger one from a filter (MAX_ERRNO) */
#define SYSCALL_ARGS 6

/* ---- Names of built-in rules ---- */

static int check_rule_name(struct decoder *d, const struct node *value, enum policy_rule_list list)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r;

    if (value->kind != NODE_SCALAR || node_scalar_type(value) != SCALAR_TEXT || !*value->text)
        return 0; /* decode_texts() says what is wrong with it */
    r = d->checks->builtin_rule(list, value->text, &e);
    if (r < 0 && r != -ENOMEM)
        decoder_error(d, value, "%s", error_message(e));
    return r == -ENOMEM ? r : 0;
}

static int decode_rule_names(struct decoder *d, const struct node *value, const struct field *f,
                             void *object)
{
    const enum policy_rule_list *list = f->param;
    size_t i = 0;

    if (d->checks && d->checks->builtin_rule && value->kind == NODE_LIST)
        NODE_FOREACH(child, value)
        {
            size_t mark;
            int r = decoder_enter_index(d, i++, &mark);

            if (r == 0)
                r = check_rule_name(d, child, *list);
            if (r < 0)
                return r;
            decoder_leave(d, mark);
        }
    return decode_texts(d, value, f, object);
}
static const struct value_type rule_names_type = {
    .decode = decode_rule_names,
    .shape = SHAPE_TEXT,
    .list = true,
    .max_items = DECODER_MAX_ITEMS,
    .min_length = 1,
    .max_length = DECODER_MAX_TEXT,
};

static const enum policy_rule_list hardening_list = POLICY_HARDENING_RULES,
                                   attack_list = POLICY_ATTACK_PROTECTION_RULES,
                                   mitigation_list = POLICY_MITIGATION_RULES;

/* ---- Rules with targets ---- */

/* Full paths of executables. */
static int decode_targets(struct decoder *d, const struct node *value, const struct field *f,
                          void *object)
{
    size_t i = 0;

    if (value->kind == NODE_LIST)
        NODE_FOREACH(child, value)
        {
            size_t mark;

            if (decoder_enter_index(d, i++, &mark) < 0)
                return -ENOMEM;
            if (child->kind == NODE_SCALAR && node_scalar_type(child) == SCALAR_TEXT &&
                *child->text && *child->text != '/')
                decoder_error(d, child,
                              "'%s' is not the full path of a program: it begins with '/'",
                              error_quote(child->text));
            decoder_leave(d, mark);
        }
    return decode_texts(d, value, f, object);
}
static const struct value_type targets_type = {
    .decode = decode_targets,
    .shape = SHAPE_TEXT,
    .list = true,
    .max_items = DECODER_MAX_ITEMS,
    .min_length = 1,
    .max_length = DECODER_MAX_TEXT,
    .pattern = "^/",
};

static int decode_attack_rule_names(struct decoder *d, const struct node *value,
                                    const struct field *f, void *object)
{
    if (value->kind == NODE_LIST && value->n_children == 0)
        decoder_error(d, value, "the list is empty: at least one is needed");
    return decode_rule_names(d, value, f, object);
}
static const struct value_type attack_rule_names_type = {
    .decode = decode_attack_rule_names,
    .shape = SHAPE_TEXT,
    .list = true,
    .min_items = 1,
    .max_items = DECODER_MAX_ITEMS,
    .min_length = 1,
    .max_length = DECODER_MAX_TEXT,
};

static const struct field attack_rules_fields[] = {
    {.name = "rules",
     .type = &attack_rule_names_type,
     .offset = offsetof(struct policy_attack_rules, rules),
     .param = &attack_list,
     .required = true,
     .help = "Names of built-in rules against attacks."},
    {.name = "targets",
     .type = &targets_type,
     .offset = offsetof(struct policy_attack_rules, targets),
     .help =
         "Full paths of programs: the rules count only in processes that run one of them, and in what these start. AppArmor alone does this. None: all processes."},
};
static const struct schema attack_rules_schema = {
    .fields = attack_rules_fields,
    .n_fields = ARRAY_SIZE(attack_rules_fields),
    .size = sizeof(struct policy_attack_rules),
    .has_at = true,
    .at_offset = offsetof(struct policy_attack_rules, at),
};

static int decode_policy_text(struct decoder *d, const struct node *value, const struct field *f,
                              void *object)
{
    struct policy_text *text = field_member(object, f->offset);
    static const struct field inner = {.offset = offsetof(struct policy_text, text)};

    text->at = (struct policy_position){value->line, value->column};
    text->text_at = (struct policy_position){value->text_line, value->text_column};
    return decode_filled_text(d, value, &inner, text);
}
static const struct value_type policy_text_type = {
    .decode = decode_policy_text, .shape = SHAPE_TEXT, .min_length = 1, .max_length = AA_MAX_TEXT};

static const struct field raw_rules_fields[] = {
    {.name = "rules",
     .type = &policy_text_type,
     .offset = offsetof(struct policy_raw_rules, rules),
     .required = true,
     .help = "Rules in the language of apparmor.d(5), each ended by a comma."},
    {.name = "targets",
     .type = &targets_type,
     .offset = offsetof(struct policy_raw_rules, targets),
     .help =
         "Full paths of programs: the rules count only in processes that run one of them, and in what these start. None: all processes."},
};
static const struct schema raw_rules_schema = {
    .fields = raw_rules_fields,
    .n_fields = ARRAY_SIZE(raw_rules_fields),
    .size = sizeof(struct policy_raw_rules),
    .has_at = true,
    .at_offset = offsetof(struct policy_raw_rules, at),
};

/* ---- syscallRawRules ---- */

/* A word of the table in param, kept as text. */
static int decode_word_text(struct decoder *d, const struct node *value, const struct field *f,
                            void *object)
{
    unsigned unused;
    int r = decode_word(d, value, &(struct field){.param = f->param}, &unused);
    if (r < 0 || value->kind != NODE_SCALAR || !words_find(f->param, value->text))
        return r;
    return decode_text(d, value, f, object);
}
static const struct value_type word_text_type = {.decode = decode_word_text, .shape = SHAPE_WORD};

static const struct number arg_index = {
    .max = SYSCALL_ARGS - 1, .size = sizeof(unsigned), .what = "an argument's index"};
static const struct number arg_value = {
    .max = UINT64_MAX, .size = sizeof(uint64_t), .what = "an argument's value"};
static const struct number errno_number = {
    .max = ERRNO_MAX, .size = sizeof(unsigned), .what = "an errno"};

static int check_syscall_arg(struct decoder *d, const struct node *map, void *object)
{
    const struct policy_syscall_arg *arg = object;

    if (arg->op && arg->value_two && strcmp(arg->op, "SCMP_CMP_MASKED_EQ") != 0)
        decoder_error_in(d, node_find(map, "valueTwo"),
                         "a second value has a meaning with SCMP_CMP_MASKED_EQ only, not with %s",
                         arg->op);
    return 0;
}

static const struct field syscall_arg_fields[] = {
    {.name = "index",
     .type = &number_type,
     .offset = offsetof(struct policy_syscall_arg, index),
     .param = &arg_index,
     .required = true,
     .help = "Which argument of the system call, counted from 0."},
    {.name = "op",
     .type = &word_text_type,
     .offset = offsetof(struct policy_syscall_arg, op),
     .param = &syscall_operator_words,
     .required = true,
     .help = "How the argument is compared with value."},
    {.name = "value",
     .type = &number_type,
     .offset = offsetof(struct policy_syscall_arg, value),
     .param = &arg_value,
     .required = true,
     .help = "What the argument is compared with; with SCMP_CMP_MASKED_EQ the mask."},
    {.name = "valueTwo",
     .type = &number_type,
     .offset = offsetof(struct policy_syscall_arg, value_two),
     .param = &arg_value,
     .help = "With SCMP_CMP_MASKED_EQ: what the masked argument must be."},
};
static const struct schema_rule syscall_arg_rules[] = {
    {.rule = "!has(self.valueTwo) || self.valueTwo == 0 || self.op == 'SCMP_CMP_MASKED_EQ'",
     .expression =
         "'a second value has a meaning with SCMP_CMP_MASKED_EQ only, not with ' + self.op",
     .field = ".valueTwo"},
};
static const struct schema syscall_arg_schema = {
    .fields = syscall_arg_fields,
    .n_fields = ARRAY_SIZE(syscall_arg_fields),
    .rules = syscall_arg_rules,
    .n_rules = ARRAY_SIZE(syscall_arg_rules),
    .size = sizeof(struct policy_syscall_arg),
    .check = check_syscall_arg,
};

static int check_syscall_rule(struct decoder *d, const struct node *map, void *object)
{
    const struct policy_syscall_rule *rule = object;

    if (rule->has_errno && rule->action && strcmp(rule->action, "SCMP_ACT_ERRNO") != 0 &&
        strcmp(rule->action, "SCMP_ACT_TRACE") != 0)
        decoder_error_in(
            d, node_find(map, "errnoRet"),
            "an errno has a meaning with SCMP_ACT_ERRNO and SCMP_ACT_TRACE only, not with %s",
            rule->action);
    return 0;
}

static const struct field syscall_rule_fields[] = {
    {.name = "names",
     .type = &filled_texts_type,
     .offset = offsetof(struct policy_syscall_rule, names),
     .required = true,
     .help = "The names of the system calls."},
    {.name = "action",
     .type = &word_text_type,
     .offset = offsetof(struct policy_syscall_rule, action),
     .param = &syscall_action_words,
     .required = true,
     .help =
         "What happens to them, as libseccomp calls it: SCMP_ACT_ERRNO denies, SCMP_ACT_LOG writes down."},
    {.name = "errnoRet",
     .type = &number_type,
     .offset = offsetof(struct policy_syscall_rule, errno_ret),
     .also = offsetof(struct policy_syscall_rule, has_errno),
     .param = &errno_number,
     .help = "The errno that SCMP_ACT_ERRNO returns (or SCMP_ACT_TRACE reports)."},
    {.name = "args",
     .type = &list_type,
     .offset = offsetof(struct policy_syscall_rule, args),
     .also = offsetof(struct policy_syscall_rule, n_args),
     .param = &syscall_arg_schema,
     .max_items = POLICY_MAX_SYSCALL_ARGS,
     .help = "Conditions on the arguments that must all hold; none: every call."},
};
static const struct schema_rule syscall_rule_rules[] = {
    {.rule = "!has(self.errnoRet) || self.action in ['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE']",
     .expression =
         "'an errno has a meaning with SCMP_ACT_ERRNO and SCMP_ACT_TRACE only, not with ' + self.action",
     .field = ".errnoRet"},
};
static const struct schema syscall_rule_schema = {
    .fields = syscall_rule_fields,
    .n_fields = ARRAY_SIZE(syscall_rule_fields),
    .rules = syscall_rule_rules,
    .n_rules = ARRAY_SIZE(syscall_rule_rules),
    .size = sizeof(struct policy_syscall_rule),
    .has_at = true,
    .at_offset = offsetof(struct policy_syscall_rule, at),
    .check = check_syscall_rule,
};

/* ---- enhanceProtect ---- */

static int check_enhance(struct decoder *d UNUSED, const struct node *map UNUSED, void *object)
{
    struct policy_enhance_protect *enhance = object;

    enhance->present = true;
    return 0;
}

static const struct field enhance_fields[] = {
    {.name = "hardeningRules",
     .type = &rule_names_type,
     .offset = offsetof(struct policy_enhance_protect, hardening_rules),
     .param = &hardening_list,
     .help =
         "Names of built-in rules that close ways out of a container; see docs/rules.md or varmorctl get rules."},
    {.name = "attackProtectionRules",
     .type = &list_type,
     .offset = offsetof(struct policy_enhance_protect, attack_rules),
     .also = offsetof(struct policy_enhance_protect, n_attack_rules),
     .param = &attack_rules_schema,
     .help = "Built-in rules against what attackers do in a container."},
    {.name = "vulMitigationRules",
     .type = &rule_names_type,
     .offset = offsetof(struct policy_enhance_protect, mitigation_rules),
     .param = &mitigation_list,
     .help = "Names of built-in rules against single vulnerabilities."},
    {.name = "appArmorRawRules",
     .type = &list_type,
     .offset = offsetof(struct policy_enhance_protect, apparmor_raw),
     .also = offsetof(struct policy_enhance_protect, n_apparmor_raw),
     .param = &raw_rules_schema,
     .help = "AppArmor rules of your own; need the enforcer AppArmor."},
    {.name = "bpfRawRules",
     .type = &object_type,
     .offset = offsetof(struct policy_enhance_protect, bpf),
     .param = &bpf_rules_schema,
     .help =
         "Rules of your own for files, programs, the network, ptrace and mounts; need the enforcer BPF."},
    {.name = "syscallRawRules",
     .type = &list_type,
     .offset = offsetof(struct policy_enhance_protect, syscalls),
     .also = offsetof(struct policy_enhance_protect, n_syscalls),
     .param = &syscall_rule_schema,
     .help = "Rules of your own for system calls; need the enforcer Seccomp."},
    {.name = "privileged",
     .type = &flag_type,
     .offset = offsetof(struct policy_enhance_protect, privileged),
     .help = "Leave the base rules away, as privileged containers need."},
    {.name = "auditViolations",
     .type = &flag_type,
     .offset = offsetof(struct policy_enhance_protect, audit_violations),
     .help = "Also write each denial to the log of violations."},
    {.name = "allowViolations",
     .type = &flag_type,
     .offset = offsetof(struct policy_enhance_protect, allow_violations),
     .help = "Deny nothing; with auditViolations write down what would have been denied."},
};
const struct schema enhance_protect_schema = {
    .fields = enhance_fields,
    .n_fields = ARRAY_SIZE(enhance_fields),
    .size = sizeof(struct policy_enhance_protect),
    .has_at = true,
    .at_offset = offsetof(struct policy_enhance_protect, at),
    .check = check_enhance,
};

/* ---- defenseInDepth.appArmor, .seccomp ---- */

static int decode_profile_type(struct decoder *d, const struct node *value, const struct field *f,
                               void *object)
{
    struct policy_custom *custom = object;
    unsigned from_model = 0;
    int r = decode_word(d, value, &(struct field){.param = f->param}, &from_model);

    custom->from_model = from_model;
    return r;
}
static const struct value_type profile_type_type = {.decode = decode_profile_type,
                                                    .shape = SHAPE_WORD};

/* customProfile belongs to the type Custom, and that needs it. */
static int check_custom(struct decoder *d, const struct node *map, void *object)
{
    struct policy_custom *custom = object;
    const struct node *type = node_find(map, "profileType");
    const struct node *text = node_find(map, "customProfile");

    custom->present = true;
    if (type && type->kind == NODE_SCALAR && strcmp(type->text, "Custom") == 0 && !text)
        decoder_error(d, type->key, "profileType Custom needs a customProfile");
    if (text && custom->from_model)
        decoder_error(d, text->key, "customProfile is not used with profileType BehaviorModel");
    return 0;
}

static int check_custom_seccomp(struct decoder *d, const struct node *map, void *object)
{
    const struct policy_custom *custom = object;
    const struct node *text = node_find(map, "customProfile");
    json_error_t e;
    json_t *json;

    if (custom->custom_profile) {
        json = json_value_read(custom->custom_profile, strlen(custom->custom_profile),
                               JSON_REJECT_DUPLICATES, &e);
        if (!json && json_value_is_oom(&e))
            return -ENOMEM;
        if (!json)
            decoder_error_in(d, text, "not JSON: %s in line %d, column %d of the text", e.text,
                             e.line, e.column);
        else if (!json_is_object(json))
            decoder_error_in(d, text, "JSON, but not an object");
        json_decref(json);
    }
    return check_custom(d, map, object);
}

static const struct value_type apparmor_text_type = {.decode = decode_filled_text,
                                                     .shape = SHAPE_TEXT,
                                                     .min_length = 1,
                                                     .max_length = PROFILE_MAX_APPARMOR_TEXT};
static const struct value_type seccomp_text_type = {.decode = decode_filled_text,
                                                    .shape = SHAPE_TEXT,
                                                    .min_length = 1,
                                                    .max_length = PROFILE_MAX_SECCOMP_JSON};
static const struct schema_rule custom_rules[] = {
    {.rule = "self.profileType != 'Custom' || has(self.customProfile)",
     .message = "profileType Custom needs a customProfile",
     .field = ".profileType"},
    {.rule = "self.profileType != 'BehaviorModel' || !has(self.customProfile)",
     .message = "customProfile is not used with profileType BehaviorModel",
     .field = ".customProfile"},
};

#define CUSTOM_ROWS(profile_text_type, text_help)                                                  \
    {.name = "profileType",                                                                        \
     .type = &profile_type_type,                                                                   \
     .param = &profile_type_words,                                                                 \
     .required = true,                                                                             \
     .help = "Where the profile comes from: from customProfile (Custom), or from the model that "  \
             "BehaviorModeling made for this policy (BehaviorModel)."},                            \
    {                                                                                              \
        .name = "customProfile", .type = &(profile_text_type),                                     \
        .offset = offsetof(struct policy_custom, custom_profile), .help = (text_help)              \
    }

static const struct field custom_apparmor_fields[] = {
    CUSTOM_ROWS(apparmor_text_type, "The whole text of an AppArmor profile."),
    {.name = "appArmorRawRules",
     .type = &list_type,
     .offset = offsetof(struct policy_custom, apparmor_raw),
     .also = offsetof(struct policy_custom, n_apparmor_raw),
     .param = &raw_rules_schema,
     .help = "AppArmor rules that are added to the profile."},
};
const struct schema custom_apparmor_schema = {
    .fields = custom_apparmor_fields,
    .n_fields = ARRAY_SIZE(custom_apparmor_fields),
    .rules = custom_rules,
    .n_rules = ARRAY_SIZE(custom_rules),
    .size = sizeof(struct policy_custom),
    .has_at = true,
    .at_offset = offsetof(struct policy_custom, at),
    .check = check_custom,
};

static const struct field custom_seccomp_fields[] = {
    CUSTOM_ROWS(seccomp_text_type,
                "A seccomp profile as JSON, in the form of the OCI runtime specification."),
    {.name = "syscallRawRules",
     .type = &list_type,
     .offset = offsetof(struct policy_custom, syscalls),
     .also = offsetof(struct policy_custom, n_syscalls),
     .param = &syscall_rule_schema,
     .help = "Rules for system calls that are added to the profile."},
};
const struct schema custom_seccomp_schema = {
    .fields = custom_seccomp_fields,
    .n_fields = ARRAY_SIZE(custom_seccomp_fields),
    .rules = custom_rules,
    .n_rules = ARRAY_SIZE(custom_rules),
    .size = sizeof(struct policy_custom),
    .has_at = true,
    .at_offset = offsetof(struct policy_custom, at),
    .check = check_custom_seccomp,
};
