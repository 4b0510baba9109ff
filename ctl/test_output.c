/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/test_output.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/table.h"
#include "ctl/text.h"

#define JSON_INDENTS 2

/* ---- Text ---- */

static int add_answers(struct table *t, const struct test_case *c)
{
    for (size_t e = 0; e < TEST_ENFORCERS; e++) {
        const struct answer *a = &c->answers[e];
        const char *cells[] = {c->question.text, enforcer_set_name(test_enforcers[e]),
                               a->kind == ANSWER_UNKNOWN ? "unknown"
                                                         : test_verdict(a->deny, a->audit),
                               a->rule, a->note};

        if (a->kind != ANSWER_NONE && table_add(t, cells) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* An action that no enforcer of the policy has a say in. */
static int add_unjudged(struct table *t, const struct test_case *c)
{
    const char *cells[] = {c->question.text, "", "allow", "",
                           "no enforcer of the policy judges it"};

    for (size_t e = 0; e < TEST_ENFORCERS; e++)
        if (c->answers[e].kind != ANSWER_NONE)
            return 0;
    return table_add(t, cells);
}

static int print_table(const struct test_cases *cases)
{
    static const char *const headings[] = {"ACTION", "ENFORCER", "VERDICT", "RULE", "NOTE"};
    CLEANUP(table_free) struct table *t = table_new(headings, ARRAY_SIZE(headings));
    bool any = false;

    if (!t)
        return -ENOMEM;
    for (size_t i = 0; i < cases->n; i++) {
        const struct test_case *c = &cases->items[i];

        if (c->expected.given)
            continue;
        if (add_answers(t, c) < 0 || add_unjudged(t, c) < 0)
            return -ENOMEM;
        any = true;
    }
    if (any)
        table_print(t, stdout, true);
    return 0;
}

static void print_difference(const struct test_case *c)
{
    printf("%s:%u:%u: error: ", c->expected.file, c->expected.at.line, c->expected.at.column);
    text_print(c->question.text, stdout);
    printf(": ");
    text_print(c->difference, stdout);
    putchar('\n');
}

static int print_text(const struct test_cases *cases)
{
    int r = print_table(cases);

    for (size_t i = 0; i < cases->n && r == 0; i++)
        if (cases->items[i].difference)
            print_difference(&cases->items[i]);
    return r;
}

void test_print_summary(const struct test_cases *cases)
{
    if (cases->n_expected)
        fprintf(stderr, "%zu expectation%s, %zu difference%s\n", cases->n_expected,
                cases->n_expected == 1 ? "" : "s", cases->n_different,
                cases->n_different == 1 ? "" : "s");
}

/* ---- JSON ---- */

static json_t *answer_json(const struct answer *a)
{
    json_t *json = a->kind == ANSWER_UNKNOWN
                       ? json_pack("{s:b}", "unknown", true)
                       : json_pack("{s:b, s:b}", "deny", a->deny, "audit", a->audit);
    bool made = json != NULL;

    if (made && a->rule)
        made = json_object_set_new(json, "rule", text_json(a->rule)) == 0;
    if (made && a->note)
        made = json_object_set_new(json, "note", text_json(a->note)) == 0;
    if (made)
        return json;
    json_decref(json);
    return NULL;
}

/* The members of a case that has an expectation. */
static bool add_expected(json_t *json, const struct test_case *c)
{
    const struct expectation *x = &c->expected;
    bool made = json_object_set_new(json, "file", text_json(x->file)) == 0 &&
                json_object_set_new(json, "line", json_integer(x->at.line)) == 0 &&
                json_object_set_new(json, "column", json_integer(x->at.column)) == 0 &&
                json_object_set_new(json, "expected", json_string(x->deny ? "deny" : "allow")) == 0;

    if (made && c->difference)
        made = json_object_set_new(json, "difference", text_json(c->difference)) == 0;
    return made;
}

static json_t *case_json(const struct test_case *c)
{
    json_t *answers = json_object(), *json;
    bool made = answers != NULL;

    for (size_t e = 0; e < TEST_ENFORCERS && made; e++)
        if (c->answers[e].kind != ANSWER_NONE)
            made = json_object_set_new(answers, enforcer_set_name(test_enforcers[e]),
                                       answer_json(&c->answers[e])) == 0;
    if (!made) {
        json_decref(answers);
        return NULL;
    }
    json = json_pack("{s:o, s:b, s:b, s:o}", "action", text_json(c->question.text), "deny", c->deny,
                     "audit", c->audit, "answers", answers);
    if (json && c->question.kind == QUESTION_SYSCALL)
        made = json_object_set_new(json, "arch", json_string(arch_words[c->arch])) == 0;
    if (json && made && c->expected.given)
        made = add_expected(json, c);
    if (made)
        return json;
    json_decref(json);
    return NULL;
}

static int print_json(const struct test_cases *cases)
{
    json_t *list = json_array(), *all;
    bool made = list != NULL;
    int r;

    for (size_t i = 0; i < cases->n && made; i++)
        made = json_array_append_new(list, case_json(&cases->items[i])) == 0;
    if (!made) {
        json_decref(list);
        return -ENOMEM;
    }
    all = json_pack("{s:I, s:I, s:o}", "expectations", (json_int_t)cases->n_expected, "differences",
                    (json_int_t)cases->n_different, "cases", list);
    if (!all)
        return -ENOMEM;
    r = json_dumpf(all, stdout, JSON_INDENT(JSON_INDENTS));
    json_decref(all);
    putchar('\n');
    return r < 0 && !ferror(stdout) ? -ENOMEM : 0; /* main() looks after failed writes */
}

/* ---- JUnit ---- */

/* Text as the value of an attribute; what XML 1.0 cannot hold is shown as by text_print(). */
static int print_attribute(const char *name, const char *text)
{
    CLEANUP_FREE char *shown = text_escape(text);

    if (!shown)
        return -ENOMEM;
    printf(" %s=\"", name);
    for (const char *c = shown; *c; c++) {
        if (*c == '&')
            fputs("&amp;", stdout);
        else if (*c == '<')
            fputs("&lt;", stdout);
        else if (*c == '"')
            fputs("&quot;", stdout);
        else
            putchar(*c);
    }
    putchar('"');
    return 0;
}

static int print_junit_case(const struct test_case *c)
{
    int r;

    printf("  <testcase");
    r = print_attribute("classname", c->expected.file);
    if (r == 0)
        r = print_attribute("name", c->question.text);
    printf(" line=\"%u\"", c->expected.at.line);
    if (r < 0 || !c->difference) {
        puts("/>");
        return r;
    }
    printf(">\n    <failure");
    r = print_attribute("message", c->difference);
    puts("/>\n  </testcase>");
    return r;
}

static int print_junit(const struct test_cases *cases)
{
    int r = 0;

    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<testsuite name=\"varmorctl test\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
           cases->n_expected, cases->n_different);
    for (size_t i = 0; i < cases->n && r == 0; i++)
        if (cases->items[i].expected.given)
            r = print_junit_case(&cases->items[i]);
    puts("</testsuite>");
    return r;
}

int test_print(const struct test_cases *cases, enum test_format format)
{
    switch (format) {
    case TEST_TEXT:
        return print_text(cases);
    case TEST_JSON:
        return print_json(cases);
    case TEST_JUNIT:
        return print_junit(cases);
    }
    return 0;
}
