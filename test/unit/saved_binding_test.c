/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "agent/saved_binding.h"

START_TEST(what_is_saved_is_read_back)
{
    static const struct saved_binding all[] = {
        {0x44d, 1795572752141847361, true, "varmor-shop-web"},
        {UINT64_MAX, INT64_MAX, false, "p"},
        {1, 0, false, "a-name-of-sixty-three-bytes-which-is-the-most-that-a-profile-ha"},
    };
    CLEANUP_BUF struct buf b = BUF_INIT(1024);
    const char *text;

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        ck_assert_int_eq(saved_binding_format(&all[i], &b), 0);
    text = buf_text(&b);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        struct saved_binding one;

        ck_assert(saved_binding_parse(&one, &text));
        ck_assert_uint_eq(one.cgroup_id, all[i].cgroup_id);
        ck_assert_int_eq(one.since_ns, all[i].since_ns);
        ck_assert(one.before_first_instruction == all[i].before_first_instruction);
        ck_assert_str_eq(one.profile, all[i].profile);
    }
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_line_that_is_none_is_passed_over)
{
    static const char *const lines[] = {
        "",
        "1f",
        "1f 5",
        "1f 5 1",
        "1f 5 1 ",
        "1f 5 2 p",
        "1f -5 1 p",
        " 1f 5 1 p",
        "+1f 5 1 p",
        "xyz 5 1 p",
        "1f 5x 1 p",
        "1ffffffffffffffff 5 1 p",
        "1f 9223372036854775808 1 p",
        "1f 5 1 a-name-of-sixty-four-bytes-which-is-one-more-than-a-profile-has-",
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char text[256];
        const char *rest = text;
        struct saved_binding one;

        snprintf(text, sizeof(text), "%s\n20 6 0 next\n", lines[i]);
        ck_assert_msg(!saved_binding_parse(&one, &rest), "'%s'", lines[i]);
        ck_assert(saved_binding_parse(&one, &rest));
        ck_assert_str_eq(one.profile, "next");
        ck_assert_str_eq(rest, "");
    }
}
END_TEST

START_TEST(the_last_line_may_end_without_a_newline)
{
    const char *text = "1f 5 1 p";
    struct saved_binding one;

    ck_assert(saved_binding_parse(&one, &text));
    ck_assert_str_eq(text, "");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("saved_binding");
    TCase *t = tcase_create("saved_binding");

    tcase_add_test(t, what_is_saved_is_read_back);
    tcase_add_test(t, a_line_that_is_none_is_passed_over);
    tcase_add_test(t, the_last_line_may_end_without_a_newline);
    suite_add_tcase(s, t);
    return s;
}
