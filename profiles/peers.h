/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Peers: the Services and Pods that the egress rules of policies may name, as they are now.
 *
 * A Service's endpoints are those of the EndpointSlices of its namespace that carry its name in the
 * label kubernetes.io/service-name. Slices whose Service is not known still make one, without
 * cluster addresses: a host without Kubernetes may say no more than where something listens. What
 * the builder is told of services is sorted, so that the order in which objects came or an API lists
 * endpoints changes no profile; pods are sorted by who takes some of them.
 *
 * Holds manifests by pointer: they belong to the source. No I/O, no logging.
 */
#include "lib/policy/object.h"

struct builder_facts;
struct peers;

/* Of each kind (Service, EndpointSlice, Pod); also bounds what one view of them needs. */
#define PEERS_MAX_OBJECTS 131072

struct peers *peers_new(void);             /* NULL: no memory */
struct peers *peers_free(struct peers *p); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct peers *, peers_free)

/* True if objects of this kind are peers, or say where one is. */
bool peers_wants(enum object_kind kind);

/* What is known under the identity of o; NULL: nothing. */
const struct object *peers_find(struct peers *p, const struct object *o);
/* The name of the Service that a Service or EndpointSlice says something about; NULL: none. Borrowed. */
const char *peers_service_of(const struct object *o);

/* Remembers a manifest until it is dropped or replaced, while it must stay valid. 0, -ENOMEM, or
 * -E2BIG (PEERS_MAX_OBJECTS; then it is left out). */
int peers_put(struct peers *p, const struct object *o);
void peers_drop(struct peers *p, const struct object *o); /* fine if it is not there */

/* Fills in the services and pods of *facts, the rest stays as it is. They belong to the peers and
 * are valid until the next put or drop. 0 or -ENOMEM. */
int peers_tell(struct peers *p, struct builder_facts *facts);
