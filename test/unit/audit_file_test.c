/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/audit_file.h"
#include "agent/audit_record.h"
#include "agent/audit_turn.h"
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WAIT_MS  5000
#define QUIET_MS 100 /* long enough for what should not come */
#define LINE(n)                                                                                    \
    "type=AVC msg=audit(1.1:" #n "): apparmor=\"DENIED\" operation=\"open\" name=\"/" #n           \
    "\" pid=1 comm=\"c\"\n"
#define PRINTED                                                                                    \
    "Jan  4 18:02:26 h kernel: audit: type=1400 audit(1.1:9): apparmor=\"DENIED\" "                \
    "operation=\"open\" name=\"/9\" pid=1 comm=\"c\"\n"

static struct loop *loop;
static struct loop_timer *timer;
static char folder[64], path[96];
static char seen[512]; /* the serials of records, or "!" for a broken one, each with a space */
static unsigned n_seen, n_wanted, record_ms; /* what a record costs */
static uint64_t n_lost;

static void on_time(void *data UNUSED)
{
    loop_stop(loop);
}

static void on_record(int outcome, const struct audit_record *r, void *data UNUSED)
{
    uint64_t done_ns = audit_turn_now_ns() + record_ms * NS_PER_MSEC;
    size_t len = strlen(seen);

    while (audit_turn_now_ns() < done_ns)
        ;
    if (outcome < 0)
        snprintf(seen + len, sizeof(seen) - len, "! ");
    else
        snprintf(seen + len, sizeof(seen) - len, "%llu ", (unsigned long long)r->serial);
    if (++n_seen == n_wanted)
        loop_stop(loop);
}

static void on_lost(uint64_t n, void *data UNUSED)
{
    n_lost += n;
}

static const struct audit_events events = {.record = on_record, .lost = on_lost};

static void setup(void)
{
    snprintf(folder, sizeof(folder), "/tmp/audit-file-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/audit.log", folder);
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(loop, &timer, on_time, NULL), 0);
    seen[0] = '\0';
    n_seen = n_wanted = 0;
    n_lost = 0;
}

static void teardown(void)
{
    char command[128];

    loop_timer_free(timer);
    loop_free(loop);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct audit_file *follow(bool printed_too)
{
    struct audit_file *f = NULL;
    struct error *problem = NULL;
    int r = audit_file_new(&f, loop, path, printed_too, &events, &problem);

    ck_assert_msg(r == 0, "%s", error_message(problem));
    return f;
}

static void append(const char *text)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
}

/* Runs the loop until n records have been seen in all. */
static void wait_for(unsigned n)
{
    n_wanted = n;
    if (n_seen < n) {
        loop_timer_set(timer, WAIT_MS * NS_PER_MSEC);
        loop_run(loop);
        loop_timer_unset(timer);
    }
    ck_assert_msg(n_seen == n, "seen: %s", seen);
}

static void run_quiet(void)
{
    n_wanted = 0;
    loop_timer_set(timer, QUIET_MS * NS_PER_MSEC);
    loop_run(loop);
}

START_TEST(a_file_is_followed_from_its_end)
{
    append(LINE(1));
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    ck_assert(audit_file_is_there(f));
    append(LINE(2) "garbage\n" LINE(3));
    wait_for(2);
    ck_assert_str_eq(seen, "2 3 ");
}
END_TEST

START_TEST(a_line_is_held_until_it_is_whole)
{
    const char *line = LINE(5);

    append("");
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    for (size_t i = 0; i < strlen(line) - 1; i++) {
        char byte[2] = {line[i], '\0'};

        append(byte);
    }
    run_quiet();
    ck_assert_uint_eq(n_seen, 0);
    append("\n");
    wait_for(1);
    ck_assert_str_eq(seen, "5 ");
}
END_TEST

START_TEST(a_file_that_comes_later_is_read_from_its_beginning)
{
    CLEANUP(audit_file_free) struct audit_file *f = follow(false);

    ck_assert(!audit_file_is_there(f));
    append(LINE(1));
    wait_for(1);
    ck_assert(audit_file_is_there(f));
}
END_TEST

START_TEST(a_rotated_file_is_read_to_its_end_and_then_the_new_one)
{
    char moved[128];

    append(LINE(1));
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    snprintf(moved, sizeof(moved), "%s.1", path);
    append(LINE(2));
    ck_assert_int_eq(rename(path, moved), 0);
    append(LINE(3));
    wait_for(2);
    append(LINE(4));
    wait_for(3);
    ck_assert_str_eq(seen, "2 3 4 ");
    ck_assert_uint_eq(n_lost, 0);
}
END_TEST

