/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One client's connection to a server, and what the connections of a server share.
 *
 * Budgets: bytes of messages that have come in part are paid by the connection and by the server;
 * bytes that wait to be sent, by the connection. Calls live in server_call.c.
 */
#include "lib/rpc/budget.h"
#include "lib/rpc/grpc_server.h"

struct connection;
struct map;
struct tls_context;

#define SERVER_RECEIVE_BYTES (256UL * 1024 * 1024) /* parts of messages of all connections */
#define SERVER_SPARE_BYTES   (1024UL * 1024) /* of a connection, beside its one largest message */
#define SERVER_FULL_QUEUES   4 /* of limits.queue_bytes each that a connection may hold */

/* A method as found by its path. */
struct server_method {
    const struct grpc_method *method; /* borrowed */
    void *service;
};

struct server_core {
    struct loop *loop;
    struct grpc_limits limits;
    struct map *methods;    /* owned: path -> struct server_method */
    size_t largest_message; /* of all methods */
    struct budget receive;
    struct grpc_server_stats stats;
    const struct grpc_gate *gate; /* borrowed; NULL: all calls are admitted */
    void *gate_data;
};

struct server_connection {
    struct server_connection *prev, *next; /* the server's list */
    struct server_core *core;              /* borrowed */
    struct connection *connection;         /* owned */
    struct grpc_peer peer;
    char *address; /* owned: text of peer.address */
    struct budget receive, send;
    bool has_waiting; /* a call was told -ENOBUFS */
    void (*gone)(struct server_connection *c, void *data);
    void *data;
};

/* Takes *fd on success only. gone() runs when the connection is over, once; its receiver then frees
 * it. tls is borrowed for the connection's life and may be NULL. 0 or a negative errno. */
int server_connection_new(struct server_connection **ret, struct server_core *core, int *fd,
                          struct tls_context *tls,
                          void (*gone)(struct server_connection *c, void *data), void *data);
/* Ends its calls (their closed() runs) and closes it. Accepts NULL, returns NULL. */
struct server_connection *server_connection_free(struct server_connection *c);
DEFINE_CLEANUP(struct server_connection *, server_connection_free)

/* GOAWAY; gone() runs after the last call. */
void server_connection_drain(struct server_connection *c);
/* Requests that were refused because too many calls were open. */
uint64_t server_connection_refused(const struct server_connection *c);
