/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/agents.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/rpc/grpc_server.h"
#include "manager/agent_exchange.h"
#include "manager/clock.h"
#include "manager/nodes.h"
#include "manager/profile_store.h"

#define AGENT_MESSAGE_BYTES   (64u << 20) /* a profile down; a complete report of bindings up */
#define AGENT_HELLO_NS        (10 * NS_PER_SEC) /* a stream must say hello by then */
#define STREAMS_SERVED_A_TURN 64                /* about a millisecond */
#define MESSAGES_SENT_A_TURN  64                /* on one stream */

/* One call of Sync. */
struct agent_stream {
    struct agents *agents;
    struct grpc_call *call;
    struct node *node;               /* NULL before hello */
    struct agent_exchange *exchange; /* owned; NULL before hello */
    struct loop_timer *hello_timer;  /* owned; NULL after hello */
    bool is_finished;                /* nothing more is said */
    bool is_full;                    /* waits for writable() */
    bool is_leaving;                 /* the agent says no more: the stream ends when it knows all */
    bool is_waiting;                 /* in the list of agents->waiting */
    struct agent_stream *prev, *next; /* of all streams */
    struct agent_stream *waiting_prev, *waiting_next;
};

struct agents {
    struct loop *loop;
    const struct profile_store *store;
    struct nodes *nodes;
    const struct agents_handler *handler;
    void *data;
    struct agent_stream *streams; /* list */
    struct agent_stream *waiting; /* those that may have something to be told */
    struct loop_task *task;
    struct loop_timer *expiry;
};

/* ---- Telling ---- */

static void stream_finish(struct agent_stream *s, enum grpc_status status, const char *text)
{
    if (s->is_finished)
        return;
    s->is_finished = true;
    grpc_call_finish(s->call, status, text);
}

static void stream_wait(struct agent_stream *s)
{
    if (s->is_waiting || s->is_full || s->is_finished || !s->exchange)
        return;
    s->is_waiting = true;
    DL_APPEND2(s->agents->waiting, s, waiting_prev, waiting_next);
    loop_task_set(s->agents->task);
}

static void stream_wait_no_more(struct agent_stream *s)
{
    if (!s->is_waiting)
        return;
    s->is_waiting = false;
    DL_DELETE2(s->agents->waiting, s, waiting_prev, waiting_next);
}

/* Sends what there is to tell, until the queue is full or enough for one turn. */
static void stream_serve(struct agent_stream *s)
{
    for (unsigned i = 0; i < MESSAGES_SENT_A_TURN; i++) {
        const uint8_t *data;
        size_t len;
        int r = agent_exchange_next(s->exchange, &data, &len);

        if (r == 0) {
            if (s->is_leaving)
                stream_finish(s, GRPC_OK, NULL);
            return;
        }
        if (r > 0)
            r = grpc_call_send(s->call, data, len);
        if (r == -ENOBUFS) {
            s->is_full = true;
            return;
        }
        if (r == 0)
            r = agent_exchange_sent(s->exchange);
        if (r < 0) {
            if (r != -EPIPE)
                LOG(ERROR, "agent-send-failed", "closing the stream, the agent will come back",
                    LOG_STR("node", s->node->name), LOG_INT("errno", -r));
            stream_finish(s, GRPC_RESOURCE_EXHAUSTED, "a message cannot be sent");
            return;
        }
    }
    stream_wait(s);
}

static void agents_serve(void *data)
{
    struct agents *a = data;

    for (unsigned i = 0; a->waiting && i < STREAMS_SERVED_A_TURN; i++) {
        struct agent_stream *s = a->waiting;

        stream_wait_no_more(s);
        stream_serve(s);
    }
    if (a->waiting)
        loop_task_set(a->task);
}

void agents_spared_changed(struct agents *a)
{
    struct agent_stream *s;

    DL_FOREACH (a->streams, s)
        if (s->exchange && !agent_exchange_in_sync(s->exchange))
            stream_wait(s);
}

