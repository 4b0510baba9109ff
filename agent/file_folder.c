/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/file_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/state_dir.h"
#include "agent/whole_file.h"

#define UNFINISHED ".varmor-unfinished." /* and the name of the file that it is to be */

struct file_folder {
    int fd;     /* owned */
    char *path; /* owned */
};

DEFINE_CLEANUP(DIR *, closedir)

int file_folder_new(struct file_folder **ret, const char *path, struct error **reterr)
{
    CLEANUP(file_folder_free) struct file_folder *f = calloc(1, sizeof(*f));
    int r;

    if (!f)
        return error_oom(reterr);
    f->fd = -1;
    f->path = strdup(path);
    if (!f->path)
        return error_oom(reterr);
    r = state_dir_make(path, reterr);
    if (r < 0)
        return r;
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0)
        return error_errno(reterr, errno, "folder '%s'", error_quote(path));
    *ret = TAKE(f);
    return 0;
}

struct file_folder *file_folder_free(struct file_folder *f)
{
    if (!f)
        return NULL;
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f);
    return NULL;
}

const char *file_folder_path(const struct file_folder *f)
{
    return f->path;
}

int file_folder_writable(const struct file_folder *f)
{
    return faccessat(f->fd, ".", W_OK | X_OK, 0) < 0 ? -errno : 0;
}

static int check_name(const char *name, struct error **reterr)
{
    if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > NAME_MAX - strlen(UNFINISHED))
        return error_set(reterr, -EINVAL, "'%s' is no name for a file", error_quote(name));
    return 0;
}

static int failed(const struct file_folder *f, const char *name, int code, struct error **reterr)
{
    return error_errno(reterr, code, "file '%s/%s'", f->path, error_quote(name));
}

int file_folder_read(const struct file_folder *f, const char *name, struct buf *out,
                     struct error **reterr)
{
    struct stat st;
    int r = check_name(name, reterr);

    if (r < 0)
        return r;
    if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? FILE_ABSENT : failed(f, name, errno, reterr);
    if (!S_ISREG(st.st_mode))
        return error_set(reterr, -EINVAL, "'%s/%s' is no regular file", f->path, error_quote(name));
    r = whole_file_read(f->fd, name, out);
    if (r == -ENOENT)
        return FILE_ABSENT;
    return r < 0 ? failed(f, name, r, reterr) : FILE_PRESENT;
}

static int write_unfinished(const struct file_folder *f, const char *name,
                            const struct buf *content, unsigned mode)
{
    CLEANUP_CLOSE int fd = -1;
    int r;

    unlinkat(f->fd, name, 0); /* what a crash left */
    fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, mode) < 0)
        return -errno;
    r = whole_file_write(fd, content->data, content->len);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r;
}

int file_folder_replace(const struct file_folder *f, const char *name, const struct buf *content,
                        unsigned mode, struct error **reterr)
{
    char unfinished[NAME_MAX + 1];
    int r = check_name(name, reterr);

    if (r < 0)
        return r;
    snprintf(unfinished, sizeof(unfinished), UNFINISHED "%s", name);
    r = write_unfinished(f, unfinished, content, mode);
    if (r == 0 && renameat(f->fd, unfinished, f->fd, name) < 0)
        r = -errno;
    if (r < 0) {
        unlinkat(f->fd, unfinished, 0);
        return failed(f, name, r, reterr);
    }
    return fsync(f->fd) < 0 ? failed(f, name, errno, reterr) : 0;
}

int file_folder_remove(const struct file_folder *f, const char *name, struct error **reterr)
{
    int r = check_name(name, reterr);

    if (r < 0)
        return r;
    if (unlinkat(f->fd, name, 0) < 0 && errno != ENOENT)
        return failed(f, name, errno, reterr);
    return 0;
}

static bool is_unfinished(const char *name)
{
    return strncmp(name, UNFINISHED, strlen(UNFINISHED)) == 0;
}

/* The names first, as found() may change the folder. */
static int list_names(const struct file_folder *f, struct buf *names, struct error **reterr)
{
    CLEANUP(closedir) DIR *dir = NULL;
    CLEANUP_CLOSE int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t n = 0;

    if (fd < 0)
        return error_errno(reterr, errno, "folder '%s'", f->path);
    dir = fdopendir(fd);
    if (!dir)
        return error_errno(reterr, errno, "folder '%s'", f->path);
    TAKE_FD(fd);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] == '.' && !is_unfinished(entry->d_name))
            continue;
        if (n++ == FILE_FOLDER_MAX)
            return error_set(reterr, -E2BIG, "folder '%s' has more than %d files", f->path,
                             FILE_FOLDER_MAX);
        if (buf_add(names, entry->d_name, strlen(entry->d_name) + 1) < 0)
            return error_oom(reterr);
    }
    return 0;
}

int file_folder_each(const struct file_folder *f,
                     int (*found)(const char *name, void *data, struct error **reterr), void *data,
                     struct error **reterr)
{
    CLEANUP_BUF struct buf names = BUF_INIT(FILE_FOLDER_MAX * (NAME_MAX + 1));
    int r = list_names(f, &names, reterr);

    for (size_t at = 0; at < names.len && r == 0; at += strlen((char *)names.data + at) + 1)
        if (!is_unfinished((char *)names.data + at))
            r = found((char *)names.data + at, data, reterr);
    return r;
}

void file_folder_sweep(const struct file_folder *f)
{
    CLEANUP_BUF struct buf names = BUF_INIT(FILE_FOLDER_MAX * (NAME_MAX + 1));

    if (list_names(f, &names, NULL) < 0)
        return;
    for (size_t at = 0; at < names.len; at += strlen((char *)names.data + at) + 1)
        if (is_unfinished((char *)names.data + at))
            unlinkat(f->fd, (char *)names.data + at, 0);
}

void file_folder_remove_folder(const struct file_folder *f)
{
    rmdir(f->path);
}
