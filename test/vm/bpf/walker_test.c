/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two judges of one image: the walker that the kernel runs (BPF_PROG_TEST_RUN, so on any kernel that lets us
 * load a classifier, the build machine's too) and the one in user space. They must agree on every path of the
 * verdict tables, and on as many more that are made from the tables' own patterns. Then, natively, what a path
 * costs. Exits with 77 where the kernel does not let us.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/walker_probe.skel.h"
#include "test/verdicts/verdict_table.h"
#include "test/vm/bpf/kernel_side.h"

#define N_RANDOM      400 /* paths for each profile */
#define PATH_BYTES    3000
#define BENCH_REPEATS 200000

struct question { /* see bpf/walker_probe.bpf.c */
    uint8_t ethernet[14], reserved[2];
    uint32_t version, asked, automaton, path_len;
};

static unsigned n_passed, n_failed;
static struct walker_probe_bpf *probe;
static uint64_t random_state = 42;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(random_state >> 33) % n;
}

/* Asks the kernel's walker. Returns its answer or a negative errno; *ret_ns is an average. */
static int ask_kernel(uint32_t version, unsigned asked, const char *path, size_t len, int repeat,
                      uint32_t *ret_ns)
{
    char packet[sizeof(struct question) + PATH_BYTES];
    struct question q = {.version = version,
                         .asked = asked,
                         .automaton =
                             asked & VARMOR_MAY_EXEC ? VARMOR_EXEC_FORWARD : VARMOR_FILE_FORWARD,
                         .path_len = (uint32_t)len};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet,
                .data_size_in = (uint32_t)(sizeof(q) + len), .repeat = repeat);

    memcpy(packet, &q, sizeof(q));
    memcpy(packet + sizeof(q), path, len);
    if (bpf_prog_test_run_opts(bpf_program__fd(probe->progs.varmor_walker), &options) < 0)
        return -errno;
    if (ret_ns)
        *ret_ns = options.duration;
    return (int)options.retval;
}

static void compare(const struct ruleset *rules, uint32_t version, unsigned asked, const char *path,
                    size_t len)
{
    struct ruleset_verdict want = ruleset_judge_path(rules, path, len, asked);
    int r = ask_kernel(version, asked, path, len, 1, NULL);

    if (r >= 0 && (r & 1) == want.deny && (r >> 1 & 1) == want.audit && (r >> 8 & 0xff) == 0 &&
        (r >> 16) == (int)want.rule) {
        n_passed++;
        return;
    }
    if (r < 0 && want.rule == VARMOR_NO_RULE &&
        (unsigned)r == 0xffff0000u) { /* no rule fills the sign bit */
        n_passed++;
        return;
    }
    n_failed++;
    printf("  FAILED '%.*s' %#x: kernel %#x, user space deny %d audit %d rule %u\n", (int)len, path,
           asked, (unsigned)r, want.deny, want.audit, want.rule);
}

/* A path that is near a pattern: its bytes, with stars filled, some replaced, cut or doubled. */
static size_t random_path(char *path, const struct profile *p)
{
    static const char alphabet[] = "/abesx.-_\xc3\xa9";
    const char *pattern = "/etc/passwd";
    size_t n = 0;

    for (size_t tries = 0; p->n_rules && tries < 8; tries++) {
        const struct rule *r = &p->rules[random_below((unsigned)p->n_rules)];

        if (r->kind == RULE_FILE || r->kind == RULE_EXEC) {
            pattern = r->path.pattern;
            break;
        }
    }
    path[n++] = '/';
    for (const char *c = pattern; *c && n < 200; c++) {
        unsigned dice = random_below(20);

        if (*c == '*' || dice == 0)
            for (unsigned i = random_below(6); i > 0; i--)
                path[n++] = alphabet[random_below(sizeof(alphabet) - 1)];
        else if (dice != 1 && (n > 1 || *c != '/'))
            path[n++] = *c;
    }
    return n;
}

static int put_image(const struct ruleset *rules, uint32_t version)
{
    int fd = kernel_side_make_image(rules), r;

    if (fd < 0)
        return fd;
    r = bpf_map_update_elem(bpf_map__fd(probe->maps.varmor_images), &version, &fd, 0) < 0 ? -errno
                                                                                          : 0;
    close(fd);
    return r;
}

