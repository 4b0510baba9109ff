/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_netlink.h"

#include "agent/audit_counter.h"
#include "agent/audit_record.h"
#include "agent/audit_self_test.h"
#include "agent/audit_turn.h"
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#define MESSAGES_PER_TURN 256
#define ANSWER_MS         500
#define MESSAGE_MAX       (AUDIT_RECORD_MAX + NLMSG_HDRLEN)

struct audit_netlink {
    int fd;             /* owned, like the next */
    struct loop_io *io; /* NULL until the self-test is over */
    struct audit_events events;
    struct audit_counter kernel_lost; /* begun: the kernel tells us */
    uint32_t dropped_seen;            /* the socket's counter wraps at 32 bits */
    uint64_t n_dropped;
    int test_pid; /* of the self-test's child; its record is for us alone */
    unsigned
        backlog; /* that the kernel is to keep; 0: it has been asked to, or is not to be asked */
    bool is_answered; /* the first question, if only by a refusal */
    bool test_passed;
    uint64_t test_serial;
    struct audit_record record;
    union {
        struct nlmsghdr head;
        char bytes[MESSAGE_MAX];
    } message;
};

/* ---- the socket ---- */

/* A socket of the initial network namespace. */
static int open_there(void)
{
    CLEANUP_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    CLEANUP_CLOSE int initial = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
    CLEANUP_CLOSE int fd = -1;
    struct stat a, b;
    bool away;

    /* where process 1 cannot be looked at the self-test tells whether we are at the right place */
    away = here >= 0 && initial >= 0 && fstat(here, &a) == 0 && fstat(initial, &b) == 0 &&
           a.st_ino != b.st_ino;
    if (away && setns(initial, CLONE_NEWNET) < 0)
        return -errno;
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
    if (fd < 0)
        fd = -errno;
    if (away && setns(here, CLONE_NEWNET) < 0)
        abort(); /* going on in a namespace that is not ours would be worse */
    return TAKE_FD(fd);
}

static int open_socket(struct audit_netlink *n, size_t buffer_bytes, struct error **reterr)
{
    const struct sockaddr_nl group = {.nl_family = AF_NETLINK,
                                      .nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1)};
    int room = (int)MIN(buffer_bytes, (size_t)INT32_MAX / 2);

    n->fd = open_there();
    if (n->fd == -EPROTONOSUPPORT)
        return error_set(reterr, n->fd,
                         "the kernel's audit system is off (audit=0 on its command line, or not "
                         "built in): nothing tells AppArmor's and seccomp's denials");
    if (n->fd < 0)
        return error_errno(reterr, n->fd, "netlink socket of the audit system");
    if (setsockopt(n->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 &&
        setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) < 0)
        return error_errno(reterr, errno, "buffer of the audit system's socket");
    if (bind(n->fd, (const struct sockaddr *)&group, sizeof(group)) < 0)
        return error_errno(reterr, errno, "the audit system's multicast group");
    return 0;
}

/* ---- messages ---- */

/* The kernel's answer, if it has one, is a record of the audit system itself. */
static void send_message(struct audit_netlink *n, unsigned type, const void *data, size_t len)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct {
        struct nlmsghdr head;
        struct audit_status status;
    } m = {.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
                    .nlmsg_type = (uint16_t)type,
                    .nlmsg_flags = NLM_F_REQUEST}};

    if (len > 0)
        memcpy(&m.status, data, len);
    /* without the right to ask nothing happens */
    if (sendto(n->fd, &m, m.head.nlmsg_len, MSG_DONTWAIT, (const struct sockaddr *)&kernel,
               sizeof(kernel)) < 0)
        return;
}

/* Once, whatever comes of it. A limit of 0 is none. */
static void raise_backlog(struct audit_netlink *n, const struct audit_status *now)
{
    const struct audit_status wanted = {.mask = AUDIT_STATUS_BACKLOG_LIMIT,
                                        .backlog_limit = n->backlog};

    n->backlog = 0;
    if (now->backlog_limit > 0 && now->backlog_limit < wanted.backlog_limit)
        send_message(n, AUDIT_SET, &wanted, sizeof(wanted));
}

static void take_status(struct audit_netlink *n, const void *data, size_t len)
{
    struct audit_status status = {0};

    if (len < offsetof(struct audit_status, lost) + sizeof(status.lost))
        return;
    memcpy(&status, data, MIN(len, sizeof(status)));
    audit_counter_put(&n->kernel_lost, status.lost);
    if (n->backlog > 0)
        raise_backlog(n, &status);
}

static bool is_own_test(const struct audit_netlink *n)
{
    uint64_t pid;

    return n->test_pid > 0 && n->record.type == AUDIT_RECORD_SECCOMP &&
           audit_record_number(&n->record, "pid", &pid) && pid == (uint64_t)n->test_pid;
}

static void take_message(struct audit_netlink *n, size_t size)
{
    const struct nlmsghdr *head = &n->message.head;
    size_t len;
    int outcome;

    if (size < NLMSG_HDRLEN || head->nlmsg_len < NLMSG_HDRLEN)
        return;
    len = MIN((size_t)head->nlmsg_len, size) - NLMSG_HDRLEN;
    n->is_answered |= head->nlmsg_type == AUDIT_GET || head->nlmsg_type == NLMSG_ERROR;
    if (head->nlmsg_type == AUDIT_GET) {
        take_status(n, NLMSG_DATA(head), len);
        return;
    }
    if (head->nlmsg_type < AUDIT_FIRST_USER_MSG) /* answers and errors of the protocol */
        return;
    outcome = audit_record_read_message(&n->record, head->nlmsg_type, NLMSG_DATA(head), len);
    if (!n->io) { /* only what comes after the self-test is told: nobody is ready for more */
        if (!n->test_passed && outcome == AUDIT_READ && is_own_test(n)) {
            n->test_passed = true;
            n->test_serial = n->record.serial;
        }
    } else if (outcome != AUDIT_NOTHING) {
        n->events.record(outcome, &n->record, n->events.data);
    }
}

