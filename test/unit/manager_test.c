/* SPDX-License-Identifier: Apache-2.0 */
/* The whole manager on a loop, with real files and real gRPC clients over its Unix socket. */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/log.h"
#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"
#include "manager/config.h"
#include "manager/manager.h"
#include "proto/messages.h"

#define DEADLINE_NS (20 * NS_PER_SEC)

static char top[PATH_MAX / 2];
static struct config config;
static struct loop *loop;
static struct loop_timer *deadline;
static struct manager *manager;
static struct grpc_channel *channel;
static const char *waited_for;

/* ---- Files ---- */

#define POLICY(name, mode)                                                                         \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: " name ", namespace: shop}\n"                                                \
    "spec:\n  target: {kind: Pod, name: p}\n  policy: {enforcer: BPF, mode: " mode "}\n"

static void write_policy(const char *file, const char *text)
{
    char path[PATH_MAX], hidden[PATH_MAX];
    FILE *f;

    snprintf(hidden, sizeof(hidden), "%s/policies/.new", top);
    snprintf(path, sizeof(path), "%s/policies/%s", top, file);
    f = fopen(hidden, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(hidden, path), 0);
}

static void remove_policy(const char *file)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/policies/%s", top, file);
    ck_assert_int_eq(remove(path), 0);
}

/* ---- Calls: what comes back is kept as text ---- */

struct client {
    struct grpc_client_call *call; /* NULL: closed */
    enum status_resource watching; /* what the messages are */
    struct buf lines;
    struct digest last_digest; /* of the last profile */
};

static void format_manager_message(struct client *c, const uint8_t *data, size_t len)
{
    struct manager_message m;
    int r = 0;

    ck_assert_int_eq(manager_message_decode(&m, data, len, NULL), 0);
    switch (m.kind) {
    case MANAGER_WELCOME:
        r = buf_add_text(&c->lines, "welcome\n");
        break;
    case MANAGER_PROFILE:
        c->last_digest = m.profile->digest;
        r = buf_format(&c->lines, "profile %s %zu\n", m.profile->name, m.profile->n_rules);
        break;
    case MANAGER_REMOVAL:
        r = buf_format(&c->lines, "removal %s\n", m.removal);
        break;
    case MANAGER_IN_SYNC:
        r = buf_format(&c->lines, "in_sync %u\n", m.in_sync);
        break;
    case MANAGER_MESSAGE_NONE:
        ck_abort_msg("a message of no kind");
    }
    ck_assert_int_eq(r, 0);
    manager_message_done(&m);
}

static void format_watch_event(struct client *c, const uint8_t *data, size_t len)
{
    static const char *const types[] = {"none", "put", "removed", "listed"};
    struct status_watch_event e;
    int r;

    ck_assert_int_eq(status_watch_event_decode(&e, data, len, NULL), 0);
    r = buf_format(&c->lines, "%s", types[e.type]);
    if (r == 0 && e.type != STATUS_WATCH_LISTED && c->watching == STATUS_POLICIES)
        r = buf_format(&c->lines, " %s %s %s %u/%u", e.policy.name, e.policy.phase,
                       e.policy.ready ? "ready" : "-", e.policy.nodes_ready,
                       e.policy.nodes_desired);
    if (r == 0 && e.type != STATUS_WATCH_LISTED && c->watching == STATUS_NODES)
        r = buf_format(&c->lines, " %s %s", e.node.name, e.node.connected ? "connected" : "away");
    if (r == 0 && e.type != STATUS_WATCH_LISTED && c->watching == STATUS_BINDINGS)
        r = buf_format(&c->lines, " %s %s", e.binding.node, e.binding.binding.container_id);
    ck_assert_int_eq(r < 0 ? r : buf_add_text(&c->lines, "\n"), 0);
    status_watch_event_done(&e);
}

static void on_message(struct grpc_client_call *call UNUSED, const uint8_t *data, size_t len,
                       void *data_arg)
{
    struct client *c = data_arg;

    if (c->watching == STATUS_RESOURCES)
        ck_assert_int_eq(buf_add(&c->lines, data, len), 0);
    else if (c->watching)
        format_watch_event(c, data, len);
    else
        format_manager_message(c, data, len);
    loop_stop(loop);
}

