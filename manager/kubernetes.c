/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kubernetes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/kube/kube_client.h"
#include "lib/log.h"
#include "lib/rpc/grpc_server.h"
#include "manager/access.h"
#include "manager/admission.h"
#include "manager/agents.h"
#include "manager/certificates.h"
#include "manager/config.h"
#include "manager/kube_agent_set.h"
#include "manager/kube_connect.h"
#include "manager/kube_owner.h"
#include "manager/kube_report.h"
#include "manager/kube_restarts.h"
#include "manager/manager_metrics.h"
#include "manager/profile_store.h"
#include "manager/nodes.h"
#include "manager/status.h"
#include "manager/source_kubernetes.h"
#include "manager/watched_policies.h"

#define LED_BY_ANOTHER "another manager leads"

struct kubernetes {
    struct loop *loop;
    const struct config *config;
    struct kubernetes_facts facts;
    struct kube_client *client;
    struct kube_owner *owner;
    struct access *access;
    struct kube_report *report;
    struct kube_agent_set *agent_set;
    struct kube_restarts *restarts;    /* NULL: workloads are never restarted */
    struct certificates *certificates; /* NULL until it is known whose they are */
    struct admission_config admission_config;
    struct admission *admission;
    struct source_kubernetes *source;
    bool is_synced, leads;
};

/* Callers may show tokens from now on. */
static int start_access(struct kubernetes *k)
{
    CLEANUP_FREE char *account = NULL;
    struct access_settings settings = {.audience = k->config->agent_audience};

    if (asprintf(&account, "system:serviceaccount:%s:%s", k->config->install_namespace,
                 k->config->agent_service_account) < 0) {
        account = NULL;
        return -ENOMEM;
    }
    settings.account = account;
    return access_new(&k->access, k->loop, k->client, k->facts.server, &settings);
}

/* ---- Certificates and admission ---- */

/* New connections of agents, tools and the API server get the pair that all managers share. */
static void on_certificates_changed(void *data)
{
    struct kubernetes *k = data;
    const struct certificate_pair *pair = certificates_get(k->certificates);
    const struct grpc_tls tls = {.ca_file = k->config->tls_ca,
                                 .certificate_text = pair->certificate,
                                 .key_text = pair->key,
                                 .is_client_free = true};
    CLEANUP(error_free) struct error *e = NULL;

    if (!k->config->tls_cert && grpc_server_set_tls(k->facts.server, &tls, &e) < 0)
        LOG(ERROR, "certificate-not-taken", "agents and tools get the one before",
            LOG_STR("reason", error_message(e)));
    admission_set_certificate(k->admission, pair);
}

static bool on_is_synced(void *data)
{
    const struct kubernetes *k = data;

    return k->is_synced;
}

/* Restarts begin when all is known, and end with the lead. */
static void settle_restarts(struct kubernetes *k)
{
    if (k->restarts)
        kube_restarts_lead(k->restarts, k->leads && k->is_synced);
}

static void on_leading(bool leads, void *data)
{
    struct kubernetes *k = data;

    k->leads = leads;
    settle_restarts(k);
    admission_set_leader(k->admission, leads);
    if (k->certificates)
        certificates_set_leader(k->certificates, leads);
}

/* All nodes are to be known to the one manager that writes status. */
static void on_led(bool by_another, void *data)
{
    struct kubernetes *k = data;

    access_set_elsewhere(k->access, by_another ? LED_BY_ANOTHER : NULL);
    if (by_another)
        agents_close(k->facts.agents, LED_BY_ANOTHER);
}

static int start_admission(struct kubernetes *k, struct error **reterr)
{
    k->admission_config =
        (struct admission_config){.listen = k->config->webhook_listen,
                                  .install_namespace = k->config->install_namespace,
                                  .url = k->config->webhook_url,
                                  .match_label = k->config->webhook_match_label,
                                  .bpf_exclusive = k->config->bpf_exclusive_mode,
                                  .metrics = k->facts.metrics};
    return admission_new(&k->admission, k->loop, k->client, k->facts.store, &k->admission_config,
                         on_is_synced, k, reterr);
}

