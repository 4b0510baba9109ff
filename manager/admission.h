/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Admission put together: the webhook's server, its registration at the API server, and that server's
 * version; fed with the certificates that all managers share. Every replica answers, the leader
 * registers.
 */
#include "lib/error.h"
#include "manager/webhook_configuration.h"

struct admission; /* opaque */
struct certificate_pair;
struct kube_client;
struct loop;
struct manager_metrics;
struct profile_store;

#define ADMISSION_TIMEOUT_S 10 /* that the API server waits, then it admits */

struct admission_facts;

struct admission_config {
    const char *listen; /* "0.0.0.0:3443" */
    const char *install_namespace;
    const char *url; /* NULL: the service */
    const char *match_label;
    bool bpf_exclusive;
    struct manager_metrics *metrics; /* told of what was asked */
};

/* Listens, and answers once there is a certificate. config and store are borrowed. is_ready says
 * whether every policy is known. 0, or a negative errno with *reterr. */
int admission_new(struct admission **ret, struct loop *loop, struct kube_client *client,
                  const struct profile_store *store, const struct admission_config *config,
                  bool (*is_ready)(void *data), void *data, struct error **reterr);
struct admission *admission_free(struct admission *a); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct admission *, admission_free)

/* From now on the API server is told, when this manager leads and there is a certificate; owners: JSON of
 * metadata.ownerReferences, "[]": nobody. Once. 0, or a negative errno with *reterr. */
int admission_register(struct admission *a, const char *owners, struct error **reterr);
/* The pair for the connections to come, and what the API server is to believe. */
void admission_set_certificate(struct admission *a, const struct certificate_pair *pair);
void admission_set_leader(struct admission *a, bool leads);

/* What admission goes by at this moment. False: it is not known yet what the API server can do. */
bool admission_tell(const struct admission *a, struct admission_facts *ret);

/* The host of "https://HOST:PORT" with nothing behind it, owned by the caller. 0, -ENOMEM, or -EINVAL
 * with *reterr. */
int admission_url_host(char **ret, const char *url, struct error **reterr);
