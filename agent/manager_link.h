/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The transport of the exchange with the manager (stream.h): one gRPC call, made again for ever,
 * after delays that grow and are drawn at random. Messages of one turn of the loop are sent at its
 * end; while the manager does not read, nothing is made. No logging: the owner is told.
 */
#include "agent/stream.h"
#include "lib/rpc/grpc.h"

struct loop;
struct manager_link; /* opaque */

struct manager_link_settings {
    const char *address;    /* as grpc_address_parse() takes it */
    struct grpc_tls tls;    /* of a tls:// address; borrowed until manager_link_new() returns */
    const char *token_file; /* NULL: none; its content goes along as a bearer token, read at each
                               connection */
};

struct manager_link_events {
    void (*lost)(const char *reason, uint64_t retry_ns,
                 void *data); /* the link went, or did not come */
    void *data;
};

/* owner and its data as for stream_new(). 0, -EINVAL (the address), -ENOMEM or an error of TLS,
 * with *reterr. */
int manager_link_new(struct manager_link **ret, struct loop *loop,
                     const struct manager_link_settings *settings, const struct stream_owner *owner,
                     void *owner_data, const struct manager_link_events *events,
                     struct error **reterr);
struct manager_link *manager_link_free(struct manager_link *m); /* tells nobody */
DEFINE_CLEANUP(struct manager_link *, manager_link_free)

void manager_link_start(struct manager_link *m);
/* What is put into it is sent by manager_link_flush(). Borrowed. */
struct stream *manager_link_stream(struct manager_link *m);
/* Sends what is pending at the end of the present turn. */
void manager_link_flush(struct manager_link *m);
