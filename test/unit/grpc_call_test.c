/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"
#include "lib/rpc/grpc_server.h"

/* ---- An echo service
 * ------------------------------------------------------------------------------- */

struct echo {
    unsigned n_open, n_closed, n_half_closed, n_messages;
    struct grpc_peer peer;
    char metadata[64];
};

static void echo_open(struct grpc_call *call, void *service)
{
    struct echo *e = service;
    const char *text = grpc_call_metadata(call, "x-text");

    grpc_call_set_data(call, e);
    e->n_open++;
    e->peer = *grpc_call_peer(call);
    snprintf(e->metadata, sizeof(e->metadata), "%s", text ? text : "");
}

static void echo_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct echo *e = grpc_call_data(call);

    e->n_messages++;
    if (len == 4 && memcmp(data, "fail", 4) == 0)
        grpc_call_finish(call, GRPC_FAILED_PRECONDITION, "100% wrong: \xc3\xa9\n");
    else
        ck_assert_int_eq(grpc_call_send(call, data, len), 0);
}

static void echo_half_close(struct grpc_call *call)
{
    struct echo *e = grpc_call_data(call);

    e->n_half_closed++;
    grpc_call_finish(call, GRPC_OK, NULL);
}

static void echo_closed(struct grpc_call *call)
{
    struct echo *e = grpc_call_data(call);

    ck_assert_int_eq(grpc_call_send(call, (const uint8_t *)"x", 1), -EPIPE);
    e->n_closed++;
}

static void hang_half_close(struct grpc_call *call)
{
    struct echo *e = grpc_call_data(call);

    e->n_half_closed++;
}

static void refuse_open(struct grpc_call *call, void *service)
{
    grpc_call_set_data(call, service);
    grpc_call_finish(call, GRPC_PERMISSION_DENIED, "not you");
    grpc_call_finish(call, GRPC_OK, "ignored");
}

#define ECHO_SMALL_BYTES 1000

static const struct grpc_method echo_methods[] = {
    {.path = "/test.Echo/Echo",
     .open = echo_open,
     .message = echo_message,
     .half_close = echo_half_close,
     .closed = echo_closed},
    {.path = "/test.Echo/Hang",
     .open = echo_open,
     .message = echo_message,
     .half_close = hang_half_close,
     .closed = echo_closed},
    {.path = "/test.Echo/Refuse",
     .open = refuse_open,
     .message = echo_message,
     .half_close = echo_half_close},
    {.path = "/test.Echo/Small",
     .open = echo_open,
     .message = echo_message,
     .half_close = echo_half_close,
     .closed = echo_closed,
     .message_bytes = ECHO_SMALL_BYTES},
};

/* ---- The bed: one loop with a server and a channel to it
 * ------------------------------------------- */

struct bed {
    struct loop *loop;
    struct loop_timer *watchdog;
    struct grpc_server *server;
    struct grpc_channel *channel;
    struct echo echo;
    struct grpc_address address;
    char folder[32];
};

static void bed_on_watchdog(void *data)
{
    (void)data;
    ck_abort_msg("nothing happened for too long");
}

