/* SPDX-License-Identifier: Apache-2.0 */
/* Texts are read and written whole or not at all, whichever allocation fails. */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/json_value.h"
#include "test/unit/alloc_failure.h"

static const char text[] =
    "{\"a name that is longer than what a buffer begins with\":"
    "[\"a value that is longer still, so that the buffer has to grow again, and again\",1,2.5]}";

START_TEST(each_allocation_of_reading_may_fail)
{
    CLEANUP_BUF struct buf out = BUF_INIT(1024);
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        json_error_t problem;
        json_t *value;

        alloc_failure_arm(n);
        value = json_value_read(text, strlen(text), 0, &problem);
        failed = alloc_failure_disarm();
        if (failed) {
            ck_assert_ptr_null(value);
            ck_assert(json_value_is_oom(&problem));
            ck_assert_str_eq(problem.text, "out of memory");
            continue;
        }
        ck_assert_ptr_nonnull(value);
        ck_assert_int_eq(json_value_add(&out, value, JSON_COMPACT), 0);
        ck_assert_str_eq(buf_text(&out), text);
        json_decref(value);
    }
}
END_TEST

START_TEST(each_allocation_of_writing_may_fail)
{
    json_t *value = json_value_read(text, strlen(text), 0, NULL);
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        CLEANUP_BUF struct buf out = BUF_INIT(1024);
        int r;

        alloc_failure_arm(n);
        r = json_value_add(&out, value, JSON_COMPACT);
        failed = alloc_failure_disarm();
        ck_assert_int_eq(r, failed ? -ENOMEM : 0);
        if (!failed)
            ck_assert_str_eq(buf_text(&out), text);
    }
    json_decref(value);
}
END_TEST

START_TEST(what_is_no_json_is_told_apart_from_no_memory)
{
    json_error_t problem;

    ck_assert_ptr_null(json_value_read("{\"a\":", 5, 0, &problem));
    ck_assert(!json_value_is_oom(&problem));
    ck_assert_ptr_null(json_value_read(NULL, 0, 0, &problem));
    ck_assert(!json_value_is_oom(&problem));
    ck_assert_ptr_null(json_value_read("{\"a\":1,\"a\":2}", 13, JSON_REJECT_DUPLICATES, NULL));
}
END_TEST

START_TEST(a_text_that_is_small_and_a_value_that_is_not)
{
    const size_t n = 1u << 20; /* objects of three bytes each */
    CLEANUP_FREE char *list = malloc(3 * n + 3);
    json_error_t problem;

    ck_assert_ptr_nonnull(list);
    list[0] = '[';
    for (size_t i = 0; i < n; i++)
        memcpy(list + 1 + 3 * i, "{},", 3);
    memcpy(list + 3 * n, "]", 2);
    ck_assert_ptr_null(json_value_read(list, 3 * n + 1, 0, &problem));
    ck_assert(json_value_is_oom(&problem));
    ck_assert_int_eq(problem.line, -1); /* our own */
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("json_value");
    TCase *t = tcase_create("json_value");

    tcase_add_test(t, each_allocation_of_reading_may_fail);
    tcase_add_test(t, each_allocation_of_writing_may_fail);
    tcase_add_test(t, what_is_no_json_is_told_apart_from_no_memory);
    tcase_add_test(t, a_text_that_is_small_and_a_value_that_is_not);
    suite_add_tcase(s, t);
    return s;
}
