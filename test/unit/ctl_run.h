/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Running a command of varmorctl with arguments and input, and keeping what it prints. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "ctl/command.h"
#include "lib/buf.h"

#define OUTPUT_MAX (1u << 20)
#define MAX_ARGS   16

static void ctl_read_all(int fd, struct buf *ret)
{
    char chunk[4096];
    ssize_t n;

    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        ck_assert_int_eq(buf_add(ret, chunk, (size_t)n), 0);
}

/* Runs a command with the arguments (up to a NULL) and input; each test has a process of its own,
 * whose standard streams it may take. */
static int ctl_run(const char *command, const char *const *args, const char *input,
                   struct buf *ret_out, struct buf *ret_err)
{
    char name[64], *argv[MAX_ARGS + 2] = {NULL};
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    int in = memfd_create("in", MFD_CLOEXEC), stdout_copy = dup(1), stderr_copy = dup(2);
    int argc = 1, status;

    snprintf(name, sizeof(name), "varmorctl %s", command);
    argv[0] = strdup(name);
    for (; argc <= MAX_ARGS && args[argc - 1]; argc++)
        argv[argc] = strdup(args[argc - 1]);
    if (input)
        ck_assert_int_eq(write(in, input, strlen(input)), (ssize_t)strlen(input));
    ck_assert_int_eq(lseek(in, 0, SEEK_SET), 0);
    fflush(stdout);
    fflush(stderr);
    ck_assert(dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2);
    status = command_find(command)->run(argc, argv);
    fflush(stdout);
    fflush(stderr);
    ck_assert(dup2(stdout_copy, 1) == 1 && dup2(stderr_copy, 2) == 2);
    ctl_read_all(out, ret_out);
    ctl_read_all(err, ret_err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    close(in);
    close(out);
    close(err);
    close(stdout_copy);
    close(stderr_copy);
    return status;
}
