/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BPF enforcer on a real kernel: what it puts there, what stays when it is killed, what a new
 * one finds. enforcer_test PROGRAM: the captive's program. Runs in a guest (test/vm/enforcer/run),
 * needs root.
 */
#include "test/vm/enforcer/agent_side.h"
#include "test/vm/enforcer/captive.h"

#include "agent/container.h"
#include "agent/kernel_map.h"
#include "bpf/varmor_shared.h"
#include "lib/loop.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define NAME    "varmor-shop-web"
#define LAYOUT  VARMOR_BPF_ROOT "/layout-1"
#define ORIGIN  "bpfRawRules.files[0]"
#define KILLS   100
#define UPDATES 100

static const char *program;
static int n_passed, n_failed;
static bool failed;

/* Notes a failure and leaves the test. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("    line %d: %s\n", __LINE__, #condition);                                     \
            failed = true;                                                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
    return now_us() / 1000;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void told(const char *what, void *data)
{
    if (data)
        ++*(unsigned *)data;
    else
        printf("    removed: %s\n", what);
}

static void start_afresh(void)
{
    CLEANUP(error_free) struct error *e = NULL;
    unsigned n = 0;

    if (enforcer_bpf_cleanup(told, &n, &e) < 0)
        printf("    cleanup: %s\n", error_message(e));
}

/* Resident memory of this process. */
static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[128];
    long kib = -1;

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

/* Versions that an outer map holds. */
static size_t n_versions(const char *map)
{
    CLEANUP_FREE uint32_t *versions = NULL;
    size_t n = 0;
    int fd = bpf_obj_get(map);

    if (fd < 0 || kernel_map_versions(fd, &versions, &n) < 0)
        n = 999;
    if (fd >= 0)
        close(fd);
    return n;
}

/* ---- one agent ---- */

static void what_is_pinned_is_taken_over(void)
{
    struct agent_side a;
    uint64_t began = now_ms();

    agent_side_begin(&a);
    printf("    adoption: %llu ms, %ld KiB resident\n", (unsigned long long)(now_ms() - began),
           resident_kib());
    CHECK(a.facts.usable);
    agent_side_end(&a);
}

static void the_kernel_can_and_holds_nothing_yet(void)
{
    struct agent_side a;
    uint64_t began = now_ms();

    agent_side_begin(&a);
    printf("    first load: %llu ms, then %ld KiB resident\n",
           (unsigned long long)(now_ms() - began), resident_kib());
    for (size_t i = 0; i < a.facts.n; i++)
        printf("    %s: %s\n", a.facts.items[i].name, a.facts.items[i].value);
    if (!a.facts.usable)
        printf("    %s\n", a.facts.reason);
    CHECK(a.facts.usable);
    CHECK(a.n_adopted == 0);
    CHECK(exists(LAYOUT "/varmor_slots"));
    CHECK(!exists(VARMOR_BPF_ROOT "/staging"));
    agent_side_end(&a);
}

static void a_binding_takes_hold_with_the_first_commit(void)
{
    struct enforcer_holding h;
    struct agent_side a;
    struct captive c;

    captive_make(&c, "first");
    agent_side_begin(&a);
    CHECK(agent_side_bind(&a, c.cgroup_id, NAME, false) == 0);
    captive_start(&c, program);
    CHECK(captive_open(&c, "/secret") == 0);
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &h, NULL) == -ENOENT);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == 0);
    CHECK(captive_open(&c, "/secret") == EPERM);
    CHECK(captive_open(&c, "/public") == 0);
    CHECK(a.enforcer->ops->remove(a.enforcer, NAME, NULL) == 0);
    CHECK(captive_open(&c, "/secret") == 0);
    CHECK(agent_side_bindings(&a) == 1);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 2)) == 0);
    CHECK(captive_open(&c, "/secret") == EPERM);
    CHECK(a.enforcer->ops->unbind(a.enforcer, c.cgroup_id, NULL) == 0);
    CHECK(captive_open(&c, "/secret") == 0);
    CHECK(agent_side_bindings(&a) == 0);
    captive_end(&c);
    agent_side_end(&a);
}

