/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The container runtime's NRI socket: the runtime waits with each container that it is about to start until we have
 * bound it (nri_session.h). Containers of the CRI only: that is where containerd and CRI-O ask plugins.
 *
 * The connection is made again for ever, after delays that grow to NRI_RECONNECT_MAX_NS. While it is not there nothing
 * waits: containers are bound as the runtime's events tell of them. No logging: the owner is told.
 */
#include "lib/error.h"

struct loop;
struct nri; /* opaque */

#define NRI_RECONNECT_FIRST_NS (100 * NS_PER_MSEC)
#define NRI_RECONNECT_MAX_NS   (30 * NS_PER_SEC) /* NRI may not be switched on at all */

struct nri_events {
    /* The runtime waits from now on (reason NULL), or does not (any more). */
    void (*connected)(const char *reason, void *data);
    /* It waits with this container until nri_let_start(), which may be called inside. */
    void (*starting)(const char *container_id, void *data);
    /* It was let start without that: our time was up. */
    void (*overdue)(const char *container_id, void *data);
    void *data;
};

/* events is copied. 0, or -EINVAL (the path is too long) or -ENOMEM with *reterr. */
int nri_new(struct nri **ret, struct loop *loop, const char *socket_path,
            const struct nri_events *events, struct error **reterr);
struct nri *nri_free(struct nri *n); /* tells nobody; the runtime goes on without us */
DEFINE_CLEANUP(struct nri *, nri_free)

void nri_start(struct nri *n);
void nri_let_start(struct nri *n, const char *container_id);
/* "containerd v2.0.0 waits with each container until it is bound", or why nothing does. Borrowed until the next
 * callback. */
const char *nri_describe(const struct nri *n);
