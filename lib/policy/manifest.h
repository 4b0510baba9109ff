/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Kubernetes kinds that help to resolve policies: their schemas are lenient, as a real
 * cluster's manifests carry much that varmor does not read. What it does read has to be right.
 */
#include "lib/policy/decoder.h"
#include "lib/policy/object.h"

struct manifest *manifest_new(void);                /* NULL: no memory */
struct manifest *manifest_free(struct manifest *m); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct manifest *, manifest_free)

/* True if a pod's addresses are its own: not those of the node (hostNetwork), and not those of a pod that has finished,
 * which may be another's by now. phase may be empty. */
bool pod_addresses_count(const char *phase, bool host_network);

/* True if both say the same of everything that is read of an object. */
bool manifest_equal(const struct manifest *a, const struct manifest *b);

/* Gives back what was made larger than needed, for who keeps many; it takes no more labels then. 0, or -ENOMEM: it is
 * as it was. */
int manifest_trim(struct manifest *m);

/* The schemas, into a struct manifest, without metadata.name and metadata.namespace (see
 * metadata.h). */
extern const struct schema pod_schema;
extern const struct schema namespace_schema;
extern const struct schema service_schema;
extern const struct schema endpoint_slice_schema;
extern const struct schema fqdn_slice_schema; /* an EndpointSlice with addressType FQDN */
extern const struct schema workload_schema;   /* Deployment, StatefulSet, DaemonSet */
