/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/source_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "manager/file_claims.h"
#include "manager/folder_watch.h"

/* What is known of a file or a folder with a problem, by its name below the root. */
struct seen_file {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed; /* ctime */
    uint64_t walk;           /* that met it last */
    bool wanted;             /* to be read (again) */
    bool growing;            /* new, and its writer has not closed it yet */
    bool refused;            /* it could not be read */
};

struct source_directory {
    const struct source_handler *handler;
    void *data;
    char *root; /* owned */
    struct folder_watch *watch;
    struct loop_task *task;
    struct file_claims *claims;
    struct map *files; /* name -> struct seen_file, owned */
    uint64_t walk;
    bool walk_wanted;
    bool all_doubted; /* events were lost: a file whose size or times differ is read again */
};

/* The folders on the way to the one being walked, so that a link back to one of them ends there. */
struct folder_chain {
    const struct folder_chain *up;
    dev_t dev;
    ino_t ino;
    unsigned depth;
};

static bool is_candidate(const char *path)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len = strlen(name);

    for (size_t i = 0; *name != '.' && i < ARRAY_SIZE(endings); i++) {
        size_t n = strlen(endings[i]);

        if (len > n && strcmp(name + len - n, endings[i]) == 0)
            return true;
    }
    return false;
}

static int full_path(const struct source_directory *s, const char *name, char path[static PATH_MAX])
{
    int n = snprintf(path, PATH_MAX, "%s%s%s", s->root, *name ? "/" : "", name);

    return n > 0 && n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The record of a name, made if it is new. NULL: no memory. */
static struct seen_file *seen_get(struct source_directory *s, const char *name)
{
    struct seen_file *f = map_find(s->files, name);

    if (f)
        return f;
    f = calloc(1, sizeof(*f));
    if (!f || map_put(s->files, name, f) < 0) {
        free(f);
        return NULL;
    }
    return f;
}

/* ---- Reading files ---- */

/* Reads the whole file into *out. 0, or a negative errno with *reterr. */
static int read_whole(const char *path, struct buf *out, struct error **reterr)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    uint8_t chunk[16384];
    struct stat st;
    ssize_t n;
    int r = 0;

    if (fd < 0)
        return error_errno(reterr, errno, "cannot be read");
    if (fstat(fd, &st) < 0)
        return error_errno(reterr, errno, "cannot be read");
    if (!S_ISREG(st.st_mode))
        return error_set(reterr, -EINVAL, "is not a regular file");
    if (st.st_size > OBJECT_FILE_MAX_BYTES)
        return error_set(reterr, -EFBIG, "is larger than %u bytes", OBJECT_FILE_MAX_BYTES);
    do {
        n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno != EINTR)
            return error_errno(reterr, errno, "cannot be read");
        r = n > 0 ? buf_add(out, chunk, (size_t)n) : 0;
    } while (n != 0 && r == 0);
    if (r == -E2BIG)
        return error_set(reterr, -EFBIG, "is larger than %u bytes", OBJECT_FILE_MAX_BYTES);
    return r < 0 ? error_oom(reterr) : 0;
}

/* Reads one file, or notes why not. 0, -ENOENT (it went meanwhile), -ENOMEM or -E2BIG. */
static int load_file(struct source_directory *s, const char *name, struct seen_file *f)
{
    CLEANUP_BUF struct buf text = BUF_INIT(OBJECT_FILE_MAX_BYTES);
    CLEANUP(error_free) struct error *e = NULL;
    char path[PATH_MAX];
    struct stat st;
    int r = full_path(s, name, path);

    if (r == 0 && stat(path, &st) < 0)
        r = -errno;
    if (r == -ENOENT)
        return r;
    if (r == 0) {
        f->dev = st.st_dev;
        f->ino = st.st_ino;
        f->size = st.st_size;
        f->changed = st.st_ctim;
        r = read_whole(path, &text, &e);
    } else {
        error_errno(&e, r, "cannot be read");
    }
    if (r == -ENOMEM || r == -ENOENT)
        return r;
    f->wanted = f->growing = false;
    f->refused = r < 0;
    if (r < 0)
        return file_claims_refuse(s->claims, name, error_message(e));
    return file_claims_put(s->claims, name, text.data, text.len);
}

