/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/builtin_view.h"

#include <errno.h>
#include <string.h>

#include "profiles/rule_text.h"
#include "ctl/status_json.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "lib/policy/words.h"
#include "profiles/builtin_rule.h"

#define CONTENT_MAX (64u << 10) /* text of one entry */

/* ---- Content as texts: one function an enforcer, each handing entries to a sink ---- */

/* Takes one entry of a rule's content. note is for people: "" or "only if privileged". */
typedef int content_sink(void *data, const char *text, const char *note);

static int each_apparmor(const struct builtin_rule *d, content_sink *sink, void *data)
{
    int r = 0;

    for (size_t i = 0; i < d->apparmor.n && r == 0; i++)
        r = sink(data, d->apparmor.items[i].text, "");
    return r;
}

static int each_bpf(const struct builtin_rule *d, content_sink *sink, void *data)
{
    CLEANUP_BUF struct buf text = BUF_INIT(CONTENT_MAX);
    int r = 0;

    for (size_t i = 0; i < d->bpf->n_rules && r == 0; i++) {
        const struct rule *rule = &d->bpf->rules[i];

        buf_clear(&text);
        r = buf_format(&text, "%s ", rule_kind_name(rule->kind));
        if (r == 0)
            r = rule_text_add(&text, rule);
        if (r == 0)
            r = sink(data, buf_text(&text),
                     d->privileged_only >> i & 1 ? "only with privileged: true" : "");
    }
    for (size_t i = 0; i < d->n_services && r == 0; i++) {
        buf_clear(&text);
        r = buf_format(&text, "egress service %s/%s", d->services[i].name_space,
                       d->services[i].name);
        if (r == 0)
            r = sink(data, buf_text(&text), "addresses by the manager");
    }
    return r;
}

/* "setsockopt if arg1 & 0xffffffff == 0x1, arg2 & ...: errno 1" */
static int add_seccomp(struct buf *out, const struct sc_rule *rule)
{
    int r = 0;

    for (size_t i = 0; i < rule->n_names && r == 0; i++)
        r = buf_format(out, "%s%s", i ? ", " : "", rule->names[i]);
    for (size_t i = 0; i < rule->n_args && r == 0; i++) {
        const struct sc_arg *a = &rule->args[i];

        if (a->op == SC_MASKED_EQ)
            r = buf_format(out, "%s(arg%u & 0x%llx) == 0x%llx", i ? " and " : " if ", a->index,
                           (unsigned long long)a->value, (unsigned long long)a->value_two);
        else
            r = buf_format(out, "%sarg%u %s 0x%llx", i ? " and " : " if ", a->index,
                           sc_compare_name(a->op), (unsigned long long)a->value);
    }
    return r < 0 ? r : buf_format(out, ": errno %u", rule->errno_ret);
}

static int each_seccomp(const struct builtin_rule *d, content_sink *sink, void *data)
{
    CLEANUP_BUF struct buf text = BUF_INIT(CONTENT_MAX);
    int r = 0;

    for (size_t i = 0; i < d->seccomp.n_rules && r == 0; i++) {
        buf_clear(&text);
        r = add_seccomp(&text, &d->seccomp.rules[i]);
        if (r == 0)
            r = sink(data, buf_text(&text), "");
    }
    return r;
}

static const struct {
    const char *heading, *member;
    int (*each)(const struct builtin_rule *d, content_sink *sink, void *data);
} contents[] = {
    {"AppArmor", "appArmor", each_apparmor},
    {"BPF", "bpf", each_bpf},
    {"Seccomp", "seccomp", each_seccomp},
};

/* ---- Text ---- */

static int sink_text(void *data, const char *text, const char *note)
{
    struct buf *out = data;

    return buf_format(out, "  %s%s%s%s\n", text, *note ? " (" : "", note, *note ? ")" : "");
}

static int add_list(struct buf *out, const char *heading, char *const *items, size_t n)
{
    int r = buf_format(out, "%-18s%s", heading, n ? "" : "<none>");

    for (size_t i = 0; i < n && r == 0; i++)
        r = buf_format(out, "%s%s", i ? ", " : "", items[i]);
    return r < 0 ? r : buf_add_text(out, "\n");
}

/* "AppArmor and BPF": the enforcers of a set, separated. */
static int add_enforcers(struct buf *out, unsigned set)
{
    const char *comma = "";
    int r = 0;

    for (unsigned bit = 1; bit <= set && r == 0; bit <<= 1)
        if (set & bit) {
            r = buf_format(out, "%s%s", comma, enforcer_set_name(bit));
            comma = ", ";
        }
    return r;
}

