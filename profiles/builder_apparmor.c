/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy/findings.h"
#include "profiles/builder_state.h"

#if AA_MAX_PROFILE_TEXT > PROFILE_MAX_APPARMOR_TEXT
#error "what is written could not be sent"
#endif

/* Everything of the AppArmor profile while it is put together. */
struct apparmor_parts {
    struct aa_rules *entries; /* owned; what appArmorRawRules[i] was read as */
    size_t n_entries;
    struct aa_rules rules, raw; /* of the whole profile */
    struct builder_children children;
    struct aa_child *written; /* owned; borrows from children */
};

static void parts_done(struct apparmor_parts *p)
{
    free(p->written);
    builder_children_done(&p->children);
    aa_rules_done(&p->raw);
    aa_rules_done(&p->rules);
    for (size_t i = 0; i < p->n_entries; i++)
        aa_rules_done(&p->entries[i]);
    free(p->entries);
}

int builder_append_aa(struct builder *b, struct aa_rules *to, const struct aa_rules *from)
{
    struct aa_rule *items;

    if (to->n + from->n > AA_MAX_RULES)
        return error_set(b->reterr, -E2BIG, ENHANCE ": more than %d AppArmor rules", AA_MAX_RULES);
    items = reallocarray(to->items, to->n + from->n + 1, sizeof(*items));
    if (!items)
        return error_oom(b->reterr);
    to->items = items;
    for (size_t i = 0; i < from->n; i++) {
        if (aa_rule_copy(&to->items[to->n], &from->items[i]) < 0)
            return error_oom(b->reterr);
        to->n++;
    }
    return 0;
}

/* ---- Raw rules ---- */

/* Where a character of the text stands in the user's file; false: only the text's place is known. */
static bool place_in_file(const struct policy_text *text, const struct finding *f,
                          struct policy_position *ret)
{
    *ret = text->at;
    if (!text->text_at.line || !f->line)
        return false;
    ret->line = text->text_at.line + f->line - 1;
    ret->column = text->text_at.column + f->column - 1;
    return true;
}

static int tell_problems(struct builder *b, size_t entry, const struct findings *findings)
{
    const struct policy_text *text = &b->policy->enhance.apparmor_raw[entry].rules;
    int r = findings->n ? 0 : error_oom(b->reterr); /* told only where there was memory for it */

    for (size_t i = 0; r == 0 && i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        struct policy_position at;

        if (place_in_file(text, f, &at))
            r = builder_note(b, BUILDER_WRONG, at, ENHANCE ".appArmorRawRules[%zu].rules: %s",
                             entry, f->message);
        else
            r = builder_note(b, BUILDER_WRONG, at,
                             ENHANCE ".appArmorRawRules[%zu].rules, its line %u, column %u: %s",
                             entry, f->line, f->column, f->message);
    }
    return r;
}

/* Rules are told by their place in the entry, which the text around it does not change. */
static int set_origins(struct builder *b, size_t entry, struct aa_rules *rules)
{
    for (size_t i = 0; i < rules->n; i++) {
        free(rules->items[i].origin);
        if (asprintf(&rules->items[i].origin, "appArmorRawRules[%zu].rules, rule %zu", entry,
                     i + 1) < 0) {
            rules->items[i].origin = NULL;
            return error_oom(b->reterr);
        }
    }
    return 0;
}

static int read_raw(struct builder *b, size_t entry, struct aa_rules *ret)
{
    const char *text = b->policy->enhance.apparmor_raw[entry].rules.text;
    struct findings findings = {0};
    int r = aa_rules_parse(ret, text, strlen(text), 1, 1, &findings);

    if (r == 0)
        r = set_origins(b, entry, ret);
    else if (r == -EINVAL)
        r = tell_problems(b, entry, &findings);
    else
        r = error_oom(b->reterr);
    findings_done(&findings);
    return r;
}

static int read_entries(struct builder *b, struct apparmor_parts *p)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;
    int r = 0;

    p->entries = calloc(e->n_apparmor_raw + 1, sizeof(*p->entries));
    if (!p->entries)
        return error_oom(b->reterr);
    for (; r == 0 && p->n_entries < e->n_apparmor_raw; p->n_entries++)
        r = read_raw(b, p->n_entries, &p->entries[p->n_entries]);
    for (size_t i = 0; r == 0 && i < p->n_entries; i++)
        if (e->apparmor_raw[i].targets.n == 0)
            r = builder_append_aa(b, &p->raw, &p->entries[i]);
    return r;
}

/* ---- The profile ---- */

static int add_category(struct builder *b, enum builtin_category category, struct aa_rules *rules)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < b->n_chosen; i++) {
        const struct chosen_rule *c = &b->chosen[i];

        if (c->rule->category == category && c->entry == BUILDER_WHOLE_PROFILE)
            r = builtin_rule_append_apparmor(c->rule, rules, c->origin, b->reterr);
    }
    return r;
}

static int collect(struct builder *b, struct apparmor_parts *p)
{
    int r = add_category(b, BUILTIN_HARDENING, &p->rules);

    if (r == 0)
        r = add_category(b, BUILTIN_ATTACK_PROTECTION, &p->rules);
    if (r == 0)
        r = add_category(b, BUILTIN_MITIGATION, &p->rules);
    if (r == 0)
        r = read_entries(b, p);
    if (r == 0)
        r = builder_children_group(b, p->entries, &p->children);
    if (r < 0)
        return r;
    p->written = calloc(p->children.n + 1, sizeof(*p->written));
    if (!p->written)
        return error_oom(b->reterr);
    for (size_t i = 0; i < p->children.n; i++) {
        const struct builder_child *c = &p->children.items[i];

        p->written[i] = (struct aa_child){
            .targets = c->targets, .n_targets = c->n_targets, .rules = &c->rules, .raw = &c->raw};
    }
    return 0;
}

static int write_profile(struct builder *b, const struct apparmor_parts *p)
{
    bool open = b->policy->mode == POLICY_ALWAYS_ALLOW ||
                (b->policy->mode == POLICY_ENHANCE_PROTECT && b->policy->enhance.privileged);
    const struct aa_profile profile = {
        .name = b->profile->name,
        .base = open ? AA_TEMPLATE_ALLOW_ALL : AA_TEMPLATE_RUNTIME_DEFAULT,
        .qualifiers = (b->mode & RULE_DENY ? AA_DENY : 0) | (b->mode & RULE_AUDIT ? AA_AUDIT : 0),
        .rules = &p->rules,
        .raw = &p->raw,
        .children = p->written,
        .n_children = p->children.n,
    };
    CLEANUP_BUF struct buf text = BUF_INIT(AA_MAX_PROFILE_TEXT);
    int r = aa_profile_write(&profile, &text);

    if (r == -E2BIG)
        return error_set(b->reterr, r, "the AppArmor profile has more than %d rules or %d bytes",
                         AA_MAX_PROFILE_RULES, AA_MAX_PROFILE_TEXT);
    if (r < 0)
        return r == -ENOMEM ? error_oom(b->reterr)
                            : error_set(b->reterr, r, "the AppArmor profile cannot be written");
    return builder_copy_text(b, &b->profile->apparmor_text, buf_text(&text));
}

int builder_write_apparmor(struct builder *b)
{
    struct apparmor_parts parts = {0};
    int r = 0;

    if (b->policy->mode == POLICY_ENHANCE_PROTECT)
        r = collect(b, &parts);
    if (r == 0 && !b->notes->refused)
        r = write_profile(b, &parts);
    parts_done(&parts);
    return r;
}
