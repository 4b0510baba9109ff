/* SPDX-License-Identifier: Apache-2.0 */
/* The operators' log: what stands in a line, and what is held back. */
#include "lib/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "test/unit/unit.h"

#define LINES_MAX 64

/* Standard error of the test's process, which Check has forked, as a file. */
static FILE *catch_stderr(void)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    return file;
}

/* The lines that were written, each parsed; the caller gives them back. */
static size_t read_lines(FILE *file, json_t *lines[static LINES_MAX])
{
    char line[32768];
    size_t n = 0;

    rewind(file);
    while (fgets(line, sizeof(line), file)) {
        ck_assert_uint_lt(n, LINES_MAX);
        lines[n] = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(lines[n], "no JSON: %s", line);
        n++;
    }
    fclose(file);
    return n;
}

static void free_lines(json_t *lines[static LINES_MAX], size_t n)
{
    while (n > 0)
        json_decref(lines[--n]);
}

static const char *text_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    ck_assert_msg(text, "no text '%s'", key);
    return text;
}

START_TEST(a_line_is_one_object_with_its_keys)
{
    FILE *file = catch_stderr();
    json_t *lines[LINES_MAX];

    log_set_component("manager");
    LOG(WARNING, "profile-kept", "line\nfeed; keeping version 1", LOG_STR("profile", "a\"b"),
        LOG_INT("rules", -3));
    ck_assert_uint_eq(read_lines(file, lines), 1);
    ck_assert_uint_eq(strlen(text_of(lines[0], "time")), strlen("2026-01-02T03:04:05.678Z"));
    ck_assert_str_eq(text_of(lines[0], "level"), "warning");
    ck_assert_str_eq(text_of(lines[0], "component"), "manager");
    ck_assert_str_eq(text_of(lines[0], "event"), "profile-kept");
    ck_assert_str_eq(text_of(lines[0], "message"), "line\nfeed; keeping version 1");
    ck_assert_str_eq(text_of(lines[0], "profile"), "a\"b");
    ck_assert_int_eq(json_integer_value(json_object_get(lines[0], "rules")), -3);
    free_lines(lines, 1);
}
END_TEST

START_TEST(a_level_that_is_off_writes_nothing)
{
    FILE *file = catch_stderr();
    json_t *lines[LINES_MAX];

    LOG(DEBUG, "quiet", "off by default");
    log_set_level(LOG_LEVEL_ERROR);
    LOG(WARNING, "quiet", "off now");
    LOG(ERROR, "loud", "never off");
    ck_assert_uint_eq(read_lines(file, lines), 1);
    ck_assert_str_eq(text_of(lines[0], "event"), "loud");
    free_lines(lines, 1);
}
END_TEST

START_TEST(a_line_that_is_too_long_still_says_what_happened)
{
    FILE *file = catch_stderr();
    char longer[20000];
    json_t *lines[LINES_MAX];

    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    LOG(ERROR, "huge", longer, LOG_STR("key", longer));
    ck_assert_uint_eq(read_lines(file, lines), 1);
    ck_assert_str_eq(text_of(lines[0], "event"), "huge");
    ck_assert_str_eq(text_of(lines[0], "message"), "the message is too long for a line");
    ck_assert_uint_gt(strlen(text_of(lines[0], "time")), 0);
    free_lines(lines, 1);
}
END_TEST

START_TEST(a_call_site_is_held_back_and_another_is_not)
{
    FILE *file = catch_stderr();
    json_t *lines[LINES_MAX];
    size_t n;

    for (unsigned i = 0; i < 50; i++)
        LOG(INFO, "often", "again");
    LOG(INFO, "once", "not held back");
    n = read_lines(file, lines);
    ck_assert_uint_eq(n, 21);
    ck_assert_str_eq(text_of(lines[n - 1], "event"), "once");
    free_lines(lines, n);
}
END_TEST

START_TEST(the_next_line_says_how_many_were_held_back)
{
    FILE *file = catch_stderr();
    struct log_site site = {0};
    json_t *lines[LINES_MAX];
    size_t n;

    for (unsigned i = 0; i < 25; i++)
        log_write(&site, LOG_LEVEL_INFO, "often", "again", NULL, 0);
    site.window_start_ns = 1; /* long ago */
    log_write(&site, LOG_LEVEL_INFO, "often", "again", NULL, 0);
    n = read_lines(file, lines);
    ck_assert_uint_eq(n, 21);
    ck_assert_ptr_null(json_object_get(lines[n - 2], "heldBack"));
    ck_assert_int_eq(json_integer_value(json_object_get(lines[n - 1], "heldBack")), 5);
    free_lines(lines, n);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");

    tcase_add_test(t, a_line_is_one_object_with_its_keys);
    tcase_add_test(t, a_level_that_is_off_writes_nothing);
    tcase_add_test(t, a_line_that_is_too_long_still_says_what_happened);
    tcase_add_test(t, a_call_site_is_held_back_and_another_is_not);
    tcase_add_test(t, the_next_line_says_how_many_were_held_back);
    suite_add_tcase(s, t);
    return s;
}