static void on_closed(struct grpc_client_call *call UNUSED, enum grpc_status status,
                      const char *text, void *data_arg)
{
    struct client *c = data_arg;

    c->call = NULL;
    if (c->watching != STATUS_RESOURCES || status != GRPC_OK)
        ck_assert_int_eq(buf_format(&c->lines, "closed %s %s\n", grpc_status_name(status), text),
                         0);
    loop_stop(loop);
}

static const struct grpc_client_handler client_handler = {.message = on_message,
                                                          .closed = on_closed};

static struct client *client_new(const char *path, enum status_resource watching)
{
    struct client *c = calloc(1, sizeof(*c));

    c->watching = watching;
    c->lines = BUF_INIT(1 << 20);
    ck_assert_int_eq(grpc_channel_call(channel, &c->call, path, NULL, 0, 0, &client_handler, c), 0);
    return c;
}

static void client_free(struct client *c)
{
    if (c->call)
        grpc_client_call_cancel(c->call);
    while (c->call)
        ck_assert_int_eq(loop_run(loop), 0);
    buf_done(&c->lines);
    free(c);
}

/* Runs until the client's text is this, and forgets it. */
static void expect(struct client *c, const char *lines)
{
    waited_for = lines;
    loop_timer_set(deadline, DEADLINE_NS);
    while (c->lines.len < strlen(lines)) {
        ck_assert_int_eq(loop_run(loop), 0);
    }
    loop_timer_unset(deadline);
    ck_assert_str_eq(buf_text(&c->lines), lines);
    buf_clear(&c->lines);
}

/* The same, for the end of the text alone. */
static void expect_end(struct client *c, const char *end)
{
    waited_for = end;
    loop_timer_set(deadline, DEADLINE_NS);
    while (!strstr(buf_text(&c->lines), end))
        ck_assert_int_eq(loop_run(loop), 0);
    loop_timer_unset(deadline);
    buf_clear(&c->lines);
}

static void on_deadline(void *data UNUSED)
{
    ck_abort_msg("waited in vain for:\n%s", waited_for);
}

/* ---- Agents ---- */

static void send_agent_message(struct client *c, const struct agent_message *m)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT(1 << 20);

    ck_assert_int_eq(agent_message_encode(m, &bytes), 0);
    ck_assert_int_eq(grpc_client_call_send(c->call, bytes.data, bytes.len), 0);
}

static void say_hello(struct client *c, const char *node)
{
    const struct msg_enforcer_state bpf = {.enforcer = ENFORCER_BPF, .usable = true, .reason = ""};
    const struct agent_message m = {.kind = AGENT_HELLO,
                                    .hello = {.protocol = MESSAGE_PROTOCOL,
                                              .node = node,
                                              .agent_version = "0",
                                              .kernel = "6.1",
                                              .architecture = "x86_64",
                                              .runtime = "none",
                                              .enforcers = &bpf,
                                              .n_enforcers = 1}};

    send_agent_message(c, &m);
}

static struct client *agent_new(const char *node)
{
    struct client *c = client_new("/varmor.v1.AgentService/Sync", STATUS_NONE);

    say_hello(c, node);
    return c;
}

static void confirm(struct client *c, const char *profile)
{
    const struct msg_enforcer_result bpf = {
        .enforcer = ENFORCER_BPF, .applied = true, .reason = ""};
    const struct agent_message m = {
        .kind = AGENT_RESULT,
        .result = {.name = profile, .digest = c->last_digest, .enforcers = &bpf, .n_enforcers = 1}};

    send_agent_message(c, &m);
}

static struct client *watch_new(enum status_resource resource)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT(1024);
    const struct status_watch_request ask = {.resource = resource, .name_space = "", .name = ""};
    struct client *c = client_new("/varmor.v1.StatusService/Watch", resource);

    ck_assert_int_eq(status_watch_request_encode(&ask, &bytes), 0);
    ck_assert_int_eq(grpc_client_call_send(c->call, bytes.data, bytes.len), 0);
    grpc_client_call_half_close(c->call);
    return c;
}

/* A unary call: the client's lines are the answer's bytes when it returns. */
static struct client *unary_new(const char *path, const struct buf *request)
{
    struct client *c = client_new(path, STATUS_RESOURCES);

