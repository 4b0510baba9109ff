/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/container.h"
#include "agent/enforcer_seccomp.h"
#include "agent/seccomp_runtime.h"
#include "lib/seccomp/seccomp.h"
#include "lib/counted_text.h"

/* The folder of profiles and the agent's state folder, below one of this test's own. */
static char place[] = "/tmp/enforcer_seccomp_test.XXXXXX";
static char folder[PATH_MAX], state[PATH_MAX];
static struct enforcer *enforcer;

#define NAME  "varmor-shop-web"
#define FIRST "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"]}"
#define SECOND                                                                                     \
    "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"splice\"], "            \
    "\"action\": \"SCMP_ACT_ERRNO\", \"comment\": \"dirty-pipe-mitigation\"}]}"

static struct enforcer *make(struct enforcer_facts *ret_facts)
{
    const struct enforcer_seccomp_settings settings = {
        .folder = folder, .state_folder = state, .runtime = "/bin/false"};
    struct enforcer *e = NULL;

    ck_assert_int_eq(enforcer_seccomp_new(&e, &settings, NULL), 0);
    ck_assert_int_eq(e->ops->probe(e, ret_facts, NULL), 0);
    return e;
}

static void set_up(void)
{
    struct enforcer_facts facts;

    memcpy(place + sizeof(place) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(place));
    snprintf(folder, sizeof(folder), "%s/kubelet/seccomp", place);
    snprintf(state, sizeof(state), "%s/state", place);
    enforcer = make(&facts);
    ck_assert_msg(facts.usable, "%s", facts.reason);
}

static void tear_down(void)
{
    char command[PATH_MAX];

    enforcer->ops->free(enforcer);
    snprintf(command, sizeof(command), "rm -rf '%s'", place);
    ck_assert_int_eq(system(command), 0);
}

static struct profile *profile_of(const char *name, const char *json, uint8_t version)
{
    struct profile *p = profile_new();

    ck_assert_ptr_nonnull(p);
    p->name = strdup(name);
    p->seccomp_json = json ? counted_text_new(json, strlen(json)) : NULL;
    p->digest.bytes[0] = version;
    return p;
}

static int apply(const char *json, uint8_t version, struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *p = profile_of(NAME, json, version);
    struct enforcer_version *v = NULL;
    int r = enforcer->ops->prepare(enforcer, p, &v, reterr);

    return r < 0 ? r : enforcer->ops->commit(enforcer, &v, reterr);
}

static void must_apply(const char *json, uint8_t version)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = apply(json, version, &e);

    ck_assert_msg(r == 0, "%s", error_message(e));
}

static void must_refuse(const char *json, int code, const char *message)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(apply(json, 9, &e), code);
    ck_assert_str_eq(error_message(e), message);
}

