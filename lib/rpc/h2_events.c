/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/h2_state.h"

#include <errno.h>
#include <string.h>

static void h2_count(struct h2 *h, struct token_bucket *bucket)
{
    if (!token_bucket_take(bucket, h->now_ns))
        h2_flooded(h);
}

static int h2_on_begin_headers(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
                               void *user_data)
{
    struct h2 *h = user_data;
    struct h2_stream *s = h2_find(h, frame->hd.stream_id);

    if (h->role == H2_SERVER && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        if (h2_stream_new(h, &s, frame->hd.stream_id, NULL) < 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    } else if (s && h->role == H2_CLIENT) {
        header_list_clear(&s->headers);
        s->headers_are_cut = false;
    }
    return 0;
}

static int h2_on_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
                        const uint8_t *name, size_t name_len, const uint8_t *value,
                        size_t value_len, uint8_t flags UNUSED, void *user_data)
{
    struct h2 *h = user_data;
    struct h2_stream *s = h2_find(h, frame->hd.stream_id);
    int r;

    if (!s || (h->role == H2_SERVER && frame->headers.cat != NGHTTP2_HCAT_REQUEST))
        return 0; /* a client's trailers mean nothing in gRPC */
    r = header_list_add(&s->headers, name, name_len, value, value_len);
    if (r == -ENOMEM)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (r < 0)
        s->headers_are_cut = true;
    return 0;
}

static void h2_on_stream_frame(struct h2 *h, const nghttp2_frame *frame)
{
    bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct h2_stream *s = h2_find(h, frame->hd.stream_id);

    if (!s)
        return;
    if (frame->hd.type == NGHTTP2_HEADERS &&
        (h->role == H2_CLIENT || frame->headers.cat == NGHTTP2_HCAT_REQUEST)) {
        s->is_known = true;
        s->has_ended = is_end;
        h->handler->headers(s, is_end);
    }
    s = h2_find(h, frame->hd.stream_id); /* it may have been reset meanwhile */
    if (s && is_end) {
        s->has_ended = true;
        h->handler->end(s);
    }
}

static void h2_on_ping_ack(struct h2 *h, const nghttp2_ping *ping)
{
    if (memcmp(ping->opaque_data, H2_PING_DRAIN, sizeof(ping->opaque_data)) == 0)
        nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
                              NULL, 0);
}

static int h2_on_frame_recv(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
                            void *user_data)
{
    struct h2 *h = user_data;
    bool is_ack = frame->hd.flags & NGHTTP2_FLAG_ACK;

    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        if (is_ack)
            break;
        h->is_ready = true;
        h2_count(h, &h->controls);
        break;
    case NGHTTP2_PING:
        if (is_ack)
            h2_on_ping_ack(h, &frame->ping);
        else
            h2_count(h, &h->pings);
        break;
    case NGHTTP2_RST_STREAM:
        h2_count(h, &h->resets);
        break;
    case NGHTTP2_GOAWAY:
        if (h->handler->goaway)
            h->handler->goaway(h->owner, (enum h2_code)frame->goaway.error_code);
        break;
    case NGHTTP2_DATA:
        if (frame->hd.length == 0 && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
            h2_count(h, &h->controls);
        h2_on_stream_frame(h, frame);
        break;
    case NGHTTP2_HEADERS:
        h2_on_stream_frame(h, frame);
        break;
    default:
        break; /* window updates are in proportion to what we send; unknown frames cost us no more
                  than other bytes */
    }
    return 0;
}

static int h2_on_begin_frame(nghttp2_session *session UNUSED, const nghttp2_frame_hd *hd,
                             void *user_data)
{
    struct h2 *h = user_data;

    /* on_frame_recv is not called for one that nghttp2 ignores. */
    if (hd->type == NGHTTP2_PRIORITY)
        h2_count(h, &h->controls);
    return 0;
}

static int h2_on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t stream_id,
                      const uint8_t *data, size_t len, void *user_data)
{
    struct h2 *h = user_data;
    struct h2_stream *s = h2_find(h, stream_id);

    nghttp2_session_consume_connection(session, len);
    if (s)
        h->handler->data(s, data, len);
    return 0;
}

static int h2_on_stream_close(nghttp2_session *session UNUSED, int32_t stream_id,
                              uint32_t error_code, void *user_data)
{
    struct h2_stream *s = h2_find(user_data, stream_id);

    if (s)
        h2_stream_close(s, s->was_refused ? H2_REFUSED_STREAM : (enum h2_code)error_code);
    return 0;
}

static int h2_on_frame_not_send(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
                                int error UNUSED, void *user_data)
{
    struct h2_stream *s = h2_find(user_data, frame->hd.stream_id);

    if (s && frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        s->was_refused = true; /* nghttp2 closes it next */
    return 0;
}

static int h2_on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h = user_data;
    struct h2_stream *s;

    switch (frame->hd.type) {
    case NGHTTP2_RST_STREAM:
        /* A peer can also make us reset: a stream of broken requests is no better than one of
         * resets. */
        if (frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM)
            h->n_refused++;
        if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
            frame->rst_stream.error_code != NGHTTP2_CANCEL)
            h2_count(h, &h->resets);
        break;
    case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
            h->is_broken = true; /* nghttp2 has found something itself */
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        s = h2_find(h, frame->hd.stream_id);
        /* The whole answer is out: what the client still wants to send is of no use (RFC
         * 9113, 8.1). */
        if (h->role == H2_SERVER && s && !s->has_ended &&
            (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
        break;
    default:
        break;
    }
    return 0;
}

ssize_t h2_on_read(nghttp2_session *session UNUSED, int32_t stream_id, uint8_t *data, size_t len,
                   uint32_t *data_flags, nghttp2_data_source *source UNUSED, void *user_data)
{
    struct h2 *h = user_data;
    struct h2_stream *s = h2_find(h, stream_id);
    enum h2_end end = H2_MORE;
    size_t n;

    if (!s) /* reset; its RST_STREAM is on the way */
        return NGHTTP2_ERR_DEFERRED;
    n = h->handler->read(s, data, len, &end);
    if (end != H2_MORE)
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    if (end == H2_END_TRAILERS)
        *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return n == 0 && end == H2_MORE ? (ssize_t)NGHTTP2_ERR_DEFERRED : (ssize_t)n;
}

void h2_set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, h2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_on_header);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, h2_on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, h2_on_stream_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, h2_on_frame_not_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, h2_on_frame_send);
}
