/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/audit_record.h"
#include "agent/audit_source.h"
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct loop *loop;
static struct loop_timer *timer;
static char folder[64], path[96];
static char position[96];
static unsigned n_seen, n_late, n_wanted;
static uint64_t n_lost, n_wanted_lost;

static void on_time(void *data UNUSED)
{
    loop_stop(loop);
}

static void on_record(int outcome UNUSED, const struct audit_record *r, void *data UNUSED)
{
    n_seen += !r->late;
    n_late += r->late;
    if (n_seen + n_late == n_wanted)
        loop_stop(loop);
}

static void on_lost(uint64_t n, void *data UNUSED)
{
    n_lost += n;
    if (n_lost >= n_wanted_lost)
        loop_stop(loop);
}

static const struct audit_events events = {.record = on_record, .lost = on_lost};

static void setup(void)
{
    snprintf(folder, sizeof(folder), "/tmp/audit-source-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/audit.log", folder);
    snprintf(position, sizeof(position), "%s/audit-position", folder);
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(loop, &timer, on_time, NULL), 0);
}

static void teardown(void)
{
    char command[128];

    loop_timer_free(timer);
    loop_free(loop);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void append_record(int fd, unsigned serial)
{
    dprintf(fd,
            "type=AVC msg=audit(1.1:%u): apparmor=\"DENIED\" operation=\"open\" name=\"/\" pid=1 "
            "comm=\"c\"\n",
            serial);
}

START_TEST(serials_that_a_file_lacks_are_lost_once_it_is_quiet)
{
    const struct audit_source_settings settings = {
        .no_netlink = true, .no_kmsg = true, .log_paths = path};
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CLEANUP(audit_source_free) struct audit_source *s = NULL;

    ck_assert_int_eq(audit_source_new(&s, loop, &settings, &events, NULL), 0);
    for (unsigned serial = 100; serial < 200; serial++) {
        if (serial % 10 != 5)
            append_record(fd, serial);
    }
    dprintf(fd, "type=DAEMON_START msg=audit(1.1:7777): op=start\n"); /* numbers of its own */
    n_wanted_lost = 10;
    loop_timer_set(timer, 10 * NS_PER_SEC);
    loop_run(loop);
    ck_assert_uint_eq(n_seen, 90);
    ck_assert_uint_eq(n_lost, 10);
    ck_assert_uint_eq(audit_source_n_lost(s), 10);
}
END_TEST

/* Far from the serials of this machine's own records, which the kernel's log may hold. */
#define SERIAL 500000000U

/* Until so many records have come, at most ten seconds. */
static void run_until(unsigned n)
{
    n_wanted = n;
    n_wanted_lost = UINT64_MAX;
    loop_timer_set(timer, 10 * NS_PER_SEC);
    if (n_seen + n_late < n)
        loop_run(loop);
    ck_assert_uint_eq(n_seen + n_late, n);
}

/* What else comes in a while. */
static void run_on(void)
{
    n_wanted = 0;
    n_wanted_lost = UINT64_MAX;
    loop_timer_set(timer, 200 * NS_PER_MSEC);
    loop_run(loop);
}

static struct audit_source *begin_source(void)
{
    const struct audit_source_settings settings = {
        .no_netlink = true, .no_kmsg = true, .log_paths = path, .position_path = position};
    struct audit_source *s = NULL;

    ck_assert_int_eq(audit_source_new(&s, loop, &settings, &events, NULL), 0);
    return s;
}

/* An agent that looks for n_missed records, tells so many more, and is gone. */
static void live_and_die(int fd, unsigned n_missed, unsigned first, unsigned n)
{
    struct audit_source *s = begin_source();
    unsigned before = n_seen + n_late;

    audit_source_catch_up(s);
    run_until(before + n_missed);
    run_on();
    for (unsigned i = 0; i < n; i++)
        append_record(fd, first + i);
    run_until(before + n_missed + n);
    audit_source_free(s);
}

START_TEST(what_was_missed_is_told_late_and_once)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct audit_source *s;

    live_and_die(fd, 0, SERIAL, 5);
    ck_assert_uint_eq(n_seen, 5);
    for (unsigned i = 5; i < 10; i++) {
        if (i != 8)
            append_record(fd, SERIAL + i);
    }
    s = begin_source();
    append_record(fd, SERIAL + 10);
    run_until(6); /* the live one comes first */
    ck_assert_uint_eq(n_late, 0);
    audit_source_catch_up(s);
    audit_source_catch_up(s);
    run_until(10);
    run_on();
    ck_assert_uint_eq(n_seen, 6);
    ck_assert_uint_eq(n_late, 4);
    ck_assert_uint_eq(n_lost, 1); /* the hole */
    audit_source_free(s);
    live_and_die(fd, 0, SERIAL + 11, 1);
    ck_assert_uint_eq(n_seen, 7);
    ck_assert_uint_eq(n_late, 4);
}
END_TEST

