/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/violation_log.h"

#include "agent/container.h"
#include "agent/violation.h"
#include "lib/json_text.h"
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
    char *metadata; /* a JSON object */
    uint64_t max_bytes;
    int fd;       /* owned */
    dev_t device; /* with inode: which file fd is */
    ino_t inode;
    uint64_t seq;         /* of the next line */
    uint64_t n_lost;      /* in all */
    uint64_t n_lost_told; /* of these, told in a line */
    struct buf line;
};

DEFINE_CLEANUP(json_t *, json_decref)
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
    metadata =
        given ? json_loads(settings->metadata, JSON_REJECT_DUPLICATES, &problem) : json_object();
    if (!metadata &&
        (!given || json_error_code(&problem) == json_error_out_of_memory || !problem.text[0]))
        return error_oom(reterr); /* which jansson does not always say in so many words */
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
    log->line = BUF_INIT(VIOLATION_LINE_MAX);
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
    r = metadata_make(&log->metadata, settings, reterr);
    if (r < 0)
        return r;
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

static int add_extras(struct violation_log *log, const struct violation *v)
{
    uint64_t lost = v->lost + log->n_lost - log->n_lost_told;
    struct buf *b = &log->line;
    int r = buf_format(b, ",\"seq\":%llu", (unsigned long long)log->seq);

    if (r == 0)
        r = add_key_text(b, "rule", v->rule);
    if (r == 0 && lost > 0)
        r = buf_format(b, ",\"lost\":%llu", (unsigned long long)lost);
    return r;
}

static int line_make(struct violation_log *log, const struct violation *v,
                     const struct profile *profile)
{
    bool denied = v->action == VIOLATION_DENIED;
    struct buf *b = &log->line;
    int r;

    buf_clear(b);
    r = buf_format(b, "{\"level\":\"%s\",\"metadata\":%s", denied ? "warn" : "debug",
                   log->metadata);
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
                       v->enforcer, v->enforcer, denied ? "DENIED" : "AUDIT");
    if (r == 0)
        r = add_key_text(b, "profileName", v->profile_name);
    if (r == 0)
        r = add_policy(b, profile);
    if (r == 0)
        r = buf_format(b, ",\"event\":%s", v->event_json);
    if (r == 0)
        r = add_time(b);
    if (r == 0)
        r = add_key_text(b, "message", MESSAGE);
    if (r == 0)
        r = add_extras(log, v);
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

int violation_log_write(struct violation_log *log, const struct violation *v,
                        const struct profile *profile)
{
    int r = line_make(log, v, profile);

    if (r == 0)
        r = line_write(log);
    if (r < 0) {
        log->n_lost += 1 + v->lost; /* what the event would have told is told by the next line */
        return r;
    }
    log->seq++;
    log->n_lost_told = log->n_lost;
    return 0;
}

uint64_t violation_log_n_written(const struct violation_log *log)
{
    return log->seq - 1;
}

uint64_t violation_log_n_lost(const struct violation_log *log)
{
    return log->n_lost;
}
