/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/apparmor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/profile_text.h"
#include "lib/apparmor/rule_reader.h"
#include "lib/policy/findings.h"

#define MAX_HEAD 512 /* bytes of the line that opens a profile */

/* Behind the line that opens the profile; *ret_line counts from 1. NULL: there is no such line. */
static const char *find_body(const char *text, size_t len, const char *name, unsigned *ret_line)
{
    const char *line = text, *end = text + len;
    char head[MAX_HEAD];
    int head_len = snprintf(head, sizeof(head), "profile %s %s {\n", name, PROFILE_TEXT_FLAGS);

    *ret_line = 1;
    while (head_len < MAX_HEAD && end - line >= head_len) {
        const char *next = memchr(line, '\n', (size_t)(end - line));

        if (memcmp(line, head, (size_t)head_len) == 0) {
            (*ret_line)++;
            return line + head_len;
        }
        if (!next)
            return NULL;
        line = next + 1;
        (*ret_line)++;
    }
    return NULL;
}

/* t stands behind a rule's comma: the comment that was skipped is its origin. */
static int keep_origin(const struct rule_text *t, struct aa_rule *rule)
{
    if (!t->comment)
        return 0;
    rule->origin = strndup(t->comment, t->comment_len);
    return rule->origin ? 0 : -ENOMEM;
}

static int read_rule(struct rule_text *t, unsigned child, struct aa_rules *rules)
{
    struct aa_rule rule = {0};
    int r = rule_reader_next(t, &rule);

    if (r == 0 && t->kind != TOKEN_COMMA)
        r = rule_text_problem(t, "a rule without a comma");
    if (r == 0 && rules->n == AA_MAX_PROFILE_RULES)
        r = rule_text_problem(t, "more than %d rules", AA_MAX_PROFILE_RULES);
    if (r == 0) {
        rule_text_next(t);
        rule.child = child;
        r = keep_origin(t, &rule);
    }
    if (r == 0)
        r = rule_reader_add(rules, &rule);
    aa_rule_done(&rule);
    return r;
}

/* Everything between the braces of the profile. What is read loosely here (heads of children, what follows the last
 * brace) is compared byte for byte afterwards. */
static int read_body(struct rule_text *t, struct aa_rules *rules)
{
    unsigned n_children = 0, child = 0;
    int r = 0;

    while (r == 0 && t->kind != TOKEN_END) {
        if (t->kind == TOKEN_BLOCK) { /* the end of a child, or of the profile */
            child = 0;
            rule_text_next(t);
        } else if (rule_text_is(t, "profile")) {
            while (t->kind != TOKEN_BLOCK && t->kind != TOKEN_END)
                rule_text_next(t);
            rule_text_next(t);
            child = ++n_children;
        } else {
            r = read_rule(t, child, rules);
        }
    }
    return r < 0 ? r : t->failure;
}

/* The first line in which two texts differ, from 1. */
static unsigned differing_line(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned line = 1;

    for (size_t i = 0; i < a_len && i < b_len && a[i] == b[i]; i++)
        line += a[i] == '\n';
    return line;
}

static int compare(const char *text, size_t len, const char *name, const struct aa_rules *rules,
                   struct error **reterr)
{
    CLEANUP_BUF struct buf again = BUF_INIT(AA_MAX_PROFILE_TEXT);
    int r = profile_text_write(name, rules, &again);

    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r == 0 && again.len == len && memcmp(again.data, text, len) == 0)
        return 0;
    return error_set(reterr, -EINVAL, "line %u is not written as varmor writes it",
                     differing_line(text, len, buf_text(&again), again.len));
}

static int read_profile(const char *body, size_t len, unsigned line, struct aa_rules *rules,
                        struct error **reterr)
{
    struct findings findings = {0};
    struct rule_text t;
    int r = rule_text_init(&t, body, len, line, 1, AUTHOR_WRITER, &findings);

    if (r == 0)
        r = read_body(&t, rules);
    rule_text_done(&t);
    if (r == -ENOMEM)
        r = error_oom(reterr);
    else if (r < 0 || findings.n_errors > 0)
        r = error_set(reterr, -EINVAL, "line %u, column %u: %s",
                      findings.n > 0 ? findings.items[0].line : 0,
                      findings.n > 0 ? findings.items[0].column : 0,
                      findings.n > 0 ? findings.items[0].message : "not a rule");
    findings_done(&findings);
    return r;
}

int aa_profile_read(struct aa_rules *ret, const char *text, size_t len, const char *name,
                    struct error **reterr)
{
    struct aa_rules rules = {0};
    const char *body;
    unsigned line;
    int r;

    *ret = (struct aa_rules){0};
    if (len > AA_MAX_PROFILE_TEXT)
        return error_set(reterr, -EINVAL, "the profile has %zu bytes, more than %d", len,
                         AA_MAX_PROFILE_TEXT);
    body = profile_text_is_name(name) ? find_body(text, len, name, &line) : NULL;
    if (!body)
        return error_set(reterr, -EINVAL, "the text holds no profile '%s' of ours",
                         error_quote(name));
    r = read_profile(body, len - (size_t)(body - text), line, &rules, reterr);
    if (r == 0)
        r = compare(text, len, name, &rules, reterr);
    if (r < 0) {
        aa_rules_done(&rules);
        return r;
    }
    *ret = rules;
    return 0;
}
