/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "agent/adopted_bindings.h"

static struct adopted_bindings *adopted;
static struct adopted_binding one;

static void set_up(void)
{
    adopted = adopted_bindings_new();
    ck_assert_ptr_nonnull(adopted);
}

static void tear_down(void)
{
    adopted = adopted_bindings_free(adopted);
}

static void add(uint64_t cgroup_id, const char *profile, enum enforcer_bit enforcer)
{
    ck_assert_int_eq(adopted_bindings_add(adopted, cgroup_id, profile, enforcer), 0);
}

START_TEST(a_cgroup_is_one_binding_of_all_its_enforcers)
{
    add(0x44d, "web", ENFORCER_BPF);
    add(0x44d, "web", ENFORCER_APPARMOR);
    ck_assert(!adopted_bindings_take(adopted, 0x44e, &one));
    ck_assert(adopted_bindings_take(adopted, 0x44d, &one));
    ck_assert_uint_eq(one.enforcers, ENFORCER_BPF | ENFORCER_APPARMOR);
    ck_assert_str_eq(one.profile, "web");
    ck_assert_int_eq(one.since_ns, 0);
    ck_assert(!adopted_bindings_take(adopted, 0x44d, &one));
}
END_TEST

START_TEST(what_was_saved_counts_only_where_the_kernel_agrees)
{
    add(0x44d, "web", ENFORCER_BPF);
    add(0x44e, "db", ENFORCER_BPF);
    adopted_bindings_read_saved(adopted, "44d 17 1 web\nno line\n44e 18 1 another\n44f 19 1 web\n");
    ck_assert(adopted_bindings_take(adopted, 0x44d, &one));
    ck_assert_int_eq(one.since_ns, 17);
    ck_assert(one.before_first_instruction);
    ck_assert(adopted_bindings_take(adopted, 0x44e, &one));
    ck_assert_int_eq(one.since_ns, 0);
    ck_assert(!one.before_first_instruction);
    ck_assert(!adopted_bindings_take(adopted, 0x44f, &one));
}
END_TEST

START_TEST(what_nobody_claims_is_taken_out_one_by_one)
{
    unsigned n = 0;

    add(1, "a", ENFORCER_BPF);
    add(2, "b", ENFORCER_BPF);
    while (adopted_bindings_take_any(adopted, &one))
        n++;
    ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(their_number_has_a_ceiling)
{
    for (unsigned i = 1; i <= ADOPTED_BINDINGS_MAX; i++)
        add(i, "p", ENFORCER_BPF);
    ck_assert_int_eq(adopted_bindings_add(adopted, 0, "p", ENFORCER_BPF), -E2BIG);
    add(5, "p", ENFORCER_APPARMOR);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("adopted_bindings");
    TCase *t = tcase_create("adopted_bindings");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_cgroup_is_one_binding_of_all_its_enforcers);
    tcase_add_test(t, what_was_saved_counts_only_where_the_kernel_agrees);
    tcase_add_test(t, what_nobody_claims_is_taken_out_one_by_one);
    tcase_add_test(t, their_number_has_a_ceiling);
    suite_add_tcase(s, t);
    return s;
}
