/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/rule_names.h"
#include "lib/profile.h"

#include <errno.h>
#include <string.h>

DEFINE_CLEANUP(struct varmor_line *, free)

/* The names of a profile with the given origins (ended by NULL). */
static struct rule_names *names_of(const char *const *origins)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    struct rule_names *names;

    ck_assert_ptr_nonnull(p);
    for (; *origins; origins++)
        ck_assert_ptr_nonnull(profile_add_rule(p, RULE_FILE, RULE_DENY, *origins));
    names = rule_names_new(p);
    ck_assert_ptr_nonnull(names);
    return names;
}
#define NAMES(...) names_of((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

START_TEST(names_come_back_as_they_were_written)
{
    CLEANUP(rule_names_unref)
    struct rule_names *names = NAMES("base", "bpfRawRules.files[0]", "", "base");
    CLEANUP(rule_names_unref) struct rule_names *back = NULL;
    CLEANUP(free) struct varmor_line *lines = calloc(rule_names_lines(names), sizeof(*lines));

    rule_names_encode(names, lines);
    ck_assert_int_eq(rule_names_decode(&back, lines, rule_names_lines(names), NULL), 0);
    ck_assert_uint_eq(rule_names_count(back), 4);
    ck_assert_str_eq(rule_names_get(back, 1), "bpfRawRules.files[0]");
    ck_assert_str_eq(rule_names_get(back, 2), "");
    ck_assert_str_eq(rule_names_get(back, 3), "base");
    ck_assert_str_eq(rule_names_get(back, 4), "");
    ck_assert_str_eq(rule_names_get(back, VARMOR_NO_RULE), "");
}
END_TEST

START_TEST(a_profile_without_rules_has_one_line)
{
    CLEANUP(rule_names_unref) struct rule_names *names = NAMES();
    CLEANUP(rule_names_unref) struct rule_names *back = NULL;
    struct varmor_line line;

    ck_assert_uint_eq(rule_names_lines(names), 1);
    rule_names_encode(names, &line);
    ck_assert_int_eq(rule_names_decode(&back, &line, 1, NULL), 0);
    ck_assert_uint_eq(rule_names_count(back), 0);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_cut)
{
    char longest[RULE_NAME_MAX + 2];
    CLEANUP(rule_names_unref) struct rule_names *names = NULL;

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    names = NAMES(longest, "next");
    ck_assert_uint_eq(strlen(rule_names_get(names, 0)), RULE_NAME_MAX);
    ck_assert_str_eq(rule_names_get(names, 1), "next");
}
END_TEST

static const struct {
    size_t n_lines;
    size_t word;    /* of the first lines, to be set ... */
    uint32_t value; /* ... to this */
    const char *message;
} damage_cases[] = {
    {0, 0, 0, "the image has no rule names"},
    {2, 0, 0, "the header of the image's rule names is damaged"},
    {2, 1, VARMOR_MAX_RULES + 1, "the header of the image's rule names is damaged"},
    {1, 3, 0, "the header of the image's rule names is damaged"},
    {2, 2, 65, "the header of the image's rule names is damaged"},
    {2, 1, 3, "the image's rule names end after 2 of 3"},
    {2, 2, 4, "the image's rule names end after 0 of 2"},
};

START_TEST(damaged_names_are_refused)
{
    CLEANUP(rule_names_unref) struct rule_names *names = NAMES("first", "second"), *back = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    struct varmor_line lines[2];

    rule_names_encode(names, lines);
    lines[0].w[damage_cases[_i].word] = damage_cases[_i].value;
    ck_assert_int_eq(rule_names_decode(&back, lines, damage_cases[_i].n_lines, &e), -EINVAL);
    ck_assert_ptr_null(back);
    ck_assert_str_eq(error_message(e), damage_cases[_i].message);
}
END_TEST

START_TEST(counters_follow_their_rules_by_name)
{
    CLEANUP(rule_names_unref) struct rule_names *old = NAMES("a", "b", "twice", "twice", "gone");
    CLEANUP(rule_names_unref)
    struct rule_names *new = NAMES("new", "twice", "b", "a", "twice", "twice");
    const uint64_t from[] = {1, 20, 300, 4000, 50000};
    uint64_t to[] = {7, 7, 7, 7, 7, 7};
    const uint64_t expected[] = {7, 307, 27, 8, 4007, 7};

    ck_assert_int_eq(rule_names_carry(old, from, new, to), 0);
    ck_assert_mem_eq(to, expected, sizeof(to));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("rule_names");
    TCase *t = tcase_create("rule_names");

    tcase_add_test(t, names_come_back_as_they_were_written);
    tcase_add_test(t, a_profile_without_rules_has_one_line);
    tcase_add_test(t, a_name_that_is_too_long_is_cut);
    tcase_add_loop_test(t, damaged_names_are_refused, 0, (int)ARRAY_SIZE(damage_cases));
    tcase_add_test(t, counters_follow_their_rules_by_name);
    suite_add_tcase(s, t);
    return s;
}
