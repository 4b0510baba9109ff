/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/source_kubernetes.h"

#include <assert.h>
#include <errno.h>

#include "lib/kube/kube_watch.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "manager/source.h"
#include "manager/watched_objects.h"
#include "manager/watched_policies.h"
#include "manager/watched_problems.h"

#define PROTOBUF "application/vnd.kubernetes.protobuf"

enum resource_id {
    RESOURCE_POLICIES,
    RESOURCE_CLUSTER_POLICIES,
    RESOURCE_DEPLOYMENTS,
    RESOURCE_STATEFULSETS,
    RESOURCE_DAEMONSETS,
    RESOURCE_SERVICES,
    RESOURCE_SLICES,
    RESOURCE_PODS,
    RESOURCES,
};

/* What is watched; needed_by: which needs of policies start the watch, 0: it is started at once. */
static const struct resource {
    const char *name; /* its findings' */
    const char *path, *query;
    enum object_kind kind;
    unsigned needed_by;
    size_t max_objects;
} resources[] = {
    [RESOURCE_POLICIES] = {.name = "varmorpolicies",
                           .path = "/apis/crd.varmor.org/v1beta1/varmorpolicies",
                           .kind = OBJECT_VARMOR_POLICY,
                           .max_objects = SOURCE_KUBERNETES_MAX_POLICIES},
    [RESOURCE_CLUSTER_POLICIES] = {.name = "varmorclusterpolicies",
                                   .path = "/apis/crd.varmor.org/v1beta1/varmorclusterpolicies",
                                   .kind = OBJECT_VARMOR_CLUSTER_POLICY,
                                   .max_objects = SOURCE_KUBERNETES_MAX_POLICIES},
    [RESOURCE_DEPLOYMENTS] = {.name = "deployments",
                              .path = "/apis/apps/v1/deployments",
                              .kind = OBJECT_DEPLOYMENT,
                              .max_objects = SOURCE_KUBERNETES_MAX_OBJECTS},
    [RESOURCE_STATEFULSETS] = {.name = "statefulsets",
                               .path = "/apis/apps/v1/statefulsets",
                               .kind = OBJECT_STATEFULSET,
                               .max_objects = SOURCE_KUBERNETES_MAX_OBJECTS},
    [RESOURCE_DAEMONSETS] = {.name = "daemonsets",
                             .path = "/apis/apps/v1/daemonsets",
                             .kind = OBJECT_DAEMONSET,
                             .max_objects = SOURCE_KUBERNETES_MAX_OBJECTS},
    [RESOURCE_SERVICES] = {.name = "services",
                           .path = "/api/v1/services",
                           .kind = OBJECT_SERVICE,
                           .needed_by = WATCHED_NEEDS_SERVICES,
                           .max_objects = SOURCE_KUBERNETES_MAX_OBJECTS},
    [RESOURCE_SLICES] = {.name = "endpointslices",
                         .path = "/apis/discovery.k8s.io/v1/endpointslices",
                         .kind = OBJECT_ENDPOINT_SLICE,
                         .needed_by = WATCHED_NEEDS_SERVICES,
                         .max_objects = SOURCE_KUBERNETES_MAX_OBJECTS},
    /* Pods that have finished have no addresses of their own: the server leaves them out. */
    [RESOURCE_PODS] = {.name = "pods",
                       .path = "/api/v1/pods",
                       .query = "fieldSelector=status.phase%21%3DSucceeded%2C"
                                "status.phase%21%3DFailed",
                       .kind = OBJECT_POD,
                       .needed_by = WATCHED_NEEDS_PODS,
                       .max_objects = SOURCE_KUBERNETES_MAX_OBJECTS},
};
static_assert(ARRAY_SIZE(resources) == RESOURCES, "one row for each");

/* One resource, while it is watched or not. */
struct watched {
    struct source_kubernetes *source;
    const struct resource *resource;
    struct kube_watch *watch;       /* owned; NULL: nobody needs it so far */
    struct watched_objects objects; /* of all resources but the policies */
    struct watched_problems problems;
    bool listed; /* to its end, once */
};

