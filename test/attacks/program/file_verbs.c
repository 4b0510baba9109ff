/* SPDX-License-Identifier: Apache-2.0 */
#include "test/attacks/program/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define OPEN_ALWAYS (O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int open_as(struct attempt *a, const char *path, int flags)
{
    return attempt_keep(a, open(path, flags | OPEN_ALWAYS, 0644));
}

/* ---- opening ---- */

/* Opens and reads: some files ask only then. */
static int do_read(struct attempt *a, char **w)
{
    int r = open_as(a, w[1], O_RDONLY);
    char byte;

    if (r == 0 && read(a->fd, &byte, 1) < 0 && errno != EISDIR && errno != EAGAIN &&
        errno != EINVAL)
        return -errno;
    return r;
}

static int do_write(struct attempt *a, char **w)
{
    return open_as(a, w[1], O_WRONLY);
}

static int do_append(struct attempt *a, char **w)
{
    return open_as(a, w[1], O_WRONLY | O_APPEND);
}

static int do_read_truncating(struct attempt *a, char **w)
{
    return open_as(a, w[1], O_RDONLY | O_TRUNC);
}

/* A new file; it must not be there when the attempt has failed (W7). */
static int create(struct attempt *a, const char *path, int flags)
{
    int r = open_as(a, path, flags | O_CREAT | O_EXCL);
    struct stat st;

    if (r == 0 || lstat(path, &st) == 0) {
        attempt_undo(a, "unlink %s", path);
        return 0;
    }
    return r;
}

static int do_create(struct attempt *a, char **w)
{
    return create(a, w[1], O_WRONLY);
}

static int do_create_reading(struct attempt *a, char **w)
{
    return create(a, w[1], O_RDONLY);
}

static int do_put(struct attempt *a, char **w) /* PATH TEXT: writes the text, without a line end */
{
    int r = open_as(a, w[1], O_WRONLY);

    return r < 0 ? r : attempt_result(write(a->fd, w[2], strlen(w[2])));
}

