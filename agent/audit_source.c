/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_source.h"

#include "agent/audit_file.h"
#include "agent/audit_kmsg.h"
#include "agent/audit_missed.h"
#include "agent/audit_netlink.h"
#include "agent/audit_position.h"
#include "agent/audit_record.h"
#include "agent/audit_serials.h"
#include "lib/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define REASON_MAX 512

struct audit_source {
    struct audit_events events;
    struct loop *loop;
    struct loop_timer *quiet; /* owned, like all of these */
    char *log_paths;
    struct audit_position *position; /* NULL: it is not kept */
    struct audit_missed *missed;     /* until what was missed has been looked for */
    bool catching_up, caught_up;
    uint64_t began_ns; /* CLOCK_REALTIME */
    uint64_t highest;  /* serial that was told */
    bool is_off;       /* the kernel makes no records: there is nothing to read anywhere */
    struct audit_netlink *netlink;
    struct audit_kmsg *kmsg;
    struct audit_file *files[AUDIT_SOURCE_MAX_PATHS];
    size_t n_files;
    char no_netlink[REASON_MAX], no_kmsg[REASON_MAX], no_file[REASON_MAX],
        no_position[REASON_MAX]; /* why not; "": in use */
    struct audit_serials serials;
    uint64_t n_records, n_records_at_quiet;
    uint64_t holes;  /* serials that never came */
    uint64_t gone;   /* that a source of the fallback told as lost */
    uint64_t n_lost; /* as told */
};

/* ---- counting what is lost ---- */

/* The counts only grow, and a hole is explained by a record that was dropped: so the larger of the
 * two is what is lost. */
static void tell_lost(struct audit_source *s)
{
    uint64_t kernel = 0, known = s->gone, lost;

    if (s->netlink) {
        audit_netlink_kernel_lost(s->netlink, &kernel);
        known += audit_netlink_n_dropped(s->netlink) + kernel;
    }
    lost = MAX(known, s->holes);
    if (lost <= s->n_lost)
        return;
    s->events.lost(lost - s->n_lost, s->events.data);
    s->n_lost = lost;
}

/* A second has passed since a record came, or since this was called last. */
static void on_quiet(void *data)
{
    struct audit_source *s = data;

    if (s->n_records != s->n_records_at_quiet) { /* not quiet yet */
        s->n_records_at_quiet = s->n_records;
        if (s->netlink)
            audit_netlink_ask(s->netlink);
        loop_timer_set(s->quiet, AUDIT_SOURCE_QUIET_NS);
    } else {
        s->holes += audit_serials_settle(&s->serials);
    }
    tell_lost(s);
}

static void on_record(int outcome, const struct audit_record *r, void *data)
{
    struct audit_source *s = data;

    if (outcome >= 0) /* else its serial may not have been read */
        s->holes += audit_serials_put(&s->serials, r->serial);
    if (s->n_records == s->n_records_at_quiet)
        loop_timer_set(s->quiet, AUDIT_SOURCE_QUIET_NS);
    s->n_records++;
    s->events.record(outcome, r, s->events.data);
    if (outcome < 0)
        return;
    s->highest = MAX(s->highest, r->serial);
    if (s->caught_up && s->position)
        audit_position_put(s->position, s->highest);
}

static void on_lost(uint64_t n, void *data)
{
    struct audit_source *s = data;

    s->gone += n;
    tell_lost(s);
}

/* ---- what was missed ---- */

static void on_missed_record(int outcome, const struct audit_record *r, void *data)
{
    struct audit_source *s = data;

    s->events.record(outcome, r, s->events.data);
}

static void on_missed_done(void *data)
{
    struct audit_source *s = data;

    s->missed = audit_missed_free(s->missed);
    s->caught_up = true;
    audit_position_put(s->position, s->highest);
}

/* Where an earlier agent left off: what it takes to look for the rest. */
static int prepare_missed(struct audit_source *s)
{
    const struct audit_events events = {.record = on_missed_record, .lost = on_lost, .data = s};
    struct audit_missed_range range = {
        .before = s->netlink ? audit_netlink_began(s->netlink) : 0,
        .before_ns = s->began_ns,
        .live = &s->serials,
        .log_paths = s->log_paths,
    };

    if (!s->position)
        return 0;
    s->highest = range.before;
    if (!audit_position_left(s->position, &range.after))
        return 0;
    return audit_missed_new(&s->missed, s->loop, &range, &events, on_missed_done);
}

void audit_source_catch_up(struct audit_source *s)
{
    if (s->caught_up || !s->position || s->catching_up)
        return;
    s->catching_up = s->missed != NULL;
    if (s->missed) {
        audit_missed_start(s->missed);
        return;
    }
    s->caught_up = true;
    audit_position_put(s->position, s->highest);
}

/* ---- choosing ---- */

/* Remembers why a source is not in use, unless memory has run out. */
static int not_used(char reason[static REASON_MAX], int r, const struct error *problem)
{
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        snprintf(reason, REASON_MAX, "%s", error_message(problem));
    return 0;
}

static int add_file(struct audit_source *s, struct loop *loop, const char *path,
                    const struct audit_events *events)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = audit_file_new(&s->files[s->n_files], loop, path, !s->kmsg, events, &problem);

    if (r == 0)
        s->n_files++;
    return not_used(s->no_file, r, problem);
}

