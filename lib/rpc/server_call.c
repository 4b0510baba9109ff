/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/server_call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/loop.h"
#include "lib/map.h"
#include "lib/rpc/connection.h"
#include "lib/rpc/grpc_header.h"
#include "lib/rpc/h2.h"
#include "lib/rpc/inbox.h"
#include "lib/rpc/outbox.h"
#include "lib/rpc/server_connection.h"

struct grpc_call {
    struct server_connection *connection; /* borrowed */
    struct h2_stream *stream;             /* borrowed */
    const struct grpc_method *method;     /* borrowed; NULL: refused before a method was opened */
    const struct server_method *waiting;  /* borrowed; not NULL: the gate has not answered */
    void *data;
    void *gate_data;
    char *caller;         /* owned; NULL: as the peer says */
    uint64_t deadline_ns; /* the client's; 0: none */
    struct inbox in;
    struct outbox out;
    size_t message_bytes;
    bool has_headers; /* the answer has begun */
    bool is_paused;   /* by its method */
    bool is_finished;
    enum grpc_status status;
    char *text; /* owned */
};

/* ---- The answer ---- */

static const struct h2_field answer_fields[] = {
    {":status", "200"},
    {"content-type", "application/grpc"},
    {"grpc-accept-encoding", "identity"},
};

struct call_trailers {
    char status[12];
    char text[GRPC_MESSAGE_TEXT_SIZE];
    struct h2_field fields[2];
    size_t n_fields;
};

static void call_trailers_make(const struct grpc_call *call, struct call_trailers *ret)
{
    snprintf(ret->status, sizeof(ret->status), "%d", (int)call->status);
    ret->fields[0] = (struct h2_field){"grpc-status", ret->status};
    ret->n_fields = 1;
    if (call->text)
        ret->fields[ret->n_fields++] =
            (struct h2_field){"grpc-message", grpc_message_encode(call->text, ret->text)};
}

/* The whole answer in one block of header fields. */
static void call_answer_trailers_only(struct grpc_call *call)
{
    struct h2_field fields[ARRAY_SIZE(answer_fields) + 2];
    struct call_trailers trailers;

    call_trailers_make(call, &trailers);
    memcpy(fields, answer_fields, sizeof(answer_fields));
    memcpy(fields + ARRAY_SIZE(answer_fields), trailers.fields,
           trailers.n_fields * sizeof(trailers.fields[0]));
    call->has_headers = true;
    if (h2_respond(call->stream, fields, ARRAY_SIZE(answer_fields) + trailers.n_fields, true) < 0)
        h2_stream_reset(call->stream, H2_INTERNAL_ERROR);
}

/* An answer to somebody who does not speak gRPC. */
static void call_answer_http(struct grpc_call *call, const char *http_status)
{
    struct h2_field field = {":status", http_status};

    call->is_finished = true;
    call->has_headers = true;
    inbox_shut(&call->in);
    if (h2_respond(call->stream, &field, 1, true) < 0)
        h2_stream_reset(call->stream, H2_INTERNAL_ERROR);
}

void grpc_call_finish(struct grpc_call *call, enum grpc_status status, const char *text)
{
    if (call->is_finished)
        return;
    call->is_finished = true;
    call->status = status;
    if (text)
        call->text = strdup(text); /* without memory the status alone must do */
    inbox_shut(&call->in);
    if (call->has_headers)
        h2_stream_wake(call->stream);
    else
        call_answer_trailers_only(call);
}

int grpc_call_send(struct grpc_call *call, const uint8_t *data, size_t len)
{
    int r;

    if (call->is_finished)
        return -EPIPE;
    if (len > MAX(call->message_bytes, call->connection->core->limits.message_bytes))
        return -E2BIG;
    r = outbox_put(&call->out, data, len);
    if (r == -ENOBUFS)
        call->connection->has_waiting = true;
    if (r < 0)
        return r;
    if (!call->has_headers) {
        r = h2_respond(call->stream, answer_fields, ARRAY_SIZE(answer_fields), false);
        if (r < 0) {
            outbox_done(&call->out);
            return r;
        }
        call->has_headers = true;
    }
    h2_stream_wake(call->stream);
    return 0;
}

static size_t call_on_read(struct h2_stream *s, uint8_t *data, size_t len, enum h2_end *ret_end)
{
    struct grpc_call *call = h2_stream_user(s);
    struct server_connection *c = call->connection;
    size_t n = outbox_take(&call->out, data, len);

    if (c->has_waiting && c->send.used <= c->send.max / 2) {
        c->has_waiting = false;
        h2_notify_all(connection_h2(c->connection)); /* it was the budget that they waited for */
    } else if (outbox_has_room(&call->out)) {
        h2_stream_notify(s);
    }
    if (call->is_finished && call->out.bytes == 0) {
        struct call_trailers trailers;

        call_trailers_make(call, &trailers);
        *ret_end = h2_stream_trailers(s, trailers.fields, trailers.n_fields) < 0 ? H2_END
                                                                                 : H2_END_TRAILERS;
    }
    return n;
}

