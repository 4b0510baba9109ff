/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_log.h"

#include "agent/container.h"
#include "agent/violation.h"
#include "agent/violation_fold.h"
#include "lib/json_text.h"
#include "lib/json_value.h"
#include "lib/profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FOLDER_MODE        0777 /* minus umask */
#define FILE_MODE          0600
#define ROTATED_NAME_BYTES 64
#define MESSAGE            "violation event"

struct violation_log {
    char *path;   /* owned, like the three below */
    char *folder; /* the part of the path before its last slash */
    char *node_name;
    char *metadata;              /* a JSON object; NULL: it is left out */
    struct error *problem;       /* why; NULL: it is told */
    struct violation_fold *fold; /* NULL: nothing is folded */
    uint64_t max_bytes;
    int fd;       /* owned */
    dev_t device; /* with inode: which file fd is */
    ino_t inode;
    uint64_t seq;         /* of the next line */
    uint64_t n_lost;      /* in all */
    uint64_t n_lost_told; /* of these, told in a line */
    uint64_t lost_held;   /* what events that are held would have told as lost */
    struct buf line, back, kind;
};
DEFINE_CLEANUP(DIR *, closedir)

static int metadata_make(char **ret, const struct violation_log_settings *settings,
                         struct error **reterr)
{
    CLEANUP(json_decref) json_t *metadata = NULL;
    bool given = settings->metadata && settings->metadata[0];
    json_error_t problem;
    char *text;

    if (given && strlen(settings->metadata) > VIOLATION_METADATA_MAX)
        return error_set(reterr, -E2BIG,
                         "the metadata of violations is %zu bytes long, at most %d are "
                         "allowed",
                         strlen(settings->metadata), VIOLATION_METADATA_MAX);
    metadata = given ? json_value_read(settings->metadata, strlen(settings->metadata),
                                       JSON_REJECT_DUPLICATES, &problem)
                     : json_object();
    if (!metadata && (!given || json_value_is_oom(&problem)))
        return error_oom(reterr);
    if (!metadata)
        return error_set(reterr, -EINVAL, "the metadata of violations is not JSON (column %d): %s",
                         problem.column, problem.text);
    if (!json_is_object(metadata))
        return error_set(reterr, -EINVAL, "the metadata of violations is not a JSON object");
    if (settings->install_namespace &&
        json_object_set_new(metadata, "varmorNamespace", json_string(settings->install_namespace)) <
            0)
        return error_oom(reterr);
    text = json_dumps(metadata, JSON_COMPACT);
    if (!text)
        return error_oom(reterr);
    *ret = text;
    return 0;
}

/* Opens the file, or makes it with the mode and owner of the one before (NULL: none). */
static int file_open(struct violation_log *log, const struct stat *before)
{
    CLEANUP_CLOSE int fd =
        open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (before &&
        (fchmod(fd, before->st_mode & 07777) < 0 || fchown(fd, before->st_uid, before->st_gid) < 0))
        return -errno;
    if (log->fd >= 0)
        close(log->fd);
    log->fd = TAKE_FD(fd);
    log->device = st.st_dev;
    log->inode = st.st_ino;
    return 0;
}

int violation_log_new(struct violation_log **ret, const struct violation_log_settings *settings,
                      struct error **reterr)
{
    CLEANUP(violation_log_free) struct violation_log *log = calloc(1, sizeof(*log));
    const char *slash = strrchr(settings->path, '/');
    int r;

    if (!log)
        return error_oom(reterr);
    log->fd = -1;
    log->seq = 1;
    log->line = log->back = log->kind = BUF_INIT(VIOLATION_LINE_MAX);
    log->max_bytes = settings->max_bytes ? settings->max_bytes : VIOLATION_LOG_MAX_BYTES;
    if (!slash || strlen(settings->path) >= PATH_MAX - ROTATED_NAME_BYTES)
        return error_set(reterr, -ENAMETOOLONG, "'%s' is not an absolute path of a file",
                         error_quote(settings->path));
    log->path = strdup(settings->path);
    log->folder =
        strndup(settings->path, (size_t)(slash - settings->path) + (slash == settings->path));
    log->node_name = strdup(settings->node_name);
    if (!log->path || !log->folder || !log->node_name)
        return error_oom(reterr);
    if (settings->fold_ns > 0) {
        log->fold = violation_fold_new(settings->fold_ns);
        if (!log->fold)
            return error_oom(reterr);
    }
    if (metadata_make(&log->metadata, settings, &log->problem) == -ENOMEM)
        return error_oom(reterr);
    if (mkdir(log->folder, FOLDER_MODE) < 0 && errno != EEXIST)
        return error_errno(reterr, errno, "%s", log->folder);
    r = file_open(log, NULL);
    if (r < 0)
        return error_errno(reterr, r, "%s", log->path);
    *ret = TAKE(log);
    return 0;
}