static const char *path_of(const char *name)
{
    static char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* "" if it is not there. */
static const char *content_of(const char *name)
{
    static char text[8192];
    FILE *f = fopen(path_of(name), "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

    if (f)
        fclose(f);
    text[n] = '\0';
    return text;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    fclose(f);
}

static void write_large_file(const char *name)
{
    FILE *f = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(ftruncate(fileno(f), SC_MAX_JSON + 1), 0);
    fclose(f);
}

static struct enforcer_holding last;
static unsigned n_found;

static void on_found(const struct enforcer_holding *h, void *data UNUSED)
{
    last = *h;
    n_found++;
}

/* Another agent comes after this one. */
static void restart(void)
{
    struct enforcer_facts facts;

    enforcer->ops->free(enforcer);
    enforcer = make(&facts);
    n_found = 0;
    ck_assert_int_eq(enforcer->ops->adopt(enforcer, on_found, NULL, NULL), 0);
}

static uint8_t version_held(void)
{
    struct enforcer_holding h;
    int r = enforcer->ops->describe(enforcer, NAME, &h, NULL);

    ck_assert(r == 0 || r == -ENOENT);
    return r == 0 ? h.digest.bytes[0] : 0;
}

START_TEST(a_profile_becomes_a_file_for_this_machine)
{
    must_apply(SECOND, 1);
#ifdef __x86_64__
    ck_assert_str_eq(content_of(NAME),
                     "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\",\n  \"architectures\": "
                     "[\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"],\n"
                     "  \"syscalls\": [\n    {\"names\": [\"splice\"], \"action\": "
                     "\"SCMP_ACT_ERRNO\", \"comment\": \"dirty-pipe-mitigation\"}\n  ]\n}\n");
#endif
    ck_assert_uint_eq(version_held(), 1);
}
END_TEST

START_TEST(no_flag_is_written_for_a_runtime_that_may_not_take_it)
{
    must_apply(FIRST, 1);
    ck_assert_ptr_null(strstr(content_of(NAME), "flags"));
}
END_TEST

START_TEST(a_commit_can_be_taken_back)
{
    char before[8192];

    must_apply(FIRST, 1);
    snprintf(before, sizeof(before), "%s", content_of(NAME));
    must_apply(SECOND, 2);
    ck_assert_int_eq(enforcer->ops->revert(enforcer, NAME, NULL), 0);
    ck_assert_str_eq(content_of(NAME), before);
    ck_assert_uint_eq(version_held(), 1);
    restart();
    ck_assert_uint_eq(last.digest.bytes[0], 1);
    ck_assert_int_lt(enforcer->ops->revert(enforcer, NAME, NULL), 0);
}
END_TEST

START_TEST(the_first_commit_taken_back_leaves_nothing)
{
    must_apply(FIRST, 1);
    ck_assert_int_eq(enforcer->ops->revert(enforcer, NAME, NULL), 0);
    ck_assert_str_eq(content_of(NAME), "");
    ck_assert_uint_eq(version_held(), 0);
    restart();
    ck_assert_uint_eq(n_found, 0);
}
END_TEST

START_TEST(a_new_agent_finds_what_the_old_one_wrote)
{
    must_apply(FIRST, 1);
    must_apply(SECOND, 2);
    restart();
    ck_assert_uint_eq(n_found, 1);
    ck_assert_str_eq(last.profile, NAME);
    ck_assert_uint_eq(last.digest.bytes[0], 2);
    must_apply(FIRST, 3);
    ck_assert_uint_eq(version_held(), 3);
}
END_TEST

START_TEST(a_file_that_was_changed_is_told_and_mended)
{
    must_apply(SECOND, 1);
    write_file(NAME, "{\"defaultAction\": \"SCMP_ACT_LOG\"}");
    ck_assert_uint_ne(version_held(), 1);
    restart();
    ck_assert_uint_eq(n_found, 1);
    ck_assert_uint_ne(last.digest.bytes[0], 1);
    must_apply(SECOND, 1);
    ck_assert_ptr_nonnull(strstr(content_of(NAME), "splice"));
    ck_assert_uint_eq(version_held(), 1);
}
END_TEST

START_TEST(a_file_of_others_is_left_alone)
{
    char expected[PATH_MAX + 256];

    write_file(NAME, "{\"defaultAction\": \"SCMP_ACT_LOG\"}");
    write_file("audit.json", "{}");
    snprintf(expected, sizeof(expected),
             "profile '" NAME "': the file '%s/" NAME "' is not from this agent, and is left as it "
             "is; move it away if nobody needs it",
             folder);
    must_refuse(SECOND, -EEXIST, expected);
    ck_assert_str_eq(content_of(NAME), "{\"defaultAction\": \"SCMP_ACT_LOG\"}");
    ck_assert_int_eq(enforcer->ops->remove(enforcer, NAME, NULL), 0);
    ck_assert_str_eq(content_of(NAME), "{\"defaultAction\": \"SCMP_ACT_LOG\"}");
    restart();
    ck_assert_uint_eq(n_found, 0);
    ck_assert_str_eq(content_of("audit.json"), "{}");
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(symlink("/etc/passwd", path_of(NAME)), 0);
    ck_assert_int_eq(apply(SECOND, 1, &e), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error_message(e), "is no regular file"));
}
END_TEST

/* A new agent has other profiles to look after, and could not be started without adopting. */
START_TEST(what_was_put_in_the_place_of_a_file_keeps_no_agent_from_starting)
{
    CLEANUP(error_free) struct error *e = NULL;

    must_apply(SECOND, 1);
    ck_assert_int_eq(unlink(path_of(NAME)), 0);
    if (_i == 0)
        ck_assert_int_eq(symlink("/etc/passwd", path_of(NAME)), 0);
    else if (_i == 1)
        ck_assert_int_eq(mkdir(path_of(NAME), 0700), 0);
    else
        write_large_file(NAME);
    restart();
    ck_assert_uint_eq(n_found, 1);
    ck_assert_uint_eq(version_held(), 0);
    ck_assert_int_eq(apply(SECOND, 1, &e), _i < 2 ? -EINVAL : -E2BIG);
    ck_assert_int_eq(enforcer->ops->remove(enforcer, NAME, NULL), 0);
    ck_assert_int_eq(access(path_of(NAME), F_OK), 0); /* it is theirs */
    restart();
    ck_assert_uint_eq(n_found, 0);
}
END_TEST