static void bed_new(struct bed *b, bool is_unix, const struct grpc_limits *server_limits,
                    const struct grpc_limits *client_limits)
{
    char text[64];
    struct error *e = NULL;

    *b = (struct bed){.folder = "/tmp/grpc_call_test.XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(b->folder));
    ck_assert_int_eq(loop_new(&b->loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(b->loop, &b->watchdog, bed_on_watchdog, NULL), 0);
    loop_timer_set(b->watchdog, 20 * NS_PER_SEC);
    ck_assert_int_eq(grpc_server_new(&b->server, b->loop, server_limits, NULL), 0);
    ck_assert_int_eq(
        grpc_server_add(b->server, echo_methods, ARRAY_SIZE(echo_methods), &b->echo, NULL), 0);
    snprintf(text, sizeof(text), is_unix ? "unix:%s/sock" : "tcp://127.0.0.1:0", b->folder);
    ck_assert_int_eq(grpc_address_parse(&b->address, text, NULL), 0);
    ck_assert_msg(grpc_server_listen(b->server, &b->address, NULL, 0600, &e) == 0, "%s",
                  error_message(e));
    b->address.port = grpc_server_port(b->server);
    ck_assert_int_eq(grpc_channel_new(&b->channel, b->loop, &b->address, NULL, client_limits, NULL),
                     0);
}

static void bed_done(struct bed *b)
{
    b->channel = grpc_channel_free(b->channel);
    b->server = grpc_server_free(b->server);
    loop_timer_free(b->watchdog);
    loop_free(b->loop);
    grpc_address_done(&b->address);
    ck_assert_int_eq(rmdir(b->folder), 0); /* the socket's file went with the server */
    ck_assert_uint_eq(b->echo.n_open, b->echo.n_closed);
}

/* One call of the client's, and what came of it. */
struct probe {
    struct bed *bed;
    struct grpc_client_call *call;
    struct buf received; /* messages, each followed by '|' */
    size_t n_messages;
    size_t n_wanted; /* messages after which the loop stops */
    bool is_closed;
    enum grpc_status status;
    char text[256];
};

static void probe_message(struct grpc_client_call *call UNUSED, const uint8_t *data, size_t len,
                          void *arg)
{
    struct probe *p = arg;

    ck_assert(!p->is_closed);
    ck_assert_int_eq(buf_add(&p->received, data, len), 0);
    ck_assert_int_eq(buf_add(&p->received, "|", 1), 0);
    if (++p->n_messages == p->n_wanted)
        loop_stop(p->bed->loop);
}

static void probe_closed(struct grpc_client_call *call UNUSED, enum grpc_status status,
                         const char *text, void *arg)
{
    struct probe *p = arg;

    ck_assert(!p->is_closed);
    p->is_closed = true;
    p->status = status;
    snprintf(p->text, sizeof(p->text), "%s", text);
    loop_stop(p->bed->loop);
}

static const struct grpc_client_handler probe_handler = {.message = probe_message,
                                                         .closed = probe_closed};

static void probe_start(struct probe *p, struct bed *b, const char *path, uint64_t timeout_ns)
{
    struct grpc_metadata metadata = {"x-text", "hello"};

    *p = (struct probe){.bed = b, .received = BUF_INIT(64 * 1024 * 1024)};
    ck_assert_int_eq(
        grpc_channel_call(b->channel, &p->call, path, &metadata, 1, timeout_ns, &probe_handler, p),
        0);
}

static void probe_send(struct probe *p, const char *text)
{
    ck_assert_int_eq(grpc_client_call_send(p->call, (const uint8_t *)text, strlen(text)), 0);
}

static void probe_wait(struct probe *p)
{
    while (!p->is_closed)
        ck_assert_int_eq(loop_run(p->bed->loop), 0);
}

static const bool is_unix_cases[] = {true, false};

START_TEST(a_unary_call_is_answered)
{
    struct bed b;
    struct probe p;

    bed_new(&b, is_unix_cases[_i], NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    probe_send(&p, "hello");
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    ck_assert_msg(p.status == GRPC_OK, "%s: %s", grpc_status_name(p.status), p.text);
    ck_assert_str_eq(buf_text(&p.received), "hello|");
    ck_assert_str_eq(b.echo.metadata, "hello");
    if (is_unix_cases[_i]) {
        ck_assert_int_eq(b.echo.peer.kind, GRPC_PEER_UNIX);
        ck_assert_int_eq(b.echo.peer.pid, getpid());
    } else {
        ck_assert_int_eq(b.echo.peer.kind, GRPC_PEER_TCP);
    }
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(messages_go_both_ways_while_the_call_is_open)
{
    struct bed b;
    struct probe p;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    for (size_t i = 1; i <= 3; i++) {
        probe_send(&p, i == 2 ? "" : "ping"); /* an empty message is a message */
        p.n_wanted = i;
        ck_assert_int_eq(loop_run(b.loop), 0);
    }
    grpc_client_call_half_close(p.call);
    ck_assert_int_eq(grpc_client_call_send(p.call, (const uint8_t *)"x", 1), -EPIPE);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_OK);
    ck_assert_str_eq(buf_text(&p.received), "ping||ping|");
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

static const struct {
    const char *path, *message;
    uint64_t timeout_ns;
    enum grpc_status status;
    const char *text;
} end_cases[] = {
    {"/test.Echo/Echo", "fail", 0, GRPC_FAILED_PRECONDITION, "100% wrong: \xc3\xa9\n"},
    {"/test.Echo/Refuse", "x", 0, GRPC_PERMISSION_DENIED, "not you"},
    {"/test.Echo/Absent", "x", 0, GRPC_UNIMPLEMENTED, "unknown method '/test.Echo/Absent'"},
    {"/test.Echo/Hang", "x", 30 * NS_PER_MSEC, GRPC_DEADLINE_EXCEEDED, "the deadline has passed"},
    {"/test.Echo/Hang", NULL, 30 * NS_PER_MSEC, GRPC_DEADLINE_EXCEEDED, "the deadline has passed"},
};

START_TEST(a_call_ends_with_its_status_and_text)
{
    struct bed b;
    struct probe p;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, end_cases[_i].path, end_cases[_i].timeout_ns);
    if (end_cases[_i].message)
        probe_send(&p, end_cases[_i].message);
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    ck_assert_str_eq(grpc_status_name(p.status), grpc_status_name(end_cases[_i].status));
    ck_assert_str_eq(p.text, end_cases[_i].text);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(a_cancelled_call_is_closed_on_both_sides)
{
    struct bed b;
    struct probe p, other;

    bed_new(&b, false, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 0);
    probe_send(&p, "x");
    p.n_wanted = 1;
    ck_assert_int_eq(loop_run(b.loop), 0);
    ck_assert_uint_eq(b.echo.n_open, 1);
    grpc_client_call_cancel(p.call);
    ck_assert(!p.is_closed);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_CANCELLED);
    probe_start(&other, &b, "/test.Echo/Echo", 0); /* the connection lives on */
    grpc_client_call_half_close(other.call);
    probe_wait(&other);
    ck_assert_int_eq(other.status, GRPC_OK);
    ck_assert_uint_eq(b.echo.n_closed, 2);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(a_call_cancelled_before_the_connection_is_made_is_closed_too)
{
    struct bed b;
    struct probe p;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 0);
    grpc_client_call_cancel(p.call);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_CANCELLED);
    ck_assert_uint_eq(b.echo.n_open, 0);
    bed_done(&b);
}
END_TEST

static void stop_loop(void *data)
{
    loop_stop(data);
}

/* Lets the loop turn until what is on its way has arrived. */
static void bed_let_pass(struct bed *b, uint64_t ns)
{
    struct loop_timer *t = NULL;

    ck_assert_int_eq(loop_timer_new(b->loop, &t, stop_loop, b->loop), 0);
    loop_timer_set(t, ns);
    ck_assert_int_eq(loop_run(b->loop), 0);
    loop_timer_free(t);
}

START_TEST(the_server_keeps_deadlines_that_it_was_told)
{
    struct bed b;
    struct probe p;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 20 * NS_PER_MSEC);
    probe_wait(&p);
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    ck_assert_uint_eq(b.echo.n_open, 1);
    ck_assert_uint_eq(b.echo.n_closed, 1); /* although the handler does nothing about it */
    bed_done(&b);
}
END_TEST

static const size_t size_cases[] = {0,     1,     16379,   16384,          65530,
                                    65535, 65536, 1000000, 4 * 1024 * 1024};

START_TEST(a_message_of_any_size_up_to_the_limit_comes_back_whole)
{
    size_t len = size_cases[_i];
    CLEANUP_FREE uint8_t *data = malloc(len + 1);
    struct bed b;
    struct probe p;

    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 31 + i / 251);
    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    ck_assert_int_eq(grpc_client_call_send(p.call, data, len), 0);
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    ck_assert_uint_eq(p.received.len, len + 1);
    ck_assert(memcmp(p.received.data, data, len) == 0);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(a_message_over_a_limit_is_refused_where_the_limit_is)
{
    static const uint8_t data[ECHO_SMALL_BYTES + 1];
    struct grpc_limits small = {.message_bytes = ECHO_SMALL_BYTES};
    struct bed b;
    struct probe p;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Small", 0);
    ck_assert_int_eq(grpc_client_call_send(p.call, data, ECHO_SMALL_BYTES), 0);
    p.n_wanted = 1;
    ck_assert_int_eq(loop_run(b.loop), 0);
    ck_assert_int_eq(grpc_client_call_send(p.call, data, sizeof(data)), 0);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_RESOURCE_EXHAUSTED);
    ck_assert_str_eq(p.text, "message is larger than the limit of 1000 bytes");
    buf_done(&p.received);
    bed_done(&b);

    bed_new(&b, true, NULL, &small); /* ours, when we send, and when the server does */
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    ck_assert_int_eq(grpc_client_call_send(p.call, data, sizeof(data)), -E2BIG);
    grpc_client_call_cancel(p.call);
    probe_wait(&p);
    bed_done(&b);
}
END_TEST

