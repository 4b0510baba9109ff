/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/health.h"
#include "agent/whole_file.h"
#include "lib/buf.h"
#include "proto/profile_codec.h"

#define AUDIT_POSITION "audit-position"
#define SUFFIX         ".profile"
#define SUFFIX_STAGED  ".profile.new"
#define NAME_SIZE      (PROFILE_NAME_MAX + sizeof(SUFFIX_STAGED))

struct state_dir {
    int fd;     /* owned */
    char *path; /* owned; for messages */
};

DEFINE_CLEANUP(DIR *, closedir)

int state_dir_make(const char *path, struct error **reterr)
{
    char part[PATH_MAX];

    if (path[0] != '/' || strlen(path) >= sizeof(part))
        return error_set(reterr, -EINVAL, "'%s' is not an absolute path of at most %zu bytes",
                         error_quote(path), sizeof(part) - 1);
    for (size_t i = 1;; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return error_errno(reterr, errno, "folder '%s'", error_quote(part));
        if (path[i] == '\0')
            return 0;
    }
}

int state_dir_new(struct state_dir **ret, const char *path, struct error **reterr)
{
    CLEANUP(state_dir_free) struct state_dir *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return error_oom(reterr);
    d->fd = -1;
    d->path = strdup(path);
    if (!d->path)
        return error_oom(reterr);
    r = state_dir_make(path, reterr);
    if (r < 0)
        return r;
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0)
        return error_errno(reterr, errno, "state folder '%s'", error_quote(path));
    *ret = TAKE(d);
    return 0;
}

struct state_dir *state_dir_free(struct state_dir *d)
{
    if (!d)
        return NULL;
    if (d->fd >= 0)
        close(d->fd);
    free(d->path);
    free(d);
    return NULL;
}

char *state_dir_audit_position(const struct state_dir *d)
{
    char *path = NULL;

    return asprintf(&path, "%s/" AUDIT_POSITION, d->path) < 0 ? NULL : path;
}

/* A profile's name as a part of a file's name: nothing that could leave the folder or hide in it.
 */
static bool is_file_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= PROFILE_NAME_MAX && name[0] != '.' && !strchr(name, '/');
}

static int file_name(char ret[static NAME_SIZE], const char *profile, const char *suffix,
                     struct error **reterr)
{
    if (!is_file_name(profile))
        return error_set(reterr, -EINVAL, "profile name '%s' cannot be a file's name",
                         error_quote(profile));
    snprintf(ret, NAME_SIZE, "%s%s", profile, suffix);
    return 0;
}

int state_dir_stage(struct state_dir *d, const struct profile *p, struct error **reterr)
{
    CLEANUP_BUF struct buf encoded = BUF_INIT(PROFILE_MAX_ENCODED_BYTES);
    CLEANUP_CLOSE int fd = -1;
    char name[NAME_SIZE];
    int r = file_name(name, p->name, SUFFIX_STAGED, reterr);

    if (r == 0)
        r = profile_encode(p, &encoded);
    if (r < 0)
        return error_wrap(reterr, r, "profile '%s'", error_quote(p->name));
    unlinkat(d->fd, name, 0);
    fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(reterr, errno, "%s/%s", d->path, name);
    r = whole_file_write(fd, encoded.data, encoded.len);
    if (r < 0) {
        unlinkat(d->fd, name, 0);
        return error_errno(reterr, r, "%s/%s", d->path, name);
    }
    return 0;
}

/* The content reaches the disk before the name does: a power cut leaves one whole version or the
 * other. */
static int sync_file(struct state_dir *d, const char *name)
{
    CLEANUP_CLOSE int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 || fdatasync(fd) < 0 ? -errno : 0;
}

int state_dir_publish(struct state_dir *d, const char *profile, struct error **reterr)
{
    char staged[NAME_SIZE], name[NAME_SIZE];
    int r = file_name(staged, profile, SUFFIX_STAGED, reterr);

    if (r == 0)
        r = file_name(name, profile, SUFFIX, reterr);
    if (r < 0)
        return r;
    r = sync_file(d, staged);
    if (r == 0 && renameat(d->fd, staged, d->fd, name) < 0)
        r = -errno;
    return r < 0 ? error_errno(reterr, r, "%s/%s", d->path, staged) : 0;
}

static int unlink_file(struct state_dir *d, const char *profile, const char *suffix,
                       struct error **reterr)
{
    char name[NAME_SIZE];
    int r = file_name(name, profile, suffix, reterr);

    if (r < 0)
        return r;
    if (unlinkat(d->fd, name, 0) < 0 && errno != ENOENT)
        return error_errno(reterr, errno, "%s/%s", d->path, name);
    return 0;
}

int state_dir_unstage(struct state_dir *d, const char *profile, struct error **reterr)
{
    return unlink_file(d, profile, SUFFIX_STAGED, reterr);
}

int state_dir_drop(struct state_dir *d, const char *profile, struct error **reterr)
{
    int r = unlink_file(d, profile, SUFFIX, reterr);
    int r_staged = unlink_file(d, profile, SUFFIX_STAGED, r < 0 ? NULL : reterr);

    return r < 0 ? r : r_staged;
}

/* ---- loading ---- */

