/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One HTTP/2 connection without I/O, on nghttp2: bytes in, bytes out, the time as an argument.
 * Knows streams, header fields and flow control, and nothing of gRPC.
 *
 * 1. The owner feeds what it read, writes what h2_pending() returns, and comes back at
 * h2_deadline_ns().
 * 2. Whenever there is something to write or to settle that did not come out of h2_feed(), output()
 * is called; the owner then calls h2_settle() and h2_pending() at the end of its turn, never inside
 * output().
 * 3. Each stream that the handler knows (by headers() or h2_request()) ends with closed(), exactly
 * once, after which its pointer is invalid. Resets of our own are told by h2_settle(), so that
 * closed() never runs inside h2_stream_reset().
 * 4. Nothing is held for a peer without a ceiling: streams, header bytes, frames that wait to be
 * sent, and the rate of control frames that cost a peer nothing. The window of a stream opens by
 * h2_stream_consume() only.
 *
 * No logging. Allocates through nghttp2. Only this module knows nghttp2.
 */
#include "lib/error.h"
#include "lib/rpc/header_list.h"

struct h2;
struct h2_stream;

#define H2_STREAM_WINDOW                                                                           \
    65535 /* bytes of one stream that may be on their way to us: the protocol's default */
#define H2_CONNECTION_WINDOW (1024 * 1024) /* of all streams of a connection; consumed at once */
#define H2_MAX_QUEUED_FRAMES                                                                       \
    4096 /* frames that wait for a peer that does not read: then it is cut off */
#define H2_MAX_QUEUED_ACKS   64   /* of those, answers to PING and SETTINGS */
#define H2_MAX_SETTINGS      32   /* entries of one SETTINGS frame */
#define H2_MAX_CONTINUATIONS 8    /* frames of one header block */
#define H2_ENCODER_TABLE     1024 /* bytes of HPACK state that we keep for what we send */

/* Frames that a peer may send out of proportion to its work: a burst, then a rate. grpc-core and
 * grpc-go send a PING with nearly each window of data that they receive, to measure the line;
 * cancelling calls is honest. */
#define H2_PING_BURST         100
#define H2_PING_PER_SECOND    20
#define H2_RESET_BURST        200
#define H2_RESET_PER_SECOND   50
#define H2_CONTROL_BURST      50 /* SETTINGS, PRIORITY, empty DATA */
#define H2_CONTROL_PER_SECOND 5

enum h2_role { H2_CLIENT, H2_SERVER };

/* RFC 9113, section 7: those that we send or translate. */
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_FLOW_CONTROL_ERROR = 3,
    H2_STREAM_CLOSED = 5,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
    H2_INADEQUATE_SECURITY = 12,
};

struct h2_field {
    const char *name, *value;
};

enum h2_end {
    H2_MORE,         /* there is more, or there will be: say so with h2_stream_wake() */
    H2_END,          /* END_STREAM on this data */
    H2_END_TRAILERS, /* trailers follow; h2_stream_trailers() was called inside read() */
};

struct h2_handler {
    /* A block of header fields is whole: a request, a response, or trailers. */
    void (*headers)(struct h2_stream *s, bool is_end);
    void (*data)(struct h2_stream *s, const uint8_t *data, size_t len);
    void (*end)(struct h2_stream *s); /* the peer has sent all */
    /* Moves at most len bytes to send into data and returns how many. */
    size_t (*read)(struct h2_stream *s, uint8_t *data, size_t len, enum h2_end *ret_end);
    void (*notified)(struct h2_stream *s); /* h2_stream_notify() was called */
    void (*deadline)(struct h2_stream *s);
    void (*closed)(struct h2_stream *s, enum h2_code code);
    void (*goaway)(void *owner,
                   enum h2_code code); /* client: no new streams on this connection; may be NULL */
    void (*output)(void *owner);
};

struct h2_limits {
    unsigned streams;      /* that the peer may have open at once */
    size_t header_bytes;   /* of one block; more is cut, see h2_stream_headers_are_cut() */
    uint64_t keepalive_ns; /* UINT64_MAX: never */
};

/* handler must outlive it; owner is for goaway() and output(). The connection's preface is pending
 * at once. 0 or -ENOMEM. */
int h2_new(struct h2 **ret, enum h2_role role, const struct h2_limits *limits,
           const struct h2_handler *handler, void *owner, uint64_t now_ns);
struct h2 *
h2_free(struct h2 *h); /* accepts NULL, returns NULL; streams must be gone: h2_close_streams() */
DEFINE_CLEANUP(struct h2 *, h2_free)

/* 0; -EPROTO: the peer broke the protocol or a limit, send what is pending (it says why) and close;
 * -ENOMEM. */
int h2_feed(struct h2 *h, const uint8_t *data, size_t len, uint64_t now_ns);
/* The next bytes to send, borrowed until the next call of anything here. Their number, 0 or
 * -ENOMEM. */
ssize_t h2_pending(struct h2 *h, const uint8_t **ret);
/* Tells closed() and notified() of the streams that asked for it. */
void h2_settle(struct h2 *h);
/* Ends all streams with code now, as when the connection is lost. */
void h2_close_streams(struct h2 *h, enum h2_code code);

uint64_t h2_deadline_ns(const struct h2 *h); /* when to call h2_tick(); UINT64_MAX: never */
/* Runs deadlines and keepalive. 0, or -ETIMEDOUT: the peer no longer answers. */
int h2_tick(struct h2 *h, uint64_t now_ns);

bool h2_is_ready(const struct h2 *h);  /* the peer's SETTINGS have come */
bool h2_is_over(const struct h2 *h);   /* nothing will be read or written any more */
bool h2_is_broken(const struct h2 *h); /* it ends because the peer broke the protocol or a limit */
uint64_t h2_n_refused(const struct h2 *h); /* requests that were answered with REFUSED_STREAM */
/* GOAWAY in two steps (RFC 9113, 6.8), so that no request that is on its way is lost; the
 * connection is over when the last stream has ended. */
int h2_drain(struct h2 *h);
/* GOAWAY with this code at once; h2_is_over() once it is written. */
void h2_terminate(struct h2 *h, enum h2_code code);

/* Client: opens a stream; data follows by read(). 0, -ENOMEM or -EAGAIN (no more streams on this
 * connection). */
int h2_request(struct h2 *h, struct h2_stream **ret, const struct h2_field *fields, size_t n_fields,
               void *user);
/* Server: answers; is_end: no data follows. 0 or -ENOMEM. */
int h2_respond(struct h2_stream *s, const struct h2_field *fields, size_t n_fields, bool is_end);
/* Server, inside read() only. 0 or -ENOMEM. */
int h2_stream_trailers(struct h2_stream *s, const struct h2_field *fields, size_t n_fields);
void h2_stream_wake(struct h2_stream *s);                     /* read() has something again */
void h2_stream_consume(struct h2_stream *s, size_t len);      /* opens the window by so much */
void h2_stream_reset(struct h2_stream *s, enum h2_code code); /* only closed() follows */
void h2_stream_notify(struct h2_stream *s);                   /* notified() will be called */
void h2_notify_all(struct h2 *h);
void h2_stream_set_deadline(struct h2_stream *s, uint64_t deadline_ns); /* UINT64_MAX: none */

void h2_stream_set_user(struct h2_stream *s, void *user);
void *h2_stream_user(const struct h2_stream *s);
void *h2_stream_owner(const struct h2_stream *s);                       /* of its connection */
const struct header_list *h2_stream_headers(const struct h2_stream *s); /* the newest block */
bool h2_stream_headers_are_cut(const struct h2_stream *s); /* they were larger than header_bytes */
