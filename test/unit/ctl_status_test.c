/* SPDX-License-Identifier: Apache-2.0 */
/* get, describe and wait against a manager that says what a test wants. */
#include "ctl/get.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "ctl/command.h"
#include "lib/loop.h"
#include "lib/rpc/grpc_server.h"
#include "proto/messages.h"
#include "test/unit/unit.h"

#define MAX_ANSWERS 4
#define MAX_ARGS    10

/* ---- The manager: a process of its own, as a command runs a loop to its end ---- */

struct script {
    struct buf answers[MAX_ANSWERS];
    size_t n_answers;
    bool silent; /* does not finish the call */
    enum grpc_status status;
    const char *text;
};

static char address[64];
static pid_t manager;

static void script_open(struct grpc_call *call, void *service)
{
    grpc_call_set_data(call, service);
}

static void script_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    (void)call;
    (void)data;
    (void)len;
}

static void script_half_close(struct grpc_call *call)
{
    const struct script *s = grpc_call_data(call);

    for (size_t i = 0; i < s->n_answers; i++)
        if (grpc_call_send(call, s->answers[i].data, s->answers[i].len) < 0)
            _exit(1);
    if (!s->silent)
        grpc_call_finish(call, s->status, s->text);
}

#define METHOD(name)                                                                               \
    {                                                                                              \
        .path = "/varmor.v1.StatusService/" name, .open = script_open, .message = script_message,  \
        .half_close = script_half_close                                                            \
    }
static const struct grpc_method methods[] = {METHOD("ListPolicies"), METHOD("ListBindings"),
                                             METHOD("DescribePolicy"), METHOD("DescribeNode"),
                                             METHOD("Watch")};

static void manager_run(struct script *s, int ready_fd)
{
    struct grpc_address where = {0};
    struct grpc_server *server = NULL;
    struct loop *loop = NULL;

    if (loop_new(&loop, NULL) < 0 || grpc_address_parse(&where, address, NULL) < 0 ||
        grpc_server_new(&server, loop, NULL, NULL) < 0 ||
        grpc_server_add(server, methods, ARRAY_SIZE(methods), s, NULL) < 0 ||
        grpc_server_listen(server, &where, NULL, 0600, NULL) < 0 || write(ready_fd, "", 1) != 1)
        _exit(1);
    loop_run(loop);
    _exit(0);
}

static void manager_start(struct script *s)
{
    int ready[2];
    char byte;

    snprintf(address, sizeof(address), "unix:/tmp/varmor-ctl-test-%d.sock", (int)getpid());
    ck_assert_int_eq(pipe(ready), 0);
    manager = fork();
    if (manager == 0)
        manager_run(s, ready[1]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    for (size_t i = 0; i < s->n_answers; i++)
        buf_done(&s->answers[i]);
}

static void manager_stop(void)
{
    kill(manager, SIGKILL);
    waitpid(manager, NULL, 0);
    unlink(address + strlen("unix:"));
}

/* ---- Running a command ---- */

static char out[65536], err[65536];

static FILE *redirect(int fd, int *ret_saved)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    *ret_saved = dup(fd);
    dup2(fileno(file), fd);
    return file;
}

static void restore(int fd, int saved, FILE *file, char text[static 65536])
{
    dup2(saved, fd);
    close(saved);
    rewind(file);
    text[fread(text, 1, 65535, file)] = '\0';
    fclose(file);
}

static int run(int (*command)(int argc, char **argv), const char *const *args)
{
    char *argv[MAX_ARGS + 4] = {(char *)"varmorctl x", (char *)"--manager", address};
    int argc = 3, saved_out, saved_err, status;
    FILE *file_out, *file_err;

    for (size_t i = 0; i < MAX_ARGS && args[i]; i++)
        argv[argc++] = (char *)args[i];
    fflush(stdout);
    file_out = redirect(STDOUT_FILENO, &saved_out);
    file_err = redirect(STDERR_FILENO, &saved_err);
    status = command(argc, argv);
    fflush(stdout);
    restore(STDOUT_FILENO, saved_out, file_out, out);
    restore(STDERR_FILENO, saved_err, file_err, err);
    return status;
}
#define RUN(command, ...) run(command, (const char *const[MAX_ARGS]){__VA_ARGS__})

/* ---- What the manager says ---- */

static struct buf *next_answer(struct script *s)
{
    struct buf *b = &s->answers[s->n_answers++];

    *b = BUF_INIT(65536);
    return b;
}

