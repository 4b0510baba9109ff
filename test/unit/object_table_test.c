/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "lib/policy/object.h"
#include "lib/policy/object_table.h"

#define MANY 3000 /* far more than the first slots */

static struct object_table table;
static struct object objects[MANY];
static char names[MANY][16];

/* Object i is "n<i / 3>" in one of three namespaces. */
static void set_up(void)
{
    static char name_spaces[3][4] = {"a", "b", ""};

    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "n%zu", i / 3);
        objects[i] = (struct object){.name = names[i], .name_space = name_spaces[i % 3]};
    }
}

static void tear_down(void)
{
    object_table_done(&table);
}

static void put(size_t i, const struct object *before)
{
    struct object *was = &objects[MANY - 1];

    ck_assert_int_eq(object_table_put(&table, &objects[i], &was), 0);
    ck_assert_ptr_eq(was, before);
}

static struct object *find(size_t i)
{
    return object_table_find(&table, objects[i].name_space, objects[i].name);
}

START_TEST(an_object_is_found_by_namespace_and_name)
{
    ck_assert_ptr_null(find(0));
    ck_assert_ptr_null(object_table_take(&table, "a", "n0"));
    for (size_t i = 0; i < MANY; i++)
        put(i, NULL);
    ck_assert_uint_eq(table.n, MANY);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_ptr_eq(find(i), &objects[i]);
    ck_assert_ptr_null(object_table_find(&table, "c", "n0"));
    ck_assert_ptr_null(object_table_find(&table, "an", "0"));
}
END_TEST

START_TEST(a_newer_object_takes_the_place_of_its_namesake)
{
    struct object newer = objects[4];

    put(4, NULL);
    objects[5] = newer;
    put(5, &objects[4]);
    ck_assert_uint_eq(table.n, 1);
    ck_assert_ptr_eq(find(4), &objects[5]);
}
END_TEST

/* In steps that leave gaps everywhere, so that each way of closing one is taken. */
START_TEST(what_is_taken_out_leaves_the_others_to_be_found)
{
    bool is_in[MANY] = {false};

    for (size_t step = 1; step < 12; step++) {
        for (size_t i = 0; i < MANY; i++)
            if (!is_in[i] && i % (step + 1) != 0) {
                put(i, NULL);
                is_in[i] = true;
            }
        for (size_t i = step; i < MANY; i += step)
            if (is_in[i]) {
                ck_assert_ptr_eq(object_table_take(&table, objects[i].name_space, objects[i].name),
                                 &objects[i]);
                is_in[i] = false;
            }
        for (size_t i = 0; i < MANY; i++)
            ck_assert_ptr_eq(find(i), is_in[i] ? &objects[i] : NULL);
    }
}
END_TEST

START_TEST(going_through_meets_each_object_once)
{
    bool met[MANY] = {false};
    size_t n = 0;
    struct object *o;

    for (size_t i = 0; i < MANY; i++)
        put(i, NULL);
    for (size_t at = 0; (o = object_table_next(&table, &at)); n++) {
        ck_assert(!met[o - objects]);
        met[o - objects] = true;
    }
    ck_assert_uint_eq(n, MANY);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("object_table");
    TCase *t = tcase_create("object_table");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_object_is_found_by_namespace_and_name);
    tcase_add_test(t, a_newer_object_takes_the_place_of_its_namesake);
    tcase_add_test(t, what_is_taken_out_leaves_the_others_to_be_found);
    tcase_add_test(t, going_through_meets_each_object_once);
    suite_add_tcase(s, t);
    return s;
}
