/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many AppArmor profiles a second are compiled, and where the kernel has AppArmor (in a guest)
 * compiled and loaded, next to apparmor_parser alone on the same texts in the same run. Only the
 * ratios of one run mean much. apparmor_bench [PROFILES]
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_compiler.h"
#include "agent/apparmor_features.h"
#include "agent/enforcer_apparmor.h"
#include "agent/whole_file.h"
#include "lib/apparmor/apparmor.h"
#include "lib/loop.h"
#include "lib/policy/findings.h"

#define PARSER     "/usr/sbin/apparmor_parser"
#define FEATURES   "/etc/apparmor.d/abi/3.0"
#define FOLDER     "/tmp/apparmor-bench"
#define MAX_TEXTS  1000
#define N_RULES    20
#define PREAMBLE   "@{varmor_disks}=/dev/sda /dev/sda1 /dev/nvme0n1\n"
#define KEPT_BYTES (64u << 20)
#define DEADLINE   (60 * NS_PER_SEC)

static struct profile *profiles[MAX_TEXTS];
static unsigned n_profiles = 100;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

_Noreturn static void die(const char *what, const struct error *problem)
{
    fprintf(stderr, "apparmor_bench: %s: %s\n", what,
            problem ? error_message(problem) : strerror(errno));
    exit(1);
}

static void report(const char *what, uint64_t began_ns)
{
    double seconds = (double)(now_ns() - began_ns) / (double)NS_PER_SEC;

    printf("  %-52s %9.1f a second\n", what, n_profiles / seconds);
}

/* ---- texts ---- */

static void parse_rules(struct aa_rules *ret, unsigned n)
{
    struct buf text CLEANUP_BUF = BUF_INIT(AA_MAX_TEXT);
    struct findings findings = {0};

    for (unsigned i = 0; i < N_RULES; i++)
        if (buf_format(&text, "deny /srv/app%u/{data,cache}/*%u/** w,\n", n, i) < 0)
            die("text", NULL);
    if (aa_rules_parse(ret, buf_text(&text), text.len, 1, 1, &findings) < 0)
        die("rules", NULL);
}

static void write_file(const struct profile *p, unsigned n)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), FOLDER "/%u", n);
    f = fopen(path, "we");
    if (!f || fputs(PREAMBLE, f) < 0 || fputs(p->apparmor_text, f) < 0 || fclose(f) != 0)
        die(path, NULL);
}

static void make_profile(unsigned n)
{
    struct buf text CLEANUP_BUF = BUF_INIT(1u << 20);
    struct aa_rules raw = {0}, none = {0};
    struct profile *p = profile_new();
    char name[64];
    const struct aa_profile all = {
        .name = name,
        .base = AA_TEMPLATE_RUNTIME_DEFAULT,
        .qualifiers = AA_DENY,
        .rules = &none,
        .raw = &raw,
    };

    snprintf(name, sizeof(name), "varmor-bench-%u", n);
    parse_rules(&raw, n);
    if (!p || aa_profile_write(&all, &text) < 0 || digest_of(&p->digest, name, strlen(name)) < 0)
        die("profile", NULL);
    p->name = strdup(name);
    p->apparmor_text = strdup(buf_text(&text));
    profiles[n] = p;
    write_file(p, n);
    aa_rules_done(&raw);
}

/* ---- the parser alone ---- */

static void run_parser(unsigned n, const char *how, const char *features)
{
    char path[64];
    const char *argv[] = {"apparmor_parser",
                          "--config-file=/dev/null",
                          "--quiet",
                          "--jobs=1",
                          "-K",
                          how,
                          "--policy-features=" FEATURES,
                          features ? "--kernel-features" : path,
                          features ? features : NULL,
                          path,
                          NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;

    snprintf(path, sizeof(path), FOLDER "/%u", n);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, PARSER, &actions, NULL, (char *const *)argv, NULL) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        die(PARSER, NULL);
    posix_spawn_file_actions_destroy(&actions);
}

static void parser_alone(const char *what, const char *how, const char *features)
{
    uint64_t began_ns = now_ns();

    for (unsigned i = 0; i < n_profiles; i++)
        run_parser(i, how, features);
    report(what, began_ns);
}

/* ---- ours ---- */

struct bench {
    struct loop *loop;
    unsigned n_done;
};

static void on_done(const char *profile UNUSED, void *data)
{
    struct bench *b = data;

    if (++b->n_done == n_profiles)
        loop_stop(b->loop);
}

