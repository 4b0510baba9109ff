/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "manager/binding_tally.h"

#define ALL (ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP)

static struct binding_tally tally;
static struct arena *arena;
static struct status_condition condition;

static void set_up(void)
{
    tally = (struct binding_tally){0};
    arena = arena_new(1 << 20);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    arena = arena_free(arena);
}

static const struct msg_binding_enforcer held[] = {
    {.enforcer = ENFORCER_APPARMOR, .in_force = true, .reason = "", .since_ns = 30},
    {.enforcer = ENFORCER_BPF, .in_force = true, .reason = "", .since_ns = 10},
    {.enforcer = ENFORCER_SECCOMP, .in_force = true, .reason = "", .since_ns = 20},
};
static const struct msg_binding_enforcer older_filter[] = {
    {.enforcer = ENFORCER_BPF, .in_force = true, .reason = "", .since_ns = 10},
    {.enforcer = ENFORCER_SECCOMP,
     .restart_needed = true,
     .reason = "an older filter",
     .since_ns = 40},
};

static struct msg_binding bound(const struct msg_binding_enforcer *enforcers, size_t n,
                                const char *reason)
{
    return (struct msg_binding){.container_name = "c",
                                .pod_name = "web-0",
                                .pod_namespace = "shop",
                                .profile = "varmor-shop-web",
                                .reason = reason,
                                .since_ns = 5,
                                .enforcers = enforcers,
                                .n_enforcers = n};
}

static void add(const struct msg_binding *b, unsigned enforcers)
{
    binding_tally_add(&tally, "n1", b, enforcers);
}

START_TEST(without_containers_there_is_no_condition)
{
    ck_assert_int_eq(binding_tally_condition(&tally, arena, &condition), 0);
}
END_TEST

START_TEST(a_container_is_bound_when_every_enforcer_holds_it)
{
    struct msg_binding b = bound(held, 3, "");

    add(&b, ALL);
    add(&b, ENFORCER_BPF);
    ck_assert_uint_eq(tally.n_bound, 2);
    ck_assert_int_eq(binding_tally_condition(&tally, arena, &condition), 1);
    ck_assert_str_eq(condition.type, "Bound");
    ck_assert_str_eq(condition.status, "True");
    ck_assert_str_eq(condition.reason, "AllContainersBound");
    ck_assert_str_eq(condition.message, "every enforcer holds each of 2 containers");
    ck_assert_int_eq(condition.since_ns, 30);
}
END_TEST

START_TEST(before_the_first_word_about_an_enforcer_it_is_neither)
{
    struct msg_binding b = bound(held, 2, ""); /* nothing about seccomp */

    add(&b, ALL);
    ck_assert_uint_eq(tally.n_bound + tally.n_without, 0);
    ck_assert_int_eq(binding_tally_condition(&tally, arena, &condition), 0);
}
END_TEST

START_TEST(containers_that_are_not_held_are_named_and_counted)
{
    struct msg_binding good = bound(held, 3, ""), bad = bound(NULL, 0, "its cgroup is not known");
    struct msg_binding older = bound(older_filter, 2, "Seccomp enforcer: an older filter");

    bad.pod_name = "";
    add(&good, ALL);
    add(&older, ENFORCER_BPF | ENFORCER_SECCOMP);
    for (unsigned i = 0; i < BINDING_TALLY_NAMED; i++)
        add(&bad, ALL);
    ck_assert_uint_eq(tally.n_without, 4);
    ck_assert_uint_eq(tally.n_restart_needed, 1);
    ck_assert_int_eq(binding_tally_condition(&tally, arena, &condition), 1);
    ck_assert_str_eq(condition.status, "False");
    ck_assert_str_eq(condition.reason, "ContainersWithout");
    ck_assert_str_eq(
        condition.message,
        "4 of 5 containers are not held by every enforcer; container 'c' of pod 'shop/web-0' on "
        "node 'n1': Seccomp enforcer: an older filter; container 'c' on node 'n1': its cgroup is "
        "not known; container 'c' on node 'n1': its cgroup is not known; and 1 more; 1 need a new "
        "start");
    ck_assert_int_eq(condition.since_ns, 40);
}
END_TEST

