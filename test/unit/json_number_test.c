/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/json_number.h"

static const struct {
    const char *json, *wrapped;
    bool negative;
} cases[] = {
    {"[0, 1, 9223372036854775807]", "[0, 1, 9223372036854775807]", false},
    {"[9223372036854775808]", "[-9223372036854775808]", false},
    {"{\"a\":18446744073709551615}", "{\"a\":-1}", false},
    {"[18446744073709551616]", "[18446744073709551616]", false}, /* jansson refuses it */
    {"[-1, -9223372036854775808]", "[-1, -9223372036854775808]", true},
    {"[-18446744073709551615]", "[-18446744073709551615]", true},
    {"\"18446744073709551615\"", "\"18446744073709551615\"", false},
    {"[\"\\\"\", 18446744073709551615, \"-\"]", "[\"\\\"\", -1, \"-\"]", false},
    {"[0.9999999999999999999, 1.5e-3]", "[0.9999999999999999999, 1.5e-3]", false},
    {"[18446744073709551615.0, 18446744073709551615e1]",
     "[18446744073709551615.0, 18446744073709551615e1]", false},
    {"18446744073709551615", "-1", false},
    {"\"\\", "\"\\", false},
    {"", "", false},
};

START_TEST(numbers_of_64_bits_become_those_of_the_same_bits)
{
    CLEANUP_BUF struct buf out = BUF_INIT(256);
    bool negative = !cases[_i].negative;

    ck_assert_int_eq(json_number_wrap(&out, cases[_i].json, strlen(cases[_i].json), &negative), 0);
    ck_assert_str_eq(buf_text(&out), cases[_i].wrapped);
    ck_assert_int_eq(negative, cases[_i].negative);
}
END_TEST

START_TEST(what_does_not_fit_is_an_error)
{
    CLEANUP_BUF struct buf out = BUF_INIT(8);

    ck_assert_int_eq(json_number_wrap(&out, "[1, 2, 3]", 9, NULL), -E2BIG);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("json_number");
    TCase *t = tcase_create("json_number");

    tcase_add_loop_test(t, numbers_of_64_bits_become_those_of_the_same_bits, 0,
                        (int)ARRAY_SIZE(cases));
    tcase_add_test(t, what_does_not_fit_is_an_error);
    suite_add_tcase(s, t);
    return s;
}
