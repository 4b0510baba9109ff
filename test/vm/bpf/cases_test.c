/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the cases of cases.c, and the few that need more than one container, on this kernel.
 */
#include "test/vm/bpf/cases.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test/verdicts/verdict_table.h"
#include "test/vm/bpf/container.h"
#include "test/vm/bpf/kernel_side.h"

#define SLOT       5
#define RULES_FILE "/case.tbl"

static unsigned n_passed, n_failed;
static struct kernel_side kernel;
static pid_t bystander; /* a task of the host */

static void check(bool passed, const char *name, const char *what)
{
    if (passed) {
        n_passed++;
        return;
    }
    n_failed++;
    printf("  FAILED %s: %s\n", name, what);
}

/* ---- rules ---- */

static int build_rules(struct ruleset **ret, const char *const *rules, size_t n)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP(verdict_table_free) struct verdict_table *table = NULL;
    FILE *f = fopen(RULES_FILE, "we");
    int r;

    if (!f)
        return -errno;
    fprintf(f, "profile case\n");
    for (size_t i = 0; i < n && rules[i]; i++)
        fprintf(f, "rule %s\n", rules[i]);
    fclose(f);
    r = verdict_table_read(&table, RULES_FILE, &e);
    if (r == 0)
        r = ruleset_build(ret, table->profiles[0].profile, &e);
    if (r < 0)
        printf("%s\n", error_message(e));
    return r;
}

static int put_rules(const char *const *rules, size_t n)
{
    CLEANUP(ruleset_free) struct ruleset *built = NULL;
    int r = build_rules(&built, rules, n);

    return r < 0 ? r : kernel_side_put(&kernel, SLOT, built);
}

/* ---- files ---- */

/* "/x" is an empty file, "+/x" a program, "#/x" a script of /bin/target. */
static int make_file(const char *file)
{
    const char *path = file + (*file == '+' || *file == '#');
    char full[256];
    int r = container_file_make(path), fd;

    if (r < 0 || *file == '/')
        return r;
    snprintf(full, sizeof(full), CONTAINER_ROOT "%s", path);
    unlink(full);
    if (*file == '+')
        return link(CONTAINER_ROOT "/inside", full) < 0 ? -errno : 0;
    fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    if (fd < 0)
        return -errno;
    r = dprintf(fd, "#!/bin/target\n") < 0 ? -EIO : 0;
    close(fd);
    return r;
}

/* What cases leave behind; the container's root is one tmpfs. */
static void clean(void)
{
    static const char *const left[] = {"/tmp/link",  "/tmp/hard", "/tmp/free", "/tmp/x",
                                       "/tmp/own",   "/etc/new",  "/bin/link", "/data/link",
                                       "/data/node", "/other"};
    char full[128];

    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        snprintf(full, sizeof(full), CONTAINER_ROOT "%s", left[i]);
        unlink(full);
        rmdir(full);
    }
    rmdir(CONTAINER_ROOT "/data/folder");
    unlink(CONTAINER_ROOT "/etc/folder/x");
    rmdir(CONTAINER_ROOT "/etc/folder");
    if (system("rm -rf " CONTAINER_ROOT "/deep") != 0)
        printf("  /deep stays\n");
}

/* ---- steps ---- */

/* Moves the container's task out of its cgroup. */
static int leave(struct vm_container *c)
{
    int fd = open("/cgroup2/cgroup.procs", O_WRONLY | O_CLOEXEC), r;

    r = fd < 0 || dprintf(fd, "%d", c->pid) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return r;
}

static int do_step(struct vm_container *c, const struct case_step *step)
{
    char command[512];
    const char *pid = strstr(step->command, "%pid");

    if (strcmp(step->command, "@leave") == 0)
        return leave(c);
    if (!pid)
        return container_do(c, "%s", step->command);
    snprintf(command, sizeof(command), "%.*s%d", (int)(pid - step->command), step->command,
             bystander);
    return container_do(c, "%s", command);
}

static bool is_as_said(int r, enum case_result expected)
{
    switch (expected) {
    case STEP_DONE:
        return r == 0;
    case STEP_DENIED:
        return r == -EPERM;
    case STEP_GOES_ON:
        return r != -EPERM && r != -EPIPE;
    }
    return false;
}