struct source_kubernetes {
    struct loop *loop;
    struct kube_client *client;
    struct source_kubernetes_handlers handlers;
    struct loop_task *task;
    struct watched_policies *policies;
    struct watched watched[RESOURCES];
    bool settled; /* once */
    bool changed; /* since it was settled */
};

static bool is_policy(const struct watched *w)
{
    return w->resource->kind == OBJECT_VARMOR_POLICY ||
           w->resource->kind == OBJECT_VARMOR_CLUSTER_POLICY;
}

static bool is_cluster(const struct watched *w)
{
    return w->resource->kind == OBJECT_VARMOR_CLUSTER_POLICY;
}

/* ---- From the watches ---- */

static void note_changed(struct source_kubernetes *s)
{
    s->changed = true;
    loop_task_set(s->task);
}

static void on_put(const char *key, const uint8_t *object, size_t len, void *data)
{
    struct watched *w = data;
    struct source_kubernetes *s = w->source;
    CLEANUP(error_free) struct error *e = NULL;
    bool changed = true;

    if (is_policy(w))
        watched_policies_put(s->policies, is_cluster(w), key, object, len, &e);
    else
        changed = watched_objects_put(&w->objects, object, len, &e);
    if (e)
        watched_problems_put(&w->problems, key, error_message(e));
    else
        watched_problems_drop(&w->problems, key);
    if (changed || w->problems.changed)
        note_changed(s);
}

static void on_dropped(const char *key, void *data)
{
    struct watched *w = data;
    struct source_kubernetes *s = w->source;

    watched_problems_drop(&w->problems, key);
    if (is_policy(w) ? watched_policies_drop(s->policies, is_cluster(w), key)
                     : watched_objects_drop(&w->objects, key))
        note_changed(s);
}

static void on_listed(void *data)
{
    struct watched *w = data;

    w->listed = true;
    note_changed(w->source);
}

static void on_trouble(const char *reason, void *data)
{
    struct watched *w = data;

    watched_problems_set_trouble(&w->problems, reason);
    note_changed(w->source);
}

/* ---- Settling ---- */

/* 0 or -ENOMEM: the next change tries again. */
static int start_watch(struct watched *w)
{
    const struct kube_watch_settings settings = {
        .path = w->resource->path,
        .query = w->resource->query,
        .accept = is_policy(w) ? NULL : PROTOBUF,
        .max_object_bytes = SOURCE_KUBERNETES_MAX_BYTES,
        .max_objects = w->resource->max_objects,
    };
    const struct kube_watch_events events = {.put = on_put,
                                             .dropped = on_dropped,
                                             .listed = on_listed,
                                             .trouble = on_trouble,
                                             .data = w};

    return kube_watch_new(&w->watch, w->source->loop, w->source->client, &settings, &events);
}

/* Starts what is needed and is not watched yet. */
static void start_watches(struct source_kubernetes *s)
{
    unsigned needs = watched_policies_needs(s->policies);

    for (size_t i = 0; i < RESOURCES; i++) {
        struct watched *w = &s->watched[i];

        if (w->watch || (w->resource->needed_by && !(w->resource->needed_by & needs)))
            continue;
        if (start_watch(w) < 0) {
            watched_problems_set_trouble(&w->problems, "no memory to watch it");
            return;
        }
    }
}

/* The needs of policies that are met: every list behind them has been read. */
static unsigned lists_read(const struct source_kubernetes *s)
{
    unsigned missing = 0;

    for (size_t i = 0; i < RESOURCES; i++)
        if (!s->watched[i].listed)
            missing |= s->watched[i].resource->needed_by;
    return (WATCHED_NEEDS_SERVICES | WATCHED_NEEDS_PODS) & ~missing;
}

/* True if nothing that is watched is still to be listed for the first time. What the API server forbids may stay forbidden:
 * whoever writes a policy that needs it must not keep all others from being read. */