static void compile_all(const char *what, unsigned n_children)
{
    struct buf features CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
    CLEANUP(error_free) struct error *problem = NULL;
    struct apparmor_compiler *compiler = NULL;
    struct bench b = {0};
    struct apparmor_compiler_settings settings = {
        .parser = PARSER,
        .features_file = FEATURES,
        .max_children = n_children,
        .deadline_ns = DEADLINE,
        .max_kept_bytes = KEPT_BYTES,
        .done = on_done,
        .data = &b,
    };
    uint64_t began_ns;

    if (whole_file_read(AT_FDCWD, FEATURES, &features) < 0)
        die(FEATURES, NULL);
    settings.features_text = buf_text(&features);
    if (loop_new(&b.loop, &problem) < 0 ||
        apparmor_compiler_new(&compiler, b.loop, &settings, &problem) < 0)
        die("compiler", problem);
    began_ns = now_ns();
    for (unsigned i = 0; i < n_profiles; i++) {
        struct apparmor_binary *binary = NULL;

        if (apparmor_compiler_get(compiler, profiles[i], PREAMBLE, false, &binary, NULL) !=
            -EINPROGRESS)
            die("compile", NULL);
    }
    loop_run(b.loop);
    report(what, began_ns);
    apparmor_compiler_free(compiler);
    loop_free(b.loop);
}

/* Everything that the agent does: reading the text again, compiling, checking, recording, loading,
 * reading back. */
static void load_all(const char *what, struct enforcer *e)
{
    struct enforcer_version *v = NULL;
    CLEANUP(error_free) struct error *problem = NULL;
    uint64_t began_ns = now_ns();

    for (unsigned i = 0; i < n_profiles; i++)
        if (e->ops->prepare(e, profiles[i], &v, &problem) < 0 ||
            e->ops->commit(e, &v, &problem) < 0)
            die("load", problem);
    report(what, began_ns);
}

static bool prepare_all(const char *what, struct enforcer *e, struct bench *b)
{
    struct enforcer_version *v = NULL;
    uint64_t began_ns = now_ns();

    b->n_done = 0;
    for (unsigned i = 0; i < n_profiles; i++)
        if (e->ops->prepare(e, profiles[i], &v, NULL) != -EINPROGRESS)
            return false;
    loop_run(b->loop);
    report(what, began_ns);
    return true;
}

static void remove_all(struct enforcer *e)
{
    for (unsigned i = 0; i < n_profiles; i++)
        e->ops->remove(e, profiles[i]->name, NULL);
}

static void kernel_part(void)
{
    const struct enforcer_apparmor_settings settings = {.state_folder = FOLDER};
    CLEANUP(error_free) struct error *problem = NULL;
    struct enforcer_facts facts;
    struct enforcer *e = NULL;
    struct bench b = {0};
    const struct enforcer_events events = {.prepared = on_done, .data = &b};

    if (loop_new(&b.loop, &problem) < 0 ||
        enforcer_apparmor_new(&e, b.loop, &settings, &events, &problem) < 0 ||
        e->ops->probe(e, &facts, &problem) < 0)
        die("enforcer", problem);
    if (!facts.usable) {
        printf("  (not loaded: %s)\n", facts.reason);
    } else {
        parser_alone("apparmor_parser -r, one after the other", "-r", NULL);
        if (!prepare_all("agent: compiled", e, &b))
            die("prepare", NULL);
        load_all("agent: then checked, loaded and read back", e);
        load_all("agent: the same again, nothing changed", e);
        remove_all(e);
    }
    e->ops->free(e);
    loop_free(b.loop);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        n_profiles = (unsigned)strtoul(argv[1], NULL, 10);
    if (n_profiles < 1 || n_profiles > MAX_TEXTS)
        return 2;
    if (system("rm -rf " FOLDER " && mkdir " FOLDER) != 0)
        die(FOLDER, NULL);
    for (unsigned i = 0; i < n_profiles; i++)
        make_profile(i);
    printf("  %u profiles of the runtime default and %d rules, %ld processors\n", n_profiles,
           N_RULES, sysconf(_SC_NPROCESSORS_ONLN));
    parser_alone("apparmor_parser, one after the other, not loaded", "-QS", FEATURES);
    compile_all("compiler, one child", 1);
    compile_all("compiler, a child for each processor", (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    kernel_part();
    for (unsigned i = 0; i < n_profiles; i++)
        profile_unref(profiles[i]);
    return system("rm -rf " FOLDER) == 0 ? 0 : 1;
}
