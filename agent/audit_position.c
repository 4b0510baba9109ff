/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_position.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/whole_file.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LEN  36

struct position_file {
    char boot_id[BOOT_ID_LEN];
    char end[4]; /* "\n\0\0\0": the serial is aligned */
    uint64_t serial;
};

struct audit_position {
    int fd; /* owned */
    bool was_left;
    uint64_t left, highest;
};

static int read_boot_id(char ret[static BOOT_ID_LEN], struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(64);
    int r = whole_file_read_kernel(AT_FDCWD, BOOT_ID_PATH, &text);

    if (r == 0 && text.len < BOOT_ID_LEN)
        r = -EBADMSG;
    if (r < 0)
        return error_errno(reterr, r, BOOT_ID_PATH);
    memcpy(ret, text.data, BOOT_ID_LEN);
    return 0;
}

/* Takes over what is there, or begins the file anew. */
static int begin_file(struct audit_position *p, const char *path, struct error **reterr)
{
    struct position_file now = {.end = "\n"}, before;
    int r = read_boot_id(now.boot_id, reterr);

    if (r < 0)
        return r;
    if (pread(p->fd, &before, sizeof(before), 0) == (ssize_t)sizeof(before) &&
        memcmp(&before, &now, offsetof(struct position_file, serial)) == 0) {
        p->was_left = before.serial > 0;
        p->left = p->highest = before.serial;
        return 0;
    }
    if (ftruncate(p->fd, 0) < 0 || pwrite(p->fd, &now, sizeof(now), 0) != (ssize_t)sizeof(now))
        return error_errno(reterr, errno ? errno : ENOSPC, "%s", path);
    return 0;
}

int audit_position_new(struct audit_position **ret, const char *path, struct error **reterr)
{
    CLEANUP(audit_position_free) struct audit_position *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return error_oom(reterr);
    p->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (p->fd < 0)
        return error_errno(reterr, errno, "%s", path);
    r = begin_file(p, path, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(p);
    return 0;
}

struct audit_position *audit_position_free(struct audit_position *p)
{
    if (!p)
        return NULL;
    if (p->fd >= 0)
        close(p->fd);
    free(p);
    return NULL;
}

bool audit_position_left(const struct audit_position *p, uint64_t *ret)
{
    *ret = p->left;
    return p->was_left;
}

void audit_position_put(struct audit_position *p, uint64_t serial)
{
    if (serial <= p->highest)
        return;
    p->highest = serial;
    /* a disk that is full costs the agent after us its place, and nothing else */
    if (pwrite(p->fd, &serial, sizeof(serial), offsetof(struct position_file, serial)) < 0)
        return;
}
