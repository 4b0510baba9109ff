/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/runc_init.h"

/* A state folder as runc makes it, with the fifo of container ns/c1. */
static char folder[] = "/tmp/runc_init_test.XXXXXX";
static char fifo[PATH_MAX];

static void make_folder(void)
{
    char path[PATH_MAX];

    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/ns", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/ns/c1", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(fifo, sizeof(fifo), "%s/ns/c1/exec.fifo", folder);
    ck_assert_int_eq(mkfifo(fifo, 0622), 0);
}

static void remove_folder(void)
{
    char command[PATH_MAX];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(who_holds_the_fifo_waits)
{
    CLEANUP_CLOSE int fd = open(fifo, O_PATH | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert(runc_init_waits(folder, "ns", "c1", getpid()));
    ck_assert(!runc_init_waits(folder, "ns", "c2", getpid()));
    ck_assert(!runc_init_waits(folder, "other", "c1", getpid()));
    ck_assert(!runc_init_waits(folder, "ns", "../ns/c1", getpid()));
    ck_assert(!runc_init_waits(folder, "ns", "c1", 1 << 30));
}
END_TEST

START_TEST(who_does_not_hold_it_is_not_known_to_wait)
{
    ck_assert(!runc_init_waits(folder, "ns", "c1", getpid()));
}
END_TEST

START_TEST(another_fifo_of_the_same_name_feigns_nothing)
{
    char path[PATH_MAX];
    CLEANUP_CLOSE int fd = -1;

    snprintf(path, sizeof(path), "%s/exec.fifo", folder);
    ck_assert_int_eq(mkfifo(path, 0622), 0);
    fd = open(path, O_PATH | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert(!runc_init_waits(folder, "ns", "c1", getpid()));
}
END_TEST

START_TEST(a_file_in_the_fifos_place_proves_nothing)
{
    CLEANUP_CLOSE int fd = -1;

    ck_assert_int_eq(unlink(fifo), 0);
    fd = open(fifo, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert(!runc_init_waits(folder, "ns", "c1", getpid()));
}
END_TEST

START_TEST(exec_ends_the_wait)
{
    CLEANUP_CLOSE int fd = open(fifo, O_PATH | O_CLOEXEC);
    int channel[2], status;
    char byte;
    pid_t child;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pipe(channel), 0);
    child = fork();
    if (child == 0) {
        dup2(channel[1], 1);
        close(channel[0]);
        close(channel[1]);
        execl("/bin/sh", "sh", "-c", "echo; exec sleep 60", NULL);
        _exit(127);
    }
    close(channel[1]);
    ck_assert_int_eq(read(channel[0], &byte, 1), 1); /* it has executed its program */
    ck_assert(!runc_init_waits(folder, "ns", "c1", child));
    ck_assert(runc_init_waits(folder, "ns", "c1", getpid()));
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    close(channel[0]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("runc_init");
    TCase *t = tcase_create("runc_init");

    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, who_holds_the_fifo_waits);
    tcase_add_test(t, who_does_not_hold_it_is_not_known_to_wait);
    tcase_add_test(t, another_fifo_of_the_same_name_feigns_nothing);
    tcase_add_test(t, a_file_in_the_fifos_place_proves_nothing);
    tcase_add_test(t, exec_ends_the_wait);
    suite_add_tcase(s, t);
    return s;
}