/* ---- Walking the tree ---- */

/* Notes a problem of a folder, under its name with a '/' at its end. Beyond the folders that can
 * have one it is left out. 0 or -ENOMEM. */
static int note_problem(struct source_directory *s, const char *folder, const char *message)
{
    char name[PATH_MAX];
    struct seen_file *f;
    int r;

    if (*folder)
        snprintf(name, sizeof(name), "%.*s/", PATH_MAX - 2, folder);
    else
        snprintf(name, sizeof(name), SOURCE_DIRECTORY_ROOT);
    f = seen_get(s, name);
    if (!f)
        return -ENOMEM;
    f->walk = s->walk;
    r = file_claims_refuse(s->claims, name, message);
    return r == -E2BIG ? 0 : r;
}

static int note_too_many(struct source_directory *s, const char *name)
{
    char message[128];

    snprintf(message, sizeof(message), "more than %d files: '%.40s' and others are left out",
             FILE_CLAIMS_MAX_FILES, name);
    return note_problem(s, "", message);
}

/* A folder that could not be looked through: all that lies below it stays as it was. */
static int refuse_folder(struct source_directory *s, const char *folder, const char *message)
{
    size_t len = strlen(folder);

    MAP_FOREACH (e, s->files) {
        struct seen_file *below = map_value(e);

        if (len == 0 || (strncmp(map_key(e), folder, len) == 0 && map_key(e)[len] == '/'))
            below->walk = s->walk;
    }
    return note_problem(s, folder, message);
}

static int meet_file(struct source_directory *s, const char *name, const struct stat *st,
                     bool linked)
{
    struct seen_file *f = map_find(s->files, name);
    bool known = f != NULL;

    if (!known && map_size(s->files) >= FILE_CLAIMS_MAX_FILES)
        return note_too_many(s, name);
    f = seen_get(s, name);
    if (!f)
        return -ENOMEM;
    f->walk = s->walk;
    if (!known || f->dev != st->st_dev || f->ino != st->st_ino)
        f->wanted = true;
    if (s->all_doubted && (f->size != st->st_size || f->changed.tv_sec != st->st_ctim.tv_sec ||
                           f->changed.tv_nsec != st->st_ctim.tv_nsec))
        f->wanted = true;
    /* A file behind a link may be written where no folder of ours tells of it. */
    if (linked && folder_watch_add(s->watch, name, NULL) == -ENOMEM)
        return -ENOMEM;
    return 0;
}

static int walk_folder(struct source_directory *s, const char *folder,
                       const struct folder_chain *up, bool linked);

static int meet_name(struct source_directory *s, const char *folder, const char *entry,
                     const struct folder_chain *chain, bool linked)
{
    char name[PATH_MAX], path[PATH_MAX];
    struct stat st;

    if (snprintf(name, sizeof(name), "%s%s%s", folder, *folder ? "/" : "", entry) >=
            (int)sizeof(name) ||
        full_path(s, name, path) < 0)
        return 0; /* longer than the kernel opens */
    if (lstat(path, &st) < 0)
        return 0; /* it went meanwhile */
    if (S_ISLNK(st.st_mode)) {
        linked = true;
        if (stat(path, &st) < 0)
            return 0; /* a link to nothing is nothing */
    }
    if (S_ISDIR(st.st_mode))
        return walk_folder(s, name, chain, linked);
    return is_candidate(name) ? meet_file(s, name, &st, linked) : 0;
}

/* Lists an open folder. 0, -ENOMEM, or another negative errno: not all was seen. */
static int list_folder(struct source_directory *s, const char *folder, DIR *dir,
                       const struct folder_chain *chain, bool linked)
{
    for (;;) {
        const struct dirent *entry;
        int r;

        errno = 0;
        entry = readdir(dir);
        if (!entry)
            return -errno;
        if (entry->d_name[0] == '.')
            continue;
        r = meet_name(s, folder, entry->d_name, chain, linked);
        if (r < 0)
            return r;
    }
}

