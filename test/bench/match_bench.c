/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the matching core natively: how long rules take to compile, how large their image is,
 * and what a judged path costs, next to linear scans over the same rules in the same run: by
 * fnmatch(3), and by comparing prefix and suffix as the incumbent does (for the forms that it
 * knows). Only the ratios of one run mean much.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/match/pattern.h"
#include "lib/ruleset/ruleset.h"

#define MAX_RULES 10000
#define N_PATHS   64
#define N_ROUNDS  5                  /* the best counts: what else runs on the machine only adds */
#define ROUND_NS  (20 * NS_PER_MSEC) /* at least */

struct bench {
    unsigned n_rules;
    struct profile *profile;
    struct ruleset *ruleset;
    uint64_t compile_ns;
    struct {
        char *text; /* of the pattern; the profile's */
        size_t prefix_len, suffix_len;
        const char *suffix;
    } scan[MAX_RULES];
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Words that look like names, by number. */
static const char *word(unsigned n, char text[static 16])
{
    static const char *const syllables[] = {"ba",  "con", "dex", "fig", "log", "mon", "net", "pro",
                                            "ser", "sys", "ta",  "ver", "web", "xo",  "yam", "zed"};
    uint64_t h = (n + 1) * 0x9e3779b97f4a7c15ULL;

    snprintf(text, 16, "%s%s%s", syllables[h >> 60], syllables[h >> 56 & 15],
             h >> 55 & 1 ? syllables[h >> 51 & 15] : "");
    return text;
}

/* Rule number n, of the forms that real policies have. */
static void rule_text(unsigned n, char *text, size_t size)
{
    char a[16], b[16], c[16];

    word(n, a);
    word(n * 7 + 1, b);
    word(n * 13 + 2, c);
    switch (n % 8) {
    case 0:
        snprintf(text, size, "/etc/%s/%s%u.conf", a, b, n);
        break;
    case 1:
        snprintf(text, size, "/usr/lib/%s/%s%u/**", a, b, n);
        break;
    case 2:
        snprintf(text, size, "/var/lib/%s/%s-%u/*.db", a, b, n);
        break;
    case 3:
        snprintf(text, size, "**/.%s/%s%u", a, c, n);
        break;
    case 4:
        snprintf(text, size, "/opt/%s/%s/bin/%s%u", a, b, c, n);
        break;
    case 5:
        snprintf(text, size, "/home/*/.%s%u/**", a, n);
        break;
    case 6:
        snprintf(text, size, "/proc/sys/%s/%s_%u", a, b, n);
        break;
    default:
        snprintf(text, size, "*.%s%u", a, n);
        break;
    }
}

static void set_up_scan(struct bench *b, unsigned i, char *text)
{
    char *star = strchr(text, '*');
    size_t len = strlen(text);

    b->scan[i].text = text;
    b->scan[i].prefix_len = star ? (size_t)(star - text) : len;
    b->scan[i].suffix = star ? strrchr(text, '*') + 1 : text + len;
    b->scan[i].suffix_len = strlen(b->scan[i].suffix);
}

static int set_up(struct bench *b, unsigned n_rules, struct error **reterr)
{
    uint64_t started;
    int r;

    b->n_rules = n_rules;
    b->profile = profile_new();
    if (!b->profile)
        return error_oom(reterr);
    for (unsigned i = 0; i < n_rules; i++) {
        struct rule *rule =
            profile_add_rule(b->profile, RULE_FILE, RULE_DENY | RULE_AUDIT, "bench");
        char text[128];

        rule_text(i, text, sizeof(text));
        if (!rule)
            return error_oom(reterr);
        rule->path.permissions = i % 3 ? PATH_WRITE : PATH_READ | PATH_WRITE;
        rule->path.pattern = strdup(text);
        if (!rule->path.pattern)
            return error_oom(reterr);
        set_up_scan(b, i, rule->path.pattern);
    }
    started = now_ns();
    r = ruleset_build(&b->ruleset, b->profile, reterr);
    b->compile_ns = now_ns() - started;
    return r;
}

static void tear_down(struct bench *b)
{
    b->ruleset = ruleset_free(b->ruleset);
    b->profile = profile_unref(b->profile);
}

/* Paths that the rules match, that leave them late, and that leave them at once. */
static void make_path(unsigned kind, unsigned n, unsigned n_rules, char *text, size_t size)
{
    char pattern[128], *out = text;

    rule_text(n * 131 % n_rules, pattern, sizeof(pattern));
    if (kind == 2) {
        snprintf(text, size, "/Srv/%u/data/objects/ab/cdef0123456789.blob", n);
        return;
    }
    if (pattern[0] == '*')
        out += snprintf(text, size, "/srv/data/x");
    for (const char *p = pattern; *p && out < text + size - 4; p++) {
        if (*p != '*')
            *out++ = *p;
        else if (p == pattern || p[-1] != '*')
            *out++ = 'q';
    }
    if (kind == 1)
        *out++ = '~'; /* a near miss: the last byte is another */
    *out = '\0';
}

typedef unsigned judge_func(const struct bench *b, const char *path, size_t len);

static unsigned judge_automata(const struct bench *b, const char *path, size_t len)
{
    return ruleset_judge_path(b->ruleset, path, len, VARMOR_MAY_WRITE).deny;
}

static unsigned judge_fnmatch(const struct bench *b, const char *path, size_t len)
{
    const char *name = strrchr(path, '/') + 1;

    (void)len;
    for (unsigned i = 0; i < b->n_rules; i++)
        if (fnmatch(b->scan[i].text, strchr(b->scan[i].text, '/') ? path : name, 0) == 0)
            return 1;
    return 0;
}

static unsigned judge_compare(const struct bench *b, const char *path, size_t len)
{
    for (unsigned i = 0; i < b->n_rules; i++)
        if (len >= b->scan[i].prefix_len &&
            memcmp(path, b->scan[i].text, b->scan[i].prefix_len) == 0 &&
            len >= b->scan[i].suffix_len &&
            memcmp(path + len - b->scan[i].suffix_len, b->scan[i].suffix, b->scan[i].suffix_len) ==
                0)
            return 1;
    return 0;
}

/* Nanoseconds a path, over paths of a kind; *ret_hits of N_PATHS were denied. */
static double measure_ns(const struct bench *b, unsigned kind, judge_func *judge,
                         unsigned *ret_hits)
{
    char paths[N_PATHS][160];
    size_t lens[N_PATHS];
    double best_ns = 0;

    *ret_hits = 0;
    for (unsigned i = 0; i < N_PATHS; i++) {
        make_path(kind, i, b->n_rules, paths[i], sizeof(paths[i]));
        lens[i] = strlen(paths[i]);
        *ret_hits += judge(b, paths[i], lens[i]);
    }
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        uint64_t started = now_ns(), spent, n = 0;

        do {
            for (unsigned i = 0; i < N_PATHS; i++)
                judge(b, paths[i], lens[i]);
            n += N_PATHS;
            spent = now_ns() - started;
        } while (spent < ROUND_NS);
        if (round == 0 || (double)spent / (double)n < best_ns)
            best_ns = (double)spent / (double)n;
    }
    return best_ns;
}

