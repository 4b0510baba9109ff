/* SPDX-License-Identifier: Apache-2.0 */
/* Identities, namespaces, and other processes. */
#include "test/attacks/program/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* ---- capabilities ---- */

#define DEFAULT_CAPABILITIES 0xa80425fbULL /* what container runtimes give */

/* Bounds what this process has from now on, and what its programs get. */
static int limit_capabilities(uint64_t wanted)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[2] = {};

    if (syscall(SYS_capget, &head, now) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        now[i].permitted &= (uint32_t)(wanted >> (32 * i));
        now[i].effective = now[i].permitted;
        now[i].inheritable = 0;
    }
    return attempt_result(syscall(SYS_capset, &head, now));
}

static int do_capabilities(struct attempt *a UNUSED,
                           char **w) /* default | without NUMBER... | only NUMBER... */
{
    uint64_t set = 0;

    if (strcmp(w[1], "default") == 0)
        return limit_capabilities(DEFAULT_CAPABILITIES);
    for (char **n = w + 2; *n; n++)
        set |= 1ULL << attempt_number(*n);
    return limit_capabilities(strcmp(w[1], "only") == 0 ? set : ~set);
}

static int do_user(struct attempt *a UNUSED, char **w) /* UID: with it go all capabilities */
{
    uid_t id = (uid_t)attempt_number(w[1]);

    if (setresuid(id, id, id) < 0)
        return -errno;
    return attempt_result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); /* as of a user's own process */
}

static int do_no_new_privileges(struct attempt *a UNUSED, char **w UNUSED)
{
    return attempt_result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* ---- namespaces ---- */

static uint64_t namespace_flags(char **w)
{
    static const struct {
        const char *name;
        uint64_t flag;
    } flags[] = {{"user", CLONE_NEWUSER},    {"mnt", CLONE_NEWNS},  {"net", CLONE_NEWNET},
                 {"uts", CLONE_NEWUTS},      {"ipc", CLONE_NEWIPC}, {"pid", CLONE_NEWPID},
                 {"cgroup", CLONE_NEWCGROUP}};
    uint64_t set = 0;

    for (; *w; w++)
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
            if (strcmp(flags[i].name, *w) == 0)
                set |= flags[i].flag;
    return set;
}

static int do_unshare(struct attempt *a UNUSED, char **w)
{
    return attempt_result(unshare((int)namespace_flags(w + 1)));
}

static void end_child(long pid)
{
    if (pid == 0)
        _exit(0);
    waitpid((pid_t)pid, NULL, 0);
}

static int do_clone(struct attempt *a UNUSED, char **w) /* NAMESPACE...: clone(2) */
{
    long pid = syscall(SYS_clone, namespace_flags(w + 1) | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid < 0)
        return -errno;
    end_child(pid);
    return 0;
}

static int do_clone3(struct attempt *a UNUSED, char **w) /* NAMESPACE... */
{
    struct clone_args args = {.flags = namespace_flags(w + 1), .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof(args));

    if (pid < 0)
        return -errno;
    end_child(pid);
    return 0;
}

/* Into the user namespace of a child that has made one. */
static int do_enter_user(struct attempt *a UNUSED, char **w UNUSED)
{
    int fds[2], r = 0, fd;
    char path[64], byte;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        r = attempt_result(unshare(CLONE_NEWUSER));
        if (write(fds[1], &byte, r == 0) >= 0)
            close(fds[1]);
        pause();
        _exit(0);
    }
    close(fds[1]);
    if (read(fds[0], &byte, 1) != 1)
        r = -EPERM;
    snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
    fd = r == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (r == 0)
        r = fd < 0 ? -errno : attempt_result(setns(fd, CLONE_NEWUSER));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return r;
}

/* ---- other processes ---- */

/* A process of ours that sleeps, as user uid. */
static pid_t sleeper(uid_t uid)
{
    int fds[2];
    char byte;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        if (uid && setresuid(uid, uid, uid) < 0)
            _exit(1);
        close(fds[1]); /* the parent sees that we are ready */
        pause();
        _exit(0);
    }
    close(fds[1]);
    if (read(fds[0], &byte, 1) < 0)
        pid = -1;
    close(fds[0]);
    return pid;
}

/* Who is meant: "own" a child, "own:UID" a child as that user, or a process id. */
static pid_t victim_of(const char *word, bool *ret_ours)
{
    *ret_ours = strncmp(word, "own", 3) == 0;
    if (!*ret_ours)
        return (pid_t)attempt_number(word);
    return sleeper(word[3] == ':' ? (uid_t)attempt_number(word + 4) : 0);
}

static void release(pid_t pid, bool ours)
{
    if (ours && pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static int trace(pid_t pid, long request)
{
    int r = attempt_result(ptrace(request, pid, NULL, NULL));

    if (r == 0) {
        if (request == PTRACE_SEIZE)
            ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
        waitpid(pid, NULL, __WALL);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
    return r;
}

static int peek(pid_t pid)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    int r = attempt_result(process_vm_readv(pid, &here, 1, &there, 1, 0));

    return r == -EFAULT ? 0 : r; /* it was permitted; the address is another program's */
}

static int steal(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0), r;

    if (fd < 0)
        return -errno;
    r = (int)syscall(SYS_pidfd_getfd, fd, 0, 0);
    r = r < 0 ? -errno : close(r);
    close(fd);
    return r == -EBADF ? 0 : r; /* permitted, but it has no such descriptor */
}

static int do_to(struct attempt *a UNUSED, char **w) /* VICTIM attach|seize|peek|steal|signal */
{
    bool ours;
    pid_t pid = victim_of(w[1], &ours);
    int r = -EINVAL;

    if (pid < 0)
        return -ECHILD;
    if (strcmp(w[2], "attach") == 0)
        r = trace(pid, PTRACE_ATTACH);
    else if (strcmp(w[2], "seize") == 0)
        r = trace(pid, PTRACE_SEIZE);
    else if (strcmp(w[2], "peek") == 0)
        r = peek(pid);
    else if (strcmp(w[2], "steal") == 0)
        r = steal(pid);
    else if (strcmp(w[2], "signal") == 0)
        r = attempt_result(kill(pid, 0));
    release(pid, ours);
    return r;
}

static int do_trace_me(struct attempt *a UNUSED, char **w UNUSED)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -errno;
    return -WEXITSTATUS(status);
}

const struct verb task_verbs[] = {
    {"capabilities", 1, do_capabilities},
    {"user", 1, do_user},
    {"no-new-privileges", 0, do_no_new_privileges},
    {"unshare", 1, do_unshare},
    {"clone", 1, do_clone},
    {"clone3", 1, do_clone3},
    {"enter-user", 0, do_enter_user},
    {"to", 2, do_to},
    {"trace-me", 0, do_trace_me},
    {},
};
