/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every table of test/verdicts against the judge in user space. */
#include "test/unit/unit.h"

#include <string.h>

#include "lib/ruleset/ruleset.h"
#include "test/verdicts/verdict_table.h"

static struct ruleset_verdict judge(const struct ruleset *r, const struct verdict_ask *a)
{
    switch (a->kind) {
    case VERDICT_ASK_PATH:
        return ruleset_judge_path(r, a->text, strlen(a->text), a->asked);
    case VERDICT_ASK_CAPABILITY:
        return ruleset_judge_capability(r, a->numbers[0]);
    case VERDICT_ASK_SOCKET:
        return ruleset_judge_socket(r, a->numbers[0], a->numbers[1], a->numbers[2]);
    case VERDICT_ASK_CONNECT:
        return ruleset_judge_connect(r, &a->addr, a->numbers[0]);
    case VERDICT_ASK_PTRACE:
        return ruleset_judge_ptrace(r, a->asked, a->external);
    case VERDICT_ASK_MOUNT:
        return ruleset_judge_mount(r, a->text, a->fstype, a->numbers[0]);
    }
    return (struct ruleset_verdict){0};
}

static void check_profile(const struct verdict_profile *p, const char *table)
{
    CLEANUP(ruleset_free) struct ruleset *r = NULL;
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(ruleset_build(&r, p->profile, &e) == 0, "%s, profile %s: %s", table,
                  p->profile->name, error_message(e));
    ck_assert_msg(ruleset_check_image(r->lines, r->n_lines, &e) == 0, "%s, profile %s: %s", table,
                  p->profile->name, error_message(e));
    ck_assert_uint_gt(p->n_asks, 0);
    for (size_t i = 0; i < p->n_asks; i++) {
        const struct verdict_ask *a = &p->asks[i];
        struct ruleset_verdict v = judge(r, a);
        unsigned mode = (v.deny ? RULE_DENY : 0) | (v.audit ? RULE_AUDIT : 0);

        ck_assert_msg(mode == a->mode && v.rule == a->rule,
                      "%s:%u: expected mode %u by rule %u, got mode %u by rule %u", table, a->line,
                      a->mode, a->rule, mode, v.rule);
    }
}

static const char *const tables[] = {
    "test/verdicts/paths.tbl",
    "test/verdicts/egress.tbl",
    "test/verdicts/sockets.tbl",
};

START_TEST(the_judge_in_user_space_agrees_with_the_table)
{
    CLEANUP(verdict_table_free) struct verdict_table *t = NULL;
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(verdict_table_read(&t, tables[_i], &e) == 0, "%s", error_message(e));
    ck_assert_uint_gt(t->n_profiles, 0);
    for (size_t i = 0; i < t->n_profiles; i++)
        check_profile(&t->profiles[i], tables[_i]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("verdict");
    TCase *t = tcase_create("verdict");

    tcase_add_loop_test(t, the_judge_in_user_space_agrees_with_the_table, 0,
                        (int)ARRAY_SIZE(tables));
    suite_add_tcase(s, t);
    return s;
}
