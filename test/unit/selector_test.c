/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy/selector.h"

#define MAX_VALUES 4

static const struct {
    const char *key;
    enum selector_operator op;
    const char *values[MAX_VALUES];
    const char *text;    /* NULL: refused */
    bool app_web, empty; /* whether it matches {app: web, tier: ""}, and no labels at all */
} requirement_cases[] = {
    {"app", SELECTOR_IN, {"web"}, "app=web", true, false},
    {"app", SELECTOR_IN, {"x", "web", "x"}, "app in (web,x)", true, false},
    {"app", SELECTOR_IN, {"api"}, "app=api", false, false},
    {"app", SELECTOR_NOT_IN, {"web"}, "app notin (web)", false, true},
    {"app", SELECTOR_NOT_IN, {"api", ""}, "app notin (,api)", true, true},
    {"app", SELECTOR_EXISTS, {NULL}, "app", true, false},
    {"app", SELECTOR_DOES_NOT_EXIST, {NULL}, "!app", false, true},
    {"tier", SELECTOR_IN, {""}, "tier=", true, false},
    {"example.com/app", SELECTOR_DOES_NOT_EXIST, {NULL}, "!example.com/app", true, true},
    {"app", SELECTOR_IN, {NULL}, NULL, false, false},
    {"app", SELECTOR_EXISTS, {"web"}, NULL, false, false},
    {"", SELECTOR_EXISTS, {NULL}, NULL, false, false},
    {"-app", SELECTOR_EXISTS, {NULL}, NULL, false, false},
    {"a/b/c", SELECTOR_EXISTS, {NULL}, NULL, false, false},
    {"/app", SELECTOR_EXISTS, {NULL}, NULL, false, false},
    {"Example.com/app", SELECTOR_EXISTS, {NULL}, NULL, false, false},
    {"a..b/app", SELECTOR_EXISTS, {NULL}, NULL, false, false},
    {"a-.b/app", SELECTOR_EXISTS, {NULL}, NULL, false, false},
    {"app", SELECTOR_IN, {"we b"}, NULL, false, false},
    {"app", SELECTOR_IN, {"web-"}, NULL, false, false},
};

START_TEST(a_requirement_is_checked_printed_and_matched)
{
    CLEANUP(selector_free) struct selector *s = selector_new();
    CLEANUP(labels_free) struct labels *web = labels_new();
    CLEANUP(labels_free) struct labels *none = labels_new();
    CLEANUP(error_free) struct error *e = NULL;
    size_t n = 0;
    int r;

    ck_assert_int_eq(labels_put(web, "app", "web"), 0);
    ck_assert_int_eq(labels_put(web, "tier", ""), 0);
    while (n < MAX_VALUES && requirement_cases[_i].values[n])
        n++;
    r = selector_add(s, requirement_cases[_i].key, requirement_cases[_i].op,
                     requirement_cases[_i].values, n, &e);
    if (!requirement_cases[_i].text) {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_ptr_nonnull(e);
        ck_assert_uint_eq(selector_size(s), 0);
        return;
    }
    ck_assert_int_eq(r, 0);
    ck_assert_str_eq(selector_text(s), requirement_cases[_i].text);
    ck_assert_int_eq(selector_match(s, web), requirement_cases[_i].app_web);
    ck_assert_int_eq(selector_match(s, none), requirement_cases[_i].empty);
}
END_TEST

START_TEST(equal_sets_have_equal_texts_whatever_the_order)
{
    CLEANUP(selector_free) struct selector *one = selector_new();
    CLEANUP(selector_free) struct selector *two = selector_new();
    CLEANUP(selector_free) struct selector *copy = NULL;
    const char *const ab[] = {"a", "b"}, *const ba[] = {"b", "a"}, *const web[] = {"web"};

    ck_assert_int_eq(selector_add(one, "tier", SELECTOR_IN, web, 1, NULL), 0);
    ck_assert_int_eq(selector_add(one, "app", SELECTOR_IN, ab, 2, NULL), 0);
    ck_assert_int_eq(selector_add(one, "x", SELECTOR_DOES_NOT_EXIST, NULL, 0, NULL), 0);
    ck_assert_int_eq(selector_add(two, "x", SELECTOR_DOES_NOT_EXIST, NULL, 0, NULL), 0);
    ck_assert_int_eq(selector_add(two, "app", SELECTOR_IN, ba, 2, NULL), 0);
    ck_assert_int_eq(selector_add(two, "tier", SELECTOR_IN, web, 1, NULL), 0);
    ck_assert_int_eq(selector_add(two, "tier", SELECTOR_IN, web, 1, NULL), 0);
    ck_assert_str_eq(selector_text(one), "app in (a,b),tier=web,!x");
    ck_assert_str_eq(selector_text(two), selector_text(one));
    ck_assert_uint_eq(selector_size(two), 3);
    copy = selector_copy(two);
    ck_assert_ptr_nonnull(copy);
    ck_assert_str_eq(selector_text(copy), selector_text(one));
}
END_TEST

