/* SPDX-License-Identifier: Apache-2.0 */
/* One operation for each capability, that the kernel permits to none but its holder. */
#include "test/attacks/program/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/acct.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define FOLDER      "/dev/shm/" /* a tmpfs: leases and attributes of files work there */
#define FOREIGN_UID 1

/* A file of the given owner and mode. */
static int make_file(struct attempt *a, const char *path, uid_t owner, mode_t mode)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), r = 0;

    if (fd < 0)
        return -errno;
    attempt_undo(a, "unlink %s", path);
    if (fchmod(fd, mode) < 0 || fchown(fd, owner, owner) < 0)
        r = -errno;
    close(fd);
    return r;
}

/* Files of another user are made by the attempt "foreign-file", before capabilities are taken away. */
static int do_foreign_file(struct attempt *a, char **w) /* MODE */
{
    return make_file(a, FOLDER "foreign", FOREIGN_UID, (mode_t)attempt_number(w[1]));
}

static int op_fsetid(struct attempt *a)
{
    struct stat st;
    int r = make_file(a, FOLDER "own", 0, 0600);

    if (r == 0 && chown(FOLDER "own", 0, FOREIGN_UID) < 0)
        r = -errno;
    if (r == 0 && chmod(FOLDER "own", 02755) < 0)
        r = -errno;
    if (r < 0 || stat(FOLDER "own", &st) < 0)
        return r;
    return st.st_mode & S_ISGID ? 0 : -EPERM; /* the kernel leaves the bit out in silence */
}

static int op_setfcap(struct attempt *a)
{
    struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                                .data[0] = {.permitted = 1 << CAP_NET_RAW}};
    int r = make_file(a, FOLDER "own", 0, 0700);

    return r < 0 ? r
                 : attempt_result(
                       setxattr(FOLDER "own", "security.capability", &data, sizeof(data), 0));
}

static int op_linux_immutable(struct attempt *a)
{
    int flags = 0, r = make_file(a, "/tmp/attack-flags", 0, 0600);

    if (r == 0)
        r = attempt_keep(a, open("/tmp/attack-flags", O_RDONLY | O_CLOEXEC));
    if (r < 0)
        return r;
    flags = FS_APPEND_FL;
    r = attempt_result(ioctl(a->fd, FS_IOC_SETFLAGS, &flags));
    if (r == 0) {
        flags = 0;
        ioctl(a->fd, FS_IOC_SETFLAGS, &flags);
    }
    return r;
}

static int op_net_bind_service(struct attempt *a)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(81)};
    int r = attempt_keep(a, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    return r < 0 ? r : attempt_result(bind(a->fd, (const struct sockaddr *)&at, sizeof(at)));
}

static int op_net_admin(struct attempt *a)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    int r = attempt_keep(a, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

    return r < 0 ? r : attempt_result(ioctl(a->fd, SIOCSIFFLAGS, &request));
}

static int op_net_raw(struct attempt *a)
{
    return attempt_keep(a, socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int op_ipc_lock(struct attempt *a UNUSED)
{
    static char page[4096] __attribute__((aligned(4096)));
    struct rlimit none = {};

    if (setrlimit(RLIMIT_MEMLOCK, &none) < 0)
        return -errno;
    return attempt_result(mlock(page, sizeof(page)));
}

static int op_ipc_owner(struct attempt *a UNUSED)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600), r;
    struct shmid_ds ds = {};
    void *p;

    if (id < 0 || shmctl(id, IPC_STAT, &ds) < 0)
        return -errno;
    ds.shm_perm.uid = ds.shm_perm.gid = FOREIGN_UID;
    ds.shm_perm.mode = 0;
    r = attempt_result(shmctl(id, IPC_SET, &ds));
    p = shmat(id, NULL, 0);
    if (r == 0 && p == (void *)-1)
        r = -errno;
    shmctl(id, IPC_RMID, NULL);
    return r == -EACCES ? -EPERM : r;
}

static int op_sys_module(struct attempt *a UNUSED)
{
    int r = attempt_result(syscall(SYS_delete_module, "no_such_module", O_NONBLOCK));

    return r == -ENOENT ? 0 : r;
}

