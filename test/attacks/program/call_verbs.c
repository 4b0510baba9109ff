/* SPDX-License-Identifier: Apache-2.0 */
/* System calls by number and arguments, as seccomp rules see them. */
#include "test/attacks/program/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define HIGH_BIT (1ULL << 32) /* the kernel does not look at it in an int argument */

/* ---- BPF ---- */

static long load_program(unsigned type, uint64_t command)
{
    const struct bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    union bpf_attr attr = {
        .prog_type = type,
        .insns = (uintptr_t)program,
        .insn_cnt = ARRAY_SIZE(program),
        .license = (uintptr_t) "GPL",
    };

    return syscall(SYS_bpf, command, &attr, sizeof(attr));
}

static int do_bpf_load(struct attempt *a, char **w) /* filter|kprobe|tracepoint [high] */
{
    unsigned type = w[1][0] == 'f'   ? BPF_PROG_TYPE_SOCKET_FILTER
                    : w[1][0] == 'k' ? BPF_PROG_TYPE_KPROBE
                                     : BPF_PROG_TYPE_TRACEPOINT;

    return attempt_keep(a, load_program(type, BPF_PROG_LOAD | (w[2] ? HIGH_BIT : 0)));
}

static int do_bpf_map(struct attempt *a, char **w UNUSED)
{
    union bpf_attr attr = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

    return attempt_keep(a, syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

/* A classic filter on a new socket. LEVEL and OPTION may have a bit more than the kernel looks at. */
static int do_attach_filter(struct attempt *a,
                            char **w) /* filter|reuseport|program [level|option] */
{
    struct sock_filter accept = {.code = BPF_RET | BPF_K, .k = 0xffff};
    struct sock_fprog classic = {.len = 1, .filter = &accept};
    uint64_t level = SOL_SOCKET,
             option = w[1][0] == 'f' ? SO_ATTACH_FILTER : SO_ATTACH_REUSEPORT_CBPF;
    const int one = 1;
    int program = -1, r;

    r = attempt_keep(a, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (r < 0)
        return r;
    setsockopt(a->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    if (w[2])
        *(w[2][0] == 'l' ? &level : &option) |= HIGH_BIT;
    if (w[1][0] != 'p')
        return attempt_result(
            syscall(SYS_setsockopt, a->fd, level, option, &classic, sizeof(classic)));
    program = (int)load_program(BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_LOAD);
    if (program < 0)
        return -errno;
    r = attempt_result(setsockopt(a->fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)));
    close(program);
    return r;
}

/* ---- page faults, pipes ---- */

static int do_userfaultfd(struct attempt *a, char **w) /* call|device */
{
    int device;

    if (w[1][0] == 'c')
        return attempt_keep(a, syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
    device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return -errno;
    return attempt_keep(a, device);
}

/* From a file to a pipe. */
static int do_to_pipe(struct attempt *a, char **w) /* splice|sendfile|vmsplice|tee|write */
{
    int fds[2], more[2], r;
    struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};

    r = attempt_keep(a, open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    if (r < 0 || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(more, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    if (strcmp(w[1], "splice") == 0)
        r = attempt_result(splice(a->fd, NULL, fds[1], NULL, 1, 0));
    else if (strcmp(w[1], "sendfile") == 0)
        r = attempt_result(sendfile(fds[1], a->fd, NULL, 1));
    else if (strcmp(w[1], "vmsplice") == 0)
        r = attempt_result(vmsplice(fds[1], &iov, 1, 0));
    else if (strcmp(w[1], "tee") == 0)
        r = write(fds[1], "x", 1) < 0 ? -errno : attempt_result(tee(fds[0], more[1], 1, 0));
    else
        r = attempt_result(write(fds[1], "x", 1));
    return r;
}

/* ---- modes of files ---- */

#define MODE_FILE "/tmp/attack-mode"

/* Gives a file the mode MODE in the way WAY. */
static int set_mode(const char *way, uint64_t mode)
{
    int fd = open(MODE_FILE, O_WRONLY | O_CLOEXEC), r = -EINVAL;

    if (fd < 0)
        return -errno;
    if (strcmp(way, "chmod") == 0)
        r = attempt_result(syscall(SYS_chmod, MODE_FILE, mode));
    else if (strcmp(way, "fchmod") == 0)
        r = attempt_result(syscall(SYS_fchmod, fd, mode));
    else if (strcmp(way, "fchmodat") == 0)
        r = attempt_result(syscall(SYS_fchmodat, AT_FDCWD, MODE_FILE, mode));
    else if (strcmp(way, "fchmodat2") == 0)
        r = attempt_result(syscall(SYS_fchmodat2, AT_FDCWD, MODE_FILE, mode, 0));
    close(fd);
    return r;
}

static int do_mode(struct attempt *a, char **w) /* chmod|fchmod|fchmodat|fchmodat2 MODE [high] */
{
    int fd = open(MODE_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    close(fd);
    attempt_undo(a, "unlink %s", MODE_FILE);
    return set_mode(w[1], attempt_number(w[2]) | (w[3] ? HIGH_BIT : 0));
}

static int do_made_with_mode(struct attempt *a, char **w) /* open|openat|creat|mknod|mkdir MODE */
{
    mode_t mode = (mode_t)attempt_number(w[2]);
    struct stat st;
    long r = -1;

    umask(0);
    unlink(MODE_FILE);
    errno = EINVAL;
    if (strcmp(w[1], "open") == 0)
        r = syscall(SYS_open, MODE_FILE, O_WRONLY | O_CREAT, mode);
    else if (strcmp(w[1], "openat") == 0)
        r = syscall(SYS_openat, AT_FDCWD, MODE_FILE, O_WRONLY | O_CREAT, mode);
    else if (strcmp(w[1], "creat") == 0)
        r = syscall(SYS_creat, MODE_FILE, mode);
    else if (strcmp(w[1], "mknod") == 0)
        r = syscall(SYS_mknod, MODE_FILE, S_IFREG | mode, 0);
    else if (strcmp(w[1], "mkdir") == 0)
        r = syscall(SYS_mkdir, MODE_FILE, mode);
    if (r >= 0)
        attempt_undo(a,
                     w[1][0] == 'm' && w[1][1] == 'k' && w[1][2] == 'd' ? "rmdir %s" : "unlink %s",
                     MODE_FILE);
    if (r < 0 || stat(MODE_FILE, &st) < 0)
        return -errno;
    return (st.st_mode & 07777) == mode ? 0 : -EINVAL; /* some calls leave bits out in silence */
}

/* ---- any call ---- */

static int do_call(struct attempt *a UNUSED, char **w) /* NUMBER [ARGUMENT]... */
{
    uint64_t args[6] = {};

    for (size_t i = 0; i < ARRAY_SIZE(args) && w[2 + i]; i++)
        args[i] = strtoull(w[2 + i], NULL, 0);
    return attempt_result(
        syscall((long)attempt_number(w[1]), args[0], args[1], args[2], args[3], args[4], args[5]));
}

/* By the 32-bit entry: another architecture, with other numbers. A call that the kernel looked into has got through,
 * whatever it thought of the arguments. */
static int do_call32(struct attempt *a UNUSED, char **w) /* NUMBER [ARGUMENT [ARGUMENT]] */
{
#ifdef __x86_64__
    long r = (long)attempt_number(w[1]);
    long b = w[2] ? (long)attempt_number(w[2]) : 0,
         c = w[2] && w[3] ? (long)attempt_number(w[3]) : 0;

    __asm__ volatile("int $0x80"
                     : "+a"(r)
                     : "b"(b), "c"(c), "d"(0L), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return r == -EPERM || r == -ENOSYS || r == -EACCES ? (int)r : 0;
#else
    (void)w;
    return -ENOTSUP;
#endif
}

static int do_perf_event(struct attempt *a, char **w UNUSED) /* of the kernel, on a processor */
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_SW_CPU_CLOCK,
    };

    return attempt_keep(a, syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
}

const struct verb call_verbs[] = {
    {"bpf-load", 1, do_bpf_load},
    {"bpf-map", 0, do_bpf_map},
    {"attach-filter", 1, do_attach_filter},
    {"userfaultfd", 1, do_userfaultfd},
    {"to-pipe", 1, do_to_pipe},
    {"mode", 2, do_mode},
    {"made-with-mode", 2, do_made_with_mode},
    {"call", 1, do_call},
    {"call32", 1, do_call32},
    {"perf-event", 0, do_perf_event},
    {},
};