static void say_event(struct script *s, enum status_watch_type type, const char *name_space,
                      bool ready)
{
    struct status_condition condition = {
        .type = "Ready", .status = ready ? "True" : "False", .message = "node 'n1' says no\x1b"};
    struct status_watch_event e = {.type = type};

    if (name_space) {
        e.resource = STATUS_POLICIES;
        e.policy = (struct status_policy){.kind = "VarmorPolicy",
                                          .name_space = name_space,
                                          .name = "web",
                                          .phase = "Pending",
                                          .ready = ready,
                                          .conditions = &condition,
                                          .n_conditions = 1};
    }
    ck_assert_int_eq(status_watch_event_encode(&e, next_answer(s)), 0);
}

START_TEST(wait_ends_when_the_condition_is_met)
{
    struct script s = {.silent = true};

    say_event(&s, STATUS_WATCH_PUT, "shop", false);
    say_event(&s, STATUS_WATCH_LISTED, NULL, false);
    say_event(&s, STATUS_WATCH_PUT, "shop", true);
    manager_start(&s);
    ck_assert_int_eq(RUN(wait_run, "policy", "web", "--for", "ready"), 0);
    ck_assert_str_eq(err, "");
    manager_stop();
}
END_TEST

START_TEST(wait_says_what_it_saw_last_when_time_is_up)
{
    struct script s = {.silent = true};

    say_event(&s, STATUS_WATCH_PUT, "shop", false);
    say_event(&s, STATUS_WATCH_LISTED, NULL, false);
    manager_start(&s);
    ck_assert_int_eq(RUN(wait_run, "policy", "web", "--timeout", "1"), GET_EXIT_FAILURE);
    ck_assert_str_eq(err, "varmorctl: policy 'web': time is up after 1 seconds; last seen: "
                          "phase Pending, 0 of 0 nodes ready, 0 bound: node 'n1' says no\\x1b\n");
    manager_stop();
}
END_TEST

START_TEST(wait_refuses_a_name_that_two_policies_have)
{
    struct script s = {.silent = true};

    say_event(&s, STATUS_WATCH_PUT, "shop", true);
    say_event(&s, STATUS_WATCH_PUT, "bank", false);
    say_event(&s, STATUS_WATCH_LISTED, NULL, false);
    manager_start(&s);
    ck_assert_int_eq(RUN(wait_run, "policy", "web"), GET_EXIT_FAILURE);
    ck_assert_str_eq(err, "varmorctl: policy 'web': it is the name of VarmorPolicy 'shop/web' and "
                          "of VarmorPolicy 'bank/web': say which with -n\n");
    manager_stop();
}
END_TEST

START_TEST(a_stream_that_the_manager_ends_is_a_failure)
{
    struct script s = {0};

    say_event(&s, STATUS_WATCH_PUT, "shop", false);
    say_event(&s, STATUS_WATCH_LISTED, NULL, false);
    manager_start(&s);
    ck_assert_int_eq(RUN(wait_run, "policy", "web"), GET_EXIT_FAILURE);
    ck_assert_str_eq(err, "varmorctl: policy 'web': the manager has ended the stream\n");
    ck_assert_int_eq(RUN(get_run, "policies", "--watch"), GET_EXIT_FAILURE);
    ck_assert_str_eq(err, "varmorctl: the manager has ended the stream\n");
    ck_assert_ptr_nonnull(strstr(out, "shop        web"));
    ck_assert_int_eq(RUN(get_run, "policies", "--watch", "-o", "name"), GET_EXIT_FAILURE);
    ck_assert_str_eq(out, "VarmorPolicy/web\n");
    manager_stop();
}
END_TEST

START_TEST(describe_shows_findings_as_they_are)
{
    static const char finding[] =
        "spec.policy.mode (line 7, column 11): 'EnhanceProtec' is not a mode: AlwaysAllow, "
        "RuntimeDefault, EnhanceProtect, BehaviorModeling, DefenseInDepth\x1b";
    static const char *const findings[] = {finding};
    const struct status_policy_description d = {
        .policy = {.kind = "VarmorPolicy", .name_space = "shop", .name = "web"},
        .findings = findings,
        .n_findings = 1,
        .warnings = findings,
        .n_warnings = 1,
    };
    struct script s = {0};

    ck_assert_int_eq(status_policy_description_encode(&d, next_answer(&s)), 0);
    manager_start(&s);
    ck_assert_int_eq(RUN(describe_run, "policy", "web"), 0);
    ck_assert_ptr_nonnull(
        strstr(out, "\nFindings:\n  spec.policy.mode (line 7, column 11): 'EnhanceProtec' is not a "
                    "mode: AlwaysAllow, RuntimeDefault, EnhanceProtect, BehaviorModeling, "
                    "DefenseInDepth\\x1b\n"));
    ck_assert_ptr_nonnull(strstr(out, "\nWarnings:\n  spec.policy.mode (line 7, column 11): "));
    manager_stop();
}
END_TEST

