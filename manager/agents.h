/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The agents: varmor.v1.AgentService on the manager's gRPC server, one stream per node.
 *
 * Who may speak for a node: on a Unix socket root or the manager's own user (they own the host
 * anyway), over TLS a certificate whose common name is the node's name or "system:node:NAME", or a
 * token that access.h has found to be of an agent on that node. Plain
 * TCP proves nothing and is refused. The newest stream of a node wins; an older one is closed.
 *
 * A change of a profile marks every stream; a bounded number of streams is served in each turn of
 * the loop, so that a thousand agents do not keep others waiting. A stream whose queue is full is
 * left alone until it drains, and then gets what is newest. A stream that does not say hello in
 * time is closed.
 */
#include "proto/messages.h"

struct agents;
struct grpc_server;
struct loop;
struct node;
struct nodes;
struct profile_store;

/* What the agents have told; for status. Borrowed for the call. */
struct agents_handler {
    /* Why agents are sent away with UNAVAILABLE at present: what is in force is not known yet, and
     * they would be told to remove all that they hold. NULL: they are not; the handler's NULL: they
     * never are. Static. */
    const char *(*why_not)(void *data);
    void (*node_changed)(const struct node *node, bool removed, void *data);
    void (*result)(const struct node *node, unsigned slot, void *data);
    void (*bindings_changed)(const struct node *node, void *data);
    void (*violations)(const struct node *node, const struct msg_violations *v, void *data);
};

/* Adds the service to the server, which must go first. Borrows all; handler must outlive the
 * agents. 0, or a negative errno with *reterr. */
int agents_new(struct agents **ret, struct loop *loop, struct grpc_server *server,
               const struct profile_store *store, struct nodes *nodes,
               const struct agents_handler *handler, void *data, struct error **reterr);
/* The server and with it all streams must be gone. Accepts NULL, returns NULL. */
struct agents *agents_free(struct agents *a);
DEFINE_CLEANUP(struct agents *, agents_free)

void agents_profile_changed(struct agents *a, unsigned slot);
void agents_profile_removed(struct agents *a, unsigned slot, const char *profile_name);
/* What the store spares (profile_store_spares()) may be less than before. */
void agents_spared_changed(struct agents *a);

/* Ends every stream with UNAVAILABLE and this text: the agents come back, to whoever is there then. */
void agents_close(struct agents *a, const char *why);
