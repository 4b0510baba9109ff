/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/client_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/loop.h"
#include "lib/rpc/connection.h"
#include "lib/rpc/grpc_header.h"
#include "lib/rpc/h2.h"
#include "lib/rpc/inbox.h"
#include "lib/rpc/outbox.h"

struct grpc_client_call {
    struct client_link *link; /* borrowed */
    struct h2_stream *stream; /* borrowed */
    const struct grpc_client_handler *handler;
    void *data_arg;
    struct inbox in;
    struct outbox out;
    bool has_half_closed;
    bool has_answer; /* the answer's first header fields have come, and they are gRPC */
    bool has_status;
    enum grpc_status status;
    char *text; /* owned; NULL: none */
};

/* The first status counts; what comes later is a consequence. */
static void client_call_set_status(struct grpc_client_call *call, enum grpc_status status,
                                   const char *text)
{
    if (call->has_status)
        return;
    call->has_status = true;
    call->status = status;
    call->text = strdup(text); /* without memory the status alone must do */
}

/* Ends a call because of what the server sent, or at our own wish. */
static void client_call_end(struct grpc_client_call *call, enum grpc_status status,
                            const char *text)
{
    client_call_set_status(call, status, text);
    inbox_shut(&call->in);
    h2_stream_reset(call->stream, H2_CANCEL);
}

/* ---- What the server sends ---- */

/* The last header fields of an answer: trailers, or all that there is. */
static void client_call_read_status(struct grpc_client_call *call, const struct header_list *fields)
{
    const char *status = header_list_find(fields, "grpc-status");
    const char *message = header_list_find(fields, "grpc-message");
    char text[GRPC_MESSAGE_MAX_BYTES + 1];

    if (h2_stream_headers_are_cut(call->stream)) {
        client_call_set_status(call, GRPC_RESOURCE_EXHAUSTED,
                               "the server's metadata is larger than the limit");
        return;
    }
    if (!status)
        return;
    client_call_set_status(call, grpc_status_parse(status),
                           message ? grpc_message_decode(message, text) : "");
}

/* True if the answer is one that we can read; else the call has ended. What grpc-encoding says
 * matters only for messages that are flagged as compressed, and those are refused. */
static bool client_call_accept(struct grpc_client_call *call, const struct header_list *fields,
                               const char *http_status)
{
    const char *content_type = header_list_find(fields, "content-type");
    char text[GRPC_MESSAGE_MAX_BYTES];

    if (strcmp(http_status, "200") != 0) {
        snprintf(text, sizeof(text), "the server answered with HTTP status %.3s", http_status);
        client_call_read_status(call, fields); /* some servers send a status of their own with it */
        client_call_end(call, grpc_status_of_http(http_status), text);
    } else if (!content_type || !grpc_content_type_is_ours(content_type)) {
        snprintf(text, sizeof(text), "the server's answer is not gRPC but '%s'",
                 content_type ? error_quote(content_type) : "");
        client_call_end(call, GRPC_UNKNOWN, text);
    } else {
        return true;
    }
    return false;
}

static void client_call_on_headers(struct h2_stream *s, bool is_end)
{
    struct grpc_client_call *call = h2_stream_user(s);
    const struct header_list *fields = h2_stream_headers(s);
    const char *http_status = header_list_find(fields, ":status");

    if (http_status && http_status[0] == '1')
        return; /* an interim answer */
    if (!call->has_answer) {
        if (!client_call_accept(call, fields, http_status ? http_status : ""))
            return;
        call->has_answer = true;
    }
    if (is_end)
        client_call_read_status(call, fields);
}

static void client_call_on_data(struct h2_stream *s, const uint8_t *data, size_t len)
{
    struct grpc_client_call *call = h2_stream_user(s);

    inbox_feed(&call->in, data, len);
}

static void client_call_on_end(struct h2_stream *s)
{
    struct grpc_client_call *call = h2_stream_user(s);

    inbox_end(&call->in);
    client_call_set_status(call, GRPC_UNKNOWN, "the server ended the call without a status");
    /* The server has said all that it will: nothing that we could still send matters. */
    if (!call->has_half_closed || call->out.bytes > 0)
        h2_stream_reset(s, H2_CANCEL);
}

static void client_call_on_message(void *owner, const uint8_t *data, size_t len)
{
    struct grpc_client_call *call = owner;

    call->handler->message(call, data, len, call->data_arg);
}

static void client_call_on_consumed(void *owner, size_t len)
{
    struct grpc_client_call *call = owner;

    h2_stream_consume(call->stream, len);
}

static void client_call_on_all_sent(void *owner UNUSED)
{
}

static void client_call_on_bad_message(void *owner, int code)
{
    struct grpc_client_call *call = owner;
    char text[96];

    switch (code) {
    case -EMSGSIZE:
        snprintf(text, sizeof(text), "the server's message is larger than the limit of %zu bytes",
                 call->link->limits.message_bytes);
        client_call_end(call, GRPC_RESOURCE_EXHAUSTED, text);
        break;
    case -EOPNOTSUPP:
        client_call_end(call, GRPC_INTERNAL,
                        "the server's message is compressed, which we did not offer");
        break;
    case -EPROTO:
        client_call_end(call, GRPC_INTERNAL, "the server's message prefix has an unknown flag");
        break;
    case -EBADMSG:
        client_call_end(call, GRPC_INTERNAL, "the server ended the call within a message");
        break;
    default:
        client_call_end(call, GRPC_RESOURCE_EXHAUSTED, "no memory left for incoming messages");
        break;
    }
}

