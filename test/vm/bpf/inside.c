/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs in the container of a test: reads commands, one a line, words apart by tabs, does each
 * with one system call, and answers its result: 0 or a negative errno. Static, because it is alone
 * in its root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "lib/base.h"

#define MAX_WORDS 6
#define LINE_SIZE 8192

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

typedef int (*command_fn)(char **w);

static int result(long r)
{
    return r < 0 ? -errno : 0;
}

static unsigned number(const char *text)
{
    return (unsigned)strtoul(text, NULL, 0);
}

static int done_with(int fd)
{
    int r = result(fd);

    if (fd >= 0)
        close(fd);
    return r;
}

/* ---- files ---- */

static int do_open(char **w)
{
    return done_with(open(w[2], (int)number(w[1]) | O_NONBLOCK | O_NOCTTY, 0600));
}

static int do_openat_cwd(char **w)
{
    if (chdir(w[1]) < 0)
        return -errno;
    return done_with(open(w[2], O_RDONLY | O_NONBLOCK));
}

static int do_ftruncate(char **w)
{
    int fd = open(w[1], O_WRONLY), r;

    if (fd < 0)
        return -errno;
    r = result(ftruncate(fd, 0));
    close(fd);
    return r;
}

static int do_mknod(char **w)
{
    return result(mknod(w[1], S_IFREG | 0600, 0));
}
static int do_mkdir(char **w)
{
    return result(mkdir(w[1], 0700));
}
static int do_symlink(char **w)
{
    return result(symlink(w[1], w[2]));
}
static int do_unlink(char **w)
{
    return result(unlink(w[1]));
}
static int do_rmdir(char **w)
{
    return result(rmdir(w[1]));
}
static int do_rename(char **w)
{
    return result(rename(w[1], w[2]));
}
static int do_exchange(char **w)
{
    return result(syscall(SYS_renameat2, AT_FDCWD, w[1], AT_FDCWD, w[2], 2));
}
static int do_link(char **w)
{
    return result(link(w[1], w[2]));
}
static int do_truncate(char **w)
{
    return result(truncate(w[1], 0));
}
static int do_chmod(char **w)
{
    return result(chmod(w[1], 0644));
}
static int do_chown(char **w)
{
    return result(chown(w[1], 1, 1));
}
static int do_setxattr(char **w)
{
    return result(setxattr(w[1], "trusted.test", "x", 1, 0));
}
static int do_access(char **w)
{
    return result(access(w[1], F_OK));
}

/* Goes down N new folders. */
static int do_deep(char **w)
{
    if (mkdir("/deep", 0755) == 0 && chdir("/deep") < 0)
        return -errno;
    for (unsigned n = number(w[1]); n > 0; n--)
        if (mkdir("d", 0755) < 0 || chdir("d") < 0)
            return -errno;
    return 0;
}

/* cost N PATH: nanoseconds of one open and close, on an average of N; of a guest with --icount that
 * is instructions. */
static int do_cost(char **w)
{
    unsigned n = number(w[1]);
    struct timespec a, b;

    for (unsigned i = 0; i < n / 10 + 1; i++)
        close(open(w[2], O_RDONLY));
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (unsigned i = 0; i < n; i++)
        close(open(w[2], O_RDONLY));
    clock_gettime(CLOCK_MONOTONIC, &b);
    return (int)(((b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec) / n);
}

/* ---- programs ---- */

/* Runs do_exec in a child; 0 if the program began, else why not. */
static int child_runs(void (*do_exec)(char **w), char **w)
{
    int pipe_fds[2], r = 0, status;
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        do_exec(w);
        r = -errno;
        if (write(pipe_fds[1], &r, sizeof(r)) < 0)
            _exit(99);
        _exit(1);
    }
    close(pipe_fds[1]);
    if (read(pipe_fds[0], &r, sizeof(r)) < 0)
        r = -errno;
    close(pipe_fds[0]);
    waitpid(pid, &status, 0);
    return r;
}

static char *no_args[] = {(char *)"/inside", (char *)"nothing", NULL};

static void exec_path(char **w)
{
    execv(w[1], no_args);
}
static void exec_relative(char **w)
{
    if (chdir(w[1]) == 0)
        execv(w[2], no_args);
}
static void exec_fd(char **w)
{
    int fd = open(w[1], O_PATH | O_CLOEXEC);

    syscall(SYS_execveat, fd, "", no_args, NULL, AT_EMPTY_PATH);
}
static int do_exec(char **w)
{
    return child_runs(exec_path, w);
}
static int do_exec_relative(char **w)
{
    return child_runs(exec_relative, w);
}
static int do_exec_fd(char **w)
{
    return child_runs(exec_fd, w);
}

/* ---- network ---- */

static socklen_t address_of(struct sockaddr_storage *a, const char *text, unsigned port)
{
    struct sockaddr_in *v4 = (void *)a;
    struct sockaddr_in6 *v6 = (void *)a;

    memset(a, 0, sizeof(*a));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof(*v4);
    }
    inet_pton(AF_INET6, text, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof(*v6);
}