/* A container that AppArmor holds, and whose seccomp filter is an older one. */
static const struct msg_binding_enforcer half_held[] = {
    {.enforcer = ENFORCER_APPARMOR, .in_force = true, .mode = "enforce"},
    {.enforcer = ENFORCER_BPF, .reason = "no room"},
    {.enforcer = ENFORCER_SECCOMP, .restart_needed = true, .reason = "an older filter\x1b"},
};
static const struct status_binding half_bound = {
    .node = "n1",
    .binding = {.container_id = "c1",
                .container_name = "server",
                .pod_name = "web-1",
                .profile = "varmor-shop-web",
                .reason = "BPF: no room",
                .enforcers = half_held,
                .n_enforcers = ARRAY_SIZE(half_held)},
};

START_TEST(describe_says_what_each_enforcer_does)
{
    const struct msg_enforcer_result results[] = {
        {.enforcer = ENFORCER_APPARMOR, .applied = true, .mode = "enforce"},
        {.enforcer = ENFORCER_SECCOMP, .reason = "no folder"},
    };
    const struct status_enforcer_bindings counts[] = {
        {.enforcer = ENFORCER_SECCOMP, .n_in_force = 3, .n_without = 2, .n_restart_needed = 1},
    };
    const struct status_node_result node = {.node = "n1",
                                            .connected = true,
                                            .enforcers = results,
                                            .n_enforcers = ARRAY_SIZE(results),
                                            .bindings = counts,
                                            .n_bindings = ARRAY_SIZE(counts)};
    const struct msg_event_count events[] = {
        {.enforcer = ENFORCER_SECCOMP, .origin = "vulMitigationRules: x\x1b", .count = 7}};
    const struct status_policy_description d = {
        .policy = {.kind = "VarmorPolicy", .name = "web", .nodes = &node, .n_nodes = 1},
        .bindings = &half_bound,
        .n_bindings = 1,
        .events = events,
        .n_events = 1,
    };
    struct script s = {0};

    ck_assert_int_eq(status_policy_description_encode(&d, next_answer(&s)), 0);
    manager_start(&s);
    ck_assert_int_eq(RUN(describe_run, "policy", "web"), 0);
    manager_stop();
    ck_assert_ptr_nonnull(strstr(
        out,
        "Nodes:\n"
        "  NODE   CONNECTED   CURRENT   ENFORCER   APPLIED   MODE      SINCE    HOLDS   WITHOUT   RESTART   REASON\n"
        "  n1     true        false     AppArmor   true      enforce   <none>   0       0         0         <none>\n"
        "  n1     true        false     Seccomp    false     <none>    <none>   3       2         1         no folder\n"));
    ck_assert_ptr_nonnull(
        strstr(out, "   false   AppArmor,BPF(no),Seccomp(restart needed)   false"));
    ck_assert_ptr_nonnull(strstr(out, "   BPF: no room; Seccomp: an older filter\\x1b\n"));
    ck_assert_ptr_nonnull(strstr(out, "Events:\n"
                                      "  EVENTS   ENFORCER   ORIGIN\n"
                                      "  7        Seccomp    vulMitigationRules: x\\x1b\n"));
}
END_TEST

START_TEST(a_binding_names_its_enforcers)
{
    const struct status_list l = {.resource = STATUS_BINDINGS, .bindings = &half_bound, .n = 1};
    struct script s = {0};

    ck_assert_int_eq(status_list_encode(&l, next_answer(&s)), 0);
    manager_start(&s);
    ck_assert_int_eq(RUN(get_run, "bindings", "-o", "wide"), 0);
    manager_stop();
    ck_assert_ptr_nonnull(strstr(out, "FROM-START   ENFORCERS  "));
    ck_assert_ptr_nonnull(strstr(out, "AppArmor,BPF(no),Seccomp(restart needed)   0  "));
}
END_TEST

START_TEST(who_is_opted_out_is_not_called_bound)
{
    static const struct msg_binding_enforcer opted_out = {
        .enforcer = ENFORCER_BPF, .opted_out = true, .reason = "its pod's annotation opts it out"};
    const struct status_binding b = {
        .node = "n1", .binding = {.container_id = "c1", .enforcers = &opted_out, .n_enforcers = 1}};
    const struct status_list l = {.resource = STATUS_BINDINGS, .bindings = &b, .n = 1};
    struct script s = {0};

    ck_assert_int_eq(status_list_encode(&l, next_answer(&s)), 0);
    ck_assert_int_eq(status_list_encode(&l, next_answer(&s)), 0);
    manager_start(&s);
    ck_assert_int_eq(RUN(get_run, "bindings", "-o", "wide"), 0);
    ck_assert_ptr_nonnull(strstr(out, "   false   "));
    ck_assert_ptr_nonnull(strstr(out, "   BPF(opted out)   "));
    ck_assert_int_eq(RUN(get_run, "bindings", "-o", "yaml"), 0);
    manager_stop();
    ck_assert_ptr_nonnull(strstr(out, "bound: false\n"));
    ck_assert_ptr_nonnull(strstr(out, "optedOut: true\n"));
}
END_TEST

