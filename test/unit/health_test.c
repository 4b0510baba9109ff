/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/health.h"
#include "agent/state_dir.h"

/* A new folder of each test, and the state folder in it. */
static char folder[] = "/tmp/health_test.XXXXXX";
static char path[PATH_MAX];

static void make_folder(void)
{
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a/b", folder);
}

static void remove_folder(void)
{
    char command[PATH_MAX + 16];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct health *start(void)
{
    struct health *h = NULL;

    ck_assert_int_eq(health_new(&h, path, NULL), 0);
    return h;
}

static void asked(int expected, const char *words)
{
    CLEANUP(error_free) struct error *problem = NULL;

    ck_assert_int_eq(health_ask(path, &problem), expected);
    if (words)
        ck_assert_msg(strstr(error_message(problem), words), "'%s'", error_message(problem));
    else
        ck_assert_ptr_null(problem);
}

START_TEST(without_an_agent_nobody_is_ready)
{
    asked(-ESRCH, "no varmor-agent runs");
}
END_TEST

START_TEST(an_agent_that_starts_is_not_ready)
{
    CLEANUP(health_free) struct health *h = start();

    asked(-EAGAIN, "not ready: it starts");
}
END_TEST

START_TEST(an_agent_is_what_it_said_last)
{
    CLEANUP(health_free) struct health *h = start();

    ck_assert_int_eq(health_tell(h, "no manager answers at tls://somewhere:8080,\nagain"), 0);
    asked(-EAGAIN, "no manager answers at tls://somewhere:8080, again");
    ck_assert_int_eq(health_tell(h, NULL), 0);
    asked(0, NULL);
    ck_assert_int_eq(health_tell(h, "x"), 0);
    asked(-EAGAIN, "not ready: x");
}
END_TEST

START_TEST(a_reason_is_cut_at_the_size_of_the_line)
{
    CLEANUP(health_free) struct health *h = start();
    char reason[2 * HEALTH_LINE_SIZE];

    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    ck_assert_int_eq(health_tell(h, reason), 0);
    asked(-EAGAIN, "xxx");
}
END_TEST

START_TEST(the_word_of_an_agent_that_is_gone_counts_for_nothing)
{
    struct health *h = start();

    ck_assert_int_eq(health_tell(h, NULL), 0);
    health_free(h);
    asked(-ESRCH, "no varmor-agent runs");
}
END_TEST

START_TEST(a_second_agent_does_not_speak_for_the_first)
{
    CLEANUP(health_free) struct health *h = start();
    CLEANUP(error_free) struct error *problem = NULL;
    struct health *second = NULL;

    ck_assert_int_eq(health_tell(h, NULL), 0);
    ck_assert_int_eq(health_new(&second, path, &problem), -EBUSY);
    ck_assert_ptr_null(second);
    ck_assert_msg(strstr(error_message(problem), "another varmor-agent"), "'%s'",
                  error_message(problem));
    asked(0, NULL);
}
END_TEST

START_TEST(a_file_that_says_nothing_is_not_ready)
{
    CLEANUP(health_free) struct health *h = start();
    char file[PATH_MAX + 16];

    snprintf(file, sizeof(file), "%s/%s", path, HEALTH_FILE);
    ck_assert_int_eq(truncate(file, 0), 0);
    asked(-EAGAIN, "said nothing");
}
END_TEST

START_TEST(a_link_in_the_files_place_is_not_followed)
{
    CLEANUP(error_free) struct error *problem = NULL;
    char file[PATH_MAX + 16];
    struct health *h = NULL;

    ck_assert_int_eq(state_dir_make(path, NULL), 0);
    snprintf(file, sizeof(file), "%s/%s", path, HEALTH_FILE);
    ck_assert_int_eq(symlink("elsewhere", file), 0);
    ck_assert_int_eq(health_new(&h, path, &problem), -ELOOP);
    asked(-ELOOP, HEALTH_FILE);
}
END_TEST

static void ignore(const char *what, void *data)
{
    (void)what;
    (void)data;
}

START_TEST(cleaning_up_removes_the_file)
{
    health_free(start());
    ck_assert_int_eq(state_dir_remove(path, ignore, NULL, NULL), 0);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("health");
    TCase *tc = tcase_create("health");

    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    tcase_add_test(tc, without_an_agent_nobody_is_ready);
    tcase_add_test(tc, an_agent_that_starts_is_not_ready);
    tcase_add_test(tc, an_agent_is_what_it_said_last);
    tcase_add_test(tc, a_reason_is_cut_at_the_size_of_the_line);
    tcase_add_test(tc, the_word_of_an_agent_that_is_gone_counts_for_nothing);
    tcase_add_test(tc, a_second_agent_does_not_speak_for_the_first);
    tcase_add_test(tc, a_file_that_says_nothing_is_not_ready);
    tcase_add_test(tc, a_link_in_the_files_place_is_not_followed);
    tcase_add_test(tc, cleaning_up_removes_the_file);
    suite_add_tcase(suite, tc);
    return suite;
}