static int add_gaps(struct buf *out, const struct builtin_rule *d)
{
    int r = buf_format(out, "Known gaps:%s\n", d->n_gaps ? "" : "       <none>");

    for (size_t i = 0; i < d->n_gaps && r == 0; i++) {
        const struct builtin_gap *gap = &d->gaps[i];

        r = buf_add_text(out, "  ");
        if (r == 0)
            r = add_enforcers(out, gap->enforcers);
        if (r == 0)
            r = buf_format(out, ": %s%s%s%s\n", gap->text, gap->technique ? " (" : "",
                           gap->technique ? gap->technique : "", gap->technique ? ")" : "");
    }
    return r;
}

int builtin_view_text(const struct builtin_rule *d, struct buf *out)
{
    int r = buf_format(out, "%-18s%s\n%-18s%s (%s)\n%-18s%s\n", "Name:", d->name,
                       "Category:", builtin_category_name(d->category),
                       builtin_category_list(d->category), "Defends against:", d->description);

    if (r == 0)
        r = add_list(out, "Aliases:", d->aliases, d->n_aliases);
    if (r == 0)
        r = buf_format(out, "%-18s%s\n", "Since:", d->since ? d->since : "<unknown>");
    if (r == 0)
        r = add_list(out, "References:", d->references, d->n_references);
    for (size_t i = 0; i < ARRAY_SIZE(contents) && r == 0; i++) {
        size_t before;

        r = buf_format(out, "%s:\n", contents[i].heading);
        before = out->len;
        if (r == 0)
            r = contents[i].each(d, sink_text, out);
        if (r == 0 && out->len == before)
            r = buf_add_text(out, "  <nothing>\n");
    }
    return r < 0 ? r : add_gaps(out, d);
}

/* ---- JSON ---- */

static int sink_json(void *data, const char *text, const char *note)
{
    json_t *entry = json_pack("{s:o}", "text", text_json(text));

    if (entry && *note && json_object_set_new(entry, "note", json_string(note)) < 0) {
        json_decref(entry);
        return -ENOMEM;
    }
    return json_array_append_new(data, entry) < 0 ? -ENOMEM : 0;
}

