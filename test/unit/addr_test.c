/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "lib/addr.h"

static const struct {
    const char *text;
    bool block;
    const char *expected; /* NULL: refused */
} addr_cases[] = {
    {"10.0.0.1", false, "10.0.0.1"},
    {"::ffff:10.0.0.1", false, "10.0.0.1"},
    {"fd00::1", false, "fd00::1"},
    {"10.0.0", false, NULL},
    {"10.0.0.1/8", false, NULL},
    {"192.168.1.1/24", true, "192.168.1.0/24"},
    {"192.168.1.1/32", true, "192.168.1.1"},
    {"::ffff:10.1.2.3/104", true, "10.0.0.0/8"},
    {"fd00:1::/32", true, "fd00:1::/32"},
    {"0.0.0.0/0", true, "0.0.0.0/0"},
    {"10.0.0.0/33", true, NULL},
    {"10.0.0.0/", true, NULL},
    {"10.0.0.0/08", true, NULL},
    {"10.0.0.0/8x", true, NULL},
    {"fd00::/129", true, NULL},
    {"10.0.0.0", true, NULL},
};

START_TEST(an_address_is_parsed_and_normalised)
{
    char text[ADDR_TEXT_SIZE];
    struct addr a;
    int r;

    r = addr_cases[_i].block ? addr_parse_block(&a, addr_cases[_i].text)
                             : addr_parse(&a, addr_cases[_i].text);
    ck_assert_int_eq(r == 0, addr_cases[_i].expected != NULL);
    if (r == 0)
        ck_assert_str_eq(addr_format(&a, text), addr_cases[_i].expected);
}
END_TEST

START_TEST(an_address_lies_in_its_block)
{
    struct addr block, in, out, six;

    ck_assert_int_eq(addr_parse_block(&block, "10.16.0.0/12"), 0);
    ck_assert_int_eq(addr_parse(&in, "10.31.255.255"), 0);
    ck_assert_int_eq(addr_parse(&out, "10.32.0.0"), 0);
    ck_assert_int_eq(addr_parse(&six, "a10::"), 0);
    ck_assert(addr_in_block(&in, &block));
    ck_assert(!addr_in_block(&out, &block));
    ck_assert(!addr_in_block(&six, &block));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("addr");
    TCase *t = tcase_create("addr");

    tcase_add_loop_test(t, an_address_is_parsed_and_normalised, 0, (int)ARRAY_SIZE(addr_cases));
    tcase_add_test(t, an_address_lies_in_its_block);
    suite_add_tcase(s, t);
    return s;
}
