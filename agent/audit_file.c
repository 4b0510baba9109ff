/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_file.h"

#include "agent/audit_record.h"
#include "agent/audit_turn.h"
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
#define FILE_EVENTS   (IN_MODIFY | IN_ATTRIB)
#define EVENTS_BYTES  (16 * (sizeof(struct inotify_event) + NAME_MAX + 1))

struct audit_file {
    char *path; /* owned, like all of these */
    char *folder;
    int notify_fd;
    struct loop_io *io;
    struct loop_task *more; /* there is more to read than a turn may take */
    int fd;                 /* the file; -1: it is not there */
    int file_watch;         /* of the file that fd is; -1: none */
    ino_t inode;
    dev_t device;
    off_t position;
    bool printed_too;
    bool skips; /* the rest of a line that is too long */
    struct audit_events events;
    struct audit_record record;
    char line[AUDIT_FILE_LINE_MAX];
    size_t len;
};

/* ---- lines ---- */

static void take_line(struct audit_file *f, const char *line, size_t len)
{
    bool auditds =
        (len > 5 && memcmp(line, "type=", 5) == 0) || (len > 5 && memcmp(line, "node=", 5) == 0);
    int outcome;

    if (!auditds && !f->printed_too)
        return;
    outcome = audit_record_read_line(&f->record, line, len);
    if (outcome != AUDIT_NOTHING)
        f->events.record(outcome, &f->record, f->events.data);
}

/* Takes the whole lines of what is there, and keeps the rest. False: whole ones remain, since the
 * turn is over. */
static bool take_lines(struct audit_file *f, const struct audit_turn *turn)
{
    const char *start = f->line, *end = f->line + f->len, *newline;
    bool over = false;

    while ((newline = memchr(start, '\n', (size_t)(end - start)))) {
        over = audit_turn_is_over(turn);
        if (over)
            break;
        if (!f->skips)
            take_line(f, start, (size_t)(newline - start));
        f->skips = false;
        start = newline + 1;
    }
    f->len = (size_t)(end - start);
    if (f->len == sizeof(f->line) && !over) {
        f->skips = true;
        f->len = 0;
    }
    memmove(f->line, start, f->len);
    return !over;
}

/* ---- the file ---- */

static void close_file(struct audit_file *f)
{
    if (f->file_watch >= 0)
        inotify_rm_watch(f->notify_fd, f->file_watch);
    if (f->fd >= 0)
        close(f->fd);
    f->file_watch = -1;
    f->fd = -1;
    f->len = 0;
    f->skips = false;
    f->position = 0;
}

/* Opens what is at the path now; from the end or from the beginning. A file that cannot be watched
 * would be followed in name only: it counts as not there. */
static void open_file(struct audit_file *f, bool at_end)
{
    CLEANUP_CLOSE int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    f->file_watch = inotify_add_watch(f->notify_fd, f->path, FILE_EVENTS);
    if (f->file_watch < 0)
        return;
    f->inode = st.st_ino;
    f->device = st.st_dev;
    f->position = at_end ? st.st_size : 0;
    f->fd = TAKE_FD(fd);
}

/* True if the path names another file than the one that is open. While it names none, the open one
 * is kept: a syslog daemon writes to a file that was renamed until it is told of the new one. */
static bool is_replaced(const struct audit_file *f)
{
    struct stat st;

    return stat(f->path, &st) == 0 && (st.st_ino != f->inode || st.st_dev != f->device);
}

/* Reads what there is, as much as a turn may. True if it came to the end. */
static bool read_file(struct audit_file *f)
{
    struct audit_turn turn = audit_turn_begin();
    struct stat st;

    if (!take_lines(f, &turn)) /* of the turn before */
        return false;
    if (fstat(f->fd, &st) == 0 && st.st_size < f->position) {
        f->events.lost(1, f->events.data); /* at least; what was cut off is not known */
        f->position = 0;
        f->len = 0;
        f->skips = false;
    }
    for (size_t n_read = 0; n_read < AUDIT_FILE_BYTES_PER_TURN;) {
        ssize_t n = pread(f->fd, f->line + f->len, sizeof(f->line) - f->len, f->position);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        n_read += (size_t)n;
        f->position += n;
        f->len += (size_t)n;
        if (!take_lines(f, &turn))
            return false;
    }
    return false;
}

static void follow(void *data)
{
    struct audit_file *f = data;

    if (f->fd >= 0 && !read_file(f)) {
        loop_task_set(f->more);
        return;
    }
    if (f->fd >= 0 && !is_replaced(f))
        return;
    close_file(f);
    open_file(f, false);
    if (f->fd >= 0)
        loop_task_set(f->more);
}

static void on_notified(int fd, unsigned events UNUSED, void *data)
{
    char room[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));

    /* what they say does not matter: the file itself is looked at, and tells more */
    while (read(fd, room, sizeof(room)) == (ssize_t)sizeof(room))
        ;
    follow(data);
}

/* ---- life ---- */

int audit_file_new(struct audit_file **ret, struct loop *loop, const char *path, bool printed_too,
                   const struct audit_events *events, struct error **reterr)
{
    CLEANUP(audit_file_free) struct audit_file *f = calloc(1, sizeof(*f));
    const char *slash = strrchr(path, '/');

    if (!f || !slash)
        return f ? error_set(reterr, -EINVAL, "'%s' is not an absolute path", error_quote(path))
                 : error_oom(reterr);
    f->notify_fd = f->fd = f->file_watch = -1;
    f->events = *events;
    f->printed_too = printed_too;
    f->path = strdup(path);
    f->folder = strndup(path, (size_t)(slash - path) + (slash == path));
    if (!f->path || !f->folder)
        return error_oom(reterr);
    f->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (f->notify_fd < 0 || inotify_add_watch(f->notify_fd, f->folder, FOLDER_EVENTS) < 0)
        return error_errno(reterr, errno, "following %s", f->folder);
    if (loop_io_new(loop, &f->io, f->notify_fd, LOOP_READ, on_notified, f) < 0 ||
        loop_task_new(loop, &f->more, follow, f) < 0)
        return error_oom(reterr);
    open_file(f, true);
    *ret = TAKE(f);
    return 0;
}

struct audit_file *audit_file_free(struct audit_file *f)
{
    if (!f)
        return NULL;
    loop_task_free(f->more);
    loop_io_free(f->io);
    close_file(f);
    if (f->notify_fd >= 0)
        close(f->notify_fd);
    free(f->folder);
    free(f->path);
    free(f);
    return NULL;
}

const char *audit_file_path(const struct audit_file *f)
{
    return f->path;
}

bool audit_file_is_there(const struct audit_file *f)
{
    return f->fd >= 0;
}
