/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiles/builder_state.h"

static void chosen_done(struct chosen_rule *c)
{
    free(c->origin);
    free(c->path);
}

void builder_choice_done(struct builder *b)
{
    for (size_t i = 0; i < b->n_chosen; i++)
        chosen_done(&b->chosen[i]);
    free(b->chosen);
    b->chosen = NULL;
    b->n_chosen = 0;
}

/* Says who carries the rule out: nobody refuses the policy, not everybody is a warning. A rule for
 * single executables is AppArmor's alone. */
static int check_enforcers(struct builder *b, const struct chosen_rule *c)
{
    unsigned given = b->policy->enforcers, by = builtin_rule_enforcers(c->rule);
    unsigned missing = given & ~builtin_rule_contents(c->rule);

    if (c->entry != BUILDER_WHOLE_PROFILE) {
        if (by & ENFORCER_APPARMOR)
            return 0;
        return builder_note(b, BUILDER_WRONG, c->at,
                            "%s: built-in rule '%s' has no content for AppArmor, which alone "
                            "judges single executables",
                            c->path, c->rule->name);
    }
    if (!(given & by))
        return builder_note(b, BUILDER_WRONG, c->at, "%s: built-in rule '%s' needs the %s enforcer",
                            c->path, c->rule->name, enforcer_set_name(by));
    if (!missing)
        return 0;
    return builder_note(
        b, BUILDER_WARNING, c->at,
        "%s: built-in rule '%s' is carried out by %s alone: it has no content for %s", c->path,
        c->rule->name, enforcer_set_name(given & builtin_rule_contents(c->rule)),
        enforcer_set_name(missing));
}

static int choose(struct builder *b, enum builtin_category category, const struct policy_text *name,
                  const char *path, size_t entry)
{
    struct chosen_rule *items, *c;

    if (b->n_chosen == BUILDER_MAX_BUILTINS)
        return error_set(b->reterr, -E2BIG, "%s: more than %d built-in rules", path,
                         BUILDER_MAX_BUILTINS);
    items = reallocarray(b->chosen, b->n_chosen + 1, sizeof(*items));
    if (!items)
        return error_oom(b->reterr);
    b->chosen = items;
    c = &items[b->n_chosen];
    *c = (struct chosen_rule){
        .rule = builtin_rule_find(category, name->text), .at = name->at, .entry = entry};
    if (!c->rule)
        return builder_wrong_at(b, builtin_rule_unknown(category, name->text, b->reterr), name->at,
                                path);
    if (asprintf(&c->origin, "%s: %s", builtin_category_list(category), c->rule->name) < 0)
        c->origin = NULL;
    c->path = strdup(path);
    b->n_chosen++;
    if (!c->origin || !c->path)
        return error_oom(b->reterr);
    return check_enforcers(b, c);
}

static int choose_list(struct builder *b, enum builtin_category category,
                       const struct policy_texts *names, const char *path, size_t entry)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < names->n; i++) {
        char item[BUILDER_PATH_SIZE];

        snprintf(item, sizeof(item), "%s[%zu]", path, i);
        r = choose(b, category, &names->items[i], item, entry);
    }
    return r;
}

/* The parser has seen to it that AppArmor is there; whoever else is there passes such rules by. */
static int check_targets(struct builder *b, const struct policy_texts *targets, const char *path)
{
    unsigned others = b->policy->enforcers & ~(unsigned)ENFORCER_APPARMOR;

    if (!others)
        return 0;
    return builder_note(b, BUILDER_WARNING, targets->items[0].at,
                        "%s: rules for single executables act in AppArmor alone, not in %s", path,
                        enforcer_set_name(others));
}

static int choose_attack_rules(struct builder *b)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;
    int r = 0;

    for (size_t i = 0; r == 0 && i < e->n_attack_rules; i++) {
        const struct policy_attack_rules *entry = &e->attack_rules[i];
        char path[BUILDER_PATH_SIZE];

        snprintf(path, sizeof(path), ENHANCE ".attackProtectionRules[%zu].targets", i);
        if (entry->targets.n > 0)
            r = check_targets(b, &entry->targets, path);
        snprintf(path, sizeof(path), ENHANCE ".attackProtectionRules[%zu].rules", i);
        if (r == 0)
            r = choose_list(b, BUILTIN_ATTACK_PROTECTION, &entry->rules, path,
                            entry->targets.n ? i : BUILDER_WHOLE_PROFILE);
    }
    return r;
}

int builder_choose(struct builder *b)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;
    int r;

    r = choose_list(b, BUILTIN_HARDENING, &e->hardening_rules, ENHANCE ".hardeningRules",
                    BUILDER_WHOLE_PROFILE);
    if (r == 0)
        r = choose_list(b, BUILTIN_MITIGATION, &e->mitigation_rules, ENHANCE ".vulMitigationRules",
                        BUILDER_WHOLE_PROFILE);
    return r < 0 ? r : choose_attack_rules(b);
}
