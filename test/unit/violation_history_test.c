/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "manager/violation_history.h"

static struct violation_history *history;

static void set_up(void)
{
    history = violation_history_new();
}

static void tear_down(void)
{
    violation_history_free(history);
}

static int add(const char *profile, const char *node, const char *rule, const char *event)
{
    const struct msg_violation v = {.profile = profile,
                                    .rule = rule,
                                    .container_id = "",
                                    .container_name = "",
                                    .pod_name = "",
                                    .pod_namespace = "",
                                    .enforcer = "BPF",
                                    .event = event};

    return violation_history_add(history, node, &v);
}

static void found(const struct status_violation *v, void *data)
{
    ck_assert_int_eq(
        buf_format(data, "%s:%s:%s ", v->violation.profile, v->node, v->violation.rule), 0);
}

static void expect(const char *profile, const char *node, const char *text)
{
    CLEANUP_BUF struct buf out = BUF_INIT(65536);

    violation_history_each(history, profile, node, found, &out);
    ck_assert_str_eq(buf_text(&out), text);
}

START_TEST(violations_are_found_by_profile_and_node)
{
    ck_assert_int_eq(add("a", "n1", "1", "{}"), 0);
    ck_assert_int_eq(add("a", "n2", "2", "{}"), 0);
    ck_assert_int_eq(add("b", "n1", "3", "{}"), 0);
    expect("a", NULL, "a:n1:1 a:n2:2 ");
    expect("a", "n2", "a:n2:2 ");
    expect(NULL, "n1", "a:n1:1 b:n1:3 ");
    expect("none", NULL, "");
    violation_history_forget(history, "a");
    expect(NULL, NULL, "b:n1:3 ");
}
END_TEST

START_TEST(the_newest_of_a_profile_are_kept)
{
    CLEANUP_BUF struct buf expected = BUF_INIT(65536);
    char rule[16];

    for (int i = 0; i < VIOLATIONS_KEPT + 7; i++) {
        snprintf(rule, sizeof(rule), "%d", i);
        ck_assert_int_eq(add("a", "n", rule, "{}"), 0);
        if (i >= 7)
            ck_assert_int_eq(buf_format(&expected, "a:n:%d ", i), 0);
    }
    ck_assert_int_eq(add("b", "n", "x", "{}"), 0); /* a noisy profile takes no room of another */
    expect("a", NULL, buf_text(&expected));
    expect("b", NULL, "b:n:x ");
}
END_TEST

static void check_event(const struct status_violation *v, void *data)
{
    ck_assert_str_eq(v->violation.event, data);
}

START_TEST(an_event_that_is_too_long_is_left_out)
{
    char event[VIOLATION_MAX_EVENT + 2];

    memset(event, 'x', sizeof(event) - 1);
    event[sizeof(event) - 1] = '\0';
    ck_assert_int_eq(add("long", "n", "r", event), 0);
    violation_history_each(history, "long", NULL, check_event, (void *)"{}");
    event[VIOLATION_MAX_EVENT] = '\0';
    ck_assert_int_eq(add("fits", "n", "r", event), 0);
    violation_history_each(history, "fits", NULL, check_event, event);
}
END_TEST

START_TEST(the_number_of_profiles_has_a_ceiling)
{
    char name[16];

    for (int i = 0; i < VIOLATION_MAX_PROFILES; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        ck_assert_int_eq(add(name, "n", "r", "{}"), 0);
    }
    ck_assert_int_eq(add("one-more", "n", "r", "{}"), -E2BIG);
    ck_assert_int_eq(add("p1", "n", "r", "{}"), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("violation_history");
    TCase *t = tcase_create("violation_history");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, violations_are_found_by_profile_and_node);
    tcase_add_test(t, the_newest_of_a_profile_are_kept);
    tcase_add_test(t, an_event_that_is_too_long_is_left_out);
    tcase_add_test(t, the_number_of_profiles_has_a_ceiling);
    suite_add_tcase(s, t);
    return s;
}
