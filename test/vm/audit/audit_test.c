/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit records on a real kernel: AppArmor's and seccomp's denials come through netlink and out as
 * events with their container, rule and members; what is lost is counted. Runs in a guest
 * (test/vm/audit/run), needs root. audit_test [TEST], audit_test off: on a kernel with audit=0.
 */
#include "test/vm/audit/bed.h"

#include "agent/audit_netlink.h"
#include "agent/audit_record.h"
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FLOOD 10000

static int n_passed, n_failed;
static bool failed;
static struct bed bed;

/* Notes a failure and leaves the test. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("    line %d: %s\n", __LINE__, #condition);                                     \
            for (uint64_t i = 0; i < bed.n_seen && i < 4; i++)                                     \
                printf("    %s %s rule '%s' container '%s' %s\n", bed.seen[i].enforcer,            \
                       violation_action_name(bed.seen[i].action), bed.seen[i].rule,                \
                       bed.seen[i].container, bed.seen[i].json);                                   \
            failed = true;                                                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static void begin(void)
{
    bed_begin(&bed, &(struct audit_violations_settings){0});
}

static bool has(const struct bed_event *e, const char *member)
{
    return strstr(e->json, member) != NULL;
}

/* ---- AppArmor ---- */

static void read_secret(void)
{
    int fd = open("/secret/a", O_RDONLY | O_CLOEXEC);

    if (fd >= 0 || errno != EACCES)
        _exit(9);
}

static void a_denial_comes_with_its_container_rule_and_members(void)
{
    const struct bed_event *e = &bed.seen[0];
    struct audit_counts counts;
    struct stat st;
    char path[64];
    int pid;

    begin();
    CHECK(strcmp(audit_violations_source(bed.violations), "netlink") == 0);
    CHECK(!audit_violations_are_lossy(bed.violations));
    pid = bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = read_secret});
    CHECK(bed_wait(&bed, 1));
    CHECK(strcmp(e->enforcer, "AppArmor") == 0);
    CHECK(e->action == VIOLATION_DENIED);
    CHECK(strcmp(e->profile, BED_PROFILE) == 0);
    CHECK(strcmp(e->container, "box") == 0);
    CHECK(strcmp(e->rule, "appArmorRawRules[0] (line 1)") == 0);
    CHECK(e->pid == pid);
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
    CHECK(stat(path, &st) == 0 && e->mnt_ns == st.st_ino);
    CHECK(has(e, "{\"version\":1,\"event\":4,\"pid\":"));
    CHECK(has(
        e,
        "\"operation\":\"open\",\"deniedMask\":\"r\",\"requestedMask\":\"r\",\"fsuid\":0,\"ouid\":0,"
        "\"profile\":\"" BED_PROFILE "\""));
    CHECK(has(e, "\"comm\":\"audit_test\",\"name\":\"/secret/a\""));
    CHECK(!has(e, "\"extra\"") && !has(e, "\"undecoded\""));
    audit_violations_count(bed.violations, &counts);
    CHECK(counts.ours[0] == 1 && counts.unattributed[0] == 0 && counts.unparsed[0] == 0);
    bed_release(pid);
    bed_end(&bed);
}

static void read_audited(void)
{
    if (open("/audited/a", O_RDONLY | O_CLOEXEC) < 0)
        _exit(9);
}

static void an_audited_access_is_told_as_let_through(void)
{
    int pid;

    begin();
    pid = bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = read_audited});
    CHECK(bed_wait(&bed, 1));
    CHECK(bed.seen[0].action == VIOLATION_AUDITED);
    CHECK(strcmp(bed.seen[0].rule, "appArmorRawRules[0] (line 2)") == 0);
    CHECK(has(&bed.seen[0], "\"event\":2,"));
    bed_release(pid);
    bed_end(&bed);
}

