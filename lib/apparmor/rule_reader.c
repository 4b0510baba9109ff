/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/rule_reader.h"

#include <errno.h>
#include <string.h>

#include "lib/apparmor/file_rule.h"
#include "lib/apparmor/rule_class.h"
#include "lib/policy/findings.h"

/* What begins something else than a rule of ours, and why it is refused. */
static const struct {
    const char *word;
    const char *reason;
} refused_words[] = {
    {"include", "includes are refused: write the rules themselves"},
    {"#include", "includes are refused: write the rules themselves"},
    {"profile", "a rule may not open a profile; targets name programs with rules of their own"},
    {"hat", "hats are refused: a program could choose its rules itself"},
    {"change_profile", "change_profile is refused: a program could leave its profile"},
    {"change_hat", "hats are refused: a program could choose its rules itself"},
    {"alias", "aliases are refused: they belong in front of a profile"},
    {"abi", "abi is refused: it belongs in front of a profile"},
    {"if", "conditions are refused: write the rules that hold"},
    {"all", "'all' is refused: name the classes of what is allowed"},
    {"priority", "priorities are refused: a denial always wins"},
};

static const struct {
    const char *word;
    unsigned bit;
} qualifier_words[] = {
    {"audit", AA_AUDIT}, {"deny", AA_DENY}, {"allow", AA_ALLOW}, {"owner", AA_OWNER}};

static int parse_qualifiers(struct rule_text *t, struct aa_rule *rule)
{
    for (;;) {
        unsigned bit = 0;

        for (size_t i = 0; i < ARRAY_SIZE(qualifier_words); i++)
            if (rule_text_is(t, qualifier_words[i].word))
                bit = qualifier_words[i].bit;
        if (bit == 0)
            return 0;
        if (rule->qualifiers & bit)
            return rule_text_problem(t, "%s stands here a second time", rule_text_shown(t));
        rule->qualifiers |= bit;
        if ((rule->qualifiers & AA_DENY) && (rule->qualifiers & AA_ALLOW))
            return rule_text_problem(t, "'allow' and 'deny' exclude each other");
        rule_text_next(t);
    }
}

static int check_qualifiers(struct rule_text *t, const struct aa_rule *rule)
{
    if ((rule->qualifiers & AA_OWNER) && rule->kind != AA_FILE)
        return rule_text_problem_at(t, rule->line, rule->column,
                                    "'owner' is for files: this rule has no owner");
    if (rule->qualifiers && rule->kind == AA_RLIMIT)
        return rule_text_problem_at(t, rule->line, rule->column, "'set rlimit' takes no qualifier");
    return 0;
}

/* The token begins no rule: says why. */
static int refuse_beginning(struct rule_text *t)
{
    CLEANUP_BUF struct buf known = BUF_INIT(1024);

    for (size_t i = 0; i < ARRAY_SIZE(refused_words); i++)
        if ((t->kind == TOKEN_WORD || t->kind == TOKEN_CONDITION) && !t->quoted &&
            strcmp(buf_text(&t->value), refused_words[i].word) == 0)
            return rule_text_problem(t, "%s", refused_words[i].reason);
    if (t->kind == TOKEN_BLOCK)
        return rule_text_problem(
            t, "%s: blocks are refused; rules follow each other, each with a comma",
            rule_text_shown(t));
    if (t->kind == TOKEN_WORD && !t->quoted && buf_text(&t->value)[0] == '^')
        return rule_text_problem(t, "hats are refused: a program could choose its rules itself");
    if (t->kind != TOKEN_WORD)
        return rule_text_problem(t, "%s begins no rule", rule_text_shown(t));
    if (rule_class_explain(buf_text(&t->value), &known) == -ENOMEM)
        return -ENOMEM;
    return rule_text_problem(t, "%s begins no rule: %s", rule_text_shown(t), buf_text(&known));
}

