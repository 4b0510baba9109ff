/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/folder_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/loop.h"
#include "lib/map.h"

#define EVENT_BYTES 65536 /* read at most in one turn; what is left comes in the next */

#define FOLDER_EVENTS                                                                              \
    (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |            \
     IN_DELETE_SELF | IN_MOVE_SELF)
#define FILE_EVENTS (IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define ANCESTOR_EVENTS                                                                            \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

/* One inotify watch. The kernel has one for each inode, so one may have two roles. */
struct watch {
    int wd;
    char *path; /* owned; below the root, "" for itself; NULL: not below the root */
    bool is_file;
    uint64_t walk;          /* in which path was last added */
    uint64_t ancestor_walk; /* in which it was last the way to the root; 0: never */
};

struct folder_watch {
    const struct folder_watch_handler *handler;
    void *data;
    char *root; /* owned; absolute, without a '/' at its end */
    int fd;
    struct loop_io *io;
    struct loop_task *task;
    struct map *watches; /* text of wd -> struct watch, owned */
    uint64_t walk;
    char *awaited; /* owned; the name in the ancestor that leads to the root */
};

#define WD_TEXT_SIZE 16

static const char *wd_text(int wd, char text[static WD_TEXT_SIZE])
{
    snprintf(text, WD_TEXT_SIZE, "%d", wd);
    return text;
}

static void watch_free(void *value)
{
    struct watch *watch = value;

    free(watch->path);
    free(watch);
}

static struct watch *watch_find(const struct folder_watch *w, int wd)
{
    char text[WD_TEXT_SIZE];

    return map_find(w->watches, wd_text(wd, text));
}

/* The watch of wd, made if it is new. NULL: no memory, or the ceiling (then the kernel's watch is
 * gone too). */
static struct watch *watch_get(struct folder_watch *w, int wd)
{
    struct watch *watch = watch_find(w, wd);
    char text[WD_TEXT_SIZE];

    if (watch)
        return watch;
    watch = calloc(1, sizeof(*watch));
    if (!watch || map_put(w->watches, wd_text(wd, text), watch) < 0) {
        free(watch);
        inotify_rm_watch(w->fd, wd);
        return NULL;
    }
    watch->wd = wd;
    return watch;
}

/* ---- Events ---- */

static void tell(struct folder_watch *w, enum folder_change change, const char *path)
{
    w->handler->changed(change, path, w->data);
}

static void tell_name(struct folder_watch *w, enum folder_change change, const struct watch *watch,
                      const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s%s%s", watch->path, *watch->path ? "/" : "", name);

    if (n > 0 && (size_t)n < sizeof(path))
        tell(w, change, path);
}

static bool is_passed_over(const char *name)
{
    return name[0] == '.' && name[1] != '.' && name[1] != '\0';
}

static void on_folder_event(struct folder_watch *w, const struct watch *watch, uint32_t mask,
                            const char *name)
{
    if (is_passed_over(name))
        return;
    if (mask &
            (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_MOVED_FROM | IN_DELETE | IN_ISDIR) ||
        !*name) {
        tell(w, FOLDER_TREE_CHANGED, "");
        return;
    }
    if (mask & IN_ATTRIB)
        tell_name(w, FOLDER_FILE_TOUCHED, watch, name);
    if (mask & IN_CREATE)
        tell_name(w, FOLDER_FILE_CREATED, watch, name);
    if (mask & IN_CLOSE_WRITE)
        tell_name(w, FOLDER_FILE_WRITTEN, watch, name);
    if (mask & IN_MOVED_TO)
        tell_name(w, FOLDER_FILE_RENAMED, watch, name);
}

static void on_linked_file_event(struct folder_watch *w, const struct watch *watch, uint32_t mask)
{
    if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
        tell(w, FOLDER_TREE_CHANGED, "");
    if (mask &
        IN_ATTRIB) /* also sent when the last name goes: the next walk looks at what is there now */
        tell(w, FOLDER_TREE_CHANGED, "");
    if (mask & IN_CLOSE_WRITE)
        tell(w, FOLDER_FILE_WRITTEN, watch->path);
}

