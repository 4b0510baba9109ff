/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pins.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct pins {
    char root[PINS_PATH_SIZE];
    int root_fd; /* owned: the folder, and the lock on it */
};

#define FOLDER_MODE    0700 /* nobody else may take a map or a link from here */
#define LOCK_ATTEMPTS  8    /* the folder may be removed between our opening and locking it */
#define LINK_FOLDER    "links-"
#define FOLDER_CLOEXEC (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

DEFINE_CLEANUP(DIR *, closedir)

int pins_mount(const char *mount_point, struct error **reterr)
{
    struct statfs fs;

    if (statfs(mount_point, &fs) < 0)
        return error_errno(reterr, errno, "%s", mount_point);
    if (fs.f_type == BPF_FS_MAGIC)
        return 0;
    if (mount("bpf", mount_point, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
        return error_errno(reterr, errno, "no BPF file system at %s, and it cannot be mounted",
                           mount_point);
    return 0;
}

/* 1: locked; 0: the folder was removed meanwhile, try again; or a negative errno. */
static int pins_lock(struct pins *p, struct error **reterr)
{
    CLEANUP_CLOSE int fd = -1;
    struct stat held, named;

    if (mkdir(p->root, FOLDER_MODE) < 0 && errno != EEXIST)
        return error_errno(reterr, errno, "%s", p->root);
    fd = open(p->root, FOLDER_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : error_errno(reterr, errno, "%s", p->root);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return error_errno(reterr, errno, "lock on %s", p->root);
        return error_set(reterr, -EBUSY, "another varmor-agent holds %s; stop it first", p->root);
    }
    if (fstat(fd, &held) < 0)
        return error_errno(reterr, errno, "%s", p->root);
    if (stat(p->root, &named) < 0 || named.st_ino != held.st_ino || named.st_dev != held.st_dev)
        return 0;
    p->root_fd = TAKE_FD(fd);
    return 1;
}

int pins_open(struct pins **ret, const char *root, struct error **reterr)
{
    CLEANUP(pins_free) struct pins *p = calloc(1, sizeof(*p));
    int r = 0;

    if (!p)
        return error_oom(reterr);
    p->root_fd = -1;
    if (strlen(root) >= sizeof(p->root))
        return error_set(reterr, -ENAMETOOLONG, "path '%s' is longer than %zu bytes",
                         error_quote(root), sizeof(p->root) - 1);
    memcpy(p->root, root, strlen(root) + 1);
    for (int i = 0; r == 0 && i < LOCK_ATTEMPTS; i++)
        r = pins_lock(p, reterr);
    if (r == 0)
        return error_set(reterr, -EBUSY, "%s is being removed by another process", root);
    if (r < 0)
        return r;
    r = pins_drop(p, PINS_STAGING, NULL, NULL, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(p);
    return 0;
}

struct pins *pins_free(struct pins *p)
{
    if (!p)
        return NULL;
    if (p->root_fd >= 0)
        close(p->root_fd);
    free(p);
    return NULL;
}

const char *pins_path(const struct pins *p, const char *below, char path[static PINS_PATH_SIZE])
{
    int n = snprintf(path, PINS_PATH_SIZE, "%s/%s", p->root, below);

    assert(n > 0 && n < PINS_PATH_SIZE);
    return path;
}

bool pins_has(const struct pins *p, const char *below)
{
    struct stat st;

    return fstatat(p->root_fd, below, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Opens a folder for reading its entries. 0 with *ret NULL if there is none. */
static int folder_open(int parent_fd, const char *name, DIR **ret)
{
    CLEANUP_CLOSE int fd = openat(parent_fd, name, FOLDER_CLOEXEC);

    *ret = NULL;
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    *ret = fdopendir(fd);
    if (!*ret)
        return -errno;
    TAKE_FD(fd); /* closedir() closes it */
    return 0;
}

/* The next entry but "." and ".."; NULL at the end. */
static struct dirent *folder_next(DIR *dir)
{
    for (;;) {
        struct dirent *entry = readdir(dir);

        if (!entry || (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0))
            return entry;
    }
}

/* Some file systems do not tell an entry's type; ask for it then. */
static bool entry_is_folder(int dir_fd, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int pins_list(const struct pins *p, const char *below,
              int (*found)(const char *name, bool is_folder, void *data), void *data,
              struct error **reterr)
{
    CLEANUP(closedir) DIR *dir = NULL;
    struct dirent *entry;
    int r;

    r = folder_open(p->root_fd, below, &dir);
    if (r < 0)
        return error_errno(reterr, r, "%s/%s", p->root, below);
    while (dir && (entry = folder_next(dir))) {
        r = found(entry->d_name, entry_is_folder(dirfd(dir), entry), data);
        if (r != 0)
            return r;
    }
    return 0;
}

int pins_stage(struct pins *p, struct error **reterr)
{
    int r = pins_drop(p, PINS_STAGING, NULL, NULL, reterr);

    if (r < 0)
        return r;
    if (mkdirat(p->root_fd, PINS_STAGING, FOLDER_MODE) < 0)
        return error_errno(reterr, errno, "%s/%s", p->root, PINS_STAGING);
    return 0;
}

int pins_publish(struct pins *p, const char *below, struct error **reterr)
{
    if (renameat(p->root_fd, PINS_STAGING, p->root_fd, below) < 0)
        return error_errno(reterr, errno == ENOTEMPTY ? EEXIST : errno, "%s/%s", p->root, below);
    return 0;
}

static void tell(pins_told told, void *data, const char *folder, const char *name)
{
    char what[PINS_PATH_SIZE];
    bool is_link = strncmp(folder, LINK_FOLDER, strlen(LINK_FOLDER)) == 0;

    if (!told)
        return;
    snprintf(what, sizeof(what), "%s %s", is_link ? "link" : "map", name);
    told(what, data);
}

/*
 * Removes the folder and what is in it, sub-folders (with their links) before the maps. folder is
 * the name that its entries are told under, name the one that it has now.
 */
static int folder_remove(int parent_fd, const char *name, const char *folder, unsigned depth,
                         pins_told told, void *data)
{
    CLEANUP(closedir) DIR *dir = NULL;
    struct dirent *entry;
    int r;

    if (depth > PINS_MAX_DEPTH)
        return -ELOOP;
    r = folder_open(parent_fd, name, &dir);
    if (r < 0 || !dir)
        return r;
    while ((entry = folder_next(dir)))
        if (entry_is_folder(dirfd(dir), entry)) {
            r = folder_remove(dirfd(dir), entry->d_name, entry->d_name, depth + 1, told, data);
            if (r < 0)
                return r;
            rewinddir(dir); /* entries were removed while being read */
        }
    rewinddir(dir);
    while ((entry = folder_next(dir))) {
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            return -errno;
        tell(told, data, folder, entry->d_name);
        rewinddir(dir);
    }
    return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int pins_drop(struct pins *p, const char *below, pins_told told, void *data, struct error **reterr)
{
    const char *slash = strrchr(below, '/');
    const char *folder = slash ? slash + 1 : below;
    int r;

    if (strcmp(below, PINS_STAGING) != 0) {
        if (!pins_has(p, below))
            return 0;
        r = folder_remove(p->root_fd, PINS_STAGING, PINS_STAGING, 0, NULL, NULL);
        if (r < 0)
            return error_errno(reterr, r, "%s/%s", p->root, PINS_STAGING);
        if (renameat(p->root_fd, below, p->root_fd, PINS_STAGING) < 0)
            return error_errno(reterr, errno, "%s/%s", p->root, below);
    }
    r = folder_remove(p->root_fd, PINS_STAGING, folder, 0, told, data);
    if (r < 0)
        return error_errno(reterr, r, "%s/%s", p->root, PINS_STAGING);
    return 0;
}

int pins_remove_root(struct pins *p, struct error **reterr)
{
    if (rmdir(p->root) < 0)
        return error_errno(reterr, errno, "%s", p->root);
    return 0;
}
