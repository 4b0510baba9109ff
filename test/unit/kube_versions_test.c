/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#include "lib/buf.h"
#include "lib/kube/kube_versions.h"

static void on_dropped(const char *key, void *data)
{
    ck_assert_int_eq(buf_format(data, "%s ", key), 0);
}

START_TEST(an_object_is_new_then_the_same_then_changed)
{
    CLEANUP(kube_versions_free) struct kube_versions *v = kube_versions_new(10);

    ck_assert_int_eq(kube_versions_put(v, "a/b", "1"), KUBE_VERSION_NEW);
    ck_assert_int_eq(kube_versions_put(v, "a/b", "1"), KUBE_VERSION_SAME);
    ck_assert_int_eq(kube_versions_put(v, "a/b", "2"), KUBE_VERSION_CHANGED);
    ck_assert_int_eq(kube_versions_put(v, "a/b", "1"), KUBE_VERSION_CHANGED);
    ck_assert_int_eq(kube_versions_put(v, "a", "1"), KUBE_VERSION_NEW);
    ck_assert_uint_eq(kube_versions_size(v), 2);
    ck_assert(kube_versions_drop(v, "a/b"));
    ck_assert(!kube_versions_drop(v, "a/b"));
    ck_assert_int_eq(kube_versions_put(v, "a/b", "1"), KUBE_VERSION_NEW);
}
END_TEST

START_TEST(what_a_list_does_not_have_is_dropped_at_its_end)
{
    CLEANUP(kube_versions_free) struct kube_versions *v = kube_versions_new(10);
    CLEANUP_BUF struct buf dropped = BUF_INIT(1000);

    for (const char *const *key = (const char *const[]){"a", "b", "c", "d", NULL}; *key; key++)
        ck_assert_int_eq(kube_versions_put(v, *key, "1"), KUBE_VERSION_NEW);
    kube_versions_list_begin(v);
    ck_assert_int_eq(kube_versions_put(v, "b", "1"), KUBE_VERSION_SAME);
    ck_assert_int_eq(kube_versions_put(v, "d", "2"), KUBE_VERSION_CHANGED);
    ck_assert_int_eq(kube_versions_put(v, "e", "1"), KUBE_VERSION_NEW);
    ck_assert_int_eq(kube_versions_list_end(v, on_dropped, &dropped), 0);
    ck_assert_str_eq(buf_text(&dropped), "a c ");
    ck_assert_uint_eq(kube_versions_size(v), 3);
    /* And of an empty list nothing stays. */
    buf_clear(&dropped);
    kube_versions_list_begin(v);
    ck_assert_int_eq(kube_versions_list_end(v, on_dropped, &dropped), 0);
    ck_assert_str_eq(buf_text(&dropped), "b d e ");
    ck_assert_uint_eq(kube_versions_size(v), 0);
}
END_TEST

START_TEST(a_list_that_breaks_off_drops_nothing_and_counts_for_nothing)
{
    CLEANUP(kube_versions_free) struct kube_versions *v = kube_versions_new(10);
    CLEANUP_BUF struct buf dropped = BUF_INIT(1000);

    ck_assert_int_eq(kube_versions_put(v, "a", "1"), KUBE_VERSION_NEW);
    ck_assert_int_eq(kube_versions_put(v, "b", "1"), KUBE_VERSION_NEW);
    kube_versions_list_begin(v);
    ck_assert_int_eq(kube_versions_put(v, "a", "1"), KUBE_VERSION_SAME);
    kube_versions_list_begin(v);
    ck_assert_int_eq(kube_versions_put(v, "b", "1"), KUBE_VERSION_SAME);
    ck_assert_int_eq(kube_versions_list_end(v, on_dropped, &dropped), 0);
    ck_assert_str_eq(buf_text(&dropped), "a ");
}
END_TEST

START_TEST(objects_have_a_ceiling)
{
    CLEANUP(kube_versions_free) struct kube_versions *v = kube_versions_new(2);

    ck_assert_int_eq(kube_versions_put(v, "a", "1"), KUBE_VERSION_NEW);
    ck_assert_int_eq(kube_versions_put(v, "b", "1"), KUBE_VERSION_NEW);
    ck_assert_int_eq(kube_versions_put(v, "c", "1"), -E2BIG);
    ck_assert_int_eq(kube_versions_put(v, "a", "2"), KUBE_VERSION_CHANGED);
    ck_assert(kube_versions_drop(v, "b"));
    ck_assert_int_eq(kube_versions_put(v, "c", "1"), KUBE_VERSION_NEW);
}
END_TEST

START_TEST(thousands_come_and_go_in_any_order)
{
    enum { N = 5000 };
    CLEANUP(kube_versions_free) struct kube_versions *v = kube_versions_new(N);
    CLEANUP_BUF struct buf dropped = BUF_INIT(1u << 20);
    char key[32];

    for (unsigned i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "n/%u", i * 7919 % N);
        ck_assert_int_eq(kube_versions_put(v, key, "1"), KUBE_VERSION_NEW);
    }
    kube_versions_list_begin(v);
    for (unsigned i = 0; i < N; i += 2) {
        snprintf(key, sizeof(key), "n/%u", i);
        ck_assert_int_eq(kube_versions_put(v, key, "1"), KUBE_VERSION_SAME);
    }
    ck_assert_int_eq(kube_versions_list_end(v, on_dropped, &dropped), 0);
    ck_assert_uint_eq(kube_versions_size(v), N / 2);
    for (unsigned i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "n/%u", i);
        ck_assert(kube_versions_drop(v, key) == (i % 2 == 0));
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_versions");
    TCase *t = tcase_create("kube_versions");

    tcase_add_test(t, an_object_is_new_then_the_same_then_changed);
    tcase_add_test(t, what_a_list_does_not_have_is_dropped_at_its_end);
    tcase_add_test(t, a_list_that_breaks_off_drops_nothing_and_counts_for_nothing);
    tcase_add_test(t, objects_have_a_ceiling);
    tcase_add_test(t, thousands_come_and_go_in_any_order);
    suite_add_tcase(s, t);
    return s;
}
