/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_connect.h"

#include <stdlib.h>

#include "lib/kube/kube_client.h"
#include "lib/kube/kube_config.h"
#include "manager/config.h"

#define USER_AGENT "varmor-manager/" VARMOR_VERSION

int kube_connect(struct kube_client **ret, struct loop *loop, const struct config *config,
                 struct error **reterr)
{
    struct kube_config server = {0};
    int r;

    if (config->kubeconfig)
        r = kube_config_load(&server, config->kubeconfig, config->context, reterr);
    else
        r = kube_config_in_cluster(&server, getenv("KUBERNETES_SERVICE_HOST"),
                                   getenv("KUBERNETES_SERVICE_PORT"), KUBE_SERVICE_ACCOUNT, reterr);
    if (r == 0)
        r = kube_client_new(ret, loop, &server, USER_AGENT, reterr);
    kube_config_done(&server);
    return r < 0 ? error_wrap(reterr, r, "--kubernetes") : 0;
}