static void on_event(struct folder_watch *w, const struct inotify_event *event)
{
    const char *name = event->len ? event->name : "";
    const struct watch *watch;
    char text[WD_TEXT_SIZE];

    if (event->mask & IN_Q_OVERFLOW) {
        tell(w, FOLDER_OVERFLOW, "");
        return;
    }
    watch = watch_find(w, event->wd);
    if (!watch)
        return; /* of a watch that was taken away meanwhile */
    if (event->mask & IN_IGNORED) {
        map_drop(w->watches, wd_text(event->wd, text));
        tell(w, FOLDER_TREE_CHANGED, "");
        return;
    }
    if (watch->ancestor_walk && (!*name || (w->awaited && strcmp(name, w->awaited) == 0)))
        tell(w, FOLDER_TREE_CHANGED, "");
    if (watch->path && watch->is_file)
        on_linked_file_event(w, watch, event->mask);
    else if (watch->path)
        on_folder_event(w, watch, event->mask, name);
}

static void folder_watch_on_readable(int fd, unsigned events UNUSED, void *data)
{
    static _Alignas(struct inotify_event) char buffer[EVENT_BYTES];
    struct folder_watch *w = data;
    ssize_t n = read(fd, buffer, sizeof(buffer));

    if (n < 0) { /* EAGAIN and EINTR: nothing; anything else means that events are lost */
        if (errno != EAGAIN && errno != EINTR)
            tell(w, FOLDER_OVERFLOW, "");
        return;
    }
    for (const char *p = buffer; p < buffer + n;) {
        const struct inotify_event *event = (const struct inotify_event *)p;

        on_event(w, event);
        p += sizeof(*event) + event->len;
    }
    loop_task_set(w->task);
}

static void folder_watch_on_turn_end(void *data)
{
    struct folder_watch *w = data;

    w->handler->settled(w->data);
}

/* ---- The way to the root ---- */

/* Watches the nearest existing ancestor: path is cut from its end. Returns 0 or a negative errno.
 */
