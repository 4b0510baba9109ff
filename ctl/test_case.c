/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/test_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const enum enforcer_bit test_enforcers[TEST_ENFORCERS] = {
    [TEST_APPARMOR] = ENFORCER_APPARMOR,
    [TEST_BPF] = ENFORCER_BPF,
    [TEST_SECCOMP] = ENFORCER_SECCOMP,
};

const char *test_verdict(bool deny, bool audit)
{
    if (deny)
        return audit ? "deny,audit" : "deny";
    return audit ? "audit" : "allow";
}

void test_cases_done(struct test_cases *cases)
{
    for (size_t i = 0; i < cases->n; i++) {
        struct test_case *c = &cases->items[i];

        question_done(&c->question);
        free(c->program);
        for (size_t e = 0; e < TEST_ENFORCERS; e++)
            answer_done(&c->answers[e]);
        free(c->expected.rule);
        free(c->difference);
    }
    free(cases->items);
    *cases = (struct test_cases){0};
}

struct test_case *test_cases_add(struct test_cases *cases)
{
    struct test_case *items = cases->items;

    if (cases->n == TEST_MAX_CASES)
        return NULL;
    if (!(cases->n & (cases->n - 1))) { /* grows at each power of two */
        items = reallocarray(items, cases->n ? cases->n * 2 : 1, sizeof(*items));
        if (!items)
            return NULL;
        cases->items = items;
    }
    items[cases->n] = (struct test_case){0};
    return &items[cases->n++];
}

/* ---- Asking ---- */

static int ask_all(struct test_case *c, struct judges *j, struct error **reterr)
{
    const struct asker asker = {.arch = c->arch, .program = c->program};

    for (size_t e = 0; e < TEST_ENFORCERS; e++) {
        bool counts = !c->expected.enforcer || c->expected.enforcer == test_enforcers[e];
        int r = judges_ask(j, test_enforcers[e], &c->question, &asker, &c->answers[e], reterr);

        if (r < 0)
            return r;
        c->deny = c->deny || (counts && c->answers[e].deny);
        c->audit = c->audit || (counts && c->answers[e].audit);
    }
    return 0;
}

/* ---- Comparing ---- */

/* True if a rule of this origin decides one of the answers that count. */
static bool rule_decides(const struct test_case *c, const char *rule)
{
    for (size_t e = 0; e < TEST_ENFORCERS; e++)
        if (c->answers[e].rule && strcmp(c->answers[e].rule, rule) == 0 &&
            (!c->expected.enforcer || c->expected.enforcer == test_enforcers[e]))
            return true;
    return false;
}

/* What stands in the way of a comparison; NULL: nothing. An enforcer that was meant must answer, and
 * one that gives no answer might deny what should be allowed. */
static const char *find_silence(const struct test_case *c, enum enforcer_bit *ret)
{
    for (size_t e = 0; e < TEST_ENFORCERS; e++) {
        const struct answer *a = &c->answers[e];
        bool meant = c->expected.enforcer == test_enforcers[e];

        *ret = test_enforcers[e];
        if (meant && a->kind == ANSWER_NONE)
            return "it has no say in it";
        if (a->kind == ANSWER_UNKNOWN &&
            (meant || (!c->expected.enforcer && !c->expected.deny && !c->deny)))
            return a->note;
    }
    return NULL;
}

/* The deciding rules of the answers that count, for a message. */
static int add_rules(struct buf *out, const struct test_case *c)
{
    int r = 0;

    for (size_t e = 0; e < TEST_ENFORCERS && r == 0; e++)
        if (c->answers[e].rule &&
            (!c->expected.enforcer || c->expected.enforcer == test_enforcers[e]))
            r = buf_format(out, " by %s's %s", enforcer_set_name(test_enforcers[e]),
                           c->answers[e].rule);
    return r;
}

/* Writes what differs; nothing if all is as expected. 0 or -ENOMEM. */
static int compare(struct test_case *c)
{
    const struct expectation *x = &c->expected;
    CLEANUP_BUF struct buf text = BUF_INIT(1u << 16);
    enum enforcer_bit silent;
    const char *silence = find_silence(c, &silent);
    int r = 0;

    if (silence)
        r = buf_format(&text, "no answer from %s: %s", enforcer_set_name(silent), silence);
    else if (c->deny != x->deny || (x->says_audit && c->audit != x->audit)) {
        r = buf_format(&text, "expected %s, got %s",
                       test_verdict(x->deny, x->says_audit && x->audit),
                       test_verdict(c->deny, c->audit));
        if (r == 0)
            r = add_rules(&text, c);
    } else if (x->rule && !rule_decides(c, x->rule)) {
        r = buf_format(&text, "expected rule '%s', got %s", x->rule,
                       test_verdict(c->deny, c->audit));
        if (r == 0)
            r = add_rules(&text, c);
    }
    if (r == 0 && text.len) {
        c->difference = strdup(buf_text(&text));
        return c->difference ? 0 : -ENOMEM;
    }
    return r < 0 ? -ENOMEM : 0;
}

static int run_case(struct test_case *c, struct judges *j, struct error **reterr)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = ask_all(c, j, &e);

    if (r == -EINVAL && c->expected.given) {
        c->difference = strdup(error_message(e));
        return c->difference ? 0 : error_oom(reterr);
    }
    if (r == -EINVAL) {
        error_set(reterr, r, "%s: %s", c->question.text, error_message(e));
        return r;
    }
    if (r == 0 && c->expected.given)
        r = compare(c);
    return r < 0 ? error_oom(reterr) : 0;
}

int test_cases_run(struct test_cases *cases, size_t first, struct judges *j, struct error **reterr)
{
    for (size_t i = first; i < cases->n; i++) {
        struct test_case *c = &cases->items[i];
        int r = run_case(c, j, reterr);

        if (r < 0)
            return r;
        cases->n_expected += c->expected.given;
        cases->n_different += c->difference != NULL;
    }
    return 0;
}
