/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/audit_counter.h"

START_TEST(what_was_counted_before_the_first_reading_is_not_ours)
{
    struct audit_counter c = {0};

    audit_counter_put(&c, 4000000000U);
    ck_assert_uint_eq(c.sum, 0);
    audit_counter_put(&c, 4000000007U);
    audit_counter_put(&c, 4000000007U);
    ck_assert_uint_eq(c.sum, 7);
}
END_TEST

START_TEST(a_counter_that_is_set_back_begins_anew)
{
    struct audit_counter c = {0};

    audit_counter_put(&c, 100);
    audit_counter_put(&c, 110);
    audit_counter_put(&c, 0);
    ck_assert_uint_eq(c.sum, 10);
    audit_counter_put(&c, 5);
    audit_counter_put(&c, 2); /* set back, and two more */
    ck_assert_uint_eq(c.sum, 17);
}
END_TEST

START_TEST(the_sum_is_wider_than_the_counter)
{
    struct audit_counter c = {0};

    for (int i = 0; i < 3; i++) {
        audit_counter_put(&c, 0);
        audit_counter_put(&c, UINT32_MAX);
    }
    ck_assert_uint_eq(c.sum, 3 * (uint64_t)UINT32_MAX);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_counter");
    TCase *t = tcase_create("audit_counter");

    tcase_add_test(t, what_was_counted_before_the_first_reading_is_not_ours);
    tcase_add_test(t, a_counter_that_is_set_back_begins_anew);
    tcase_add_test(t, the_sum_is_wider_than_the_counter);
    suite_add_tcase(s, t);
    return s;
}
