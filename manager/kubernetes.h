/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * All that a manager has only with Kubernetes (--kubernetes), put together: the client of the API server, the source of
 * policies, and what writes to the API server and is asked by it. The manager starts it, stops it and hands it the calls
 * that it gets anyway; what the parts are to each other is known here alone.
 */
#include "lib/error.h"

struct agents;
struct config;
struct file_problems;
struct grpc_server;
struct kube_client;
struct kubernetes;
struct loop;
struct manager_metrics;
struct nodes;
struct profile_store;
struct source_handler;
struct source_kubernetes;
struct status;

/* What it is given of the manager: borrowed, and outlives it. */
struct kubernetes_facts {
    const struct source_handler *source_handler;
    void *source_data;
    struct profile_store *store;
    struct nodes *nodes;
    struct file_problems *problems;
    struct status *status;
    struct grpc_server *server;
    struct agents *agents;
    struct manager_metrics *metrics;
};

/* Reads how to reach the API server and starts. config and facts must outlive it. 0, -ENOMEM, or another negative errno
 * with *reterr (no pod and no kubeconfig; a kubeconfig or a certificate that cannot be used). An API server that does
 * not answer is no failure: it is tried for ever. */
int kubernetes_new(struct kubernetes **ret, struct loop *loop, const struct config *config,
                   const struct kubernetes_facts *facts, struct error **reterr);
/* What the manager tells of, for what users see with kubectl (kube_report.h). key: of the store. */
void kubernetes_synced(
    struct kubernetes *k); /* the source has told everything, and it has been judged */
void kubernetes_policy_judged(struct kubernetes *k,
                              const char *key); /* again, or not to be built */
/* The store is about to forget it. */
void kubernetes_policy_withdrawn(struct kubernetes *k, const char *key);
void kubernetes_policy_touched(struct kubernetes *k, const char *key); /* by nodes or containers */
/* The findings of a policy's text are others; reference: their name ("varmorpolicy shop/web"). */
void kubernetes_policy_problem(struct kubernetes *k, const char *reference);
/* Writes nothing more and lets another manager lead; done(data) runs once, soon. */
void kubernetes_release(struct kubernetes *k, void (*done)(void *data), void *data);

/* Reads no further changes; what is in force stays. What waits for the API server goes on until the end. */
void kubernetes_stop_source(struct kubernetes *k);
/* The server and with it all calls must be gone: they ask who may call. Accepts NULL, returns NULL. */
struct kubernetes *kubernetes_free(struct kubernetes *k);
DEFINE_CLEANUP(struct kubernetes *, kubernetes_free)

/* Borrowed. */
struct kube_client *kubernetes_client(const struct kubernetes *k);
const struct source_kubernetes *kubernetes_source(const struct kubernetes *k); /* NULL: stopped */
