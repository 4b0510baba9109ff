/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/status_service.h"

#include <errno.h>

#include "lib/rpc/grpc_server.h"
#include "manager/status.h"
#include "manager/status_watch.h"

#define ANSWER_MAX_BYTES (64u << 20)
#define VIEW_MAX_BYTES   (256u << 20) /* of the arena in which an answer is put together */
#define N_UNARY          6

/* One unary method. */
struct status_endpoint {
    const struct status *status;
    enum status_resource list;      /* STATUS_NONE: a description */
    enum status_resource described; /* STATUS_POLICIES or STATUS_NODES */
};

struct status_service {
    struct status_endpoint unary[N_UNARY];
    struct status_watches *watches;
};

/* ---- Unary calls ---- */

static int answer_list(const struct status_endpoint *endpoint, struct arena *arena,
                       const uint8_t *data, size_t len, struct buf *out, struct error **reterr)
{
    struct status_list_request ask;
    struct status_list list;
    int r = status_list_request_decode(&ask, data, len, reterr);

    if (r < 0)
        return r;
    r = status_list_view(endpoint->status, endpoint->list, &ask, arena, &list);
    if (r == 0)
        r = status_list_encode(&list, out);
    status_list_request_done(&ask);
    return r;
}

static int describe_policy(const struct status *status, const struct status_describe_request *ask,
                           struct arena *arena, struct buf *out)
{
    struct status_policy_description description;
    int r = status_describe_policy(status, ask, arena, &description);

    return r > 0 ? status_policy_description_encode(&description, out) : r == 0 ? -ENOENT : r;
}

static int describe_node(const struct status *status, const struct status_describe_request *ask,
                         struct arena *arena, struct buf *out)
{
    struct status_node_description description;
    int r = status_describe_node(status, ask->name, arena, &description);

    return r > 0 ? status_node_description_encode(&description, out) : r == 0 ? -ENOENT : r;
}

static int answer_description(const struct status_endpoint *endpoint, struct arena *arena,
                              const uint8_t *data, size_t len, struct buf *out,
                              struct error **reterr)
{
    struct status_describe_request ask;
    int r = status_describe_request_decode(&ask, data, len, reterr);

    if (r < 0)
        return r;
    r = endpoint->described == STATUS_POLICIES ? describe_policy(endpoint->status, &ask, arena, out)
                                               : describe_node(endpoint->status, &ask, arena, out);
    if (r == -ENOENT)
        error_set(reterr, r, "there is no %s '%s%s%s'",
                  endpoint->described == STATUS_POLICIES ? "policy" : "node", ask.name_space,
                  *ask.name_space ? "/" : "", ask.name);
    status_describe_request_done(&ask);
    return r;
}

static enum grpc_status status_of_error(int r)
{
    switch (r) {
    case -EBADMSG:
        return GRPC_INVALID_ARGUMENT;
    case -ENOENT:
        return GRPC_NOT_FOUND;
    default:
        return GRPC_RESOURCE_EXHAUSTED;
    }
}

static void unary_open(struct grpc_call *call, void *service)
{
    grpc_call_set_data(call, service);
}

static void unary_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    const struct status_endpoint *endpoint = grpc_call_data(call);
    CLEANUP(arena_free) struct arena *arena = arena_new(VIEW_MAX_BYTES);
    CLEANUP_BUF struct buf out = BUF_INIT(ANSWER_MAX_BYTES);
    CLEANUP(error_free) struct error *e = NULL;
    int r = -ENOMEM;

    if (arena && endpoint->list != STATUS_NONE)
        r = answer_list(endpoint, arena, data, len, &out, &e);
    else if (arena)
        r = answer_description(endpoint, arena, data, len, &out, &e);
    if (r == 0)
        r = grpc_call_send(call, out.data, out.len);
    if (r == 0)
        grpc_call_finish(call, GRPC_OK, NULL);
    else
        grpc_call_finish(call, status_of_error(r),
                         e ? error_message(e) : "the answer is too large");
}

static void unary_half_close(struct grpc_call *call)
{
    grpc_call_finish(call, GRPC_INVALID_ARGUMENT,
                     "a request is missing"); /* unless it was answered */
}

#define UNARY(method)                                                                              \
    {                                                                                              \
        .path = "/varmor.v1.StatusService/" method, .open = unary_open, .message = unary_message,  \
        .half_close = unary_half_close, .message_bytes = ANSWER_MAX_BYTES                          \
    }

static const struct grpc_method unary_methods[N_UNARY] = {
    UNARY("ListPolicies"), UNARY("ListProfiles"),   UNARY("ListNodes"),
    UNARY("ListBindings"), UNARY("DescribePolicy"), UNARY("DescribeNode"),
};
static const struct status_endpoint unary_endpoints[N_UNARY] = {
    {.list = STATUS_POLICIES}, {.list = STATUS_PROFILES},      {.list = STATUS_NODES},
    {.list = STATUS_BINDINGS}, {.described = STATUS_POLICIES}, {.described = STATUS_NODES},
};

/* ---- Life ---- */

void status_service_changed(struct status_service *s, unsigned resources)
{
    status_watches_changed(s->watches, resources);
}

void status_service_close(struct status_service *s)
{
    status_watches_close(s->watches);
}

int status_service_new(struct status_service **ret, struct loop *loop, struct grpc_server *server,
                       const struct status *status, struct error **reterr)
{
    CLEANUP(status_service_free) struct status_service *s = calloc(1, sizeof(*s));
    int r = 0;

    if (!s)
        return error_oom(reterr);
    for (size_t i = 0; r == 0 && i < N_UNARY; i++) {
        s->unary[i] = unary_endpoints[i];
        s->unary[i].status = status;
        r = grpc_server_add(server, &unary_methods[i], 1, &s->unary[i], reterr);
    }
    if (r == 0)
        r = status_watches_new(&s->watches, loop, server, status, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

struct status_service *status_service_free(struct status_service *s)
{
    if (!s)
        return NULL;
    status_watches_free(s->watches);
    free(s);
    return NULL;
}
