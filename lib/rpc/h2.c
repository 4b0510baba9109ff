/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/h2.h"

#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "lib/rpc/h2_state.h"

#define H2_MAX_FIELDS 64 /* header fields that we ever send in one block */

struct h2_stream *h2_find(struct h2 *h, int32_t id)
{
    struct h2_stream *s;

    DL_FOREACH (h->streams, s)
        if (s->id == id && !s->is_reset)
            return s;
    return NULL;
}

int h2_stream_new(struct h2 *h, struct h2_stream **ret, int32_t id, void *user)
{
    struct h2_stream *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    *s = (struct h2_stream){.h2 = h, .id = id, .user = user, .deadline_ns = UINT64_MAX};
    header_list_init(&s->headers, h->limits.header_bytes);
    DL_PREPEND(h->streams, s);
    *ret = s;
    return 0;
}

void h2_stream_close(struct h2_stream *s, enum h2_code code)
{
    struct h2 *h = s->h2;

    DL_DELETE(h->streams, s);
    if (s->is_known)
        h->handler->closed(s, code);
    header_list_done(&s->headers);
    free(s);
}

void h2_flooded(struct h2 *h)
{
    if (h->is_broken)
        return;
    h->is_broken = true;
    nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- Construction ---- */

static int h2_make_session(struct h2 *h)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int r = -ENOMEM;

    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        goto out;
    h2_set_callbacks(callbacks);
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
