/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/manager_metrics.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/kube/kube_client.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/metrics.h"
#include "lib/metrics_server.h"
#include "lib/rpc/grpc_server.h"
#include "manager/admission_review.h"
#include "manager/clock.h"
#include "manager/nodes.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "manager/status.h"

#define MAX_KINDS 64 /* kinds, operations and outcomes of admission */

enum family {
    PROFILE_SUCCESS,
    PROFILE_FAILURE,
    PROFILE_REPORTS,
    PROFILE_STATUS,
    ADMISSIONS,
    ADMISSIONS_MUTATED,
    ADMISSIONS_NOT_MUTATED,
    ADMISSION_LATENCY,
    POLICY_REVIEWS,
    POLICIES,
    PROFILES,
    PROFILE_NODES,
    NODES,
    API_REQUESTS,
    API_LISTS,
    API_WATCHES,
    GRPC_CONNECTIONS,
    GRPC_CALLS,
    GRPC_REFUSED_CONNECTIONS,
    GRPC_REFUSED_CALLS,
    GRPC_PROTOCOL_ERRORS,
    GRPC_OPEN_CONNECTIONS,
    GRPC_OPEN_CALLS,
    PROCESS_MEMORY,
    PROCESS_CPU,
    PROCESS_START,
    FAMILIES,
};

/* 0.1 and above are those that dashboards know; a review takes a millisecond. */
static const double latency_bounds[] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5};

