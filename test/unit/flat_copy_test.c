/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "manager/flat_copy.h"
#include "manager/object_key.h"

struct sample {
    int number;
    const char *first;
    const void *untouched;
    struct {
        const char *second;
    } inner;
};

START_TEST(a_copy_owns_its_texts_and_nothing_else)
{
    static const size_t texts[] = {offsetof(struct sample, first),
                                   offsetof(struct sample, inner.second)};
    char first[] = "first", second[] = "";
    const struct sample from = {7, first, &from, {second}};
    struct sample *copy = flat_copy(&from, sizeof(from), texts, 2);

    memset(first, 'x', 5);
    ck_assert_int_eq(copy->number, 7);
    ck_assert_str_eq(copy->first, "first");
    ck_assert_str_eq(copy->inner.second, "");
    ck_assert_ptr_ne(copy->inner.second, second);
    ck_assert_ptr_eq(copy->untouched, &from);
    free(copy);
}
END_TEST

START_TEST(a_struct_without_texts_is_copied_too)
{
    const int from = 5;
    int *copy = flat_copy(&from, sizeof(from), NULL, 0);

    ck_assert_int_eq(*copy, 5);
    free(copy);
}
END_TEST

START_TEST(a_key_has_kind_namespace_and_name)
{
    char key[OBJECT_KEY_SIZE];

    ck_assert_str_eq(object_key(key, "VarmorPolicy", "shop", "web"), "VarmorPolicy/shop/web");
    ck_assert_str_eq(object_key(key, "VarmorClusterPolicy", "", "web"), "VarmorClusterPolicy//web");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("flat_copy");
    TCase *t = tcase_create("flat_copy");

    tcase_add_test(t, a_copy_owns_its_texts_and_nothing_else);
    tcase_add_test(t, a_struct_without_texts_is_copied_too);
    tcase_add_test(t, a_key_has_kind_namespace_and_name);
    suite_add_tcase(s, t);
    return s;
}
