/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/builtin_rule.h"

#include <errno.h>
#include <string.h>

#include "profiles/rule_yaml.h"

/* ---- What a file says beside its content ---- */

static int read_alias(struct rule_reader *in, const yaml_node_t *item)
{
    struct builtin_rule *d = in->data;
    int r = rule_yaml_copy(in, item, &d->aliases[d->n_aliases]);

    d->n_aliases += r == 0;
    return r;
}

static int read_reference(struct rule_reader *in, const yaml_node_t *item)
{
    struct builtin_rule *d = in->data;
    int r = rule_yaml_copy(in, item, &d->references[d->n_references]);

    d->n_references += r == 0;
    return r;
}

static const struct word enforcer_items[] = {{.text = "AppArmor", .value = ENFORCER_APPARMOR},
                                             {.text = "BPF", .value = ENFORCER_BPF},
                                             {.text = "Seccomp", .value = ENFORCER_SECCOMP}};
static const struct words rule_enforcers = {"an enforcer", enforcer_items,
                                            ARRAY_SIZE(enforcer_items), false};

static int read_gap(struct rule_reader *in, const yaml_node_t *item)
{
    static const char *const keys[] = {"enforcers", "technique", "text", NULL};
    struct builtin_gap *gap = &in->data->gaps[in->data->n_gaps];
    const yaml_node_t *enforcers, *technique, *text;
    uint64_t bits;
    int r = rule_yaml_check_keys(in, item, keys);

    if (r < 0)
        return r;
    enforcers = rule_yaml_child(in, item, "enforcers");
    technique = rule_yaml_child(in, item, "technique");
    text = rule_yaml_child(in, item, "text");
    if (!enforcers || !text)
        return rule_yaml_refuse(in, item, "enforcers or text is missing");
    r = rule_yaml_words(in, enforcers, &rule_enforcers, &bits);
    if (r < 0)
        return r;
    gap->enforcers = (unsigned)bits;
    in->data->n_gaps++; /* from here on its texts are freed with the rule */
    r = rule_yaml_copy(in, text, &gap->text);
    return r == 0 && technique ? rule_yaml_copy(in, technique, &gap->technique) : r;
}

static int read_service(struct rule_reader *in, const yaml_node_t *item)
{
    static const char *const keys[] = {"namespace", "name", NULL};
    struct builtin_service *service = &in->data->services[in->data->n_services];
    const yaml_node_t *name_space, *name;
    int r = rule_yaml_check_keys(in, item, keys);

    if (r < 0)
        return r;
    name_space = rule_yaml_child(in, item, "namespace");
    name = rule_yaml_child(in, item, "name");
    if (!name_space || !name)
        return rule_yaml_refuse(in, item, "namespace or name is missing");
    in->data->n_services++;
    r = rule_yaml_copy(in, name_space, &service->name_space);
    return r < 0 ? r : rule_yaml_copy(in, name, &service->name);
}

static int read_category(struct rule_reader *in, const yaml_node_t *node)
{
    const char *text = rule_yaml_text(node);

    for (enum builtin_category c = 0; text && c <= BUILTIN_CATEGORIES; c++) {
        if (strcmp(builtin_category_name(c), text) == 0) {
            in->data->category = c;
            return 0;
        }
    }
    return rule_yaml_refuse(in, node, "this category is unknown");
}

static int read_apparmor(struct rule_reader *in, const yaml_node_t *item)
{
    struct aa_rules *rules = &in->data->apparmor;
    const char *text = rule_yaml_text(item);
    struct error *e = NULL;
    int r;

    if (!text)
        return rule_yaml_refuse(in, item, "a text is wanted");
    if (!rules->items) {
        rules->items = calloc(BUILTIN_RULE_MAX_ENTRIES, sizeof(*rules->items));
        if (!rules->items)
            return error_oom(in->reterr);
    }
    r = aa_rule_parse(&rules->items[rules->n], text, &e);
    if (r == 0)
        rules->n++;
    else if (r != -ENOMEM)
        rule_yaml_refuse(in, item, error_message(e));
    else
        error_oom(in->reterr);
    error_free(e);
    return r;
}