static const struct inbox_handler client_inbox_handler = {
    .message = client_call_on_message,
    .consumed = client_call_on_consumed,
    .end = client_call_on_all_sent,
    .failed = client_call_on_bad_message,
};

/* ---- What we send ---- */

static size_t client_call_on_read(struct h2_stream *s, uint8_t *data, size_t len,
                                  enum h2_end *ret_end)
{
    struct grpc_client_call *call = h2_stream_user(s);
    struct client_link *link = call->link;
    size_t n = outbox_take(&call->out, data, len);

    if (link->has_waiting && link->send.used <= link->send.max / 2) {
        link->has_waiting = false;
        h2_notify_all(connection_h2(link->connection)); /* it was the budget that they waited for */
    } else if (outbox_has_room(&call->out)) {
        h2_stream_notify(s);
    }
    if (call->has_half_closed && call->out.bytes == 0)
        *ret_end = H2_END;
    return n;
}

static void client_call_on_notified(struct h2_stream *s)
{
    struct grpc_client_call *call = h2_stream_user(s);

    if (!call->has_status && !call->has_half_closed && call->handler->writable)
        call->handler->writable(call, call->data_arg);
}

int grpc_client_call_send(struct grpc_client_call *call, const uint8_t *data, size_t len)
{
    int r;

    if (call->has_half_closed || call->has_status)
        return -EPIPE;
    if (len > call->link->limits.message_bytes)
        return -E2BIG;
    r = outbox_put(&call->out, data, len);
    if (r == -ENOBUFS)
        call->link->has_waiting = true;
    if (r < 0)
        return r;
    h2_stream_wake(call->stream);
    return 0;
}

void grpc_client_call_half_close(struct grpc_client_call *call)
{
    if (call->has_half_closed)
        return;
    call->has_half_closed = true;
    h2_stream_wake(call->stream);
}

void grpc_client_call_cancel(struct grpc_client_call *call)
{
    client_call_end(call, GRPC_CANCELLED, "cancelled by the caller");
}

const char *grpc_client_call_metadata(const struct grpc_client_call *call, const char *name)
{
    return header_list_find(h2_stream_headers(call->stream), name);
}

/* ---- The beginning and the end ---- */

static void client_call_on_deadline(struct h2_stream *s)
{
    client_call_end(h2_stream_user(s), GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
}

/* What a reset by the server means (the gRPC protocol's table of HTTP/2 errors). */
static enum grpc_status client_status_of_code(enum h2_code code)
{
    switch (code) {
    case H2_REFUSED_STREAM:
        return GRPC_UNAVAILABLE;
    case H2_CANCEL:
        return GRPC_CANCELLED;
    case H2_ENHANCE_YOUR_CALM:
        return GRPC_RESOURCE_EXHAUSTED;
    case H2_INADEQUATE_SECURITY:
        return GRPC_PERMISSION_DENIED;
    default:
        return GRPC_INTERNAL;
    }
}

static void client_call_on_closed(struct h2_stream *s, enum h2_code code)
{
    struct grpc_client_call *call = h2_stream_user(s);
    struct client_link *link = call->link;
    char text[64];

    if (link->lost_text) {
        client_call_set_status(call, link->is_lost ? GRPC_UNAVAILABLE : GRPC_CANCELLED,
                               link->lost_text);
    } else {
        snprintf(text, sizeof(text), "the server reset the call with HTTP/2 code %u",
                 (unsigned)code);
        client_call_set_status(call, client_status_of_code(code), text);
    }
    inbox_shut(&call->in);
    (*link->n_calls)--;
    call->handler->closed(call, call->status, call->text ? call->text : "", call->data_arg);
    inbox_done(&call->in);
    outbox_done(&call->out);
    free(call->text);
    free(call);
}

static void client_call_on_goaway(void *owner, enum h2_code code UNUSED)
{
    struct client_link *link = owner;

    link->is_leaving = true;
}

static void client_call_on_output(void *owner)
{
    struct client_link *link = owner;

    connection_wake(link->connection);
}

const struct h2_handler client_call_handler = {
    .headers = client_call_on_headers,
    .data = client_call_on_data,
    .end = client_call_on_end,
    .read = client_call_on_read,
    .notified = client_call_on_notified,
    .deadline = client_call_on_deadline,
    .closed = client_call_on_closed,
    .goaway = client_call_on_goaway,
    .output = client_call_on_output,
};

int client_call_new(struct grpc_client_call **ret, struct client_link *link,
                    const struct h2_field *fields, size_t n_fields, uint64_t timeout_ns,
                    const struct grpc_client_handler *handler, void *data_arg)
{
    CLEANUP_FREE struct grpc_client_call *call = calloc(1, sizeof(*call));
    uint64_t now = loop_now_ns(link->loop);
    int r;

    if (!call)
        return -ENOMEM;
    call->link = link;
    call->handler = handler;
    call->data_arg = data_arg;
    inbox_init(&call->in, &client_inbox_handler, call, link->limits.message_bytes, H2_STREAM_WINDOW,
               &link->receive);
    outbox_init(&call->out, link->limits.queue_bytes, &link->send);
    r = h2_request(connection_h2(link->connection), &call->stream, fields, n_fields, call);
    if (r < 0)
        return r;
    if (timeout_ns > 0 && timeout_ns < UINT64_MAX - now)
        h2_stream_set_deadline(call->stream, now + timeout_ns);
    (*link->n_calls)++;
    *ret = TAKE(call);
    return 0;
}
