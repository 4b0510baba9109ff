/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The certificates that all managers of a cluster share, kept in two Secrets of the install namespace
 * (certificate_plan.h has the rules) and followed as they change:
 *
 *     varmor-webhook-svc.NAMESPACE.varmor-tls-pair   kubernetes.io/tls: tls.crt, tls.key, ca.crt
 *     varmor-webhook-svc.NAMESPACE.varmor-tls-ca     Opaque: rootCA.crt, what is to be believed
 *
 * Whoever serves TLS takes certificates_get() now and at each changed(), for the connections to come;
 * whoever must believe it takes its authority. Logs what happens to the Secrets, never what is in them.
 */
#include "manager/certificate_pair.h"

struct certificates; /* opaque */
struct kube_client;
struct loop;

#define CERTIFICATES_SERVICE        "varmor-webhook-svc"
#define CERTIFICATES_STATUS_SERVICE "varmor-status-svc"

struct certificates_settings {
    const char *name_space;
    const char *owners;     /* JSON of metadata.ownerReferences; "[]": nobody */
    const char *extra_name; /* a DNS name or address beside those of the services; NULL: none */
};

/* Starts at once; copies the settings. changed() tells that certificates_get() is another; never
 * inside. 0 or -ENOMEM. */
int certificates_new(struct certificates **ret, struct loop *loop, struct kube_client *client,
                     const struct certificates_settings *settings, void (*changed)(void *data),
                     void *data);
struct certificates *certificates_free(struct certificates *c); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct certificates *, certificates_free)

/* The pair to serve; its authority is the bundle to believe. NULL: there is none yet. Borrowed until
 * the loop goes on. */
const struct certificate_pair *certificates_get(const struct certificates *c);

/* Only the leader changes what is there. Nobody leads at first. */
void certificates_set_leader(struct certificates *c, bool leads);