static int op_sys_rawio(struct attempt *a UNUSED)
{
#ifdef __x86_64__
    return attempt_result(ioperm(0x80, 1, 1));
#else
    return -ENOTSUP;
#endif
}

static int op_sys_boot(struct attempt *a UNUSED)
{
    int r = attempt_result(syscall(SYS_reboot, 0, 0, 0, NULL)); /* magic numbers that are wrong */

    return r == -EINVAL ? 0 : r;
}

static int op_sys_resource(struct attempt *a UNUSED)
{
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};

    if (setrlimit(RLIMIT_CORE, &limit) < 0)
        return -errno;
    limit.rlim_max = 1;
    return attempt_result(setrlimit(RLIMIT_CORE, &limit));
}

static int op_sys_time(struct attempt *a UNUSED)
{
    struct timex t = {};

    if (adjtimex(&t) < 0)
        return -errno;
    t.modes = ADJ_FREQUENCY; /* to what it is */
    return attempt_result(adjtimex(&t));
}

static int op_mknod(struct attempt *a)
{
    int r = attempt_result(mknod("/tmp/attack-node", S_IFCHR | 0600, (1 << 8) | 3));

    if (r == 0)
        attempt_undo(a, "unlink /tmp/attack-node");
    return r;
}

static int op_lease(struct attempt *a)
{
    int r = attempt_keep(a, open(FOLDER "foreign", O_RDONLY | O_CLOEXEC));

    return r < 0 ? r : attempt_result(fcntl(a->fd, F_SETLEASE, F_RDLCK));
}

/* Sends a message to the kernel's audit, and waits for its answer. */
static int audit_request(struct attempt *a, uint16_t type)
{
    struct {
        struct nlmsghdr head;
        char text[16];
    } message = {.head = {.nlmsg_len = sizeof(message),
                          .nlmsg_type = type,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                 .text = "varmor attack"};
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        char rest[1024];
    } answer;
    int r = attempt_keep(a, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));

    if (r < 0 || send(a->fd, &message, sizeof(message), 0) < 0)
        return r < 0 ? r : -errno;
    if (recv(a->fd, &answer, sizeof(answer), 0) < 0)
        return -errno;
    return answer.head.nlmsg_type == NLMSG_ERROR ? answer.error.error : 0;
}

static int op_audit_write(struct attempt *a)
{
    return audit_request(a, AUDIT_USER);
}

static int op_audit_control(struct attempt *a)
{
    return audit_request(a, AUDIT_GET);
}

static int op_audit_read(struct attempt *a)
{
    struct sockaddr_nl group = {.nl_family = AF_NETLINK,
                                .nl_groups = 1 << (AUDIT_NLGRP_READLOG - 1)};
    int r = attempt_keep(a, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));

    return r < 0 ? r : attempt_result(bind(a->fd, (const struct sockaddr *)&group, sizeof(group)));
}

/* AppArmor's own interface: nonsense is refused only after the capability was there. */
static int op_mac_admin(struct attempt *a)
{
    int r = attempt_keep(a, open("/at/security/apparmor/.replace", O_WRONLY | O_CLOEXEC));

    if (r == 0)
        r = attempt_result(write(a->fd, "nonsense", 8));
    return r == -EPERM || r == -EACCES ? r : r == -ENOENT ? r : 0;
}

static int op_syslog(struct attempt *a UNUSED)
{
    char text[64];

    return attempt_result(klogctl(3, text, sizeof(text)));
}

static int op_wake_alarm(struct attempt *a)
{
    return attempt_keep(a, timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC));
}

/* The kernel takes the flag away in silence: what it watches tells. */
static int op_block_suspend(struct attempt *a)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLWAKEUP};
    char path[64], text[512] = "";
    const char *events;
    int fds[2];
    FILE *f;

    if (pipe2(fds, O_CLOEXEC) < 0 || attempt_keep(a, epoll_create1(EPOLL_CLOEXEC)) < 0 ||
        epoll_ctl(a->fd, EPOLL_CTL_ADD, fds[0], &event) < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", a->fd);
    f = fopen(path, "re");
    if (!f)
        return -errno;
    if (fread(text, 1, sizeof(text) - 1, f) == 0)
        text[0] = '\0';
    fclose(f);
    events = strstr(text, "events:");
    return events && (strtoul(events + strlen("events:"), NULL, 16) & EPOLLWAKEUP) ? 0 : -EPERM;
}