START_TEST(what_the_manager_refuses_is_said)
{
    struct script s = {.status = GRPC_NOT_FOUND, .text = "there is no policy 'web'\x1b"};

    manager_start(&s);
    ck_assert_int_eq(RUN(describe_run, "policy", "web"), GET_EXIT_FAILURE);
    ck_assert_str_eq(err, "varmorctl: there is no policy 'web'\\x1b\n");
    manager_stop();
}
END_TEST

START_TEST(an_interrupted_question_has_no_answer)
{
    const struct itimerspec often = {.it_interval = {0, 50000000}, .it_value = {0, 50000000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    struct script s = {.silent = true};
    timer_t timer;

    manager_start(&s);
    signal(SIGTERM, SIG_IGN); /* while the command's loop does not have it */
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &often, NULL), 0);
    ck_assert_int_eq(RUN(get_run, "policies", "--timeout", "30"), GET_EXIT_FAILURE);
    timer_delete(timer);
    ck_assert_str_eq(err, "varmorctl: interrupted\n");
    ck_assert_str_eq(out, "");
    manager_stop();
}
END_TEST

START_TEST(no_manager_is_said)
{
    snprintf(address, sizeof(address), "unix:/tmp/varmor-ctl-test-%d.none", (int)getpid());
    ck_assert_int_eq(RUN(get_run, "policies"), GET_EXIT_FAILURE);
    ck_assert_ptr_nonnull(
        strstr(err, "varmorctl: no manager answers at unix:/tmp/varmor-ctl-test-"));
}
END_TEST

static const struct {
    int (*command)(int argc, char **argv);
    const char *args[MAX_ARGS];
    const char *err;
} misuses[] = {
    {get_run,
     {"policies", "--for", "ready"},
     "varmorctl x: --for is an option of other commands\n"},
    {describe_run, {"node", "a", "-w"}, "varmorctl x: --watch is an option of other commands\n"},
    {wait_run,
     {"policy", "a", "-o", "json"},
     "varmorctl x: --output is an option of other commands\n"},
    {get_run, {"policies", "--timeout", " 5"}, "varmorctl: --timeout ' 5': 1 to 3600 seconds\n"},
    {get_run,
     {"policies", "--timeout", "3601"},
     "varmorctl: --timeout '3601': 1 to 3600 seconds\n"},
    {get_run, {"policies", "--timeout", ""}, "varmorctl: --timeout '': 1 to 3600 seconds\n"},
    {get_run,
     {"things"},
     "varmorctl: 'things' is not a resource: policies, profiles, nodes, bindings, rules\n"},
    {get_run, {"rules", "-w"}, "varmorctl: built-in rules do not change: no --watch\n"},
    {get_run,
     {"rules", "--category", "hard"},
     "varmorctl: 'hard' is not a category: hardening, attack-protection, "
     "vulnerability-mitigation\n"},
    {get_run,
     {"nodes", "--category", "hardening"},
     "varmorctl: --category is an option of get rules\n"},
    {wait_run,
     {"policy", "a", "--for", "bound=2x"},
     "varmorctl: --for 'bound=2x': ready, not-ready, deleted, phase=PHASE or bound=N\n"},
};

START_TEST(a_misuse_is_named)
{
    ck_assert_int_eq(run(misuses[_i].command, misuses[_i].args), EXIT_USAGE);
    ck_assert_str_eq(err, misuses[_i].err);
    ck_assert_str_eq(out, "");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("ctl_status");
    TCase *t = tcase_create("ctl_status");

    tcase_add_test(t, wait_ends_when_the_condition_is_met);
    tcase_add_test(t, wait_says_what_it_saw_last_when_time_is_up);
    tcase_add_test(t, wait_refuses_a_name_that_two_policies_have);
    tcase_add_test(t, a_stream_that_the_manager_ends_is_a_failure);
    tcase_add_test(t, describe_shows_findings_as_they_are);
    tcase_add_test(t, describe_says_what_each_enforcer_does);
    tcase_add_test(t, a_binding_names_its_enforcers);
    tcase_add_test(t, who_is_opted_out_is_not_called_bound);
    tcase_add_test(t, what_the_manager_refuses_is_said);
    tcase_add_test(t, an_interrupted_question_has_no_answer);
    tcase_add_test(t, no_manager_is_said);
    tcase_add_loop_test(t, a_misuse_is_named, 0, (int)ARRAY_SIZE(misuses));
    suite_add_tcase(s, t);
    return s;
}
