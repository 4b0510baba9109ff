/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "test/unit/grpc_bed.h"

static const struct {
    int kind, peer_kind;
} kind_cases[] = {
    {GRPC_UNIX, GRPC_PEER_UNIX}, {GRPC_TCP, GRPC_PEER_TCP}, {GRPC_TLS, GRPC_PEER_TLS}};

START_TEST(a_unary_call_is_answered)
{
    struct bed b;
    struct probe p;

    bed_new(&b, kind_cases[_i].kind, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    probe_send(&p, "hello");
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    ck_assert_msg(p.status == GRPC_OK, "%s: %s", grpc_status_name(p.status), p.text);
    ck_assert_str_eq(buf_text(&p.received), "hello|");
    ck_assert_str_eq(b.echo.metadata, "hello");
    ck_assert_int_eq(b.echo.peer.kind, kind_cases[_i].peer_kind);
    if (b.echo.peer.kind == GRPC_PEER_UNIX)
        ck_assert_int_eq(b.echo.peer.pid, getpid());
    if (b.echo.peer.kind == GRPC_PEER_TLS)
        ck_assert_str_eq(b.echo.common_name, "node-1");
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(messages_go_both_ways_while_the_call_is_open)
{
    struct bed b;
    struct probe p;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

    bed_new(&b, GRPC_TCP, NULL, NULL);
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

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 0);
    grpc_client_call_cancel(p.call);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_CANCELLED);
    ck_assert_uint_eq(b.echo.n_open, 0);
    bed_done(&b);
}
END_TEST