START_TEST(a_removed_profile_leaves_nothing)
{
    must_apply(FIRST, 1);
    ck_assert_int_eq(enforcer->ops->remove(enforcer, NAME, NULL), 0);
    ck_assert_str_eq(content_of(NAME), "");
    ck_assert_int_eq(enforcer->ops->remove(enforcer, NAME, NULL), 0);
    restart();
    ck_assert_uint_eq(n_found, 0);
}
END_TEST

START_TEST(what_cannot_be_written_leaves_the_old_version_and_says_what_is_uncertain)
{
    CLEANUP(error_free) struct error *e = NULL;

    must_apply(FIRST, 1);
    ck_assert_int_eq(mkdir(path_of(".varmor-unfinished." NAME), 0700), 0); /* in the way of both */
    ck_assert_int_eq(apply(SECOND, 2, &e), -EEXIST);
    ck_assert_ptr_nonnull(
        strstr(error_message(e), "the content of before could not be put back (file '"));
    ck_assert_uint_eq(version_held(), 1);
    restart();
    ck_assert_uint_eq(last.digest.bytes[0], 1);
}
END_TEST

START_TEST(what_a_crash_left_unfinished_is_swept)
{
    write_file(".varmor-unfinished." NAME, "half");
    write_file(".others", "theirs");
    restart();
    ck_assert_str_eq(content_of(".varmor-unfinished." NAME), "");
    ck_assert_str_eq(content_of(".others"), "theirs");
}
END_TEST

/* The record says what is coming before the file has it. */
START_TEST(a_crash_between_record_and_file_loses_neither)
{
    char second[8192], record[PATH_MAX + 64], line[512], both[1024];
    FILE *f;

    must_apply(SECOND, 2);
    snprintf(second, sizeof(second), "%s", content_of(NAME));
    snprintf(record, sizeof(record), "%s/seccomp/" NAME, state);
    f = fopen(record, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f)); /* the head */
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    fclose(f);
    must_apply(FIRST, 1);
    /* now: the first; next: the second, which the file has already */
    f = fopen(record, "r");
    ck_assert_uint_gt(fread(both, 1, sizeof(both), f), 0);
    fclose(f);
    f = fopen(record, "a");
    fprintf(f, "next%s", strchr(line, ' '));
    fclose(f);
    restart();
    ck_assert_uint_eq(last.digest.bytes[0], 1);
    write_file(NAME, second);
    restart();
    ck_assert_uint_eq(last.digest.bytes[0], 2);
}
END_TEST

START_TEST(a_broken_record_claims_nothing)
{
    char record[PATH_MAX + 64];
    FILE *f;

    must_apply(SECOND, 1);
    snprintf(record, sizeof(record), "%s/seccomp/" NAME, state);
    f = fopen(record, "w");
    fputs("varmor-seccomp 1\nnow 12\n", f);
    fclose(f);
    restart();
    ck_assert_uint_eq(n_found, 0);
    ck_assert_ptr_nonnull(strstr(content_of(NAME), "splice"));
    must_apply(SECOND, 1); /* byte for byte what it would write: taken as its own */
    ck_assert_uint_eq(version_held(), 1);
}
END_TEST

