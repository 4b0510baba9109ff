/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager counts, with a real store, nodes, status and server, and what its manual says of it. */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/metrics_server.h"
#include "lib/rpc/grpc_server.h"
#include "manager/admission_review.h"
#include "manager/file_problems.h"
#include "manager/manager_metrics.h"
#include "manager/nodes.h"
#include "manager/profile_store.h"
#include "manager/status.h"
#include "manager/violation_history.h"
#include "profiles/rules.h"
#include "test/unit/admission_bed.h"

#define MANUAL "docs/operations.md"

static struct loop *loop;
static struct profile_store *store;
static struct nodes *nodes;
static struct file_problems *problems;
static struct violation_history *violations;
static struct status *status;
static struct grpc_server *server;
static struct manager_metrics *metrics;

static void on_changed(unsigned resources UNUSED, void *data UNUSED)
{
    loop_stop(loop);
}
static void on_status(const struct stored_policy *p UNUSED, bool is_ready UNUSED,
                      const char *phase UNUSED, const char *message UNUSED, void *data UNUSED)
{
}
static const struct status_handler status_handler = {.changed = on_changed, .policy = on_status};

static void set_up(void)
{
    struct status_facts facts;
    struct manager_metrics_facts all;

    ck_assert_int_eq(builtin_rules_load(NULL), 0);
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    store = admission_store_new();
    nodes = nodes_new(NS_PER_SEC);
    problems = file_problems_new();
    violations = violation_history_new();
    facts = (struct status_facts){store, nodes, problems, violations};
    ck_assert_int_eq(status_new(&status, loop, &facts, &status_handler, NULL), 0);
    ck_assert_int_eq(grpc_server_new(&server, loop, NULL, NULL), 0);
    all = (struct manager_metrics_facts){loop, store, nodes, status, server};
    ck_assert_int_eq(manager_metrics_new(&metrics, &all), 0);
}

static void tear_down(void)
{
    manager_metrics_free(metrics);
    grpc_server_free(server);
    status_free(status);
    violation_history_free(violations);
    file_problems_free(problems);
    nodes_free(nodes);
    profile_store_free(store);
    loop_free(loop);
    builtin_rules_unload();
}

static void put_policy(const char *name)
{
    char text[512];

    snprintf(text, sizeof(text),
             "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
             "metadata: {name: %s, namespace: shop}\n"
             "spec:\n  target: {kind: Pod, name: p}\n"
             "  policy: {enforcer: BPF, mode: AlwaysAllow}\n",
             name);
    admission_store_put(store, text, NULL);
}

static struct node *put_node(const char *name)
{
    const struct msg_hello hello = {
        .protocol = 1, .node = name, .agent_version = "1", .kernel = "6.1"};
    struct node *node = NULL;

    ck_assert_int_eq(nodes_hello(nodes, &hello, 1, &node, NULL), 0);
    node->connected = true;
    return node;
}

/* The node says of the profile of a slot whether it enforces it. */
static void put_result(struct node *node, unsigned slot, bool applied)
{
    const struct profile *p = profile_store_slot(store, slot)->owner->profile;
    const struct msg_enforcer_result bpf = {
        .enforcer = ENFORCER_BPF, .applied = applied, .reason = applied ? "" : "no BPF here"};
    const struct msg_result result = {
        .name = p->name, .digest = p->digest, .enforcers = &bpf, .n_enforcers = 1};

    ck_assert_int_eq(node_result(node, slot, &result, &p->digest), 0);
    manager_metrics_result(metrics, node, slot);
}

static void settle(void)
{
    status_touch_policies(status);
    ck_assert_int_eq(loop_run(loop), 0);
}

static void assert_says(bool is_there, const char *line)
{
    CLEANUP_BUF struct buf text = BUF_INIT(METRICS_SERVER_TEXT_BYTES), wanted = BUF_INIT(4096);

    ck_assert_int_eq(manager_metrics_format(metrics, &text), 0);
    ck_assert_int_eq(buf_format(&wanted, "\n%s\n", line), 0);
    ck_assert_msg(!strstr(buf_text(&text), buf_text(&wanted)) == !is_there, "'%s' %s in:\n%s", line,
                  is_there ? "is not" : "is", buf_text(&text));
}

