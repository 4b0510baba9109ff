/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/h2.h"

#include <errno.h>
#include <string.h>

#include <nghttp2/nghttp2.h>
#include <utlist.h>

#include "lib/rpc/token_bucket.h"

#define H2_PING_KEEPALIVE "varmor-k" /* eight opaque bytes each */
#define H2_PING_DRAIN     "varmor-d"
#define H2_MAX_FIELDS     64 /* header fields that we ever send in one block */

struct h2_stream {
    struct h2 *h2;
    struct h2_stream *prev, *next;
    int32_t id;
    void *user;
    struct header_list headers;
    uint64_t deadline_ns;
    enum h2_code reset_code;
    bool is_known; /* the handler has heard of it: a request's header fields are whole */
    bool headers_are_cut;
    bool was_refused; /* it was never sent */
    bool has_ended;   /* the peer has sent all */
    bool is_reset;    /* by us; waits for h2_settle() */
    bool is_notified; /* waits for h2_settle() */
};

struct h2 {
    nghttp2_session *session; /* owned */
    enum h2_role role;
    struct h2_limits limits;
    const struct h2_handler *handler;
    void *owner;
    struct h2_stream *streams; /* owned; the newest first */
    unsigned n_streams;
    uint64_t n_refused;
    struct token_bucket pings, resets, controls;
    uint64_t now_ns;      /* as told last */
    uint64_t heard_ns;    /* when something came last */
    uint64_t ping_ns;     /* when we asked whether the peer is still there; 0: not asked */
    uint64_t deadline_ns; /* no later than the first of the streams' */
    bool is_ready;
    bool is_broken; /* the peer broke the protocol or a limit */
    bool needs_settling;
};

/* A stream by its number. Not by nghttp2's user pointers: nghttp2 keeps those for streams that we
 * have closed already. Linear, with the ceiling of limits.streams. */
static struct h2_stream *h2_find(struct h2 *h, int32_t id)
{
    struct h2_stream *s;

    DL_FOREACH (h->streams, s)
        if (s->id == id && !s->is_reset)
            return s;
    return NULL;
}

static int h2_stream_new(struct h2 *h, struct h2_stream **ret, int32_t id, void *user)
{
    struct h2_stream *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    *s = (struct h2_stream){.h2 = h, .id = id, .user = user, .deadline_ns = UINT64_MAX};
    header_list_init(&s->headers, h->limits.header_bytes);
    DL_PREPEND(h->streams, s);
    h->n_streams++;
    *ret = s;
    return 0;
}

static void h2_stream_close(struct h2_stream *s, enum h2_code code)
{
    struct h2 *h = s->h2;

    DL_DELETE(h->streams, s);
    h->n_streams--;
    if (s->is_known)
        h->handler->closed(s, code);
    header_list_done(&s->headers);
    free(s);
}

/* The peer did something too often: it is told to calm down, and the connection ends. */
static void h2_flooded(struct h2 *h)
{
    if (h->is_broken)
        return;
    h->is_broken = true;
    nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void h2_count(struct h2 *h, struct token_bucket *bucket)
{
    if (!token_bucket_take(bucket, h->now_ns))
        h2_flooded(h);
}

/* ---- What nghttp2 tells us ---- */

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

static ssize_t h2_on_read(nghttp2_session *session UNUSED, int32_t stream_id, uint8_t *data,
                          size_t len, uint32_t *data_flags, nghttp2_data_source *source UNUSED,
                          void *user_data)
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

/* ---- Construction ---- */

static int h2_make_session(struct h2 *h)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int r = -ENOMEM;

    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        goto out;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, h2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_on_header);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, h2_on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, h2_on_stream_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, h2_on_frame_not_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, h2_on_frame_send);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, H2_ENCODER_TABLE);
    nghttp2_option_set_max_outbound_ack(option, H2_MAX_QUEUED_ACKS);
    nghttp2_option_set_max_settings(option, H2_MAX_SETTINGS);
    nghttp2_option_set_max_continuations(option, H2_MAX_CONTINUATIONS);
    nghttp2_option_set_stream_reset_rate_limit(option, H2_RESET_BURST, H2_RESET_PER_SECOND);
    if (h->role == H2_SERVER)
        r = nghttp2_session_server_new2(&h->session, callbacks, h, option);
    else
        r = nghttp2_session_client_new2(&h->session, callbacks, h, option);
    r = r == 0 ? 0 : -ENOMEM;
out:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return r;
}

static int h2_submit_settings(struct h2 *h)
{
    nghttp2_settings_entry entries[3] = {
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)h->limits.header_bytes},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW},
    };

    if (h->role == H2_SERVER)
        entries[2] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->limits.streams};
    else
        entries[2] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries, ARRAY_SIZE(entries)) != 0 ||
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                              H2_CONNECTION_WINDOW) != 0)
        return -ENOMEM;
    return 0;
}