/* True if the folder is one of those on the way to it. */
static bool leads_back(const struct folder_chain *chain, const struct stat *st)
{
    for (; chain; chain = chain->up)
        if (chain->dev == st->st_dev && chain->ino == st->st_ino)
            return true;
    return false;
}

/* Opens and watches a folder. NULL with *reterr. */
static DIR *enter_folder(struct source_directory *s, const char *folder, struct stat *ret,
                         struct error **reterr)
{
    char path[PATH_MAX];
    int r = full_path(s, folder, path);
    DIR *dir;

    if (r < 0) {
        error_errno(reterr, r, "cannot be read");
        return NULL;
    }
    r = folder_watch_add(s->watch, folder, reterr);
    if (r < 0)
        return NULL;
    dir = opendir(path);
    if (!dir || fstat(dirfd(dir), ret) < 0) {
        error_errno(reterr, errno, "cannot be read");
        if (dir)
            closedir(dir);
        return NULL;
    }
    return dir;
}

static int walk_folder(struct source_directory *s, const char *folder,
                       const struct folder_chain *up, bool linked)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct folder_chain chain = {.up = up, .depth = up ? up->depth + 1 : 0};
    struct stat st;
    DIR *dir;
    int r;

    if (chain.depth > SOURCE_MAX_DEPTH)
        return note_problem(s, folder, "lies too deep and is left out");
    dir = enter_folder(s, folder, &st, &e);
    if (!dir) {
        if (error_code(e) == -ENOMEM)
            return -ENOMEM;
        if (error_code(e) == -ENOENT && *folder)
            return 0; /* it went meanwhile */
        error_wrap(&e, error_code(e), "what the folder said before stays in force");
        return refuse_folder(s, folder, error_message(e));
    }
    chain.dev = st.st_dev;
    chain.ino = st.st_ino;
    r = leads_back(up, &st) ? 0 : list_folder(s, folder, dir, &chain, linked);
    closedir(dir);
    if (r < 0 && r != -ENOMEM) {
        error_errno(&e, r, "could not be listed to its end");
        r = refuse_folder(s, folder, error_message(e));
    }
    return r;
}

/* Forgets what the walk did not meet. */
static void forget_the_gone(struct source_directory *s)
{
    MAP_FOREACH (e, s->files) {
        const struct seen_file *f = map_value(e);

        if (f->walk != s->walk) {
            file_claims_drop(s->claims, map_key(e));
            map_drop(s->files, map_key(e));
        }
    }
}

/* 0 or -ENOMEM: then the next walk makes up for it. */
static int walk_tree(struct source_directory *s)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r;

    s->walk++;
    r = folder_watch_begin_walk(s->watch, &e);
    if (r < 0 && r != -ENOMEM)
        r = refuse_folder(s, "", error_message(e));
    else if (r == 0)
        r = walk_folder(s, "", NULL, false);
    if (r < 0)
        return r;
    folder_watch_end_walk(s->watch);
    forget_the_gone(s);
    s->walk_wanted = s->all_doubted = false;
    return 0;
}

/* ---- Changes ---- */

/* Reads what is marked. How many files that were, or -ENOMEM. */
static int load_wanted(struct source_directory *s)
{
    int n = 0;

    MAP_FOREACH (e, s->files) {
        struct seen_file *f = map_value(e);
        int r;

        if (!f->wanted || f->growing)
            continue;
        r = load_file(s, map_key(e), f);
        if (r == -E2BIG) { /* it came up between two walks; the next one finds it unknown */
            r = note_too_many(s, map_key(e));
            map_drop(s->files, map_key(e));
        }
        if (r == -ENOENT)
            s->walk_wanted =
                true; /* gone since: an event says so too, but it may be in the next turn */
        else if (r < 0)
            return r;
        n++;
    }
    return n;
}

/* Looks at what was marked, and tells. Out of memory leaves the marks: the next change tries again.
 */
static void source_directory_catch_up(void *data)
{
    struct source_directory *s = data;
    bool walked = s->walk_wanted;
    int n;

    if (walked && walk_tree(s) < 0)
        return;
    n = load_wanted(s);
    if (n < 0 || (n == 0 && !walked)) /* failed, or an event that means nothing to us */
        return;
    if (file_claims_settle(s->claims) < 0)
        return;
    s->handler->settled(s->data);
    if (s->walk_wanted)
        loop_task_set(s->task);
}