START_TEST(reports_of_agents_are_counted_by_node_until_it_is_gone)
{
    struct node *n1, *n2;

    put_policy("a");
    put_policy("b");
    n1 = put_node("n1");
    n2 = put_node("n2");
    put_result(n1, 0, true);
    put_result(n1, 1, true);
    put_result(n2, 0, false);
    assert_says(true, "varmor_profile_processing_success_total{node_name=\"n1\"} 2");
    assert_says(true, "varmor_profile_processing_failure_total{node_name=\"n2\"} 1");
    assert_says(true, "varmor_profile_change_count_total{node_name=\"n1\"} 2");
    assert_says(true, "varmor_profile_change_count_total{node_name=\"n2\"} 1");
    assert_says(false, "varmor_profile_processing_failure_total{node_name=\"n1\"} 0");
    manager_metrics_node_gone(metrics, n2);
    assert_says(false, "varmor_profile_change_count_total{node_name=\"n2\"} 1");
    assert_says(false, "varmor_profile_processing_failure_total{node_name=\"n2\"} 1");
    assert_says(true, "varmor_profile_change_count_total{node_name=\"n1\"} 2");
}
END_TEST

START_TEST(policies_and_nodes_are_told_as_they_are)
{
    struct node *n1, *n2;

    put_policy("a");
    put_policy("b");
    settle();
    assert_says(true, "varmor_policies{phase=\"Pending\",enforcer=\"BPF\"} 2");
    assert_says(true, "varmor_profiles 2");
    n1 = put_node("n1");
    n2 = put_node("n2");
    put_node("n3");
    put_result(n1, 0, true);
    put_result(n1, 1, true);
    put_result(n2, 0, true);
    put_result(n2, 1, false);
    settle();
    assert_says(true, "varmor_profile_nodes{state=\"ready\"} 3");
    assert_says(true, "varmor_profile_nodes{state=\"failed\"} 1");
    assert_says(true, "varmor_profile_nodes{state=\"waiting\"} 2");
    assert_says(true, "varmor_nodes{state=\"connected\"} 3");
    assert_says(true, "varmor_nodes{state=\"ready\"} 1");
    assert_says(true, "varmor_nodes{state=\"failed\"} 1");
    assert_says(
        true,
        "varmor_profile_status_per_node{namespace=\"shop\",profile_name=\"varmor-shop-a\",node_name=\"n2\"} 1");
    assert_says(
        true,
        "varmor_profile_status_per_node{namespace=\"shop\",profile_name=\"varmor-shop-b\",node_name=\"n2\"} 0");
    nodes_lost(nodes, n1, 2, 2);
    settle();
    assert_says(true, "varmor_nodes{state=\"away\"} 1");
    assert_says(true, "varmor_nodes{state=\"ready\"} 0");
    assert_says(
        true,
        "varmor_profile_status_per_node{namespace=\"shop\",profile_name=\"varmor-shop-a\",node_name=\"n1\"} 0");
    profile_store_drop(store, false, "shop", "b");
    settle();
    assert_says(true, "varmor_profiles 1");
    assert_says(
        false,
        "varmor_profile_status_per_node{namespace=\"shop\",profile_name=\"varmor-shop-b\",node_name=\"n2\"} 0");
}
END_TEST

START_TEST(pairs_of_node_and_profile_beyond_the_ceiling_are_left_out_and_said_to_be)
{
    char name[16], line[128];

    put_policy("a");
    for (unsigned i = 0; i < MANAGER_METRICS_MAX_STANDINGS; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        put_node(name);
    }
    settle();
    assert_says(true, "varmor_nodes{state=\"ready\"} 0");
    assert_says(
        true,
        "varmor_profile_status_per_node{namespace=\"shop\",profile_name=\"varmor-shop-a\",node_name=\"n4095\"} 0");
    assert_says(false, "varmor_metrics_left_out{metric=\"varmor_nodes\"} 2");
    put_node("one-more");
    settle();
    assert_says(false, "varmor_nodes{state=\"ready\"} 0");
    assert_says(true, "varmor_metrics_left_out{metric=\"varmor_nodes\"} 2");
    snprintf(line, sizeof(line),
             "varmor_metrics_left_out{metric=\"varmor_profile_status_per_node\"} %u",
             MANAGER_METRICS_MAX_STANDINGS + 1);
    assert_says(true, line);
    assert_says(true, "varmor_profile_nodes{state=\"waiting\"} 4097");
}
END_TEST