int h2_new(struct h2 **ret, enum h2_role role, const struct h2_limits *limits,
           const struct h2_handler *handler, void *owner, uint64_t now_ns)
{
    CLEANUP(h2_free) struct h2 *h = calloc(1, sizeof(*h));
    int r;

    if (!h)
        return -ENOMEM;
    *h = (struct h2){
        .role = role,
        .limits = *limits,
        .handler = handler,
        .owner = owner,
        .pings = token_bucket_full(H2_PING_BURST, H2_PING_PER_SECOND),
        .resets = token_bucket_full(H2_RESET_BURST, H2_RESET_PER_SECOND),
        .controls = token_bucket_full(H2_CONTROL_BURST, H2_CONTROL_PER_SECOND),
        .now_ns = now_ns,
        .heard_ns = now_ns,
        .deadline_ns = UINT64_MAX,
    };
    r = h2_make_session(h);
    if (r < 0)
        return r;
    r = h2_submit_settings(h);
    if (r < 0)
        return r;
    *ret = TAKE(h);
    return 0;
}

struct h2 *h2_free(struct h2 *h)
{
    if (!h)
        return NULL;
    nghttp2_session_del(h->session);
    free(h);
    return NULL;
}

/* ---- Bytes and time ---- */

int h2_feed(struct h2 *h, const uint8_t *data, size_t len, uint64_t now_ns)
{
    ssize_t n;

    h->now_ns = now_ns;
    h->heard_ns = now_ns;
    h->ping_ns = 0;
    n = nghttp2_session_mem_recv(h->session, data, len);
    if (n == NGHTTP2_ERR_NOMEM)
        return -ENOMEM;
    if (n < 0 && n != NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        h2_flooded(h); /* too many acknowledgements, settings or continuations are asked of us */
    if (n < 0 || h->is_broken)
        return -EPROTO;
    if (nghttp2_session_get_outbound_queue_size(h->session) > H2_MAX_QUEUED_FRAMES) {
        h2_flooded(h);
        return -EPROTO;
    }
    return 0;
}

ssize_t h2_pending(struct h2 *h, const uint8_t **ret)
{
    ssize_t n = nghttp2_session_mem_send(h->session, ret);

    return n < 0 ? -ENOMEM : n;
}

static void h2_needs_settling(struct h2 *h)
{
    h->needs_settling = true;
    h->handler->output(h->owner);
}

void h2_settle(struct h2 *h)
{
    struct h2_stream *s, *next;

    if (!h->needs_settling)
        return;
    h->needs_settling = false;
    for (s = h->streams; s; s = next) {
        next = s->next;
        if (s->is_reset) {
            h2_stream_close(s, s->reset_code);
        } else if (s->is_notified) {
            s->is_notified = false;
            h->handler->notified(s);
        }
    }
}

void h2_close_streams(struct h2 *h, enum h2_code code)
{
    while (h->streams)
        h2_stream_close(h->streams, h->streams->is_reset ? h->streams->reset_code : code);
}

uint64_t h2_deadline_ns(const struct h2 *h)
{
    uint64_t silence = h->limits.keepalive_ns;
    uint64_t from = h->ping_ns ? h->ping_ns : h->heard_ns;

    /* A client without calls does not care whether its server lives, and servers dislike such
     * pings. */
    if (silence == UINT64_MAX || (h->role == H2_CLIENT && !h->streams))
        return h->deadline_ns;
    return MIN(h->deadline_ns, from + silence);
}

static void h2_run_deadlines(struct h2 *h)
{
    struct h2_stream *s, *next;

    if (h->now_ns < h->deadline_ns)
        return;
    h->deadline_ns = UINT64_MAX;
    for (s = h->streams; s; s = next) {
        next = s->next;
        if (s->is_reset)
            continue;
        if (s->deadline_ns <= h->now_ns) {
            s->deadline_ns = UINT64_MAX;
            h->handler->deadline(s);
        } else {
            h->deadline_ns = MIN(h->deadline_ns, s->deadline_ns);
        }
    }
}

int h2_tick(struct h2 *h, uint64_t now_ns)
{
    uint64_t silence = h->limits.keepalive_ns;

    h->now_ns = now_ns;
    h2_run_deadlines(h);
    if (silence == UINT64_MAX || (h->role == H2_CLIENT && !h->streams))
        return 0;
    if (h->ping_ns)
        return now_ns - h->ping_ns >= silence ? -ETIMEDOUT : 0;
    if (now_ns - h->heard_ns >= silence) {
        h->ping_ns = now_ns;
        nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, (const uint8_t *)H2_PING_KEEPALIVE);
        h->handler->output(h->owner);
    }
    return 0;
}

bool h2_is_ready(const struct h2 *h)
{
    return h->is_ready;
}

