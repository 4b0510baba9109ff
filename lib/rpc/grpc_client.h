/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A gRPC client on the process's loop.
 *
 * A channel is one address and at most one connection, made when the first call needs it. It does
 * not retry: when the connection cannot be made or is lost, its calls are closed with
 * GRPC_UNAVAILABLE and the next call connects anew; who wants to come back later keeps a struct
 * backoff. Callbacks: message() for each whole message, closed() exactly once, after which the call
 * pointer is invalid. closed() never runs inside grpc_channel_call().
 */
#include "lib/rpc/grpc.h"

struct loop;
struct grpc_channel;
struct grpc_client_call;

struct grpc_metadata {
    const char *name; /* lower-case */
    const char *value;
};

struct grpc_client_handler {
    void (*message)(struct grpc_client_call *call, const uint8_t *data, size_t len, void *data_arg);
    /* text is the status message of the server, or what happened to the connection; never NULL. */
    void (*closed)(struct grpc_client_call *call, enum grpc_status status, const char *text,
                   void *data_arg);
    void (*writable)(struct grpc_client_call *call, void *data_arg); /* may be NULL */
};

/* Copies address and tls, which is needed for GRPC_TLS and read now, and again before each attempt to connect if its
 * files have changed; limits may be NULL. 0 or a negative errno. */
int grpc_channel_new(struct grpc_channel **ret, struct loop *loop,
                     const struct grpc_address *address, const struct grpc_tls *tls,
                     const struct grpc_limits *limits, struct error **reterr);
/* Closes the connection; closed() of each open call runs with GRPC_CANCELLED before it returns. */
struct grpc_channel *grpc_channel_free(struct grpc_channel *c);
DEFINE_CLEANUP(struct grpc_channel *, grpc_channel_free)

/* Closes the connection, if there is one, as grpc_channel_free() does; the next call makes another, and so may come to
 * another server behind the same address. Not inside a callback. */
void grpc_channel_hang_up(struct grpc_channel *c);

/* Starts a call; handler must outlive it. timeout_ns 0: none (else also sent as grpc-timeout).
 * 0, -ENOMEM, -E2BIG (limits.calls are open, or too much metadata) or -EPIPE (the channel is being
 * freed). *ret is borrowed: valid until closed(). */
int grpc_channel_call(struct grpc_channel *c, struct grpc_client_call **ret, const char *path,
                      const struct grpc_metadata *metadata, size_t n_metadata, uint64_t timeout_ns,
                      const struct grpc_client_handler *handler, void *data_arg);

/* As grpc_call_send(). Messages wait in the queue while the connection is made. */
int grpc_client_call_send(struct grpc_client_call *call, const uint8_t *data,
                          size_t len) MUST_CHECK;
void grpc_client_call_half_close(struct grpc_client_call *call); /* no more messages from us */
void grpc_client_call_cancel(struct grpc_client_call *call);     /* RST_STREAM; closed() follows */

/* Within closed(): a field of the server's trailers by its lower-case name
 * ("grpc-status-details-bin", base64), or NULL. Before that: of its first header fields, once they
 * have come. Borrowed. */
const char *grpc_client_call_metadata(const struct grpc_client_call *call, const char *name);