START_TEST(many_calls_share_one_connection)
{
    struct grpc_server_stats stats;
    struct probe p[100];
    struct grpc_client_call *call = NULL;
    struct bed b;

    bed_new(&b, true, NULL, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
        probe_start(&p[i], &b, "/test.Echo/Echo", 0);
        probe_send(&p[i], "x");
    }
    ck_assert_int_eq(
        grpc_channel_call(b.channel, &call, "/test.Echo/Echo", NULL, 0, 0, &probe_handler, NULL),
        -E2BIG);
    for (size_t i = 0; i < ARRAY_SIZE(p); i++)
        grpc_client_call_half_close(p[i].call);
    for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
        probe_wait(&p[i]);
        ck_assert_int_eq(p[i].status, GRPC_OK);
        ck_assert_str_eq(buf_text(&p[i].received), "x|");
        buf_done(&p[i].received);
    }
    grpc_server_stats(b.server, &stats);
    ck_assert_uint_eq(stats.connections, 1);
    ck_assert_uint_eq(stats.calls, ARRAY_SIZE(p));
    ck_assert_uint_eq(stats.open_calls, 0);
    bed_done(&b);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_unavailable_and_may_come_later)
{
    struct bed b;
    struct probe p;

    for (size_t i = 0; i < 2; i++) {
        bed_new(&b, i == 0, NULL, NULL);
        b.server = grpc_server_free(b.server);
        probe_start(&p, &b, "/test.Echo/Echo", 0);
        probe_send(&p, "x");
        probe_wait(&p);
        ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(p.text, "cannot connect to"));

        ck_assert_int_eq(grpc_server_new(&b.server, b.loop, NULL, NULL), 0);
        ck_assert_int_eq(grpc_server_add(b.server, echo_methods, 1, &b.echo, NULL), 0);
        ck_assert_int_eq(grpc_server_listen(b.server, &b.address, NULL, 0600, NULL), 0);
        probe_start(&p, &b, "/test.Echo/Echo", 0);
        grpc_client_call_half_close(p.call);
        probe_wait(&p);
        ck_assert_int_eq(p.status, GRPC_OK);
        bed_done(&b);
    }
}
END_TEST