START_TEST(a_renamed_file_is_followed_until_there_is_a_new_one)
{
    char moved[128];

    append(LINE(1));
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    snprintf(moved, sizeof(moved), "%s.1", path);
    ck_assert_int_eq(rename(path, moved), 0);
    run_quiet();
    ck_assert_int_gt(dprintf(fd, LINE(2)), 0); /* nobody has told its writer */
    wait_for(1);
    append(LINE(3));
    wait_for(2);
    ck_assert_int_eq(unlink(path), 0);
    run_quiet();
    append(LINE(4));
    wait_for(3);
    ck_assert_str_eq(seen, "2 3 4 ");
    ck_assert_uint_eq(n_lost, 0);
}
END_TEST

START_TEST(the_end_of_a_long_line_is_not_looked_for_in_a_file_that_was_cut)
{
    char *line = malloc(AUDIT_FILE_LINE_MAX + 1);

    append("");
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    memset(line, 'x', AUDIT_FILE_LINE_MAX);
    line[AUDIT_FILE_LINE_MAX] = '\0';
    append(line);
    free(line);
    run_quiet();
    ck_assert_int_eq(truncate(path, 0), 0);
    append(LINE(1));
    wait_for(1);
    ck_assert_str_eq(seen, "1 ");
}
END_TEST

START_TEST(a_file_that_is_cut_is_read_anew_and_told_as_a_loss)
{
    append(LINE(1) LINE(2));
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    ck_assert_int_eq(truncate(path, 0), 0);
    append(LINE(3));
    wait_for(1);
    ck_assert_str_eq(seen, "3 ");
    ck_assert_uint_eq(n_lost, 1);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_skipped_and_the_next_one_is_read)
{
    char *line = malloc(AUDIT_FILE_LINE_MAX * 2 + 1);

    append("");
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    memset(line, 'x', AUDIT_FILE_LINE_MAX * 2);
    line[AUDIT_FILE_LINE_MAX * 2] = '\0';
    append(line);
    append(LINE(1) "\n" LINE(2));
    wait_for(1);
    ck_assert_str_eq(seen, "2 "); /* the first one is the end of the long line */
    free(line);
}
END_TEST

START_TEST(more_than_a_turn_takes_is_read_all_the_same)
{
    FILE *file;

    append("");
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);
    file = fopen(path, "ae");
    for (int i = 0; i < 10000; i++)
        fputs(LINE(7), file);
    fclose(file);
    wait_for(10000);
}
END_TEST

START_TEST(records_that_cost_much_leave_others_their_turn)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(false);

    for (int i = 0; i < 100; i++)
        ck_assert_int_gt(dprintf(fd, LINE(7)), 0);
    record_ms = 2;
    loop_timer_set(timer, 20 * NS_PER_MSEC);
    loop_run(loop); /* until the timer has its turn */
    ck_assert_uint_gt(n_seen, 0);
    ck_assert_uint_lt(n_seen, 50);
    record_ms = 0;
    wait_for(100);
    ck_assert_uint_eq(n_lost, 0);
}
END_TEST

START_TEST(what_a_syslog_daemon_copied_is_taken_only_where_it_is_asked_for)
{
    for (int printed_too = 0; printed_too < 2; printed_too++) {
        append("");
        CLEANUP(audit_file_free) struct audit_file *f UNUSED = follow(printed_too);
        append(PRINTED LINE(1));
        wait_for(printed_too ? 3 : 1);
    }
    ck_assert_str_eq(seen, "1 9 1 ");
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
    struct audit_file *f = NULL;
    CLEANUP(error_free) struct error *problem = NULL;

    ck_assert_int_eq(audit_file_new(&f, loop, "/nowhere/audit.log", true, &events, &problem),
                     -ENOENT);
    ck_assert_str_eq(error_message(problem), "following /nowhere: No such file or directory");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_file");
    TCase *t = tcase_create("audit_file");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_file_is_followed_from_its_end);
    tcase_add_test(t, a_line_is_held_until_it_is_whole);
    tcase_add_test(t, a_file_that_comes_later_is_read_from_its_beginning);
    tcase_add_test(t, a_rotated_file_is_read_to_its_end_and_then_the_new_one);
    tcase_add_test(t, a_renamed_file_is_followed_until_there_is_a_new_one);
    tcase_add_test(t, the_end_of_a_long_line_is_not_looked_for_in_a_file_that_was_cut);
    tcase_add_test(t, a_file_that_is_cut_is_read_anew_and_told_as_a_loss);
    tcase_add_test(t, a_line_that_is_too_long_is_skipped_and_the_next_one_is_read);
    tcase_add_test(t, more_than_a_turn_takes_is_read_all_the_same);
    tcase_add_test(t, records_that_cost_much_leave_others_their_turn);
    tcase_add_test(t, what_a_syslog_daemon_copied_is_taken_only_where_it_is_asked_for);
    tcase_add_test(t, a_folder_that_is_not_there_is_an_error);
    suite_add_tcase(s, t);
    return s;
}