static void run_steps(const struct vm_case *t, struct vm_container *c, bool with_rules)
{
    char what[600];

    for (size_t i = 0; i < CASE_MAX_STEPS && t->steps[i].command; i++) {
        const struct case_step *step = &t->steps[i];
        int r = do_step(c, step);

        if (getenv("VERBOSE"))
            printf("    %s: %d\n", step->command, r);
        bool ok = is_as_said(r, with_rules ? step->with_rules : STEP_GOES_ON);

        snprintf(what, sizeof(what), "%s: step %zu '%s': %s",
                 with_rules ? "with its rules" : "free", i, step->command,
                 r ? strerror(-r) : "done");
        check(ok, t->name, what);
    }
}

static size_t n_denials(const struct vm_case *t)
{
    size_t n = 0;

    for (size_t i = 0; i < CASE_MAX_STEPS && t->steps[i].command; i++)
        n += t->steps[i].with_rules == STEP_DENIED;
    return n;
}

static int run_half(const struct vm_case *t, bool with_rules)
{
    uint64_t denied = kernel_side_stat(&kernel, VARMOR_STAT_DENIED);
    struct vm_container c;
    int r;

    clean();
    for (size_t i = 0; i < CASE_MAX_FILES && t->files[i]; i++) {
        r = make_file(t->files[i]);
        if (r < 0)
            return r;
    }
    r = container_cgroup_make(&c, "cases");
    if (r == 0)
        r = with_rules ? put_rules(t->rules, CASE_MAX_RULES) : kernel_side_clear(&kernel, SLOT);
    if (r >= 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, false);
    if (r >= 0)
        r = container_start(&c, false);
    if (r < 0)
        return r;
    run_steps(t, &c, with_rules);
    container_stop(&c);
    denied = kernel_side_stat(&kernel, VARMOR_STAT_DENIED) - denied;
    check(with_rules ? denied >= n_denials(t) : denied == 0, t->name,
          "the number of denials counted");
    return 0;
}

/* ---- more than one container ---- */

static const char *const shadow[] = {"file deny+audit r /etc/shadow"};

static void test_the_first_program_is_judged(void)
{
    static const char *const rules[] = {"exec deny /inside"};
    struct vm_container c;
    int r = container_cgroup_make(&c, "first");

    if (r == 0)
        r = put_rules(rules, 1);
    if (r >= 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, false);
    check(r == 0, __func__, "set up");
    r = container_start(&c, false);
    check(r == -EPIPE, __func__, "the program did not start");
    container_stop(&c);
}

static void test_a_running_container_is_taken_over(void)
{
    struct vm_container c;
    int r = container_cgroup_make(&c, "running");

    container_file_make("/etc/shadow");
    if (r == 0)
        r = container_start(&c, false);
    check(r == 0 && container_do(&c, "open\t0\t/etc/shadow") == 0, __func__, "free before");
    r = put_rules(shadow, 1);
    if (r >= 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, true);
    check(r == 0, __func__, "bound");
    check(container_do(&c, "fork") == 0, __func__, "fork before any other hook");
    check(container_do(&c, "open\t0\t/etc/shadow") == -EPERM, __func__, "the child is denied");
    container_stop(&c);
}

/* Another container of the node is bound as a running one while a program is about to begin. */
static void test_a_bind_elsewhere_loses_no_exec(void)
{
    struct vm_container c, other;
    int r = container_cgroup_make(&c, "late");

    container_file_make("/etc/shadow");
    if (r == 0)
        r = container_cgroup_make(&other, "elsewhere");
    if (r == 0)
        r = put_rules(shadow, 1);
    if (r >= 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, true);
    if (r == 0)
        r = container_prepare(&c);
    if (r == 0)
        r = kernel_side_bind(&kernel, other.cgroup, SLOT, true);
    if (r == 0)
        r = container_go(&c);
    check(r == 0, __func__, "started");
    check(container_do(&c, "open\t0\t/etc/shadow") == -EPERM, __func__, "it is denied");
    container_stop(&c);
}

static void test_the_host_in_the_cgroup_is_not_judged(void)
{
    struct vm_container c;
    int r = container_cgroup_make(&c, "host");

    if (r == 0)
        r = put_rules(shadow, 1);
    if (r >= 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, true);
    if (r == 0)
        r = container_start(&c, true);
    check(r == 0, __func__, "started");
    check(container_do(&c, "open\t0\t" CONTAINER_ROOT "/etc/shadow") == 0, __func__, "opens");
    container_stop(&c);
}

