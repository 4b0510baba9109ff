/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures what an audit record costs: taking it apart and making its event, next to libapparmor's
 * parser alone in the same run; and the whole way from a log file to violations.log, with memory
 * before and after a million records. Fails if memory has grown.
 */
#include <aalogparse/aalogparse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/audit_violations.h"
#include "agent/violation_apparmor.h"
#include "agent/violation_log.h"
#include "lib/loop.h"

#define N_RECORDS     1000000
#define N_PER_TURN    20000 /* lines that are written at a time */
#define WARM_UP       100000
#define GROWTH_MAX_KB 256
#define PROFILE       "varmor-bench"

struct bench {
    struct loop *loop;
    struct loop_timer *timer;
    struct audit_violations *violations;
    struct violation_log *log;
    struct profile *profile;
    uint64_t n_seen, n_wanted;
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "audit_bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Anonymous memory in use; the log's pages in the cache are nobody's. */
static uint64_t memory_kb(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    unsigned long kb = 0;
    char line[256];

    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "RssAnon:", 8) == 0)
            kb = strtoul(line + 8, NULL, 10);
    }
    if (f)
        fclose(f);
    return kb;
}

static int make_line(char *line, size_t size, unsigned n)
{
    return snprintf(
        line, size,
        "type=AVC msg=audit(1748416438.%03u:%u): apparmor=\"DENIED\" operation=\"open\" "
        "profile=\"" PROFILE "\" name=\"/var/lib/app/data/file-%u\" pid=4194303 comm=\"app\" "
        "requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0",
        n % 1000, n, n % 1000);
}

/* ---- the parsers ---- */

static void parse_ours(char *line, int len)
{
    static struct audit_record record;
    static struct buf event = BUF_INIT(VIOLATION_AUDIT_JSON_MAX);

    buf_clear(&event);
    if (audit_record_read_line(&record, line, (size_t)len) != AUDIT_READ ||
        violation_apparmor_format(&event, &record, false) < 0)
        die("a record");
}

static void parse_theirs(char *line, int len)
{
    aa_log_record *r = parse_record(line);

    (void)len;
    if (!r || r->event == AA_RECORD_INVALID)
        die("a record");
    free_record(r);
}

static void measure_parser(const char *name, void (*parse)(char *line, int len), unsigned n)
{
    uint64_t begin_kb = 0, start_ns = now_ns();
    char line[1024];

    for (unsigned i = 0; i < n; i++) {
        int len = make_line(line, sizeof(line), i);

        if (i == n / 10)
            begin_kb = memory_kb();
        parse(line, len);
    }
    printf("  %-36s %9u %12.0f %+9lld\n", name, n, (double)n * 1e9 / (double)(now_ns() - start_ns),
           (long long)(memory_kb() - begin_kb));
}

/* ---- the whole way ---- */

static void on_violation(const struct violation *v, void *data)
{
    struct bench *b = data;

    if (violation_log_write(b->log, v, b->profile) < 0)
        die("violations.log");
    if (++b->n_seen == b->n_wanted)
        loop_stop(b->loop);
}

static const struct container *find_container(uint64_t cgroup_id UNUSED, void *data UNUSED)
{
    return NULL;
}

static const struct profile *find_profile(const char *name, void *data)
{
    struct bench *b = data;

    return strcmp(name, PROFILE) == 0 ? b->profile : NULL;
}

static const struct profile *profile_of(const struct container *c UNUSED, void *data UNUSED)
{
    return NULL;
}

static const struct container *only_container(const char *profile UNUSED, void *data UNUSED)
{
    return NULL;
}

static void make_way(struct bench *b, const char *folder, const char *source)
{
    const struct audit_violations_events events = {
        .violation = on_violation,
        .find_container = find_container,
        .find_profile = find_profile,
        .profile_of = profile_of,
        .only_container = only_container,
        .data = b,
    };
    const struct audit_violations_settings settings = {.no_netlink = true, .log_paths = source};
    char path[128];
    const struct violation_log_settings log = {
        .path = path, .node_name = "bench", .fold_ns = VIOLATION_LOG_FOLD_NS};

    snprintf(path, sizeof(path), "%s/violations.log", folder);
    b->profile = profile_new();
    if (!b->profile || !(b->profile->name = strdup(PROFILE)) || loop_new(&b->loop, NULL) < 0 ||
        violation_log_new(&b->log, &log, NULL) < 0 ||
        audit_violations_new(&b->violations, b->loop, &settings, &events, NULL) < 0)
        die("setting up");
}

static void measure_way(struct bench *b, int fd)
{
    uint64_t begin_kb = 0, start_ns = now_ns(), grown_kb;

    for (unsigned n = 0; n < N_RECORDS;) {
        FILE *out = fdopen(dup(fd), "we");
        char line[1024];

        for (unsigned i = 0; i < N_PER_TURN; i++, n++) {
            make_line(line, sizeof(line), n);
            fprintf(out, "%s\n", line);
        }
        fclose(out);
        b->n_wanted = n;
        loop_run(b->loop);
        if (n == WARM_UP)
            begin_kb = memory_kb();
    }
    grown_kb = memory_kb() - begin_kb;
    printf("  %-36s %9u %12.0f %+9lld\n", "log file to violations.log", N_RECORDS,
           (double)N_RECORDS * 1e9 / (double)(now_ns() - start_ns), (long long)grown_kb);
    if ((int64_t)grown_kb > GROWTH_MAX_KB) {
        printf("  memory has grown by more than %d KiB\n", GROWTH_MAX_KB);
        exit(1);
    }
}

int main(void)
{
    char folder[] = "/tmp/audit-bench-XXXXXX", source[64], command[64];
    struct bench b = {0};
    int fd;

    if (!mkdtemp(folder))
        die(folder);
    snprintf(source, sizeof(source), "%s/audit.log", folder);
    fd = open(source, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        die(source);
    printf("  %-36s %9s %12s %9s\n", "", "records", "a second", "KiB more");
    measure_parser("parser and event", parse_ours, N_RECORDS);
    measure_parser("libapparmor's parser", parse_theirs, N_RECORDS / 10);
    make_way(&b, folder, source);
    measure_way(&b, fd);
    audit_violations_free(b.violations);
    violation_log_free(b.log);
    profile_unref(b.profile);
    loop_free(b.loop);
    close(fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) != 0;
}