    ck_assert_int_eq(grpc_client_call_send(c->call, request->data, request->len), 0);
    grpc_client_call_half_close(c->call);
    waited_for = path;
    loop_timer_set(deadline, DEADLINE_NS);
    while (c->call)
        ck_assert_int_eq(loop_run(loop), 0);
    loop_timer_unset(deadline);
    return c;
}

/* ---- Fixture ---- */

static void start_manager(void)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(manager_new(&manager, loop, &config, &e) == 0, "%s", error_message(e));
}

static void set_up(void)
{
    CLEANUP(error_free) struct error *e = NULL;
    char path[PATH_MAX], policies[PATH_MAX], listen[PATH_MAX];
    char *argv[] = {(char *)"manager", policies, listen};
    struct grpc_address address;

    log_set_level(LOG_LEVEL_ERROR);
    snprintf(top, sizeof(top), "%s/varmor-manager-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(path, sizeof(path), "%s/policies", top);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(policies, sizeof(policies), "--policies=%s/policies", top);
    snprintf(listen, sizeof(listen), "--listen=unix:%s/m.sock", top);
    config = (struct config){0};
    ck_assert_msg(config_parse(&config, 3, argv, &e) == OPTIONS_RUN, "%s", error_message(e));
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(loop, &deadline, on_deadline, NULL), 0);
    write_policy("a.yaml", POLICY("a", "AlwaysAllow"));
    start_manager();
    ck_assert_int_eq(grpc_address_parse(&address, listen + strlen("--listen="), NULL), 0);
    ck_assert_int_eq(grpc_channel_new(&channel, loop, &address, NULL, NULL, &e), 0);
    grpc_address_done(&address);
}

static void tear_down(void)
{
    char command[PATH_MAX];

    channel = grpc_channel_free(channel);
    manager = manager_free(manager);
    deadline = loop_timer_free(deadline);
    loop = loop_free(loop);
    config_done(&config);
    snprintf(command, sizeof(command), "rm -rf '%s'", top);
    ck_assert_int_eq(system(command), 0);
}

/* ---- Tests ---- */

START_TEST(a_file_reaches_the_agent_and_its_answer_the_status)
{
    struct client *agent = agent_new("n1"), *watch;

    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    watch = watch_new(STATUS_POLICIES);
    expect(watch, "put a Pending - 0/1\nlisted\n");
    confirm(agent, "varmor-shop-a");
    expect(watch, "put a Protecting ready 1/1\n");

    write_policy("a.yaml", POLICY("a", "RuntimeDefault"));
    expect(agent, "profile varmor-shop-a 9\n");
    expect(watch, "put a Pending - 0/1\n");
    confirm(agent, "varmor-shop-a");
    expect(watch, "put a Protecting ready 1/1\n");

    write_policy("b.yaml", POLICY("b", "AlwaysAllow"));
    expect(agent, "profile varmor-shop-b 0\n");
    remove_policy("a.yaml");
    expect(agent, "removal varmor-shop-a\n");
    expect(watch, "put b Pending - 0/1\nremoved a  - 0/0\n");
    client_free(watch);
    client_free(agent);
}
END_TEST

START_TEST(a_wrong_file_changes_nothing_for_the_agent_and_shows_in_status)
{
    struct client *agent = agent_new("n1"), *watch;

    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    watch = watch_new(STATUS_POLICIES);
    expect(watch, "put a Pending - 0/1\nlisted\n");
    confirm(agent, "varmor-shop-a");
    expect(watch, "put a Protecting ready 1/1\n");
    write_policy("a.yaml", POLICY("a", "RuntimeDefalt"));
    expect(watch, "put a Protecting - 1/1\n");
    write_policy("a.yaml", POLICY("a", "AlwaysAllow"));
    expect(watch, "put a Protecting ready 1/1\n");
    write_policy("new.yaml", "kind: [");
    expect(watch, "put new.yaml Error - 0/0\n");
    remove_policy("new.yaml");
    expect(watch, "removed new.yaml  - 0/0\n");
    ck_assert_uint_eq(agent->lines.len, 0);
    client_free(watch);
    client_free(agent);
}
END_TEST

