/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/container.h"

#include "lib/policy/selector.h"

#include <string.h>

static const char *const container_state_names[] = {
    [CONTAINER_UNKNOWN] = "unknown",
    [CONTAINER_CREATED] = "created",
    [CONTAINER_RUNNING] = "running",
    [CONTAINER_STOPPED] = "stopped",
};
_Static_assert(ARRAY_SIZE(container_state_names) == CONTAINER_STOPPED + 1, "a name for each state");

struct container *container_new(void)
{
    CLEANUP(container_free) struct container *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    char **texts[] = {&c->id,      &c->runtime_namespace, &c->image,
                      &c->pod_uid, &c->pod_name,          &c->pod_namespace,
                      &c->name,    &c->workload_kind,     &c->workload_name};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        *texts[i] = strdup("");
        if (!*texts[i])
            return NULL;
    }
    c->labels = labels_new();
    if (!c->labels)
        return NULL;
    return TAKE(c);
}

struct container *container_free(struct container *c)
{
    if (!c)
        return NULL;
    labels_free(c->labels);
    free(c->apparmor_profile);
    free(c->workload_name);
    free(c->workload_kind);
    free(c->name);
    free(c->pod_namespace);
    free(c->pod_name);
    free(c->pod_uid);
    free(c->cgroup_path);
    free(c->image);
    free(c->runtime_namespace);
    free(c->id);
    free(c);
    return NULL;
}

const char *container_state_name(enum container_state s)
{
    return (size_t)s < ARRAY_SIZE(container_state_names) ? container_state_names[s] : "unknown";
}
