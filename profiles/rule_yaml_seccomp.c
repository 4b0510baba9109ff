/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "profiles/rule_yaml.h"

/* What a blocked call may answer. */
static const struct word errno_items[] = {{.text = "EPERM", .value = EPERM},
                                          {.text = "ENOSYS", .value = ENOSYS}};
static const struct words errno_words = {"an error number", errno_items, ARRAY_SIZE(errno_items),
                                         false};

static int read_errno(struct rule_reader *in, const yaml_node_t *node, unsigned *ret)
{
    const char *text = rule_yaml_text(node);
    const struct word *known = text ? words_find(&errno_words, text) : NULL;

    if (!node)
        return 0;
    if (!known)
        return rule_yaml_refuse(in, node, "EPERM or ENOSYS is wanted");
    *ret = (unsigned)known->value;
    return 0;
}

/* The rule of the list to which read_arg() and read_name() add. */
static struct sc_rule *last_rule(struct rule_reader *in)
{
    return &in->data->seccomp.rules[in->data->seccomp.n_rules - 1];
}

static int read_name(struct rule_reader *in, const yaml_node_t *node)
{
    const char *text = rule_yaml_text(node);

    if (!text || !sc_is_call_name(text))
        return rule_yaml_refuse(in, node, "the name of a system call is wanted");
    return sc_rule_add_name(last_rule(in), text) < 0 ? error_oom(in->reterr) : 0;
}

static int read_arg(struct rule_reader *in, const yaml_node_t *entry)
{
    static const char *const keys[] = {"index", "mask", "value", NULL};
    struct sc_rule *rule = last_rule(in);
    const yaml_node_t *index, *mask, *value;
    uint32_t bits = 0, wanted = 0;
    const char *text;
    int r = rule_yaml_check_keys(in, entry, keys);

    if (r < 0)
        return r;
    index = rule_yaml_child(in, entry, "index");
    mask = rule_yaml_child(in, entry, "mask");
    value = rule_yaml_child(in, entry, "value");
    text = rule_yaml_text(index);
    if (!text || strlen(text) != 1 || *text < '0' || *text >= '0' + SC_MAX_ARGS)
        return rule_yaml_refuse(in, entry, "an index from 0 to 5 is wanted");
    for (size_t i = 0; i < rule->n_args; i++)
        if (rule->args[i].index == (unsigned)(*text - '0'))
            return rule_yaml_refuse(in, entry, "this argument has a condition already");
    if (!mask || !value)
        return rule_yaml_refuse(in, entry, "mask or value is missing");
    r = rule_yaml_hexadecimal(in, mask, &bits);
    if (r == 0)
        r = rule_yaml_hexadecimal(in, value, &wanted);
    if (r < 0)
        return r;
    if (wanted & ~bits)
        return rule_yaml_refuse(in, value, "the value has bits that the mask has not");
    sc_rule_add_arg32(rule, (unsigned)(*text - '0'), bits, wanted);
    return 0;
}

int rule_yaml_seccomp_entry(struct rule_reader *in, const yaml_node_t *entry)
{
    static const char *const keys[] = {"syscalls", "errno", "args", NULL};
    const yaml_node_t *names, *args;
    unsigned number = EPERM;
    int r = rule_yaml_check_keys(in, entry, keys);

    if (r < 0)
        return r;
    names = rule_yaml_child(in, entry, "syscalls");
    args = rule_yaml_child(in, entry, "args");
    if (!names)
        return rule_yaml_refuse(in, entry, "syscalls are missing");
    r = read_errno(in, rule_yaml_child(in, entry, "errno"), &number);
    if (r < 0)
        return r;
    if (!sc_profile_add(&in->data->seccomp, SC_ERRNO, number, in->data->name))
        return error_oom(in->reterr);
    r = rule_yaml_list(in, names, SC_MAX_NAMES, read_name);
    return r == 0 && args ? rule_yaml_list(in, args, SC_MAX_ARGS, read_arg) : r;
}