static void what_is_read_back_is_what_was_meant(void)
{
    struct enforcer_holding h = {};
    struct digest digest;
    struct agent_side a;
    unsigned salt = 7;

    agent_side_begin(&a);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, salt)) == 0);
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &h, NULL) == 0);
    CHECK(digest_of(&digest, &salt, sizeof(salt)) == 0);
    CHECK(strcmp(h.profile, NAME) == 0);
    CHECK(digest_equal(&h.digest, &digest));
    CHECK(!digest_is_zero(&h.image_digest));
    CHECK(h.n_bindings == 0);
    agent_side_end(&a);
}

static void a_container_that_runs_already_is_bound(void)
{
    struct agent_side a;
    struct captive c;

    captive_make(&c, "running");
    captive_start(&c, program);
    agent_side_begin(&a);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == 0);
    CHECK(captive_open(&c, "/secret") == 0);
    CHECK(agent_side_bind(&a, c.cgroup_id, NAME, true) == 0);
    CHECK(captive_open(&c, "/secret") == EPERM);
    captive_end(&c);
    agent_side_end(&a);
}

static void each_denial_is_counted_and_reported_with_its_rule(void)
{
    CLEANUP(container_free) struct container *container = container_new();
    const struct seen_violation *v;
    struct timespec now;
    struct agent_side a;
    struct captive c;
    uint64_t counts[3] = {9, 9, 9}, stats[VARMOR_N_STATS];

    captive_make(&c, "events");
    agent_side_begin(&a);
    agent_side_drain(&a);
    container->cgroup_id = c.cgroup_id;
    free(container->id);
    container->id = strdup("298c");
    a.container = container;
    CHECK(agent_side_bind(&a, c.cgroup_id, NAME, false) == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == 0);
    captive_start(&c, program);
    for (int i = 0; i < 3; i++)
        CHECK(captive_open(&c, "/secret") == EPERM);
    agent_side_run(&a, 3);
    CHECK(a.n_violations == 3);
    v = &a.violations[0];
    printf("    %s %s\n", v->rule, v->json);
    CHECK(strcmp(v->profile, NAME) == 0 && strcmp(v->rule, ORIGIN) == 0);
    CHECK(
        strstr(v->json, "{\"operation\":\"File\",\"permissions\":[\"read\"],\"path\":\"/secret\""));
    CHECK(strstr(v->json, "\"comm\":\"program\""));
    CHECK(strcmp(v->container, "298c") == 0);
    CHECK(v->pid == c.pid && v->denied && v->lost == 0);
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK(v->time_ns / NS_PER_SEC + 30 > (uint64_t)now.tv_sec &&
          v->time_ns / NS_PER_SEC <= (uint64_t)now.tv_sec);
    CHECK(a.enforcer->ops->counts(a.enforcer, NAME, counts, 3, NULL) == 0);
    CHECK(counts[0] == 3 && counts[1] == 0 && counts[2] == 0);
    CHECK(enforcer_bpf_stats(a.enforcer, stats, VARMOR_N_STATS) == 0);
    CHECK(stats[VARMOR_STAT_DENIED] >= 3 && stats[VARMOR_STAT_EVENTS] >= 3);
    captive_end(&c);
    agent_side_end(&a);
}

/* ---- one agent after another ---- */