static void do_several(void)
{
    if (socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1) >= 0 ||
        socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 ||
        mount("none", "/mnt", "tmpfs", 0, NULL) == 0 ||
        open("/secret/a b\"\n\xff", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0)
        _exit(9);
}

static void each_kind_of_access_has_its_rule_and_members(void)
{
    int pid;

    begin();
    pid = bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = do_several});
    CHECK(bed_wait(&bed, 4));
    CHECK(has(&bed.seen[0], "\"operation\":\"capable\"") &&
          has(&bed.seen[0], "\"name\":\"net_raw\""));
    CHECK(!has(&bed.seen[0], "fsuid"));
    CHECK(strcmp(bed.seen[0].rule, "appArmorRawRules[0] (line 3)") == 0);
    CHECK(has(&bed.seen[1], "\"netFamily\":\"inet\"") &&
          has(&bed.seen[1], "\"netSockType\":\"dgram\""));
    CHECK(strcmp(bed.seen[1].rule, "appArmorRawRules[0] (line 5)") == 0);
    CHECK(has(&bed.seen[2], "\"operation\":\"mount\"") &&
          has(&bed.seen[2], "\"fsType\":\"tmpfs\""));
    CHECK(strcmp(bed.seen[2].rule, "appArmorRawRules[0] (line 4)") == 0);
    CHECK(has(&bed.seen[3], "\"name\":\"/secret/a b\\\"\\u000a\xef\xbf\xbd\""));
    CHECK(strcmp(bed.seen[3].rule, "appArmorRawRules[0] (line 1)") == 0);
    bed_release(pid);
    bed_end(&bed);
}

static void leave_and_read(void)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWUTS) < 0)
        _exit(9);
    read_secret();
}

static void other_namespaces_and_cgroups_do_not_hide_the_container(void)
{
    int pid;

    begin();
    pid = bed_act(&bed,
                  &(struct bed_act){
                      .confined = true, .stays = true, .cgroup = "inner", .func = leave_and_read});
    CHECK(bed_wait(&bed, 1));
    CHECK(strcmp(bed.seen[0].container, "box") == 0);
    bed_release(pid);
    bed_end(&bed);
}

static void a_process_that_ended_has_its_container_only_if_that_is_certain(void)
{
    int keeper;

    begin();
    keeper = bed_keeper(&bed);
    bed_act(&bed, &(struct bed_act){.confined = true, .func = read_secret});
    CHECK(bed_wait(&bed, 1));
    CHECK(strcmp(bed.seen[0].container, "") == 0);
    CHECK(strcmp(bed.seen[0].profile, BED_PROFILE) == 0);
    bed.box_is_only_one = true;
    bed_act(&bed, &(struct bed_act){.confined = true, .func = read_secret});
    CHECK(bed_wait(&bed, 2));
    CHECK(strcmp(bed.seen[1].container, "box") == 0);
    bed_release(keeper);
    bed_end(&bed);
}

static void a_process_outside_of_the_container_is_not_in_it(void)
{
    int pid;

    begin();
    bed.box_is_only_one = true;
    pid = bed_act(&bed, &(struct bed_act){
                            .confined = true, .outside = true, .stays = true, .func = read_secret});
    CHECK(bed_wait(&bed, 1));
    CHECK(strcmp(bed.seen[0].container, "") == 0);
    bed_release(pid);
    bed_end(&bed);
}

static void records_of_others_are_counted_and_not_told(void)
{
    struct audit_counts counts;

    begin();
    bed.profile_of_box = NULL;
    bed.profile->name[0] = 'X'; /* the kernel's profile is now nobody's of ours */
    CHECK(
        system("echo 'profile other { file, audit deny /secret/** r, }' | apparmor_parser -r -K") ==
        0);
    CHECK(system("echo changeprofile other >/proc/self/attr/current; cat /secret/a 2>/dev/null") !=
          0);
    bed_act(&bed, &(struct bed_act){.confined = true, .func = read_secret});
    bed_wait(&bed, 1);
    audit_violations_count(bed.violations, &counts);
    CHECK(counts.foreign[0] >= 1);
    bed_end(&bed);
}