static void compare_profile(const struct verdict_profile *p, const struct ruleset *rules,
                            uint32_t version)
{
    static const unsigned asks[] = {VARMOR_MAY_READ, VARMOR_MAY_WRITE, VARMOR_MAY_EXEC,
                                    VARMOR_MAY_RENAME | VARMOR_MAY_READ};
    char path[PATH_BYTES];

    for (size_t i = 0; i < p->n_asks; i++)
        if (p->asks[i].kind == VERDICT_ASK_PATH)
            compare(rules, version, p->asks[i].asked, p->asks[i].text, strlen(p->asks[i].text));
    for (unsigned i = 0; i < N_RANDOM; i++) {
        size_t len = random_path(path, p->profile);

        compare(rules, version, asks[i % ARRAY_SIZE(asks)], path, len);
    }
    /* Longer than a piece of the walker's, and than all its pieces but one. */
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    for (size_t len = 250; len < 260; len++)
        compare(rules, version, VARMOR_MAY_READ, path, len);
    compare(rules, version, VARMOR_MAY_READ, path, sizeof(path) - 100);
}

static int compare_table(const char *file)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP(verdict_table_free) struct verdict_table *t = NULL;
    int r = verdict_table_read(&t, file, &e);

    for (size_t i = 0; r == 0 && i < t->n_profiles; i++) {
        CLEANUP(ruleset_free) struct ruleset *rules = NULL;

        r = ruleset_build(&rules, t->profiles[i].profile, &e);
        if (r == 0)
            r = put_image(rules, (uint32_t)i + 1);
        if (r == 0)
            compare_profile(&t->profiles[i], rules, (uint32_t)i + 1);
    }
    if (r < 0)
        printf("%s: %s\n", file, e ? error_message(e) : strerror(-r));
    return r;
}

/* What the walk of one path takes with n rules of a kind. */
static int bench(uint32_t version, const char *what, const char *prefix, unsigned n,
                 const char *path)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(ruleset_free) struct ruleset *rules = NULL;
    uint32_t ns = 0;
    int r;

    for (unsigned i = 0; p && i < n; i++) {
        struct rule *rule = profile_add_rule(p, RULE_FILE, RULE_DENY, "bench");

        if (!rule || asprintf(&rule->path.pattern, "%s%u", prefix, i) < 0)
            return -ENOMEM;
        rule->path.permissions = PATH_READ;
    }
    p->name = strdup("bench");
    r = ruleset_build(&rules, p, &e);
    if (r == 0)
        r = put_image(rules, version);
    if (r == 0)
        r = ask_kernel(version, VARMOR_MAY_READ, path, strlen(path), BENCH_REPEATS, &ns) == -1
                ? -EIO
                : 0;
    printf("  %4u rules %-26s %5u ns\n", n, what, ns);
    return r;
}

static int load(void)
{
    probe = walker_probe_bpf__open();
    if (!probe)
        return -errno;
    bpf_map__set_autocreate(probe->maps.varmor_tasks, false);
    bpf_map__set_autocreate(probe->maps.varmor_walks, false);
    return walker_probe_bpf__load(probe);
}

int main(int argc, char **argv)
{
    static const char path[] = "/usr/lib/x86_64-linux-gnu/some-application/data/file-in-use.conf";
    static const char beside[] = "/usr/lib/x86_64-linux-gnu/some-application/data/";
    int r = load();

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (r < 0) {
        printf("not loaded: %s\n0 passed, 1 failed\n", strerror(-r));
        return r == -EPERM ? 77 : 1;
    }
    for (int i = 1; r == 0 && i < argc; i++)
        r = compare_table(argv[i]);
    for (unsigned n = 1; r == 0 && n <= 1000; n = n == 1 ? 64 : n == 64 ? 1000 : n + 1) {
        r = bench(1000 + 2 * n, "that end early", "/etc/file-", n, path);
        if (r == 0)
            r = bench(1001 + 2 * n, "beside the path", beside, n, path);
    }
    n_failed += r < 0;
    walker_probe_bpf__destroy(probe);
    printf("%u passed, %u failed\n", n_passed, n_failed);
    return n_failed != 0;
}