/* A name came up. If its writer is still at it, wait for the close: an empty or half-written file
 * must not take the place of what is in force. A hard link or a symbolic link has no writer. */
static void note_created(struct source_directory *s, const char *name)
{
    char path[PATH_MAX];
    struct seen_file *f;
    struct stat st;

    s->walk_wanted = true;
    if (!is_candidate(name) || full_path(s, name, path) < 0 || lstat(path, &st) < 0 ||
        !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return;
    f = seen_get(s, name);
    if (f)
        f->growing = true;
}

static void note_written(struct source_directory *s, const char *name)
{
    struct seen_file *f = map_find(s->files, name);

    if (f) {
        f->wanted = true;
        f->growing = false;
        return;
    }
    /* Written under another name than it is seen by (an unnamed file that was linked into place):
     * whose close this is cannot be told, so that none is waited for any longer. */
    s->walk_wanted = true;
    MAP_FOREACH (e, s->files) {
        struct seen_file *growing = map_value(e);

        growing->growing = false;
    }
}

/* What now has the name of a regular file that is known is read; anything else may change the tree.
 */
static void note_renamed(struct source_directory *s, const char *name)
{
    struct seen_file *f = map_find(s->files, name);
    char path[PATH_MAX];
    struct stat st;

    if (f && full_path(s, name, path) == 0 && lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        f->wanted = true;
        f->growing = false;
    } else {
        s->walk_wanted = true;
    }
}

static void note_touched(struct source_directory *s, const char *name)
{
    struct seen_file *f = map_find(s->files, name);
    char path[PATH_MAX];

    if (!f || full_path(s, name, path) < 0)
        return;
    if (f->refused || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
        f->wanted = true;
}

static void source_directory_on_change(enum folder_change change, const char *path, void *data)
{
    struct source_directory *s = data;

    switch (change) {
    case FOLDER_FILE_WRITTEN:
        note_written(s, path);
        break;
    case FOLDER_FILE_RENAMED:
        note_renamed(s, path);
        break;
    case FOLDER_FILE_CREATED:
        note_created(s, path);
        break;
    case FOLDER_FILE_TOUCHED:
        note_touched(s, path);
        break;
    case FOLDER_OVERFLOW:
        s->all_doubted = true;
        MAP_FOREACH (e, s->files) {
            struct seen_file *f = map_value(e);

            f->growing = false;
        }
        s->walk_wanted = true;
        break;
    case FOLDER_TREE_CHANGED:
        s->walk_wanted = true;
        break;
    case FOLDER_CHANGE_NONE:
        break;
    }
}

static const struct folder_watch_handler source_directory_watch_handler = {
    .changed = source_directory_on_change,
    .settled = source_directory_catch_up,
};

/* ---- Life ---- */

int source_directory_new(struct source_directory **ret, struct loop *loop, const char *root,
                         const struct source_handler *handler, void *data, struct error **reterr)
{
    CLEANUP(source_directory_free) struct source_directory *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return error_oom(reterr);
    s->handler = handler;
    s->data = data;
    s->root = strdup(root);
    s->files = map_new(free, 0);
    s->claims = file_claims_new(handler, data);
    if (!s->root || !s->files || !s->claims)
        return error_oom(reterr);
    r = folder_watch_new(&s->watch, loop, root, &source_directory_watch_handler, s, reterr);
    if (r < 0)
        return r;
    if (loop_task_new(loop, &s->task, source_directory_catch_up, s) < 0)
        return error_oom(reterr);
    s->walk_wanted = true;
    loop_task_set(s->task);
    *ret = TAKE(s);
    return 0;
}

struct source_directory *source_directory_free(struct source_directory *s)
{
    if (!s)
        return NULL;
    loop_task_free(s->task);
    folder_watch_free(s->watch);
    file_claims_free(s->claims);
    map_free(s->files);
    free(s->root);
    free(s);
    return NULL;
}
