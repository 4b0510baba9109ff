/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/builtin_rule.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "lib/policy/policy_words.h"
#include "profiles/capability_words.h"

/* One file being read. */
struct rule_reader {
    const char *file;
    yaml_document_t document;
    struct builtin_rule *data;
    struct error **reterr;
};

static int refuse(struct rule_reader *in, const yaml_node_t *at, const char *what)
{
    return error_set(in->reterr, -EINVAL, "%s:%zu: %s", in->file, at->start_mark.line + 1, what);
}

static yaml_node_t *node_of(struct rule_reader *in, int index)
{
    return yaml_document_get_node(&in->document, index);
}

/* The text of a scalar; NULL for anything else. Borrowed from the document. */
static const char *scalar_text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* The value of a key of a mapping, or NULL. */
static yaml_node_t *child_of(struct rule_reader *in, const yaml_node_t *map, const char *key)
{
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const char *text = scalar_text(node_of(in, p->key));

        if (text && strcmp(text, key) == 0)
            return node_of(in, p->value);
    }
    return NULL;
}

/* Every key of map must be in the list, which ends with NULL. */
static int check_keys(struct rule_reader *in, const yaml_node_t *map, const char *const *allowed)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return map ? refuse(in, map, "a map is wanted") : -EINVAL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const char *text = scalar_text(node_of(in, p->key));
        size_t i = 0;

        while (text && allowed[i] && strcmp(allowed[i], text) != 0)
            i++;
        if (!text || !allowed[i])
            return refuse(in, node_of(in, p->key), "this key is unknown here");
    }
    return 0;
}

static int read_text(struct rule_reader *in, const yaml_node_t *node, char **ret)
{
    const char *text = scalar_text(node);
    char *copy;

    if (!text)
        return refuse(in, node, "a text is wanted");
    copy = strdup(text);
    if (!copy)
        return error_oom(in->reterr);
    *ret = copy;
    return 0;
}

/* A list of words of a set as one mask; never 0 on success. */
static int read_words(struct rule_reader *in, const yaml_node_t *node, const struct words *words,
                      uint64_t *ret)
{
    uint64_t mask = 0;

    if (node->type != YAML_SEQUENCE_NODE)
        return refuse(in, node, "a list is wanted");
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        const char *word = scalar_text(node_of(in, *i));
        const struct word *known = word ? words_find(words, word) : NULL;

        if (!known)
            return refuse(in, node_of(in, *i), "this word is unknown here");
        mask |= known->value;
    }
    if (!mask)
        return refuse(in, node, "the list is empty");
    *ret = mask;
    return 0;
}

static int read_flags(struct rule_reader *in, const yaml_node_t *node, uint32_t *ret)
{
    const char *text = scalar_text(node);
    char *end = NULL;
    unsigned long long number;

    errno = 0;
    number = text ? strtoull(text, &end, 16) : 0;
    if (!text || strncmp(text, "0x", 2) != 0 || *end || errno || number > UINT32_MAX)
        return refuse(in, node, "a hexadecimal number of 32 bits is wanted");
    *ret = (uint32_t)number;
    return 0;
}

/* ---- One function for each kind of entry: entry is the map, value the value of the kind's key
 * ---- */

typedef int read_entry(struct rule_reader *in, const yaml_node_t *entry, const yaml_node_t *value,
                       struct rule *rule);

static int read_file(struct rule_reader *in, const yaml_node_t *entry, const yaml_node_t *value,
                     struct rule *rule)
{
    const yaml_node_t *permissions = child_of(in, entry, "permissions");
    uint64_t bits;
    int r;

    if (!permissions)
        return refuse(in, entry, "permissions are missing");
    r = read_words(in, permissions, &path_permission_words, &bits);
    if (r < 0)
        return r;
    if (bits & PATH_EXEC)
        return refuse(in, permissions, "an exec entry is wanted for that");
    rule->path.permissions = (unsigned)bits;
    return read_text(in, value, &rule->path.pattern);
}

static int read_exec(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                     const yaml_node_t *value, struct rule *rule)
{
    rule->path.permissions = PATH_EXEC;
    return read_text(in, value, &rule->path.pattern);
}

static int read_capabilities(struct rule_reader *in, const yaml_node_t *entry,
                             const yaml_node_t *value, struct rule *rule)
{
    const yaml_node_t *except = child_of(in, entry, "except");
    uint64_t mask, left_out = 0;
    int r;

    r = read_words(in, value, &capability_words, &mask);
    if (r == 0 && except)
        r = read_words(in, except, &capability_words, &left_out);
    if (r < 0)
        return r;
    rule->capability.mask = mask & ~left_out;
    return 0;
}

