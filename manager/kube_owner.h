/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Whom the objects belong to that the manager makes for itself and Helm knows nothing of: webhook configurations, the
 * Secrets of the certificates, the Lease. They name the release's ClusterRole as their owner, and so Kubernetes' garbage
 * collector removes them with it, however the release goes, with no program of ours left to do it. A cluster-scoped
 * object may own objects of every namespace.
 *
 * The role's uid is asked for once, for ever until the server answers. Logs when there is none: then what was made stays
 * when the release goes.
 */
#include "lib/buf.h"
#include "lib/error.h"

struct kube_client;
struct kube_owner; /* opaque */
struct loop;

#define KUBE_OWNER_TEXT_MAX 1024 /* of the references: two names and a uid */

/* Asks. cluster_role: its name, copied; NULL: nobody owns anything. known() is called once, not inside. 0 or -ENOMEM. */
int kube_owner_new(struct kube_owner **ret, struct loop *loop, struct kube_client *client,
                   const char *cluster_role, void (*known)(void *data), void *data);
struct kube_owner *kube_owner_free(struct kube_owner *o); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_owner *, kube_owner_free)

/* What metadata.ownerReferences is to be, as JSON: "[]" for nobody, and until known(). Borrowed. */
const char *kube_owner_references(const struct kube_owner *o);

/* The same made of a ClusterRole as the server sends it (pure): appends to out. 0, -EBADMSG with *reterr (it is none),
 * -E2BIG or -ENOMEM. */
int kube_owner_format(struct buf *out, const uint8_t *role, size_t len, struct error **reterr);
