/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for single executables, as rules.md 2.9 groups them: each target has the built-in rules and
 * the raw rules of all entries that name it; targets for which these are the same share a child.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiles/builder_state.h"

/* The entries that name a target, in their order. */
struct target {
    const char *path; /* borrowed from the policy */
    size_t *attack;   /* owned; of attackProtectionRules */
    size_t n_attack;
    size_t *raw; /* owned; of appArmorRawRules */
    size_t n_raw;
};
struct targets {
    struct target items[BUILDER_MAX_TARGETS];
    size_t n;
};

static void targets_done(struct targets *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->items[i].attack);
        free(t->items[i].raw);
    }
}

void builder_children_done(struct builder_children *c)
{
    for (size_t i = 0; i < c->n; i++) {
        aa_rules_done(&c->items[i].raw);
        aa_rules_done(&c->items[i].rules);
        free(c->items[i].targets);
    }
    free(c->items);
    *c = (struct builder_children){0};
}

/* ---- The targets of all entries ---- */

/* The target of this path, a new one if need be. */
static int find_target(struct builder *b, struct targets *t, const char *path, struct target **ret)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->items[i].path, path) == 0) {
            *ret = &t->items[i];
            return 0;
        }
    }
    if (t->n == BUILDER_MAX_TARGETS)
        return error_set(b->reterr, -E2BIG, ENHANCE ": more than %d different targets",
                         BUILDER_MAX_TARGETS);
    t->items[t->n] = (struct target){.path = path};
    *ret = &t->items[t->n++];
    return 0;
}

static int add_entry(struct builder *b, size_t **list, size_t *n, size_t entry)
{
    size_t *grown;

    if (*n && (*list)[*n - 1] == entry) /* a target that an entry names twice */
        return 0;
    grown = reallocarray(*list, *n + 1, sizeof(*grown));
    if (!grown)
        return error_oom(b->reterr);
    *list = grown;
    grown[(*n)++] = entry;
    return 0;
}

/* raw: the entry is one of appArmorRawRules. */
static int add_targets(struct builder *b, struct targets *t, const struct policy_texts *paths,
                       size_t entry, bool raw)
{
    for (size_t i = 0; i < paths->n; i++) {
        CLEANUP(error_free) struct error *e = NULL;
        struct target *target = NULL;
        int r = aa_check_target(paths->items[i].text, &e);

        if (r == -EINVAL) {
            r = builder_note(
                b, BUILDER_WRONG, paths->items[i].at, ENHANCE ".%s[%zu].targets[%zu]: %s",
                raw ? "appArmorRawRules" : "attackProtectionRules", entry, i, error_message(e));
            if (r < 0)
                return r;
            continue;
        }
        r = find_target(b, t, paths->items[i].text, &target);
        if (r == 0)
            r = raw ? add_entry(b, &target->raw, &target->n_raw, entry)
                    : add_entry(b, &target->attack, &target->n_attack, entry);
        if (r < 0)
            return r;
    }
    return 0;
}

static int collect_targets(struct builder *b, struct targets *t)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;
    int r = 0;

    for (size_t i = 0; r == 0 && i < e->n_attack_rules; i++)
        r = add_targets(b, t, &e->attack_rules[i].targets, i, false);
    for (size_t i = 0; r == 0 && i < e->n_apparmor_raw; i++)
        r = add_targets(b, t, &e->apparmor_raw[i].targets, i, true);
    return r;
}

/* ---- Children ---- */

static bool same_entries(const size_t *a, size_t n_a, const size_t *b, size_t n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof(*a)) == 0);
}

static bool same_rules(const struct target *a, const struct target *b)
{
    return same_entries(a->attack, a->n_attack, b->attack, b->n_attack) &&
           same_entries(a->raw, a->n_raw, b->raw, b->n_raw);
}

static int add_rules(struct builder *b, const struct target *t, const struct aa_rules *raw,
                     struct builder_child *child)
{
    int r = 0;

    for (size_t i = 0; i < t->n_attack; i++) {
        for (size_t k = 0; r == 0 && k < b->n_chosen; k++) {
            const struct chosen_rule *c = &b->chosen[k];

            if (c->entry == t->attack[i] && c->rule->category == BUILTIN_ATTACK_PROTECTION)
                r = builtin_rule_append_apparmor(c->rule, &child->rules, c->origin, b->reterr);
        }
    }
    for (size_t i = 0; r == 0 && i < t->n_raw; i++)
        r = builder_append_aa(b, &child->raw, &raw[t->raw[i]]);
    return r;
}

/* A child for the target and all behind it that have the same rules. */
static int add_child(struct builder *b, const struct targets *t, size_t first, bool *taken,
                     const struct aa_rules *raw, struct builder_children *children)
{
    struct builder_child *child = &children->items[children->n++];

    child->targets = calloc(t->n, sizeof(*child->targets));
    if (!child->targets)
        return error_oom(b->reterr);
    for (size_t i = first; i < t->n; i++) {
        if (taken[i] || !same_rules(&t->items[first], &t->items[i]))
            continue;
        taken[i] = true;
        child->targets[child->n_targets++] = t->items[i].path;
    }
    return add_rules(b, &t->items[first], raw, child);
}

int builder_children_group(struct builder *b, const struct aa_rules *raw,
                           struct builder_children *ret)
{
    struct targets targets = {.n = 0};
    bool taken[BUILDER_MAX_TARGETS] = {false};
    int r = collect_targets(b, &targets);

    if (r == 0 && targets.n > 0) {
        ret->items = calloc(targets.n, sizeof(*ret->items));
        r = ret->items ? 0 : error_oom(b->reterr);
    }
    for (size_t i = 0; r == 0 && i < targets.n; i++)
        if (!taken[i])
            r = add_child(b, &targets, i, taken, raw, ret);
    targets_done(&targets);
    return r;
}
