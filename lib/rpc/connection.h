/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One HTTP/2 connection on the loop: moves bytes between a transport and an h2 session, and runs
 * the session's clock. Server and client share it.
 *
 * Reading is fair: a few reads a turn, then the others have their turn. What the socket does not
 * take is kept, at most one write's worth; nghttp2 is asked for more only when that is gone.
 */
#include "lib/error.h"

struct connection;
struct h2;
struct loop;
struct transport;

struct connection_handler {
    /* The transport is open: its peer is known. May be NULL. */
    void (*opened)(void *owner, struct transport *t);
    /* The connection is over; its streams still exist. code is 0 for an orderly end. Runs at the
     * end of a turn, once; the owner frees the connection in it or later. */
    void (*lost)(void *owner, int code, const char *text);
};

/* A connection without a transport yet: its session's clock runs. Takes *h2, and sets it to NULL,
 * on success only. handshake_ns: to be through connect, TLS and HTTP/2's preface by then. 0 or
 * -ENOMEM. */
int connection_new(struct connection **ret, struct loop *loop, struct h2 **h2,
                   uint64_t handshake_ns, const struct connection_handler *handler, void *owner);
/* Gives it its transport; takes *transport on success only. 0 or -ENOMEM. */
int connection_attach(struct connection *c, struct transport **transport);
/* There will be no transport: lost() follows. */
void connection_fail(struct connection *c, int code, const char *text);
/* Closes at once. The streams of the session must be gone. Accepts NULL, returns NULL. */
struct connection *connection_free(struct connection *c);
DEFINE_CLEANUP(struct connection *, connection_free)

/* What the session's output() calls: the connection comes to it at the end of the turn. */
void connection_wake(struct connection *c);
struct h2 *connection_h2(struct connection *c);
