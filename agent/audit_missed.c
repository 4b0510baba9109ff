/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_missed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/audit_file.h"
#include "agent/audit_kmsg.h"
#include "agent/audit_record.h"
#include "agent/audit_serials.h"
#include "agent/audit_turn.h"
#include "lib/loop.h"

struct audit_missed {
    struct audit_missed_range range;
    struct audit_events events;
    void (*done)(void *data);
    struct loop_task *more; /* owned, like the next */
    int fd;                 /* what is being read; -1: the next is to be opened */
    bool is_file;           /* else it is the kernel's log */
    const char *next_path;  /* into range.log_paths; NULL: there is none any more */
    bool skips;             /* the first line of a file's end is a part of one */
    struct audit_serials found, found_before; /* before this file was begun */
    uint64_t lost;
    struct audit_record record;
    char text[AUDIT_FILE_LINE_MAX];
    size_t len;
};

/* ---- records ---- */

static bool is_missed(const struct audit_missed *m, const struct audit_record *r)
{
    const struct audit_missed_range *range = &m->range;

    if (r->serial <= range->after || audit_serials_has(&m->found_before, r->serial))
        return false;
    if (range->before > 0)
        return r->serial < range->before;
    return audit_record_time_ns(r) < range->before_ns && !audit_serials_has(range->live, r->serial);
}

static void take_record(struct audit_missed *m, int outcome)
{
    if (outcome == AUDIT_NOTHING || outcome < 0 || !is_missed(m, &m->record))
        return; /* of what cannot be read nobody knows whether it was told */
    m->record.late = true;
    m->lost += audit_serials_put(&m->found, m->record.serial);
    m->events.record(outcome, &m->record, m->events.data);
}

/* ---- where they are ---- */

static void close_place(struct audit_missed *m)
{
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
    m->len = 0;
    m->found_before = m->found;
}

/* Places the descriptor AUDIT_MISSED_FILE_BYTES before the end of the file. */
static int open_file(struct audit_missed *m, const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    off_t from;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return -1;
    from = MAX(st.st_size - AUDIT_MISSED_FILE_BYTES, 0);
    if (lseek(fd, from, SEEK_SET) < 0)
        return -1;
    m->skips = from > 0;
    return TAKE_FD(fd);
}

/* Opens the next place that there is. False: all have been read. */
static bool open_next(struct audit_missed *m)
{
    while (m->fd < 0 && m->next_path) {
        size_t len = strcspn(m->next_path, "|");
        char path[PATH_MAX];

        if (len < sizeof(path)) {
            memcpy(path, m->next_path, len);
            path[len] = '\0';
            m->is_file = true;
            m->fd = open_file(m, path);
        }
        m->next_path = m->next_path[len] ? m->next_path + len + 1 : NULL;
    }
    return m->fd >= 0;
}

/* One record. False: there is no further one. */
static bool read_kmsg(struct audit_missed *m)
{
    ssize_t n = read(m->fd, m->text, sizeof(m->text));

    if (n < 0 && (errno == EPIPE || errno == EINTR)) /* overwritten: it goes on after that */
        return true;
    if (n > 0)
        take_record(m, audit_record_read_kmsg(&m->record, m->text, (size_t)n));
    return n > 0;
}

static void take_line(struct audit_missed *m, const char *line, size_t len)
{
    bool auditds = len > 5 && (memcmp(line, "type=", 5) == 0 || memcmp(line, "node=", 5) == 0);

    if (auditds && !m->skips) /* what a syslog daemon copied stands in the kernel's log too */
        take_record(m, audit_record_read_line(&m->record, line, len));
    m->skips = false;
}

/* One line, or what fills the buffer. False: the file has no whole line any more. */
static bool read_line(struct audit_missed *m)
{
    const char *newline = memchr(m->text, '\n', m->len);
    size_t taken;
    ssize_t n;

    if (!newline && m->len < sizeof(m->text)) {
        n = read(m->fd, m->text + m->len, sizeof(m->text) - m->len);
        m->len += n > 0 ? (size_t)n : 0;
        return n > 0 || (n < 0 && errno == EINTR);
    }
    if (!newline) { /* longer than any of the kernel's */
        m->skips = true;
        m->len = 0;
        return true;
    }
    taken = (size_t)(newline - m->text);
    take_line(m, m->text, taken);
    m->len -= taken + 1;
    memmove(m->text, newline + 1, m->len);
    return true;
}

static void go_on(void *data)
{
    struct audit_missed *m = data;
    struct audit_turn turn = audit_turn_begin();

    while (open_next(m)) {
        while (m->is_file ? read_line(m) : read_kmsg(m)) {
            if (audit_turn_is_over(&turn)) {
                loop_task_set(m->more);
                return;
            }
        }
        close_place(m);
    }
    if (m->range.before > 0)
        m->lost += audit_serials_put(&m->found, m->range.before);
    m->lost += audit_serials_settle(&m->found);
    if (m->lost > 0)
        m->events.lost(m->lost, m->events.data);
    m->done(m->events.data);
}

/* ---- life ---- */

int audit_missed_new(struct audit_missed **ret, struct loop *loop,
                     const struct audit_missed_range *range, const struct audit_events *events,
                     void (*done)(void *data))
{
    CLEANUP(audit_missed_free) struct audit_missed *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    m->range = *range;
    m->events = *events;
    m->done = done;
    m->next_path = range->log_paths && *range->log_paths ? range->log_paths : NULL;
    audit_serials_put(&m->found, range->after);
    m->found_before = m->found;
    m->fd = open(AUDIT_KMSG_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* at its oldest record */
    if (loop_task_new(loop, &m->more, go_on, m) < 0)
        return -ENOMEM;
    *ret = TAKE(m);
    return 0;
}

void audit_missed_start(struct audit_missed *m)
{
    loop_task_set(m->more);
}

struct audit_missed *audit_missed_free(struct audit_missed *m)
{
    if (!m)
        return NULL;
    loop_task_free(m->more);
    if (m->fd >= 0)
        close(m->fd);
    free(m);
    return NULL;
}