START_TEST(a_profile_that_cannot_be_carried_out_changes_nothing)
{
    must_apply(FIRST, 1);
    must_refuse(NULL, -EINVAL, "the manager has sent no seccomp rules for the profile");
    must_refuse("{}", -EINVAL, "defaultAction: it is missing");
    must_refuse("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": ["
                "{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ALLOW\"}, "
                "{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_LOG\", \"args\": "
                "[{\"index\": 1, \"value\": 5, \"op\": \"SCMP_CMP_EQ\"}]}]}",
                -EINVAL,
                "system call 'ioctl': the conditions of its rules contain each other in a way that "
                "libseccomp does not do right (SCMP_ARCH_X86_64)");
    ck_assert_uint_eq(version_held(), 1);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_a_reason)
{
    const struct enforcer_seccomp_settings settings = {.folder = "/proc/version/seccomp"};
    struct enforcer_facts facts;
    struct enforcer *e = NULL;

    ck_assert_int_eq(enforcer_seccomp_new(&e, &settings, NULL), 0);
    ck_assert_int_eq(e->ops->probe(e, &facts, NULL), 0);
    ck_assert(!facts.usable);
    ck_assert_str_eq(facts.reason, "folder '/proc/version/seccomp': Not a directory");
    ck_assert_int_eq(e->ops->remove(e, NAME, NULL), -ENODEV);
    e->ops->free(e);
}
END_TEST

/* ---- cleanup ---- */
static unsigned n_told;

static void on_told(const char *what, void *data UNUSED)
{
    ck_assert_str_eq(what, "seccomp profile " NAME);
    n_told++;
}

START_TEST(cleanup_removes_what_is_ours_and_unchanged)
{
    const struct enforcer_seccomp_settings settings = {.folder = folder, .state_folder = state};
    char other[PATH_MAX + 64];

    must_apply(FIRST, 1);
    write_file("audit.json", "{}");
    n_told = 0;
    ck_assert_int_eq(enforcer_seccomp_cleanup(&settings, on_told, NULL, NULL), 0);
    ck_assert_uint_eq(n_told, 1);
    ck_assert_str_eq(content_of(NAME), "");
    ck_assert_str_eq(content_of("audit.json"), "{}");
    snprintf(other, sizeof(other), "%s/seccomp", state);
    ck_assert_int_lt(access(other, F_OK), 0);
    ck_assert_int_eq(enforcer_seccomp_cleanup(&settings, on_told, NULL, NULL), 0);
    ck_assert_uint_eq(n_told, 1);
}
END_TEST

/* ---- containers ---- */

/* A process that runs until it is killed, under a filter that allows everything or under none. */
static pid_t start_process(bool filter)
{
    static struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    static const struct sock_fprog program = {.len = 1, .filter = code};
    int ready[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (filter && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0))
            _exit(1);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void check_hold(bool filter, enum oci_seccomp setting, const char *json, bool in_force,
                       bool restart_needed, const char *reason)
{
    CLEANUP(container_free) struct container *c = container_new();
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_SC_PROFILE struct sc_profile p = {0};
    struct enforcer_hold hold = {0};
    pid_t pid = start_process(filter);
    int r;

    c->pid = pid;
    c->state = CONTAINER_RUNNING;
    c->seccomp = setting;
    if (json) {
        ck_assert_int_eq(sc_profile_read_json(&p, json, strlen(json), NULL), 0);
        p.log = false;
        ck_assert_int_eq(sc_profile_digest(&p, &c->seccomp_digest), 0);
    }
    r = enforcer->ops->inspect(enforcer, c, NAME, &hold, &e);
    ck_assert_msg(r == 0, "%s", error_message(e));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(hold.in_force, in_force);
    ck_assert_int_eq(hold.restart_needed, restart_needed);
    ck_assert_str_eq(hold.reason, reason);
    ck_assert_int_eq(enforcer->ops->inspect(enforcer, c, NAME, &hold, NULL), -ESRCH);
}

START_TEST(a_container_is_held_by_the_filter_it_was_started_with)
{
    const char *other =
        "it was started with another version of the seccomp profile, or another one";

    check_hold(true, OCI_SECCOMP_PROFILE, FIRST, false, false,
               "there is no file of this seccomp profile");
    must_apply(FIRST, 1);
    check_hold(true, OCI_SECCOMP_PROFILE, FIRST, true, false, "");
    check_hold(false, OCI_SECCOMP_NONE, NULL, false, false,
               "it was started without a seccomp profile: its own setting names none");
    check_hold(false, OCI_SECCOMP_PROFILE, FIRST, false, true,
               "its first process has no seccomp filter");
    check_hold(true, OCI_SECCOMP_UNKNOWN, NULL, false, false,
               "the runtime does not say which seccomp profile it was started with");
    check_hold(true, OCI_SECCOMP_OTHER, NULL, false, true, other);
    must_apply(SECOND, 2);
    check_hold(true, OCI_SECCOMP_PROFILE, FIRST, false, true, other);
    check_hold(true, OCI_SECCOMP_PROFILE, SECOND, true, false, "");
    restart();
    check_hold(true, OCI_SECCOMP_PROFILE, SECOND, true, false, "");
}
END_TEST

/* ---- the runtime ---- */
static const struct {
    const char *json, *told;
    bool takes;
} runtimes[] = {
    {"{\"annotations\":{\"org.opencontainers.runc.version\":\"1.1.15\"},\"linux\":{\"seccomp\":"
     "{\"enabled\":true}}}",
     "runc 1.1.15 takes no such flag", false},
    {"{\"annotations\":{\"org.opencontainers.runc.version\":\"1.2.5\"},\"linux\":{\"seccomp\":"
     "{\"knownFlags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"supportedFlags\":"
     "[\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_LOG\"]}}}",
     "runc 1.2.5", true},
    {"{\"annotations\":{\"run.oci.crun.version\":\"1.21\"},\"linux\":{\"seccomp\":"
     "{\"enabled\":true,\"actions\":[\"SCMP_ACT_LOG\"]}}}",
     "crun 1.21", true},
    {"{\"annotations\":{\"run.oci.crun.version\":\"1.21\"},\"linux\":{\"seccomp\":"
     "{\"enabled\":false}}}",
     "crun 1.21 takes no such flag", false},
    {"{\"linux\":{\"seccomp\":{\"supportedFlags\":[7]}}}", "the runtime takes no such flag", false},
    {"[]", "the runtime takes no such flag", false},
    {"flags", "the runtime does not say what it can do", false},
    {"", "the runtime does not say what it can do", false},
};

START_TEST(a_runtime_says_whether_it_takes_the_flag)
{
    for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
        struct seccomp_runtime r;

        seccomp_runtime_parse(&r, runtimes[i].json, strlen(runtimes[i].json));
        ck_assert_str_eq(r.told, runtimes[i].told);
        ck_assert_int_eq(r.takes_log_flag, runtimes[i].takes);
    }
}
END_TEST

START_TEST(a_runtime_that_does_not_answer_takes_no_flag)
{
    struct seccomp_runtime r;

    ck_assert_int_eq(seccomp_runtime_ask(&r, "/bin/false", NULL), 0);
    ck_assert(!r.takes_log_flag);
    ck_assert_str_eq(r.told, "'/bin/false features' does not answer");
    ck_assert_int_eq(seccomp_runtime_ask(&r, "/nowhere", NULL), 0);
    ck_assert_str_eq(r.told, "'/nowhere features' does not answer");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("enforcer_seccomp");
    TCase *t = tcase_create("files"), *r = tcase_create("runtime");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_profile_becomes_a_file_for_this_machine);
    tcase_add_test(t, no_flag_is_written_for_a_runtime_that_may_not_take_it);
    tcase_add_test(t, a_commit_can_be_taken_back);
    tcase_add_test(t, the_first_commit_taken_back_leaves_nothing);
    tcase_add_test(t, a_new_agent_finds_what_the_old_one_wrote);
    tcase_add_test(t, a_file_that_was_changed_is_told_and_mended);
    tcase_add_test(t, a_file_of_others_is_left_alone);
    tcase_add_test(t, what_is_no_file_is_refused);
    tcase_add_loop_test(t, what_was_put_in_the_place_of_a_file_keeps_no_agent_from_starting, 0, 3);
    tcase_add_test(t, a_removed_profile_leaves_nothing);
    tcase_add_test(t, what_cannot_be_written_leaves_the_old_version_and_says_what_is_uncertain);
    tcase_add_test(t, what_a_crash_left_unfinished_is_swept);
    tcase_add_test(t, a_crash_between_record_and_file_loses_neither);
    tcase_add_test(t, a_broken_record_claims_nothing);
    tcase_add_test(t, a_profile_that_cannot_be_carried_out_changes_nothing);
    tcase_add_test(t, a_folder_that_cannot_be_made_is_a_reason);
    tcase_add_test(t, cleanup_removes_what_is_ours_and_unchanged);
    tcase_add_test(t, a_container_is_held_by_the_filter_it_was_started_with);
    suite_add_tcase(s, t);
    tcase_add_test(r, a_runtime_says_whether_it_takes_the_flag);
    tcase_add_test(r, a_runtime_that_does_not_answer_takes_no_flag);
    suite_add_tcase(s, r);
    return s;
}