static void test_an_unbound_neighbour_is_not_judged(void)
{
    struct vm_container bound, other;
    int r = container_cgroup_make(&bound, "bound");

    if (r == 0)
        r = container_cgroup_make(&other, "other");
    if (r == 0)
        r = put_rules(shadow, 1);
    if (r >= 0)
        r = kernel_side_bind(&kernel, bound.cgroup, SLOT, true);
    if (r == 0)
        r = container_start(&bound, false);
    if (r == 0)
        r = container_start(&other, false);
    check(r == 0, __func__, "started");
    check(container_do(&bound, "open\t0\t/etc/shadow") == -EPERM, __func__, "one is denied");
    check(container_do(&other, "open\t0\t/etc/shadow") == 0, __func__, "the other is not");
    container_stop(&bound);
    container_stop(&other);
}

/* A container may forbid that others trace it, whoever they are but the host. */
static void test_others_may_not_trace_it(void)
{
    static const char *const rules[] = {"ptrace deny+audit traceby"};
    struct vm_container target, actor, host;
    int r = container_cgroup_make(&target, "target");

    if (r == 0)
        r = container_cgroup_make(&actor, "actor");
    if (r == 0)
        r = container_cgroup_make(&host, "host_actor");
    if (r == 0)
        r = put_rules(rules, 1);
    if (r >= 0)
        r = kernel_side_bind(&kernel, target.cgroup, SLOT, false);
    if (r == 0)
        r = container_start(&target, false);
    if (r == 0)
        r = container_start(&actor, false);
    if (r == 0)
        r = container_start(&host, true);
    check(r == 0, __func__, "started");
    kernel_side_read_events(&kernel);
    check(container_do(&actor, "trace\t%d", target.pid) == -EPERM, __func__, "another container");
    check(kernel_side_read_events(&kernel) == 1 &&
              kernel.events[0].event.permissions == VARMOR_PTRACE_TRACEBY &&
              kernel.events[0].event.external == 1,
          __func__, "the record");
    check(container_do(&host, "trace\t%d", target.pid) == 0, __func__, "the host may");
    container_stop(&target);
    container_stop(&actor);
    container_stop(&host);
}

/* A new version holds for a program that runs, from one access to the next. */
static void test_a_new_version_holds_at_once(void)
{
    struct vm_container c;
    int r = container_cgroup_make(&c, "switch");

    if (r == 0)
        r = kernel_side_clear(&kernel, SLOT);
    if (r == 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, false);
    if (r == 0)
        r = container_start(&c, false);
    check(r == 0, __func__, "started");
    for (int i = 0; r == 0 && i < 20; i++) {
        check(put_rules(shadow, 1) > 0, __func__, "put");
        check(container_do(&c, "open\t0\t/etc/shadow") == -EPERM, __func__, "denied");
        check(kernel_side_clear(&kernel, SLOT) == 0, __func__, "cleared");
        check(container_do(&c, "open\t0\t/etc/shadow") == 0, __func__, "free again");
    }
    container_stop(&c);
}

static void test_what_is_in_a_record(void)
{
    struct vm_container c;
    const struct varmor_event *e = &kernel.events[0].event;
    int r = container_cgroup_make(&c, "record"), version;

    version = put_rules(shadow, 1);
    if (r == 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, false);
    if (r == 0)
        r = container_start(&c, false);
    check(r == 0 && version > 0, __func__, "started");
    kernel_side_read_events(&kernel);
    check(container_do(&c, "open\t0\t/etc/shadow") == -EPERM, __func__, "denied");
    check(kernel_side_read_events(&kernel) == 1, __func__, "one record");
    check(strcmp(kernel.events[0].text, "/etc/shadow") == 0 && !e->text_cut, __func__, "path");
    check(e->kind == VARMOR_EVENT_FILE && e->action == VARMOR_ACTION_DENIED && e->rule == 0,
          __func__, "what");
    check(e->cgroup == c.cgroup && e->version == (unsigned)version, __func__, "whose");
    check(e->tgid == (unsigned)c.pid && e->uid == 0 && strcmp(e->comm, "inside") == 0, __func__,
          "who");
    check(e->permissions == VARMOR_MAY_READ && e->mnt_ns > 0xf0000000u - 0x10000000u &&
              e->time_ns > 0,
          __func__, "the rest");
    container_stop(&c);
}