START_TEST(the_newest_stream_of_a_node_wins)
{
    struct client *first = agent_new("n1"), *second, *watch;

    expect(first, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    watch = watch_new(STATUS_NODES);
    expect(watch, "put n1 connected\nlisted\n");
    second = agent_new("n1");
    expect(second, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    expect(first, "closed ABORTED a newer stream of this node has taken over\n");
    write_policy("a.yaml", POLICY("a", "RuntimeDefault"));
    expect(second, "profile varmor-shop-a 9\n");
    buf_clear(&watch->lines); /* the time of the connection has changed */
    client_free(second);
    expect_end(watch, "put n1 away\n");
    client_free(watch);
    client_free(first);
}
END_TEST

START_TEST(an_agent_must_begin_with_hello_and_say_it_once)
{
    struct client *early = client_new("/varmor.v1.AgentService/Sync", STATUS_NONE);
    struct client *twice = agent_new("n1"), *nameless = agent_new("");
    struct client *garbage = client_new("/varmor.v1.AgentService/Sync", STATUS_NONE);
    const struct agent_message counts = {.kind = AGENT_COUNTS, .counts = {.profile = "x"}};

    send_agent_message(early, &counts);
    expect(early, "closed FAILED_PRECONDITION the first message must be a hello\n");
    expect(twice, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    say_hello(twice, "n1");
    expect(twice, "closed INVALID_ARGUMENT a second hello\n");
    expect(nameless, "closed INVALID_ARGUMENT a node's name has 1 to 253 bytes\n");
    ck_assert_int_eq(grpc_client_call_send(garbage->call, (const uint8_t *)"\xff\xff", 2), 0);
    while (garbage->call)
        ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&garbage->lines), "closed INVALID_ARGUMENT"));
    client_free(early);
    client_free(twice);
    client_free(nameless);
    client_free(garbage);
}
END_TEST

START_TEST(an_agent_that_says_no_more_is_told_everything_first)
{
    struct client *agent = agent_new("n1");
    struct client *silent = client_new("/varmor.v1.AgentService/Sync", STATUS_NONE);

    grpc_client_call_half_close(agent->call);
    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\nclosed OK \n");
    grpc_client_call_half_close(silent->call);
    expect(silent, "closed FAILED_PRECONDITION no hello came\n");
    client_free(agent);
    client_free(silent);
}
END_TEST

START_TEST(bindings_and_violations_are_described)
{
    CLEANUP_BUF struct buf request = BUF_INIT(1024);
    const struct status_describe_request ask = {.kind = "", .name_space = "shop", .name = "a"};
    struct client *agent = agent_new("n1"), *watch = watch_new(STATUS_BINDINGS), *answer;
    const struct msg_binding_enforcer hold = {.enforcer = ENFORCER_BPF, .in_force = true};
    const struct msg_event_count event = {ENFORCER_APPARMOR, "disallow-mount", 4};
    const struct agent_message counts = {
        .kind = AGENT_COUNTS,
        .counts = {.profile = "varmor-shop-a", .events = &event, .n_events = 1}};
    const struct msg_binding binding = {.container_id = "c1",
                                        .runtime_namespace = "default",
                                        .container_name = "c",
                                        .pod_name = "p",
                                        .pod_namespace = "shop",
                                        .pod_uid = "",
                                        .image = "",
                                        .profile = "varmor-shop-a",
                                        .reason = "",
                                        .workload_kind = "",
                                        .workload_name = "",
                                        .enforcers = &hold,
                                        .n_enforcers = 1};
    const struct agent_message put = {.kind = AGENT_BINDINGS,
                                      .bindings = {.complete = true, .put = &binding, .n_put = 1}};
    const char *gone = "c1";
    const struct agent_message drop = {.kind = AGENT_BINDINGS,
                                       .bindings = {.dropped = &gone, .n_dropped = 1}};
    const struct msg_violation violation = {.profile = "varmor-shop-a",
                                            .rule = "base",
                                            .denied = true,
                                            .container_id = "c1",
                                            .container_name = "c",
                                            .pod_name = "p",
                                            .pod_namespace = "shop",
                                            .enforcer = "BPF",
                                            .event = "{}"};
    const struct agent_message violations = {.kind = AGENT_VIOLATIONS,
                                             .violations = {.items = &violation, .n = 1}};
    struct status_policy_description d;
    void *arena;

    expect(watch, "listed\n");
    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    send_agent_message(agent, &violations);
    send_agent_message(agent, &counts);
    send_agent_message(agent, &put);
    expect(watch, "put n1 c1\n");
    ck_assert_int_eq(status_describe_request_encode(&ask, &request), 0);
    answer = unary_new("/varmor.v1.StatusService/DescribePolicy", &request);
    ck_assert_int_eq(
        status_policy_description_decode(&d, &arena, answer->lines.data, answer->lines.len, NULL),
        0);
    ck_assert_uint_eq(d.n_bindings, 1);
    ck_assert_str_eq(d.bindings[0].binding.container_id, "c1");
    ck_assert_uint_eq(d.policy.n_bound, 1);
    ck_assert_uint_eq(d.policy.n_nodes, 1);
    ck_assert_uint_eq(d.policy.nodes[0].n_bound, 1);
    ck_assert_uint_eq(d.policy.nodes[0].n_bindings, 1);
    ck_assert_uint_eq(d.policy.nodes[0].bindings[0].n_in_force, 1);
    ck_assert_str_eq(d.policy.conditions[d.policy.n_conditions - 1].type, "Bound");
    ck_assert_str_eq(d.policy.conditions[d.policy.n_conditions - 1].status, "True");
    ck_assert_uint_eq(d.n_events, 1);
    ck_assert_str_eq(d.events[0].origin, "disallow-mount");
    ck_assert_uint_eq(d.events[0].count, 4);
    ck_assert_uint_eq(d.n_violations, 1);
    ck_assert_str_eq(d.violations[0].violation.rule, "base");
    ck_assert_str_eq(d.policy.source, "a.yaml:1");
    status_arena_free(arena);
    send_agent_message(agent, &drop);
    expect(watch, "removed n1 c1\n");
    client_free(answer);
    client_free(watch);
    client_free(agent);
}
END_TEST