/* ---- The file ---- */

/* What may be left out: a key, and how each item of its list is read. */
static const struct {
    const char *key;
    size_t max;
    rule_yaml_read_item *read;
} lists[] = {
    {"aliases", BUILTIN_RULE_MAX_ALIASES, read_alias},
    {"references", BUILTIN_RULE_MAX_REFERENCES, read_reference},
    {"gaps", BUILTIN_RULE_MAX_GAPS, read_gap},
    {"apparmor", BUILTIN_RULE_MAX_ENTRIES, read_apparmor},
    {"bpf", BUILTIN_RULE_MAX_ENTRIES, rule_yaml_bpf_entry},
    {"seccomp", BUILTIN_RULE_MAX_ENTRIES, rule_yaml_seccomp_entry},
    {"services", BUILTIN_RULE_MAX_SERVICES, read_service},
};

/* After the content: who supplements must have some. */
static int read_supplements(struct rule_reader *in, const yaml_node_t *root)
{
    const yaml_node_t *list = rule_yaml_child(in, root, "supplements");
    uint64_t bits;
    int r;

    if (!list)
        return 0;
    r = rule_yaml_words(in, list, &rule_enforcers, &bits);
    if (r < 0)
        return r;
    if (bits & ~(uint64_t)builtin_rule_contents(in->data))
        return rule_yaml_refuse(in, list, "one of these has no content");
    in->data->supplements = (unsigned)bits;
    return 0;
}

static int read_lists(struct rule_reader *in, const yaml_node_t *root)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++) {
        const yaml_node_t *list = rule_yaml_child(in, root, lists[i].key);

        if (list)
            r = rule_yaml_list(in, list, lists[i].max, lists[i].read);
    }
    if (r == 0)
        r = read_supplements(in, root);
    if (r == 0 && !builtin_rule_enforcers(in->data))
        return rule_yaml_refuse(in, root, "no enforcer has content for the rule");
    return r;
}

static int read_root(struct rule_reader *in)
{
    static const char *const keys[] = {
        "name",        "category", "aliases", "since",   "description", "references", "gaps",
        "supplements", "apparmor", "bpf",     "seccomp", "services",    NULL};
    yaml_node_t *root = yaml_document_get_root_node(&in->document);
    const yaml_node_t *name, *category, *since, *description;
    int r;

    if (!root)
        return error_set(in->reterr, -EINVAL, "%s: the file is empty", in->file);
    r = rule_yaml_check_keys(in, root, keys);
    if (r < 0)
        return r;
    name = rule_yaml_child(in, root, "name");
    category = rule_yaml_child(in, root, "category");
    since = rule_yaml_child(in, root, "since");
    description = rule_yaml_child(in, root, "description");
    if (!name || !category || !since || !description)
        return rule_yaml_refuse(in, root, "name, category, since and description are wanted");

    r = rule_yaml_copy(in, name, &in->data->name);
    if (r == 0)
        r = read_category(in, category);
    if (r == 0)
        r = rule_yaml_copy(in, since, &in->data->since);
    if (r == 0)
        r = rule_yaml_copy(in, description, &in->data->description);
    return r < 0 ? r : read_lists(in, root);
}

static int refuse_yaml(const char *file, const yaml_parser_t *parser, struct error **reterr)
{
    if (!parser->problem) /* libyaml tells a problem of the text, but not always want of memory */
        return error_oom(reterr);
    return error_set(reterr, -EINVAL, "%s:%zu: %s", file, parser->problem_mark.line + 1,
                     parser->problem);
}

