/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/config.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "manager/admission.h"

#define DEFAULT_POLICIES "/etc/varmor/policies"

static const char *const log_level_words[] = {
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_DEBUG + 1] = NULL,
};

static const struct option_spec config_options[] = {
    {.name = "policies",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, policies),
     .value = "DIR",
     .help = "folder of policies and manifests (YAML, JSON), read recursively and watched; without "
             "--kubernetes it is " DEFAULT_POLICIES " unless another is given"},
    {.name = "kubernetes",
     .type = OPTION_FLAG,
     .field = offsetof(struct config, kubernetes),
     .help = "read policies from a Kubernetes API server instead of a folder: as the pod's service "
             "account, or as --kubeconfig says"},
    {.name = "kubeconfig",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, kubeconfig),
     .value = "FILE",
     .help = "how to reach the API server from outside of a pod"},
    {.name = "context",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, context),
     .value = "NAME",
     .help = "context of the kubeconfig; its current one if left out"},
    {.name = "remove-policies",
     .type = OPTION_FLAG,
     .field = offsetof(struct config, remove_policies),
     .help = "delete every policy of the cluster, with --kubernetes, and end"},
    {.name = "status-service",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, status_service),
     .value = "NAME",
     .help = "Service of the install namespace by which agents find the manager that leads, with "
             "--kubernetes and $POD_IP: it must have no selector"},
    {.name = "owner-cluster-role",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, owner_cluster_role),
     .value = "NAME",
     .help = "ClusterRole that webhook configurations, Secrets and the Lease belong to, with "
             "--kubernetes: they go when it goes"},
    {.name = "listen",
     .type = OPTION_LIST,
     .field = offsetof(struct config, listen),
     .value = "ADDRESS",
     .default_text = "unix:/run/varmor/manager.sock",
     .help =
         "where agents and tools connect: unix:PATH, tls://HOST:PORT or tcp://LOOPBACK:PORT; may be "
         "repeated"},
    {.name = "socket-mode",
     .type = OPTION_MODE,
     .field = offsetof(struct config, socket_mode),
     .value = "MODE",
     .default_text = "0660",
     .help = "permission bits of Unix sockets"},
    {.name = "tls-ca",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, tls_ca),
     .value = "FILE",
     .help = "certificates (PEM) that clients' certificates must come from; with --kubernetes "
             "clients may come without one and show a token"},
    {.name = "tls-cert",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, tls_cert),
     .value = "FILE",
     .help = "the manager's certificate (PEM), chain included; with --kubernetes it makes its own "
             "unless one is given"},
    {.name = "tls-key",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, tls_key),
     .value = "FILE",
     .help = "the key of that certificate (PEM)"},
    {.name = "install-namespace",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, install_namespace),
     .value = "NAME",
     .default_text = "varmor",
     .help = "namespace in the names of cluster policies' profiles"},
    {.name = "agent-audience",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, agent_audience),
     .value = "NAME",
     .default_text = "varmor-manager",
     .help = "audience that callers' tokens must have been made for, with --kubernetes"},
    {.name = "agent-service-account",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, agent_service_account),
     .value = "NAME",
     .default_text = "varmor-agent",
     .help = "service account of the agents, in the install namespace, with --kubernetes"},
    {.name = "webhook-listen",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, webhook_listen),
     .value = "HOST:PORT",
     .default_text = "0.0.0.0:3443",
     .help = "where the API server asks about workloads, pods and policies, with --kubernetes"},
    {.name = "webhook-url",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, webhook_url),
     .value = "URL",
     .help = "https://HOST:PORT under which the API server reaches it, for a manager that runs "
             "outside of the cluster; its Service if left out"},
    {.name = "webhook-match-label",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, webhook_match_label),
     .value = "KEY=VALUE",
     .default_text = "sandbox.varmor.org/enable=true",
     .help = "label of the workloads and pods that it is asked about; empty for all"},
    {.name = "bpf-exclusive-mode",
     .type = OPTION_FLAG,
     .field = offsetof(struct config, bpf_exclusive_mode),
     .help = "containers of policies with BPF and without AppArmor run without the runtime's "
             "default AppArmor profile"},
    {.name = "restart-existing-workloads",
     .type = OPTION_FLAG,
     .field = offsetof(struct config, restart_existing_workloads),
     .default_text = "true",
     .help =
         "restart the workloads of policies with updateExistingWorkloads when those come and go, "
         "with --kubernetes"},
    {.name = "metrics-listen",
     .type = OPTION_TEXT,
     .field = offsetof(struct config, metrics_listen),
     .value = "ADDRESS:PORT",
     .help = "where Prometheus reads metrics, by plain HTTP at /metrics, for example 0.0.0.0:8081; "
             "nowhere if left out"},
    {.name = "node-timeout",
     .type = OPTION_NUMBER,
     .field = offsetof(struct config, node_timeout_s),
     .value = "N",
     .default_text = "600",
     .min = 1,
     .max = 31536000,
     .unit = "s",
     .help = "how long a node whose agent is away still counts"},
    {.name = "log-level",
     .type = OPTION_WORD,
     .field = offsetof(struct config, log_level),
     .default_text = "info",
     .words = log_level_words,
     .help = "what to log"},
};