/* Qualifiers and rule, up to its comma. */
static int parse_body(struct rule_text *t, struct aa_rule *rule)
{
    CLEANUP_BUF struct buf text = BUF_INIT(AA_MAX_RULE_BYTES);
    const struct rule_class *class;
    int r = parse_qualifiers(t, rule);

    if (r < 0)
        return r;
    class = t->kind == TOKEN_WORD && !t->quoted ? rule_class_find(buf_text(&t->value)) : NULL;
    if (class)
        r = rule_class_parse(t, class, rule, &text);
    else if (file_rule_begins(t))
        r = file_rule_parse(t, rule);
    else
        return refuse_beginning(t);
    if (r == 0)
        r = check_qualifiers(t, rule);
    if (r == 0 && !class)
        r = file_rule_write(rule, rule->file.exec, &text);
    if (r == -E2BIG)
        return rule_text_problem_at(t, rule->line, rule->column, "the rule is longer than %d bytes",
                                    AA_MAX_RULE_BYTES);
    if (r < 0)
        return r;
    rule->text = strdup(buf_text(&text));
    return rule->text ? 0 : -ENOMEM;
}

int rule_reader_next(struct rule_text *t, struct aa_rule *ret)
{
    struct aa_rule rule = {.line = t->token_line, .column = t->token_column};
    int r;

    t->broken = t->token_bad;
    r = parse_body(t, &rule);
    if (r == 0 && t->kind == TOKEN_BLOCK)
        r = rule_text_problem(t,
                              "%s: blocks are refused; rules follow each other, each with a comma",
                              rule_text_shown(t));
    if (r == 0 && t->kind != TOKEN_COMMA && t->kind != TOKEN_END)
        r = rule_text_problem(t, "%s stands where a comma belongs", rule_text_shown(t));
    if (r == 0 && t->broken)
        r = -EINVAL;
    if (r < 0 || t->failure < 0) {
        aa_rule_done(&rule);
        return t->failure < 0 ? t->failure : r;
    }
    *ret = rule;
    return 0;
}

/* ---- texts ---- */

/* Room for one more. */
static int grow(struct aa_rules *rules)
{
    struct aa_rule *items;

    if (rules->n > 0 && (rules->n & (rules->n - 1)) != 0)
        return 0;
    items = reallocarray(rules->items, rules->n == 0 ? 1 : rules->n * 2, sizeof(*items));
    if (!items)
        return -ENOMEM;
    rules->items = items;
    return 0;
}

int rule_reader_add(struct aa_rules *rules, struct aa_rule *rule)
{
    int r = grow(rules);

    if (r < 0)
        return r;
    rules->items[rules->n++] = *rule;
    *rule = (struct aa_rule){0};
    return 0;
}

static int parse_one(struct rule_text *t, struct aa_rule *ret)
{
    int r = rule_reader_next(t, ret);

    if (r < 0)
        return r;
    if (t->kind == TOKEN_COMMA)
        rule_text_next(t);
    if (t->kind == TOKEN_END)
        return 0;
    r = rule_text_problem(t, "%s follows the rule: one rule only", rule_text_shown(t));
    aa_rule_done(ret);
    return r;
}

int rule_reader_one(struct aa_rule *ret, const char *text, enum rule_author author,
                    struct error **reterr)
{
    struct findings findings = {0};
    struct aa_rule rule = {0};
    struct rule_text t;
    int r = rule_text_init(&t, text, strlen(text), 1, 1, author, &findings);

    if (r == 0)
        r = parse_one(&t, &rule);
    rule_text_done(&t);
    if (r == 0)
        *ret = rule;
    else if (r == -EINVAL && findings.n > 0)
        r = error_set(reterr, -EINVAL, "rule '%s', column %u: %s", error_quote(text),
                      findings.items[0].column, findings.items[0].message);
    else
        r = error_oom(reterr);
    findings_done(&findings);
    return r;
}