static void a_profile_that_others_load_or_remove_is_told(void)
{
    begin();
    CHECK(system("echo 'profile " BED_PROFILE " { file, }' | apparmor_parser -r -K") == 0);
    bed_run_ms(&bed, 1000);
    CHECK(bed.n_tampered == 1);
    CHECK(strcmp(bed.tampered, "profile_replace " BED_PROFILE) == 0);
    CHECK(system("echo 'profile " BED_PROFILE " { file, }' | apparmor_parser -R") == 0);
    bed_run_ms(&bed, 1000);
    CHECK(strcmp(bed.tampered, "profile_remove " BED_PROFILE) == 0);
    CHECK(bed.n_seen == 0);
    bed_end(&bed);
}

/* ---- seccomp ---- */

static void call_unshare(void)
{
    bed_filter(SYS_unshare, SECCOMP_RET_ERRNO | EPERM, true);
    if (unshare(CLONE_NEWUTS) == 0 || errno != EPERM)
        _exit(9);
}

static void a_call_that_got_an_errno_is_denied_with_its_rule(void)
{
    const struct bed_event *e = &bed.seen[0];
    int pid;

    begin();
    pid = bed_act(&bed, &(struct bed_act){.stays = true, .func = call_unshare});
    CHECK(bed_wait(&bed, 1));
    CHECK(strcmp(e->enforcer, "Seccomp") == 0);
    CHECK(e->action == VIOLATION_DENIED);
    CHECK(strcmp(e->profile, BED_PROFILE) == 0);
    CHECK(strcmp(e->container, "box") == 0);
    CHECK(strcmp(e->rule, "syscallRawRules[0]") == 0);
    CHECK(e->pid == pid && e->mnt_ns != 0);
    CHECK(has(
        e,
        "\"comm\":\"audit_test\",\"exe\":\"/t/audit_test\",\"syscall\":\"unshare\",\"code\":\"errno\"}"));
    bed_release(pid);
    bed_end(&bed);
}

static void log_uname(void)
{
    bed_filter(SYS_getppid, SECCOMP_RET_LOG, false);
    syscall(SYS_getppid);
}

static void a_call_that_was_logged_is_told_as_let_through(void)
{
    int pid;

    begin();
    pid = bed_act(&bed, &(struct bed_act){.stays = true, .confined = true, .func = log_uname});
    CHECK(bed_wait(&bed, 1));
    CHECK(bed.seen[0].action == VIOLATION_AUDITED_OR_ALLOWED);
    CHECK(has(&bed.seen[0], "\"syscall\":\"getppid\"}"));
    bed_release(pid);
    bed_end(&bed);
}

static void call_and_die(void)
{
    bed_filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS, false);
    syscall(SYS_getppid);
}

static void a_killed_process_is_denied(void)
{
    int keeper;

    begin();
    keeper = bed_keeper(&bed);
    bed.box_is_only_one = true;
    bed_act(&bed, &(struct bed_act){.confined = true, .func = call_and_die});
    CHECK(bed_wait(&bed, 1));
    CHECK(bed.seen[0].action == VIOLATION_DENIED);
    CHECK(has(&bed.seen[0], "\"code\":\"kill_process\""));
    CHECK(has(&bed.seen[0], "\"subj\":\"" BED_PROFILE) ||
          has(&bed.seen[0], "\"subj\":\"?\"")); /* several modules have labels */
    bed_release(keeper);
    bed_end(&bed);
}