START_TEST(the_server_keeps_deadlines_that_it_was_told)
{
    struct bed b;
    struct probe p;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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
    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

    bed_new(&b, GRPC_UNIX, NULL, &small); /* ours, when we send, and when the server does */
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

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

START_TEST(who_hangs_up_comes_back_by_another_connection)
{
    struct grpc_server_stats stats;
    struct probe open, p;
    struct bed b;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    grpc_channel_hang_up(b.channel); /* there is none yet */
    for (unsigned i = 1; i <= 3; i++) {
        probe_start(&p, &b, "/test.Echo/Echo", 0);
        grpc_client_call_half_close(p.call);
        probe_wait(&p);
        ck_assert_int_eq(p.status, GRPC_OK);
        grpc_server_stats(b.server, &stats);
        ck_assert_uint_eq(stats.connections, i);
        probe_start(&open, &b, "/test.Echo/Echo", 0);
        grpc_channel_hang_up(b.channel);
        ck_assert(open.is_closed);
        ck_assert_int_eq(open.status, GRPC_CANCELLED);
    }
    bed_done(&b);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_unavailable_and_may_come_later)
{
    struct bed b;
    struct probe p;

    for (size_t i = 0; i < 2; i++) {
        bed_new(&b, i == 0 ? GRPC_UNIX : GRPC_TCP, NULL, NULL);
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

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

/* Another server on the bed's address, if it may. */
static int listen_again(struct bed *b, unsigned mode, struct error **reterr)
{
    CLEANUP(grpc_server_free) struct grpc_server *other = NULL;
    struct stat file = {};
    int r;

    ck_assert_int_eq(grpc_server_new(&other, b->loop, NULL, NULL), 0);
    r = grpc_server_listen(other, &b->address, NULL, mode, reterr);
    if (r == 0) {
        ck_assert_int_eq(stat(b->address.host, &file), 0);
        ck_assert_uint_eq(file.st_mode & 07777, mode);
    }
    return r;
}

START_TEST(a_socket_is_taken_over_from_the_dead_only)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct bed b;
    int fd;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    ck_assert_int_eq(listen_again(&b, 0600, &e), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(error_message(e), "bind: Address already in use"));
    b.server = grpc_server_free(b.server);
    ck_assert_int_eq(access(b.address.host, F_OK), -1);

    memcpy(address.sun_path, b.address.host,
           strlen(b.address.host) + 1); /* one that nobody listens to */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    ck_assert_int_eq(listen_again(&b, 0660, NULL), 0);
    ck_assert_int_eq(access(b.address.host, F_OK), -1);

    fd = open(b.address.host, O_CREAT | O_CLOEXEC | O_WRONLY, 0600); /* a file of somebody else's */
    close(fd);
    ck_assert_int_eq(listen_again(&b, 0600, NULL), -EADDRINUSE);
    ck_assert_int_eq(unlink(b.address.host), 0);
    bed_done(&b);
}
END_TEST

/* Calls again whenever its call is closed, as one who will not give up. */
struct stubborn {
    struct bed *bed;
    unsigned n_closed;
    int result; /* of the last attempt */
};

static const struct grpc_client_handler stubborn_handler;

static void stubborn_call(struct stubborn *st)
{
    struct grpc_client_call *call = NULL;

    st->result = grpc_channel_call(st->bed->channel, &call, "/test.Echo/Hang", NULL, 0, 0,
                                   &stubborn_handler, st);
}

static void stubborn_closed(struct grpc_client_call *call UNUSED, enum grpc_status status UNUSED,
                            const char *text UNUSED, void *arg)
{
    struct stubborn *st = arg;

    if (++st->n_closed < 5)
        stubborn_call(st);
    else
        loop_stop(st->bed->loop);
}

static const struct grpc_client_handler stubborn_handler = {.message = probe_message,
                                                            .closed = stubborn_closed};

START_TEST(a_call_may_be_started_anew_when_one_is_closed)
{
    struct stubborn st = {};
    struct bed b;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    st.bed = &b;
    b.server = grpc_server_free(b.server);
    stubborn_call(&st);
    ck_assert_int_eq(loop_run(b.loop), 0);
    ck_assert_uint_eq(st.n_closed, 5);

    st.n_closed = 0;
    stubborn_call(&st);
    grpc_channel_free(b.channel);
    b.channel = NULL;
    ck_assert_uint_eq(st.n_closed, 1);
    ck_assert_int_eq(st.result, -EPIPE); /* not on a channel that goes away */
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

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

static void on_drained_free(void *data)
{
    struct bed *b = data;

    b->server = grpc_server_free(b->server);
    loop_stop(b->loop);
}

START_TEST(a_drained_server_may_be_freed_at_once)
{
    struct bed b;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
    grpc_server_drain(b.server, loop_now_ns(b.loop) + NS_PER_SEC, on_drained_free, &b);
    ck_assert_int_eq(loop_run(b.loop), 0);
    ck_assert_ptr_null(b.server);
    bed_done(&b);
}
END_TEST

START_TEST(a_draining_server_cuts_what_is_left_at_its_deadline)
{
    struct bed b;
    struct probe p;
    bool is_drained = false;

    bed_new(&b, GRPC_UNIX, NULL, NULL);
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

    tcase_add_unchecked_fixture(t, bed_make_keys, bed_drop_keys);
    tcase_add_loop_test(t, a_unary_call_is_answered, 0, (int)ARRAY_SIZE(kind_cases));
    tcase_add_test(t, messages_go_both_ways_while_the_call_is_open);
    tcase_add_loop_test(t, a_call_ends_with_its_status_and_text, 0, (int)ARRAY_SIZE(end_cases));
    tcase_add_test(t, a_cancelled_call_is_closed_on_both_sides);
    tcase_add_test(t, a_call_cancelled_before_the_connection_is_made_is_closed_too);
    tcase_add_test(t, the_server_keeps_deadlines_that_it_was_told);
    tcase_add_loop_test(t, a_message_of_any_size_up_to_the_limit_comes_back_whole, 0,
                        (int)ARRAY_SIZE(size_cases));
    tcase_add_test(t, a_message_over_a_limit_is_refused_where_the_limit_is);
    tcase_add_test(t, many_calls_share_one_connection);
    tcase_add_test(t, who_hangs_up_comes_back_by_another_connection);
    tcase_add_test(t, a_server_that_is_not_there_is_unavailable_and_may_come_later);
    tcase_add_test(t, calls_end_when_the_server_or_the_channel_goes_away);
    tcase_add_test(t, a_call_may_be_started_anew_when_one_is_closed);
    tcase_add_test(t, a_socket_is_taken_over_from_the_dead_only);
    tcase_add_test(t, a_draining_server_finishes_its_calls_and_takes_no_new_ones);
    tcase_add_test(t, a_drained_server_may_be_freed_at_once);
    tcase_add_test(t, a_draining_server_cuts_what_is_left_at_its_deadline);
    suite_add_tcase(s, t);
    return s;
}