static int do_socket(char **w)
{
    return done_with(socket((int)number(w[1]), (int)number(w[2]), (int)number(w[3])));
}

static int do_socketpair(char **w)
{
    int fds[2], r = result(socketpair((int)number(w[1]), (int)number(w[2]), 0, fds));

    if (r == 0) {
        close(fds[0]);
        close(fds[1]);
    }
    return r;
}

static socklen_t unix_address(struct sockaddr_un *a, const char *path)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
    return sizeof(*a);
}

/* unix_bind TYPE PATH: a socket that stays, and listens if it can */
static int do_unix_bind(char **w)
{
    struct sockaddr_un a;
    socklen_t len = unix_address(&a, w[2]);
    int fd = socket(AF_UNIX, (int)number(w[1]) | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&a, len) < 0)
        return -errno;
    return number(w[1]) == SOCK_DGRAM ? 0 : result(listen(fd, 8));
}

/* unix_connect TYPE PATH */
static int do_unix_connect(char **w)
{
    struct sockaddr_un a;
    socklen_t len = unix_address(&a, w[2]);
    int fd = socket(AF_UNIX, (int)number(w[1]) | SOCK_CLOEXEC, 0), r;

    if (fd < 0)
        return -errno;
    r = result(connect(fd, (const struct sockaddr *)&a, len));
    close(fd);
    return r;
}

/* unix_send PATH: a datagram without connect() */
static int do_unix_send(char **w)
{
    struct sockaddr_un a;
    socklen_t len = unix_address(&a, w[1]);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

    if (fd < 0)
        return -errno;
    r = result((int)sendto(fd, "x", 1, 0, (const struct sockaddr *)&a, len));
    close(fd);
    return r < 0 ? r : 0;
}

/* connect TYPE ADDRESS PORT [BOUND]: from a socket that is bound to another address */
static int do_connect(char **w)
{
    struct sockaddr_storage a, bound;
    socklen_t len = address_of(&a, w[2], number(w[3]));
    int fd = socket(a.ss_family, (int)number(w[1]) | SOCK_NONBLOCK, 0), r = 0;

    if (fd < 0)
        return -errno;
    if (w[4])
        r = result(bind(fd, (void *)&bound, address_of(&bound, w[4], 0)));
    if (r == 0)
        r = result(connect(fd, (void *)&a, len));
    close(fd);
    return r;
}

/* sendto TYPE FLAGS ADDRESS PORT [FAMILY]: as another family may be given in the address */
static int do_sendto(char **w)
{
    struct sockaddr_storage a;
    socklen_t len = address_of(&a, w[3], number(w[4]));
    int type = (int)number(w[1]);
    int fd = socket(a.ss_family, type | SOCK_NONBLOCK, type == SOCK_RAW ? IPPROTO_UDP : 0), r;

    if (fd < 0)
        return -errno;
    if (w[5])
        a.ss_family = (sa_family_t)number(w[5]);
    r = result(sendto(fd, "x", 1, (int)number(w[2]) | MSG_NOSIGNAL, (void *)&a, len));
    close(fd);
    return r;
}

/* ---- capabilities ---- */

/* One question about each of some capabilities, with no other effect. */
static int do_capability(char **w)
{
    switch (number(w[1])) {
    case CAP_CHOWN:
        return result(chown("/scratch", 1, 1));
    case CAP_NET_ADMIN: {
        struct ifreq request = {.ifr_name = "lo"};
        int fd = socket(AF_INET, SOCK_DGRAM, 0), r = result(ioctl(fd, 0x8914, &request));

        close(fd);
        return r;
    }
    case CAP_NET_RAW:
        return done_with(socket(AF_INET, SOCK_RAW, 255));
    case CAP_SYS_CHROOT:
        return result(chroot("/"));
    case CAP_SYS_ADMIN:
        return result(sethostname("x", 1));
    case CAP_MKNOD:
        unlink("/scratch-node");
        return result(mknod("/scratch-node", S_IFCHR | 0600, 0x103));
    default:
        return -ENOSYS;
    }
}

/* ---- other tasks ---- */

/* In a child, whose end is the end of the tracing. */
static int do_trace(char **w)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(ptrace(PTRACE_SEIZE, (pid_t)number(w[1]), 0, 0) < 0 ? errno : 0);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int do_trace_own(UNUSED char **w)
{
    pid_t pid = fork();
    int r;

    if (pid == 0) {
        for (;;)
            pause();
    }
    r = result(ptrace(PTRACE_SEIZE, pid, 0, 0));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, __WALL);
    return r;
}

static int do_read_own(UNUSED char **w)
{
    char path[64];
    pid_t pid = fork();
    int r;

    if (pid == 0) {
        for (;;)
            pause();
    }
    snprintf(path, sizeof(path), "/proc/%d/environ", pid);
    r = done_with(open(path, O_RDONLY));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return r;
}

static int do_traceme(UNUSED char **w)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? errno : 0);
    waitpid(pid, &status, __WALL);
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* ---- mounts ---- */

