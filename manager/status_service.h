/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * varmor.v1.StatusService on the manager's gRPC server: lists, descriptions and watches.
 *
 * Who may read: whoever can open the Unix socket (its mode decides), a client with a certificate of
 * the trusted CA or with a token that access.h lets in, and on plain TCP, which listens on loopback only and has to be asked for,
 * everybody. Nothing here changes anything.
 *
 * A watch sends the list as it is, then what differs. It is brought up to date at most every
 * STATUS_WATCH_INTERVAL_NS, and holds a 64-bit hash of what it last sent of each object, no events:
 * a slow reader gets the newest state.
 */
#include "lib/error.h"

struct grpc_server;
struct loop;
struct status;
struct status_service;

#define STATUS_WATCHES_MAX       256 /* open at a time; each may cost a list every interval */
#define STATUS_WATCH_INTERVAL_NS (100 * NS_PER_MSEC)

/* Adds the service to the server, which must go first. Borrows all. 0, or a negative errno with
 * *reterr. */
int status_service_new(struct status_service **ret, struct loop *loop, struct grpc_server *server,
                       const struct status *status, struct error **reterr);
/* The server and with it all calls must be gone. Accepts NULL, returns NULL. */
struct status_service *status_service_free(struct status_service *s);
DEFINE_CLEANUP(struct status_service *, status_service_free)

/* Lists of these kinds may differ: 1 << enum status_resource. */
void status_service_changed(struct status_service *s, unsigned resources);
/* Ends every watch with UNAVAILABLE, so that a drain can finish. */
void status_service_close(struct status_service *s);