static int start_certificates(struct kubernetes *k, struct error **reterr)
{
    CLEANUP_FREE char *host = NULL;
    struct certificates_settings settings = {.name_space = k->config->install_namespace,
                                             .owners = kube_owner_references(k->owner)};
    int r = admission_register(k->admission, settings.owners, reterr);

    if (r == 0 && k->config->webhook_url)
        r = admission_url_host(&host, k->config->webhook_url, reterr);
    if (r < 0)
        return r;
    settings.extra_name = host;
    if (certificates_new(&k->certificates, k->loop, k->client, &settings, on_certificates_changed,
                         k) < 0)
        return error_oom(reterr);
    certificates_set_leader(k->certificates, k->leads);
    return 0;
}

/* What makes objects of its own, which kube_owner_references() has to own, starts here. */
static void on_owner_known(void *data)
{
    struct kubernetes *k = data;
    CLEANUP(error_free) struct error *e = NULL;

    if (start_certificates(k, &e) < 0)
        LOG(ERROR, "certificates-lost", "nobody can connect by TLS",
            LOG_STR("reason", error_message(e)));
    if (kube_report_stand(k->report, k->config->install_namespace,
                          kube_owner_references(k->owner)) < 0)
        LOG(ERROR, "lease-lost", "no memory: this manager never leads");
}

/* ---- What users see ---- */

/* Where agents find this manager, if it is told to say so and knows. */
static struct kube_endpoint_place endpoint_of(const struct config *config)
{
    struct kube_endpoint_place place = {.service = config->status_service,
                                        .address = getenv("POD_IP")};

    for (size_t i = 0; i < config->listen.n && place.port == 0; i++) {
        struct grpc_address address = {0};

        if (grpc_address_parse(&address, config->listen.items[i], NULL) == 0 &&
            address.kind == GRPC_TLS)
            place.port = address.port;
        grpc_address_done(&address);
    }
    if (!place.address)
        place.address = "";
    return place;
}

static int start_report(struct kubernetes *k)
{
    const char *pod = getenv("POD_NAME");
    const struct kube_report_facts facts = {.loop = k->loop,
                                            .client = k->client,
                                            .store = k->facts.store,
                                            .nodes = k->facts.nodes,
                                            .problems = k->facts.problems,
                                            .status = k->facts.status,
                                            .pod = pod ? pod : "",
                                            .endpoint = endpoint_of(k->config),
                                            .leading = on_leading,
                                            .led = on_led,
                                            .data = k};

    return kube_report_new(&k->report, &facts);
}

/* ---- Restarts ---- */

static bool on_admission_facts(struct admission_facts *ret, void *data)
{
    const struct kubernetes *k = data;

    return admission_tell(k->admission, ret);
}

static const struct object *on_next_workload(enum target_kind kind, size_t *at, void *data)
{
    const struct kubernetes *k = data;

    return k->source ? source_kubernetes_next_workload(k->source, kind, at) : NULL;
}

static bool on_may_write(void *data)
{
    const struct kubernetes *k = data;

    return kube_report_leads(k->report);
}

static bool on_in_grace(uint64_t *ret_delay_ns, void *data)
{
    const struct kubernetes *k = data;

    return kube_report_in_grace(k->report, ret_delay_ns);
}

static int start_restarts(struct kubernetes *k)
{
    const struct kube_restarts_parts parts = {.loop = k->loop,
                                              .client = k->client,
                                              .store = k->facts.store,
                                              .status = k->facts.status,
                                              .match_label = k->config->webhook_match_label,
                                              .facts = on_admission_facts,
                                              .next_workload = on_next_workload,
                                              .may_write = on_may_write,
                                              .in_grace = on_in_grace,
                                              .data = k};

    return k->config->restart_existing_workloads ? kube_restarts_new(&k->restarts, &parts) : 0;
}

/* ---- From the source and the manager ---- */

/* What agents hold of a policy whose text cannot be read stays. */
static void spare(struct kubernetes *k, const char *key, const struct kube_policy *policy,
                  bool spared)
{
    if (profile_store_spare(k->facts.store, policy->cluster, policy->name_space, policy->name,
                            spared) < 0)
        LOG(ERROR, "policy-not-spared", "agents may drop what they hold of it",
            LOG_STR("policy", key));
}

