/* SPDX-License-Identifier: Apache-2.0 */
/* Whose record it is, with records from a log file and the processes of this machine. What needs
 * cgroups and a kernel with AppArmor is in test/vm/audit. */
#include "test/unit/unit.h"

#include "agent/audit_process.h"
#include "agent/audit_violations.h"
#include "agent/container.h"
#include "agent/violation.h"
#include "lib/loop.h"
#include "lib/profile.h"
#include "test/unit/alloc_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define OURS "varmor-x"

static struct loop *loop;
static struct loop_timer *timer;
static char folder[64], path[96];
static int log_fd;
static struct profile *profile;
static struct container box;
static bool box_is_only_one;
static struct {
    char enforcer[16], profile[64], container[16];
    enum violation_action action;
} last;
static unsigned n_told, n_tampered;

static void on_time(void *data UNUSED)
{
    loop_stop(loop);
}

static void on_violation(const struct violation *v, void *data UNUSED)
{
    snprintf(last.enforcer, sizeof(last.enforcer), "%s", v->enforcer);
    snprintf(last.profile, sizeof(last.profile), "%s", v->profile_name);
    snprintf(last.container, sizeof(last.container), "%s", v->container ? v->container->id : "");
    last.action = v->action;
    n_told++;
}

static const struct container *find_container(uint64_t cgroup_id UNUSED, void *data UNUSED)
{
    return NULL;
}

static const struct profile *find_profile(const char *name, void *data UNUSED)
{
    return strcmp(name, OURS) == 0 ? profile : NULL;
}

static const struct profile *profile_of(const struct container *c UNUSED, void *data UNUSED)
{
    return profile;
}

static const struct container *only_container(const char *name UNUSED, void *data UNUSED)
{
    return box_is_only_one ? &box : NULL;
}

static void on_tampered(const char *name UNUSED, const char *operation UNUSED, int pid UNUSED,
                        void *data UNUSED)
{
    n_tampered++;
}

static const struct audit_violations_events events = {
    .violation = on_violation,
    .find_container = find_container,
    .find_profile = find_profile,
    .profile_of = profile_of,
    .only_container = only_container,
    .tampered = on_tampered,
};

static void setup(void)
{
    snprintf(folder, sizeof(folder), "/tmp/audit-violations-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/audit.log", folder);
    log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(loop, &timer, on_time, NULL), 0);
    profile = profile_new();
    profile->name = strdup(OURS);
    profile->enforcers = ENFORCER_APPARMOR | ENFORCER_SECCOMP;
    box = (struct container){.id = strdup("box"), .pid = getpid()};
}

