/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A listening socket on the loop. When descriptors run out, a reserve is spent to accept and close
 * the waiting connection, so that neither the peer hangs nor the loop spins.
 */
#include "lib/error.h"

struct grpc_address;
struct listener;
struct loop;

#define LISTENER_BACKLOG          1024 /* agents that come back together after the manager's restart */
#define LISTENER_ACCEPTS_PER_TURN 64

/* fd is non-blocking and closed on exec; accepted() takes it. tag is handed through. See
 * grpc_server_listen() for the rest. 0 or a negative errno with *reterr. */
int listener_new(struct listener **ret, struct loop *loop, const struct grpc_address *address,
                 unsigned mode, void (*accepted)(int fd, void *tag, void *data), void *tag,
                 void *data, struct error **reterr);
struct listener *listener_free(struct listener *l); /* also removes its Unix socket's file */
DEFINE_CLEANUP(struct listener *, listener_free)

uint16_t listener_port(const struct listener *l); /* 0 for a Unix socket */