static const struct metric_spec specs[] = {
    [PROFILE_SUCCESS] = {"varmor_profile_processing_success_total",
                         "Agents' reports that a node enforces a profile in its newest version.",
                         METRIC_COUNTER,
                         {"node_name"},
                         NODES_MAX,
                         NULL,
                         0},
    [PROFILE_FAILURE] = {"varmor_profile_processing_failure_total",
                         "Agents' reports that a node does not enforce all of a profile.",
                         METRIC_COUNTER,
                         {"node_name"},
                         NODES_MAX,
                         NULL,
                         0},
    [PROFILE_REPORTS] = {"varmor_profile_change_count_total",
                         "Agents' reports about profiles, those about older versions included.",
                         METRIC_COUNTER,
                         {"node_name"},
                         NODES_MAX,
                         NULL,
                         0},
    [PROFILE_STATUS] =
        {"varmor_profile_status_per_node",
         "1 if the node is connected and enforces the profile's newest version, else 0.",
         METRIC_GAUGE,
         {"namespace", "profile_name", "node_name"},
         MANAGER_METRICS_MAX_STANDINGS,
         NULL,
         0},
    [ADMISSIONS] = {"varmor_admission_requests_total",
                    "Workloads and pods that the API server asked about.",
                    METRIC_COUNTER,
                    {NULL},
                    1,
                    NULL,
                    0},
    [ADMISSIONS_MUTATED] = {"varmor_mutated_requests_total",
                            "Those answered with a patch.",
                            METRIC_COUNTER,
                            {NULL},
                            1,
                            NULL,
                            0},
    [ADMISSIONS_NOT_MUTATED] = {"varmor_non_mutated_requests_total",
                                "Those answered without a patch.",
                                METRIC_COUNTER,
                                {NULL},
                                1,
                                NULL,
                                0},
    [ADMISSION_LATENCY] = {"varmor_webhook_latency",
                           "Seconds that it took to answer one.",
                           METRIC_HISTOGRAM,
                           {"request_kind", "request_operation", "request_mutated"},
                           MAX_KINDS,
                           latency_bounds,
                           ARRAY_SIZE(latency_bounds)},
    [POLICY_REVIEWS] = {"varmor_policy_reviews_total",
                        "Policies that the API server asked about, by outcome.",
                        METRIC_COUNTER,
                        {"outcome"},
                        MAX_KINDS,
                        NULL,
                        0},
    [POLICIES] = {"varmor_policies",
                  "Policies by phase and set of enforcers.",
                  METRIC_GAUGE,
                  {"phase", "enforcer"},
                  MAX_KINDS,
                  NULL,
                  0},
    [PROFILES] = {"varmor_profiles", "Profiles in force.", METRIC_GAUGE, {NULL}, 1, NULL, 0},
    [PROFILE_NODES] = {"varmor_profile_nodes",
                       "How profiles stand on nodes, each profile on each node counted once.",
                       METRIC_GAUGE,
                       {"state"},
                       MAX_KINDS,
                       NULL,
                       0},
    [NODES] =
        {"varmor_nodes",
         "Nodes that are connected or away; of the connected ones, those where every profile is in force "
         "(ready) and where one could not be applied (failed).",
         METRIC_GAUGE,
         {"state"},
         MAX_KINDS,
         NULL,
         0},
    [API_REQUESTS] =
        {"varmor_api_requests_total",
         "Requests to the API server that have ended, by class of HTTP status; none: no answer.",
         METRIC_COUNTER,
         {"outcome"},
         MAX_KINDS,
         NULL,
         0},
    [API_LISTS] =
        {"varmor_api_lists_total",
         "Lists of a resource that were begun; more than one of each is a watch that lost the thread.",
         METRIC_COUNTER,
         {NULL},
         1,
         NULL,
         0},
    [API_WATCHES] = {"varmor_api_watches_total",
                     "Watches that were begun, renewals included.",
                     METRIC_COUNTER,
                     {NULL},
                     1,
                     NULL,
                     0},
    [GRPC_CONNECTIONS] = {"varmor_grpc_connections_total",
                          "Connections of agents and tools.",
                          METRIC_COUNTER,
                          {NULL},
                          1,
                          NULL,
                          0},
    [GRPC_CALLS] = {"varmor_grpc_calls_total",
                    "Calls of agents and tools.",
                    METRIC_COUNTER,
                    {NULL},
                    1,
                    NULL,
                    0},
    [GRPC_REFUSED_CONNECTIONS] = {"varmor_grpc_refused_connections_total",
                                  "Connections that were refused: too many.",
                                  METRIC_COUNTER,
                                  {NULL},
                                  1,
                                  NULL,
                                  0},
    [GRPC_REFUSED_CALLS] = {"varmor_grpc_refused_calls_total",
                            "Calls that were refused.",
                            METRIC_COUNTER,
                            {NULL},
                            1,
                            NULL,
                            0},
    [GRPC_PROTOCOL_ERRORS] = {"varmor_grpc_protocol_errors_total",
                              "Connections that broke HTTP/2 or gRPC.",
                              METRIC_COUNTER,
                              {NULL},
                              1,
                              NULL,
                              0},
    [GRPC_OPEN_CONNECTIONS] = {"varmor_grpc_open_connections",
                               "Connections that are open.",
                               METRIC_GAUGE,
                               {NULL},
                               1,
                               NULL,
                               0},
    [GRPC_OPEN_CALLS] =
        {"varmor_grpc_open_calls", "Calls that are open.", METRIC_GAUGE, {NULL}, 1, NULL, 0},
    [PROCESS_MEMORY] = {"process_resident_memory_bytes",
                        "Resident memory size in bytes.",
                        METRIC_GAUGE,
                        {NULL},
                        1,
                        NULL,
                        0},
    [PROCESS_CPU] = {"process_cpu_seconds_total",
                     "User and system CPU time spent in seconds.",
                     METRIC_COUNTER,
                     {NULL},
                     1,
                     NULL,
                     0},
    [PROCESS_START] = {"process_start_time_seconds",
                       "Start time of the process since the epoch in seconds.",
                       METRIC_GAUGE,
                       {NULL},
                       1,
                       NULL,
                       0},
};
static_assert(ARRAY_SIZE(specs) == FAMILIES, "a spec for each family");

struct manager_metrics {
    struct manager_metrics_facts facts;
    const struct kube_client *client; /* NULL: none */
    struct metrics *metrics;
    struct metric *families[FAMILIES];
    struct metrics_server *server; /* NULL: nobody can ask */
};

static void set(struct manager_metrics *m, enum family family, double value)
{
    metric_set(m->families[family], NULL, value);
}

static void set_of(struct manager_metrics *m, enum family family, const char *label, double value)
{
    metric_set(m->families[family], &label, value);
}

/* ---- Counted as it happens ---- */

void manager_metrics_result(struct manager_metrics *m, const struct node *node, unsigned slot)
{
    const struct profile *profile = profile_store_slot(m->facts.store, slot)->owner->profile;
    const char *const labels[] = {node->name};

    metric_add(m->families[PROFILE_REPORTS], labels, 1);
    switch (node_standing(node, slot, profile, NULL, NULL)) {
    case NODE_APPLIED:
        metric_add(m->families[PROFILE_SUCCESS], labels, 1);
        break;
    case NODE_FAILED:
        metric_add(m->families[PROFILE_FAILURE], labels, 1);
        break;
    case NODE_WAITING: /* it was about another version */
        break;
    }
}