static int check_tls(const struct config *c, struct error **reterr)
{
    bool wanted = false;

    for (size_t i = 0; i < c->listen.n; i++)
        wanted |= strncmp(c->listen.items[i], "tls:", 4) == 0;
    if (c->kubernetes && !c->tls_cert != !c->tls_key)
        return error_set(reterr, -EINVAL, "--tls-cert and --tls-key need each other");
    if (wanted && !c->kubernetes && (!c->tls_ca || !c->tls_cert || !c->tls_key))
        return error_set(reterr, -EINVAL,
                         "--listen=tls://... needs --tls-ca, --tls-cert and --tls-key");
    return 0;
}

/* Where policies come from: one place. */
static int settle_source(struct config *c, struct error **reterr)
{
    if (c->kubernetes && c->policies)
        return error_set(reterr, -EINVAL,
                         "--kubernetes and --policies: policies come from one place");
    if (c->remove_policies && !c->kubernetes)
        return error_set(reterr, -EINVAL, "--remove-policies needs --kubernetes");
    if (c->kubeconfig && !c->kubernetes)
        return error_set(reterr, -EINVAL, "--kubeconfig needs --kubernetes");
    if (c->context && !c->kubeconfig)
        return error_set(reterr, -EINVAL, "--context needs --kubeconfig");
    if (c->kubernetes || c->policies)
        return 0;
    c->policies = strdup(DEFAULT_POLICIES);
    return c->policies ? 0 : error_oom(reterr);
}

static int check_webhook(const struct config *c, struct error **reterr)
{
    CLEANUP_FREE char *host = NULL;
    int r = webhook_match_label_check(c->webhook_match_label, reterr);

    if (r < 0)
        return error_wrap(reterr, r, "--webhook-match-label");
    if (c->webhook_url)
        r = admission_url_host(&host, c->webhook_url, reterr);
    return r < 0 ? error_wrap(reterr, r, "--webhook-url") : 0;
}

int config_parse(struct config *c, int argc, char *const *argv, struct error **reterr)
{
    int outcome = options_parse(config_options, ARRAY_SIZE(config_options), c, argc, argv, reterr);
    int r = outcome < 0 ? outcome : check_tls(c, reterr);

    if (r == 0)
        r = settle_source(c, reterr);
    if (r == 0 && c->kubernetes)
        r = check_webhook(c, reterr);
    return r < 0 ? r : outcome;
}

void config_done(struct config *c)
{
    options_done(config_options, ARRAY_SIZE(config_options), c);
}

int config_format_help(struct buf *out)
{
    return options_format_help(config_options, ARRAY_SIZE(config_options), "varmor-manager",
                               "Turns policies into profiles and keeps every agent at the newest.",
                               out);
}

int config_format(const struct config *c, struct buf *out)
{
    return options_format_config(config_options, ARRAY_SIZE(config_options), c, out);
}
