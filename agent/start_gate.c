/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/start_gate.h"

#include <string.h>

#include "agent/container.h"
#include "agent/nri.h"
#include "agent/runtime.h"
#include "lib/log.h"

struct start_gate {
    struct nri *nri;
    struct runtime *runtime;
    void (*settled)(void *data);
    void *data;
    bool is_settled;
    bool is_away_told; /* since it was last there */
};

static void on_connected(const char *reason, void *data)
{
    struct start_gate *g = data;

    if (reason && !g->is_away_told)
        LOG(INFO, "starts-not-held", "containers are bound as the runtime's events tell of them",
            LOG_STR("reason", nri_describe(g->nri)));
    else if (!reason)
        LOG(INFO, "starts-held", "containers of pods start once they are bound",
            LOG_STR("runtime", nri_describe(g->nri)));
    g->is_away_told = reason != NULL;
    if (!g->is_settled)
        g->settled(g->data);
    g->is_settled = true;
}

static void on_starting(const char *container_id, void *data)
{
    struct start_gate *g = data;
    int r = g->runtime->ops->expect(g->runtime, container_id);

    if (r == 0)
        return;
    if (r < 0)
        LOG(WARNING, "start-not-held", "it is bound when the runtime's events tell of it",
            LOG_STR("container", container_id), LOG_STR("reason", strerror(-r)));
    nri_let_start(g->nri, container_id);
}

static void on_overdue(const char *container_id, void *data UNUSED)
{
    LOG(WARNING, "start-not-held",
        "the runtime has not told of it in time; it is bound when it does",
        LOG_STR("container", container_id));
}

int start_gate_new(struct start_gate **ret, struct loop *loop, const char *socket_path,
                   struct runtime *runtime, void (*settled)(void *data), void *data,
                   struct error **reterr)
{
    CLEANUP(start_gate_free) struct start_gate *g = calloc(1, sizeof(*g));
    const struct nri_events events = {
        .connected = on_connected, .starting = on_starting, .overdue = on_overdue, .data = g};
    int r;

    if (!g)
        return error_oom(reterr);
    g->runtime = runtime;
    g->settled = settled;
    g->data = data;
    r = nri_new(&g->nri, loop, socket_path, &events, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(g);
    return 0;
}

struct start_gate *start_gate_free(struct start_gate *g)
{
    if (!g)
        return NULL;
    nri_free(g->nri);
    free(g);
    return NULL;
}

void start_gate_start(struct start_gate *g)
{
    nri_start(g->nri);
}

void start_gate_open(struct start_gate *g, const struct container *c)
{
    nri_let_start(g->nri, c->id);
}

const char *start_gate_describe(const struct start_gate *g)
{
    return nri_describe(g->nri);
}