static void counters_outlive_updates_and_agents(void)
{
    struct profile *p;
    struct agent_side a;
    struct captive c;
    uint64_t counts[2];

    captive_make(&c, "counters");
    agent_side_begin(&a);
    agent_side_drain(&a);
    CHECK(agent_side_bind(&a, c.cgroup_id, NAME, false) == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", "kept", 1)) == 0);
    captive_start(&c, program);
    CHECK(captive_open(&c, "/secret") == EPERM);
    p = agent_side_profile(NAME, "/other", "new", 2);
    agent_side_add_rule(p, "/secret", "kept");
    CHECK(agent_side_commit(&a, p) == 0);
    CHECK(captive_open(&c, "/secret") == EPERM);
    agent_side_run(&a, 1000); /* the old version goes meanwhile */
    CHECK(a.enforcer->ops->counts(a.enforcer, NAME, counts, 2, NULL) == 0);
    CHECK(counts[0] == 0 && counts[1] == 2);
    CHECK(a.n_violations == 2 && strcmp(a.violations[0].rule, "kept") == 0 &&
          strcmp(a.violations[1].rule, "kept") == 0);
    agent_side_end(&a);

    CHECK(captive_open(&c, "/secret") == EPERM);
    agent_side_begin(&a);
    CHECK(a.n_adopted == 1);
    CHECK(strcmp(a.adopted[0].profile, NAME) == 0 && a.adopted[0].n_bindings == 1);
    agent_side_run(&a, 1);
    CHECK(a.n_violations == 1 && strcmp(a.violations[0].rule, "kept") == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", "kept", 3)) == 0);
    CHECK(a.enforcer->ops->counts(a.enforcer, NAME, counts, 1, NULL) == 0);
    CHECK(counts[0] == 3);
    captive_end(&c);
    agent_side_end(&a);
}

/* Runs the agent for a while, until the kernel holds so many versions; false if it does not come to
 * that. */
static bool versions_become(struct agent_side *a, size_t n)
{
    int tries = 0;

    do
        agent_side_run(a, UINT_MAX);
    while (n_versions(LAYOUT "/varmor_images") != n && ++tries < 30);
    return tries < 30;
}

static void replaced_versions_leave_the_kernel(void)
{
    struct agent_side a;

    agent_side_begin(&a);
    CHECK(versions_become(&a, 1)); /* what the tests before left is gone, and the spare is there */
    for (unsigned i = 0; i < 4; i++)
        CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, i)) == 0);
    agent_side_end(&a); /* before they could */
    CHECK(n_versions(LAYOUT "/varmor_images") == 4);
    agent_side_begin(&a);
    CHECK(versions_become(&a, 2)); /* the present one, and a spare */
    agent_side_run(&a, UINT_MAX);  /* the last one's counters and addresses */
    CHECK(n_versions(LAYOUT "/varmor_counts") == 2);
    CHECK(n_versions(LAYOUT "/varmor_egress") == 0);
    CHECK(a.n_adopted == 1);
    agent_side_end(&a);
}

static void profiles_beyond_the_spares_room_are_committed_too(void)
{
    struct enforcer_holding h;
    struct agent_side a;
    struct captive c;
    struct profile *p;
    uint64_t began;

    captive_make(&c, "large");
    agent_side_begin(&a);
    CHECK(agent_side_bind(&a, c.cgroup_id, NAME, false) == 0);
    CHECK(versions_become(&a, 1));
    began = now_us();
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == 0);
    printf("    a commit into the spare: %llu us\n", (unsigned long long)(now_us() - began));
    captive_start(&c, program);
    CHECK(captive_open(&c, "/secret") == EPERM);
    p = agent_side_profile(NAME, "/secret", "the first", 2);
    for (unsigned i = 0; i < 1000; i++) {
        char path[64], origin[64];

        snprintf(path, sizeof(path), "/srv/%u/data/%u", i * 7919 % 1000, i);
        snprintf(origin, sizeof(origin), "bpfRawRules.files[%u]", i);
        agent_side_add_rule(p, path, origin);
    }
    CHECK(versions_become(&a, 2));
    began = now_us();
    CHECK(agent_side_commit(&a, p) == 0);
    printf("    a commit of 1001 rules: %llu us\n", (unsigned long long)(now_us() - began));
    CHECK(captive_open(&c, "/secret") == EPERM);
    CHECK(captive_open(&c, "/public") == 0);
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &h, NULL) == 0);
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/public", ORIGIN, 3)) == 0);
    CHECK(captive_open(&c, "/public") == EPERM && captive_open(&c, "/secret") == 0);
    captive_end(&c);
    agent_side_end(&a);
}

/* A profile of n blocks of addresses. */
static struct profile *egress_profile(unsigned n, unsigned salt)
{
    struct profile *p = agent_side_profile(NAME, "/secret", ORIGIN, salt);

    for (unsigned i = 0; i < n; i++) {
        struct rule *rule =
            profile_add_rule(p, RULE_EGRESS, RULE_DENY, "bpfRawRules.network.egress[0]");
        char text[ADDR_TEXT_SIZE];

        snprintf(text, sizeof(text), i % 2 ? "fd00:%x::/32" : "10.%u.%u.0/24", i % 2 ? i : i / 256,
                 i % 256);
        if (addr_parse_block(&rule->egress.block, text) < 0)
            printf("    %s is no block\n", text);
    }
    return p;
}