/* One message. 0; -EAGAIN (there is none), or another errno. */
static int read_message(struct audit_netlink *n)
{
    struct sockaddr_nl from = {0};
    struct iovec room = {.iov_base = n->message.bytes, .iov_len = sizeof(n->message)};
    struct msghdr m = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &room, .msg_iovlen = 1};
    ssize_t size = recvmsg(n->fd, &m, MSG_DONTWAIT);

    if (size < 0)
        return -errno;
    if (m.msg_namelen == sizeof(from) && from.nl_pid == 0) /* else it is not the kernel's */
        take_message(n, (size_t)size);
    return 0;
}

static void on_readable(int fd UNUSED, unsigned events UNUSED, void *data)
{
    struct audit_netlink *n = data;
    struct audit_turn turn = audit_turn_begin();

    for (unsigned i = 0; i < MESSAGES_PER_TURN && !audit_turn_is_over(&turn); i++) {
        int r = read_message(n);

        /* an overflow is told once, in front of what is there; the counter says how much it was */
        if (r < 0 && r != -ENOBUFS && r != -EINTR)
            return;
    }
}

/* ---- the self-test ---- */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / (int64_t)NS_PER_MSEC;
}

/* A thread of the kernel's answers, so it may take a moment. Without an answer nobody says how much
 * the kernel drops. */
static void await_answer(struct audit_netlink *n)
{
    int64_t end = now_ms() + ANSWER_MS;
    struct pollfd p = {.fd = n->fd, .events = POLLIN};

    while (!n->is_answered) {
        int64_t left = end - now_ms();
        int r;

        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return;
        r = read_message(n);
        if (r < 0 && r != -EAGAIN && r != -EINTR && r != -ENOBUFS)
            return; /* the self-test says what is wrong */
    }
}

static int self_test(struct audit_netlink *n, struct error **reterr)
{
    int64_t end = now_ms() + AUDIT_NETLINK_TEST_MS;
    struct pollfd p = {.fd = n->fd, .events = POLLIN};
    int r = audit_self_test_provoke(&n->test_pid, reterr);

    if (r < 0)
        return r;
    while (!n->test_passed) {
        int64_t left = end - now_ms();

        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return error_set(reterr, -ETIMEDOUT,
                             "the audit system's multicast group is silent: a record of our own "
                             "did not come back within %d ms (is this the host's network "
                             "namespace? does kernel.seccomp.actions_logged have 'log'?)",
                             AUDIT_NETLINK_TEST_MS);
        r = read_message(n);
        if (r < 0 && r != -EAGAIN && r != -EINTR && r != -ENOBUFS)
            return error_errno(reterr, r, "the audit system's multicast group");
    }
    return 0;
}

/* ---- life ---- */

int audit_netlink_new(struct audit_netlink **ret, struct loop *loop,
                      const struct audit_netlink_settings *settings,
                      const struct audit_events *events, struct error **reterr)
{
    CLEANUP(audit_netlink_free) struct audit_netlink *n = calloc(1, sizeof(*n));
    size_t buffer_bytes = settings ? settings->buffer_bytes : 0;
    int r;

    if (!n)
        return error_oom(reterr);
    n->fd = -1;
    n->events = *events;
    n->backlog = settings ? settings->backlog : 0;
    r = open_socket(n, buffer_bytes ? buffer_bytes : AUDIT_NETLINK_BUFFER_BYTES, reterr);
    if (r < 0)
        return r;
    audit_netlink_ask(n);
    await_answer(n);
    r = self_test(n, reterr);
    if (r < 0)
        return r;
    if (loop_io_new(loop, &n->io, n->fd, LOOP_READ, on_readable, n) < 0)
        return error_oom(reterr);
    *ret = TAKE(n);
    return 0;
}

struct audit_netlink *audit_netlink_free(struct audit_netlink *n)
{
    if (!n)
        return NULL;
    loop_io_free(n->io);
    if (n->fd >= 0)
        close(n->fd);
    free(n);
    return NULL;
}

uint64_t audit_netlink_began(const struct audit_netlink *n)
{
    return n->test_serial;
}

void audit_netlink_ask(struct audit_netlink *n)
{
    /* without the right to ask there is no answer, and the count does not begin */
    send_message(n, AUDIT_GET, NULL, 0);
}

uint64_t audit_netlink_n_dropped(struct audit_netlink *n)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(n->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ||
        len <= SK_MEMINFO_DROPS * sizeof(info[0]))
        return n->n_dropped;
    n->n_dropped += info[SK_MEMINFO_DROPS] - n->dropped_seen; /* modulo 2^32 */
    n->dropped_seen = info[SK_MEMINFO_DROPS];
    return n->n_dropped;
}

bool audit_netlink_kernel_lost(const struct audit_netlink *n, uint64_t *ret)
{
    *ret = n->kernel_lost.sum;
    return n->kernel_lost.begun;
}