START_TEST(what_the_api_server_asked_is_counted_with_the_time_that_it_took)
{
    static const struct {
        bool is_policy;
        struct admission_outcome outcome;
        uint64_t took_ns;
    } rows[] = {
        {false, {.kind = "Deployment", .operation = "CREATE", .n_operations = 3}, 2 * NS_PER_MSEC},
        {false,
         {.kind = "Deployment", .operation = "CREATE", .n_operations = 1},
         300 * NS_PER_MSEC},
        {false, {.kind = "Pod", .operation = "CREATE"}, 6 * NS_PER_SEC},
        {false, {.kind = "", .operation = ""}, NS_PER_MSEC},
        {true, {.kind = "", .operation = "UPDATE", .denied = true}, NS_PER_MSEC},
        {true, {.kind = "", .operation = "CREATE"}, NS_PER_MSEC},
    };
    static const char *const lines[] = {
        "varmor_admission_requests_total 4",
        "varmor_mutated_requests_total 2",
        "varmor_non_mutated_requests_total 2",
        "varmor_policy_reviews_total{outcome=\"denied\"} 1",
        "varmor_policy_reviews_total{outcome=\"admitted\"} 1",
#define DEPLOYMENT                                                                                 \
    "request_kind=\"apps/v1, Kind=Deployment\",request_operation=\"CREATE\",request_mutated=\"true\""
        "varmor_webhook_latency_bucket{" DEPLOYMENT ",le=\"0.001\"} 0",
        "varmor_webhook_latency_bucket{" DEPLOYMENT ",le=\"0.1\"} 1",
        "varmor_webhook_latency_bucket{" DEPLOYMENT ",le=\"0.5\"} 2",
        "varmor_webhook_latency_sum{" DEPLOYMENT "} 0.302",
        "varmor_webhook_latency_bucket{request_kind=\"/v1, Kind=Pod\",request_operation=\"CREATE\",request_mutated=\"false\",le=\"5\"} 0",
        "varmor_webhook_latency_count{request_kind=\"/v1, Kind=Pod\",request_operation=\"CREATE\",request_mutated=\"false\"} 1",
        "varmor_webhook_latency_count{request_kind=\"other\",request_operation=\"\",request_mutated=\"false\"} 1",
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        manager_metrics_admission(metrics, rows[i].is_policy, &rows[i].outcome, rows[i].took_ns);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_says(true, lines[i]);
}
END_TEST

START_TEST(without_an_api_server_no_requests_to_one_are_told)
{
    assert_says(true, "# TYPE varmor_api_requests_total counter");
    assert_says(false, "varmor_api_requests_total{outcome=\"2xx\"} 0");
}
END_TEST

/* Copies the metric's name and type of a row of the manual's table; false: it is no such row. */
static bool read_row(const char *row, char name[static 64], char type[static 16])
{
    return sscanf(row, "| `%63[a-z_]` | %15[a-z] |", name, type) == 2;
}

START_TEST(the_manual_lists_every_metric_with_its_type_and_no_other)
{
    CLEANUP_BUF struct buf text = BUF_INIT(METRICS_SERVER_TEXT_BYTES);
    CLEANUP(map_free) struct map *rows = map_new(free, 0);
    char row[1024], name[64], type[16];
    FILE *f = fopen(MANUAL, "re");
    size_t n = 0;

    ck_assert_msg(f, MANUAL);
    while (fgets(row, sizeof(row), f))
        if (read_row(row, name, type))
            ck_assert_int_eq(map_put(rows, name, strdup(type)), 0);
    fclose(f);
    ck_assert_int_eq(manager_metrics_format(metrics, &text), 0);
    for (const char *line = strstr(buf_text(&text), "# TYPE "); line;
         line = strstr(line + 1, "# TYPE ")) {
        const char *in_manual;

        ck_assert_int_eq(sscanf(line, "# TYPE %63s %15s", name, type), 2);
        in_manual = map_find(rows, name);
        ck_assert_msg(in_manual, "%s is not in %s", name, MANUAL);
        ck_assert_str_eq(in_manual, type);
        n++;
    }
    ck_assert_uint_eq(n, map_size(rows));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("manager_metrics");
    TCase *tests = tcase_create("manager_metrics");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, reports_of_agents_are_counted_by_node_until_it_is_gone);
    tcase_add_test(tests, policies_and_nodes_are_told_as_they_are);
    tcase_add_test(tests, pairs_of_node_and_profile_beyond_the_ceiling_are_left_out_and_said_to_be);
    tcase_add_test(tests, what_the_api_server_asked_is_counted_with_the_time_that_it_took);
    tcase_add_test(tests, without_an_api_server_no_requests_to_one_are_told);
    tcase_add_test(tests, the_manual_lists_every_metric_with_its_type_and_no_other);
    suite_add_tcase(suite, tests);
    return suite;
}