static void on_policy_seen(const char *key, const struct kube_policy *policy, const uint8_t *json,
                           size_t len, void *data)
{
    struct kubernetes *k = data;

    spare(k, key, policy, policy->refused);
    kube_report_seen(k->report, key, policy, json, len);
    if (k->restarts)
        kube_restarts_seen(k->restarts, key, policy, json, len);
}

static void on_policy_gone(const char *key, const struct kube_policy *policy, void *data)
{
    struct kubernetes *k = data;

    spare(k, key, policy, false);
    kube_report_gone(k->report, key);
    if (k->restarts)
        kube_restarts_gone(k->restarts, key);
}

static const struct watched_policies_handler kubernetes_policies_handler = {.seen = on_policy_seen,
                                                                            .gone = on_policy_gone};

void kubernetes_synced(struct kubernetes *k)
{
    k->is_synced = true;
    kube_report_synced(k->report);
    settle_restarts(k);
}

void kubernetes_policy_judged(struct kubernetes *k, const char *key)
{
    kube_report_judged(k->report, key);
}

void kubernetes_policy_touched(struct kubernetes *k, const char *key)
{
    kube_report_touched(k->report, key);
    if (k->restarts)
        kube_restarts_touched(k->restarts, key);
}

void kubernetes_policy_withdrawn(struct kubernetes *k, const char *key)
{
    if (k->restarts)
        kube_restarts_withdrawn(k->restarts, key);
}

void kubernetes_policy_problem(struct kubernetes *k, const char *reference)
{
    kube_report_problem(k->report, reference);
}

static void on_agents_expected(unsigned n_agents, void *data)
{
    struct kubernetes *k = data;

    LOG(INFO, "agents-expected", "so many nodes should have an agent", LOG_INT("agents", n_agents));
    nodes_expect(k->facts.nodes, n_agents);
    status_touch_policies(k->facts.status);
}

void kubernetes_release(struct kubernetes *k, void (*done)(void *data), void *data)
{
    k->leads = false;
    settle_restarts(k);
    kube_report_release(k->report, done, data);
}

/* ---- Life ---- */

static int start_source(struct kubernetes *k)
{
    const struct source_kubernetes_handlers handlers = {.source = k->facts.source_handler,
                                                        .source_data = k->facts.source_data,
                                                        .policies = &kubernetes_policies_handler,
                                                        .policies_data = k};

    return source_kubernetes_new(&k->source, k->loop, k->client, &handlers);
}

int kubernetes_new(struct kubernetes **ret, struct loop *loop, const struct config *config,
                   const struct kubernetes_facts *facts, struct error **reterr)
{
    CLEANUP(kubernetes_free) struct kubernetes *k = calloc(1, sizeof(*k));
    int r;

    if (!k)
        return error_oom(reterr);
    k->loop = loop;
    k->config = config;
    k->facts = *facts;
    r = kube_connect(&k->client, loop, config, reterr);
    if (r < 0)
        return r;
    manager_metrics_set_client(k->facts.metrics, k->client);
    if (kube_owner_new(&k->owner, loop, k->client, config->owner_cluster_role, on_owner_known, k) <
        0)
        return error_oom(reterr);
    r = start_admission(k, reterr);
    if (r < 0)
        return r;
    if (start_access(k) < 0 || start_report(k) < 0 || start_restarts(k) < 0 ||
        start_source(k) < 0 ||
        kube_agent_set_new(&k->agent_set, loop, k->client, config->install_namespace,
                           on_agents_expected, k) < 0)
        return error_oom(reterr);
    *ret = TAKE(k);
    return 0;
}

void kubernetes_stop_source(struct kubernetes *k)
{
    k->source = source_kubernetes_free(k->source);
}

struct kubernetes *kubernetes_free(struct kubernetes *k)
{
    if (!k)
        return NULL;
    source_kubernetes_free(k->source);
    kube_agent_set_free(k->agent_set);
    kube_restarts_free(k->restarts);
    kube_report_free(k->report);
    certificates_free(k->certificates);
    admission_free(k->admission);
    access_free(k->access);
    kube_owner_free(k->owner);
    manager_metrics_set_client(k->facts.metrics, NULL);
    kube_client_free(k->client);
    free(k);
    return NULL;
}

struct kube_client *kubernetes_client(const struct kubernetes *k)
{
    return k->client;
}

const struct source_kubernetes *kubernetes_source(const struct kubernetes *k)
{
    return k->source;
}