static int watch_nearest(struct folder_watch *w, char *path)
{
    for (;;) {
        char *slash = strrchr(path, '/');
        struct watch *watch;
        int wd;

        free(w->awaited);
        w->awaited = strdup(slash + 1);
        if (!w->awaited)
            return -ENOMEM;
        *slash = '\0';
        wd = inotify_add_watch(w->fd, *path ? path : "/",
                               ANCESTOR_EVENTS | IN_ONLYDIR | IN_MASK_ADD);
        if (wd < 0 && *path && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
            continue;
        if (wd < 0)
            return -errno;
        watch = watch_get(w, wd);
        if (!watch)
            return -ENOMEM;
        watch->ancestor_walk = w->walk;
        return 0;
    }
}

/* Watches the parent of the root or, while it is missing, what of the way to it exists. */
static int watch_ancestor(struct folder_watch *w, struct error **reterr)
{
    char path[PATH_MAX], awaited[PATH_MAX];

    for (;;) {
        struct stat st;
        int r;

        snprintf(path, sizeof(path), "%s", w->root);
        r = watch_nearest(w, path);
        if (r < 0)
            return error_errno(reterr, r, "the parent of '%s' cannot be watched",
                               error_quote(w->root));
        /* What is awaited may have come just before the watch: then a nearer one is possible. */
        if (snprintf(awaited, sizeof(awaited), "%s/%s", path, w->awaited) >= (int)sizeof(awaited) ||
            strcmp(awaited, w->root) == 0 || stat(awaited, &st) < 0 || !S_ISDIR(st.st_mode) ||
            faccessat(AT_FDCWD, awaited, X_OK, AT_EACCESS) < 0)
            return 0;
    }
}

int folder_watch_begin_walk(struct folder_watch *w, struct error **reterr)
{
    w->walk++;
    return watch_ancestor(w, reterr);
}

int folder_watch_add(struct folder_watch *w, const char *path, struct error **reterr)
{
    char full[PATH_MAX];
    CLEANUP_FREE char *copy = strdup(path);
    struct watch *watch;
    struct stat st;
    int wd;

    if (!copy)
        return error_oom(reterr);
    if (snprintf(full, sizeof(full), "%s%s%s", w->root, *path ? "/" : "", path) >=
        (int)sizeof(full))
        return error_errno(reterr, ENAMETOOLONG, "'%s'", error_quote(path));
    if (stat(full, &st) < 0)
        return error_errno(reterr, errno, "'%s'", error_quote(full));
    wd = inotify_add_watch(w->fd, full,
                           (S_ISDIR(st.st_mode) ? FOLDER_EVENTS : FILE_EVENTS) | IN_MASK_ADD);
    if (wd < 0)
        return error_errno(reterr, errno, "'%s' cannot be watched%s", error_quote(full),
                           errno == ENOSPC ? " (raise fs.inotify.max_user_watches)" : "");
    watch = watch_get(w, wd);
    if (!watch)
        return error_set(reterr, -E2BIG, "more than %d folders and linked files", FOLDER_WATCH_MAX);
    free(watch->path);
    watch->path = TAKE(copy);
    watch->is_file = !S_ISDIR(st.st_mode);
    watch->walk = w->walk;
    return 0;
}

void folder_watch_end_walk(struct folder_watch *w)
{
    MAP_FOREACH (e, w->watches) {
        struct watch *watch = map_value(e);

        if (watch->ancestor_walk != w->walk)
            watch->ancestor_walk = 0;
        if (watch->walk != w->walk) {
            free(watch->path);
            watch->path = NULL;
        }
        if (!watch->path && !watch->ancestor_walk) {
            inotify_rm_watch(w->fd, watch->wd);
            map_drop(w->watches, map_key(e));
        }
    }
}

/* ---- Life ---- */

static char *absolute_path(const char *path)
{
    CLEANUP_FREE char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *absolute = NULL;
    size_t len;

    if ((path[0] != '/' && !cwd) ||
        asprintf(&absolute, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", path) < 0)
        return NULL;
    for (len = strlen(absolute); len > 1 && absolute[len - 1] == '/'; len--)
        absolute[len - 1] = '\0';
    return absolute;
}

int folder_watch_new(struct folder_watch **ret, struct loop *loop, const char *root,
                     const struct folder_watch_handler *handler, void *data, struct error **reterr)
{
    CLEANUP(folder_watch_free) struct folder_watch *w = calloc(1, sizeof(*w));

    if (!w)
        return error_oom(reterr);
    w->fd = -1;
    w->handler = handler;
    w->data = data;
    w->root = absolute_path(root);
    w->watches = map_new(watch_free, FOLDER_WATCH_MAX);
    if (!w->root || !w->watches)
        return error_oom(reterr);
    if (strlen(w->root) >= PATH_MAX / 2 || strcmp(w->root, "/") == 0)
        return error_set(reterr, -EINVAL, "'%s' cannot be the folder of policies",
                         error_quote(root));
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd < 0)
        return error_errno(reterr, errno, "inotify");
    if (loop_task_new(loop, &w->task, folder_watch_on_turn_end, w) < 0 ||
        loop_io_new(loop, &w->io, w->fd, LOOP_READ, folder_watch_on_readable, w) < 0)
        return error_oom(reterr);
    *ret = TAKE(w);
    return 0;
}

struct folder_watch *folder_watch_free(struct folder_watch *w)
{
    if (!w)
        return NULL;
    loop_io_free(w->io);
    loop_task_free(w->task);
    if (w->fd >= 0)
        close(w->fd);
    free(w->awaited);
    map_free(w->watches);
    free(w->root);
    free(w);
    return NULL;
}
