/* SPDX-License-Identifier: Apache-2.0 */
/* Two sessions joined by memory: no sockets, and the time is whatever the test says. */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/rpc/h2.h"

#define KEEPALIVE_NS (10 * NS_PER_SEC)
#define START_NS     (1000 * NS_PER_SEC)

/* One end, and what it was told: 'h' headers, 'd' data, 'e' end, 'n' notified, 't' deadline, 'c'
 * closed, 'g' goaway. */
struct end {
    struct h2 *h2;
    struct h2_stream *stream; /* the newest */
    struct buf told;
    struct buf to_send;
    enum h2_end after; /* what follows to_send */
    enum h2_code code; /* of the last closed() or goaway() */
    size_t n_data;
    bool consumes;
};

static void end_told(struct end *e, const char *letter)
{
    ck_assert_int_eq(buf_add_text(&e->told, letter), 0);
}

static void on_headers(struct h2_stream *s, bool is_end UNUSED)
{
    struct end *e = h2_stream_owner(s);

    e->stream = s;
    end_told(e, "h");
}

static void on_data(struct h2_stream *s, const uint8_t *data UNUSED, size_t len)
{
    struct end *e = h2_stream_owner(s);

    e->n_data += len;
    if (e->consumes)
        h2_stream_consume(s, len);
}

static void on_end(struct h2_stream *s)
{
    end_told(h2_stream_owner(s), "e");
}

static size_t on_read(struct h2_stream *s, uint8_t *data, size_t len, enum h2_end *ret_end)
{
    struct h2_field trailer = {"x-trailer", "1"};
    struct end *e = h2_stream_owner(s);
    size_t n = MIN(len, e->to_send.len);

    if (n > 0)
        memcpy(data, e->to_send.data, n);
    buf_consume(&e->to_send, n);
    if (e->to_send.len == 0)
        *ret_end = e->after;
    if (*ret_end == H2_END_TRAILERS)
        ck_assert_int_eq(h2_stream_trailers(s, &trailer, 1), 0);
    return n;
}

static void on_notified(struct h2_stream *s)
{
    end_told(h2_stream_owner(s), "n");
}

static void on_deadline(struct h2_stream *s)
{
    end_told(h2_stream_owner(s), "t");
}

static void on_closed(struct h2_stream *s, enum h2_code code)
{
    struct end *e = h2_stream_owner(s);

    e->code = code;
    e->stream = NULL;
    end_told(e, "c");
}

static void on_goaway(void *owner, enum h2_code code)
{
    struct end *e = owner;

    e->code = code;
    end_told(e, "g");
}

static void on_output(void *owner UNUSED)
{
}

static const struct h2_handler handler = {.headers = on_headers,
                                          .data = on_data,
                                          .end = on_end,
                                          .read = on_read,
                                          .notified = on_notified,
                                          .deadline = on_deadline,
                                          .closed = on_closed,
                                          .goaway = on_goaway,
                                          .output = on_output};

struct pair {
    struct end client, server;
    uint64_t now_ns;
};

/* Moves what one end has to say to the other. Returns whether there was anything. */
static bool pair_move(struct pair *p, struct end *from, struct end *to)
{
    const uint8_t *data = NULL;
    bool has_moved = false;
    ssize_t n;

    while ((n = h2_pending(from->h2, &data)) > 0) {
        ck_assert_int_eq(h2_feed(to->h2, data, (size_t)n, p->now_ns), 0);
        has_moved = true;
    }
    ck_assert_int_eq(n, 0);
    h2_settle(from->h2);
    h2_settle(to->h2);
    return has_moved;
}

static void pair_settle(struct pair *p)
{
    bool goes_on = true;

    while (goes_on) {
        goes_on = pair_move(p, &p->client, &p->server);
        goes_on = pair_move(p, &p->server, &p->client) || goes_on;
    }
}

static void end_init(struct end *e, enum h2_role role)
{
    struct h2_limits limits = {.streams = 4, .header_bytes = 1000, .keepalive_ns = KEEPALIVE_NS};

    *e = (struct end){.told = BUF_INIT(1000), .to_send = BUF_INIT(1 << 20), .consumes = true};
    ck_assert_int_eq(h2_new(&e->h2, role, &limits, &handler, e, START_NS), 0);
}

