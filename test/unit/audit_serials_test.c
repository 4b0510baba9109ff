/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/audit_serials.h"

#include <string.h>

static struct audit_serials serials;

static void setup(void)
{
    memset(&serials, 0, sizeof(serials));
}

START_TEST(serials_in_order_lose_nothing)
{
    for (uint64_t n = 100; n < 100 + 3 * AUDIT_SERIALS_WINDOW; n++)
        ck_assert_uint_eq(audit_serials_put(&serials, n), 0);
    ck_assert_uint_eq(audit_serials_settle(&serials), 0);
}
END_TEST

START_TEST(records_of_one_event_share_a_serial)
{
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(audit_serials_put(&serials, 7), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 8), 0);
    ck_assert_uint_eq(audit_serials_settle(&serials), 0);
}
END_TEST

START_TEST(a_late_serial_is_not_lost)
{
    ck_assert_uint_eq(audit_serials_put(&serials, 1), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 3), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 2), 0);
    ck_assert_uint_eq(audit_serials_settle(&serials), 0);
}
END_TEST

START_TEST(a_hole_is_told_when_the_source_is_quiet_and_once)
{
    ck_assert_uint_eq(audit_serials_put(&serials, 1), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 5), 0);
    ck_assert_uint_eq(audit_serials_settle(&serials), 3);
    ck_assert_uint_eq(audit_serials_settle(&serials), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 3), 0); /* too late */
    ck_assert_uint_eq(audit_serials_put(&serials, 7), 0);
    ck_assert_uint_eq(audit_serials_settle(&serials), 1);
}
END_TEST

START_TEST(a_hole_is_told_when_the_window_leaves_it_behind)
{
    uint64_t lost = 0;

    audit_serials_put(&serials, 1);
    for (uint64_t n = 4; n < 2 + AUDIT_SERIALS_WINDOW; n++)
        lost += audit_serials_put(&serials, n);
    ck_assert_uint_eq(lost, 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 2 + AUDIT_SERIALS_WINDOW), 1);
    ck_assert_uint_eq(audit_serials_put(&serials, 3 + AUDIT_SERIALS_WINDOW), 1);
    ck_assert_uint_eq(audit_serials_settle(&serials), 0);
}
END_TEST

START_TEST(every_second_of_a_million_is_counted)
{
    uint64_t lost = 0;

    for (uint64_t n = 0; n <= 1000000; n += 2)
        lost += audit_serials_put(&serials, n);
    ck_assert_uint_eq(lost + audit_serials_settle(&serials), 500000);
}
END_TEST

START_TEST(another_boots_counter_is_no_hole)
{
    ck_assert_uint_eq(audit_serials_put(&serials, 10000000), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 10000002), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 1), 1); /* what was missing till then */
    ck_assert_uint_eq(audit_serials_put(&serials, 2), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, 3 + AUDIT_SERIALS_JUMP),
                      AUDIT_SERIALS_JUMP - AUDIT_SERIALS_WINDOW + 1);
    ck_assert_uint_eq(audit_serials_settle(&serials), AUDIT_SERIALS_WINDOW - 1);
    ck_assert_uint_eq(audit_serials_put(&serials, 5 + 2 * (uint64_t)AUDIT_SERIALS_JUMP), 0);
    ck_assert_uint_eq(audit_serials_put(&serials, UINT64_MAX - 1), 0);
    ck_assert_uint_eq(audit_serials_settle(&serials), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_serials");
    TCase *t = tcase_create("audit_serials");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, serials_in_order_lose_nothing);
    tcase_add_test(t, records_of_one_event_share_a_serial);
    tcase_add_test(t, a_late_serial_is_not_lost);
    tcase_add_test(t, a_hole_is_told_when_the_source_is_quiet_and_once);
    tcase_add_test(t, a_hole_is_told_when_the_window_leaves_it_behind);
    tcase_add_test(t, every_second_of_a_million_is_counted);
    tcase_add_test(t, another_boots_counter_is_no_hole);
    suite_add_tcase(s, t);
    return s;
}