void manager_metrics_node_gone(struct manager_metrics *m, const struct node *node)
{
    const char *const labels[] = {node->name};

    metric_drop(m->families[PROFILE_REPORTS], labels);
    metric_drop(m->families[PROFILE_SUCCESS], labels);
    metric_drop(m->families[PROFILE_FAILURE], labels);
}

/* As dashboards know kinds: group, version and kind. */
static void format_kind(char *text, size_t size, const char *kind)
{
    if (strcmp(kind, "Pod") == 0)
        snprintf(text, size, "/v1, Kind=Pod");
    else if (*kind)
        snprintf(text, size, "apps/v1, Kind=%s", kind);
    else
        snprintf(text, size, "other");
}

void manager_metrics_admission(struct manager_metrics *m, bool is_policy,
                               const struct admission_outcome *outcome, uint64_t took_ns)
{
    const bool is_mutated = outcome->n_operations > 0;
    char kind[64];

    if (is_policy) {
        const char *const labels[] = {outcome->denied ? "denied" : "admitted"};

        metric_add(m->families[POLICY_REVIEWS], labels, 1);
        return;
    }
    format_kind(kind, sizeof(kind), outcome->kind);
    const char *const labels[] = {kind, outcome->operation, is_mutated ? "true" : "false"};
    metric_add(m->families[ADMISSIONS], NULL, 1);
    metric_add(m->families[is_mutated ? ADMISSIONS_MUTATED : ADMISSIONS_NOT_MUTATED], NULL, 1);
    metric_observe(m->families[ADMISSION_LATENCY], labels, (double)took_ns / (double)NS_PER_SEC);
}

/* ---- Read when somebody asks ---- */

static void read_policies(struct manager_metrics *m)
{
    unsigned n_ready = 0, n_failed = 0, n_desired = 0;

    metric_clear(m->families[POLICIES]);
    MAP_FOREACH (e, profile_store_policies(m->facts.store)) {
        const struct stored_policy *p = map_value(e);
        const struct policy_status *status = status_of_policy(m->facts.status, map_key(e));
        const char *const labels[] = {policy_phase_name(status ? status->phase : PHASE_PENDING),
                                      enforcer_set_name(p->policy->enforcers)};

        metric_add(m->families[POLICIES], labels, 1);
        if (status && p->profile) {
            n_desired += status->nodes_desired;
            n_ready += status->nodes_ready;
            n_failed += status->nodes_failed;
        }
    }
    set(m, PROFILES, profile_store_n_profiles(m->facts.store));
    set_of(m, PROFILE_NODES, "ready", n_ready);
    set_of(m, PROFILE_NODES, "failed", n_failed);
    set_of(m, PROFILE_NODES, "waiting", (double)n_desired - n_ready - n_failed);
}

/* Tells of one node how it stands to every profile. Returns the worst. */
static enum node_standing read_standings(struct manager_metrics *m, const struct node *node)
{
    enum node_standing worst = NODE_APPLIED;

    for (unsigned i = 0; i < profile_store_n_slots(m->facts.store); i++) {
        const struct stored_policy *owner = profile_store_slot(m->facts.store, i)->owner;
        enum node_standing standing;

        if (!owner)
            continue;
        standing = node_standing(node, i, owner->profile, NULL, NULL);
        const char *const labels[] = {owner->policy->name_space, owner->profile->name, node->name};
        metric_set(m->families[PROFILE_STATUS], labels,
                   node->connected && standing == NODE_APPLIED);
        if (standing == NODE_FAILED || worst == NODE_APPLIED)
            worst = standing;
    }
    return worst;
}

static void read_nodes(struct manager_metrics *m)
{
    const struct map *nodes = nodes_all(m->facts.nodes);
    const uint64_t n_pairs = (uint64_t)map_size(nodes) * profile_store_n_profiles(m->facts.store);
    unsigned n_connected = 0, n_ready = 0, n_failed = 0;

    metric_clear(m->families[PROFILE_STATUS]);
    metric_clear(m->families[NODES]);
    MAP_FOREACH (e, nodes) {
        const struct node *node = map_value(e);

        n_connected += node->connected;
        if (n_pairs <= MANAGER_METRICS_MAX_STANDINGS) {
            const enum node_standing worst = read_standings(m, node);

            n_ready += node->connected && worst == NODE_APPLIED;
            n_failed += node->connected && worst == NODE_FAILED;
        }
    }
    set_of(m, NODES, "connected", n_connected);
    set_of(m, NODES, "away", (double)map_size(nodes) - n_connected);
    if (n_pairs > MANAGER_METRICS_MAX_STANDINGS) {
        metric_left_out(m->families[PROFILE_STATUS], n_pairs);
        metric_left_out(m->families[NODES], 2);
        return;
    }
    set_of(m, NODES, "ready", n_ready);
    set_of(m, NODES, "failed", n_failed);
}