/* Neither /proc nor the record's label says anything of it any more. */
static void the_end_of_a_process_does_not_hide_its_container(void)
{
    static const struct bed_act acts[] = {
        {.func = call_and_die},
        {.cgroup = "inner", .func = call_and_die},
        {.outside = true, .func = call_and_die},
    };
    const struct audit_violations_settings settings = {.follow_exits = true};
    struct audit_counts counts;
    int keeper;

    bed_begin(&bed, &settings);
    keeper = bed_keeper(&bed);
    CHECK(!strstr(audit_violations_describe(bed.violations), "ended"));
    for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
        bed_act(&bed, &acts[i]);
    CHECK(bed_wait(&bed, 2));
    bed_run_ms(&bed, 500);
    CHECK(bed.n_seen == 2); /* the third is in no container */
    for (int n = 0; n < 2; n++) {
        CHECK(strcmp(bed.seen[n].container, "box") == 0);
        CHECK(strcmp(bed.seen[n].profile, BED_PROFILE) == 0);
        CHECK(bed.seen[n].action == VIOLATION_DENIED);
    }
    audit_violations_count(bed.violations, &counts);
    CHECK(counts.ours[1] == 2 && counts.unattributed[1] == 0 && counts.foreign[1] == 1);
    bed_release(keeper);
    bed_end(&bed);
}

#ifdef __x86_64__
/* exit(0) by the 32-bit table, where 1 is write by the other one. */
static void call_as_i386(void)
{
    long r = 20; /* getpid */

    bed_filter(SYS_getppid, SECCOMP_RET_LOG, false);
    __asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
}

static void a_32_bit_call_is_named_by_its_own_table(void)
{
    int pid;

    begin();
    pid = bed_act(&bed, &(struct bed_act){.stays = true, .func = call_as_i386});
    CHECK(bed_wait(&bed, 1));
    CHECK(has(&bed.seen[0], "\"syscall\":\"getpid\",\"arch\":\"i386\"}"));
    bed_release(pid);
    bed_end(&bed);
}
#endif

/* ---- losses ---- */

static void flood_calls(void)
{
    bed_filter(SYS_getppid, SECCOMP_RET_LOG, false);
    for (int i = 0; i < FLOOD; i++)
        syscall(SYS_getppid);
}

static uint64_t n_calls;

static void count_call(int outcome, const struct audit_record *r, void *data UNUSED)
{
    n_calls += outcome == AUDIT_READ && r->type == AUDIT_RECORD_SECCOMP;
}

static void what_a_small_buffer_drops_is_counted_exactly(void)
{
    const struct audit_netlink_settings settings = {.buffer_bytes = 4096};
    const struct audit_events events = {.record = count_call};
    struct audit_netlink *n = NULL;
    uint64_t kernel = 0, dropped;
    struct error *problem = NULL;

    begin();
    if (audit_netlink_new(&n, bed.loop, &settings, &events, &problem) < 0)
        printf("    %s\n", error_message(problem));
    CHECK(n);
    bed_act(&bed, &(struct bed_act){.outside = true, .func = flood_calls});
    bed_run_ms(&bed, 2000);
    audit_netlink_ask(n);
    bed_run_ms(&bed, 1000);
    CHECK(audit_netlink_kernel_lost(n, &kernel));
    dropped = audit_netlink_n_dropped(n);
    printf("    %llu of %d read, %llu dropped by the socket, %llu by the kernel\n",
           (unsigned long long)n_calls, FLOOD, (unsigned long long)dropped,
           (unsigned long long)kernel);
    CHECK(dropped > 0 && n_calls > 0);
    CHECK(n_calls + dropped + kernel == FLOOD);
    audit_netlink_free(n);
    bed_end(&bed);
}

static void flood_secret(void)
{
    char name[4096];

    memset(name, 'n', sizeof(name));
    memcpy(name, "/secret/", 8);
    for (size_t at = 255; at < 3800; at += 240) /* components of a length that file systems take */
        name[at] = '/';
    name[3800] = '\0';
    for (int i = 0; i < 1000; i++)
        mkdir(i % 2 ? name : "/secret/short", 0755);
}

