/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Kubernetes source: policies, and what resolves them, from the API server.
 *
 * Policies are JSON, read by the very reader of files; the other kinds come as the API's protobuf and are taken down to
 * the fields of a struct manifest. Workloads are always watched, Services and EndpointSlices from the first policy on
 * that may need addresses of services, Pods from the first one on with toPods.
 *
 * 1. The first settled() comes when every list that a policy needs has been read to its end, or is forbidden. A policy that
 *    needs a list which has not been read yet waits for it, alone; what was in force of it stays in force.
 * 2. An API server that is away, or forbids, changes nothing: objects are dropped only when the server says, or when a
 *    new list shows, that they are gone.
 * 3. A policy that the server took and the reader does not keeps what was in force before, and is told as findings of
 *    "varmorpolicy shop/web" (without positions: the text is no file of anybody). A list that cannot be read is told as
 *    a finding of its resource: "pods", "varmorpolicies".
 *
 * Does not log.
 */
#include "lib/error.h"
#include "lib/profile.h"
#include "manager/kube_policy.h"

struct kube_client;
struct loop;
struct map;
struct object;
struct source_handler;
struct source_kubernetes;
struct watched_policies_handler;

/* Of each resource; what is beyond is left out and told as a finding of the resource. */
#define SOURCE_KUBERNETES_MAX_POLICIES 16384
#define SOURCE_KUBERNETES_MAX_OBJECTS  131072
#define SOURCE_KUBERNETES_MAX_BYTES    (3u << 20) /* of one object; etcd takes half of that */

/* Who is told; all outlive the source. */
struct source_kubernetes_handlers {
    const struct source_handler *source; /* as of every source */
    void *source_data;
    const struct watched_policies_handler
        *policies; /* each version of a policy's object; NULL: nobody */
    void *policies_data;
};

/* Starts at the end of the present turn. client must outlive the source. 0 or -ENOMEM. */
int source_kubernetes_new(struct source_kubernetes **ret, struct loop *loop,
                          struct kube_client *client,
                          const struct source_kubernetes_handlers *handlers);
/* Tells nothing more; objects that were put are gone. Accepts NULL, returns NULL. */
struct source_kubernetes *source_kubernetes_free(struct source_kubernetes *s);
DEFINE_CLEANUP(struct source_kubernetes *, source_kubernetes_free)

/* The policy of a key ("VarmorPolicy/shop/web", "VarmorClusterPolicy//base", see object_key.h), borrowed until the loop
 * goes on; NULL: the server has none. */
const struct kube_policy *source_kubernetes_policy(const struct source_kubernetes *s,
                                                   const char *key);
/* The workloads of a kind, in no order: begin with *at 0; NULL: no more. The loop must not go on in between. */
const struct object *source_kubernetes_next_workload(const struct source_kubernetes *s,
                                                     enum target_kind kind, size_t *at);
/* All of them: key -> struct kube_policy. */
const struct map *source_kubernetes_policies(const struct source_kubernetes *s);
