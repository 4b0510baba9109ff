/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The manager's client of the API server: as --kubeconfig says, or as the pod's service account. */
#include "lib/error.h"

struct config;
struct kube_client;
struct loop;

/* Does not wait for the server. 0, -ENOMEM, or another negative errno with *reterr (no pod and no kubeconfig; one that
 * cannot be used). */
int kube_connect(struct kube_client **ret, struct loop *loop, const struct config *config,
                 struct error **reterr);
