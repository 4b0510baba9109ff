/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection of a channel, from its attempt to its end, and the calls on it.
 *
 * Calls are put on a link before it is connected: the HTTP/2 session holds their requests until
 * then. A link that was told to go away takes no new calls and ends with its last one.
 */
#include "lib/rpc/budget.h"
#include "lib/rpc/grpc_client.h"

struct connection;
struct h2_field;
struct h2_handler;
struct h2_stream;
struct tls_context;
struct dialer;

#define CLIENT_FULL_QUEUES 4 /* of limits.queue_bytes each that a connection may hold */

struct client_link {
    struct client_link *prev, *next; /* the channel's list */
    struct loop *loop;
    struct grpc_limits limits;
    struct connection *connection; /* owned */
    struct dialer *dialer;         /* owned; NULL once it is connected */
    struct tls_context *tls;       /* borrowed, like the name */
    const char *server_name;
    struct budget send;
    struct budget receive;
    bool has_waiting; /* a call was told -ENOBUFS */
    bool is_leaving;  /* no new calls */
    bool is_lost;
    const char *lost_text; /* borrowed while its calls are closed: what became of it */
    unsigned *n_calls;     /* borrowed: the channel's count of open calls */
    void (*gone)(struct client_link *link, void *data);
    void *data;
};

/* Begins to connect. gone() runs when the connection is over and its calls are closed, once; its
 * receiver then frees the link. address, tls (may be NULL) and server_name are borrowed for the
 * link's life. 0 or -ENOMEM. */
int client_link_new(struct client_link **ret, struct loop *loop, const struct grpc_limits *limits,
                    const struct grpc_address *address, struct tls_context *tls,
                    const char *server_name, unsigned *n_calls,
                    void (*gone)(struct client_link *link, void *data), void *data);
/* Closes; calls that are open end with GRPC_CANCELLED. Accepts NULL, returns NULL. */
struct client_link *client_link_free(struct client_link *link);
DEFINE_CLEANUP(struct client_link *, client_link_free)

/* Puts a call on the link (client_call.c). fields are the whole request header. 0, -ENOMEM or
 * -EAGAIN (the link takes no more: use another). */
int client_call_new(struct grpc_client_call **ret, struct client_link *link,
                    const struct h2_field *fields, size_t n_fields, uint64_t timeout_ns,
                    const struct grpc_client_handler *handler, void *data_arg);

extern const struct h2_handler
    client_call_handler; /* the session's owner is its struct client_link */