static void call_on_notified(struct h2_stream *s)
{
    struct grpc_call *call = h2_stream_user(s);

    if (!call->is_finished && call->method && call->method->writable)
        call->method->writable(call);
}

/* ---- What the client sends ---- */

static void call_on_message(void *owner, const uint8_t *data, size_t len)
{
    struct grpc_call *call = owner;

    call->method->message(call, data, len);
}

static void call_on_consumed(void *owner, size_t len)
{
    struct grpc_call *call = owner;

    h2_stream_consume(call->stream, len);
}

static void call_on_all_sent(void *owner)
{
    struct grpc_call *call = owner;

    call->method->half_close(call);
}

static void call_on_bad_message(void *owner, int code)
{
    struct grpc_call *call = owner;
    char text[96];

    switch (code) {
    case -EMSGSIZE:
        snprintf(text, sizeof(text), "message is larger than the limit of %zu bytes",
                 call->message_bytes);
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, text);
        break;
    case -EOPNOTSUPP:
        grpc_call_finish(call, GRPC_UNIMPLEMENTED,
                         "compressed messages are not supported: send grpc-encoding identity");
        break;
    case -EPROTO:
        grpc_call_finish(call, GRPC_INTERNAL, "message prefix has an unknown flag");
        break;
    case -EBADMSG:
        grpc_call_finish(call, GRPC_INTERNAL, "the call was ended within a message");
        break;
    default:
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "no memory left for incoming messages");
        break;
    }
}

static const struct inbox_handler call_inbox_handler = {
    .message = call_on_message,
    .consumed = call_on_consumed,
    .end = call_on_all_sent,
    .failed = call_on_bad_message,
};

/* ---- The beginning and the end ---- */

/* Answers a request that no method will see. Returns true if it did. */
static bool call_is_refused(struct grpc_call *call, const struct header_list *headers)
{
    const char *method = header_list_find(headers, ":method");
    const char *content_type = header_list_find(headers, "content-type");
    const char *encoding = header_list_find(headers, "grpc-encoding");
    char text[96];

    if (h2_stream_headers_are_cut(call->stream)) {
        snprintf(text, sizeof(text), "metadata is larger than the limit of %u bytes",
                 call->connection->core->limits.metadata_bytes);
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, text);
    } else if (!method || strcmp(method, "POST") != 0) {
        call_answer_http(call, "405");
    } else if (!content_type || !grpc_content_type_is_ours(content_type)) {
        call_answer_http(call, "415");
    } else if (encoding && strcmp(encoding, "identity") != 0) {
        grpc_call_finish(call, GRPC_UNIMPLEMENTED,
                         "compressed messages are not supported: send grpc-encoding identity");
    } else {
        return false;
    }
    return true;
}

static void call_open(struct grpc_call *call, const struct header_list *headers)
{
    struct server_core *core = call->connection->core;
    const char *path = header_list_find(headers, ":path");
    const char *timeout = header_list_find(headers, "grpc-timeout");
    const struct server_method *found;
    uint64_t timeout_ns = 0;

    if (call_is_refused(call, headers))
        return;
    found = map_find(core->methods, path ? path : "");
    if (!found) {
        char text[GRPC_MESSAGE_MAX_BYTES];

        snprintf(text, sizeof(text), "unknown method '%s'", error_quote(path ? path : ""));
        grpc_call_finish(call, GRPC_UNIMPLEMENTED, text);
        return;
    }
    if (timeout && grpc_timeout_parse(&timeout_ns, timeout) < 0) {
        grpc_call_finish(call, GRPC_INTERNAL, "grpc-timeout is not a number with a unit");
        return;
    }
    if (timeout) {
        uint64_t now = loop_now_ns(core->loop);

        call->deadline_ns = timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
        h2_stream_set_deadline(call->stream, call->deadline_ns);
    }
    if (found->method->message_bytes > 0)
        call->message_bytes = found->method->message_bytes;
    call->in.reader.max_bytes = call->message_bytes;
    call->waiting = found;
    if (core->gate) {
        inbox_close_gate(&call->in);
        core->gate->asked(call, path, core->gate_data);
    } else {
        grpc_call_admit(call, NULL, 0);
    }
}

