/* SPDX-License-Identifier: Apache-2.0 */
#include "test/attacks/program/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

/* Of <sys/mount.h>, which does not go together with the kernel's header on every release. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);
int umount2(const char *target, int flags);
#define MNT_DETACH 2

static int mounted(struct attempt *a, int r, const char *where)
{
    if (r == 0)
        attempt_undo(a, "umount %s 2", where);
    return r;
}

/* ---- mount(2) ---- */

static int do_mount(struct attempt *a, char **w) /* TYPE SOURCE TARGET [FLAGS [DATA]] */
{
    unsigned long flags = w[4] ? attempt_number(w[4]) : 0;
    const char *data = w[4] ? w[5] : NULL;

    return mounted(a, attempt_result(mount(w[2], w[3], w[1], flags, data)), w[3]);
}

static int do_bind(struct attempt *a, char **w)
{
    return mounted(a, attempt_result(mount(w[1], w[2], NULL, MS_BIND, NULL)), w[2]);
}

static int do_rbind(struct attempt *a, char **w)
{
    return mounted(a, attempt_result(mount(w[1], w[2], NULL, MS_BIND | MS_REC, NULL)), w[2]);
}

static int do_remount(struct attempt *a UNUSED,
                      char **w) /* TARGET FLAGS [SOURCE]: without a source NULL is given */
{
    unsigned long flags = MS_REMOUNT | attempt_number(w[2]);

    return attempt_result(mount(w[3], w[1], NULL, flags, NULL));
}

static int do_move(struct attempt *a, char **w)
{
    int r = attempt_result(mount(w[1], w[2], NULL, MS_MOVE, NULL));

    if (r == 0)
        attempt_undo(a, "move %s %s", w[2], w[1]);
    return r;
}

static int do_propagate(struct attempt *a UNUSED, char **w) /* TARGET FLAGS */
{
    return attempt_result(mount(NULL, w[1], NULL, attempt_number(w[2]), NULL));
}

static int do_umount(struct attempt *a UNUSED, char **w) /* TARGET [FLAGS] */
{
    return attempt_result(umount2(w[1], w[2] ? (int)attempt_number(w[2]) : 0));
}

static int do_pivot(struct attempt *a UNUSED, char **w) /* NEW-ROOT OLD-ROOT */
{
    return attempt_result(syscall(SYS_pivot_root, w[1], w[2]));
}

/* ---- the new calls ---- */

/* A mount of a new file system instance that is attached nowhere: its descriptor. */
static int new_mount(const char *type, const char *source)
{
    int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    int fd = -1;

    if (fs < 0)
        return -errno;
    if ((source && syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0) < 0) ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        fd = -errno;
    else
        fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    if (fd == -1)
        fd = -errno;
    close(fs);
    return fd;
}

static int attach(struct attempt *a, int fd, const char *target)
{
    int r =
        attempt_result(syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH));

    close(fd);
    return mounted(a, r, target);
}

static int do_new_mount(struct attempt *a, char **w) /* TYPE SOURCE TARGET */
{
    int fd = new_mount(w[1], w[2]);

    return fd < 0 ? fd : attach(a, fd, w[3]);
}

/* Opens a file of an instance that is attached nowhere. */
static int do_detached(struct attempt *a, char **w) /* TYPE SOURCE RELATIVE-PATH [r|w] */
{
    int fd = new_mount(w[1], w[2]), r;

    if (fd < 0)
        return fd;
    r = attempt_keep(
        a,
        openat(fd, w[3], (w[4] && w[4][0] == 'w' ? O_WRONLY : O_RDONLY) | O_CLOEXEC | O_NONBLOCK));
    close(fd);
    return r;
}

static int do_clone_tree(struct attempt *a, char **w) /* SOURCE TARGET */
{
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, w[1],
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

    return fd < 0 ? -errno : attach(a, fd, w[2]);
}

static int do_move_mount(struct attempt *a, char **w) /* SOURCE TARGET */
{
    int r = attempt_result(syscall(SYS_move_mount, AT_FDCWD, w[1], AT_FDCWD, w[2], 0));

    if (r == 0)
        attempt_undo(a, "move-mount %s %s", w[2], w[1]);
    return r;
}

static int do_clear_attributes(struct attempt *a UNUSED, char **w) /* TARGET: read-only no more */
{
    struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

    return attempt_result(syscall(SYS_mount_setattr, AT_FDCWD, w[1], 0, &attr, sizeof(attr)));
}

static int do_reconfigure(struct attempt *a UNUSED, char **w) /* TARGET */
{
    int fs = (int)syscall(SYS_fspick, AT_FDCWD, w[1], FSPICK_CLOEXEC), r;

    if (fs < 0)
        return -errno;
    r = attempt_result(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "rw", NULL, 0));
    if (r == 0)
        r = attempt_result(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
    close(fs);
    return r;
}

/* overlay LOWER UPPER WORK TARGET */
static int do_overlay(struct attempt *a, char **w)
{
    char data[ATTEMPT_LINE];

    snprintf(data, sizeof(data), "lowerdir=%s,upperdir=%s,workdir=%s", w[1], w[2], w[3]);
    return mounted(a, attempt_result(mount("overlay", w[4], "overlay", 0, data)), w[4]);
}

const struct verb mount_verbs[] = {
    {"mount", 3, do_mount},
    {"bind", 2, do_bind},
    {"rbind", 2, do_rbind},
    {"remount", 2, do_remount},
    {"move", 2, do_move},
    {"propagate", 2, do_propagate},
    {"umount", 1, do_umount},
    {"pivot", 2, do_pivot},
    {"new-mount", 3, do_new_mount},
    {"detached", 3, do_detached},
    {"clone-tree", 2, do_clone_tree},
    {"move-mount", 2, do_move_mount},
    {"clear-attributes", 1, do_clear_attributes},
    {"reconfigure", 1, do_reconfigure},
    {"overlay", 4, do_overlay},
    {},
};
