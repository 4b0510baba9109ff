/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "lib/policy/policy_words.h"
#include "profiles/capability_words.h"
#include "profiles/rule_yaml.h"

/* ---- One function for each kind of entry: entry is the map, value the value of the kind's key
 * ---- */

typedef int read_entry(struct rule_reader *in, const yaml_node_t *entry, const yaml_node_t *value,
                       struct rule *rule);

static int read_file(struct rule_reader *in, const yaml_node_t *entry, const yaml_node_t *value,
                     struct rule *rule)
{
    const yaml_node_t *permissions = rule_yaml_child(in, entry, "permissions");
    uint64_t bits;
    int r;

    if (!permissions)
        return rule_yaml_refuse(in, entry, "permissions are missing");
    r = rule_yaml_words(in, permissions, &path_permission_words, &bits);
    if (r < 0)
        return r;
    if (bits & PATH_EXEC)
        return rule_yaml_refuse(in, permissions, "an exec entry is wanted for that");
    rule->path.permissions = (unsigned)bits;
    return rule_yaml_copy(in, value, &rule->path.pattern);
}

static int read_exec(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                     const yaml_node_t *value, struct rule *rule)
{
    rule->path.permissions = PATH_EXEC;
    return rule_yaml_copy(in, value, &rule->path.pattern);
}

static int read_capabilities(struct rule_reader *in, const yaml_node_t *entry,
                             const yaml_node_t *value, struct rule *rule)
{
    const yaml_node_t *except = rule_yaml_child(in, entry, "except");
    uint64_t mask, left_out = 0;
    int r;

    r = rule_yaml_words(in, value, &capability_words, &mask);
    if (r == 0 && except)
        r = rule_yaml_words(in, except, &capability_words, &left_out);
    if (r < 0)
        return r;
    rule->capability.mask = mask & ~left_out;
    return 0;
}

static int read_domains(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                        const yaml_node_t *value, struct rule *rule)
{
    return rule_yaml_words(in, value, &socket_domain_words, &rule->socket.domains);
}

static int read_protocols(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                          const yaml_node_t *value, struct rule *rule)
{
    uint64_t bits;
    int r = rule_yaml_words(in, value, &socket_protocol_words, &bits);

    if (r == 0)
        rule->socket.protocols = (uint32_t)bits;
    return r;
}

static int read_egress(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                       const yaml_node_t *value, struct rule *rule)
{
    const char *text = rule_yaml_text(value);

    if (!text || (addr_parse(&rule->egress.block, text) < 0 &&
                  addr_parse_block(&rule->egress.block, text) < 0))
        return rule_yaml_refuse(in, value, "an address or a block is wanted");
    return 0;
}

static int read_ptrace(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                       const yaml_node_t *value, struct rule *rule)
{
    uint64_t bits;
    int r = rule_yaml_words(in, value, &ptrace_permission_words, &bits);

    if (r == 0)
        rule->ptrace.permissions = (unsigned)bits;
    return r;
}

static int read_mount(struct rule_reader *in, const yaml_node_t *entry, const yaml_node_t *value,
                      struct rule *rule)
{
    const yaml_node_t *fstype = rule_yaml_child(in, entry, "fstype");
    const yaml_node_t *flags = rule_yaml_child(in, entry, "flags");
    const yaml_node_t *reverse = rule_yaml_child(in, entry, "reverse_flags");
    int r;

    if (!fstype || !flags)
        return rule_yaml_refuse(in, entry, "fstype or flags are missing");
    r = rule_yaml_copy(in, value, &rule->mount.pattern);
    if (r == 0)
        r = rule_yaml_copy(in, fstype, &rule->mount.fstype);
    if (r == 0)
        r = rule_yaml_hexadecimal(in, flags, &rule->mount.flags);
    if (r == 0 && reverse)
        r = rule_yaml_hexadecimal(in, reverse, &rule->mount.reverse_flags);
    return r;
}

static const struct entry_kind {
    const char *keys[6]; /* the first names the kind, the others may follow; NULL ends */
    enum rule_kind kind;
    read_entry *read;
} entry_kinds[] = {
    {{"file", "permissions"}, RULE_FILE, read_file},
    {{"exec"}, RULE_EXEC, read_exec},
    {{"capabilities", "except"}, RULE_CAPABILITY, read_capabilities},
    {{"socket_domains"}, RULE_SOCKET, read_domains},
    {{"socket_protocols"}, RULE_SOCKET, read_protocols},
    {{"egress"}, RULE_EGRESS, read_egress},
    {{"ptrace"}, RULE_PTRACE, read_ptrace},
    {{"mount", "fstype", "flags", "reverse_flags", "privileged_only"}, RULE_MOUNT, read_mount},
};

/* privileged_only: may be left out; the only other text is true. */
static int read_privileged_only(struct rule_reader *in, const yaml_node_t *entry, uint64_t bit)
{
    const yaml_node_t *node = rule_yaml_child(in, entry, "privileged_only");
    const char *text = rule_yaml_text(node);

    if (!node)
        return 0;
    if (!text || strcmp(text, "true") != 0)
        return rule_yaml_refuse(in, node, "only true is wanted here");
    in->data->privileged_only |= bit;
    return 0;
}

int rule_yaml_bpf_entry(struct rule_reader *in, const yaml_node_t *entry)
{
    struct profile *content = in->data->bpf;

    if (entry->type != YAML_MAPPING_NODE)
        return rule_yaml_refuse(in, entry, "a map is wanted");
    for (size_t i = 0; i < ARRAY_SIZE(entry_kinds); i++) {
        const yaml_node_t *value = rule_yaml_child(in, entry, entry_kinds[i].keys[0]);
        struct rule *rule;
        int r;

        if (!value)
            continue;
        r = rule_yaml_check_keys(in, entry, entry_kinds[i].keys);
        if (r == 0)
            r = read_privileged_only(in, entry, 1ULL << content->n_rules);
        if (r < 0)
            return r;
        rule = profile_add_rule(content, entry_kinds[i].kind, 0, in->data->name);
        if (!rule)
            return error_oom(in->reterr);
        return entry_kinds[i].read(in, entry, value, rule);
    }
    return rule_yaml_refuse(in, entry, "no key says what kind of entry this is");
}
