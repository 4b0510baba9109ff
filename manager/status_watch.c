/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/status_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "lib/loop.h"
#include "lib/map.h"
#include "lib/rpc/grpc_server.h"
#include "manager/status.h"
#include "manager/status_service.h"

#define EVENT_MAX_BYTES (4u << 20)
#define VIEW_MAX_BYTES  (256u << 20)
#define KEY_SIZE        1024 /* of an object in a list: kind, namespace, name, each bounded */

/* What a watcher was told of one object. */
struct told {
    uint64_t hash;      /* of the event */
    uint64_t round;     /* in which it was last in the list */
    struct buf removal; /* the event that says it is gone */
};

struct watch {
    struct status_watches *watches;
    struct grpc_call *call;
    struct status_watch_request ask; /* owned */
    bool asked;                      /* the request has come */
    bool listed;                     /* LISTED has been sent */
    bool is_behind;                  /* something may differ */
    bool is_finished;
    uint64_t round;
    struct map *told; /* key -> struct told, owned */
    struct watch *prev, *next;
};

struct status_watches {
    struct loop *loop;
    const struct status *status;
    struct watch *list;
    unsigned n;
    struct loop_timer *timer;
    bool timer_set;
    uint64_t last_ns; /* of the last round */
};

static void told_free(void *value)
{
    struct told *t = value;

    buf_done(&t->removal);
    free(t);
}

/* FNV-1a, 64 bits: enough to see that an object differs from what one watcher was sent. */
static uint64_t hash_of(const uint8_t *data, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325ull;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ data[i]) * 0x100000001b3ull;
    return hash;
}

/* ---- Events ---- */

/* Item i of a list as an event, its key, and as little of it as names it. */
static void item_event(const struct status_list *l, size_t i, struct status_watch_event *put,
                       struct status_watch_event *removed, char key[static KEY_SIZE])
{
    *put = (struct status_watch_event){.type = STATUS_WATCH_PUT, .resource = l->resource};
    *removed = (struct status_watch_event){.type = STATUS_WATCH_REMOVED, .resource = l->resource};
    switch (l->resource) {
    case STATUS_POLICIES:
        put->policy = l->policies[i];
        removed->policy.kind = put->policy.kind;
        removed->policy.name_space = put->policy.name_space;
        removed->policy.name = put->policy.name;
        snprintf(key, KEY_SIZE, "%s/%s/%s", put->policy.kind, put->policy.name_space,
                 put->policy.name);
        break;
    case STATUS_PROFILES:
        put->profile = l->profiles[i];
        removed->profile.name_space = put->profile.name_space;
        removed->profile.name = put->profile.name;
        snprintf(key, KEY_SIZE, "%s", put->profile.name);
        break;
    case STATUS_NODES:
        put->node = l->nodes[i];
        removed->node.name = put->node.name;
        snprintf(key, KEY_SIZE, "%s", put->node.name);
        break;
    case STATUS_BINDINGS:
        put->binding = l->bindings[i];
        removed->binding.node = put->binding.node;
        removed->binding.binding.container_id = put->binding.binding.container_id;
        removed->binding.binding.pod_namespace = put->binding.binding.pod_namespace;
        removed->binding.binding.pod_name = put->binding.binding.pod_name;
        snprintf(key, KEY_SIZE, "%s/%s", put->binding.node, put->binding.binding.container_id);
        break;
    case STATUS_NONE:
    case STATUS_RESOURCES:
        *key = '\0';
        break;
    }
}

/* What was told of a key, made if it is new (then *ret_new). NULL: no memory. */
static struct told *told_get(struct watch *w, const char *key,
                             const struct status_watch_event *removed, bool *ret_new)
{
    struct told *t = map_find(w->told, key);

    *ret_new = !t;
    if (t)
        return t;
    t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->removal = BUF_INIT(KEY_SIZE * 4);
    if (status_watch_event_encode(removed, &t->removal) < 0 || map_put(w->told, key, t) < 0) {
        told_free(t);
        return NULL;
    }
    return t;
}

/* Sends an item that is new or different. 0, -ENOBUFS (later) or another negative errno. */
static int send_item(struct watch *w, const struct status_list *l, size_t i, struct buf *out)
{
    struct status_watch_event put, removed;
    char key[KEY_SIZE];
    struct told *t;
    bool is_new;
    uint64_t hash;
    int r;

    item_event(l, i, &put, &removed, key);
    buf_clear(out);
    r = status_watch_event_encode(&put, out);
    if (r < 0)
        return r;
    hash = hash_of(out->data, out->len);
    t = told_get(w, key, &removed, &is_new);
    if (!t)
        return -ENOMEM;
    t->round = w->round;
    if (!is_new && t->hash == hash)
        return 0;
    r = grpc_call_send(w->call, out->data, out->len);
    if (r == 0)
        t->hash = hash;
    else if (is_new)
        map_drop(w->told, key);
    return r;
}

static int send_removals(struct watch *w)
{
    MAP_FOREACH (e, w->told) {
        const struct told *t = map_value(e);
        int r;

        if (t->round == w->round)
            continue;
        r = grpc_call_send(w->call, t->removal.data, t->removal.len);
        if (r < 0)
            return r;
        map_drop(w->told, map_key(e));
    }
    return 0;
}

static int send_listed(struct watch *w, struct buf *out)
{
    const struct status_watch_event listed = {.type = STATUS_WATCH_LISTED,
                                              .resource = w->ask.resource};
    int r = 0;

    buf_clear(out);
    if (!w->listed)
        r = status_watch_event_encode(&listed, out);
    if (!w->listed && r == 0)
        r = grpc_call_send(w->call, out->data, out->len);
    if (r == 0)
        w->listed = true;
    return r;
}

