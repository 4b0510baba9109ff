/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/admission.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/rpc/grpc.h"
#include "manager/admission_server.h"
#include "manager/certificate_pair.h"
#include "manager/clock.h"
#include "manager/kube_version.h"
#include "manager/manager_metrics.h"
#include "manager/webhook_registration.h"

struct admission {
    struct loop *loop;
    struct kube_client *client;
    const struct profile_store *store;
    const struct admission_config *config;
    bool leads;
    bool (*is_ready)(void *data);
    void *data;
    struct kube_version *version;
    struct webhook_registration *registration; /* NULL: nobody is told yet */
    struct admission_server *server;
};

bool admission_tell(const struct admission *a, struct admission_facts *ret)
{
    *ret = (struct admission_facts){
        .store = a->store,
        .install_namespace = a->config->install_namespace,
        .settings = {.apparmor_fields = kube_version_has_apparmor_field(a->version),
                     .bpf_exclusive = a->config->bpf_exclusive,
                     .now_ns = clock_real_ns()},
    };
    return kube_version_is_known(a->version);
}

static void on_facts(struct admission_facts *ret, void *data)
{
    admission_tell(data, ret);
}

static bool on_is_ready(void *data)
{
    const struct admission *a = data;

    return kube_version_is_known(a->version) && a->is_ready(a->data);
}

static void on_answered(enum admission_question question, const struct admission_outcome *outcome,
                        uint64_t took_ns, void *data)
{
    const struct admission *a = data;

    manager_metrics_admission(a->config->metrics, question == ADMISSION_VALIDATE, outcome, took_ns);
}

static const struct admission_server_handler server_handler = {
    .answered = on_answered,
    .facts = on_facts,
    .is_ready = on_is_ready,
};

void admission_set_certificate(struct admission *a, const struct certificate_pair *pair)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = admission_server_set_certificate(a->server, pair->certificate, pair->key, &e);

    if (r == 0 && a->registration)
        r = webhook_registration_set_authority(a->registration, pair->authority);
    if (r < 0)
        LOG(ERROR, "webhook-certificate", "going on with the one before", LOG_INT("errno", -r),
            LOG_STR("reason", e ? error_message(e) : ""));
}

void admission_set_leader(struct admission *a, bool leads)
{
    a->leads = leads;
    if (a->registration)
        webhook_registration_set_leader(a->registration, leads);
}

int admission_register(struct admission *a, const char *owners, struct error **reterr)
{
    const struct webhook_settings settings = {.name_space = a->config->install_namespace,
                                              .url = a->config->url,
                                              .match_label = a->config->match_label,
                                              .timeout_s = ADMISSION_TIMEOUT_S,
                                              .owners = owners};
    int r = webhook_registration_new(&a->registration, a->loop, a->client, &settings, reterr);

    if (r == 0)
        webhook_registration_set_leader(a->registration, a->leads);
    return r;
}

int admission_url_host(char **ret, const char *url, struct error **reterr)
{
    static const char scheme[] = "https://";
    struct grpc_address address = {0};
    CLEANUP_FREE char *text = NULL;
    int r;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return error_set(reterr, -EINVAL, "'%s' does not begin with %s", error_quote(url), scheme);
    if (strpbrk(url + sizeof(scheme) - 1, "/?#@"))
        return error_set(reterr, -EINVAL, "'%s' is more than https://HOST:PORT", error_quote(url));
    if (asprintf(&text, "tls://%s", url + sizeof(scheme) - 1) < 0) {
        text = NULL;
        return error_oom(reterr);
    }
    r = grpc_address_parse(&address, text, reterr);
    if (r == 0)
        *ret = TAKE(address.host);
    grpc_address_done(&address);
    return r;
}

int admission_new(struct admission **ret, struct loop *loop, struct kube_client *client,
                  const struct profile_store *store, const struct admission_config *config,
                  bool (*is_ready)(void *data), void *data, struct error **reterr)
{
    CLEANUP(admission_free) struct admission *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return error_oom(reterr);
    *a = (struct admission){.loop = loop,
                            .client = client,
                            .store = store,
                            .config = config,
                            .is_ready = is_ready,
                            .data = data};
    if (kube_version_new(&a->version, loop, client) < 0)
        return error_oom(reterr);
    r = admission_server_new(&a->server, loop, config->listen, NULL, &server_handler, a, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "--webhook-listen");
    LOG(INFO, "webhook-listening", "the API server can connect once there is a certificate",
        LOG_STR("address", config->listen), LOG_INT("port", admission_server_port(a->server)));
    *ret = TAKE(a);
    return 0;
}

struct admission *admission_free(struct admission *a)
{
    if (!a)
        return NULL;
    admission_server_free(a->server);
    webhook_registration_free(a->registration);
    kube_version_free(a->version);
    free(a);
    return NULL;
}
