/* SPDX-License-Identifier: Apache-2.0 */
/* Running programs. A program that ran and ended, with 0 or 1, counts as run. */
#include "test/attacks/program/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NOT_STARTED 126 /* what a shell and the dynamic loader answer then; 127 too */

/* Waits for a program; failed is the pipe from which the errno of its exec comes. */
static int outcome_of(pid_t pid, int failed, int success)
{
    int r = 0, status = 0;
    ssize_t n = read(failed, &r, sizeof(r));

    close(failed);
    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    if (n == sizeof(r))
        return r;
    if (WIFEXITED(status) && WEXITSTATUS(status) > success)
        return -EACCES;
    return WIFSIGNALED(status) ? -EINTR : 0;
}

static void quiet(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd < 3 && null >= 0; fd++)
        dup2(null, fd);
}

/* Executes fd (path "") or path in a child; success is the highest status that it may end with. */
static int execute_for(int success, int fd, const char *path, char *const *argv)
{
    static char *const no_environment[] = {NULL};
    int fds[2], r;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        quiet();
        syscall(SYS_execveat, fd, path, argv, no_environment, path[0] ? 0 : AT_EMPTY_PATH);
        r = -errno;
        if (write(fds[1], &r, sizeof(r)) < 0)
            _exit(1);
        _exit(0);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return -errno;
    }
    attempt_process(pid);
    return outcome_of(pid, fds[0], success);
}

static int execute(int fd, const char *path, char *const *argv)
{
    return execute_for(NOT_STARTED - 1, fd, path, argv);
}

/* PATH [ARGUMENT]...: what counts is what the program does. */
static int do_run(struct attempt *a UNUSED, char **w)
{
    return execute_for(0, AT_FDCWD, w[1], w + 1);
}

static int do_exec(struct attempt *a UNUSED, char **w) /* PATH [ARGUMENT]... */
{
    return execute(AT_FDCWD, w[1], w + 1);
}

static int do_exec_relative(struct attempt *a UNUSED, char **w) /* FOLDER NAME [ARGUMENT]... */
{
    if (chdir(w[1]) < 0)
        return -errno;
    return execute(AT_FDCWD, w[2], w + 2);
}

static int do_exec_descriptor(struct attempt *a UNUSED, char **w)
{
    int fd = open(w[1], O_PATH | O_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    r = execute(fd, "", w + 1);
    close(fd);
    return r;
}

/* Copies a file's content into fd. */
static int copy_into(const char *from, int fd)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    if (in < 0)
        return -errno;
    while (n > 0)
        n = sendfile(fd, in, NULL, 1 << 20);
    close(in);
    return attempt_result(n);
}

static int do_exec_memory(struct attempt *a UNUSED, char **w) /* a copy that is in no file system */
{
    int fd = (int)syscall(SYS_memfd_create, "copy", 1 /* MFD_CLOEXEC */), r;

    if (fd < 0)
        return -errno;
    r = copy_into(w[1], fd);
    if (r == 0)
        r = execute(fd, "", w + 1);
    close(fd);
    return r;
}

/* A program for attempts, that stays: TO is there afterwards. */
static int do_install(struct attempt *a, char **w) /* FROM TO */
{
    int fd = open(w[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755), r;

    (void)a;
    if (fd < 0)
        return -errno;
    r = copy_into(w[1], fd);
    if (r == 0)
        r = attempt_result(fchmod(fd, 0755));
    close(fd);
    return r;
}

static int do_copy(struct attempt *a, char **w) /* FROM TO */
{
    attempt_undo(a, "unlink %s", w[2]);
    return do_install(a, w);
}

static int do_exec_script(struct attempt *a,
                          char **w) /* INTERPRETER [WORD]: a file whose first line names it */
{
    static const char path[] = "/tmp/attack-script";
    char *const argv[] = {(char *)path, NULL};
    FILE *f = fopen(path, "we");

    if (!f)
        return -errno;
    attempt_undo(a, "unlink %s", path);
    fprintf(f, "#!%s %s\n", w[1], w[2] ? w[2] : "");
    if (fclose(f) != 0 || chmod(path, 0755) < 0)
        return -errno;
    return execute(AT_FDCWD, path, argv);
}

/* Maps the program's code instead of running it. */
static int do_map_code(struct attempt *a, char **w)
{
    void *p;

    if (attempt_keep(a, open(w[1], O_RDONLY | O_CLOEXEC)) < 0)
        return -errno;
    p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, a->fd, 0);
    return p == MAP_FAILED ? -errno : 0;
}

const struct verb program_verbs[] = {
    {"run", 1, do_run},
    {"exec", 1, do_exec},
    {"exec-relative", 2, do_exec_relative},
    {"exec-descriptor", 1, do_exec_descriptor},
    {"exec-memory", 1, do_exec_memory},
    {"exec-script", 1, do_exec_script},
    {"copy", 2, do_copy},
    {"install", 2, do_install},
    {"map-code", 1, do_map_code},
    {},
};