START_TEST(an_empty_selector_and_no_selector_match_everything)
{
    CLEANUP(selector_free) struct selector *s = selector_new();
    CLEANUP(labels_free) struct labels *l = labels_new();

    ck_assert(selector_match(s, l));
    ck_assert(selector_match(NULL, l));
    ck_assert_str_eq(selector_text(s), "");
}
END_TEST

START_TEST(requirements_have_a_ceiling)
{
    CLEANUP(selector_free) struct selector *s = selector_new();
    CLEANUP(error_free) struct error *e = NULL;
    char key[16];

    for (int i = 0; i < SELECTOR_MAX_REQUIREMENTS; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        ck_assert_int_eq(selector_add(s, key, SELECTOR_EXISTS, NULL, 0, NULL), 0);
    }
    ck_assert_int_eq(selector_add(s, "more", SELECTOR_EXISTS, NULL, 0, &e), -E2BIG);
    ck_assert_str_eq(error_message(e), "more than 1024 requirements in one selector");
    ck_assert_uint_eq(selector_size(s), SELECTOR_MAX_REQUIREMENTS);
}
END_TEST

START_TEST(labels_are_sorted_replaced_copied_and_bounded)
{
    CLEANUP(labels_free) struct labels *l = labels_new();
    CLEANUP(labels_free) struct labels *copy = NULL;
    char key[16];

    ck_assert_int_eq(labels_put(l, "b", "1"), 0);
    ck_assert_int_eq(labels_put(l, "a", "2"), 0);
    ck_assert_int_eq(labels_put(l, "b", "3"), 0);
    ck_assert_uint_eq(labels_size(l), 2);
    ck_assert_str_eq(labels_key(l, 0), "a");
    ck_assert_str_eq(labels_value(l, 1), "3");
    ck_assert_str_eq(labels_get(l, "a"), "2");
    ck_assert_ptr_null(labels_get(l, "c"));
    copy = labels_copy(l);
    ck_assert_ptr_nonnull(copy);
    ck_assert_str_eq(labels_get(copy, "b"), "3");
    for (int i = 2; i < LABELS_MAX; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        ck_assert_int_eq(labels_put(l, key, ""), 0);
    }
    ck_assert_int_eq(labels_put(l, "more", ""), -E2BIG);
    ck_assert_int_eq(labels_put(l, "a", "replaced"), 0);
}
END_TEST

START_TEST(names_and_values_end_at_63_bytes_and_prefixes_at_253)
{
    char text[400];

    memset(text, 'a', sizeof(text));
    text[63] = '\0';
    ck_assert_int_eq(label_value_check(text, NULL), 0);
    ck_assert_int_eq(label_key_check(text, NULL), 0);
    text[63] = 'a';
    text[64] = '\0';
    ck_assert_int_eq(label_value_check(text, NULL), -EINVAL);
    ck_assert_int_eq(label_key_check(text, NULL), -EINVAL);
    memset(text, 'a', sizeof(text));
    memcpy(text + 253, "/x", 3);
    ck_assert_int_eq(label_key_check(text, NULL), 0);
    memcpy(text + 253, "a/x", 4);
    ck_assert_int_eq(label_key_check(text, NULL), -EINVAL);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("selector");
    TCase *t = tcase_create("selector");

    tcase_add_loop_test(t, a_requirement_is_checked_printed_and_matched, 0,
                        (int)ARRAY_SIZE(requirement_cases));
    tcase_add_test(t, equal_sets_have_equal_texts_whatever_the_order);
    tcase_add_test(t, an_empty_selector_and_no_selector_match_everything);
    tcase_add_test(t, requirements_have_a_ceiling);
    tcase_add_test(t, labels_are_sorted_replaced_copied_and_bounded);
    tcase_add_test(t, names_and_values_end_at_63_bytes_and_prefixes_at_253);
    suite_add_tcase(s, t);
    return s;
}
