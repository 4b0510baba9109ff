/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL /* linux/memfd.h of 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define READ_CHUNK (16u << 10)

/* Makes room and reads once. 1: there may be more, 0: the end, or a negative errno. */
static int read_some(int fd, struct buf *out)
{
    size_t room = MIN(out->max - out->len, READ_CHUNK);
    uint8_t beyond;
    ssize_t n;
    int r = buf_reserve(out, room);

    if (r < 0)
        return r;
    n = room > 0 ? read(fd, out->data + out->len, room) : read(fd, &beyond, 1);
    if (n < 0)
        return errno == EINTR ? 1 : -errno;
    if (n > 0 && room == 0)
        return -E2BIG;
    out->len += (size_t)n;
    out->data[out->len] = '\0';
    return n > 0;
}

static int read_opened(int dir_fd, const char *path, int flags, struct buf *out)
{
    CLEANUP_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | flags);
    int r = fd < 0 ? -errno : 1;

    while (r > 0)
        r = read_some(fd, out);
    return r;
}

int whole_file_read(int dir_fd, const char *path, struct buf *out)
{
    return read_opened(dir_fd, path, O_NOFOLLOW, out);
}

int whole_file_read_kernel(int dir_fd, const char *path, struct buf *out)
{
    return read_opened(dir_fd, path, 0, out);
}

int whole_file_write(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int whole_file_in_memory(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL) /* kernels before 6.3 do not know the flag, newer may insist */
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}