static void of_a_thousand_denials_each_is_told_or_counted(void)
{
    struct audit_counts counts;
    int keeper;

    begin();
    keeper = bed_keeper(&bed);
    bed_act(&bed, &(struct bed_act){.confined = true, .func = flood_secret});
    bed_run_ms(&bed, 5000);
    audit_violations_count(bed.violations, &counts);
    printf("    %llu told, %llu lost\n", (unsigned long long)counts.ours[0],
           (unsigned long long)counts.lost);
    CHECK(counts.ours[0] > 0);
    CHECK(counts.ours[0] + counts.lost >= 500); /* the long ones fail before AppArmor is asked */
    CHECK(counts.ours[0] + counts.lost <= 1000);
    bed_release(keeper);
    bed_end(&bed);
}

static void flood_plainly(void)
{
    for (int i = 0; i < 1000; i++)
        mkdir("/secret/short", 0755);
}

static void with_a_larger_backlog_a_thousand_denials_in_a_row_are_all_told(void)
{
    const struct audit_violations_settings settings = {.backlog = 8192};
    struct audit_counts counts;
    int keeper;

    bed_begin(&bed, &settings);
    keeper = bed_keeper(&bed);
    bed_run_ms(&bed, 500);
    bed_act(&bed, &(struct bed_act){.confined = true, .func = flood_plainly});
    bed_wait(&bed, 1000);
    audit_violations_count(bed.violations, &counts);
    printf("    %llu told, %llu lost\n", (unsigned long long)counts.ours[0],
           (unsigned long long)counts.lost);
    CHECK(counts.ours[0] == 1000 && counts.lost == 0);
    bed_release(keeper);
    bed_end(&bed);
}

/* ---- sources ---- */

static void an_agent_in_its_own_network_namespace_hears_all_the_same(void)
{
    int pid;

    CHECK(unshare(CLONE_NEWNET) == 0);
    begin();
    CHECK(strcmp(audit_violations_source(bed.violations), "netlink") == 0);
    pid = bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = read_secret});
    CHECK(bed_wait(&bed, 1));
    bed_release(pid);
    bed_end(&bed);
}

static void without_netlink_the_kernel_log_is_read_and_said_to_lose(void)
{
    const struct audit_violations_settings settings = {
        .no_netlink = true, .log_paths = "/var/log/audit/audit.log|/tmp/kern.log"};
    int pid;

    bed_begin(&bed, &settings);
    printf("    %s\n", audit_violations_describe(bed.violations));
    CHECK(strcmp(audit_violations_source(bed.violations), "kmsg+file") == 0);
    CHECK(audit_violations_are_lossy(bed.violations));
    pid = bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = read_secret});
    CHECK(bed_wait(&bed, 1));
    CHECK(strcmp(bed.seen[0].rule, "appArmorRawRules[0] (line 1)") == 0);
    CHECK(strcmp(bed.seen[0].container, "box") == 0);
    bed_release(pid);
    bed_end(&bed);
}

static void unshare_filtered(void)
{
    bed_filter(SYS_unshare, SECCOMP_RET_ERRNO | EPERM, true);
    if (unshare(CLONE_NEWUTS) == 0)
        _exit(9);
}