START_TEST(an_agent_that_ends_before_it_has_caught_up_skips_nothing)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct audit_source *s;

    live_and_die(fd, 0, SERIAL, 5);
    append_record(fd, SERIAL + 5);
    s = begin_source();
    append_record(fd, SERIAL + 6);
    run_until(6);
    audit_source_free(s);
    live_and_die(fd, 2, SERIAL + 7, 1);
    ck_assert_uint_eq(n_seen, 7);
    ck_assert_uint_eq(n_late, 2);
}
END_TEST

START_TEST(the_end_of_a_long_file_is_looked_through)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CLEANUP(audit_source_free) struct audit_source *s = NULL;

    live_and_die(fd, 0, SERIAL, 1);
    for (unsigned i = 0; i < 30000; i++) /* some 3 MiB */
        append_record(fd, SERIAL + 1 + i);
    s = begin_source();
    audit_source_catch_up(s);
    n_wanted_lost = 1; /* told when all has been looked through */
    loop_timer_set(timer, 10 * NS_PER_SEC);
    loop_run(loop);
    ck_assert_uint_gt(n_late, 8000);
    ck_assert_uint_eq(n_late + n_lost, 30000);
}
END_TEST

START_TEST(a_position_that_cannot_be_kept_is_said)
{
    CLEANUP(audit_source_free) struct audit_source *s = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT(4096);

    snprintf(position, sizeof(position), "%s/nowhere/position", folder);
    s = begin_source();
    audit_source_catch_up(s);
    ck_assert_int_eq(audit_source_describe(s, &text), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "while no agent is there will be missed"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "No such file"));
}
END_TEST

START_TEST(a_source_says_what_it_is_and_that_it_loses_records)
{
    const struct audit_source_settings settings = {
        .no_netlink = true, .no_kmsg = true, .log_paths = path};
    CLEANUP(audit_source_free) struct audit_source *s = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT(4096);

    ck_assert_int_eq(audit_source_new(&s, loop, &settings, &events, NULL), 0);
    ck_assert_ptr_nonnull(strstr(audit_source_name(s), "file"));
    ck_assert(audit_source_is_lossy(s));
    ck_assert_int_eq(audit_source_describe(s, &text), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), ", lossy; netlink: switched off"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "audit.log (not there yet)"));
}
END_TEST

static const struct {
    const char *paths;
    int r;
    const char *message;
} path_cases[] = {
    {NULL, 0, NULL},
    {"", 0, NULL},
    {"/nowhere/a|/nowhere/b", 0, NULL},
    {"relative", -EINVAL, "'relative' is not an absolute path of an audit log"},
    {"/tmp/a|b|/tmp/c", -EINVAL, "'b' is not an absolute path of an audit log"},
    {"/tmp/1|/tmp/2|/tmp/3|/tmp/4|/tmp/5|/tmp/6|/tmp/7|/tmp/8", 0, NULL},
    {"/tmp/1|/tmp/2|/tmp/3|/tmp/4|/tmp/5|/tmp/6|/tmp/7|/tmp/8|/tmp/9", -E2BIG,
     "more than 8 paths of audit logs"},
};

START_TEST(paths_are_absolute_and_few)
{
    const struct audit_source_settings settings = {
        .no_netlink = true, .no_kmsg = true, .log_paths = path_cases[_i].paths};
    CLEANUP(audit_source_free) struct audit_source *s = NULL;
    CLEANUP(error_free) struct error *problem = NULL;

    ck_assert_int_eq(audit_source_new(&s, loop, &settings, &events, &problem), path_cases[_i].r);
    if (path_cases[_i].message)
        ck_assert_str_eq(error_message(problem), path_cases[_i].message);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_source");
    TCase *t = tcase_create("audit_source");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, serials_that_a_file_lacks_are_lost_once_it_is_quiet);
    tcase_add_test(t, what_was_missed_is_told_late_and_once);
    tcase_add_test(t, an_agent_that_ends_before_it_has_caught_up_skips_nothing);
    tcase_add_test(t, the_end_of_a_long_file_is_looked_through);
    tcase_add_test(t, a_position_that_cannot_be_kept_is_said);
    tcase_add_test(t, a_source_says_what_it_is_and_that_it_loses_records);
    tcase_add_loop_test(t, paths_are_absolute_and_few, 0, (int)ARRAY_SIZE(path_cases));
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    return s;
}
