/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/manager_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/backoff.h"
#include "lib/loop.h"
#include "lib/rpc/bearer_token.h"
#include "lib/rpc/grpc_client.h"

#define SYNC_METHOD        "/varmor.v1.AgentService/Sync"
#define RECONNECT_FIRST_NS (100 * NS_PER_MSEC)
#define RECONNECT_MAX_NS   (5 * NS_PER_SEC)

struct manager_link {
    struct loop *loop;
    struct grpc_channel *channel;
    struct grpc_client_call *call; /* borrowed; NULL: none */
    struct stream *stream;
    struct loop_timer *timer; /* connects again, or ends a wait for the welcome */
    struct loop_timer *flush; /* fires once this turn is over */
    struct backoff backoff;
    struct manager_link_events events;
    struct buf outgoing;   /* a message that the call had no room for */
    struct error *problem; /* owned; why we ended the call ourselves */
    char *token_file;      /* owned; may be NULL */
    bool silent;           /* being freed */
};

static void connect_now(struct manager_link *m);

static void retry_later(struct manager_link *m, const char *reason)
{
    uint64_t delay_ns = backoff_next_ns(&m->backoff);

    loop_timer_set(m->timer, delay_ns);
    m->events.lost(reason, delay_ns, m->events.data);
}

/* Ends the call; closed() follows, and tells the problem. */
static void give_up(struct manager_link *m)
{
    if (m->call)
        grpc_client_call_cancel(m->call);
}

/* Sends what is pending for as long as the call takes it. */
static void send_pending(struct manager_link *m)
{
    while (m->call) {
        int r;

        if (m->outgoing.len == 0) {
            r = stream_pending(m->stream, &m->outgoing);
            if (r < 0) {
                error_errno(&m->problem, r, "a message for the manager");
                give_up(m);
                return;
            }
            if (r == 0)
                return;
        }
        r = grpc_client_call_send(m->call, m->outgoing.data, m->outgoing.len);
        if (r == -ENOBUFS)
            return; /* writable() goes on with it */
        buf_done(&m->outgoing);
        if (r < 0) {
            error_errno(&m->problem, r, "a message for the manager");
            give_up(m);
            return;
        }
    }
}

static void on_flush(void *data)
{
    send_pending(data);
}

void manager_link_flush(struct manager_link *m)
{
    if (m->call)
        loop_timer_set(m->flush, 0);
}

static void on_message(struct grpc_client_call *call, const uint8_t *data, size_t len,
                       void *data_arg)
{
    struct manager_link *m = data_arg;
    bool greeted_before = stream_is_greeted(m->stream);

    if (call != m->call || m->problem)
        return;
    if (stream_feed(m->stream, data, len, &m->problem) < 0) {
        give_up(m);
        return;
    }
    if (!greeted_before && stream_is_greeted(m->stream)) {
        backoff_reset(&m->backoff);
        loop_timer_unset(m->timer);
    }
    manager_link_flush(m);
}

static void on_writable(struct grpc_client_call *call, void *data_arg)
{
    struct manager_link *m = data_arg;

    if (call == m->call)
        send_pending(m);
}

static void on_closed(struct grpc_client_call *call, enum grpc_status status, const char *text,
                      void *data_arg)
{
    struct manager_link *m = data_arg;
    CLEANUP(error_free) struct error *problem = TAKE(m->problem);
    char reason[512];

    (void)call;
    m->call = NULL;
    buf_done(&m->outgoing);
    stream_close(m->stream);
    if (m->silent)
        return;
    snprintf(reason, sizeof(reason), "%s (%s)", text, grpc_status_name(status));
    retry_later(m, problem ? error_message(problem) : reason);
}

static const struct grpc_client_handler handler = {
    .message = on_message, .closed = on_closed, .writable = on_writable};

static void on_timer(void *data)
{
    struct manager_link *m = data;

    if (!m->call) {
        connect_now(m);
    } else if (stream_expired(m->stream, loop_now_ns(m->loop))) {
        error_set(&m->problem, -ETIMEDOUT, "the manager did not answer the hello");
        give_up(m);
    }
}

static void connect_now(struct manager_link *m)
{
    char token[BEARER_TOKEN_SIZE];
    const struct grpc_metadata metadata = {.name = "authorization", .value = token};
    int r = m->token_file ? bearer_token_read(token, m->token_file) : 0;

    /* Behind one address there may be several managers, of which one takes agents: a new connection may find it. */
    grpc_channel_hang_up(m->channel);
    if (r == 0)
        r = grpc_channel_call(m->channel, &m->call, SYNC_METHOD, &metadata, m->token_file ? 1 : 0,
                              0, &handler, m);
    if (r < 0) {
        m->call = NULL;
        retry_later(m, strerror(-r));
        return;
    }
    stream_open(m->stream, loop_now_ns(m->loop));
    loop_timer_set(m->timer, STREAM_WELCOME_TIMEOUT_NS);
    manager_link_flush(m);
}

int manager_link_new(struct manager_link **ret, struct loop *loop,
                     const struct manager_link_settings *settings, const struct stream_owner *owner,
                     void *owner_data, const struct manager_link_events *events,
                     struct error **reterr)
{
    static const struct grpc_limits limits = {.message_bytes = STREAM_MESSAGE_MAX_BYTES};
    CLEANUP(manager_link_free) struct manager_link *m = calloc(1, sizeof(*m));
    struct grpc_address address = {0};
    struct timespec now;
    int r;

    if (!m)
        return error_oom(reterr);
    clock_gettime(CLOCK_MONOTONIC, &now);
    m->loop = loop;
    m->events = *events;
    m->outgoing = BUF_INIT(STREAM_MESSAGE_MAX_BYTES);
    m->backoff = (struct backoff){.first_ns = RECONNECT_FIRST_NS,
                                  .max_ns = RECONNECT_MAX_NS,
                                  .random_state = (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32};
    m->token_file = settings->token_file ? strdup(settings->token_file) : NULL;
    if ((settings->token_file && !m->token_file) || stream_new(&m->stream, owner, owner_data) < 0 ||
        loop_timer_new(loop, &m->timer, on_timer, m) < 0 ||
        loop_timer_new(loop, &m->flush, on_flush, m) < 0)
        return error_oom(reterr);
    r = grpc_address_parse(&address, settings->address, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "manager address '%s'", error_quote(settings->address));
    r = grpc_channel_new(&m->channel, loop, &address, &settings->tls, &limits, reterr);
    grpc_address_done(&address);
    if (r < 0)
        return error_wrap(reterr, r, "manager '%s'", error_quote(settings->address));
    *ret = TAKE(m);
    return 0;
}

struct manager_link *manager_link_free(struct manager_link *m)
{
    if (!m)
        return NULL;
    m->silent = true;
    grpc_channel_free(m->channel);
    loop_timer_free(m->flush);
    loop_timer_free(m->timer);
    stream_free(m->stream);
    buf_done(&m->outgoing);
    error_free(m->problem);
    free(m->token_file);
    free(m);
    return NULL;
}

void manager_link_start(struct manager_link *m)
{
    loop_timer_set(m->timer, 0);
}

struct stream *manager_link_stream(struct manager_link *m)
{
    return m->stream;
}