static int read_domains(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                        const yaml_node_t *value, struct rule *rule)
{
    return read_words(in, value, &socket_domain_words, &rule->socket.domains);
}

static int read_protocols(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                          const yaml_node_t *value, struct rule *rule)
{
    uint64_t bits;
    int r = read_words(in, value, &socket_protocol_words, &bits);

    if (r == 0)
        rule->socket.protocols = (uint32_t)bits;
    return r;
}

static int read_egress(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                       const yaml_node_t *value, struct rule *rule)
{
    const char *text = scalar_text(value);

    if (!text || (addr_parse(&rule->egress.block, text) < 0 &&
                  addr_parse_block(&rule->egress.block, text) < 0))
        return refuse(in, value, "an address or a block is wanted");
    return 0;
}

static int read_ptrace(struct rule_reader *in, const yaml_node_t *entry UNUSED,
                       const yaml_node_t *value, struct rule *rule)
{
    uint64_t bits;
    int r = read_words(in, value, &ptrace_permission_words, &bits);

    if (r == 0)
        rule->ptrace.permissions = (unsigned)bits;
    return r;
}

static int read_mount(struct rule_reader *in, const yaml_node_t *entry, const yaml_node_t *value,
                      struct rule *rule)
{
    const yaml_node_t *fstype = child_of(in, entry, "fstype");
    const yaml_node_t *flags = child_of(in, entry, "flags");
    const yaml_node_t *reverse = child_of(in, entry, "reverse_flags");
    int r;

    if (!fstype || !flags)
        return refuse(in, entry, "fstype or flags are missing");
    r = read_text(in, value, &rule->mount.pattern);
    if (r == 0)
        r = read_text(in, fstype, &rule->mount.fstype);
    if (r == 0)
        r = read_flags(in, flags, &rule->mount.flags);
    if (r == 0 && reverse)
        r = read_flags(in, reverse, &rule->mount.reverse_flags);
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
    const yaml_node_t *node = child_of(in, entry, "privileged_only");
    const char *text = scalar_text(node);

    if (!node)
        return 0;
    if (!text || strcmp(text, "true") != 0)
        return refuse(in, node, "only true is wanted here");
    in->data->privileged_only |= bit;
    return 0;
}

static int read_one_entry(struct rule_reader *in, const yaml_node_t *entry)
{
    struct profile *content = in->data->content;

    if (entry->type != YAML_MAPPING_NODE)
        return refuse(in, entry, "a map is wanted");
    if (content->n_rules == BUILTIN_RULE_MAX_ENTRIES)
        return refuse(in, entry, "too many entries");
    for (size_t i = 0; i < ARRAY_SIZE(entry_kinds); i++) {
        const yaml_node_t *value = child_of(in, entry, entry_kinds[i].keys[0]);
        struct rule *rule;
        int r;

        if (!value)
            continue;
        r = check_keys(in, entry, entry_kinds[i].keys);
        if (r == 0)
            r = read_privileged_only(in, entry, 1ULL << content->n_rules);
        if (r < 0)
            return r;
        rule = profile_add_rule(content, entry_kinds[i].kind, 0, in->data->name);
        if (!rule)
            return error_oom(in->reterr);
        return entry_kinds[i].read(in, entry, value, rule);
    }
    return refuse(in, entry, "no key says what kind of entry this is");
}

static int read_entries(struct rule_reader *in, const yaml_node_t *list)
{
    if (list->type != YAML_SEQUENCE_NODE)
        return refuse(in, list, "a list is wanted");
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top;
         i++) {
        int r = read_one_entry(in, node_of(in, *i));

        if (r < 0)
            return r;
    }
    return in->data->content->n_rules ? 0 : refuse(in, list, "the list is empty");
}

static int read_aliases(struct rule_reader *in, const yaml_node_t *list)
{
    if (list->type != YAML_SEQUENCE_NODE)
        return refuse(in, list, "a list is wanted");
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top;
         i++) {
        int r;

        if (in->data->n_aliases == BUILTIN_RULE_MAX_ALIASES)
            return refuse(in, list, "too many aliases");
        r = read_text(in, node_of(in, *i), &in->data->aliases[in->data->n_aliases]);
        if (r < 0)
            return r;
        in->data->n_aliases++;
    }
    return 0;
}

static int read_category(struct rule_reader *in, const yaml_node_t *node)
{
    static const char *const names[] = {
        [BUILTIN_HARDENING] = "hardening",
        [BUILTIN_ATTACK_PROTECTION] = "attack-protection",
        [BUILTIN_MITIGATION] = "vulnerability-mitigation",
        [BUILTIN_CATEGORIES] = "base",
    };
    const char *text = scalar_text(node);

    for (size_t i = 0; text && i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], text) == 0) {
            in->data->category = (enum builtin_category)i;
            return 0;
        }
    }
    return refuse(in, node, "this category is unknown");
}

