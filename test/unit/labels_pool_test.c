/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>

#include "lib/policy/labels_pool.h"
#include "lib/policy/selector.h"

#define MANY 2000

static struct labels_pool pool;

/* A set with one or two labels, in one piece as its users have it. */
static struct labels *labels_of(const char *a, const char *b)
{
    CLEANUP(labels_free) struct labels *l = labels_new();

    ck_assert_int_eq(labels_put(l, "a", a), 0);
    if (b)
        ck_assert_int_eq(labels_put(l, "b", b), 0);
    return labels_pack(l);
}

static struct labels *share(const char *a, const char *b)
{
    struct labels *l = labels_of(a, b);

    ck_assert_int_eq(labels_pool_share(&pool, &l), 0);
    ck_assert_str_eq(labels_get(l, "a"), a);
    return l;
}

START_TEST(equal_sets_are_one)
{
    struct labels *x = share("1", NULL), *y = share("1", NULL), *z = share("1", "2");

    ck_assert_ptr_eq(x, y);
    ck_assert_ptr_ne(x, z);
    ck_assert_uint_eq(pool.n, 2);
    labels_pool_release(&pool, x);
    ck_assert_uint_eq(pool.n, 2);
    ck_assert_str_eq(labels_get(y, "a"), "1");
    labels_pool_release(&pool, y);
    ck_assert_uint_eq(pool.n, 1);
    labels_pool_release(&pool, z);
    labels_pool_release(&pool, NULL);
    labels_pool_done(&pool);
}
END_TEST

START_TEST(a_set_that_is_needed_again_after_the_last_one_left_is_made_anew)
{
    for (int i = 0; i < 3; i++) {
        labels_pool_release(&pool, share("x", "y"));
        ck_assert_uint_eq(pool.n, 0);
    }
    labels_pool_done(&pool);
}
END_TEST

START_TEST(many_sets_come_and_go)
{
    static struct labels *sets[MANY];
    char text[16];

    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "v%d", i / 2);
        sets[i] = share(text, NULL);
        ck_assert(i % 2 == 0 || sets[i] == sets[i - 1]);
    }
    ck_assert_uint_eq(pool.n, MANY / 2);
    for (int i = 0; i < MANY; i += 2)
        labels_pool_release(&pool, sets[i]);
    ck_assert_uint_eq(pool.n, MANY / 2);
    for (int i = 1; i < MANY; i += 2)
        labels_pool_release(&pool, sets[i]);
    labels_pool_done(&pool);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("labels_pool");
    TCase *t = tcase_create("labels_pool");

    tcase_add_test(t, equal_sets_are_one);
    tcase_add_test(t, a_set_that_is_needed_again_after_the_last_one_left_is_made_anew);
    tcase_add_test(t, many_sets_come_and_go);
    suite_add_tcase(s, t);
    return s;
}