static int read_whole(struct state_dir *d, const char *name, struct buf *out, struct error **reterr)
{
    CLEANUP_CLOSE int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(reterr, errno, "%s/%s", d->path, name);
    if (!S_ISREG(st.st_mode))
        return error_set(reterr, -EBADMSG, "%s/%s is not a file", d->path, name);
    r = (uint64_t)st.st_size > out->max ? -E2BIG : buf_reserve(out, (size_t)st.st_size);
    if (r < 0)
        return r == -ENOMEM ? error_oom(reterr)
                            : error_set(reterr, r, "%s/%s is larger than %zu bytes", d->path, name,
                                        out->max);
    while (out->len < (size_t)st.st_size) {
        ssize_t n = read(fd, out->data + out->len, (size_t)st.st_size - out->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_errno(reterr, n < 0 ? errno : EIO, "%s/%s", d->path, name);
        out->len += (size_t)n;
    }
    if (out->data)
        out->data[out->len] = '\0';
    return 0;
}

static int load_profile(struct state_dir *d, const char *name, const char *suffix,
                        struct profile **ret, struct error **reterr)
{
    CLEANUP_BUF struct buf encoded = BUF_INIT(PROFILE_MAX_ENCODED_BYTES);
    CLEANUP(profile_unref) struct profile *p = NULL;
    char wanted[NAME_SIZE];
    int r = read_whole(d, name, &encoded, reterr);

    if (r < 0)
        return r;
    r = profile_decode(&p, encoded.data, encoded.len, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "%s/%s", d->path, name);
    if (file_name(wanted, p->name, suffix, NULL) < 0 || strcmp(wanted, name) != 0)
        return error_set(reterr, -EBADMSG, "%s/%s holds profile '%s'", d->path, name,
                         error_quote(p->name));
    *ret = TAKE(p);
    return 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);

    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* One file. Only a lack of memory ends the load; a file of no use is removed, so that it is told
 * once. */
static int visit(struct state_dir *d, const char *name, const char *suffix,
                 const struct state_dir_visitor *visitor)
{
    CLEANUP(error_free) struct error *problem = NULL;
    CLEANUP(profile_unref) struct profile *p = NULL;
    int r = load_profile(d, name, suffix, &p, &problem);

    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        visitor->trouble(error_message(problem), visitor->data);
        unlinkat(d->fd, name, 0);
        return 0;
    }
    visitor->found(p, strcmp(suffix, SUFFIX_STAGED) == 0, visitor->data);
    return 0;
}

static int visit_all(struct state_dir *d, const char *suffix,
                     const struct state_dir_visitor *visitor, struct error **reterr)
{
    CLEANUP(closedir) DIR *dir = opendir(d->path);
    unsigned n = 0;
    int r = 0;

    if (!dir)
        return error_errno(reterr, errno, "state folder '%s'", error_quote(d->path));
    for (const struct dirent *e = readdir(dir); e && r == 0; e = readdir(dir)) {
        if (!has_suffix(e->d_name, suffix))
            continue;
        if (++n > STATE_DIR_MAX_FILES)
            return error_set(reterr, -E2BIG, "state folder '%s' has more than %d profiles",
                             error_quote(d->path), STATE_DIR_MAX_FILES);
        r = visit(d, e->d_name, suffix, visitor);
    }
    return r < 0 ? error_oom(reterr) : 0;
}

int state_dir_load(struct state_dir *d, const struct state_dir_visitor *visitor,
                   struct error **reterr)
{
    int r = visit_all(d, SUFFIX, visitor, reterr);

    return r < 0 ? r : visit_all(d, SUFFIX_STAGED, visitor, reterr);
}

static const struct {
    const char *name, *new_name;
} note_files[] = {
    [STATE_NOTE_BINDINGS] = {"bindings", "bindings.new"},
    [STATE_NOTE_DISKS] = {"disks", "disks.new"},
};
_Static_assert(ARRAY_SIZE(note_files) == STATE_NOTES, "a file for each note");

int state_dir_save_note(struct state_dir *d, enum state_note note, const struct buf *text,
                        struct error **reterr)
{
    const char *name = note_files[note].name, *new_name = note_files[note].new_name;
    CLEANUP_CLOSE int fd =
        openat(d->fd, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : whole_file_write(fd, text->data, text->len);

    if (r == 0 && renameat(d->fd, new_name, d->fd, name) < 0)
        r = -errno;
    return r < 0 ? error_errno(reterr, r, "%s/%s", d->path, name) : 0;
}

int state_dir_load_note(struct state_dir *d, enum state_note note, struct buf *out,
                        struct error **reterr)
{
    const char *name = note_files[note].name;

    if (faccessat(d->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return 0;
    return read_whole(d, name, out, reterr);
}

/* A file that this module or health.c writes. */
static bool is_ours(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(note_files); i++) {
        if (strcmp(name, note_files[i].name) == 0 || strcmp(name, note_files[i].new_name) == 0)
            return true;
    }
    return strcmp(name, AUDIT_POSITION) == 0 || strcmp(name, HEALTH_FILE) == 0 ||
           has_suffix(name, SUFFIX) || has_suffix(name, SUFFIX_STAGED);
}

int state_dir_remove(const char *path, void (*told)(const char *what, void *data), void *data,
                     struct error **reterr)
{
    CLEANUP(closedir) DIR *dir = opendir(path);
    int fd_of_dir;

    if (!dir)
        return errno == ENOENT ? 0
                               : error_errno(reterr, errno, "state folder '%s'", error_quote(path));
    fd_of_dir = dirfd(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char what[PATH_MAX];

        if (!is_ours(e->d_name))
            continue;
        if (unlinkat(fd_of_dir, e->d_name, 0) < 0)
            return error_errno(reterr, errno, "%s/%s", path, e->d_name);
        snprintf(what, sizeof(what), "file %s/%s", path, e->d_name);
        told(what, data);
    }
    if (rmdir(path) == 0) {
        char what[PATH_MAX];

        snprintf(what, sizeof(what), "folder %s", path);
        told(what, data);
    }
    return 0;
}