void grpc_call_admit(struct grpc_call *call, const char *caller, uint64_t until_ns)
{
    const struct server_method *found = call->waiting;
    struct server_core *core = call->connection->core;

    if (!found || call->is_finished)
        return;
    if (caller) {
        call->caller = strdup(caller);
        if (!call->caller) {
            grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
            return;
        }
    }
    if (until_ns > 0 && (call->deadline_ns == 0 || until_ns < call->deadline_ns)) {
        call->deadline_ns = 0; /* the client's is not the one that will pass */
        h2_stream_set_deadline(call->stream, until_ns);
    }
    call->waiting = NULL;
    call->method = found->method;
    core->stats.calls++;
    core->stats.open_calls++;
    call->method->open(call, found->service);
    if (!call->is_paused)
        inbox_open_gate(&call->in);
}

static void call_on_headers(struct h2_stream *s, bool is_end UNUSED)
{
    struct server_connection *c = h2_stream_owner(s);
    struct grpc_call *call = calloc(1, sizeof(*call));

    if (!call) {
        h2_stream_reset(s, H2_INTERNAL_ERROR);
        return;
    }
    call->connection = c;
    call->stream = s;
    call->message_bytes = c->core->limits.message_bytes;
    inbox_init(&call->in, &call_inbox_handler, call, call->message_bytes, H2_STREAM_WINDOW,
               &c->receive);
    outbox_init(&call->out, c->core->limits.queue_bytes, &c->send);
    h2_stream_set_user(s, call);
    call_open(call, h2_stream_headers(s));
    if (!call->method && !call->waiting)
        c->core->stats.refused_calls++;
}

static void call_on_data(struct h2_stream *s, const uint8_t *data, size_t len)
{
    struct grpc_call *call = h2_stream_user(s);

    inbox_feed(&call->in, data, len);
}

static void call_on_end(struct h2_stream *s)
{
    struct grpc_call *call = h2_stream_user(s);

    inbox_end(&call->in);
}

static void call_on_deadline(struct h2_stream *s)
{
    struct grpc_call *call = h2_stream_user(s);

    /* Nobody waits for the answer any more. Within a message only a reset can say so. */
    if (call->is_finished || outbox_is_within_message(&call->out)) {
        call->is_finished = true;
        h2_stream_reset(s, H2_CANCEL);
        return;
    }
    outbox_done(&call->out);
    if (call->deadline_ns > 0)
        grpc_call_finish(call, GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
    else
        grpc_call_finish(call, GRPC_UNAUTHENTICATED, "the caller was admitted until now");
}

static void call_on_closed(struct h2_stream *s, enum h2_code code UNUSED)
{
    struct grpc_call *call = h2_stream_user(s);

    if (!call)
        return;
    call->is_finished = true;
    inbox_shut(&call->in);
    if (call->waiting) {
        call->connection->core->stats.refused_calls++;
        call->connection->core->gate->closed(call, call->connection->core->gate_data);
    }
    if (call->method) {
        call->connection->core->stats.open_calls--;
        if (call->method->closed)
            call->method->closed(call);
    }
    inbox_done(&call->in);
    outbox_done(&call->out);
    free(call->caller);
    free(call->text);
    free(call);
}

static void call_on_output(void *owner)
{
    struct server_connection *c = owner;

    connection_wake(c->connection);
}

const struct h2_handler server_call_handler = {
    .headers = call_on_headers,
    .data = call_on_data,
    .end = call_on_end,
    .read = call_on_read,
    .notified = call_on_notified,
    .deadline = call_on_deadline,
    .closed = call_on_closed,
    .output = call_on_output,
};

/* ---- Queries ---- */

void grpc_call_set_data(struct grpc_call *call, void *data)
{
    call->data = data;
}

void *grpc_call_data(const struct grpc_call *call)
{
    return call->data;
}

const struct grpc_peer *grpc_call_peer(const struct grpc_call *call)
{
    return &call->connection->peer;
}

const char *grpc_call_caller(const struct grpc_call *call)
{
    return call->caller ? call->caller : call->connection->peer.common_name;
}

void grpc_call_set_gate_data(struct grpc_call *call, void *data)
{
    call->gate_data = data;
}

void *grpc_call_gate_data(const struct grpc_call *call)
{
    return call->gate_data;
}

const char *grpc_call_metadata(const struct grpc_call *call, const char *name)
{
    return header_list_find(h2_stream_headers(call->stream), name);
}

size_t grpc_call_queued_bytes(const struct grpc_call *call)
{
    return call->out.bytes;
}

void grpc_call_pause(struct grpc_call *call)
{
    call->is_paused = true;
    inbox_close_gate(&call->in);
}

void grpc_call_resume(struct grpc_call *call)
{
    call->is_paused = false;
    inbox_open_gate(&call->in);
}