struct violation_log *violation_log_free(struct violation_log *log)
{
    if (!log)
        return NULL;
    if (log->fold)
        violation_log_flush(log, UINT64_MAX);
    violation_fold_free(log->fold);
    error_free(log->problem);
    buf_done(&log->kind);
    buf_done(&log->back);
    buf_done(&log->line);
    if (log->fd >= 0)
        close(log->fd);
    free(log->metadata);
    free(log->node_name);
    free(log->folder);
    free(log->path);
    free(log);
    return NULL;
}

/* The length of the path's part before its extension (".log"). */
static size_t stem_length(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && dot > strrchr(path, '/') ? (size_t)(dot - path) : strlen(path);
}

/* True if name is one that rotation gives: the log's, with "-" and a time before the extension. */
static bool is_rotated(const struct violation_log *log, const char *name)
{
    const char *base = strrchr(log->path, '/') + 1;
    size_t stem = stem_length(log->path) - (size_t)(base - log->path);
    size_t len = strlen(name), extension = strlen(base) - stem;
    static const char shape[] = "-dddd-dd-ddTdd-dd-dd.ddd";

    if (len != strlen(base) + strlen(shape) || strncmp(name, base, stem) != 0 ||
        strcmp(name + len - extension, base + stem) != 0)
        return false;
    for (size_t i = 0; shape[i]; i++) {
        char c = name[stem + i];

        if (shape[i] == 'd' ? c < '0' || c > '9' : c != shape[i])
            return false;
    }
    return true;
}

/* Removes the oldest rotated file if there are more than are kept. True if it removed one. */
static bool oldest_remove(struct violation_log *log)
{
    CLEANUP(closedir) DIR *dir = opendir(log->folder);
    char oldest[NAME_MAX + 1] = "";
    struct dirent *entry;
    unsigned n = 0;

    while (dir && (entry = readdir(dir))) {
        if (!is_rotated(log, entry->d_name))
            continue;
        n++;
        if (!oldest[0] || strcmp(entry->d_name, oldest) < 0)
            snprintf(oldest, sizeof(oldest), "%s", entry->d_name);
    }
    return n > VIOLATION_LOG_KEPT && unlinkat(dirfd(dir), oldest, 0) == 0;
}

static int rotate(struct violation_log *log, const struct stat *st)
{
    char name[PATH_MAX], when[ROTATED_NAME_BYTES / 2];
    int stem = (int)stem_length(log->path);
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    do { /* a name that is taken belongs to an earlier rotation of the same millisecond */
        gmtime_r(&now.tv_sec, &tm);
        strftime(when, sizeof(when), "%Y-%m-%dT%H-%M-%S", &tm);
        snprintf(name, sizeof(name), "%.*s-%s.%03ld%s", stem, log->path, when,
                 now.tv_nsec / 1000000, log->path + stem);
        now.tv_nsec += 1000000;
        if (now.tv_nsec >= (long)NS_PER_SEC) {
            now.tv_sec++;
            now.tv_nsec -= (long)NS_PER_SEC;
        }
    } while (access(name, F_OK) == 0);
    if (rename(log->path, name) < 0)
        return -errno;
    while (oldest_remove(log))
        ;
    return file_open(log, st);
}

/* Makes sure that the descriptor is the file that the path names, with room for len bytes. */
static int file_ready(struct violation_log *log, size_t len, struct stat *st)
{
    int r;

    if (lstat(log->path, st) < 0 || st->st_dev != log->device || st->st_ino != log->inode) {
        r = file_open(log, NULL);
        if (r < 0)
            return r;
        if (fstat(log->fd, st) < 0)
            return -errno;
    }
    if (st->st_size == 0 || (uint64_t)st->st_size + len <= log->max_bytes)
        return 0;
    r = rotate(log, st);
    st->st_size = 0;
    return r;
}

