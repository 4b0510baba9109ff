/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/health.h"

#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "lib/map.h"
#include "lib/rpc/pb_fields.h"

#define HEALTH_SERVICE_UNKNOWN 3 /* on the wire only: Watch of a service that nobody has named */
#define HEALTH_ANSWER_BYTES    16

/* Field numbers of lib/rpc/protos/grpc/health/v1/health.proto. */
enum { REQUEST_SERVICE = 1, RESPONSE_STATUS = 1 };

/* One Watch call. */
struct health_watch {
    struct health_watch *prev, *next;
    struct health *health;
    struct grpc_call *call;
    char *service;  /* owned; NULL until the request has come */
    bool is_behind; /* the newest state could not be queued */
};

struct health {
    struct map *states;           /* owned: service -> its state, as a pointer into health_states */
    struct health_watch *watches; /* owned by their calls */
};

static const unsigned health_states[] = {GRPC_HEALTH_UNKNOWN, GRPC_HEALTH_SERVING,
                                         GRPC_HEALTH_NOT_SERVING};

struct health *health_new(void)
{
    struct health *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->states = map_new(NULL, HEALTH_MAX_SERVICES);
    return h->states ? h : health_free(h);
}

struct health *health_free(struct health *h)
{
    if (!h)
        return NULL;
    map_free(h->states);
    free(h);
    return NULL;
}

static int health_send(struct grpc_call *call, unsigned state)
{
    CLEANUP_BUF struct buf answer = BUF_INIT(HEALTH_ANSWER_BYTES);
    int r = pb_add_varint(&answer, RESPONSE_STATUS, state);

    return r < 0 ? r : grpc_call_send(call, answer.data, answer.len);
}

static void health_watch_tell(struct health_watch *w)
{
    const unsigned *state = map_find(w->health->states, w->service);

    w->is_behind = health_send(w->call, state ? *state : HEALTH_SERVICE_UNKNOWN) < 0;
}

int health_set(struct health *h, const char *service, enum grpc_health state)
{
    const unsigned *now = map_find(h->states, service);
    struct health_watch *w, *next;
    int r;

    if (now && *now == state)
        return 0;
    r = map_put(h->states, service, (void *)&health_states[state]);
    if (r < 0)
        return r;
    DL_FOREACH_SAFE(h->watches, w, next)
    if (w->service && strcmp(w->service, service) == 0)
        health_watch_tell(w);
    return 0;
}

/* The service that a request names, as an owned string. 0, -EBADMSG or -ENOMEM. */
static int health_parse(const uint8_t *data, size_t len, char **ret)
{
    struct pb_bytes rest = {data, len}, name = {};
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE)
        if (f.number == REQUEST_SERVICE && f.is_bytes)
            name = f.bytes;
    if (r < 0 || (name.len > 0 && memchr(name.data, '\0', name.len)))
        return -EBADMSG;
    *ret = strndup(name.len > 0 ? (const char *)name.data : "", name.len);
    return *ret ? 0 : -ENOMEM;
}

static void health_refuse(struct grpc_call *call, int code)
{
    if (code == -EBADMSG)
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "not a HealthCheckRequest");
    else
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

/* ---- Check ---- */

static void health_check_open(struct grpc_call *call, void *service)
{
    grpc_call_set_data(call, service);
}

static void health_check_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct health *h = grpc_call_data(call);
    CLEANUP_FREE char *service = NULL;
    const unsigned *state;
    int r = health_parse(data, len, &service);

    if (r < 0) {
        health_refuse(call, r);
        return;
    }
    state = map_find(h->states, service);
    if (!state) {
        grpc_call_finish(call, GRPC_NOT_FOUND, "unknown service");
        return;
    }
    r = health_send(call, *state);
    if (r < 0)
        health_refuse(call, r);
    else
        grpc_call_finish(call, GRPC_OK, NULL);
}

static void health_check_half_close(struct grpc_call *call)
{
    grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "no request came");
}

/* ---- Watch ---- */

static void health_watch_open(struct grpc_call *call, void *service)
{
    struct health *h = service;
    struct health_watch *w = calloc(1, sizeof(*w));

    if (!w) {
        health_refuse(call, -ENOMEM);
        return;
    }
    w->health = h;
    w->call = call;
    DL_APPEND(h->watches, w);
    grpc_call_set_data(call, w);
}

static void health_watch_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct health_watch *w = grpc_call_data(call);
    int r;

    if (w->service) {
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "a second request came");
        return;
    }
    r = health_parse(data, len, &w->service);
    if (r < 0)
        health_refuse(call, r);
    else
        health_watch_tell(w);
}

static void health_watch_half_close(struct grpc_call *call)
{
    struct health_watch *w = grpc_call_data(call);

    if (!w->service)
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "no request came");
}

static void health_watch_writable(struct grpc_call *call)
{
    struct health_watch *w = grpc_call_data(call);

    if (w->is_behind)
        health_watch_tell(w);
}

static void health_watch_closed(struct grpc_call *call)
{
    struct health_watch *w = grpc_call_data(call);

    if (!w)
        return;
    DL_DELETE(w->health->watches, w);
    free(w->service);
    free(w);
}

const struct grpc_method health_methods[2] = {
    {.path = "/grpc.health.v1.Health/Check",
     .open = health_check_open,
     .message = health_check_message,
     .half_close = health_check_half_close,
     .message_bytes = HEALTH_REQUEST_BYTES},
    {.path = "/grpc.health.v1.Health/Watch",
     .open = health_watch_open,
     .message = health_watch_message,
     .half_close = health_watch_half_close,
     .writable = health_watch_writable,
     .closed = health_watch_closed,
     .message_bytes = HEALTH_REQUEST_BYTES},
};
