/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "lib/counted_text.h"

START_TEST(equal_texts_become_one)
{
    char *a = counted_text_new("the same", 8), *b = counted_text_new("the same", 8);

    ck_assert_str_eq(a, "the same");
    ck_assert(counted_text_share(&b, a));
    ck_assert_ptr_eq(a, b);
    ck_assert_ptr_null(counted_text_unref(a));
    ck_assert_str_eq(b, "the same");
    ck_assert_ptr_null(counted_text_unref(b));
}
END_TEST

START_TEST(other_texts_stay_apart)
{
    char *a = counted_text_new("the same", 8), *b = counted_text_new("the other", 9);
    char *c = counted_text_new("the sami", 8), *none = NULL;

    ck_assert(!counted_text_share(&b, a));
    ck_assert(!counted_text_share(&c, a));
    ck_assert(!counted_text_share(&none, a));
    ck_assert(!counted_text_share(&b, NULL));
    ck_assert(counted_text_share(&none, NULL));
    ck_assert_str_eq(b, "the other");
    counted_text_unref(a);
    counted_text_unref(b);
    counted_text_unref(c);
    ck_assert_ptr_null(counted_text_unref(NULL));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("counted_text");
    TCase *t = tcase_create("counted_text");

    tcase_add_test(t, equal_texts_become_one);
    tcase_add_test(t, other_texts_stay_apart);
    suite_add_tcase(s, t);
    return s;
}
