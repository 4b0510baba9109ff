/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The settings of varmor-manager: filled once in main() from one table of options, then const. */
#include "lib/options.h"

struct config {
    char *policies;            /* the folder; NULL with kubernetes */
    bool kubernetes;           /* policies come from the API server */
    char *kubeconfig;          /* NULL: what a pod finds in its service account folder */
    bool remove_policies;      /* of the whole cluster, and end */
    char *status_service;      /* whose endpoint the leader is; NULL: none */
    char *owner_cluster_role;  /* whose the objects are that the manager makes; NULL: nobody's */
    char *context;             /* of the kubeconfig; NULL: its current one */
    struct option_list listen; /* addresses, as grpc_address_parse() takes them */
    unsigned socket_mode;      /* permission bits of Unix sockets */
    char *tls_ca, *tls_cert, *tls_key;
    char *install_namespace;
    char *agent_audience, *agent_service_account;             /* of tokens, with kubernetes */
    char *webhook_listen, *webhook_url, *webhook_match_label; /* the URL: NULL for the service */
    bool bpf_exclusive_mode;
    bool restart_existing_workloads; /* of policies that say so, with kubernetes */
    char *metrics_listen;            /* NULL: no metrics */
    int64_t node_timeout_s;          /* how long a node that is away counts */
    unsigned log_level;              /* enum log_level */
};

/* As options_parse(); also checks what one option needs of another. */
int config_parse(struct config *c, int argc, char *const *argv, struct error **reterr);
void config_done(struct config *c);

/* The texts of --help and --print-config. 0, -E2BIG or -ENOMEM. */
int config_format_help(struct buf *out) MUST_CHECK;
int config_format(const struct config *c, struct buf *out) MUST_CHECK;
