/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/rpc/bearer_token.h"

static char path[] = "/tmp/bearer_token_test.XXXXXX";

static void make_file(void)
{
    int fd;

    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_file(void)
{
    unlink(path);
}

static void write_file(const char *text, size_t len)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
}

START_TEST(the_first_line_is_the_token)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"abc", "Bearer abc"},
        {"abc\n", "Bearer abc"},
        {"abc\r\ndef", "Bearer abc"},
        {"eyJ.a-b_c.d\n\n", "Bearer eyJ.a-b_c.d"},
    };
    char value[BEARER_TOKEN_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        write_file(cases[i].text, strlen(cases[i].text));
        ck_assert_int_eq(bearer_token_read(value, path), 0);
        ck_assert_str_eq(value, cases[i].value);
    }
}
END_TEST

START_TEST(a_file_without_a_token_is_said_to_be_one)
{
    char value[BEARER_TOKEN_SIZE];

    ck_assert_int_eq(bearer_token_read(value, path), -ENODATA);
    write_file("\nabc", 4);
    ck_assert_int_eq(bearer_token_read(value, path), -ENODATA);
    ck_assert_int_eq(bearer_token_read(value, "/nowhere/token"), -ENOENT);
}
END_TEST

START_TEST(a_token_at_its_ceiling_is_taken_and_one_past_it_refused)
{
    const size_t most = BEARER_TOKEN_SIZE - strlen("Bearer ") - 1;
    char value[BEARER_TOKEN_SIZE], text[BEARER_TOKEN_SIZE];

    memset(text, 'x', sizeof(text));
    write_file(text, most);
    ck_assert_int_eq(bearer_token_read(value, path), 0);
    ck_assert_uint_eq(strlen(value), BEARER_TOKEN_SIZE - 1);
    write_file(text, most + 1);
    ck_assert_int_eq(bearer_token_read(value, path), -E2BIG);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("bearer_token");
    TCase *t = tcase_create("bearer_token");

    tcase_add_checked_fixture(t, make_file, remove_file);
    tcase_add_test(t, the_first_line_is_the_token);
    tcase_add_test(t, a_file_without_a_token_is_said_to_be_one);
    tcase_add_test(t, a_token_at_its_ceiling_is_taken_and_one_past_it_refused);
    suite_add_tcase(s, t);
    return s;
}