static void print_row(const struct bench *b)
{
    static const char *const kinds[] = {"hit", "near miss", "early end"};
    static const struct {
        const char *name;
        judge_func *judge;
    } judges[] = {
        {"automata", judge_automata}, {"compare", judge_compare}, {"fnmatch", judge_fnmatch}};

    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        double ns[ARRAY_SIZE(judges)];
        unsigned hits[ARRAY_SIZE(judges)];

        for (unsigned j = 0; j < ARRAY_SIZE(judges); j++)
            ns[j] = measure_ns(b, k, judges[j].judge, &hits[j]);
        printf("%7u %9.1f %9zu  %-10s %4u/%u %9.0f %11.0f %11.0f %9.1f %9.1f\n", b->n_rules,
               (double)b->compile_ns / 1e6, b->ruleset->n_lines * sizeof(struct varmor_line) / 1024,
               kinds[k], hits[0], N_PATHS, ns[0], ns[1], ns[2], ns[1] / ns[0], ns[2] / ns[0]);
    }
}

int main(void)
{
    static const unsigned sizes[] = {1, 64, 1000, MAX_RULES};
    static struct bench b;

    printf(
        "  rules   compile image_KiB  path        denied  automata     compare     fnmatch  /compare  "
        "/fnmatch\n"
        "               ms                                     ns          ns          ns     times     "
        "times\n");
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct error *e = NULL;

        if (set_up(&b, sizes[i], &e) < 0) {
            fprintf(stderr, "%u rules: %s\n", sizes[i], error_message(e));
            error_free(e);
            tear_down(&b);
            return 1;
        }
        print_row(&b);
        tear_down(&b);
    }
    return 0;
}
