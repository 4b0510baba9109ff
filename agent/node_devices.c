/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/node_devices.h"

#include "agent/whole_file.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define PARTITIONS        "/proc/partitions"
#define KERNEL_GROUP      1  /* uevents of the kernel; 2 is udev's */
#define MESSAGES_PER_TURN 64 /* then the loop goes on with others */

struct node_devices {
    struct loop *loop; /* borrowed */
    char *path;        /* owned, like what follows */
    int fd;            /* the kernel's uevents */
    struct loop_io *io;
    struct loop_timer *settle;
    bool settling; /* the timer is set */
    struct disk_list disks;
    void (*changed)(void *data);
    void *data;
};

/* ---- the list ---- */

static int read_list(const char *path, struct disk_list *ret, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(DISK_LIST_MAX_TEXT);
    int r = whole_file_read_kernel(AT_FDCWD, path, &text);

    if (r == -E2BIG)
        return error_set(reterr, r, "%s is longer than %u bytes", path, DISK_LIST_MAX_TEXT);
    if (r < 0)
        return error_errno(reterr, r, "%s", path);
    return disk_list_parse(ret, buf_text(&text), text.len, reterr);
}

static void tell_refused(const struct disk_list *l)
{
    if (l->n_refused)
        LOG(WARNING, "disk-refused",
            "disks have names that no rule could hold; rules about disks go on without them",
            LOG_INT("disks", l->n_refused));
}

static void on_settled(void *data)
{
    CLEANUP_DISK_LIST struct disk_list now = {};
    CLEANUP(error_free) struct error *why = NULL;
    struct node_devices *d = data;

    d->settling = false;
    if (read_list(d->path, &now, &why) < 0) {
        LOG(ERROR, "disks-unreadable",
            "the node's disks cannot be read again; rules about disks keep the last list",
            LOG_STR("reason", error_message(why)));
        return;
    }
    if (disk_list_equal(&now, &d->disks))
        return;
    tell_refused(&now);
    LOG(INFO, "disks-changed", "the node's disks have changed", LOG_INT("disks", now.n));
    disk_list_done(&d->disks);
    d->disks = now;
    now = (struct disk_list){};
    d->changed(d->data);
}

/* ---- the kernel's events ---- */

bool node_devices_is_block_event(const char *message, size_t len)
{
    static const char wanted[] = "SUBSYSTEM=block";

    while (len) {
        size_t n = strnlen(message, len);

        if (n == sizeof(wanted) - 1 && memcmp(message, wanted, n) == 0)
            return true;
        message += n;
        len -= n;
        if (len) { /* the NUL */
            message++;
            len--;
        }
    }
    return false;
}

/* Takes one message. Returns 1 if it may concern the list, 0 if not, or a negative errno. */
static int receive(int fd)
{
    char message[NODE_DEVICES_EVENT_MAX];
    struct sockaddr_nl from = {};
    struct iovec iov = {.iov_base = message, .iov_len = sizeof(message)};
    struct msghdr head = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = recvmsg(fd, &head, MSG_DONTWAIT);

    if (n < 0)
        return errno == ENOBUFS ? 1 : -errno;
    if (from.nl_pid != 0) /* not the kernel */
        return 0;
    return (head.msg_flags & MSG_TRUNC) || node_devices_is_block_event(message, (size_t)n);
}

static void on_readable(int fd, unsigned events UNUSED, void *data)
{
    struct node_devices *d = data;

    for (unsigned i = 0; i < MESSAGES_PER_TURN; i++) {
        int r = receive(fd);

        if (r < 0 && r != -EINTR)
            return; /* nothing more for now */
        if (r == 1 && !d->settling) {
            d->settling = true;
            loop_timer_set(d->settle, NODE_DEVICES_SETTLE_NS);
        }
    }
}

static int subscribe(struct node_devices *d, struct error **reterr)
{
    const struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};

    d->fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (d->fd < 0 || bind(d->fd, (const struct sockaddr *)&group, sizeof(group)) < 0)
        return error_errno(reterr, errno, "the kernel's device events");
    if (loop_io_new(d->loop, &d->io, d->fd, LOOP_READ, on_readable, d) < 0)
        return error_oom(reterr);
    return 0;
}

/* ---- the object ---- */

int node_devices_new(struct node_devices **ret, struct loop *loop, const char *path,
                     void (*changed)(void *data), void *data, struct error **reterr)
{
    CLEANUP(node_devices_free) struct node_devices *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return error_oom(reterr);
    *d = (struct node_devices){.loop = loop, .fd = -1, .changed = changed, .data = data};
    d->path = strdup(path ? path : PARTITIONS);
    if (!d->path || loop_timer_new(loop, &d->settle, on_settled, d) < 0)
        return error_oom(reterr);
    r = subscribe(d, reterr);
    if (r == 0)
        r = read_list(d->path, &d->disks, reterr);
    if (r < 0)
        return r;
    tell_refused(&d->disks);
    *ret = TAKE(d);
    return 0;
}

struct node_devices *node_devices_free(struct node_devices *d)
{
    if (!d)
        return NULL;
    disk_list_done(&d->disks);
    loop_io_free(d->io);
    loop_timer_free(d->settle);
    if (d->fd >= 0)
        close(d->fd);
    free(d->path);
    free(d);
    return NULL;
}

const char *const *node_devices_names(const struct node_devices *d, size_t *ret_n)
{
    *ret_n = d->disks.n;
    return (const char *const *)d->disks.paths;
}

int node_devices_expand(const struct node_devices *d, struct profile *p, struct profile **ret,
                        struct error **reterr)
{
    return disk_list_expand(&d->disks, p, ret, reterr);
}
