/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/json_text.h"
#include "lib/map.h"

START_TEST(a_buffer_refuses_to_pass_its_ceiling)
{
    CLEANUP_BUF struct buf b = BUF_INIT(8);

    ck_assert_int_eq(buf_add_text(&b, "12345"), 0);
    ck_assert_int_eq(buf_add_text(&b, "678"), 0);
    ck_assert_int_eq(buf_add_text(&b, "9"), -E2BIG);
    ck_assert_str_eq(buf_text(&b), "12345678");
    buf_consume(&b, 3);
    ck_assert_str_eq(buf_text(&b), "45678");
    ck_assert_int_eq(buf_format(&b, "%d", 123), 0);
    ck_assert_int_eq(buf_format(&b, "%d", 1), -E2BIG);
}
END_TEST

START_TEST(a_json_string_is_one_line_of_valid_utf8)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "\"plain\""},
        {"a\nb\"c\\d\x01", "\"a\\u000ab\\\"c\\\\d\\u0001\""},
        {"\xc3\xa9", "\"\xc3\xa9\""},
        {"\xff\xc3", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_BUF struct buf b = BUF_INIT(256);

        ck_assert_int_eq(json_text_add(&b, cases[i].in, strlen(cases[i].in)), 0);
        ck_assert_str_eq(buf_text(&b), cases[i].out);
    }
}
END_TEST

START_TEST(a_map_keeps_order_and_owns_its_values)
{
    CLEANUP(map_free) struct map *m = map_new(free, 2);
    char *third = strdup("3");

    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(map_put(m, "b", strdup("1")), 0);
    ck_assert_int_eq(map_put(m, "a", strdup("2")), 0);
    ck_assert_int_eq(map_put(m, "c", third), -E2BIG);
    free(third);
    ck_assert_int_eq(map_put(m, "b", strdup("4")), 0);
    ck_assert_str_eq(map_find(m, "b"), "4");
    ck_assert_str_eq(map_key(map_first(m)), "b");
    MAP_FOREACH (e, m)
        ck_assert(map_drop(m, map_key(e)));
    ck_assert_uint_eq(map_size(m), 0);
    ck_assert(!map_drop(m, "b"));
}
END_TEST

START_TEST(a_digest_is_sha256)
{
    char text[DIGEST_TEXT_SIZE];
    struct digest d;

    ck_assert_int_eq(digest_of(&d, "abc", 3), 0);
    ck_assert_str_eq(digest_format(&d, text),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert(!digest_is_zero(&d));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");

    tcase_add_test(t, a_buffer_refuses_to_pass_its_ceiling);
    tcase_add_test(t, a_json_string_is_one_line_of_valid_utf8);
    tcase_add_test(t, a_map_keeps_order_and_owns_its_values);
    tcase_add_test(t, a_digest_is_sha256);
    suite_add_tcase(s, t);
    return s;
}
