/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_agent_set.h"

#include <errno.h>
#include <stdio.h>

#include "lib/kube/kube_watch.h"
#include "manager/kube_text.h"
#include "manager/nodes.h"

#define PATH_BYTES  256
#define MAX_OBJECTS 8 /* of which there should be one */

struct kube_agent_set {
    struct kube_watch *watch;
    void (*expected)(unsigned n_agents, void *data);
    void *data;
    unsigned n_agents;
};

unsigned kube_agent_set_read(const uint8_t *json, size_t len)
{
    CLEANUP(json_decref) json_t *root = json_loadb((const char *)json, len, 0, NULL);
    const json_t *desired =
        json_object_get(json_object_get(root, "status"), "desiredNumberScheduled");
    json_int_t n = json_integer_value(desired);

    return n > 0 && n <= NODES_MAX ? (unsigned)n : 0;
}

static void tell(struct kube_agent_set *s, unsigned n_agents)
{
    if (n_agents == s->n_agents)
        return;
    s->n_agents = n_agents;
    s->expected(n_agents, s->data);
}

static void on_put(const char *key UNUSED, const uint8_t *object, size_t len, void *data)
{
    tell(data, kube_agent_set_read(object, len));
}

static void on_dropped(const char *key UNUSED, void *data)
{
    tell(data, 0);
}

static void on_listed(void *data UNUSED)
{
}

/* While it cannot be read, the last number holds: nothing is claimed that was not so. */
static void on_trouble(const char *reason UNUSED, void *data UNUSED)
{
}

int kube_agent_set_new(struct kube_agent_set **ret, struct loop *loop, struct kube_client *client,
                       const char *install_namespace,
                       void (*expected)(unsigned n_agents, void *data), void *data)
{
    CLEANUP(kube_agent_set_free) struct kube_agent_set *s = calloc(1, sizeof(*s));
    const struct kube_watch_events events = {.put = on_put,
                                             .dropped = on_dropped,
                                             .listed = on_listed,
                                             .trouble = on_trouble,
                                             .data = s};
    char path[PATH_BYTES];
    const struct kube_watch_settings settings = {
        .path = path,
        .query = "labelSelector=app.kubernetes.io%2Fcomponent%3D" KUBE_AGENT_SET_COMPONENT,
        .max_object_bytes = KUBE_AGENT_SET_MAX_BYTES,
        .max_objects = MAX_OBJECTS};

    if (!s)
        return -ENOMEM;
    s->expected = expected;
    s->data = data;
    snprintf(path, sizeof(path), "/apis/apps/v1/namespaces/%s/daemonsets", install_namespace);
    if (kube_watch_new(&s->watch, loop, client, &settings, &events) < 0)
        return -ENOMEM;
    *ret = TAKE(s);
    return 0;
}

struct kube_agent_set *kube_agent_set_free(struct kube_agent_set *s)
{
    if (!s)
        return NULL;
    kube_watch_free(s->watch);
    free(s);
    return NULL;
}