static int add_key_text(struct buf *b, const char *key, const char *text)
{
    int r = buf_format(b, ",\"%s\":", key);

    return r < 0 ? r : json_text_add(b, text, strlen(text));
}

static int add_container(struct buf *b, const struct container *c)
{
    const struct {
        const char *key, *text;
    } members[] = {
        {"podUID", c ? c->pod_uid : ""},
        {"podName", c ? c->pod_name : ""},
        {"podNamespace", c ? c->pod_namespace : ""},
        {"containerID", c ? c->id : ""},
        {"containerName", c ? c->name : ""},
        {"image", c ? c->image : ""},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++)
        r = add_key_text(b, members[i].key, members[i].text);
    return r;
}

static int add_policy(struct buf *b, const struct profile *profile)
{
    const struct {
        const char *key, *text;
    } members[] = {
        {"policyKind", profile ? profile->policy_kind : NULL},
        {"policyName", profile ? profile->policy_name : NULL},
        {"policyNamespace", profile ? profile->policy_namespace : NULL},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++)
        r = add_key_text(b, members[i].key, members[i].text ? members[i].text : "");
    return r;
}

/* RFC 3339 in the process's time zone, whole seconds. */
static int add_time(struct buf *b)
{
    time_t now = time(NULL);
    char text[40], zone[8];
    struct tm tm;

    localtime_r(&now, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof(zone), "%z", &tm); /* "+0800" */
    if (tm.tm_gmtoff == 0)
        return buf_format(b, ",\"time\":\"%sZ\"", text);
    return buf_format(b, ",\"time\":\"%s%.3s:%s\"", text, zone, zone + 3);
}

/* What stands in front of the line's own number. */
static int front_make(struct violation_log *log, const struct violation *v,
                      const struct profile *profile)
{
    struct buf *b = &log->line;
    int r;

    buf_clear(b);
    r = buf_format(b, "{\"level\":\"%s\"", v->action == VIOLATION_DENIED ? "warn" : "debug");
    if (r == 0 && log->metadata)
        r = buf_format(b, ",\"metadata\":%s", log->metadata);
    if (r == 0)
        r = add_key_text(b, "nodeName", log->node_name);
    if (r == 0)
        r = add_container(b, v->container);
    if (r == 0)
        r = buf_format(b, ",\"pid\":%d,\"mntNsID\":%llu,\"eventTimestamp\":%llu", v->pid,
                       (unsigned long long)v->mnt_ns,
                       (unsigned long long)(v->time_ns / NS_PER_SEC));
    if (r == 0)
        r = buf_format(b, ",\"eventType\":\"%s\",\"enforcer\":\"%s\",\"action\":\"%s\"",
                       v->enforcer, v->enforcer, violation_action_name(v->action));
    if (r == 0)
        r = add_key_text(b, "profileName", v->profile_name);
    if (r == 0)
        r = add_policy(b, profile);
    if (r == 0)
        r = buf_format(b, ",\"event\":%s", v->event_json);
    if (r == 0)
        r = add_time(b);
    return r < 0 ? r : add_key_text(b, "message", MESSAGE);
}

/* What stands behind it. */
static int back_make(struct violation_log *log, const struct violation *v)
{
    int r;

    buf_clear(&log->back);
    r = add_key_text(&log->back, "rule", v->rule);
    if (r == 0)
        r = buf_format(&log->back, ",\"eventNanoseconds\":%llu",
                       (unsigned long long)(v->time_ns % NS_PER_SEC));
    return r == 0 && v->late ? buf_add_text(&log->back, ",\"late\":true") : r;
}

/* Puts what tells about this line alone between front (in log->line already) and back. */
static int line_finish(struct violation_log *log, const char *back, size_t back_len, uint64_t lost,
                       uint64_t count)
{
    struct buf *b = &log->line;
    int r = buf_format(b, ",\"seq\":%llu", (unsigned long long)log->seq);

    if (r == 0)
        r = buf_add(b, back, back_len);
    if (r == 0 && lost > 0)
        r = buf_format(b, ",\"lost\":%llu", (unsigned long long)lost);
    if (r == 0 && count > 1)
        r = buf_format(b, ",\"count\":%llu", (unsigned long long)count);
    return r < 0 ? r : buf_add_text(b, "}\n");
}

