/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "ctl/status_json.h"
#include "ctl/table.h"

/* What print() writes; static storage. */
static const char *printed(void (*print)(FILE *out, void *data), void *data)
{
    static char text[4096];
    FILE *out = fmemopen(text, sizeof(text), "w");

    ck_assert_ptr_nonnull(out);
    print(out, data);
    fclose(out);
    return text;
}

static void print_table(FILE *out, void *data)
{
    table_print(data, out, true);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
    static const char *const headings[] = {"NAME", "READY"};
    static const char *const rows[][2] = {{"a", "true"}, {"longer-name", NULL}, {"\xc3\xa9", "x"}};
    CLEANUP(table_free) struct table *t = table_new(headings, 2);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        ck_assert_int_eq(table_add(t, rows[i]), 0);
    ck_assert_str_eq(printed(print_table, t), "NAME          READY\n"
                                              "a             true\n"
                                              "longer-name   <none>\n"
                                              "\xc3\xa9             x\n");
}
END_TEST

START_TEST(a_cell_cannot_draw_on_a_terminal)
{
    static const char *const headings[] = {"NAME"};
    static const char *const row[] = {"\x1b[2J\xc2\x9b\xff\xc3\xa9vil\n"};
    CLEANUP(table_free) struct table *t = table_new(headings, 1);

    ck_assert_int_eq(table_add(t, row), 0);
    ck_assert_str_eq(printed(print_table, t), "NAME\n\\x1b[2J\\xc2\\x9b\\xff\xc3\xa9vil\\x0a\n");
}
END_TEST

static const struct {
    int64_t seconds;
    const char *text;
} ages[] = {
    {0, "0s"},      {119, "119s"},    {120, "2m"},    {200, "3m20s"},   {599, "9m59s"},
    {600, "10m"},   {10799, "179m"},  {10800, "3h"},  {15000, "4h10m"}, {100000, "27h"},
    {172800, "2d"}, {180000, "2d2h"}, {691200, "8d"}, {63072000, "2y"}, {-5, "0s"},
};

START_TEST(an_age_is_said_as_kubectl_says_it)
{
    char text[TABLE_AGE_SIZE];
    int64_t now_ns = 1764032400ll * (int64_t)NS_PER_SEC;

    ck_assert_str_eq(table_age(now_ns - ages[_i].seconds * (int64_t)NS_PER_SEC, now_ns, text),
                     ages[_i].text);
}
END_TEST

START_TEST(an_unknown_time_has_no_age)
{
    char text[TABLE_AGE_SIZE];

    ck_assert_str_eq(table_age(0, 1, text), "<unknown>");
}
END_TEST

static const struct status_policy policy = {
    .kind = "VarmorPolicy",
    .name_space = "shop",
    .name = "yes: no",
    .generation = 2,
    .enforcer = "BPF",
    .mode = "EnhanceProtect",
    .target_kind = "Pod",
    .target_name = "true",
    .target_selector = "",
    .profile_name = "varmor-shop-web",
    .phase = "No",
    .source = "12",
};

static void print_policy_yaml(FILE *out, void *data)
{
    json_t *document = status_json_policy(&policy);

    (void)data;
    ck_assert_int_eq(status_json_print_yaml(document, out, NULL), 0);
    json_decref(document);
}

START_TEST(yaml_quotes_what_could_be_read_as_something_else)
{
    const char *text = printed(print_policy_yaml, NULL);

    ck_assert_ptr_nonnull(strstr(text, "\n  name: \"yes: no\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n    name: \"true\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n    selector: \"\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  generation: 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  ready: false\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  conditions: []\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  source: \"12\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  phase: \"No\"\n"));
}
END_TEST

START_TEST(json_takes_text_that_is_not_utf8)
{
    struct status_policy p = policy;
    json_t *document;

    p.source = "\xff/\xc3\xa9.yaml";
    document = status_json_policy(&p);
    ck_assert_ptr_nonnull(document);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(document, "status"), "source")),
        "?/\xc3\xa9.yaml");
    json_decref(document);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("table");
    TCase *t = tcase_create("table");

    tcase_add_test(t, columns_are_as_wide_as_their_widest_cell);
    tcase_add_test(t, a_cell_cannot_draw_on_a_terminal);
    tcase_add_loop_test(t, an_age_is_said_as_kubectl_says_it, 0, (int)ARRAY_SIZE(ages));
    tcase_add_test(t, an_unknown_time_has_no_age);
    tcase_add_test(t, yaml_quotes_what_could_be_read_as_something_else);
    tcase_add_test(t, json_takes_text_that_is_not_utf8);
    suite_add_tcase(s, t);
    return s;
}