static void what_happens_while_no_agent_is_there_is_told_late_and_once(void)
{
    const struct audit_violations_settings settings = {.position_path = "/tmp/audit-position"};
    uint64_t n_earlier;
    int denied, filtered, keeper;

    unlink(settings.position_path);
    bed_begin(&bed, &settings);
    audit_violations_catch_up(bed.violations);
    bed_release(
        bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = read_secret}));
    CHECK(bed_wait(&bed, 1));
    n_earlier = bed.n_seen;
    bed_end(&bed);
    /* nobody is there */
    denied = bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = read_secret});
    filtered = bed_act(&bed, &(struct bed_act){.stays = true, .func = unshare_filtered});
    bed_begin(&bed, &settings);
    keeper = bed_keeper(&bed);
    bed_run_ms(&bed, 1000);
    CHECK(n_earlier == 1 && bed.n_seen == 0); /* they are not there yet */
    audit_violations_catch_up(bed.violations);
    CHECK(bed_wait(&bed, 2));
    CHECK(bed.seen[0].late && strcmp(bed.seen[0].enforcer, "AppArmor") == 0);
    CHECK(bed.seen[0].pid == denied && strcmp(bed.seen[0].container, "box") == 0);
    CHECK(strcmp(bed.seen[0].rule, "appArmorRawRules[0] (line 1)") == 0);
    CHECK(bed.seen[1].late && strcmp(bed.seen[1].enforcer, "Seccomp") == 0);
    CHECK(bed.seen[1].pid == filtered && bed.seen[1].action == VIOLATION_DENIED);
    bed_release(
        bed_act(&bed, &(struct bed_act){.confined = true, .stays = true, .func = read_secret}));
    CHECK(bed_wait(&bed, 3) && !bed.seen[2].late);
    CHECK(bed.n_tampered == 0); /* the profile that was loaded meanwhile */
    bed_end(&bed);
    bed_begin(&bed, &settings);
    audit_violations_catch_up(bed.violations);
    bed_run_ms(&bed, 1000);
    CHECK(bed.n_seen == 0);
    bed_release(denied);
    bed_release(filtered);
    bed_release(keeper);
    bed_end(&bed);
}

static void a_kernel_without_audit_says_so(void)
{
    begin();
    printf("    %s\n", audit_violations_describe(bed.violations));
    CHECK(strcmp(audit_violations_source(bed.violations), "none") == 0);
    CHECK(strstr(audit_violations_describe(bed.violations),
                 "the kernel's audit system is off (audit=0"));
    bed_end(&bed);
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
    TEST(a_denial_comes_with_its_container_rule_and_members),
    TEST(an_audited_access_is_told_as_let_through),
    TEST(each_kind_of_access_has_its_rule_and_members),
    TEST(other_namespaces_and_cgroups_do_not_hide_the_container),
    TEST(a_process_that_ended_has_its_container_only_if_that_is_certain),
    TEST(a_process_outside_of_the_container_is_not_in_it),
    TEST(records_of_others_are_counted_and_not_told),
    TEST(a_profile_that_others_load_or_remove_is_told),
    TEST(a_call_that_got_an_errno_is_denied_with_its_rule),
    TEST(a_call_that_was_logged_is_told_as_let_through),
    TEST(a_killed_process_is_denied),
    TEST(the_end_of_a_process_does_not_hide_its_container),
#ifdef __x86_64__
    TEST(a_32_bit_call_is_named_by_its_own_table),
#endif
    TEST(what_a_small_buffer_drops_is_counted_exactly),
    TEST(of_a_thousand_denials_each_is_told_or_counted),
    TEST(an_agent_in_its_own_network_namespace_hears_all_the_same),
    TEST(without_netlink_the_kernel_log_is_read_and_said_to_lose),
    TEST(what_happens_while_no_agent_is_there_is_told_late_and_once),
    /* last, since the kernel's log is told nothing for a while after it */
    TEST(with_a_larger_backlog_a_thousand_denials_in_a_row_are_all_told),
};
static const struct test off_tests[] = {
    TEST(a_kernel_without_audit_says_so),
};

/* Each test in a process of its own. */
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

int main(int argc, char **argv)
{
    bool off = argc > 1 && strcmp(argv[1], "off") == 0;
    const struct test *list = off ? off_tests : tests;
    size_t n = off ? ARRAY_SIZE(off_tests) : ARRAY_SIZE(tests);

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < n; i++) {
        if (off || argc < 2 || strcmp(argv[1], list[i].name) == 0)
            run(&list[i]);
    }
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed ? 1 : 0;
}