static void addresses_are_read_back_too(void)
{
    struct enforcer_holding h = {}, again = {};
    struct agent_side a;

    agent_side_begin(&a);
    CHECK(versions_become(&a, 1));
    CHECK(agent_side_commit(&a, egress_profile(3000, 1)) == 0);
    CHECK(n_versions(LAYOUT "/varmor_egress") == 1);
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &h, NULL) == 0);
    agent_side_end(&a);
    agent_side_begin(&a);
    CHECK(a.n_adopted == 1 && digest_equal(&a.adopted[0].image_digest, &h.image_digest));
    CHECK(agent_side_commit(&a, egress_profile(2999, 2)) == 0);
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &again, NULL) == 0);
    CHECK(!digest_equal(&again.image_digest, &h.image_digest));
    CHECK(agent_side_commit(&a, egress_profile(0, 3)) == 0);
    CHECK(versions_become(&a, 2));
    agent_side_run(&a, UINT_MAX);
    CHECK(n_versions(LAYOUT "/varmor_egress") == 0);
    agent_side_end(&a);
}

/* Changes a word of the profile's image in the kernel. */
static bool image_damage(size_t line, size_t word)
{
    CLEANUP_FREE uint32_t *versions = NULL;
    struct kernel_window window = {};
    size_t n = 0;
    int outer = bpf_obj_get(LAYOUT "/varmor_images"), inner = -1;
    bool ok = outer >= 0 && kernel_map_versions(outer, &versions, &n) == 0 && n == 1 &&
              kernel_map_open_inner(outer, versions[0], &inner) == 1 &&
              kernel_window_open(&window, inner, (line + 1) * sizeof(struct varmor_line)) == 0;

    if (ok)
        ((struct varmor_line *)window.data)[line].w[word] ^= 1;
    kernel_window_done(&window);
    if (inner >= 0)
        close(inner);
    if (outer >= 0)
        close(outer);
    return ok;
}

static void a_damaged_image_is_not_called_held(void)
{
    struct enforcer_holding h;
    struct agent_side a;
    struct error *e = NULL;

    agent_side_begin(&a);
    CHECK(versions_become(&a, 1));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == 0);
    agent_side_end(&a);
    CHECK(image_damage(
        4, 8)); /* reserved words behind the profile's digest: only the digest can tell */
    agent_side_begin(&a);
    CHECK(a.n_adopted == 1 && strcmp(a.adopted[0].profile, NAME) == 0);
    CHECK(digest_is_zero(&a.adopted[0].digest));
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &h, &e) == -EINVAL);
    printf("    %s\n", error_message(e));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == 0);
    CHECK(a.enforcer->ops->describe(a.enforcer, NAME, &h, NULL) == 0);
    error_free(e);
    agent_side_end(&a);
}

static void a_dead_cgroup_loses_its_binding(void)
{
    struct agent_side a;
    struct captive dead, alive;

    captive_make(&dead, "dead");
    captive_make(&alive, "alive");
    agent_side_begin(&a);
    CHECK(agent_side_bind(&a, dead.cgroup_id, "varmor-gone", false) == 0);
    CHECK(agent_side_bind(&a, alive.cgroup_id, NAME, false) == 0);
    agent_side_end(&a);
    captive_end(&dead);
    agent_side_begin(&a);
    CHECK(agent_side_bindings(&a) == 1);
    captive_end(&alive);
    agent_side_end(&a);
}

static void only_one_agent_holds_the_kernel(void)
{
    struct agent_side one, two;

    agent_side_begin(&one);
    agent_side_begin(&two);
    CHECK(one.facts.usable && !one.facts.busy);
    CHECK(!two.facts.usable && two.facts.busy);
    printf("    %s\n", two.facts.reason);
    CHECK(strstr(two.facts.reason, "another varmor-agent holds"));
    agent_side_end(&two);
    agent_side_end(&one);
}