static int line_write(struct violation_log *log)
{
    struct stat st;
    ssize_t n;
    int r = file_ready(log, log->line.len, &st);

    if (r < 0)
        return r;
    do
        n = write(log->fd, log->line.data, log->line.len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if ((size_t)n == log->line.len)
        return 0;
    r = ftruncate(log->fd, st.st_size); /* half a line would spoil the next one */
    return r < 0 ? -errno : -ENOSPC;
}

/* Writes the line whose front is in log->line, for count events that would tell lost. What does not
 * come through is told by the next line. */
static int line_put(struct violation_log *log, const char *back, size_t back_len, uint64_t lost,
                    uint64_t count)
{
    uint64_t earlier = log->lost_held + log->n_lost - log->n_lost_told;
    int r = line_finish(log, back, back_len, lost + earlier, count);

    if (r == 0)
        r = line_write(log);
    if (r < 0) {
        log->n_lost += count + lost;
        return r;
    }
    log->seq++;
    log->n_lost_told = log->n_lost;
    log->lost_held = 0;
    return 0;
}

/* What makes two events equal, as a digest: nobody can make two that differ seem equal. */
static int kind_of(struct violation_log *log, const struct violation *v, struct digest *ret)
{
    const char *const texts[] = {
        v->enforcer,
        violation_action_name(v->action),
        v->profile_name,
        v->container ? v->container->id : "",
        v->rule,
        v->event_kind ? v->event_kind : v->event_json,
        v->late ? "late" : "",
    };
    int r = 0;

    buf_clear(&log->kind);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
        r = buf_add(&log->kind, texts[i], strlen(texts[i]) + 1);
    return r < 0 ? r : digest_of(ret, log->kind.data, log->kind.len);
}

/* True if the event, whose line is made, is held. */
static bool is_held(struct violation_log *log, const struct violation *v, uint64_t now_ns)
{
    const struct violation_text text = {.front = buf_text(&log->line),
                                        .front_len = log->line.len,
                                        .back = buf_text(&log->back),
                                        .back_len = log->back.len};
    struct digest kind;

    return log->fold && kind_of(log, v, &kind) == 0 &&
           violation_fold_hold(log->fold, &kind, &text, now_ns);
}

static uint64_t now_monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

int violation_log_write(struct violation_log *log, const struct violation *v,
                        const struct profile *profile)
{
    uint64_t now_ns = log->fold ? now_monotonic_ns() : 0;
    int r_held = log->fold ? violation_log_flush(log, now_ns) : 0, r;

    r = front_make(log, v, profile);
    if (r == 0)
        r = back_make(log, v);
    if (r < 0) {
        log->n_lost += 1 + v->lost; /* what the event would have told is told by the next line */
        return r;
    }
    if (is_held(log, v, now_ns)) {
        log->lost_held += v->lost;
        return r_held;
    }
    r = line_put(log, buf_text(&log->back), log->back.len, v->lost, 1);
    return r < 0 ? r : r_held;
}

int violation_log_flush(struct violation_log *log, uint64_t now_ns)
{
    struct violation_text text;
    uint64_t count;
    int result = 0;

    while (log->fold && violation_fold_take_due(log->fold, now_ns, &text, &count)) {
        int r;

        buf_clear(&log->line);
        r = buf_add(&log->line, text.front, text.front_len);
        if (r == 0)
            r = line_put(log, text.back, text.back_len, 0, count);
        else
            log->n_lost += count;
        result = r < 0 ? r : result;
    }
    return result;
}

uint64_t violation_log_deadline_ns(const struct violation_log *log)
{
    return log->fold ? violation_fold_deadline_ns(log->fold) : UINT64_MAX;
}

const char *violation_log_problem(const struct violation_log *log)
{
    return log->problem ? error_message(log->problem) : NULL;
}

uint64_t violation_log_n_written(const struct violation_log *log)
{
    return log->seq - 1;
}

uint64_t violation_log_n_lost(const struct violation_log *log)
{
    return log->n_lost;
}