/* The kernel cuts a map's name after 15 bytes; bpftool and our pins would then disagree. */
static void test_kernel_names_are_whole(void)
{
    const struct bpf_map *map;

    bpf_object__for_each_map(map, kernel_side_object(&kernel))
        check(bpf_map__is_internal(map) || strlen(bpf_map__name(map)) <= 15, __func__,
              bpf_map__name(map));
}

/* The root directory as runtimes make it. What overlayfs does on the task's behalf (the real file,
 * the mounter's capabilities when a file is copied up) is not the task's. */
static void test_overlayfs_is_judged_once(void)
{
    static const char *const rules[] = {"file deny+audit r /etc/shadow", "exec deny /bin/target",
                                        "capability deny+audit 0,1,2,3,4,5,6,7,8,21,24,27"};
    struct vm_container c;
    int r;

    container_file_make("/etc/other");
    make_file("+/bin/target");
    r = container_overlay_make();
    if (r == 0)
        r = container_cgroup_make(&c, "overlay");
    c.root = CONTAINER_OVERLAY;
    if (r == 0)
        r = put_rules(rules, 3);
    if (r >= 0)
        r = kernel_side_bind(&kernel, c.cgroup, SLOT, false);
    if (r == 0)
        r = container_start(&c, false);
    check(r == 0, __func__, r < 0 ? strerror(-r) : "set up");
    if (r < 0)
        return;
    kernel_side_read_events(&kernel);
    check(container_do(&c, "open\t0\t/etc/shadow") == -EPERM, __func__, "denied");
    check(kernel_side_read_events(&kernel) == 1 &&
              strcmp(kernel.events[0].text, "/etc/shadow") == 0,
          __func__, "one record, with the path that the task sees");
    check(container_do(&c, "open\t0\t/etc/other") == 0, __func__, "another file opens");
    check(container_do(&c, "open\t1\t/etc/other") == 0, __func__, "and is copied up");
    check(container_do(&c, "open\t0101\t/etc/made") == 0, __func__, "and one is made");
    check(container_do(&c, "setxattr\t/etc/other") == -EPERM, __func__,
          "not with the mounter's capability");
    check(container_do(&c, "exec\t/bin/target") == -EPERM, __func__, "programs");
    kernel_side_read_events(&kernel);
    check(container_do(&c, "unlink\t/etc/other") == 0, __func__, "a whiteout");
    check(kernel_side_read_events(&kernel) == 0, __func__, "no record of what overlayfs does");
    container_stop(&c);
}

int main(void)
{
    int r;

    setvbuf(stdout, NULL, _IOLBF, 0);
    r = kernel_side_load(&kernel);
    if (r == 0) {
        kernel_side_print_costs(&kernel);
        test_kernel_names_are_whole();
        r = kernel_side_attach(&kernel);
    }
    if (r == 0)
        r = container_root_make("/inside");
    bystander = fork();
    if (bystander == 0)
        for (;;)
            pause();
    for (size_t i = 0; r == 0 && i < n_vm_cases; i++) {
        if (getenv("VERBOSE"))
            printf("  %s\n", vm_cases[i].name);
        r = run_half(&vm_cases[i], false);
        if (r == 0)
            r = run_half(&vm_cases[i], true);
        if (r < 0)
            printf("%s: %s\n", vm_cases[i].name, strerror(-r));
    }
    if (r == 0) {
        test_the_first_program_is_judged();
        test_a_running_container_is_taken_over();
        test_a_bind_elsewhere_loses_no_exec();
        test_the_host_in_the_cgroup_is_not_judged();
        test_an_unbound_neighbour_is_not_judged();
        test_others_may_not_trace_it();
        test_a_new_version_holds_at_once();
        test_what_is_in_a_record();
        test_overlayfs_is_judged_once();
    }
    check(r == 0, "all", "set up");
    kill(bystander, SIGKILL);
    kernel_side_done(&kernel);
    printf("%u passed, %u failed\n", n_passed, n_failed);
    return n_failed != 0;
}
