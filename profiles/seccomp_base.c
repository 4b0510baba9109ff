/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/seccomp_base.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/document.h"
#include "profiles/embedded.h"

struct base_reader {
    const char *file;
    struct sc_profile *profile;
    struct sc_profile blocks; /* owned */
    struct error **reterr;
};

static int refuse(const struct base_reader *rd, const struct node *at, const char *what)
{
    return error_set(rd->reterr, -EINVAL, "%s:%u:%u: %s", rd->file, at->line, at->column, what);
}

static int check_keys(const struct base_reader *rd, const struct node *map,
                      const char *const *allowed)
{
    if (map->kind != NODE_MAP)
        return refuse(rd, map, "a map is wanted");
    NODE_FOREACH(child, map)
    {
        const char *const *a = allowed;

        while (*a && strcmp(*a, child->key->text) != 0)
            a++;
        if (!*a)
            return refuse(rd, child->key, "this key is not known");
    }
    return 0;
}

static int read_names(const struct base_reader *rd, const struct node *list, struct sc_rule *rule)
{
    if (list->kind != NODE_LIST || list->n_children == 0)
        return refuse(rd, list, "a list of system calls is wanted");
    NODE_FOREACH(name, list)
    {
        if (name->kind != NODE_SCALAR || !sc_is_call_name(name->text))
            return refuse(rd, name, "the name of a system call is wanted");
        if (sc_rule_add_name(rule, name->text) < 0)
            return error_oom(rd->reterr);
    }
    return 0;
}

static int read_number(const struct base_reader *rd, const struct node *map, const char *key,
                       unsigned long max, uint32_t *ret)
{
    const struct node *n = node_find(map, key);
    unsigned long value;
    char *end;

    if (!n || n->kind != NODE_SCALAR || node_scalar_type(n) != SCALAR_NUMBER || *n->text == '-')
        return refuse(rd, n ? n : map, "index, mask and value are wanted, as numbers");
    errno = 0;
    value = strtoul(n->text, &end, 0);
    if (*end || errno || value > max)
        return refuse(rd, n, "this number is out of range");
    *ret = (uint32_t)value;
    return 0;
}

static int read_arg(const struct base_reader *rd, const struct node *map, struct sc_rule *rule)
{
    static const char *const keys[] = {"index", "mask", "value", NULL};
    uint32_t index = 0, mask = 0, value = 0;
    int r = check_keys(rd, map, keys);

    if (r == 0)
        r = read_number(rd, map, "index", SC_MAX_ARGS - 1, &index);
    if (r == 0)
        r = read_number(rd, map, "mask", UINT32_MAX, &mask);
    if (r == 0)
        r = read_number(rd, map, "value", UINT32_MAX, &value);
    if (r < 0)
        return r;
    for (size_t i = 0; i < rule->n_args; i++)
        if (rule->args[i].index == index)
            return refuse(rd, map, "this argument has a condition already");
    if (value & ~mask)
        return refuse(rd, map, "the value has bits that the mask has not");
    sc_rule_add_arg32(rule, index, mask, value);
    return 0;
}

static int read_entry(const struct base_reader *rd, const struct node *map, struct sc_rule *rule)
{
    static const char *const keys[] = {"syscalls", "args", NULL};
    const struct node *names = node_find(map, "syscalls"), *args = node_find(map, "args");
    int r = check_keys(rd, map, keys);

    if (r < 0)
        return r;
    if (!names || (args && args->kind != NODE_LIST))
        return refuse(rd, map, "syscalls are wanted, and args as a list");
    r = read_names(rd, names, rule);
    for (const struct node *arg = args ? args->first : NULL; arg && r == 0; arg = arg->next)
        r = read_arg(rd, arg, rule);
    return r;
}

static int read_entries(const struct base_reader *rd, const struct node *list,
                        struct sc_profile *into, enum sc_action action)
{
    int r = 0;

    if (list->kind != NODE_LIST)
        return refuse(rd, list, "a list is wanted");
    for (const struct node *entry = list->first; entry && r == 0; entry = entry->next) {
        struct sc_rule *rule = sc_profile_add(into, action, SC_DEFAULT_ERRNO, NULL);

        r = rule ? read_entry(rd, entry, rule) : error_oom(rd->reterr);
    }
    return r;
}

static int read_list(const struct base_reader *rd, const struct node *list, enum sc_action action,
                     unsigned number)
{
    struct sc_rule *rule = sc_profile_add(rd->profile, action, number, NULL);

    return rule ? read_names(rd, list, rule) : error_oom(rd->reterr);
}

/* Blocks are laid over the calls with conditions before the others join them, so that none of those
 * is taken for a way round (socketcall). */
static int read_base(struct base_reader *rd, const struct node *root)
{
    static const char *const keys[] = {"allow", "allow_where", "block", "answer_enosys", NULL};
    int r = check_keys(rd, root, keys);

    for (const char *const *k = keys; *k && r == 0; k++)
        if (!node_find(root, *k))
            r = refuse(rd, root, "allow, allow_where, block and answer_enosys are wanted");
    if (r == 0)
        r = read_entries(rd, node_find(root, "allow_where"), rd->profile, SC_ALLOW);
    if (r == 0)
        r = read_entries(rd, node_find(root, "block"), &rd->blocks, SC_ERRNO);
    if (r == 0)
        r = sc_profile_block(rd->profile, rd->blocks.rules, rd->blocks.n_rules, rd->reterr);
    if (r == 0)
        r = read_list(rd, node_find(root, "allow"), SC_ALLOW, 0);
    return r < 0 ? r : read_list(rd, node_find(root, "answer_enosys"), SC_ERRNO, ENOSYS);
}

int seccomp_base_parse(struct sc_profile *ret, const char *file, const char *text, size_t len,
                       struct error **reterr)
{
    CLEANUP_DOCUMENTS struct documents documents = DOCUMENTS_INIT;
    struct base_reader rd = {.file = file, .profile = ret, .reterr = reterr};
    struct findings findings = {0};
    int r = documents_read(&documents, text, len, &findings);

    *ret = (struct sc_profile){.default_action = SC_ERRNO, .default_errno = SC_DEFAULT_ERRNO};
    if (r < 0)
        error_oom(reterr);
    else if (findings.n > 0)
        r = error_set(reterr, -EINVAL, "%s:%u:%u: %s", file, findings.items[0].line,
                      findings.items[0].column, findings.items[0].message);
    else if (documents.n != 1)
        r = error_set(reterr, -EINVAL, "%s: it is not one document", file);
    else
        r = read_base(&rd, documents.items[0].root);
    sc_profile_done(&rd.blocks);
    findings_done(&findings);
    return r;
}

int seccomp_base_fill(struct sc_profile *ret, struct error **reterr)
{
    const struct embedded_file *file = &seccomp_base_files[0];

    return seccomp_base_parse(ret, file->name, file->text, strlen(file->text), reterr);
}
