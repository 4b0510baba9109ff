/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/containerd_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"

#define CALL_TIMEOUT_NS (5 * NS_PER_SEC)
#define LIST_TIMEOUT_NS (30 * NS_PER_SEC)
#define MESSAGE_MAX_BYTES                                                                          \
    (16u << 20)               /* Tasks/List answers with one message for all tasks of a namespace */
#define CALLS_MAX         256 /* open at a time */
#define REQUEST_MAX_BYTES 4096

struct open_call {
    struct containerd_calls *owner;
    struct grpc_client_call *call; /* borrowed, until closed() */
    struct containerd_question question;
    struct open_call *prev, *next;
};

struct containerd_calls {
    struct grpc_channel *channel;
    struct open_call *open; /* owned list */
    unsigned n_open;
    bool silent; /* being freed: nobody is told */
    const struct containerd_calls_handler *handler;
    void *data_arg;
};

#define SERVICES "/containerd.services."
static const struct {
    const char *path;
    uint64_t timeout_ns; /* 0: none */
} methods[CONTAINERD_METHODS] = {
    [CONTAINERD_VERSION] = {SERVICES "version.v1.Version/Version", CALL_TIMEOUT_NS},
    [CONTAINERD_NAMESPACES_LIST] = {SERVICES "namespaces.v1.Namespaces/List", CALL_TIMEOUT_NS},
    [CONTAINERD_SUBSCRIBE] = {SERVICES "events.v1.Events/Subscribe", 0},
    [CONTAINERD_PUBLISH] = {SERVICES "events.v1.Events/Publish", CALL_TIMEOUT_NS},
    [CONTAINERD_CONTAINERS_LIST] = {SERVICES "containers.v1.Containers/ListStream",
                                    LIST_TIMEOUT_NS},
    [CONTAINERD_CONTAINERS_GET] = {SERVICES "containers.v1.Containers/Get", CALL_TIMEOUT_NS},
    [CONTAINERD_TASKS_LIST] = {SERVICES "tasks.v1.Tasks/List", LIST_TIMEOUT_NS},
    [CONTAINERD_TASKS_GET] = {SERVICES "tasks.v1.Tasks/Get", CALL_TIMEOUT_NS},
};

/* The events that the agent reads; the last one carries what we publish ourselves. */
static const char *const event_filters[] = {
    "topic~=\"^/tasks/(create|start|exit|delete)$\"",
    "topic~=\"^/containers/\"",
    "topic~=\"^/varmor/\"",
};

static void on_message(struct grpc_client_call *call, const uint8_t *data, size_t len,
                       void *data_arg)
{
    struct open_call *o = data_arg;

    (void)call;
    if (!o->owner->silent)
        o->owner->handler->message(&o->question, data, len, o->owner->data_arg);
}

static void on_closed(struct grpc_client_call *call, enum grpc_status status, const char *text,
                      void *data_arg)
{
    struct open_call *o = data_arg;
    struct containerd_calls *calls = o->owner;

    (void)call;
    DL_DELETE(calls->open, o);
    calls->n_open--;
    if (!calls->silent)
        calls->handler->closed(&o->question, status, text, calls->data_arg);
    free(o);
}

static const struct grpc_client_handler client_handler = {.message = on_message,
                                                          .closed = on_closed};

int containerd_calls_new(struct containerd_calls **ret, struct loop *loop, const char *socket_path,
                         const struct containerd_calls_handler *handler, void *data_arg,
                         struct error **reterr)
{
    static const struct grpc_limits limits = {.message_bytes = MESSAGE_MAX_BYTES,
                                              .calls = CALLS_MAX};
    CLEANUP(containerd_calls_free) struct containerd_calls *calls = calloc(1, sizeof(*calls));
    struct grpc_address address = {.kind = GRPC_UNIX};
    int r;

    if (!calls)
        return error_oom(reterr);
    calls->handler = handler;
    calls->data_arg = data_arg;
    address.host = strdup(socket_path);
    if (!address.host)
        return error_oom(reterr);
    r = grpc_channel_new(&calls->channel, loop, &address, NULL, &limits, reterr);
    grpc_address_done(&address);
    if (r < 0)
        return error_wrap(reterr, r, "containerd at '%s'", error_quote(socket_path));
    *ret = TAKE(calls);
    return 0;
}

struct containerd_calls *containerd_calls_free(struct containerd_calls *calls)
{
    if (!calls)
        return NULL;
    calls->silent = true;
    grpc_channel_free(calls->channel);
    free(calls);
    return NULL;
}

static int encode_request(struct buf *out, const struct containerd_question *q)
{
    switch (q->method) {
    case CONTAINERD_SUBSCRIBE:
        return containerd_encode_subscribe(out, event_filters, ARRAY_SIZE(event_filters));
    case CONTAINERD_PUBLISH:
        return containerd_encode_publish(out, q->id);
    case CONTAINERD_CONTAINERS_GET:
    case CONTAINERD_TASKS_GET:
        return containerd_encode_get(out, q->id);
    default:
        return 0; /* the empty message */
    }
}

int containerd_calls_ask(struct containerd_calls *calls, enum containerd_method method,
                         const char *name_space, const char *id, unsigned attempt)
{
    const struct grpc_metadata metadata = {.name = "containerd-namespace", .value = name_space};
    CLEANUP_BUF struct buf request = BUF_INIT(REQUEST_MAX_BYTES);
    struct open_call *o;
    int r;

    if (calls->n_open == CALLS_MAX || strlen(name_space) >= CONTAINERD_ID_SIZE ||
        (id && strlen(id) >= CONTAINERD_ID_SIZE))
        return -E2BIG;
    o = calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    o->owner = calls;
    o->question = (struct containerd_question){.method = method, .attempt = attempt};
    snprintf(o->question.name_space, CONTAINERD_ID_SIZE, "%s", name_space);
    snprintf(o->question.id, CONTAINERD_ID_SIZE, "%s", id ? id : "");

    r = encode_request(&request, &o->question);
    if (r == 0)
        r = grpc_channel_call(calls->channel, &o->call, methods[method].path, &metadata, 1,
                              methods[method].timeout_ns, &client_handler, o);
    if (r < 0) {
        free(o);
        return r;
    }
    DL_APPEND(calls->open, o);
    calls->n_open++;
    r = grpc_client_call_send(o->call, request.data ? request.data : (const uint8_t *)"",
                              request.len);
    if (r < 0)
        grpc_client_call_cancel(o->call); /* closed() follows and tells */
    else
        grpc_client_call_half_close(o->call);
    return 0;
}

void containerd_calls_cancel(struct containerd_calls *calls)
{
    struct open_call *o, *next;

    DL_FOREACH_SAFE(calls->open, o, next)
    grpc_client_call_cancel(o->call);
}