/* Sends what differs from what was sent. 0, -ENOBUFS (writable() will follow) or another negative
 * errno. */
static int watch_send_difference(struct watch *w)
{
    const struct status_list_request ask = {.name_space = w->ask.name_space, .name = w->ask.name};
    CLEANUP(arena_free) struct arena *arena = arena_new(VIEW_MAX_BYTES);
    CLEANUP_BUF struct buf out = BUF_INIT(EVENT_MAX_BYTES);
    struct status_list list;
    int r;

    if (!arena)
        return -ENOMEM;
    r = status_list_view(w->watches->status, w->ask.resource, &ask, arena, &list);
    w->round++;
    for (size_t i = 0; r == 0 && i < list.n; i++)
        r = send_item(w, &list, i, &out);
    if (r == 0)
        r = send_removals(w);
    return r < 0 ? r : send_listed(w, &out);
}

static void watch_finish(struct watch *w, enum grpc_status status, const char *text)
{
    if (w->is_finished)
        return;
    w->is_finished = true;
    grpc_call_finish(w->call, status, text);
}

static void watch_catch_up(struct watch *w)
{
    int r;

    if (!w->is_behind || !w->asked || w->is_finished)
        return;
    w->is_behind = false;
    r = watch_send_difference(w);
    if (r == -ENOBUFS)
        w->is_behind = true;
    else if (r < 0)
        watch_finish(w, GRPC_RESOURCE_EXHAUSTED, "an event cannot be sent");
}

static void watches_catch_up(void *data)
{
    struct status_watches *ws = data;
    struct watch *w, *next;

    ws->timer_set = false;
    ws->last_ns = loop_now_ns(ws->loop);
    DL_FOREACH_SAFE(ws->list, w, next)
    watch_catch_up(w);
}

void status_watches_changed(struct status_watches *ws, unsigned resources)
{
    uint64_t now = loop_now_ns(ws->loop), due = ws->last_ns + STATUS_WATCH_INTERVAL_NS;
    struct watch *w;
    bool any = false;

    DL_FOREACH (ws->list, w) {
        if (!w->asked || !(resources & (1u << w->ask.resource)))
            continue;
        w->is_behind = true;
        any = true;
    }
    if (!any || ws->timer_set)
        return;
    ws->timer_set = true;
    loop_timer_set(ws->timer, due > now ? due - now : 0);
}

/* ---- Calls ---- */

static void watch_open(struct grpc_call *call, void *service)
{
    struct status_watches *ws = service;
    struct watch *w;

    if (ws->n == STATUS_WATCHES_MAX) {
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many watches");
        return;
    }
    w = calloc(1, sizeof(*w));
    if (w)
        w->told = map_new(told_free, 0); /* bounded by what is listed */
    if (!w || !w->told) {
        free(w);
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    w->watches = ws;
    w->call = call;
    DL_APPEND(ws->list, w);
    ws->n++;
    grpc_call_set_data(call, w);
}

static void watch_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct watch *w = grpc_call_data(call);
    CLEANUP(error_free) struct error *e = NULL;
    struct status_watch_request ask = {0};

    if (!w || w->is_finished)
        return;
    if (w->asked) {
        watch_finish(w, GRPC_INVALID_ARGUMENT, "a second request");
        return;
    }
    if (status_watch_request_decode(&ask, data, len, &e) < 0) {
        watch_finish(w, GRPC_INVALID_ARGUMENT, error_message(e));
        return;
    }
    if (ask.resource <= STATUS_NONE || ask.resource >= STATUS_RESOURCES) {
        status_watch_request_done(&ask);
        watch_finish(w, GRPC_INVALID_ARGUMENT, "the resource to watch is missing");
        return;
    }
    w->ask = ask;
    w->asked = true;
    w->is_behind = true;
    watch_catch_up(w);
}

static void watch_half_close(struct grpc_call *call)
{
    struct watch *w = grpc_call_data(call);

    if (w && !w->asked)
        watch_finish(w, GRPC_INVALID_ARGUMENT, "a request is missing");
}

static void watch_writable(struct grpc_call *call)
{
    struct watch *w = grpc_call_data(call);

    if (w)
        watch_catch_up(w);
}

static void watch_closed(struct grpc_call *call)
{
    struct watch *w = grpc_call_data(call);

    if (!w)
        return;
    DL_DELETE(w->watches->list, w);
    w->watches->n--;
    if (w->asked)
        status_watch_request_done(&w->ask);
    map_free(w->told);
    free(w);
}

static const struct grpc_method watch_methods[] = {
    {.path = "/varmor.v1.StatusService/Watch",
     .open = watch_open,
     .message = watch_message,
     .half_close = watch_half_close,
     .writable = watch_writable,
     .closed = watch_closed},
};

void status_watches_close(struct status_watches *ws)
{
    struct watch *w, *next;

    DL_FOREACH_SAFE(ws->list, w, next)
    watch_finish(w, GRPC_UNAVAILABLE, "the manager is shutting down");
}

/* ---- Life ---- */

int status_watches_new(struct status_watches **ret, struct loop *loop, struct grpc_server *server,
                       const struct status *status, struct error **reterr)
{
    CLEANUP(status_watches_free) struct status_watches *ws = calloc(1, sizeof(*ws));
    int r;

    if (!ws)
        return error_oom(reterr);
    ws->loop = loop;
    ws->status = status;
    if (loop_timer_new(loop, &ws->timer, watches_catch_up, ws) < 0)
        return error_oom(reterr);
    r = grpc_server_add(server, watch_methods, ARRAY_SIZE(watch_methods), ws, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(ws);
    return 0;
}

struct status_watches *status_watches_free(struct status_watches *ws)
{
    if (!ws)
        return NULL;
    loop_timer_free(ws->timer);
    free(ws);
    return NULL;
}
