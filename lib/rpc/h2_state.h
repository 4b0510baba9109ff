/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of h2.h's session, for its two sources: h2.c (what its owner asks of it) and
 * h2_events.c (what nghttp2 tells it). Nobody else includes this.
 */
#include <nghttp2/nghttp2.h>

#include "lib/rpc/h2.h"
#include "lib/rpc/token_bucket.h"

#define H2_PING_KEEPALIVE "varmor-k" /* eight opaque bytes each */
#define H2_PING_DRAIN     "varmor-d"

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

/* A stream by its number, unless we have reset it. Not by nghttp2's user pointers: nghttp2 keeps
 * those for streams that we have closed already. Linear, with the ceiling of limits.streams. */
struct h2_stream *h2_find(struct h2 *h, int32_t id);
/* 0 or -ENOMEM. */
int h2_stream_new(struct h2 *h, struct h2_stream **ret, int32_t id, void *user);
/* Tells the handler, if it knows the stream, and frees it. */
void h2_stream_close(struct h2_stream *s, enum h2_code code);
/* The peer did something too often: it is told to calm down, and the connection ends. */
void h2_flooded(struct h2 *h);

/* h2_events.c: makes nghttp2 call us. */
void h2_set_callbacks(nghttp2_session_callbacks *callbacks);
/* Moves the bytes of a stream's data to nghttp2. */
ssize_t h2_on_read(nghttp2_session *session, int32_t stream_id, uint8_t *data, size_t len,
                   uint32_t *data_flags, nghttp2_data_source *source, void *user_data);
