/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/confinement.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* What is needed after the programs are loaded, and what for. */
static const unsigned kept_capabilities[] = {
    CAP_BPF,             /* maps of a new version */
    CAP_PERFMON,         /* reading what the kernel holds, with CAP_BPF */
    CAP_SYS_ADMIN,       /* BPF maps by id: a version is read back through its id */
    CAP_SYS_RESOURCE,    /* locked memory on kernels that count maps there */
    CAP_SYS_PTRACE,      /* /proc/PID/ns and fd of containers */
    CAP_DAC_READ_SEARCH, /* the same, of containers with other users */
    CAP_DAC_OVERRIDE,    /* the log's and state's folders, whoever owns them */
    CAP_CHOWN,           /* a rotated log keeps its owner */
    CAP_FOWNER,          /* and its mode */
    CAP_AUDIT_CONTROL,   /* the kernel tells how many audit records it dropped */
};

static void keep(uint32_t kept[static _LINUX_CAPABILITY_U32S_3], unsigned capability)
{
    kept[CAP_TO_INDEX(capability)] |= CAP_TO_MASK(capability);
}

static int drop_capabilities(bool with_apparmor, struct error **reterr)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3] = {0};
    uint32_t kept[_LINUX_CAPABILITY_U32S_3] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(kept_capabilities); i++)
        keep(kept, kept_capabilities[i]);
    if (with_apparmor)
        keep(kept, CAP_MAC_ADMIN); /* profiles are loaded and removed */
    /* The bounding set first: taking from it needs a capability that goes with the rest. The end of
     * the kernel's list is where it answers EINVAL. */
    for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
        if (!(kept[CAP_TO_INDEX(cap)] & CAP_TO_MASK(cap)) &&
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
            errno != EPERM) /* not ours to take away: then it is not ours to have either */
            return error_errno(reterr, errno, "capability %u", cap);
    }
    if (syscall(SYS_capget, &head, now) < 0)
        return error_errno(reterr, errno, "capabilities");
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        now[i].permitted &= kept[i];
        now[i].effective &= kept[i];
        now[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &head, now) < 0)
        return error_errno(reterr, errno, "capabilities");
    return 0;
}

/* By purpose. Names that an architecture does not have are passed over by number. */
static const int allowed_calls[] = {
    /* files */
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(close),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rmdir),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fsync),
    SCMP_SYS(memfd_create), /* libseccomp writes its programs to descriptors */
    SCMP_SYS(flock),
    SCMP_SYS(fcntl),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(fchown),
    SCMP_SYS(umask),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(ioctl),
    SCMP_SYS(getcwd),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(inotify_add_watch), /* a log file that was made anew */
    SCMP_SYS(inotify_rm_watch),
    /* the kernel's BPF objects */
    SCMP_SYS(bpf),
    /* sockets: we connect, and never listen */
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(socketpair),
    /* the event loop and time */
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* memory, signals, the process itself */
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(tgkill),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(setrlimit),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* What it takes to start apparmor_parser, to end it, and what it does beside the calls above. */
static const int parser_calls[] = {
    SCMP_SYS(execve), SCMP_SYS(vfork), SCMP_SYS(setpgid),    SCMP_SYS(close_range),
    SCMP_SYS(capset), SCMP_SYS(prctl), SCMP_SYS(pidfd_open), SCMP_SYS(waitid),
    SCMP_SYS(wait4),  SCMP_SYS(kill),  SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address),
};

#define NEW_NAMESPACES                                                                             \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

static int allow_calls(scmp_filter_ctx filter, const int *calls, size_t n, struct error **reterr)
{
    for (size_t i = 0; i < n; i++) {
        int r = calls[i] < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

        if (r < 0)
            return error_errno(reterr, r, "seccomp filter, call %d", calls[i]);
    }
    return 0;
}

static int allow_parser(scmp_filter_ctx filter, struct error **reterr)
{
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, NEW_NAMESPACES, 0));

    if (r < 0)
        return error_errno(reterr, r, "seccomp filter, clone");
    return allow_calls(filter, parser_calls, ARRAY_SIZE(parser_calls), reterr);
}

static void filter_release(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

static int enter_filter(bool with_apparmor, struct error **reterr)
{
    /* A call that is not in the list fails and is in the kernel's log: a mistake of ours must not
     * end enforcement's upkeep, and must be seen. */
    __attribute__((cleanup(filter_release))) scmp_filter_ctx filter =
        seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r;

    if (!filter)
        return error_oom(reterr);
    r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    if (r < 0 && r != -EOPNOTSUPP && r != -EINVAL)
        return error_errno(reterr, r, "seccomp filter");
    r = allow_calls(filter, allowed_calls, ARRAY_SIZE(allowed_calls), reterr);
    if (r == 0 && with_apparmor)
        r = allow_parser(filter, reterr);
    if (r < 0)
        return r;
    r = seccomp_load(filter); /* takes no_new_privs with it */
    return r < 0 ? error_errno(reterr, r, "seccomp filter") : 0;
}

int confinement_enter(bool with_apparmor, struct error **reterr)
{
    int r;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_errno(reterr, errno, "no_new_privs");
    r = drop_capabilities(with_apparmor, reterr);
    if (r == 0)
        r = enter_filter(with_apparmor, reterr);
    return r < 0 ? error_wrap(reterr, r, "confining the agent") : 0;
}
