/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kubernetes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/kube/kube_client.h"
#include "lib/log.h"
#include "manager/access.h"
#include "manager/config.h"
#include "manager/kube_connect.h"
#include "manager/kube_owner.h"
#include "manager/kube_report.h"
#include "manager/source_kubernetes.h"
#include "manager/watched_policies.h"

struct kubernetes {
    struct loop *loop;
    const struct config *config;
    struct kubernetes_facts facts;
    struct kube_client *client;
    struct kube_owner *owner;
    struct access *access;
    struct kube_report *report;
    struct source_kubernetes *source;
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

/* What makes objects of its own, which kube_owner_references() has to own, starts here. */
static void on_owner_known(void *data)
{
    struct kubernetes *k = data;

    if (kube_report_stand(k->report, k->config->install_namespace,
                          kube_owner_references(k->owner)) < 0)
        LOG(ERROR, "lease-lost", "no memory: this manager never leads");
}

/* ---- What users see ---- */

static int start_report(struct kubernetes *k)
{
    const char *pod = getenv("POD_NAME");
    const struct kube_report_facts facts = {.loop = k->loop,
                                            .client = k->client,
                                            .store = k->facts.store,
                                            .nodes = k->facts.nodes,
                                            .problems = k->facts.problems,
                                            .status = k->facts.status,
                                            .pod = pod ? pod : ""};

    return kube_report_new(&k->report, &facts);
}

static void on_policy_seen(const char *key, const struct kube_policy *policy, const uint8_t *json,
                           size_t len, void *data)
{
    struct kubernetes *k = data;

    kube_report_seen(k->report, key, policy, json, len);
}

static void on_policy_gone(const char *key, void *data)
{
    struct kubernetes *k = data;

    kube_report_gone(k->report, key);
}

static const struct watched_policies_handler kubernetes_policies_handler = {.seen = on_policy_seen,
                                                                            .gone = on_policy_gone};

void kubernetes_synced(struct kubernetes *k)
{
    kube_report_synced(k->report);
}

void kubernetes_policy_judged(struct kubernetes *k, const char *key)
{
    kube_report_judged(k->report, key);
}

void kubernetes_policy_touched(struct kubernetes *k, const char *key)
{
    kube_report_touched(k->report, key);
}

void kubernetes_policy_problem(struct kubernetes *k, const char *reference)
{
    kube_report_problem(k->report, reference);
}

void kubernetes_release(struct kubernetes *k, void (*done)(void *data), void *data)
{
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
    if (kube_owner_new(&k->owner, loop, k->client, config->owner_cluster_role, on_owner_known, k) <
        0)
        return error_oom(reterr);
    if (start_access(k) < 0 || start_report(k) < 0 || start_source(k) < 0)
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
    kube_report_free(k->report);
    access_free(k->access);
    kube_owner_free(k->owner);
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
