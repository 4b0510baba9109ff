/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <errno.h>
#include <string.h>

#include "lib/apparmor/rule_reader.h"

void aa_rule_done(struct aa_rule *r)
{
    free(r->text);
    free(r->file.path);
    free(r->file.link_target);
    free(r->mount.fstypes);
    free(r->mount.source);
    free(r->mount.point);
    free(r->origin);
    *r = (struct aa_rule){0};
}

void aa_rules_done(struct aa_rules *r)
{
    for (size_t i = 0; i < r->n; i++)
        aa_rule_done(&r->items[i]);
    free(r->items);
    *r = (struct aa_rules){0};
}

/* NULL stays NULL; false without memory. */
static bool copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

int aa_rule_copy(struct aa_rule *ret, const struct aa_rule *from)
{
    struct aa_rule copy = *from;
    bool copied;

    copied = copy_text(&copy.text, from->text);
    copied &= copy_text(&copy.file.path, from->file.path);
    copied &= copy_text(&copy.file.link_target, from->file.link_target);
    copied &= copy_text(&copy.mount.fstypes, from->mount.fstypes);
    copied &= copy_text(&copy.mount.source, from->mount.source);
    copied &= copy_text(&copy.mount.point, from->mount.point);
    copied &= copy_text(&copy.origin, from->origin);
    if (!copied) {
        aa_rule_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

static int read_rules(struct rule_text *t, struct aa_rules *rules)
{
    bool good = true;

    while (t->kind != TOKEN_END) {
        struct aa_rule rule = {0};
        int r = rule_reader_next(t, &rule);

        if (r == 0 && t->kind == TOKEN_END && t->author == AUTHOR_USER)
            r = rule_text_problem_at(t, rule.line, rule.column,
                                     "the rule does not end with a comma");
        if (r == 0 && rules->n == AA_MAX_RULES) {
            rule_text_problem_at(t, rule.line, rule.column, "more than %d rules", AA_MAX_RULES);
            aa_rule_done(&rule);
            return -EINVAL;
        }
        if (r == 0)
            r = rule_reader_add(rules, &rule);
        aa_rule_done(&rule);
        if (r < 0 && r != -EINVAL)
            return r;
        good &= r == 0;
        if (r < 0)
            rule_text_skip_rule(t);
        else if (t->kind == TOKEN_COMMA)
            rule_text_next(t);
        if (t->failure < 0)
            return t->failure;
    }
    return good ? 0 : -EINVAL;
}

int aa_rules_parse(struct aa_rules *ret, const char *text, size_t len, unsigned first_line,
                   unsigned first_column, struct findings *findings)
{
    struct rule_text t;
    struct aa_rules rules = {0};
    int r;

    *ret = (struct aa_rules){0};
    r = rule_text_init(&t, text, len, first_line, first_column, AUTHOR_USER, findings);
    if (r == 0)
        r = read_rules(&t, &rules);
    rule_text_done(&t);
    if (r < 0) {
        aa_rules_done(&rules);
        return r;
    }
    *ret = rules;
    return 0;
}

int aa_rule_parse(struct aa_rule *ret, const char *text, struct error **reterr)
{
    return rule_reader_one(ret, text, AUTHOR_BUILT_IN, reterr);
}
