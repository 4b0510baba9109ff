/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/kube/json_cutter.h"

#define VALUE_MAX 8

static const struct json_cutter_member members[] = {
    {.name = "meta", .max_bytes = 64},
    {.name = "items", .is_list = true, .max_bytes = VALUE_MAX},
};

static int on_value(size_t member, const uint8_t *json, size_t len, bool is_cut, void *data)
{
    return buf_format(data, "%s=%.*s%s;", members[member].name, (int)len, (const char *)json,
                      is_cut ? "..." : "");
}

static int on_ended(void *data)
{
    return buf_add_text(data, "end;");
}

/* Feeds text in pieces of so many bytes; what came out of it is in out. */
static int cut(struct buf *out, const char *text, size_t piece)
{
    const struct json_cutter_events events = {on_value, on_ended, out};
    const size_t len = strlen(text);
    struct json_cutter c;
    int r = 0;

    json_cutter_init(&c, members, ARRAY_SIZE(members), &events);
    for (size_t i = 0; r == 0 && i < len; i += piece)
        r = json_cutter_feed(&c, (const uint8_t *)text + i, MIN(piece, len - i));
    if (r == 0 && !json_cutter_is_between(&c))
        r = buf_add_text(out, "half;");
    json_cutter_done(&c);
    return r;
}

static const struct {
    const char *text, *out;
    int result;
} cases[] = {
    {"", "", 0},
    {"{}", "end;", 0},
    {" {\n} { } ", "end;end;", 0},
    {"{\"meta\":{\"a\":[1,{\"b\":\"}\"}]}}", "meta={\"a\":[1,{\"b\":\"}\"}]};end;", 0},
    {"{\"meta\" : \"x\\\"y\" , \"b\":1}", "meta=\"x\\\"y\" ;end;", 0},
    {"{\"meta\":\"\\\\\",\"b\":1}", "meta=\"\\\\\";end;", 0},
    {"{\"meta\":12.5,\"meta\":null}", "meta=12.5;meta=null;end;", 0},
    {"{\"items\":[]}", "end;", 0},
    {"{\"items\":null,\"meta\":1}", "meta=1;end;", 0},
    {"{\"items\":[{\"a\":1},{\"b\":2}]}", "items={\"a\":1};items={\"b\":2};end;", 0},
    {"{\"items\":[ 1 , \"a,]\" ,[2]]}", "items=1 ;items=\"a,]\" ;items=[2];end;", 0},
    {"{\"items\":[\"12345678\"]}", "items=\"1234567...;end;", 0},
    {"{\"items\":[\"123456\",\"1234567\"]}", "items=\"123456\";items=\"1234567...;end;", 0},
    {"{\"other\":{\"items\":[1],\"meta\":2},\"x\":[{\"meta\":3}]}", "end;", 0},
    /* A name with an escape is another name, as far as anybody asks; so is a longer one. */
    {"{\"m\\u0065ta\":1,\"metadata\":2,\"met\":3}", "end;", 0},
    {"{\"a\":1}{\"meta\":2}\n{\"meta\":3", "end;meta=2;end;half;", 0},
    {"{\"meta\":{\"a\":1}", "half;", 0},
    {"[1]", "", -EBADMSG},
    {"{1}", "", -EBADMSG},
    {"{\"a\" 1}", "", -EBADMSG},
    {"{\"a\":1,}", "", -EBADMSG},
    {"{,}", "", -EBADMSG},
    {"{\"a\":}", "", -EBADMSG},
    {"{\"a\":1 \"b\":2}", "", -EBADMSG},
    {"{\"meta\":{}x}", "", -EBADMSG},
    {"{}x", "end;", -EBADMSG},
    {"<html>", "", -EBADMSG},
};

START_TEST(values_come_out_whole_however_the_bytes_come_in)
{
    const size_t len = strlen(cases[_i].text);

    for (size_t piece = 1; piece <= len + 1; piece++) {
        CLEANUP_BUF struct buf out = BUF_INIT(1000);

        ck_assert_int_eq(cut(&out, cases[_i].text, piece), cases[_i].result);
        ck_assert_str_eq(buf_text(&out), cases[_i].out);
    }
}
END_TEST

START_TEST(a_name_of_any_length_is_skipped)
{
    CLEANUP_BUF struct buf text = BUF_INIT(100000), out = BUF_INIT(1000);

    ck_assert_int_eq(buf_add_text(&text, "{\""), 0);
    for (unsigned i = 0; i < 50000; i++)
        ck_assert_int_eq(buf_add_text(&text, "a"), 0);
    ck_assert_int_eq(buf_add_text(&text, "\":1,\"meta\":2}"), 0);
    ck_assert_int_eq(cut(&out, buf_text(&text), 4096), 0);
    ck_assert_str_eq(buf_text(&out), "meta=2;end;");
}
END_TEST

START_TEST(depth_costs_nothing)
{
    enum { DEPTH = 200000 };
    CLEANUP_BUF struct buf text = BUF_INIT(3 * DEPTH), out = BUF_INIT(1000);

    ck_assert_int_eq(buf_add_text(&text, "{\"deep\":"), 0);
    for (unsigned i = 0; i < DEPTH; i++)
        ck_assert_int_eq(buf_add_text(&text, "["), 0);
    for (unsigned i = 0; i < DEPTH; i++)
        ck_assert_int_eq(buf_add_text(&text, "]"), 0);
    ck_assert_int_eq(buf_add_text(&text, ",\"meta\":2}"), 0);
    ck_assert_int_eq(cut(&out, buf_text(&text), 1000), 0);
    ck_assert_str_eq(buf_text(&out), "meta=2;end;");
}
END_TEST

static int on_value_refused(size_t member UNUSED, const uint8_t *json UNUSED, size_t len UNUSED,
                            bool is_cut UNUSED, void *data UNUSED)
{
    return -ECANCELED;
}

START_TEST(who_refuses_a_value_ends_the_feeding)
{
    static const char text[] = "{\"meta\":1,\"meta\":2}";
    const struct json_cutter_events events = {on_value_refused, on_ended, NULL};
    struct json_cutter c;

    json_cutter_init(&c, members, ARRAY_SIZE(members), &events);
    ck_assert_int_eq(json_cutter_feed(&c, (const uint8_t *)text, strlen(text)), -ECANCELED);
    json_cutter_done(&c);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("json_cutter");
    TCase *t = tcase_create("json_cutter");

    tcase_add_loop_test(t, values_come_out_whole_however_the_bytes_come_in, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, a_name_of_any_length_is_skipped);
    tcase_add_test(t, depth_costs_nothing);
    tcase_add_test(t, who_refuses_a_value_ends_the_feeding);
    suite_add_tcase(s, t);
    return s;
}
