/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/match/pattern.h"

static const struct {
    const char *pattern;
    const char *path;
    bool matches;
} match_cases[] = {
    {"/etc/passwd", "/etc/passwd", true},
    {"/etc/passwd", "/etc/passwd-", false}, /* no prefix rule */
    {"/etc/passwd", "/etc/passw", false},
    {"/etc/**", "/etc/x", true},
    {"/etc/**", "/etc/a/b/c", true},
    {"/etc/**", "/etc/", true},
    {"/etc/**", "/etc", false},
    {"/etc/**", "/etc2/x", false},
    {"/tm**", "/tmp/a/b", true},
    {"/tm**", "/tm", true},
    {"/tm**", "/var/tmp", false},
    {"/tmp/**/33", "/tmp/33", true},
    {"/tmp/**/33", "/tmp/a/b/33", true},
    {"/tmp/**/33", "/tmp/330", false},
    {"/tmp/**/33", "/tmp33", false},
    {"/tmp/**/**/33", "/tmp/33", true},
    {"/tmp/**/**/33", "/tmp/x/33", true},
    {"**/.kube/config", "/root/.kube/config", true},
    {"**/.kube/config", "/x/.kube/config.bak", false},
    {"**ping", "/usr/bin/arping", true},
    {"**ping", "/bin/ping6", false},
    {"*.log", "/var/log/x.log", true},
    {"*.log", "/a.log/b", false},
    {"*.log", "/.log", true},
    {"pass*", "/x/passage", true},
    {"pass*", "/pass/x", false},
    {"a**b", "/q/axxb", true},
    {"a**b", "/ax/yb", false}, /* the last component alone */
    {"proc", "proc", true},
    {"proc", "/dev/proc", true},
    {"/**/sh", "/bin/sh", true},
    {"/**/sh", "/sh", true},
    {"/**/sh", "/bin/bash", false},
    {"/**/sh", "bin/sh", false},
    {"", "/any/thing", true},
    {"*", "/any/thing", true},
    {"**", "/any/thing", true},
    {"***", "/any/thing", true},
    {"*", "/", true},
    {"/", "/", true},
    {"/proc/*/mem", "/proc/1/mem", true},
    {"/proc/*/mem", "/proc/1/task/mem", false},
    {"/proc/*/mem", "/proc//mem", true},
    {"/dev/sd?", "/dev/sda", true},
    {"/dev/sd?", "/dev/sd/", false},
    {"/dev/sd?", "/dev/sd", false},
    {"/x/?", "/x/\xc3\xa9", true},
    {"/x/??", "/x/\xc3\xa9", true}, /* two bytes, too */
    {"/x/?", "/x/\xff", true},      /* not UTF-8, and yet a name */
    {"/x/?", "/x/\xe2\x82\xac", true},
    {"/x/?", "/x/\xf0\x9f\x98\x80", true},
    {"/x/?", "/x/\xf0\x9f\x98", false},
    {"/x/[^a]", "/x/\xe2\x82\xac", true},
    {"/x/[abc]", "/x/b", true},
    {"/x/[abc]", "/x/d", false},
    {"/x/[a-c]y", "/x/cy", true},
    {"/x/[^a-c]", "/x/b", false},
    {"/x/[!a-c]", "/x/d", true},
    {"/x[^a]y", "/x/y", false}, /* never '/' */
    {"/x[+-9]y", "/x/y", false},
    {"/x/[]]", "/x/]", true},
    {"/x/[^]]", "/x/]", false},
    {"/x/[a-]", "/x/-", true},
    {"/x/[\\]a]", "/x/]", true},
    {"/x/]", "/x/]", true},
    {"/{bin,usr/bin}/sh", "/usr/bin/sh", true},
    {"/{bin,usr/bin}/sh", "/bin/sh", true},
    {"/{bin,usr/bin}/sh", "/sbin/sh", false},
    {"/a{,b}", "/a", true},
    {"/a{,b}", "/ab", true},
    {"/a{b{c,d},e*}f", "/abdf", true},
    {"/a{b{c,d},e*}f", "/aexyzf", true},
    {"/a{b{c,d},e*}f", "/abf", false},
    {"/a{}b", "/ab", true},
    {"*.{c,h}", "/src/x.h", true},
    {"/a,b", "/a,b", true},
    {"/a\\*", "/a*", true},
    {"/a\\*", "/ab", false},
    {"/a\\{b\\}", "/a{b}", true},
    {"/a\\@{b}", "/a@b", true},
};