bool h2_is_over(const struct h2 *h)
{
    return !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
}

bool h2_is_broken(const struct h2 *h)
{
    return h->is_broken;
}

unsigned h2_n_streams(const struct h2 *h)
{
    return h->n_streams;
}

uint64_t h2_n_refused(const struct h2 *h)
{
    return h->n_refused;
}

int h2_drain(struct h2 *h)
{
    if (nghttp2_submit_shutdown_notice(h->session) != 0 ||
        nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, (const uint8_t *)H2_PING_DRAIN) != 0)
        return -ENOMEM;
    h->handler->output(h->owner);
    return 0;
}

void h2_terminate(struct h2 *h, enum h2_code code)
{
    nghttp2_session_terminate_session(h->session, code);
    h->handler->output(h->owner);
}

/* ---- Streams ---- */

/* nghttp2's form of header fields, without copies: it copies them itself. Returns how many. */
static size_t h2_fields(nghttp2_nv nv[static H2_MAX_FIELDS], const struct h2_field *fields,
                        size_t n)
{
    n = MIN(n, (size_t)H2_MAX_FIELDS);
    for (size_t i = 0; i < n; i++)
        nv[i] = (nghttp2_nv){
            .name = (uint8_t *)fields[i].name,
            .value = (uint8_t *)fields[i].value,
            .namelen = strlen(fields[i].name),
            .valuelen = strlen(fields[i].value),
        };
    return n;
}

int h2_request(struct h2 *h, struct h2_stream **ret, const struct h2_field *fields, size_t n_fields,
               void *user)
{
    nghttp2_data_provider provider = {.read_callback = h2_on_read};
    nghttp2_nv nv[H2_MAX_FIELDS];
    struct h2_stream *s = NULL;
    int32_t id;
    int r;

    id = nghttp2_submit_request(h->session, NULL, nv, h2_fields(nv, fields, n_fields), &provider,
                                NULL);
    if (id < 0)
        return id == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EAGAIN;
    r = h2_stream_new(h, &s, id, user);
    if (r < 0) {
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
        return r;
    }
    s->is_known = true;
    h->handler->output(h->owner);
    *ret = s;
    return 0;
}

int h2_respond(struct h2_stream *s, const struct h2_field *fields, size_t n_fields, bool is_end)
{
    nghttp2_data_provider provider = {.read_callback = h2_on_read};
    nghttp2_nv nv[H2_MAX_FIELDS];

    if (nghttp2_submit_response(s->h2->session, s->id, nv, h2_fields(nv, fields, n_fields),
                                is_end ? NULL : &provider) != 0)
        return -ENOMEM;
    s->h2->handler->output(s->h2->owner);
    return 0;
}

int h2_stream_trailers(struct h2_stream *s, const struct h2_field *fields, size_t n_fields)
{
    nghttp2_nv nv[H2_MAX_FIELDS];

    if (nghttp2_submit_trailer(s->h2->session, s->id, nv, h2_fields(nv, fields, n_fields)) != 0)
        return -ENOMEM;
    return 0;
}

void h2_stream_wake(struct h2_stream *s)
{
    /* Fails when the stream waits for nothing, which is as good. */
    nghttp2_session_resume_data(s->h2->session, s->id);
    s->h2->handler->output(s->h2->owner);
}

void h2_stream_consume(struct h2_stream *s, size_t len)
{
    nghttp2_session_consume_stream(s->h2->session, s->id, len);
    s->h2->handler->output(s->h2->owner);
}

void h2_stream_reset(struct h2_stream *s, enum h2_code code)
{
    if (s->is_reset)
        return;
    nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, code);
    s->is_reset = true;
    s->reset_code = code;
    h2_needs_settling(s->h2);
}

void h2_stream_notify(struct h2_stream *s)
{
    s->is_notified = true;
    h2_needs_settling(s->h2);
}

void h2_notify_all(struct h2 *h)
{
    struct h2_stream *s;

    DL_FOREACH (h->streams, s)
        s->is_notified = s->is_known;
    h2_needs_settling(h);
}

void h2_stream_set_deadline(struct h2_stream *s, uint64_t deadline_ns)
{
    s->deadline_ns = deadline_ns;
    s->h2->deadline_ns = MIN(s->h2->deadline_ns, deadline_ns);
    s->h2->handler->output(s->h2->owner);
}

void h2_stream_set_user(struct h2_stream *s, void *user)
{
    s->user = user;
}

void *h2_stream_user(const struct h2_stream *s)
{
    return s->user;
}

void *h2_stream_owner(const struct h2_stream *s)
{
    return s->h2->owner;
}

const struct header_list *h2_stream_headers(const struct h2_stream *s)
{
    return &s->headers;
}

bool h2_stream_headers_are_cut(const struct h2_stream *s)
{
    return s->headers_are_cut;
}
