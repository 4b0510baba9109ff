/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "manager/event_counts.h"
#include "manager/nodes.h"

#define SLOT 3

static struct nodes *nodes;
static struct arena *arena;
static const struct msg_event_count *sums;
static size_t n_sums;

static void set_up(void)
{
    nodes = nodes_new(NS_PER_SEC);
    arena = arena_new(16 << 20);
    ck_assert(nodes && arena);
}

static void tear_down(void)
{
    arena = arena_free(arena);
    nodes = nodes_free(nodes);
}

static void tell(const char *node_name, const struct msg_event_count *events, size_t n)
{
    const struct msg_hello hello = {.node = node_name};
    struct node *node;

    ck_assert_int_eq(nodes_hello(nodes, &hello, 1, &node, NULL), 0);
    ck_assert_int_eq(node_counts(node, SLOT, &(struct msg_counts){.events = events, .n_events = n}),
                     0);
}

static void sum(void)
{
    ck_assert_int_eq(event_counts_sum(nodes, SLOT, arena, &sums, &n_sums), 0);
}

START_TEST(without_reports_there_is_nothing)
{
    sum();
    ck_assert_uint_eq(n_sums, 0);
}
END_TEST

START_TEST(the_counts_of_all_nodes_are_one_by_enforcer_and_origin)
{
    static const struct msg_event_count first[] = {
        {ENFORCER_SECCOMP, "b", 1}, {ENFORCER_APPARMOR, "b", 2}, {ENFORCER_APPARMOR, "a", 3}};
    static const struct msg_event_count second[] = {{ENFORCER_APPARMOR, "b", 10},
                                                    {ENFORCER_APPARMOR, "", 1}};

    tell("n1", first, ARRAY_SIZE(first));
    tell("n2", second, ARRAY_SIZE(second));
    sum();
    ck_assert_uint_eq(n_sums, 4);
    ck_assert_str_eq(sums[0].origin, "");
    ck_assert_str_eq(sums[1].origin, "a");
    ck_assert_str_eq(sums[2].origin, "b");
    ck_assert_int_eq(sums[2].enforcer, ENFORCER_APPARMOR);
    ck_assert_uint_eq(sums[2].count, 12);
    ck_assert_int_eq(sums[3].enforcer, ENFORCER_SECCOMP);
    ck_assert_uint_eq(sums[3].count, 1);
}
END_TEST

START_TEST(what_a_message_cannot_carry_is_summed)
{
    static struct msg_event_count many[MESSAGE_MAX_EVENT_COUNTS];
    static char origins[MESSAGE_MAX_EVENT_COUNTS][16];
    static const struct msg_event_count more[] = {{ENFORCER_SECCOMP, "x", 5},
                                                  {ENFORCER_SECCOMP, "y", 6}};

    for (unsigned i = 0; i < MESSAGE_MAX_EVENT_COUNTS; i++) {
        snprintf(origins[i], sizeof(origins[i]), "%05u", i);
        many[i] = (struct msg_event_count){ENFORCER_APPARMOR, origins[i], 1};
    }
    tell("n1", many, MESSAGE_MAX_EVENT_COUNTS);
    sum();
    ck_assert_uint_eq(n_sums, MESSAGE_MAX_EVENT_COUNTS);
    tell("n2", more, ARRAY_SIZE(more));
    sum();
    ck_assert_uint_eq(n_sums, MESSAGE_MAX_EVENT_COUNTS);
    ck_assert_str_eq(sums[n_sums - 4].origin, "02044");
    ck_assert_str_eq(sums[n_sums - 3].origin, "(other rules)");
    ck_assert_int_eq(sums[n_sums - 3].enforcer, ENFORCER_APPARMOR);
    ck_assert_uint_eq(sums[n_sums - 3].count, 3);
    ck_assert_str_eq(sums[n_sums - 2].origin, "x");
    ck_assert_int_eq(sums[n_sums - 1].enforcer, ENFORCER_SECCOMP);
    ck_assert_uint_eq(sums[n_sums - 1].count, 6);
}
END_TEST

START_TEST(each_enforcer_keeps_its_own_sum)
{
    static struct msg_event_count many[3 * MESSAGE_MAX_EVENT_COUNTS];
    static char origins[ARRAY_SIZE(many)][16];
    uint64_t of[2] = {0};

    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        snprintf(origins[i], sizeof(origins[i]), "%05u", i);
        many[i] = (struct msg_event_count){i % 3 ? ENFORCER_SECCOMP : ENFORCER_BPF, origins[i], 1};
    }
    for (unsigned i = 0; i < 3; i++)
        tell(origins[i], many + i * MESSAGE_MAX_EVENT_COUNTS, MESSAGE_MAX_EVENT_COUNTS);
    sum();
    ck_assert_uint_eq(n_sums, MESSAGE_MAX_EVENT_COUNTS);
    for (size_t i = 0; i < n_sums; i++)
        of[sums[i].enforcer == ENFORCER_SECCOMP] += sums[i].count;
    ck_assert_uint_eq(of[0], MESSAGE_MAX_EVENT_COUNTS);
    ck_assert_uint_eq(of[1], 2 * MESSAGE_MAX_EVENT_COUNTS);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("event_counts");
    TCase *t = tcase_create("event_counts");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_reports_there_is_nothing);
    tcase_add_test(t, the_counts_of_all_nodes_are_one_by_enforcer_and_origin);
    tcase_add_test(t, what_a_message_cannot_carry_is_summed);
    tcase_add_test(t, each_enforcer_keeps_its_own_sum);
    suite_add_tcase(s, t);
    return s;
}