void agents_profile_changed(struct agents *a, unsigned slot)
{
    struct agent_stream *s;

    DL_FOREACH (a->streams, s) {
        if (!s->exchange || s->is_finished)
            continue;
        agent_exchange_changed(s->exchange, slot);
        stream_wait(s);
    }
}

void agents_profile_removed(struct agents *a, unsigned slot, const char *profile_name)
{
    struct agent_stream *s;

    DL_FOREACH (a->streams, s) {
        if (!s->exchange || s->is_finished)
            continue;
        if (agent_exchange_removed(s->exchange, slot, profile_name) < 0)
            stream_finish(s, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        else
            stream_wait(s);
    }
    /* Who is away starts over with the next hello; until then nothing of this slot may show. */
    MAP_FOREACH (e, nodes_all(a->nodes))
        node_profile_forget(map_value(e), slot);
}

/* ---- Hello ---- */

/* Does the caller's name (a certificate's, or the node of a token) speak for the node? */
static bool name_speaks_for(const char *caller, const char *node)
{
    static const char prefix[] = "system:node:";

    if (!caller)
        return false;
    if (strncmp(caller, prefix, sizeof(prefix) - 1) == 0)
        caller += sizeof(prefix) - 1;
    return strcmp(caller, node) == 0;
}

static bool may_speak_for(const struct grpc_call *call, const char *node)
{
    const struct grpc_peer *peer = grpc_call_peer(call);

    switch (peer->kind) {
    case GRPC_PEER_UNIX:
        return peer->uid == 0 || (uid_t)peer->uid == geteuid();
    case GRPC_PEER_TLS:
        return name_speaks_for(grpc_call_caller(call), node);
    case GRPC_PEER_TCP:
        break;
    }
    return false;
}

static void agents_set_expiry(struct agents *a, uint64_t at_ns)
{
    uint64_t now = loop_now_ns(a->loop);

    if (at_ns)
        loop_timer_set(a->expiry, at_ns > now ? at_ns - now : 0);
}

/* The node has no stream any more. */
static void stream_leave_node(struct agent_stream *s)
{
    struct node *node = TAKE(s->node);

    stream_wait_no_more(s);
    s->exchange = agent_exchange_free(s->exchange);
    if (node)
        nodes_lost(s->agents->nodes, node, clock_real_ns(), loop_now_ns(s->agents->loop));
}

static void on_hello(struct agent_stream *s, const struct msg_hello *hello)
{
    struct agents *a = s->agents;
    CLEANUP(error_free) struct error *e = NULL;
    const struct node *before = nodes_find(a->nodes, hello->node);
    struct agent_stream *older = before ? before->stream : NULL;
    const char *why_not = a->handler->why_not ? a->handler->why_not(a->data) : NULL;
    int r;

    if (hello->protocol != MESSAGE_PROTOCOL) {
        char text[64];

        snprintf(text, sizeof(text), "this manager speaks protocol %d", MESSAGE_PROTOCOL);
        stream_finish(s, GRPC_FAILED_PRECONDITION, text);
        return;
    }
    if (!may_speak_for(s->call, hello->node)) {
        LOG(WARNING, "agent-refused", "refusing a stream that may not speak for the node",
            LOG_STR("node", hello->node), LOG_STR("peer", grpc_call_peer(s->call)->address),
            LOG_STR("caller", grpc_call_caller(s->call)));
        stream_finish(s, GRPC_PERMISSION_DENIED, "the caller may not speak for this node");
        return;
    }
    if (why_not) {
        stream_finish(s, GRPC_UNAVAILABLE, why_not);
        return;
    }
    if (older) {
        stream_leave_node(older);
        stream_finish(older, GRPC_ABORTED, "a newer stream of this node has taken over");
    }
    r = nodes_hello(a->nodes, hello, clock_real_ns(), &s->node, &e);
    if (r == 0)
        r = agent_exchange_new(&s->exchange, a->store, s->node, hello->held, hello->n_held);
    if (r < 0) {
        if (s->node)
            a->handler->node_changed(s->node, false, a->data);
        stream_leave_node(s);
        stream_finish(s, r == -EINVAL ? GRPC_INVALID_ARGUMENT : GRPC_RESOURCE_EXHAUSTED,
                      e ? error_message(e) : strerror(-r));
        return;
    }
    s->node->stream = s;
    s->hello_timer = loop_timer_free(s->hello_timer);
    LOG(INFO, "agent-connected", "an agent has said hello", LOG_STR("node", hello->node),
        LOG_STR("version", hello->agent_version), LOG_STR("kernel", hello->kernel),
        LOG_INT("held", hello->n_held));
    a->handler->node_changed(s->node, false, a->data);
    stream_wait(s);
}

/* ---- What agents tell ---- */

static int on_result(struct agent_stream *s, const struct msg_result *result)
{
    struct agents *a = s->agents;
    unsigned slot;
    const struct profile_slot *of = profile_store_slot_of(a->store, result->name, &slot);
    int r;

    if (!of || result->removed)
        return 0; /* about a profile that is gone: nothing depends on it */
    r = node_result(s->node, slot, result, &of->owner->profile->digest);
    if (r < 0)
        return r;
    for (size_t i = 0; i < result->n_enforcers; i++)
        if (!result->enforcers[i].applied)
            LOG(WARNING, "profile-failed", "the node keeps what it had",
                LOG_STR("node", s->node->name), LOG_STR("profile", result->name),
                LOG_STR("reason", result->enforcers[i].reason));
    a->handler->result(s->node, slot, a->data);
    return 0;
}

static int on_counts(struct agent_stream *s, const struct msg_counts *counts)
{
    unsigned slot;

    if (!profile_store_slot_of(s->agents->store, counts->profile, &slot))
        return 0;
    return node_counts(s->node, slot, counts);
}

static int on_bindings(struct agent_stream *s, const struct msg_bindings *bindings)
{
    int r = node_bindings(s->node, bindings);

    if (r == -ENOMEM)
        return r;
    if (r < 0)
        LOG(WARNING, "too-many-bindings", "showing only the first", LOG_STR("node", s->node->name),
            LOG_INT("limit", NODE_MAX_BINDINGS));
    s->agents->handler->bindings_changed(s->node, s->agents->data);
    return 0;
}

/* A message after hello. 0, -EPROTO (not at this place), -EINVAL (a result) or -ENOMEM. */
static int on_report(struct agent_stream *s, const struct agent_message *m)
{
    switch (m->kind) {
    case AGENT_RESULT:
        return on_result(s, &m->result);
    case AGENT_BINDINGS:
        return on_bindings(s, &m->bindings);
    case AGENT_VIOLATIONS:
        s->agents->handler->violations(s->node, &m->violations, s->agents->data);
        return 0;
    case AGENT_COUNTS:
        return on_counts(s, &m->counts);
    case AGENT_MESSAGE_NONE:
        return 0; /* of a later version */
    case AGENT_HELLO:
        break;
    }
    return -EPROTO;
}

static void sync_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct agent_stream *s = grpc_call_data(call);
    CLEANUP(error_free) struct error *e = NULL;
    struct agent_message m = {0};
    int r;

    if (!s || s->is_finished)
        return;
    r = agent_message_decode(&m, data, len, &e);
    if (r < 0) {
        stream_finish(s, r == -ENOMEM ? GRPC_RESOURCE_EXHAUSTED : GRPC_INVALID_ARGUMENT,
                      error_message(e));
        return;
    }
    if (!s->node && m.kind == AGENT_HELLO) {
        on_hello(s, &m.hello);
    } else if (!s->node) {
        stream_finish(s, GRPC_FAILED_PRECONDITION, "the first message must be a hello");
    } else {
        r = on_report(s, &m);
        if (r == -EPROTO)
            stream_finish(s, GRPC_INVALID_ARGUMENT, "a second hello");
        else if (r == -EINVAL)
            stream_finish(s, GRPC_INVALID_ARGUMENT, "a result of more enforcers than there are");
        else if (r < 0)
            stream_finish(s, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    }
    agent_message_done(&m);
}

/* ---- Life of a stream ---- */

static void on_hello_missed(void *data)
{
    struct agent_stream *s = data;

    stream_finish(s, GRPC_DEADLINE_EXCEEDED, "no hello came");
}

static void sync_open(struct grpc_call *call, void *service)
{
    struct agents *a = service;
    struct agent_stream *s = calloc(1, sizeof(*s));

    if (!s || loop_timer_new(a->loop, &s->hello_timer, on_hello_missed, s) < 0) {
        free(s);
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    s->agents = a;
    s->call = call;
    loop_timer_set(s->hello_timer, AGENT_HELLO_NS);
    DL_APPEND(a->streams, s);
    grpc_call_set_data(call, s);
}

static void sync_half_close(struct grpc_call *call)
{
    struct agent_stream *s = grpc_call_data(call);

    if (!s)
        return;
    s->is_leaving = true;
    if (s->exchange)
        stream_wait(s);
    else
        stream_finish(s, GRPC_FAILED_PRECONDITION, "no hello came");
}

static void sync_writable(struct grpc_call *call)
{
    struct agent_stream *s = grpc_call_data(call);

    if (!s)
        return;
    s->is_full = false;
    stream_wait(s);
}

static void sync_closed(struct grpc_call *call)
{
    struct agent_stream *s = grpc_call_data(call);
    struct agents *a;
    struct node *node;

    if (!s)
        return;
    a = s->agents;
    node = s->node;
    stream_leave_node(s);
    if (node) {
        LOG(INFO, "agent-lost", "a stream has ended; the node goes on enforcing",
            LOG_STR("node", node->name));
        a->handler->node_changed(node, false, a->data);
        agents_set_expiry(a, node->expires_ns);
    }
    DL_DELETE(a->streams, s);
    loop_timer_free(s->hello_timer);
    free(s);
}

static const struct grpc_method agent_methods[] = {
    {.path = "/varmor.v1.AgentService/Sync",
     .open = sync_open,
     .message = sync_message,
     .half_close = sync_half_close,
     .writable = sync_writable,
     .closed = sync_closed,
     .message_bytes = AGENT_MESSAGE_BYTES},
};

void agents_close(struct agents *a, const char *why)
{
    struct agent_stream *s, *next;

    DL_FOREACH_SAFE(a->streams, s, next)
    stream_finish(s, GRPC_UNAVAILABLE, why);
}

/* ---- Nodes that stay away ---- */

static void on_forgotten(const struct node *node, void *data)
{
    struct agents *a = data;

    LOG(INFO, "node-forgotten", "a node has been away for too long to count",
        LOG_STR("node", node->name));
    a->handler->node_changed(node, true, a->data);
}

static void agents_expire(void *data)
{
    struct agents *a = data;

    agents_set_expiry(a, nodes_expire(a->nodes, loop_now_ns(a->loop), on_forgotten, a));
}

/* ---- Life ---- */

int agents_new(struct agents **ret, struct loop *loop, struct grpc_server *server,
               const struct profile_store *store, struct nodes *nodes,
               const struct agents_handler *handler, void *data, struct error **reterr)
{
    CLEANUP(agents_free) struct agents *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return error_oom(reterr);
    a->loop = loop;
    a->store = store;
    a->nodes = nodes;
    a->handler = handler;
    a->data = data;
    if (loop_task_new(loop, &a->task, agents_serve, a) < 0 ||
        loop_timer_new(loop, &a->expiry, agents_expire, a) < 0)
        return error_oom(reterr);
    r = grpc_server_add(server, agent_methods, ARRAY_SIZE(agent_methods), a, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(a);
    return 0;
}

struct agents *agents_free(struct agents *a)
{
    if (!a)
        return NULL;
    loop_timer_free(a->expiry);
    loop_task_free(a->task);
    free(a);
    return NULL;
}