static int op_checkpoint_restore(struct attempt *a UNUSED)
{
    pid_t wanted = 31999; /* of a process that does not exist */
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
    long pid = syscall(SYS_clone3, &args, sizeof(args));

    if (pid < 0)
        return errno == EEXIST ? 0 : -errno; /* permitted, and another attacker has it just now */
    if (pid == 0)
        _exit(0);
    waitpid((pid_t)pid, NULL, 0);
    return 0;
}

static int op_setpcap(struct attempt *a UNUSED)
{
    return attempt_result(prctl(PR_CAPBSET_DROP, CAP_LEASE, 0, 0, 0));
}
static int op_setgid(struct attempt *a UNUSED)
{
    return attempt_result(setgid(FOREIGN_UID));
}
static int op_setuid(struct attempt *a UNUSED)
{
    return attempt_result(setuid(FOREIGN_UID));
}
static int op_chown(struct attempt *a UNUSED)
{
    return attempt_result(chown(FOLDER "foreign", 0, 0));
}
static int op_dac_override(struct attempt *a)
{
    return attempt_keep(a, open(FOLDER "foreign", O_WRONLY | O_CLOEXEC));
}
static int op_fowner(struct attempt *a UNUSED)
{
    return attempt_result(chmod(FOLDER "foreign", 0644));
}
static int op_sys_chroot(struct attempt *a UNUSED)
{
    return attempt_result(chroot("/"));
}
static int op_sys_pacct(struct attempt *a UNUSED)
{
    return attempt_result(acct(NULL));
}
static int op_sys_admin(struct attempt *a UNUSED)
{
    return attempt_result(sethostname("attack", 6));
}
static int op_sys_nice(struct attempt *a UNUSED)
{
    return attempt_result(setpriority(PRIO_PROCESS, 0, -5));
}
static int op_sys_tty_config(struct attempt *a UNUSED)
{
    return attempt_result(vhangup());
}

static const struct {
    const char *name;
    int (*run)(struct attempt *a);
} operations[] = {
    {"audit_control", op_audit_control},
    {"audit_read", op_audit_read},
    {"audit_write", op_audit_write},
    {"block_suspend", op_block_suspend},
    {"checkpoint_restore", op_checkpoint_restore},
    {"chown", op_chown},
    {"dac_override", op_dac_override},
    {"fowner", op_fowner},
    {"fsetid", op_fsetid},
    {"ipc_lock", op_ipc_lock},
    {"ipc_owner", op_ipc_owner},
    {"lease", op_lease},
    {"linux_immutable", op_linux_immutable},
    {"mac_admin", op_mac_admin},
    {"mknod", op_mknod},
    {"net_admin", op_net_admin},
    {"net_bind_service", op_net_bind_service},
    {"net_raw", op_net_raw},
    {"setfcap", op_setfcap},
    {"setgid", op_setgid},
    {"setpcap", op_setpcap},
    {"setuid", op_setuid},
    {"sys_admin", op_sys_admin},
    {"sys_boot", op_sys_boot},
    {"sys_chroot", op_sys_chroot},
    {"sys_module", op_sys_module},
    {"sys_nice", op_sys_nice},
    {"sys_pacct", op_sys_pacct},
    {"sys_rawio", op_sys_rawio},
    {"sys_resource", op_sys_resource},
    {"sys_time", op_sys_time},
    {"sys_tty_config", op_sys_tty_config},
    {"syslog", op_syslog},
    {"wake_alarm", op_wake_alarm},
};

static int do_use(struct attempt *a, char **w) /* CAPABILITY */
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
        if (strcmp(operations[i].name, w[1]) == 0)
            return operations[i].run(a);
    return -ENOSYS;
}

const struct verb capability_verbs[] = {
    {"use", 1, do_use},
    {"foreign-file", 1, do_foreign_file},
    {},
};