START_TEST(a_pattern_matches_what_its_definition_says)
{
    CLEANUP(pattern_free) struct pattern *p = NULL;

    ck_assert_int_eq(pattern_parse(&p, match_cases[_i].pattern, NULL), 0);
    ck_assert_msg(pattern_matches(p, match_cases[_i].path, strlen(match_cases[_i].path)) ==
                      match_cases[_i].matches,
                  "'%s' on '%s'", match_cases[_i].pattern, match_cases[_i].path);
}
END_TEST

static const struct {
    const char *pattern;
    const char *message;
} error_cases[] = {
    {"/etc/[ab", "byte 6: '[' is never closed"},
    {"/etc/[]", "byte 6: '[' is never closed"},
    {"/etc/[^]", "byte 6: '[' is never closed"},
    {"/etc/[a\\", "byte 6: '[' is never closed"},
    {"/etc/[a/b]", "byte 8: '/' inside [] can never match"},
    {"/[\xc3\xa9]", "byte 3: only ASCII characters inside []; use {x,y} for others"},
    {"/[z-a]", "byte 3: the range's end comes before its beginning"},
    {"/etc/{a,b", "byte 6: '{' is never closed"},
    {"/etc/{a,{b,c}", "byte 6: '{' is never closed"},
    {"/etc/a}", "byte 7: '}' without '{'; write \\} for the character itself"},
    {"/etc/a\\", "byte 7: '\\' at the end escapes nothing"},
    {"@{PROC}/x", "byte 1: patterns have no variables; write \\@ for the character itself"},
    {"/{{{{{{{{{a}}}}}}}}}", "byte 10: {} is nested more than 8 deep"},
    {"/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
     "byte 42: {} multiply to more than 256 alternatives"},
};

START_TEST(a_bad_pattern_is_refused_with_the_place_and_the_reason)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(pattern_check(error_cases[_i].pattern, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), error_cases[_i].message);
}
END_TEST

START_TEST(the_limits_hold_at_the_ceiling_and_one_past_it)
{
    CLEANUP(error_free) struct error *e = NULL;
    char text[PATTERN_MAX_BYTES + 2];

    memset(text, 'a', sizeof(text));
    text[0] = '/';
    text[PATTERN_MAX_BYTES] = '\0';
    ck_assert_int_eq(pattern_check(text, NULL), 0);
    text[PATTERN_MAX_BYTES] = 'a';
    text[PATTERN_MAX_BYTES + 1] = '\0';
    ck_assert_int_eq(pattern_check(text, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "the pattern is longer than 4096 bytes");
    ck_assert_int_eq(pattern_check("/{{{{{{{{a}}}}}}}}", NULL), 0);
    ck_assert_int_eq(pattern_check("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", NULL), 0);
}
END_TEST

START_TEST(a_pattern_of_nothing_but_braces_has_room_for_its_nodes)
{
    char text[PATTERN_MAX_BYTES + 1];

    /* "{}" and "{," make the most nodes a byte; the address sanitizer would tell. */
    for (size_t i = 0; i < PATTERN_MAX_BYTES; i++)
        text[i] = i % 2 ? '}' : '{';
    text[PATTERN_MAX_BYTES] = '\0';
    ck_assert_int_eq(pattern_check(text, NULL), 0);
    memset(text, '{', PATTERN_MAX_NESTING);
    ck_assert_int_eq(pattern_check(text, NULL), -EINVAL);
}
END_TEST

START_TEST(the_reference_matcher_is_quick_on_many_stars)
{
    CLEANUP(pattern_free) struct pattern *p = NULL;
    char path[1024];

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    ck_assert_int_eq(pattern_parse(&p, "/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", NULL), 0);
    ck_assert(!pattern_matches(p, path, sizeof(path)));
    path[sizeof(path) - 1] = 'b';
    ck_assert(pattern_matches(p, path, sizeof(path)));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("pattern");
    TCase *t = tcase_create("pattern");

    tcase_add_loop_test(t, a_pattern_matches_what_its_definition_says, 0,
                        (int)ARRAY_SIZE(match_cases));
    tcase_add_loop_test(t, a_bad_pattern_is_refused_with_the_place_and_the_reason, 0,
                        (int)ARRAY_SIZE(error_cases));
    tcase_add_test(t, the_limits_hold_at_the_ceiling_and_one_past_it);
    tcase_add_test(t, a_pattern_of_nothing_but_braces_has_room_for_its_nodes);
    tcase_add_test(t, the_reference_matcher_is_quick_on_many_stars);
    suite_add_tcase(s, t);
    return s;
}