/* A file is one document: what stands in a second one would be lost. */
static int check_end(const char *file, yaml_parser_t *parser, struct error **reterr)
{
    yaml_document_t rest;
    const yaml_node_t *root;
    int r = 0;

    if (!yaml_parser_load(parser, &rest))
        return refuse_yaml(file, parser, reterr);
    root = yaml_document_get_root_node(&rest);
    if (root)
        r = error_set(reterr, -EINVAL, "%s:%zu: a second document", file,
                      root->start_mark.line + 1);
    yaml_document_delete(&rest);
    return r;
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
    data->bpf = profile_new();
    if (!data->bpf || !yaml_parser_initialize(&parser))
        return error_oom(reterr);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &in.document)) {
        r = read_root(&in);
        if (r == 0)
            r = check_end(file, &parser, reterr);
        yaml_document_delete(&in.document);
    } else {
        r = refuse_yaml(file, &parser, reterr);
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
    for (size_t i = 0; i < d->n_services; i++) {
        free(d->services[i].name_space);
        free(d->services[i].name);
    }
    sc_profile_done(&d->seccomp);
    profile_unref(d->bpf);
    aa_rules_done(&d->apparmor);
    for (size_t i = 0; i < d->n_gaps; i++) {
        free(d->gaps[i].technique);
        free(d->gaps[i].text);
    }
    for (size_t i = 0; i < d->n_references; i++)
        free(d->references[i]);
    for (size_t i = 0; i < d->n_aliases; i++)
        free(d->aliases[i]);
    free(d->description);
    free(d->since);
    free(d->name);
    free(d);
    return NULL;
}

unsigned builtin_rule_contents(const struct builtin_rule *d)
{
    return (d->apparmor.n ? ENFORCER_APPARMOR : 0) |
           (d->bpf->n_rules || d->n_services ? ENFORCER_BPF : 0) |
           (d->seccomp.n_rules ? ENFORCER_SECCOMP : 0);
}

unsigned builtin_rule_enforcers(const struct builtin_rule *d)
{
    return builtin_rule_contents(d) & ~d->supplements;
}

/* ---- Into a profile ---- */

int builtin_rule_append(const struct builtin_rule *d, struct profile *p, unsigned mode,
                        const char *origin, bool privileged, struct error **reterr)
{
    for (size_t i = 0; i < d->bpf->n_rules; i++) {
        struct rule *to;
        char *copy;

        if (!privileged && (d->privileged_only >> i & 1))
            continue;
        if (p->n_rules == PROFILE_MAX_RULES)
            return error_set(reterr, -E2BIG, "more than %d rules", PROFILE_MAX_RULES);
        to = profile_copy_rule(p, &d->bpf->rules[i]);
        copy = strdup(origin);
        if (!to || !copy) {
            free(copy);
            return error_oom(reterr);
        }
        to->mode = mode;
        free(to->origin);
        to->origin = copy;
    }
    return 0;
}

int builtin_rule_append_apparmor(const struct builtin_rule *d, struct aa_rules *rules,
                                 const char *origin, struct error **reterr)
{
    struct aa_rule *items;

    if (rules->n + d->apparmor.n > AA_MAX_RULES)
        return error_set(reterr, -E2BIG, "more than %d AppArmor rules", AA_MAX_RULES);
    items = reallocarray(rules->items, rules->n + d->apparmor.n + 1, sizeof(*items));
    if (!items)
        return error_oom(reterr);
    rules->items = items;
    for (size_t i = 0; i < d->apparmor.n; i++) {
        struct aa_rule *to = &rules->items[rules->n];

        if (aa_rule_copy(to, &d->apparmor.items[i]) < 0)
            return error_oom(reterr);
        rules->n++;
        free(to->origin);
        to->origin = strdup(origin);
        if (!to->origin)
            return error_oom(reterr);
    }
    return 0;
}

int builtin_rule_append_seccomp(const struct builtin_rule *d, struct sc_profile *blocks,
                                enum sc_action action, const char *origin, struct error **reterr)
{
    for (size_t i = 0; i < d->seccomp.n_rules; i++) {
        const struct sc_rule *from = &d->seccomp.rules[i];
        struct sc_rule like = *from;
        int r;

        like.action = action;
        like.origin = (char *)(uintptr_t)origin; /* copied, not changed */
        r = sc_profile_add_entry(blocks, &like, from->args, from->n_args);
        if (r == -E2BIG)
            return error_set(reterr, r, "more than %d system call rules", SC_MAX_RULES);
        if (r < 0)
            return error_oom(reterr);
    }
    return 0;
}