#define SERVICE(ip)                                                                                \
    "apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes}\nspec: {clusterIP: " ip "}\n"
#define SLICE(endpoints)                                                                           \
    "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: k, labels: "      \
    "{kubernetes.io/service-name: kubernetes}}\nports: [{port: 6443}]\n"                           \
    "endpoints: [{addresses: [" endpoints "]}]\n"

/* Describes policy shop/a; the arena is the caller's. */
static void describe(struct status_policy_description *d, void **arena)
{
    CLEANUP_BUF struct buf request = BUF_INIT(1024);
    const struct status_describe_request ask = {.kind = "", .name_space = "shop", .name = "a"};
    struct client *answer;

    ck_assert_int_eq(status_describe_request_encode(&ask, &request), 0);
    answer = unary_new("/varmor.v1.StatusService/DescribePolicy", &request);
    ck_assert_int_eq(
        status_policy_description_decode(d, arena, answer->lines.data, answer->lines.len, NULL), 0);
    client_free(answer);
}

START_TEST(policies_follow_the_services_that_they_name)
{
    struct client *agent = agent_new("n1");
    struct status_policy_description d;
    void *arena;

    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    write_policy("a.yaml",
                 POLICY("a", "EnhanceProtect, enhanceProtect: {privileged: true, "
                             "attackProtectionRules: [{rules: [block-access-to-kube-apiserver]}], "
                             "hardeningRules: [disable-cap-chown]}"));
    expect(agent, "profile varmor-shop-a 1\n");
    describe(&d, &arena);
    ck_assert_uint_eq(d.n_warnings, 1);
    ck_assert_ptr_nonnull(strstr(d.warnings[0], "there is no service 'default/kubernetes'"));
    ck_assert_str_eq(d.policy.conditions[2].type, "Complete");
    ck_assert_str_eq(d.policy.conditions[2].status, "False");
    status_arena_free(arena);

    write_policy("s.yaml", SERVICE("10.96.0.1"));
    expect(agent, "profile varmor-shop-a 2\n");
    write_policy("s.yaml", SERVICE("10.96.0.1") SLICE("10.0.0.7, 10.0.0.8"));
    expect(agent, "profile varmor-shop-a 4\n");
    describe(&d, &arena);
    ck_assert_uint_eq(d.n_warnings, 0);
    ck_assert_str_eq(d.policy.conditions[2].type, "Ready");
    status_arena_free(arena);

    write_policy("s.yaml", SERVICE("10.96.0.1") SLICE("10.0.0.8, 10.0.0.7")); /* nothing new */
    write_policy("b.yaml", POLICY("b", "AlwaysAllow"));
    expect(agent, "profile varmor-shop-b 0\n");
    remove_policy("s.yaml");
    expect(agent, "profile varmor-shop-a 1\n");
    client_free(agent);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    CLEANUP_BUF struct buf request = BUF_INIT(1024);
    const struct status_describe_request ask = {.kind = "", .name_space = "shop", .name = "x"};
    struct client *answer;

    ck_assert_int_eq(status_describe_request_encode(&ask, &request), 0);
    answer = unary_new("/varmor.v1.StatusService/DescribePolicy", &request);
    ck_assert_str_eq(buf_text(&answer->lines), "closed NOT_FOUND there is no policy 'shop/x'\n");
    client_free(answer);
    answer = unary_new("/varmor.v1.StatusService/DescribeNode", &request);
    ck_assert_str_eq(buf_text(&answer->lines), "closed NOT_FOUND there is no node 'shop/x'\n");
    client_free(answer);
}
END_TEST

