/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "manager/file_problems.h"
#include "manager/source.h"

static struct file_problems *problems;

static void set_up(void)
{
    problems = file_problems_new();
}

static void tear_down(void)
{
    file_problems_free(problems);
}

/* Tells a file's findings; message NULL: none. */
static int tell(const char *file, enum finding_severity severity, unsigned line,
                const char *message)
{
    struct findings findings = {0};
    int r;

    if (message)
        findings_add(&findings, severity, line, 3, "%s", message);
    r = file_problems_put(problems, &(struct source_file){.name = file, .findings = &findings});
    findings_done(&findings);
    return r;
}

START_TEST(a_problem_is_a_line_with_its_position)
{
    const struct file_problem *p;

    ck_assert_int_eq(tell("a.yaml", FINDING_ERROR, 41, "what"), 1);
    p = file_problems_find(problems, "a.yaml");
    ck_assert_uint_eq(p->n_lines, 1);
    ck_assert_uint_eq(p->n_errors, 1);
    ck_assert_str_eq(p->lines[0], "a.yaml:41:3: what");
    ck_assert_int_eq(tell("b.yaml", FINDING_ERROR, 0, "cannot be read"), 1);
    ck_assert_str_eq(file_problems_find(problems, "b.yaml")->lines[0], "b.yaml: cannot be read");
    ck_assert_int_eq(tell("c.yaml", FINDING_WARNING, 1, "odd"), 1);
    ck_assert_str_eq(file_problems_find(problems, "c.yaml")->lines[0], "c.yaml:1:3: warning: odd");
    ck_assert_uint_eq(file_problems_find(problems, "c.yaml")->n_errors, 0);
    ck_assert_uint_eq(map_size(file_problems_all(problems)), 3);
}
END_TEST

START_TEST(only_news_is_news)
{
    ck_assert_int_eq(tell("a.yaml", FINDING_ERROR, 0, NULL), 0);
    ck_assert_int_eq(tell("a.yaml", FINDING_ERROR, 1, "x"), 1);
    ck_assert_int_eq(tell("a.yaml", FINDING_ERROR, 1, "x"), 0);
    ck_assert_int_eq(tell("a.yaml", FINDING_ERROR, 2, "x"), 1);
    ck_assert_int_eq(tell("a.yaml", FINDING_ERROR, 0, NULL), 1);
    ck_assert_int_eq(tell("a.yaml", FINDING_ERROR, 0, NULL), 0);
    ck_assert_ptr_null(file_problems_find(problems, "a.yaml"));
}
END_TEST

START_TEST(a_file_is_blind_if_nothing_says_what_it_speaks_for)
{
    static const struct {
        enum finding_severity severity;
        unsigned n_in_force;
        bool is_known, is_blind;
    } cases[] = {
        {FINDING_ERROR, 0, false, true},
        {FINDING_ERROR, 1, false, false},
        {FINDING_ERROR, 0, true, false},
        {FINDING_WARNING, 0, false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct findings findings = {0};

        findings_add(&findings, cases[i].severity, 0, 0, "x");
        file_problems_put(problems, &(struct source_file){.name = "a",
                                                          .findings = &findings,
                                                          .n_in_force = cases[i].n_in_force,
                                                          .is_known = cases[i].is_known});
        ck_assert_int_eq(file_problems_blind(problems), cases[i].is_blind);
        findings_done(&findings);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("file_problems");
    TCase *t = tcase_create("file_problems");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_problem_is_a_line_with_its_position);
    tcase_add_test(t, only_news_is_news);
    tcase_add_test(t, a_file_is_blind_if_nothing_says_what_it_speaks_for);
    suite_add_tcase(s, t);
    return s;
}