static void read_client(struct manager_metrics *m)
{
    static const char *const outcomes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct kube_client_stats stats;

    static_assert(ARRAY_SIZE(outcomes) == ARRAY_SIZE(stats.answers), "a word for each class");
    if (!m->client)
        return;
    kube_client_stats(m->client, &stats);
    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
        if (i != 1) /* libcurl hands none on */
            set_of(m, API_REQUESTS, outcomes[i], (double)stats.answers[i]);
    set(m, API_LISTS, (double)stats.lists);
    set(m, API_WATCHES, (double)stats.watches);
}

static void read_server(struct manager_metrics *m)
{
    struct grpc_server_stats stats;

    grpc_server_stats(m->facts.server, &stats);
    set(m, GRPC_CONNECTIONS, (double)stats.connections);
    set(m, GRPC_CALLS, (double)stats.calls);
    set(m, GRPC_REFUSED_CONNECTIONS, (double)stats.refused_connections);
    set(m, GRPC_REFUSED_CALLS, (double)stats.refused_calls);
    set(m, GRPC_PROTOCOL_ERRORS, (double)stats.protocol_errors);
    set(m, GRPC_OPEN_CONNECTIONS, stats.open_connections);
    set(m, GRPC_OPEN_CALLS, stats.open_calls);
}

static double seconds_of(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* The second number of statm; 0: it cannot be read. */
static unsigned long resident_pages(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    char line[128] = "", *rest;

    if (!f)
        return 0;
    if (!fgets(line, sizeof(line), f))
        line[0] = '\0';
    fclose(f);
    rest = strchr(line, ' ');
    return rest ? strtoul(rest, NULL, 10) : 0;
}

static void read_process(struct manager_metrics *m)
{
    struct rusage usage;

    set(m, PROCESS_MEMORY, (double)resident_pages() * (double)sysconf(_SC_PAGESIZE));
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        set(m, PROCESS_CPU, seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime));
}

int manager_metrics_format(struct manager_metrics *m, struct buf *out)
{
    read_policies(m);
    read_nodes(m);
    read_client(m);
    read_server(m);
    read_process(m);
    return metrics_format(m->metrics, out);
}

/* ---- Life ---- */

int manager_metrics_new(struct manager_metrics **ret, const struct manager_metrics_facts *facts)
{
    CLEANUP(manager_metrics_free) struct manager_metrics *m = calloc(1, sizeof(*m));
    int r = 0;

    if (!m)
        return -ENOMEM;
    m->facts = *facts;
    m->metrics = metrics_new();
    if (!m->metrics)
        return -ENOMEM;
    for (unsigned i = 0; r == 0 && i < FAMILIES; i++)
        r = metrics_add(m->metrics, &m->families[i], &specs[i]);
    if (r < 0)
        return r;
    set(m, PROCESS_START, (double)clock_real_ns() / (double)NS_PER_SEC);
    *ret = TAKE(m);
    return 0;
}

struct manager_metrics *manager_metrics_free(struct manager_metrics *m)
{
    if (!m)
        return NULL;
    metrics_server_free(m->server);
    metrics_free(m->metrics);
    free(m);
    return NULL;
}

static int on_collect(struct buf *out, void *data)
{
    return manager_metrics_format(data, out);
}

int manager_metrics_listen(struct manager_metrics *m, const char *listen, struct error **reterr)
{
    int r = metrics_server_new(&m->server, m->facts.loop, listen, NULL, on_collect, m, reterr);

    if (r < 0)
        return error_wrap(reterr, r, "--metrics-listen");
    LOG(INFO, "metrics-listening", "GET /metrics", LOG_STR("address", listen),
        LOG_INT("port", metrics_server_port(m->server)));
    return 0;
}

void manager_metrics_set_client(struct manager_metrics *m, const struct kube_client *client)
{
    m->client = client;
}