START_TEST(where_a_new_start_mends_all_the_reason_says_so)
{
    struct msg_binding older = bound(older_filter, 2, "Seccomp enforcer: an older filter");

    add(&older, ENFORCER_BPF | ENFORCER_SECCOMP);
    ck_assert_int_eq(binding_tally_condition(&tally, arena, &condition), 1);
    ck_assert_str_eq(condition.reason, "RestartNeeded");
}
END_TEST

START_TEST(a_new_start_must_mend_all_that_is_missing)
{
    static const struct msg_binding_enforcer nothing[] = {
        {.enforcer = ENFORCER_BPF, .reason = "no cgroup of its own", .since_ns = 10},
        {.enforcer = ENFORCER_SECCOMP, .restart_needed = true, .reason = "an older filter"},
    };
    struct msg_binding b = bound(nothing, 2, "BPF enforcer: no cgroup of its own");

    add(&b, ENFORCER_BPF | ENFORCER_SECCOMP);
    ck_assert_uint_eq(tally.n_without, 1);
    ck_assert_uint_eq(tally.n_restart_needed, 0);
    ck_assert_int_eq(binding_tally_condition(&tally, arena, &condition), 1);
    ck_assert_str_eq(condition.reason, "ContainersWithout");
}
END_TEST

START_TEST(an_enforcer_that_its_user_does_not_want_is_not_asked_for)
{
    static const struct msg_binding_enforcer without_bpf[] = {
        {.enforcer = ENFORCER_BPF, .opted_out = true, .reason = "opted out", .since_ns = 90},
        {.enforcer = ENFORCER_SECCOMP, .in_force = true, .reason = "", .since_ns = 20},
    };
    struct msg_binding b = bound(without_bpf, 2, ""), none = bound(without_bpf, 1, "");
    const struct status_enforcer_bindings *items;
    size_t n;

    add(&none, ENFORCER_BPF);
    ck_assert_uint_eq(tally.n_bound + tally.n_without, 0);
    add(&b, ENFORCER_BPF | ENFORCER_SECCOMP);
    ck_assert_uint_eq(tally.n_bound, 1);
    ck_assert_uint_eq(tally.n_without, 0);
    ck_assert_int_eq(binding_tally_condition(&tally, arena, &condition), 1);
    ck_assert_str_eq(condition.status, "True");
    ck_assert_int_eq(condition.since_ns, 20);
    items = binding_tally_enforcers(&tally, ENFORCER_BPF, arena, &n);
    ck_assert_uint_eq(items[0].n_in_force + items[0].n_without, 0);
}
END_TEST

START_TEST(each_enforcer_is_counted_for_itself)
{
    struct msg_binding good = bound(held, 3, ""), older = bound(older_filter, 2, "x");
    const struct status_enforcer_bindings *items;
    size_t n;

    add(&good, ALL);
    add(&older, ALL);
    items = binding_tally_enforcers(&tally, ENFORCER_BPF | ENFORCER_SECCOMP, arena, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(items[0].enforcer, ENFORCER_BPF);
    ck_assert_uint_eq(items[0].n_in_force, 2);
    ck_assert_uint_eq(items[0].n_without, 0);
    ck_assert_int_eq(items[1].enforcer, ENFORCER_SECCOMP);
    ck_assert_uint_eq(items[1].n_in_force, 1);
    ck_assert_uint_eq(items[1].n_without, 1);
    ck_assert_uint_eq(items[1].n_restart_needed, 1);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("binding_tally");
    TCase *t = tcase_create("binding_tally");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_containers_there_is_no_condition);
    tcase_add_test(t, a_container_is_bound_when_every_enforcer_holds_it);
    tcase_add_test(t, before_the_first_word_about_an_enforcer_it_is_neither);
    tcase_add_test(t, containers_that_are_not_held_are_named_and_counted);
    tcase_add_test(t, where_a_new_start_mends_all_the_reason_says_so);
    tcase_add_test(t, a_new_start_must_mend_all_that_is_missing);
    tcase_add_test(t, an_enforcer_that_its_user_does_not_want_is_not_asked_for);
    tcase_add_test(t, each_enforcer_is_counted_for_itself);
    suite_add_tcase(s, t);
    return s;
}