static int add_files(struct audit_source *s, struct loop *loop, const char *paths,
                     const struct audit_events *events, struct error **reterr)
{
    while (paths && *paths) {
        size_t len = strcspn(paths, "|");
        char path[PATH_MAX];

        if (s->n_files == AUDIT_SOURCE_MAX_PATHS)
            return error_set(reterr, -E2BIG, "more than %d paths of audit logs",
                             AUDIT_SOURCE_MAX_PATHS);
        if (paths[0] != '/' || len >= sizeof(path))
            return error_set(reterr, -EINVAL, "'%s' is not an absolute path of an audit log",
                             error_quote_n(paths, len));
        memcpy(path, paths, len);
        path[len] = '\0';
        if (add_file(s, loop, path, events) < 0)
            return error_oom(reterr);
        paths += len + (paths[len] == '|');
    }
    return 0;
}

static int add_netlink(struct audit_source *s, struct loop *loop, unsigned backlog,
                       const struct audit_events *events)
{
    const struct audit_netlink_settings settings = {.backlog = backlog};
    CLEANUP(error_free) struct error *problem = NULL;
    int r = audit_netlink_new(&s->netlink, loop, &settings, events, &problem);

    s->is_off = r == -EPROTONOSUPPORT;
    return not_used(s->no_netlink, r, problem);
}

static int add_position(struct audit_source *s, const char *path)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = audit_position_new(&s->position, path, &problem);

    return not_used(s->no_position, r, problem);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static int add_kmsg(struct audit_source *s, struct loop *loop, const struct audit_events *events)
{
    CLEANUP(error_free) struct error *problem = NULL;
    int r = audit_kmsg_new(&s->kmsg, loop, events, &problem);

    return not_used(s->no_kmsg, r, problem);
}

int audit_source_new(struct audit_source **ret, struct loop *loop,
                     const struct audit_source_settings *settings,
                     const struct audit_events *events, struct error **reterr)
{
    CLEANUP(audit_source_free) struct audit_source *s = calloc(1, sizeof(*s));
    const struct audit_events own = {.record = on_record, .lost = on_lost, .data = s};
    int r = 0;

    if (!s || loop_timer_new(loop, &s->quiet, on_quiet, s) < 0)
        return error_oom(reterr);
    s->events = *events;
    s->loop = loop;
    s->began_ns = now_ns();
    s->log_paths = strdup(settings->log_paths ? settings->log_paths : "");
    if (!s->log_paths || (settings->position_path && add_position(s, settings->position_path) < 0))
        return error_oom(reterr);
    if (settings->no_netlink)
        snprintf(s->no_netlink, sizeof(s->no_netlink), "switched off");
    else
        r = add_netlink(s, loop, settings->backlog, &own);
    if (settings->no_kmsg)
        snprintf(s->no_kmsg, sizeof(s->no_kmsg), "switched off");
    else if (r == 0 && !s->netlink && !s->is_off)
        r = add_kmsg(s, loop, &own);
    if (r < 0)
        return error_oom(reterr);
    if (!s->netlink && !s->is_off)
        r = add_files(s, loop, settings->log_paths, &own, reterr);
    if (r < 0)
        return r;
    if (prepare_missed(s) < 0)
        return error_oom(reterr);
    *ret = TAKE(s);
    return 0;
}

struct audit_source *audit_source_free(struct audit_source *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->n_files; i++)
        audit_file_free(s->files[i]);
    audit_missed_free(s->missed);
    audit_position_free(s->position);
    free(s->log_paths);
    audit_kmsg_free(s->kmsg);
    audit_netlink_free(s->netlink);
    loop_timer_free(s->quiet);
    free(s);
    return NULL;
}

/* ---- telling ---- */

const char *audit_source_name(const struct audit_source *s)
{
    if (s->netlink)
        return "netlink";
    if (s->kmsg)
        return s->n_files > 0 ? "kmsg+file" : "kmsg";
    return s->n_files > 0 ? "file" : "none";
}

bool audit_source_is_lossy(const struct audit_source *s)
{
    uint64_t n;

    return !s->netlink || !audit_netlink_kernel_lost(s->netlink, &n);
}

static int describe_files(const struct audit_source *s, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < s->n_files; i++)
        r = buf_format(out, "; %s%s", audit_file_path(s->files[i]),
                       audit_file_is_there(s->files[i]) ? "" : " (not there yet)");
    return r == 0 && s->no_file[0] ? buf_format(out, "; %s", s->no_file) : r;
}

int audit_source_describe(const struct audit_source *s, struct buf *out)
{
    int r = buf_add_text(out, audit_source_name(s));

    if (r == 0 && s->netlink)
        r = buf_add_text(out, audit_source_is_lossy(s)
                                  ? ", lossy: the kernel does not tell us how many records it "
                                    "dropped (CAP_AUDIT_CONTROL)"
                                  : ", every loss is counted");
    if (r == 0 && s->no_position[0])
        r = buf_format(out, "; what happens while no agent is there will be missed: %s",
                       s->no_position);
    if (r < 0 || s->netlink)
        return r;
    r = buf_format(out, "%s; netlink: %s", s->kmsg || s->n_files > 0 ? ", lossy" : "",
                   s->no_netlink);
    if (r == 0 && s->no_kmsg[0])
        r = buf_format(out, "; kmsg: %s", s->no_kmsg);
    return r < 0 ? r : describe_files(s, out);
}

uint64_t audit_source_n_lost(const struct audit_source *s)
{
    return s->n_lost;
}