START_TEST(health_is_serving_once_the_folder_has_been_read)
{
    CLEANUP_BUF struct buf nothing = BUF_INIT(16);
    struct client *agent = agent_new("n1"), *answer;

    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    answer = unary_new("/grpc.health.v1.Health/Check", &nothing);
    ck_assert_uint_eq(answer->lines.len, 2);
    ck_assert_mem_eq(answer->lines.data, "\x08\x01", 2);
    client_free(answer);
    client_free(agent);
}
END_TEST

START_TEST(without_its_folder_a_manager_takes_nothing_from_agents)
{
    char policies[PATH_MAX], aside[PATH_MAX];
    struct client *agent, *watch;

    snprintf(policies, sizeof(policies), "%s/policies", top);
    snprintf(aside, sizeof(aside), "%s/aside", top);
    manager = manager_free(manager);
    ck_assert_int_eq(rename(policies, aside), 0);
    start_manager();
    agent = agent_new("n1");
    expect(agent, "closed UNAVAILABLE the folder of policies has not been read yet\n");
    client_free(agent);
    watch = watch_new(STATUS_POLICIES);
    ck_assert_int_eq(rename(aside, policies), 0);
    expect_end(watch, " a Pending");
    agent = agent_new("n1");
    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    client_free(watch);
    client_free(agent);
}
END_TEST

static void on_drained(void *data)
{
    *(bool *)data = true;
    loop_stop(loop);
}

START_TEST(a_drain_sends_agents_and_watchers_away)
{
    struct client *agent = agent_new("n1"), *watch;
    bool drained = false;

    expect(agent, "welcome\nprofile varmor-shop-a 0\nin_sync 1\n");
    watch = watch_new(STATUS_POLICIES);
    expect(watch, "put a Pending - 0/1\nlisted\n");
    manager_drain(manager, on_drained, &drained);
    expect(agent, "closed UNAVAILABLE the manager is shutting down\n");
    expect(watch, "closed UNAVAILABLE the manager is shutting down\n");
    waited_for = "the end of the drain";
    loop_timer_set(deadline, DEADLINE_NS);
    while (!drained)
        ck_assert_int_eq(loop_run(loop), 0);
    loop_timer_unset(deadline);
    client_free(agent);
    client_free(watch);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("manager");
    TCase *t = tcase_create("manager");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_file_reaches_the_agent_and_its_answer_the_status);
    tcase_add_test(t, a_wrong_file_changes_nothing_for_the_agent_and_shows_in_status);
    tcase_add_test(t, the_newest_stream_of_a_node_wins);
    tcase_add_test(t, an_agent_must_begin_with_hello_and_say_it_once);
    tcase_add_test(t, an_agent_that_says_no_more_is_told_everything_first);
    tcase_add_test(t, bindings_and_violations_are_described);
    tcase_add_test(t, policies_follow_the_services_that_they_name);
    tcase_add_test(t, what_is_not_there_is_not_found);
    tcase_add_test(t, health_is_serving_once_the_folder_has_been_read);
    tcase_add_test(t, without_its_folder_a_manager_takes_nothing_from_agents);
    tcase_add_test(t, a_drain_sends_agents_and_watchers_away);
    suite_add_tcase(s, t);
    return s;
}