START_TEST(calls_end_when_the_server_or_the_channel_goes_away)
{
    struct bed b;
    struct probe p;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 0);
    probe_send(&p, "x");
    p.n_wanted = 1;
    ck_assert_int_eq(loop_run(b.loop), 0);
    b.server = grpc_server_free(b.server);
    ck_assert_uint_eq(b.echo.n_closed, 1);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    buf_done(&p.received);
    bed_done(&b);

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 0);
    probe_send(&p, "x");
    p.n_wanted = 1;
    ck_assert_int_eq(loop_run(b.loop), 0);
    b.channel = grpc_channel_free(b.channel);
    ck_assert(p.is_closed);
    ck_assert_int_eq(p.status, GRPC_CANCELLED);
    bed_let_pass(&b, 10 * NS_PER_MSEC);
    ck_assert_uint_eq(b.echo.n_closed, 1);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

static void on_drained(void *data)
{
    *(bool *)data = true;
}

START_TEST(a_draining_server_finishes_its_calls_and_takes_no_new_ones)
{
    struct bed b;
    struct probe p, late;
    bool is_drained = false;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    probe_send(&p, "x");
    p.n_wanted = 1;
    ck_assert_int_eq(loop_run(b.loop), 0);
    grpc_server_drain(b.server, loop_now_ns(b.loop) + 10 * NS_PER_SEC, on_drained, &is_drained);
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    ck_assert(!is_drained);
    probe_start(&late, &b, "/test.Echo/Echo", 0);
    probe_wait(&late);
    ck_assert_int_eq(late.status, GRPC_UNAVAILABLE);
    probe_send(&p, "y");
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_OK);
    ck_assert_str_eq(buf_text(&p.received), "x|y|");
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    ck_assert(is_drained);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(a_draining_server_cuts_what_is_left_at_its_deadline)
{
    struct bed b;
    struct probe p;
    bool is_drained = false;

    bed_new(&b, true, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 0);
    probe_send(&p, "x");
    p.n_wanted = 1;
    ck_assert_int_eq(loop_run(b.loop), 0);
    grpc_server_drain(b.server, loop_now_ns(b.loop) + 20 * NS_PER_MSEC, on_drained, &is_drained);
    probe_wait(&p);
    ck_assert(is_drained);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    ck_assert_uint_eq(b.echo.n_closed, 1);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_call");
    TCase *t = tcase_create("grpc_call");

    tcase_add_loop_test(t, a_unary_call_is_answered, 0, (int)ARRAY_SIZE(is_unix_cases));
    tcase_add_test(t, messages_go_both_ways_while_the_call_is_open);
    tcase_add_loop_test(t, a_call_ends_with_its_status_and_text, 0, (int)ARRAY_SIZE(end_cases));
    tcase_add_test(t, a_cancelled_call_is_closed_on_both_sides);
    tcase_add_test(t, a_call_cancelled_before_the_connection_is_made_is_closed_too);
    tcase_add_test(t, the_server_keeps_deadlines_that_it_was_told);
    tcase_add_loop_test(t, a_message_of_any_size_up_to_the_limit_comes_back_whole, 0,
                        (int)ARRAY_SIZE(size_cases));
    tcase_add_test(t, a_message_over_a_limit_is_refused_where_the_limit_is);
    tcase_add_test(t, many_calls_share_one_connection);
    tcase_add_test(t, a_server_that_is_not_there_is_unavailable_and_may_come_later);
    tcase_add_test(t, calls_end_when_the_server_or_the_channel_goes_away);
    tcase_add_test(t, a_draining_server_finishes_its_calls_and_takes_no_new_ones);
    tcase_add_test(t, a_draining_server_cuts_what_is_left_at_its_deadline);
    suite_add_tcase(s, t);
    return s;
}
