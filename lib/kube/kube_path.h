/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Paths of the Kubernetes API, escaped: the only way in which a name or a selector gets into a URL. Pure.
 *
 *     /api/v1/namespaces/shop/pods/web-0
 *     /apis/crd.varmor.org/v1beta1/varmorpolicies?limit=500&labelSelector=a%3Db
 */
#include "lib/buf.h"

#define KUBE_PATH_MAX                                                                              \
    65536 /* bytes of a path with its query: what API servers take, and more than names can fill */

struct kube_path {
    const char *group;       /* NULL or "": the core group */
    const char *version;     /* "v1" */
    const char *resource;    /* plural: "pods" */
    const char *name_space;  /* NULL or "": of all namespaces, or not in any */
    const char *name;        /* NULL: the collection */
    const char *subresource; /* NULL: the object itself; "status" */
};

/* Appends. 0, -EINVAL (a part that is empty, "." or "..": it would make the path that of another object), -E2BIG or
 * -ENOMEM. A failure may leave a part of it in out. */
int kube_path_add(struct buf *out, const struct kube_path *path) MUST_CHECK;
/* Appends "?key=value", or "&key=value" where there is a query already. 0, -E2BIG or -ENOMEM. */
int kube_path_query(struct buf *out, const char *key, const char *value) MUST_CHECK;