static void pair_init(struct pair *p)
{
    p->now_ns = START_NS;
    end_init(&p->client, H2_CLIENT);
    end_init(&p->server, H2_SERVER);
    pair_settle(p);
    ck_assert(h2_is_ready(p->client.h2) && h2_is_ready(p->server.h2));
}

static void end_done(struct end *e)
{
    h2_close_streams(e->h2, H2_CANCEL);
    h2_free(e->h2);
    buf_done(&e->told);
    buf_done(&e->to_send);
}

static void pair_done(struct pair *p)
{
    end_done(&p->client);
    end_done(&p->server);
}

static int pair_request(struct pair *p)
{
    static const struct h2_field fields[] = {
        {":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "x"}};

    return h2_request(p->client.h2, &p->client.stream, fields, ARRAY_SIZE(fields), NULL);
}

START_TEST(a_request_is_answered_with_data_and_trailers)
{
    struct h2_field status = {":status", "200"};
    struct pair p;

    pair_init(&p);
    p.client.after = H2_END;
    ck_assert_int_eq(buf_add_text(&p.client.to_send, "hello"), 0);
    ck_assert_int_eq(pair_request(&p), 0);
    pair_settle(&p);
    ck_assert_str_eq(buf_text(&p.server.told), "he");
    ck_assert_uint_eq(p.server.n_data, 5);
    ck_assert_str_eq(header_list_find(h2_stream_headers(p.server.stream), ":path"), "/");

    p.server.after = H2_END_TRAILERS;
    ck_assert_int_eq(buf_add_text(&p.server.to_send, "world!"), 0);
    ck_assert_int_eq(h2_respond(p.server.stream, &status, 1, false), 0);
    pair_settle(&p);
    ck_assert_str_eq(buf_text(&p.client.told), "hhec"); /* header fields, trailers, end, closed */
    ck_assert_str_eq(buf_text(&p.server.told), "hec");
    ck_assert_uint_eq(p.client.n_data, 6);
    ck_assert_uint_eq(p.client.code, H2_NO_ERROR);
    pair_done(&p);
}
END_TEST

START_TEST(no_more_than_a_window_is_sent_to_who_does_not_consume)
{
    static const uint8_t data[200000];
    struct pair p;

    pair_init(&p);
    p.server.consumes = false;
    ck_assert_int_eq(buf_add(&p.client.to_send, data, sizeof(data)), 0);
    ck_assert_int_eq(pair_request(&p), 0);
    pair_settle(&p);
    ck_assert_uint_eq(p.server.n_data, H2_STREAM_WINDOW);
    h2_stream_consume(p.server.stream, H2_STREAM_WINDOW);
    pair_settle(&p);
    ck_assert_uint_eq(p.server.n_data, 2 * H2_STREAM_WINDOW);
    p.server.consumes = true;
    h2_stream_consume(p.server.stream, H2_STREAM_WINDOW);
    pair_settle(&p);
    ck_assert_uint_eq(p.server.n_data, sizeof(data));
    pair_done(&p);
}
END_TEST

START_TEST(a_reset_is_told_to_both_and_to_us_only_when_settling)
{
    struct pair p;

    pair_init(&p);
    ck_assert_int_eq(pair_request(&p), 0);
    pair_settle(&p);
    h2_stream_reset(p.server.stream, H2_ENHANCE_YOUR_CALM);
    ck_assert_str_eq(buf_text(&p.server.told), "h");
    pair_settle(&p);
    ck_assert_str_eq(buf_text(&p.server.told), "hc");
    ck_assert_str_eq(buf_text(&p.client.told), "c");
    ck_assert_uint_eq(p.client.code, H2_ENHANCE_YOUR_CALM);
    pair_done(&p);
}
END_TEST

START_TEST(deadlines_of_streams_come_in_their_order)
{
    struct pair p;

    pair_init(&p);
    ck_assert_int_eq(pair_request(&p), 0);
    h2_stream_set_deadline(p.client.stream, START_NS + 5 * NS_PER_SEC);
    ck_assert_int_eq(pair_request(&p), 0);
    h2_stream_set_deadline(p.client.stream, START_NS + 3 * NS_PER_SEC);
    pair_settle(&p);
    ck_assert_uint_eq(h2_deadline_ns(p.client.h2), START_NS + 3 * NS_PER_SEC);
    ck_assert_int_eq(h2_tick(p.client.h2, START_NS + 2 * NS_PER_SEC), 0);
    ck_assert_str_eq(buf_text(&p.client.told), "");
    ck_assert_int_eq(h2_tick(p.client.h2, START_NS + 3 * NS_PER_SEC), 0);
    ck_assert_str_eq(buf_text(&p.client.told), "t");
    ck_assert_uint_eq(h2_deadline_ns(p.client.h2), START_NS + 5 * NS_PER_SEC);
    ck_assert_int_eq(h2_tick(p.client.h2, START_NS + 6 * NS_PER_SEC), 0);
    ck_assert_str_eq(buf_text(&p.client.told), "tt");
    pair_done(&p);
}
END_TEST

START_TEST(who_is_silent_is_asked_once_and_then_given_up)
{
    const uint8_t *data = NULL;
    struct pair p;

    pair_init(&p);
    ck_assert_uint_eq(h2_deadline_ns(p.client.h2),
                      UINT64_MAX); /* without calls a client does not ask */
    ck_assert_int_eq(pair_request(&p), 0);
    pair_settle(&p);
    ck_assert_uint_eq(h2_deadline_ns(p.client.h2), START_NS + KEEPALIVE_NS);
    p.now_ns += KEEPALIVE_NS;
    ck_assert_int_eq(h2_tick(p.client.h2, p.now_ns), 0);
    pair_settle(&p); /* the answer comes */
    ck_assert_uint_eq(h2_deadline_ns(p.client.h2), p.now_ns + KEEPALIVE_NS);

    p.now_ns += KEEPALIVE_NS;
    ck_assert_int_eq(h2_tick(p.client.h2, p.now_ns), 0);
    while (h2_pending(p.client.h2, &data) > 0) /* the question is lost */
        continue;
    ck_assert_int_eq(h2_tick(p.client.h2, p.now_ns + KEEPALIVE_NS - 1), 0);
    ck_assert_int_eq(h2_tick(p.client.h2, p.now_ns + KEEPALIVE_NS), -ETIMEDOUT);
    pair_done(&p);
}
END_TEST

START_TEST(a_draining_server_takes_what_was_on_its_way)
{
    struct h2_field status = {":status", "200"};
    struct pair p;

    pair_init(&p);
    ck_assert_int_eq(h2_drain(p.server.h2), 0);
    ck_assert_int_eq(pair_request(&p), 0); /* sent before the client has heard of it */
    pair_move(&p, &p.client, &p.server);
    pair_settle(&p);
    ck_assert_str_eq(buf_text(&p.server.told), "h");
    ck_assert_str_eq(buf_text(&p.client.told), "gg"); /* the notice, then the last word */
    ck_assert(!h2_is_over(p.server.h2));
    ck_assert_int_eq(h2_respond(p.server.stream, &status, 1, true), 0);
    pair_settle(&p);
    ck_assert_str_eq(buf_text(&p.server.told), "hc");
    ck_assert(h2_is_over(p.server.h2));
    pair_done(&p);
}
END_TEST

START_TEST(a_request_that_was_never_sent_is_refused)
{
    struct pair p;

    pair_init(&p);
    ck_assert_int_eq(h2_drain(p.server.h2), 0);
    pair_settle(&p);
    ck_assert_str_eq(buf_text(&p.client.told), "g");
    ck_assert(h2_is_over(p.client.h2));    /* it has no streams, and may open none */
    ck_assert_int_eq(pair_request(&p), 0); /* nghttp2 takes it, but cannot send it any more */
    pair_settle(&p);
    ck_assert_str_eq(buf_text(&p.client.told), "gc");
    ck_assert_uint_eq(p.client.code, H2_REFUSED_STREAM);
    ck_assert_str_eq(buf_text(&p.server.told), "");
    pair_done(&p);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_h2");
    TCase *t = tcase_create("grpc_h2");

    tcase_add_test(t, a_request_is_answered_with_data_and_trailers);
    tcase_add_test(t, no_more_than_a_window_is_sent_to_who_does_not_consume);
    tcase_add_test(t, a_reset_is_told_to_both_and_to_us_only_when_settling);
    tcase_add_test(t, deadlines_of_streams_come_in_their_order);
    tcase_add_test(t, who_is_silent_is_asked_once_and_then_given_up);
    tcase_add_test(t, a_draining_server_takes_what_was_on_its_way);
    tcase_add_test(t, a_request_that_was_never_sent_is_refused);
    suite_add_tcase(s, t);
    return s;
}
