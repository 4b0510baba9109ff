/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The manager put together: source -> resolver -> profile store -> agents, and status beside it.
 *
 * Order of the start: what holds state (store, nodes, status), the server and its services, the
 * addresses, and last the source; health is SERVING once the source has told everything that there
 * was. The order of the stop is its reverse.
 */
#include "lib/error.h"

struct config;
struct loop;
struct manager;

/* How long calls may take to end after manager_drain(). */
#define MANAGER_DRAIN_NS (5 * NS_PER_SEC)

/* Starts everything on the loop. config must outlive the manager. 0, or a negative errno with
 * *reterr. */
int manager_new(struct manager **ret, struct loop *loop, const struct config *config,
                struct error **reterr);
/* Ends at once what is still open. Accepts NULL, returns NULL. */
struct manager *manager_free(struct manager *m);
DEFINE_CLEANUP(struct manager *, manager_free)

/* No more changes, no new calls; streams are told to go. done(data) runs when the last is gone, or
 * at the deadline. */
void manager_drain(struct manager *m, void (*done)(void *data), void *data);