static int do_mount(char **w)
{
    int r = result(mount(w[1], w[2], w[3], number(w[4]), NULL));

    return r;
}
static int do_umount(char **w)
{
    return result(umount2(w[1], (int)number(w[2])));
}
static int do_fsmount(char **w)
{
    int fs = (int)syscall(SYS_fsopen, w[1], 0), r;

    if (fs < 0)
        return -errno;
    r = result(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    if (r == 0)
        r = done_with((int)syscall(SYS_fsmount, fs, 0, 0));
    close(fs);
    return r;
}
/* clone_and_open FOLDER NAME: a detached copy of a mount, and a file through it */
static int do_clone_open(char **w)
{
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, w[1], OPEN_TREE_CLONE), r;

    if (tree < 0)
        return -errno;
    r = done_with(openat(tree, w[2], O_RDONLY));
    close(tree);
    return r;
}
static int do_move_mount(char **w)
{
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, w[1], OPEN_TREE_CLONE), r;

    if (tree < 0)
        return -errno;
    r = result(syscall(SYS_move_mount, tree, "", AT_FDCWD, w[2], MOVE_MOUNT_F_EMPTY_PATH));
    close(tree);
    return r;
}
static int do_fspick(char **w)
{
    int fs = (int)syscall(SYS_fspick, AT_FDCWD, w[1], 0), r;

    if (fs < 0)
        return -errno;
    r = result(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
    close(fs);
    return r;
}

/* ---- becoming something else ---- */

static int do_unshare(char **w)
{
    return result(unshare((int)number(w[1])));
}
static int do_chroot(char **w)
{
    int r = result(chroot(w[1]));

    return r ? r : result(chdir("/"));
}
/* The child goes on, the parent waits for it and ends with it. */
static int do_fork(UNUSED char **w)
{
    int status;
    pid_t pid = fork();

    if (pid <= 0)
        return pid < 0 ? -errno : 0;
    waitpid(pid, &status, 0);
    _exit(0);
}
static int do_again(UNUSED char **w)
{
    execl("/inside", "/inside", "again", (char *)NULL);
    return -errno;
}
static int do_join_cgroup(char **w)
{
    int fd = open(w[1], O_WRONLY), r;

    if (fd < 0)
        return -errno;
    r = result(write(fd, "0", 1));
    close(fd);
    return r;
}

static const struct {
    const char *name;
    command_fn run;
} commands[] = {
    {"open", do_open},
    {"openat_cwd", do_openat_cwd},
    {"ftruncate", do_ftruncate},
    {"mknod", do_mknod},
    {"mkdir", do_mkdir},
    {"symlink", do_symlink},
    {"unlink", do_unlink},
    {"rmdir", do_rmdir},
    {"rename", do_rename},
    {"exchange", do_exchange},
    {"link", do_link},
    {"truncate", do_truncate},
    {"chmod", do_chmod},
    {"chown", do_chown},
    {"setxattr", do_setxattr},
    {"access", do_access},
    {"deep", do_deep},
    {"cost", do_cost},
    {"exec", do_exec},
    {"exec_relative", do_exec_relative},
    {"exec_fd", do_exec_fd},
    {"socket", do_socket},
    {"socketpair", do_socketpair},
    {"connect", do_connect},
    {"sendto", do_sendto},
    {"unix_bind", do_unix_bind},
    {"unix_connect", do_unix_connect},
    {"unix_send", do_unix_send},
    {"capability", do_capability},
    {"trace", do_trace},
    {"trace_own", do_trace_own},
    {"read_own", do_read_own},
    {"traceme", do_traceme},
    {"mount", do_mount},
    {"umount", do_umount},
    {"fsmount", do_fsmount},
    {"clone_open", do_clone_open},
    {"move_mount", do_move_mount},
    {"fspick", do_fspick},
    {"unshare", do_unshare},
    {"chroot", do_chroot},
    {"fork", do_fork},
    {"again", do_again},
    {"join_cgroup", do_join_cgroup},
};

static int run(char *line)
{
    char *words[MAX_WORDS + 1] = {};
    int n = 0;

    line[strcspn(line, "\n")] = '\0';
    for (char *word; n < MAX_WORDS && (word = strsep(&line, "\t"));)
        words[n++] = word;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, words[0]) == 0)
            return commands[i].run(words);
    return -ENOTSUP;
}

/* By read(2), byte by byte: a buffer would be lost at exec, and shared at fork. */
static bool read_line(char *line)
{
    for (size_t n = 0; n < LINE_SIZE - 1; n++) {
        if (read(0, line + n, 1) != 1)
            return false;
        if (line[n] == '\n') {
            line[n] = '\0';
            return true;
        }
    }
    return false;
}

static void answer(int r)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%d\n", r);

    if (write(1, text, (size_t)n) != n)
        _exit(3);
}

int main(int argc, char **argv)
{
    static char line[LINE_SIZE];

    if (argc > 1 && strcmp(argv[1], "nothing") == 0)
        return 0;
    answer(0); /* here we are */
    while (read_line(line))
        answer(run(line));
    return 0;
}