static void teardown(void)
{
    char command[128];

    free(box.id);
    profile_unref(profile);
    loop_timer_free(timer);
    loop_free(loop);
    close(log_fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct audit_violations *follow(bool foreign_too)
{
    const struct audit_violations_settings settings = {
        .no_netlink = true, .log_paths = path, .foreign_too = foreign_too};
    struct audit_violations *v = NULL;

    ck_assert_int_eq(audit_violations_new(&v, loop, &settings, &events, NULL), 0);
    return v;
}

/* Writes a record of now, and lets it be read. */
static void bring(const char *type, unsigned serial, const char *fields)
{
    dprintf(log_fd, "type=%s msg=audit(%lld.999:%u): %s\n", type, (long long)time(NULL), serial,
            fields);
    loop_timer_set(timer, 50 * NS_PER_MSEC);
    loop_run(loop);
}

#define ACCESS(profile) "apparmor=\"DENIED\" operation=\"open\" profile=\"" profile "\" "
#define GONE            "name=\"/a\" pid=4194304 comm=\"c\"" /* over the largest pid that there is */
#define CALL            "arch=c000003e syscall=272 code=0x50000"

static const struct {
    const char *type, *fields;
    const char *profile; /* NULL: it is not told */
    enum violation_action action;
    bool foreign_too;
} cases[] = {
    {"AVC", ACCESS(OURS) GONE, OURS, VIOLATION_DENIED, false},
    {"AVC", ACCESS(OURS "//child_0") GONE, OURS, VIOLATION_DENIED, false},
    {"AVC", "apparmor=\"ALLOWED\" operation=\"open\" profile=\"" OURS "//null-/bin/ls\" " GONE,
     OURS, VIOLATION_ALLOWED, false},
    {"AVC", ACCESS("docker-default") GONE, NULL, 0, false},
    {"AVC", ACCESS("docker-default") GONE, "docker-default", VIOLATION_DENIED, true},
    /* a namespace of policies of somebody's */
    {"AVC",
     "apparmor=\"DENIED\" operation=\"open\" namespace=\"root//lxd\" profile=\"" OURS "\" " GONE,
     NULL, 0, false},
    {"SECCOMP", "subj==" OURS " (enforce) pid=4194304 comm=\"c\" " CALL, OURS, VIOLATION_DENIED,
     false},
    {"SECCOMP", "subj=? pid=4194304 comm=\"c\" " CALL, NULL, 0, false},
    {"SECCOMP", "subj=? pid=4194304 comm=\"c\" " CALL, "", VIOLATION_DENIED, true},
};

START_TEST(a_record_is_told_if_it_is_ours)
{
    CLEANUP(audit_violations_free)
    struct audit_violations *v = follow(cases[_i].foreign_too);
    bool seccomp = cases[_i].type[0] == 'S';
    struct audit_counts counts;
    bool ours;

    bring(cases[_i].type, 1, cases[_i].fields);
    ck_assert_uint_eq(n_told, cases[_i].profile != NULL);
    audit_violations_count(v, &counts);
    ours = cases[_i].profile && strcmp(cases[_i].profile, OURS) == 0;
    ck_assert_uint_eq(counts.ours[seccomp], ours);
    ck_assert_uint_eq(counts.foreign[seccomp], !ours);
    if (!cases[_i].profile)
        return;
    ck_assert_str_eq(last.enforcer, seccomp ? "Seccomp" : "AppArmor");
    ck_assert_str_eq(last.profile, cases[_i].profile);
    ck_assert_int_eq(last.action, cases[_i].action);
}
END_TEST

START_TEST(a_profile_without_a_filter_has_no_seccomp_events)
{
    CLEANUP(audit_violations_free) struct audit_violations *v UNUSED = follow(false);

    profile->enforcers = ENFORCER_APPARMOR;
    bring("SECCOMP", 1, "subj==" OURS " (enforce) pid=4194304 comm=\"c\" " CALL);
    ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(an_ended_process_has_the_only_container_that_it_can_be_of)
{
    CLEANUP(audit_violations_free) struct audit_violations *v UNUSED = follow(false);

    bring("AVC", 1, ACCESS(OURS) GONE);
    ck_assert_str_eq(last.container, "");
    box_is_only_one = true;
    bring("AVC", 2, ACCESS(OURS) GONE);
    ck_assert_str_eq(last.container, "box");
    box.pid = 0; /* the container has ended as well */
    bring("AVC", 3, ACCESS(OURS) GONE);
    ck_assert_str_eq(last.container, "");
}
END_TEST

START_TEST(a_process_that_is_there_and_in_no_container_is_not_guessed_at)
{
    CLEANUP(audit_violations_free) struct audit_violations *v UNUSED = follow(false);
    char fields[256];

    box_is_only_one = true;
    snprintf(fields, sizeof(fields), ACCESS(OURS) "name=\"/a\" pid=%d comm=\"c\"", getpid());
    bring("AVC", 1, fields);
    ck_assert_uint_eq(n_told, 1);
    ck_assert_str_eq(last.container, "");
}
END_TEST

START_TEST(broken_records_are_counted_by_their_type)
{
    CLEANUP(audit_violations_free) struct audit_violations *v = follow(true);
    struct audit_counts counts;

    bring("AVC", 1, "apparmor=\"DENIED\" operation=\"op");
    bring("SECCOMP", 2, "pid=1 comm=\"c\"");
    bring("SECCOMP", 3, "pid=1 comm=\"c\" arch=c000003e syscall=x code=0x50000");
    bring("SYSCALL", 4, "arch=c000003e");
    audit_violations_count(v, &counts);
    ck_assert_uint_eq(counts.unparsed[0], 1);
    ck_assert_uint_eq(counts.unparsed[1], 2);
    ck_assert_uint_eq(counts.other, 1);
    ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(others_that_touch_our_profiles_are_told_and_we_are_not)
{
    CLEANUP(audit_violations_free) struct audit_violations *v UNUSED = follow(false);
    char fields[256];

    bring("AVC", 1,
          "apparmor=\"STATUS\" operation=\"profile_remove\" profile=\"unconfined\" name=\"" OURS
          "\" pid=1 comm=\"apparmor_parser\"");
    ck_assert_uint_eq(n_tampered, 1);
    bring("AVC", 2,
          "apparmor=\"STATUS\" operation=\"profile_remove\" profile=\"unconfined\" "
          "name=\"docker-default\" pid=1 comm=\"apparmor_parser\"");
    snprintf(fields, sizeof(fields),
             "apparmor=\"STATUS\" operation=\"profile_replace\" profile=\"unconfined\" name=\"" OURS
             "\" pid=%d comm=\"varmor-agent\"",
             getpid());
    bring("AVC", 3, fields);
    ck_assert_uint_eq(n_tampered, 1);
    ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(a_process_younger_than_the_record_is_another_one)
{
    struct timespec now;
    uint64_t now_ns;
    int pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    now_ns = (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
    ck_assert(audit_process_is_of(pid, now_ns));
    ck_assert(!audit_process_is_of(pid, now_ns - NS_PER_SEC));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert(!audit_process_is_of(pid, now_ns));
    ck_assert(!audit_process_is_of(0, now_ns));
    ck_assert(!audit_process_is_of(-1, now_ns));
}
END_TEST

START_TEST(each_allocation_of_the_beginning_may_fail)
{
    const struct audit_violations_settings settings = {.no_netlink = true, .log_paths = path};
    unsigned n = 0, n_refused = 0;
    bool failed_once;

    do {
        CLEANUP(audit_violations_free) struct audit_violations *v = NULL;
        CLEANUP(error_free) struct error *problem = NULL;
        int r;

        alloc_failure_arm(++n);
        r = audit_violations_new(&v, loop, &settings, &events, &problem);
        failed_once = alloc_failure_disarm();
        ck_assert_msg(r == 0 || (r == -ENOMEM && failed_once), "allocation %u: %d (%s)", n, r,
                      error_message(problem));
        n_refused += r < 0;
    } while (failed_once);
    ck_assert_uint_gt(n_refused, 5);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_violations");
    TCase *t = tcase_create("audit_violations");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_record_is_told_if_it_is_ours, 0, (int)ARRAY_SIZE(cases));
    tcase_add_test(t, a_profile_without_a_filter_has_no_seccomp_events);
    tcase_add_test(t, an_ended_process_has_the_only_container_that_it_can_be_of);
    tcase_add_test(t, a_process_that_is_there_and_in_no_container_is_not_guessed_at);
    tcase_add_test(t, broken_records_are_counted_by_their_type);
    tcase_add_test(t, others_that_touch_our_profiles_are_told_and_we_are_not);
    tcase_add_test(t, a_process_younger_than_the_record_is_another_one);
    tcase_add_test(t, each_allocation_of_the_beginning_may_fail);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    return s;
}
