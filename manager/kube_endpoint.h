/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where agents find the manager that leads: the one EndpointSlice of the status Service, which has no selector. Whoever
 * begins to lead writes its own address there. So all nodes are known to the one manager that writes status, and nobody
 * needs the right to label pods. It is written through the kube_writer of the leader.
 */
#include "lib/buf.h"
#include "lib/error.h"

struct kube_endpoint; /* opaque */
struct kube_writer;

#define KUBE_ENDPOINT_MAX_BYTES 4096 /* of the object: names, an address, owners */

struct kube_endpoint_place {
    const char *name_space, *service;
    const char *address; /* of this manager's pod: IPv4 or IPv6, as text */
    uint16_t port;
    const char *owners; /* JSON of metadata.ownerReferences (kube_owner.h) */
};

/* Copies the place, borrows the writer. 0, -ENOMEM, or -EINVAL with *reterr (no address; a text that is too long). */
int kube_endpoint_new(struct kube_endpoint **ret, struct kube_writer *writer,
                      const struct kube_endpoint_place *place, struct error **reterr);
struct kube_endpoint *kube_endpoint_free(struct kube_endpoint *e); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_endpoint *, kube_endpoint_free)

/* This manager leads now. Accepts NULL. */
void kube_endpoint_lead(struct kube_endpoint *e);

/* The object as it is applied (pure): path with query, and body. 0, -EINVAL with *reterr, -E2BIG or -ENOMEM. */
int kube_endpoint_format(struct buf *path, struct buf *body,
                         const struct kube_endpoint_place *place, struct error **reterr);