static int read_file_root(struct rule_reader *in)
{
    static const char *const keys[] = {"name", "category",    "aliases", "description",
                                       "bpf",  "unsupported", NULL};
    yaml_node_t *root = yaml_document_get_root_node(&in->document);
    const yaml_node_t *name, *category, *description, *bpf, *unsupported, *aliases;
    int r;

    if (!root)
        return error_set(in->reterr, -EINVAL, "%s: the file is empty", in->file);
    r = check_keys(in, root, keys);
    if (r < 0)
        return r;
    name = child_of(in, root, "name");
    category = child_of(in, root, "category");
    description = child_of(in, root, "description");
    aliases = child_of(in, root, "aliases");
    bpf = child_of(in, root, "bpf");
    unsupported = child_of(in, root, "unsupported");
    if (!name || !category || !description || !bpf == !unsupported)
        return refuse(in, root,
                      "name, category, description and one of bpf, unsupported are wanted");

    r = read_text(in, name, &in->data->name);
    if (r == 0)
        r = read_category(in, category);
    if (r == 0)
        r = read_text(in, description, &in->data->description);
    if (r == 0 && aliases)
        r = read_aliases(in, aliases);
    if (r < 0)
        return r;
    return bpf ? read_entries(in, bpf) : read_text(in, unsupported, &in->data->unsupported);
}

int builtin_rule_parse(struct builtin_rule **ret, const char *file, const char *text, size_t len,
                       struct error **reterr)
{
    CLEANUP(builtin_rule_free) struct builtin_rule *data = calloc(1, sizeof(*data));
    struct rule_reader in = {.file = file, .data = data, .reterr = reterr};
    yaml_parser_t parser;
    int r;

    if (!data)
        return error_oom(reterr);
    data->content = profile_new();
    if (!data->content || !yaml_parser_initialize(&parser))
        return error_oom(reterr);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &in.document)) {
        r = read_file_root(&in);
        yaml_document_delete(&in.document);
    } else {
        r = error_set(reterr, -EINVAL, "%s:%zu: %s", file, parser.problem_mark.line + 1,
                      parser.problem ? parser.problem : "no YAML");
    }
    yaml_parser_delete(&parser);
    if (r < 0)
        return r;
    *ret = TAKE(data);
    return 0;
}

struct builtin_rule *builtin_rule_free(struct builtin_rule *d)
{
    if (!d)
        return NULL;
    profile_unref(d->content);
    free(d->unsupported);
    for (size_t i = 0; i < d->n_aliases; i++)
        free(d->aliases[i]);
    free(d->description);
    free(d->name);
    free(d);
    return NULL;
}

/* Copies what kind and union of a rule without lists of ports say; no rule file has ports. */
static int rule_copy_content(struct rule *to, const struct rule *from)
{
    switch (from->kind) {
    case RULE_FILE:
    case RULE_EXEC:
        to->path.permissions = from->path.permissions;
        to->path.pattern = strdup(from->path.pattern);
        return to->path.pattern ? 0 : -ENOMEM;
    case RULE_MOUNT:
        to->mount.flags = from->mount.flags;
        to->mount.reverse_flags = from->mount.reverse_flags;
        to->mount.pattern = strdup(from->mount.pattern);
        to->mount.fstype = strdup(from->mount.fstype);
        return to->mount.pattern && to->mount.fstype ? 0 : -ENOMEM;
    case RULE_CAPABILITY:
        to->capability = from->capability;
        return 0;
    case RULE_SOCKET:
        to->socket = from->socket;
        return 0;
    case RULE_EGRESS:
        to->egress.block = from->egress.block;
        return 0;
    case RULE_PTRACE:
        to->ptrace = from->ptrace;
        return 0;
    case RULE_NONE:
    case RULE_KINDS:
        break;
    }
    return 0;
}

int builtin_rule_append(const struct builtin_rule *d, struct profile *p, unsigned mode,
                        const char *origin, bool privileged, struct error **reterr)
{
    for (size_t i = 0; i < d->content->n_rules; i++) {
        const struct rule *from = &d->content->rules[i];
        struct rule *to;

        if (!privileged && (d->privileged_only >> i & 1))
            continue;
        if (p->n_rules == PROFILE_MAX_RULES)
            return error_set(reterr, -E2BIG, "more than %d rules", PROFILE_MAX_RULES);
        to = profile_add_rule(p, from->kind, mode, origin);
        if (!to || rule_copy_content(to, from) < 0)
            return error_oom(reterr);
    }
    return 0;
}