/* By a descriptor that says no more than where the file is. */
static int do_reopen(struct attempt *a, char **w) /* PATH r|w */
{
    int fd = open(w[1], O_PATH | O_CLOEXEC), r;
    char path[64];

    if (fd < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    r = open_as(a, path, w[2][0] == 'w' ? O_WRONLY : O_RDONLY);
    close(fd);
    return r;
}

static int do_handle(struct attempt *a, char **w) /* PATH r|w */
{
    char *slash;
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } h = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount_id, root;

    if (name_to_handle_at(AT_FDCWD, w[1], &h.handle, &mount_id, 0) < 0)
        return -errno;
    slash = strrchr(w[1], '/'); /* any descriptor on the mount will do: that of the folder */
    *slash = '\0';
    root = open(w[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    return attempt_keep(a,
                        open_by_handle_at(root, &h.handle, w[2][0] == 'w' ? O_WRONLY : O_RDONLY));
}

/* A descriptor that the attacker opened before there was a policy. */
static int do_kept(struct attempt *a, char **w) /* NAME r|w */
{
    int fd = attacker_kept(w[1]);
    char byte = '\n';

    if (fd < 0)
        return -EBADF;
    (void)a;
    return attempt_result(w[2][0] == 'w' ? pwrite(fd, &byte, 0, 0) : pread(fd, &byte, 1, 0));
}

/* ---- by io_uring: openat ---- */

struct rings {
    struct io_uring_params params;
    char *sq, *cq;
    struct io_uring_sqe *sqes;
};

static void *map_ring(int fd, size_t len, off_t offset)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

    return p == MAP_FAILED ? NULL : p;
}

static int map_rings(int fd, struct rings *r)
{
    const struct io_uring_params *p = &r->params;

    r->sq = map_ring(fd, p->sq_off.array + p->sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    r->cq = map_ring(fd, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
                     IORING_OFF_CQ_RING);
    r->sqes = map_ring(fd, p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
    return r->sq && r->cq && r->sqes ? 0 : -ENOMEM;
}

static int do_uring(struct attempt *a, char **w) /* PATH r|w */
{
    struct rings r = {};
    const struct io_uring_cqe *cqe;
    int fd = (int)syscall(SYS_io_uring_setup, 1, &r.params);

    if (fd < 0)
        return -errno;
    if (map_rings(fd, &r) < 0)
        return -ENOMEM;
    r.sqes[0] = (struct io_uring_sqe){
        .opcode = IORING_OP_OPENAT,
        .fd = AT_FDCWD,
        .addr = (uintptr_t)w[1],
        .open_flags = w[2][0] == 'w' ? O_WRONLY : O_RDONLY,
    };
    ((unsigned *)(r.sq + r.params.sq_off.array))[0] = 0;
    __atomic_store_n((unsigned *)(r.sq + r.params.sq_off.tail), 1, __ATOMIC_RELEASE);
    if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
        return -errno;
    cqe = (const struct io_uring_cqe *)(r.cq + r.params.cq_off.cqes);
    return cqe->res < 0 ? cqe->res : attempt_keep(a, cqe->res);
}

/* ---- changes without opening ---- */

static int do_truncate(struct attempt *a UNUSED, char **w)
{
    return attempt_result(truncate(w[1], 0));
}

static int do_chmod(struct attempt *a UNUSED, char **w) /* PATH [MODE] */
{
    return attempt_result(chmod(w[1], w[2] ? (mode_t)attempt_number(w[2]) : 0644));
}

static int do_chown(struct attempt *a UNUSED, char **w) /* PATH [UID] */
{
    uid_t id = w[2] ? (uid_t)attempt_number(w[2]) : 0;

    return attempt_result(chown(w[1], id, id));
}

static int do_touch(struct attempt *a UNUSED, char **w)
{
    return attempt_result(utimensat(AT_FDCWD, w[1], NULL, 0));
}

static int do_setxattr(struct attempt *a UNUSED, char **w)
{
    return attempt_result(setxattr(w[1], "trusted.test", "x", 1, 0));
}

static void make_folders_above(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

/* A file with a line in it, in folders that are made too; for what attempts need. */
static int do_file(struct attempt *a, char **w)
{
    make_folders_above(w[1]);
    if (open_as(a, w[1], O_WRONLY | O_CREAT) < 0)
        return -errno;
    return attempt_result(write(a->fd, "x\n", 2));
}

static int do_mkdir(struct attempt *a, char **w)
{
    int r = attempt_result(mkdir(w[1], 0755));

    if (r == 0)
        attempt_undo(a, "rmdir %s", w[1]);
    return r;
}

/* The folder is there afterwards, and stays. */
static int do_folder(struct attempt *a UNUSED, char **w)
{
    int r;

    make_folders_above(w[1]);
    r = attempt_result(mkdir(w[1], 0755));
    return r == -EEXIST ? 0 : r;
}

static int do_rmdir(struct attempt *a UNUSED, char **w)
{
    return attempt_result(rmdir(w[1]));
}

static int do_unlink(struct attempt *a UNUSED, char **w)
{
    return attempt_result(unlink(w[1]));
}

/* Unlinks, and puts an empty one in its place. */
static int do_replace(struct attempt *a, char **w)
{
    int r = attempt_result(unlink(w[1]));

    if (r == 0)
        attempt_undo(a, "file %s", w[1]);
    return r;
}

static int do_mknod(struct attempt *a, char **w) /* PATH [b|c MAJOR MINOR] */
{
    mode_t type = !w[2] ? S_IFREG : w[2][0] == 'b' ? S_IFBLK : S_IFCHR;
    dev_t dev =
        w[2] && w[3] && w[4] ? (dev_t)((attempt_number(w[3]) << 8) | attempt_number(w[4])) : 0;
    int r = attempt_result(mknod(w[1], type | 0600, dev));

    if (r == 0)
        attempt_undo(a, "unlink %s", w[1]);
    return r;
}

static int do_symlink(struct attempt *a, char **w)
{
    int r = attempt_result(symlink(w[1], w[2]));

    if (r == 0)
        attempt_undo(a, "unlink %s", w[2]);
    return r;
}

static int do_link(struct attempt *a, char **w)
{
    int r = attempt_result(link(w[1], w[2]));

    if (r == 0)
        attempt_undo(a, "unlink %s", w[2]);
    return r;
}

static int do_rename(struct attempt *a, char **w)
{
    int r = attempt_result(rename(w[1], w[2]));

    if (r == 0)
        attempt_undo(a, "rename %s %s", w[2], w[1]);
    return r;
}

static int do_exchange(struct attempt *a, char **w)
{
    int r = attempt_result(syscall(SYS_renameat2, AT_FDCWD, w[1], AT_FDCWD, w[2], 2));

    if (r == 0)
        attempt_undo(a, "exchange %s %s", w[1], w[2]);
    return r;
}

/* Folders below FOLDER, N of them in each other, and a file in the last. */
static int do_deep(struct attempt *a, char **w) /* FOLDER N */
{
    char path[ATTEMPT_LINE];
    size_t at = (size_t)snprintf(path, sizeof(path), "%s", w[1]);
    int r = 0;

    for (unsigned long n = attempt_number(w[2]); r == 0 && n > 0 && at + 8 < sizeof(path); n--) {
        at += (size_t)snprintf(path + at, sizeof(path) - at, "/d");
        r = attempt_result(mkdir(path, 0755));
        if (r == 0)
            attempt_undo(a, "rmdir %s", path);
    }
    if (r < 0)
        return r;
    snprintf(path + at, sizeof(path) - at, "/f");
    return create(a, path, O_WRONLY);
}

static int do_chroot(struct attempt *a UNUSED, char **w)
{
    return attempt_result(chroot(w[1]));
}

static int do_chdir(struct attempt *a UNUSED, char **w)
{
    return attempt_result(chdir(w[1]));
}

const struct verb file_verbs[] = {
    {"read", 1, do_read},
    {"write", 1, do_write},
    {"append", 1, do_append},
    {"read-truncating", 1, do_read_truncating},
    {"create", 1, do_create},
    {"create-reading", 1, do_create_reading},
    {"put", 2, do_put},
    {"reopen", 2, do_reopen},
    {"handle", 2, do_handle},
    {"kept", 2, do_kept},
    {"uring", 2, do_uring},
    {"truncate", 1, do_truncate},
    {"chmod", 1, do_chmod},
    {"chown", 1, do_chown},
    {"touch", 1, do_touch},
    {"setxattr", 1, do_setxattr},
    {"file", 1, do_file},
    {"mkdir", 1, do_mkdir},
    {"folder", 1, do_folder},
    {"rmdir", 1, do_rmdir},
    {"unlink", 1, do_unlink},
    {"replace", 1, do_replace},
    {"mknod", 1, do_mknod},
    {"symlink", 2, do_symlink},
    {"link", 2, do_link},
    {"rename", 2, do_rename},
    {"exchange", 2, do_exchange},
    {"deep", 2, do_deep},
    {"chroot", 1, do_chroot},
    {"chdir", 1, do_chdir},
    {},
};
