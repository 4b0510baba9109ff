/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/policy_schema.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

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

static int decode_attack_rule_names(struct decoder *d, const struct node *value,
                                    const struct field *f, void *object)
{
    if (value->kind == NODE_LIST && value->n_children == 0)
        decoder_error(d, value, "the list is empty: at least one is needed");
    return decode_rule_names(d, value, f, object);
}

static const struct field attack_rules_fields[] = {
    {.name = "rules",
     .decode = decode_attack_rule_names,
     .offset = offsetof(struct policy_attack_rules, rules),
     .param = &attack_list,
     .required = true},
    {.name = "targets",
     .decode = decode_targets,
     .offset = offsetof(struct policy_attack_rules, targets)},
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

static const struct field raw_rules_fields[] = {
    {.name = "rules",
     .decode = decode_policy_text,
     .offset = offsetof(struct policy_raw_rules, rules),
     .required = true},
    {.name = "targets",
     .decode = decode_targets,
     .offset = offsetof(struct policy_raw_rules, targets)},
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
     .decode = decode_number,
     .offset = offsetof(struct policy_syscall_arg, index),
     .param = &arg_index,
     .required = true},
    {.name = "op",
     .decode = decode_word_text,
     .offset = offsetof(struct policy_syscall_arg, op),
     .param = &syscall_operator_words,
     .required = true},
    {.name = "value",
     .decode = decode_number,
     .offset = offsetof(struct policy_syscall_arg, value),
     .param = &arg_value,
     .required = true},
    {.name = "valueTwo",
     .decode = decode_number,
     .offset = offsetof(struct policy_syscall_arg, value_two),
     .param = &arg_value},
};
static const struct schema syscall_arg_schema = {
    .fields = syscall_arg_fields,
    .n_fields = ARRAY_SIZE(syscall_arg_fields),
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
     .decode = decode_filled_texts,
     .offset = offsetof(struct policy_syscall_rule, names),
     .required = true},
    {.name = "action",
     .decode = decode_word_text,
     .offset = offsetof(struct policy_syscall_rule, action),
     .param = &syscall_action_words,
     .required = true},
    {.name = "errnoRet",
     .decode = decode_number,
     .offset = offsetof(struct policy_syscall_rule, errno_ret),
     .also = offsetof(struct policy_syscall_rule, has_errno),
     .param = &errno_number},
    {.name = "args",
     .decode = decode_list,
     .offset = offsetof(struct policy_syscall_rule, args),
     .also = offsetof(struct policy_syscall_rule, n_args),
     .param = &syscall_arg_schema},
};
static const struct schema syscall_rule_schema = {
    .fields = syscall_rule_fields,
    .n_fields = ARRAY_SIZE(syscall_rule_fields),
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
     .decode = decode_rule_names,
     .offset = offsetof(struct policy_enhance_protect, hardening_rules),
     .param = &hardening_list},
    {.name = "attackProtectionRules",
     .decode = decode_list,
     .offset = offsetof(struct policy_enhance_protect, attack_rules),
     .also = offsetof(struct policy_enhance_protect, n_attack_rules),
     .param = &attack_rules_schema},
    {.name = "vulMitigationRules",
     .decode = decode_rule_names,
     .offset = offsetof(struct policy_enhance_protect, mitigation_rules),
     .param = &mitigation_list},
    {.name = "appArmorRawRules",
     .decode = decode_list,
     .offset = offsetof(struct policy_enhance_protect, apparmor_raw),
     .also = offsetof(struct policy_enhance_protect, n_apparmor_raw),
     .param = &raw_rules_schema},
    {.name = "bpfRawRules",
     .decode = decode_object,
     .offset = offsetof(struct policy_enhance_protect, bpf),
     .param = &bpf_rules_schema},
    {.name = "syscallRawRules",
     .decode = decode_list,
     .offset = offsetof(struct policy_enhance_protect, syscalls),
     .also = offsetof(struct policy_enhance_protect, n_syscalls),
     .param = &syscall_rule_schema},
    {.name = "privileged",
     .decode = decode_flag,
     .offset = offsetof(struct policy_enhance_protect, privileged)},
    {.name = "auditViolations",
     .decode = decode_flag,
     .offset = offsetof(struct policy_enhance_protect, audit_violations)},
    {.name = "allowViolations",
     .decode = decode_flag,
     .offset = offsetof(struct policy_enhance_protect, allow_violations)},
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
        json = json_loads(custom->custom_profile, JSON_REJECT_DUPLICATES, &e);
        if (!json && (json_error_code(&e) == json_error_out_of_memory || !*e.text))
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

#define CUSTOM_ROWS                                                                                \
    {.name = "profileType",                                                                        \
     .decode = decode_profile_type,                                                                \
     .param = &profile_type_words,                                                                 \
     .required = true},                                                                            \
    {                                                                                              \
        .name = "customProfile", .decode = decode_filled_text,                                     \
        .offset = offsetof(struct policy_custom, custom_profile)                                   \
    }

static const struct field custom_apparmor_fields[] = {
    CUSTOM_ROWS,
    {.name = "appArmorRawRules",
     .decode = decode_list,
     .offset = offsetof(struct policy_custom, apparmor_raw),
     .also = offsetof(struct policy_custom, n_apparmor_raw),
     .param = &raw_rules_schema},
};
const struct schema custom_apparmor_schema = {
    .fields = custom_apparmor_fields,
    .n_fields = ARRAY_SIZE(custom_apparmor_fields),
    .size = sizeof(struct policy_custom),
    .has_at = true,
    .at_offset = offsetof(struct policy_custom, at),
    .check = check_custom,
};

static const struct field custom_seccomp_fields[] = {
    CUSTOM_ROWS,
    {.name = "syscallRawRules",
     .decode = decode_list,
     .offset = offsetof(struct policy_custom, syscalls),
     .also = offsetof(struct policy_custom, n_syscalls),
     .param = &syscall_rule_schema},
};
const struct schema custom_seccomp_schema = {
    .fields = custom_seccomp_fields,
    .n_fields = ARRAY_SIZE(custom_seccomp_fields),
    .size = sizeof(struct policy_custom),
    .has_at = true,
    .at_offset = offsetof(struct policy_custom, at),
    .check = check_custom_seccomp,
};