/* Runs what an agent does in a process of its own, up to the moment when it is killed. */
static pid_t fork_agent(void (*work)(struct agent_side *a), bool wait_until_ready)
{
    int ready[2];
    pid_t pid;
    char c;

    if (pipe(ready) < 0)
        return -1;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        static struct agent_side a;

        agent_side_begin(&a);
        if (wait_until_ready && write(ready[1], "r", 1) != 1)
            _exit(1);
        for (unsigned i = 0;; i++)
            work(&a);
    }
    close(ready[1]);
    if (wait_until_ready && read(ready[0], &c, 1) != 1)
        printf("    the agent ended by itself\n");
    close(ready[0]);
    return pid;
}

static void kill_agent(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void update(struct agent_side *a)
{
    static unsigned salt = 1000;

    if (agent_side_commit(a, agent_side_profile(NAME, "/secret", ORIGIN, salt++)) < 0)
        _exit(1);
}

/* A captive that is denied /secret by what an agent left that is gone. */
static bool make_denied(struct captive *c, const char *name)
{
    struct agent_side a;
    bool ok;

    captive_make(c, name);
    agent_side_begin(&a);
    ok = agent_side_bind(&a, c->cgroup_id, NAME, false) == 0 &&
         agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == 0;
    captive_start(c, program);
    agent_side_end(&a);
    return ok;
}

static bool none_succeeded(struct captive *c, unsigned long *ret_tries)
{
    unsigned long successes;

    captive_stop(c, ret_tries, &successes);
    printf("    %lu forbidden opens, %lu succeeded\n", *ret_tries, successes);
    return *ret_tries > 0 && successes == 0;
}

static void no_open_succeeds_and_no_count_is_lost_during_a_hundred_updates(void)
{
    unsigned long tries = 0;
    struct agent_side a;
    struct captive c;
    uint64_t began, count = 0;

    CHECK(make_denied(&c, "updates"));
    agent_side_begin(&a);
    captive_loop(&c, "/secret");
    began = now_ms();
    for (int i = 0; i < UPDATES; i++)
        update(&a);
    printf("    %d updates in %llu ms\n", UPDATES, (unsigned long long)(now_ms() - began));
    CHECK(none_succeeded(&c, &tries));
    CHECK(versions_become(&a, 2)); /* what the old versions counted last is carried over by now */
    CHECK(a.enforcer->ops->counts(a.enforcer, NAME, &count, 1, NULL) == 0);
    printf("    %llu counted\n", (unsigned long long)count);
    CHECK(count == tries);
    captive_end(&c);
    agent_side_end(&a);
}

static void no_open_succeeds_while_agents_are_killed(void)
{
    unsigned long tries = 0;
    struct agent_side a;
    struct captive c;

    CHECK(make_denied(&c, "kills"));
    captive_loop(&c, "/secret");
    for (int i = 0; i < KILLS; i++) {
        struct timespec moment = {.tv_nsec = (i * 7919 % 60) * 1000000};
        pid_t pid = fork_agent(update, i % 2);

        nanosleep(&moment, NULL); /* the moment of the kill is what is varied */
        kill_agent(pid);
    }
    CHECK(none_succeeded(&c, &tries));
    agent_side_begin(&a);
    CHECK(a.facts.usable && a.n_adopted == 1);
    CHECK(captive_open(&c, "/secret") == EPERM);
    captive_end(&c);
    agent_side_end(&a);
}

static void a_load_that_was_killed_leaves_nothing_in_the_way(void)
{
    struct agent_side a;

    for (int i = 0; i < 8; i++) {
        struct timespec moment = {.tv_sec = i / 4, .tv_nsec = (i % 4) * 250000000};
        pid_t pid = fork_agent(update, false);

        nanosleep(&moment, NULL);
        kill_agent(pid);
    }
    agent_side_begin(&a);
    CHECK(a.facts.usable);
    CHECK(!exists(VARMOR_BPF_ROOT "/staging"));
    agent_side_end(&a);
}

static unsigned n_link_folders(char name[256])
{
    DIR *dir = opendir(LAYOUT);
    struct dirent *entry;
    unsigned n = 0;

    while (dir && (entry = readdir(dir)))
        if (strncmp(entry->d_name, "links-", 6) == 0) {
            snprintf(name, 256, LAYOUT "/%.200s", entry->d_name);
            n++;
        }
    if (dir)
        closedir(dir);
    return n;
}

/* If this fails one day, links can be updated in place and enforcer_bpf_load.c need not attach
 * beside. */
static void the_kernel_cannot_update_a_link_in_place(void)
{
    struct bpf_link_info info = {};
    uint32_t size = sizeof(info);
    struct agent_side a;
    char name[256] = "", path[300];
    int link, prog;

    agent_side_begin(&a);
    CHECK(n_link_folders(name) == 1);
    snprintf(path, sizeof(path), "%s/file_open", name);
    link = bpf_obj_get(path);
    CHECK(link >= 0 && bpf_obj_get_info_by_fd(link, &info, &size) == 0);
    prog = bpf_prog_get_fd_by_id(info.prog_id);
    CHECK(prog >= 0);
    CHECK(bpf_link_update(link, prog, NULL) == -EINVAL);
    close(prog);
    close(link);
    agent_side_end(&a);
}

static void another_build_takes_over_without_a_gap(void)
{
    unsigned long tries = 0;
    char name[256] = "", after[256] = "";
    struct agent_side a;
    struct captive c;

    CHECK(make_denied(&c, "upgrade"));
    CHECK(n_link_folders(name) == 1);
    CHECK(rename(name, LAYOUT "/links-0123456789abcdef") ==
          0); /* as if another build had attached them */
    captive_loop(&c, "/secret");
    agent_side_begin(&a);
    CHECK(a.facts.usable && a.n_adopted == 1);
    CHECK(none_succeeded(&c, &tries));
    CHECK(n_link_folders(after) == 1 && strcmp(name, after) == 0);
    CHECK(captive_open(&c, "/secret") == EPERM);
    captive_end(&c);
    agent_side_end(&a);
}

static void another_layout_stays_until_all_is_settled(void)
{
    struct agent_side a;

    start_afresh();
    CHECK(mkdir(VARMOR_BPF_ROOT, 0700) == 0);
    CHECK(mkdir(VARMOR_BPF_ROOT "/layout-99", 0700) == 0);
    CHECK(mkdir(VARMOR_BPF_ROOT "/layout-99/links-old", 0700) == 0);
    agent_side_begin(&a);
    CHECK(a.facts.usable);
    CHECK(exists(VARMOR_BPF_ROOT "/layout-99/links-old"));
    CHECK(a.enforcer->ops->settle(a.enforcer, NULL) == 0);
    CHECK(!exists(VARMOR_BPF_ROOT "/layout-99"));
    CHECK(exists(LAYOUT "/varmor_slots"));
    agent_side_end(&a);
}

static void cleanup_leaves_nothing_and_frees_the_captive(void)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct captive c;

    CHECK(make_denied(&c, "cleanup"));
    CHECK(captive_open(&c, "/secret") == EPERM);
    CHECK(enforcer_bpf_cleanup(told, NULL, &e) == 0);
    CHECK(!exists(VARMOR_BPF_ROOT));
    CHECK(captive_open(&c, "/secret") == 0);
    CHECK(enforcer_bpf_cleanup(told, NULL, &e) == 0);
    captive_end(&c);
}