static json_t *list_json(char *const *items, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n && list; i++)
        if (json_array_append_new(list, text_json(items[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *enforcers_json(unsigned set)
{
    json_t *list = json_array();

    for (unsigned bit = 1; bit <= set && list; bit <<= 1)
        if ((set & bit) && json_array_append_new(list, json_string(enforcer_set_name(bit))) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *gaps_json(const struct builtin_rule *d)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->n_gaps && list; i++) {
        const struct builtin_gap *gap = &d->gaps[i];
        json_t *json =
            json_pack("{s:o, s:o, s:o}", "enforcers", enforcers_json(gap->enforcers), "technique",
                      text_json(gap->technique), "text", text_json(gap->text));

        if (json_array_append_new(list, json) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool add_contents(json_t *json, const struct builtin_rule *d)
{
    for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
        json_t *list = json_array();

        if (!list)
            return false;
        if (contents[i].each(d, sink_json, list) < 0) {
            json_decref(list);
            return false;
        }
        if (json_object_set_new(json, contents[i].member, list) < 0)
            return false;
    }
    return true;
}

json_t *builtin_view_json(const struct builtin_rule *d)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", d->name, "category",
        builtin_category_name(d->category), "list", builtin_category_list(d->category),
        "description", text_json(d->description), "aliases", list_json(d->aliases, d->n_aliases),
        "since", text_json(d->since), "references", list_json(d->references, d->n_references),
        "enforcers", enforcers_json(builtin_rule_enforcers(d)), "gaps", gaps_json(d));

    if (!json || add_contents(json, d))
        return json;
    json_decref(json);
    return NULL;
}

/* ---- Lists ---- */

const struct builtin_rule *builtin_view_find(const char *name, struct error **reterr)
{
    CLEANUP_FREE const char **names = NULL;
    const struct builtin_rule *rule;
    const char *nearest = NULL;
    size_t n = 0;

    if (builtin_rules_load(reterr) < 0)
        return NULL;
    for (unsigned c = 0; c < BUILTIN_CATEGORIES; c++) {
        rule = builtin_rule_find(c, name);
        if (rule)
            return rule;
    }
    while (builtin_rule_at(n))
        n++;
    names = calloc(n + 1, sizeof(*names));
    for (size_t i = 0; i < n && names; i++)
        names[i] = builtin_rule_name(builtin_rule_at(i));
    if (names)
        nearest = words_nearest(name, names, n, sizeof(*names));
    error_set(reterr, -ENOENT, "'%s' is not a built-in rule%s%s%s", error_quote(name),
              nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

/* Is the rule of what was asked for? */
static bool is_listed(const struct builtin_rule *d, const char *category)
{
    return !category || strcmp(category, builtin_category_name(d->category)) == 0 ||
           strcmp(category, builtin_category_list(d->category)) == 0;
}

static int check_category(const char *category, struct error **reterr)
{
    for (unsigned c = 0; c < BUILTIN_CATEGORIES && category; c++)
        if (strcmp(category, builtin_category_name(c)) == 0 ||
            strcmp(category, builtin_category_list(c)) == 0)
            return 0;
    return category ? error_set(reterr, -EINVAL, "'%s' is not a category: %s, %s, %s",
                                error_quote(category), builtin_category_name(BUILTIN_HARDENING),
                                builtin_category_name(BUILTIN_ATTACK_PROTECTION),
                                builtin_category_name(BUILTIN_MITIGATION))
                    : 0;
}

static int add_row(struct table *t, const struct builtin_rule *d)
{
    CLEANUP_BUF struct buf enforcers = BUF_INIT(256), aliases = BUF_INIT(4096);
    const char *cells[6];

    for (size_t i = 0; i < d->n_aliases; i++)
        if (buf_format(&aliases, "%s%s", i ? "," : "", d->aliases[i]) < 0)
            return -ENOMEM;
    if (add_enforcers(&enforcers, builtin_rule_enforcers(d)) < 0)
        return -ENOMEM;
    cells[0] = d->name;
    cells[1] = builtin_category_name(d->category);
    cells[2] = buf_text(&enforcers);
    cells[3] = d->since;
    cells[4] = buf_text(&aliases);
    cells[5] = d->description;
    return table_add(t, cells);
}

static int print_table(const struct status_options *o, const struct builtin_rule *only)
{
    static const char *const headings[] = {"NAME",  "CATEGORY", "ENFORCERS",
                                           "SINCE", "ALIASES",  "DEFENDS-AGAINST"};
    bool wide = o->output == OUTPUT_WIDE;
    CLEANUP(table_free)
    struct table *t = table_new(headings, wide ? ARRAY_SIZE(headings) : ARRAY_SIZE(headings) - 2);
    const struct builtin_rule *d;

    for (size_t i = 0; t && (d = builtin_rule_at(i)); i++)
        if ((!only || only == d) && is_listed(d, o->category) && add_row(t, d) < 0)
            return -ENOMEM;
    if (t)
        table_print(t, stdout, o->headings);
    return t ? 0 : -ENOMEM;
}

static void print_names(const struct status_options *o, const struct builtin_rule *only)
{
    const struct builtin_rule *d;

    for (size_t i = 0; (d = builtin_rule_at(i)); i++)
        if ((!only || only == d) && is_listed(d, o->category))
            puts(d->name);
}

static int print_document(const struct status_options *o, const struct builtin_rule *only,
                          struct error **reterr)
{
    json_t *list = json_array(), *document;
    const struct builtin_rule *d;
    bool made = list != NULL;
    int r;

    for (size_t i = 0; made && (d = builtin_rule_at(i)); i++)
        if ((!only || only == d) && is_listed(d, o->category))
            made = json_array_append_new(list, builtin_view_json(d)) == 0;
    if (!made) {
        json_decref(list);
        return error_oom(reterr);
    }
    document = json_pack("{s:s, s:o}", "kind", "List", "items", list);
    r = o->output == OUTPUT_YAML ? status_json_print_yaml(document, stdout, reterr)
                                 : status_json_print(document, stdout, reterr);
    json_decref(document);
    return r;
}

int builtin_view_list(const struct status_options *o, const char *name, struct error **reterr)
{
    const struct builtin_rule *only = NULL;
    int r = builtin_rules_load(reterr);

    if (r == 0)
        r = check_category(o->category, reterr);
    if (r < 0)
        return r;
    if (*name) {
        only = builtin_view_find(name, reterr);
        if (!only)
            return -ENOENT;
    }
    switch (o->output) {
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
        return print_table(o, only) < 0 ? error_oom(reterr) : 0;
    case OUTPUT_NAME:
        print_names(o, only);
        return 0;
    case OUTPUT_JSON:
    case OUTPUT_YAML:
        break;
    }
    return print_document(o, only, reterr);
}
