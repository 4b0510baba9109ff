/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How to reach a Kubernetes API server, and as whom: a kubeconfig file, or what a pod finds in its service account
 * folder. Files that are named are read when a connection is made, so that a rotated token or certificate is taken up.
 *
 * Exec plugins and auth providers are not run: a kubeconfig that needs one is refused with the reason.
 */
#include "lib/error.h"

#define KUBE_CONFIG_MAX_BYTES (1u << 20)
#define KUBE_SERVICE_ACCOUNT  "/var/run/secrets/kubernetes.io/serviceaccount"

/* A thing that may stand in the file itself (base64) or be named. */
struct kube_material {
    char *file; /* owned; absolute; NULL: none */
    char *data; /* owned; PEM or text; NULL: none */
};
struct kube_config {
    char *server;          /* owned; "https://10.0.0.1:6443", without a slash at the end */
    char *tls_server_name; /* owned; NULL: the server's */
    char *proxy; /* owned; "http://proxy:3128"; NULL: none, whatever the environment says */
    struct kube_material authority, certificate, key, token;
    bool insecure; /* insecure-skip-tls-verify */
    char *
        name_space; /* owned; of the context, or of the service account; "default" where neither says */
};
void kube_config_done(struct kube_config *c);

/* Reads a kubeconfig; context may be NULL: its current one. 0, -ENOMEM, -errno of the file, or -EINVAL with *reterr
 * that names file, line and column. *ret is to be given back in any case. */
int kube_config_load(struct kube_config *ret, const char *path, const char *context,
                     struct error **reterr);
/* What a pod is given: KUBERNETES_SERVICE_HOST and _PORT (host and port here) and the folder. 0, -ENOMEM, -ENOENT
 * (not in a pod, or one without a token) or another -errno of a file there, with *reterr. *ret is to be given back in
 * any case. */
int kube_config_in_cluster(struct kube_config *ret, const char *host, const char *port,
                           const char *folder, struct error **reterr);
