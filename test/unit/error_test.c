/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "lib/error.h"

START_TEST(a_message_reads_from_the_outside_in)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(error_set(&e, -EINVAL, "%d is not a port", 70000), -EINVAL);
    ck_assert_int_eq(error_wrap(&e, -EINVAL, "policy '%s'", "shop/web"), -EINVAL);
    ck_assert_str_eq(error_message(e), "policy 'shop/web': 70000 is not a port");
    ck_assert_int_eq(error_code(e), -EINVAL);
}
END_TEST

START_TEST(wrapping_nothing_uses_the_system_text)
{
    CLEANUP(error_free) struct error *e = NULL;

    error_wrap(&e, -ENOENT, "file");
    ck_assert_str_eq(error_message(e), "file: No such file or directory");
}
END_TEST

START_TEST(out_of_memory_is_an_error_like_any_other)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(error_oom(&e), -ENOMEM);
    error_wrap(&e, -ENOMEM, "context");
    ck_assert_str_eq(error_message(e), "out of memory");
}
END_TEST

START_TEST(nobody_needs_to_want_the_message)
{
    ck_assert_int_eq(error_set(NULL, -EPERM, "x"), -EPERM);
    ck_assert_int_eq(error_wrap(NULL, -EPERM, "x"), -EPERM);
    ck_assert_int_eq(error_oom(NULL), -ENOMEM);
}
END_TEST

START_TEST(quoted_text_is_escaped_and_cut)
{
    char longer[400];

    memset(longer, 'a', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_str_eq(error_quote("a\nb'c\\"), "a\\x0ab\\x27c\\x5c");
    ck_assert_uint_eq(strlen(error_quote(longer)), 123);
}
END_TEST

/* What is quoted ends in terminals, JSON and messages, which all want UTF-8. */
START_TEST(quoted_text_is_utf8_without_control_characters)
{
    char longer[2 * 200 + 1];

    for (size_t i = 0; i + 1 < sizeof(longer); i += 2)
        memcpy(longer + i, "\xc3\xa9", 2); /* e with an acute accent */
    longer[sizeof(longer) - 1] = '\0';
    longer[0] = 'a';
    longer[1] = 'b'; /* so that byte 120 is in the middle of a character */
    ck_assert_uint_eq(strlen(error_quote(longer)), 2 + 2 * 118 + 3);
    ck_assert_str_eq(error_quote("\xc3\xa9t\xc3\xa9"), "\xc3\xa9t\xc3\xa9");
    ck_assert_str_eq(error_quote("\xc3"), "\\xc3");
    ck_assert_str_eq(error_quote("\xff/"), "\\xff/");
    ck_assert_str_eq(error_quote("\xc2\x9b"
                                 "31m"),
                     "\\xc2\\x9b31m"); /* U+009B begins a command */
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("error");
    TCase *t = tcase_create("error");

    tcase_add_test(t, a_message_reads_from_the_outside_in);
    tcase_add_test(t, wrapping_nothing_uses_the_system_text);
    tcase_add_test(t, out_of_memory_is_an_error_like_any_other);
    tcase_add_test(t, nobody_needs_to_want_the_message);
    tcase_add_test(t, quoted_text_is_escaped_and_cut);
    tcase_add_test(t, quoted_text_is_utf8_without_control_characters);
    suite_add_tcase(s, t);
    return s;
}