static bool all_listed(const struct source_kubernetes *s)
{
    for (size_t i = 0; i < RESOURCES; i++) {
        const struct watched *w = &s->watched[i];

        if (w->watch && !w->listed &&
            !(w->resource->needed_by && kube_watch_is_forbidden(w->watch)))
            return false;
    }
    return true;
}

/* How many objects of the resource are in force; those of a policy that is refused may not be. */
static size_t count(const struct watched *w)
{
    return is_policy(w) ? watched_policies_count(w->source->policies, is_cluster(w))
                        : w->objects.table.n;
}

static void tell_problems(struct source_kubernetes *s)
{
    for (size_t i = 0; i < RESOURCES; i++) {
        struct watched *w = &s->watched[i];
        struct findings findings = {0};
        const struct source_file file = {.name = w->resource->name,
                                         .findings = &findings,
                                         .n_in_force = (unsigned)count(w),
                                         .is_known = true};

        if (!w->problems.changed)
            continue;
        watched_problems_tell(&w->problems, &findings);
        s->handlers.source->file(&file, s->handlers.source_data);
        findings_done(&findings);
    }
}

static void source_kubernetes_settle(void *data)
{
    struct source_kubernetes *s = data;

    start_watches(s);
    tell_problems(s);
    if (!s->changed || (!s->settled && !all_listed(s)))
        return;
    s->settled = true;
    s->changed = false;
    watched_policies_tell(s->policies, lists_read(s));
    s->handlers.source->settled(s->handlers.source_data);
}

/* ---- For who asks ---- */

const struct kube_policy *source_kubernetes_policy(const struct source_kubernetes *s,
                                                   const char *key)
{
    return map_find(watched_policies_all(s->policies), key);
}

const struct map *source_kubernetes_policies(const struct source_kubernetes *s)
{
    return watched_policies_all(s->policies);
}

const struct object *source_kubernetes_next_workload(const struct source_kubernetes *s,
                                                     enum target_kind kind, size_t *at)
{
    static const enum resource_id ids[TARGET_KINDS] = {
        [TARGET_DEPLOYMENT] = RESOURCE_DEPLOYMENTS,
        [TARGET_STATEFULSET] = RESOURCE_STATEFULSETS,
        [TARGET_DAEMONSET] = RESOURCE_DAEMONSETS,
    };

    return ids[kind] ? object_table_next(&s->watched[ids[kind]].objects.table, at) : NULL;
}

/* ---- Life ---- */

static int watched_init(struct source_kubernetes *s, enum resource_id id)
{
    struct watched *w = &s->watched[id];

    *w = (struct watched){.source = s, .resource = &resources[id]};
    w->objects = (struct watched_objects){.kind = resources[id].kind,
                                          .file = resources[id].name,
                                          .handler = s->handlers.source,
                                          .data = s->handlers.source_data};
    return watched_problems_init(&w->problems);
}

int source_kubernetes_new(struct source_kubernetes **ret, struct loop *loop,
                          struct kube_client *client,
                          const struct source_kubernetes_handlers *handlers)
{
    CLEANUP(source_kubernetes_free) struct source_kubernetes *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->client = client;
    s->handlers = *handlers;
    for (unsigned i = 0; i < RESOURCES; i++)
        if (watched_init(s, i) < 0)
            return -ENOMEM;
    s->policies = watched_policies_new(handlers->source, handlers->source_data, handlers->policies,
                                       handlers->policies_data);
    if (!s->policies || loop_task_new(loop, &s->task, source_kubernetes_settle, s) < 0)
        return -ENOMEM;
    loop_task_set(s->task);
    *ret = TAKE(s);
    return 0;
}

struct source_kubernetes *source_kubernetes_free(struct source_kubernetes *s)
{
    if (!s)
        return NULL;
    loop_task_free(s->task);
    for (size_t i = 0; i < RESOURCES; i++) {
        kube_watch_free(s->watched[i].watch);
        watched_objects_done(&s->watched[i].objects);
        watched_problems_done(&s->watched[i].problems);
    }
    watched_policies_free(s->policies);
    free(s);
    return NULL;
}