static void a_missing_bpf_file_system_is_mounted(void)
{
    struct agent_side a;

    CHECK(umount("/sys/fs/bpf") == 0);
    agent_side_begin(&a);
    CHECK(a.facts.usable);
    CHECK(exists(LAYOUT "/varmor_slots"));
    agent_side_end(&a);
}

static void a_missing_security_file_system_is_no_obstacle(void)
{
    struct agent_side a;

    CHECK(umount("/sys/kernel/security") == 0);
    agent_side_begin(&a);
    CHECK(a.facts.usable);
    CHECK(!exists("/sys/kernel/security/lsm")); /* and it is not mounted for that */
    agent_side_end(&a);
}

/* ---- where it cannot be had ---- */

static void an_agent_without_rights_says_so(void)
{
    int status = 1;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        static struct agent_side a;

        if (setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        agent_side_begin(&a);
        printf("    %s\n", a.facts.reason);
        fflush(stdout);
        _exit(!a.facts.usable && strstr(a.facts.reason, "Operation not permitted") ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

static void a_kernel_without_bpf_in_its_list_says_so(void)
{
    struct agent_side a;

    agent_side_begin(&a);
    CHECK(!a.facts.usable);
    printf("    %s\n", a.facts.reason);
    CHECK(strstr(a.facts.reason, "'bpf' is not in the kernel's LSM list ("));
    CHECK(!exists(VARMOR_BPF_ROOT));
    CHECK(agent_side_commit(&a, agent_side_profile(NAME, "/secret", ORIGIN, 1)) == -ENODEV);
    CHECK(agent_side_bind(&a, 1, NAME, false) == -ENODEV);
    CHECK(a.enforcer->ops->unbind(a.enforcer, 1, NULL) == -ENODEV);
    CHECK(a.enforcer->ops->remove(a.enforcer, NAME, NULL) == -ENODEV);
    agent_side_end(&a);
}

struct test {
    const char *name;
    void (*func)(void);
};
#define TEST(func)                                                                                 \
    {                                                                                              \
#func, func                                                                                \
    }

static const struct test tests[] = {
    TEST(the_kernel_can_and_holds_nothing_yet),
    TEST(what_is_pinned_is_taken_over),
    TEST(a_binding_takes_hold_with_the_first_commit),
    TEST(what_is_read_back_is_what_was_meant),
    TEST(a_container_that_runs_already_is_bound),
    TEST(each_denial_is_counted_and_reported_with_its_rule),
    TEST(counters_outlive_updates_and_agents),
    TEST(replaced_versions_leave_the_kernel),
    TEST(profiles_beyond_the_spares_room_are_committed_too),
    TEST(addresses_are_read_back_too),
    TEST(a_damaged_image_is_not_called_held),
    TEST(a_dead_cgroup_loses_its_binding),
    TEST(only_one_agent_holds_the_kernel),
    TEST(an_agent_without_rights_says_so),
    TEST(no_open_succeeds_and_no_count_is_lost_during_a_hundred_updates),
    TEST(no_open_succeeds_while_agents_are_killed),
    TEST(the_kernel_cannot_update_a_link_in_place),
    TEST(another_build_takes_over_without_a_gap),
    TEST(cleanup_leaves_nothing_and_frees_the_captive),
    TEST(a_load_that_was_killed_leaves_nothing_in_the_way),
    TEST(another_layout_stays_until_all_is_settled),
    TEST(a_missing_bpf_file_system_is_mounted),
    TEST(a_missing_security_file_system_is_no_obstacle),
};
static const struct test unusable_tests[] = {
    TEST(a_kernel_without_bpf_in_its_list_says_so),
};

/* Each test in a process of its own; what it left in the kernel is taken away but for the programs.
 */
static void run(const struct test *test)
{
    int status = 1;
    pid_t pid;

    printf("  %s\n", test->name);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        test->func();
        fflush(stdout);
        _exit(failed);
    }
    waitpid(pid, &status, 0);
    if (status == 0)
        n_passed++;
    else
        n_failed++, printf("  FAILED (status %d): %s\n", status, test->name);
}

static void unbind(uint64_t cgroup_id, const char *profile UNUSED, void *data)
{
    struct agent_side *a = data;

    a->enforcer->ops->unbind(a->enforcer, cgroup_id, NULL);
}

/* Takes the profiles and bindings of the last test away. */
static void clear(void)
{
    struct agent_side a;

    if (!exists(LAYOUT))
        return;
    agent_side_begin(&a);
    for (unsigned i = 0; a.facts.usable && i < a.n_adopted && i < ARRAY_SIZE(a.adopted); i++)
        a.enforcer->ops->remove(a.enforcer, a.adopted[i].profile, NULL);
    if (a.facts.usable)
        a.enforcer->ops->bindings(a.enforcer, unbind, &a, NULL);
    agent_side_end(&a);
}

int main(int argc, char **argv)
{
    bool usable = argc > 1 && strcmp(argv[1], "unusable") != 0;
    const struct test *list = usable ? tests : unusable_tests;
    size_t n = usable ? ARRAY_SIZE(tests) : ARRAY_SIZE(unusable_tests);

    if (argc < 2)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    program = argv[1];
    for (size_t i = 0; i < n; i++) {
        if (argc > 2 && strcmp(argv[2], list[i].name) != 0)
            continue;
        run(&list[i]);
        if (usable)
            clear();
    }
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed ? 1 : 0;
}
