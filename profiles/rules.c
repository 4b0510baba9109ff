/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/rules.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "lib/policy/words.h"
#include "profiles/builtin_rule.h"
#include "profiles/embedded.h"

#define RULE_NAME_SIZE 64 /* of a rule's name with its NUL; a longer text is no rule */

/* Filled once: the files are data of the binary, so this is a constant, made at first use. */
static struct {
    struct map *files;                  /* file name -> struct builtin_rule, owned */
    struct map *by_name;                /* names and aliases -> struct builtin_rule of files */
    const struct builtin_rule **sorted; /* by name, without the base */
    size_t n_sorted;
    const struct builtin_rule *base;
} table;

static const struct {
    const char *name, *list, *sentence;
} categories[] = {
    [BUILTIN_HARDENING] = {"hardening", "hardeningRules", "a hardening rule (hardeningRules)"},
    [BUILTIN_ATTACK_PROTECTION] = {"attack-protection", "attackProtectionRules",
                                   "an attack protection rule (attackProtectionRules)"},
    [BUILTIN_MITIGATION] = {"vulnerability-mitigation", "vulMitigationRules",
                            "a vulnerability mitigation rule (vulMitigationRules)"},
    [BUILTIN_CATEGORIES] = {"base", "mode", "a rule of every policy"},
};
_Static_assert(ARRAY_SIZE(categories) == BUILTIN_CATEGORIES + 1, "each category has a name");

const char *builtin_category_name(enum builtin_category category)
{
    return categories[category].name;
}

const char *builtin_category_list(enum builtin_category category)
{
    return categories[category].list;
}

static void table_rule_free(void *value)
{
    builtin_rule_free(value);
}

static int table_add_name(const char *name, struct builtin_rule *rule, struct error **reterr)
{
    if (map_find(table.by_name, name))
        return error_set(reterr, -EINVAL, "two rule files claim the name '%s'", name);
    return map_put(table.by_name, name, rule) < 0 ? error_oom(reterr) : 0;
}

static int table_add_file(const struct embedded_file *file, struct error **reterr)
{
    CLEANUP(builtin_rule_free) struct builtin_rule *rule = NULL;
    struct builtin_rule *added;
    int r;

    r = builtin_rule_parse(&rule, file->name, file->text, strlen(file->text), reterr);
    if (r < 0)
        return r;
    if (map_put(table.files, file->name, rule) < 0)
        return error_oom(reterr);
    added = TAKE(rule);
    if (added->category == BUILTIN_CATEGORIES) {
        table.base = added;
        return 0;
    }
    table.sorted[table.n_sorted++] = added;
    r = table_add_name(added->name, added, reterr);
    for (size_t i = 0; r == 0 && i < added->n_aliases; i++)
        r = table_add_name(added->aliases[i], added, reterr);
    return r;
}

static int compare_names(const void *a, const void *b)
{
    const struct builtin_rule *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

int builtin_rules_load(struct error **reterr)
{
    int r = 0;

    if (table.by_name)
        return 0;
    table.files = map_new(table_rule_free, 0);
    table.by_name = map_new(NULL, 0);
    table.sorted = calloc(n_embedded_files + 1, sizeof(*table.sorted));
    if (!table.files || !table.by_name || !table.sorted)
        r = error_oom(reterr);
    for (size_t i = 0; r == 0 && i < n_embedded_files; i++)
        r = table_add_file(&embedded_files[i], reterr);
    if (r == 0 && !table.base)
        r = error_set(reterr, -EINVAL, "the base rules are missing");
    if (r < 0)
        builtin_rules_unload();
    else /* a file "a.yaml" stands behind "a-b.yaml" */
        qsort(table.sorted, table.n_sorted, sizeof(*table.sorted), compare_names);
    return r;
}

void builtin_rules_unload(void)
{
    free(table.sorted);
    table.sorted = NULL;
    table.n_sorted = 0;
    table.by_name = map_free(table.by_name);
    table.files = map_free(table.files);
    table.base = NULL;
}

/* Lower case, '_' as '-'. False: too long for any rule. */
static bool rule_name_normalise(const char *name, char out[static RULE_NAME_SIZE])
{
    size_t len = strlen(name);

    if (len >= RULE_NAME_SIZE)
        return false;
    for (size_t i = 0; i <= len; i++)
        out[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    return true;
}

const struct builtin_rule *builtin_rule_find(enum builtin_category category, const char *name)
{
    const struct builtin_rule *rule;
    char normal[RULE_NAME_SIZE];

    if (builtin_rules_load(NULL) < 0 || !rule_name_normalise(name, normal))
        return NULL;
    rule = map_find(table.by_name, normal);
    return rule && rule->category == category ? rule : NULL;
}

const struct builtin_rule *builtin_rule_base(void)
{
    return builtin_rules_load(NULL) < 0 ? NULL : table.base;
}

/* The name of the category that was probably meant, or NULL. */
static const char *nearest_name(enum builtin_category category, const char *normal)
{
    CLEANUP_FREE const char **names = calloc(map_size(table.by_name), sizeof(*names));
    size_t n = 0;

    if (!names)
        return NULL;
    MAP_FOREACH (e, table.by_name) {
        const struct builtin_rule *rule = map_value(e);

        if (rule->category == category)
            names[n++] = map_key(e);
    }
    return words_nearest(normal, names, n, sizeof(*names));
}

int builtin_rule_unknown(enum builtin_category category, const char *name, struct error **reterr)
{
    const struct builtin_rule *other;
    char normal[RULE_NAME_SIZE];
    const char *nearest = NULL;
    int r;

    r = builtin_rules_load(reterr);
    if (r < 0)
        return r;
    if (rule_name_normalise(name, normal)) {
        other = map_find(table.by_name, normal);
        if (other && other->category == category) /* there was no memory to find it in */
            return error_oom(reterr);
        if (other)
            return error_set(reterr, -EINVAL, "'%s' is not %s; it is %s", error_quote(name),
                             categories[category].sentence, categories[other->category].sentence);
        nearest = nearest_name(category, normal);
    }
    if (nearest)
        return error_set(reterr, -EINVAL, "'%s' is not %s; did you mean '%s'?", error_quote(name),
                         categories[category].sentence, nearest);
    return error_set(reterr, -EINVAL, "'%s' is not %s", error_quote(name),
                     categories[category].sentence);
}

int builtin_rule_check(enum policy_rule_list list, const char *name, struct error **reterr)
{
    static const enum builtin_category of_list[] = {
        [POLICY_HARDENING_RULES] = BUILTIN_HARDENING,
        [POLICY_ATTACK_PROTECTION_RULES] = BUILTIN_ATTACK_PROTECTION,
        [POLICY_MITIGATION_RULES] = BUILTIN_MITIGATION,
    };

    if (builtin_rule_find(of_list[list], name))
        return 0;
    return builtin_rule_unknown(of_list[list], name, reterr);
}

const struct builtin_rule *builtin_rule_at(size_t i)
{
    return builtin_rules_load(NULL) == 0 && i < table.n_sorted ? table.sorted[i] : NULL;
}

const char *builtin_rule_name(const struct builtin_rule *r)
{
    return r->name;
}

const char *builtin_rule_description(const struct builtin_rule *r)
{
    return r->description;
}
