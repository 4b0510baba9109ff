/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/violation_counts.h"

static struct violation_counts *counts;

static void set_up(void)
{
    ck_assert_int_eq(violation_counts_new(&counts), 0);
}

static void tear_down(void)
{
    counts = violation_counts_free(counts);
}

static uint64_t count_of(const char *profile, enum enforcer_bit enforcer, const char *origin)
{
    size_t n;
    const struct msg_event_count *items = violation_counts_get(counts, profile, &n);

    for (size_t i = 0; i < n; i++)
        if (items[i].enforcer == enforcer && strcmp(items[i].origin, origin) == 0)
            return items[i].count;
    return 0;
}

static void add(const char *profile, enum enforcer_bit enforcer, const char *origin)
{
    ck_assert_int_eq(violation_counts_add(counts, profile, enforcer, origin), 0);
}

START_TEST(events_are_counted_by_profile_enforcer_and_origin)
{
    size_t n;

    add("web", ENFORCER_APPARMOR, "disallow-mount");
    add("web", ENFORCER_APPARMOR, "disallow-mount");
    add("web", ENFORCER_SECCOMP, "disallow-mount");
    add("web", ENFORCER_SECCOMP, "");
    add("db", ENFORCER_APPARMOR, "disallow-mount");
    ck_assert_uint_eq(count_of("web", ENFORCER_APPARMOR, "disallow-mount"), 2);
    ck_assert_uint_eq(count_of("web", ENFORCER_SECCOMP, "disallow-mount"), 1);
    ck_assert_uint_eq(count_of("web", ENFORCER_SECCOMP, ""), 1);
    ck_assert_uint_eq(count_of("db", ENFORCER_APPARMOR, "disallow-mount"), 1);
    ck_assert_ptr_nonnull(violation_counts_get(counts, "web", &n));
    ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(a_dropped_profile_begins_anew)
{
    size_t n;

    add("web", ENFORCER_APPARMOR, "a");
    violation_counts_drop(counts, "web");
    violation_counts_drop(counts, "unknown");
    ck_assert_ptr_null(violation_counts_get(counts, "web", &n));
    ck_assert_uint_eq(n, 0);
    add("web", ENFORCER_APPARMOR, "a");
    ck_assert_uint_eq(count_of("web", ENFORCER_APPARMOR, "a"), 1);
}
END_TEST

START_TEST(origins_beyond_the_ceiling_share_one_count)
{
    char origin[32];
    size_t n;

    for (unsigned i = 0; i < VIOLATION_COUNTS_MAX; i++) {
        snprintf(origin, sizeof(origin), "rule %u", i);
        add("web", ENFORCER_APPARMOR, origin);
    }
    ck_assert_uint_eq(count_of("web", ENFORCER_APPARMOR, MESSAGE_ORIGIN_OTHER), 0);
    add("web", ENFORCER_APPARMOR, "one more");
    add("web", ENFORCER_APPARMOR, "and another");
    add("web", ENFORCER_SECCOMP, "of seccomp");
    add("web", ENFORCER_APPARMOR, "rule 0");
    ck_assert_uint_eq(count_of("web", ENFORCER_APPARMOR, MESSAGE_ORIGIN_OTHER), 2);
    ck_assert_uint_eq(count_of("web", ENFORCER_SECCOMP, MESSAGE_ORIGIN_OTHER), 1);
    ck_assert_uint_eq(count_of("web", ENFORCER_APPARMOR, "rule 0"), 2);
    violation_counts_get(counts, "web", &n);
    ck_assert_uint_le(n, MESSAGE_MAX_EVENT_COUNTS);
}
END_TEST

START_TEST(a_long_origin_is_cut_and_still_one)
{
    char origin[MESSAGE_MAX_ORIGIN + 20];
    const struct msg_event_count *items;
    size_t n;

    memset(origin, 'x', sizeof(origin));
    origin[sizeof(origin) - 1] = '\0';
    add("web", ENFORCER_APPARMOR, origin);
    add("web", ENFORCER_APPARMOR, origin);
    items = violation_counts_get(counts, "web", &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(items[0].count, 2);
    ck_assert_uint_eq(strlen(items[0].origin), MESSAGE_MAX_ORIGIN);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("violation_counts");
    TCase *t = tcase_create("violation_counts");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, events_are_counted_by_profile_enforcer_and_origin);
    tcase_add_test(t, a_dropped_profile_begins_anew);
    tcase_add_test(t, origins_beyond_the_ceiling_share_one_count);
    tcase_add_test(t, a_long_origin_is_cut_and_still_one);
    suite_add_tcase(s, t);
    return s;
}
