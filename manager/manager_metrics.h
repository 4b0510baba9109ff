/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the manager tells Prometheus (docs/operations.md lists every metric, and a test compares).
 *
 * Some of it is counted as it happens, by the functions below; the rest is read from what it is about when somebody
 * asks. How every single node stands to every single profile is told only while there are at most
 * MANAGER_METRICS_MAX_STANDINGS such pairs, so that an answer takes a few milliseconds whatever the cluster's size; the
 * sums are told always.
 *
 * The counting itself does no I/O; asking reads /proc/self. Logs where it listens.
 */
#include "lib/error.h"

struct admission_outcome;
struct buf;
struct grpc_server;
struct kube_client;
struct loop;
struct manager_metrics;
struct node;
struct nodes;
struct profile_slot;
struct profile_store;
struct status;

#define MANAGER_METRICS_MAX_STANDINGS 4096

/* What it reads. Borrowed, and outlives it but for the client. */
struct manager_metrics_facts {
    struct loop *loop;
    const struct profile_store *store;
    const struct nodes *nodes;
    const struct status *status;
    const struct grpc_server *server;
};

/* 0 or -ENOMEM. */
int manager_metrics_new(struct manager_metrics **ret, const struct manager_metrics_facts *facts);
struct manager_metrics *manager_metrics_free(struct manager_metrics *m); /* accepts NULL */
DEFINE_CLEANUP(struct manager_metrics *, manager_metrics_free)

/* Serves them at "ADDRESS:PORT". 0, -ENOMEM, or a negative errno with *reterr. */
int manager_metrics_listen(struct manager_metrics *m, const char *listen, struct error **reterr);
/* Whose requests are counted; borrowed. NULL: nobody's (any more). */
void manager_metrics_set_client(struct manager_metrics *m, const struct kube_client *client);

/* An agent has reported about the profile of a slot. */
void manager_metrics_result(struct manager_metrics *m, const struct node *node, unsigned slot);
void manager_metrics_node_gone(struct manager_metrics *m, const struct node *node);
/* A workload or pod (or else a policy) was looked at. */
void manager_metrics_admission(struct manager_metrics *m, bool is_policy,
                               const struct admission_outcome *outcome, uint64_t took_ns);

/* Appends all of them. 0, -E2BIG or -ENOMEM. */
int manager_metrics_format(struct manager_metrics *m, struct buf *out) MUST_CHECK;
