/* SPDX-License-Identifier: Apache-2.0 */
/* The server and those who ask it, on one loop; each step of a test is a turn or more of it. */
#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/metrics_server.h"

#define ANSWER_MAX 65536
#define TYPE       "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"

struct bed {
    struct loop *loop;
    struct metrics_server *server;
    struct loop_timer *give_up;
    int collected; /* what collect() returns */
};

/* One who asks. */
struct client {
    struct bed *bed;
    int fd;
    struct loop_io *io;
    struct buf answer;
    bool closed;
};

static struct bed bed;

static int collect(struct buf *out, void *data)
{
    struct bed *b = data;
    int r = buf_add_text(out, "up 1\n");

    return r < 0 ? r : b->collected;
}

static void on_give_up(void *data)
{
    (void)data;
    ck_abort_msg("nothing happened in time");
}

static void serve(const struct metrics_server_limits *limits)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r = metrics_server_new(&bed.server, bed.loop, "127.0.0.1:0", limits, collect, &bed, &e);

    ck_assert_msg(r == 0, "%s", r < 0 ? error_message(e) : "");
}

static void set_up(void)
{
    bed = (struct bed){0};
    ck_assert_int_eq(loop_new(&bed.loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(bed.loop, &bed.give_up, on_give_up, NULL), 0);
    loop_timer_set(bed.give_up, 10 * NS_PER_SEC);
}

static void tear_down(void)
{
    metrics_server_free(bed.server);
    loop_timer_free(bed.give_up);
    loop_free(bed.loop);
}

static void on_readable(int fd, unsigned events UNUSED, void *data)
{
    struct client *c = data;
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    if (n > 0) {
        ck_assert_int_eq(buf_add(&c->answer, bytes, (size_t)n), 0);
        return;
    }
    c->closed = true;
    c->io = loop_io_free(c->io);
    loop_stop(c->bed->loop);
}

static void client_open(struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(metrics_server_port(bed.server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *c = (struct client){.bed = &bed, .answer = BUF_INIT(ANSWER_MAX)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(c->fd, 0);
    ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    ck_assert_int_eq(loop_io_new(bed.loop, &c->io, c->fd, LOOP_READ, on_readable, c), 0);
}

static void client_send(const struct client *c, const char *text)
{
    ck_assert_int_eq((int)send(c->fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

static void client_close(struct client *c)
{
    loop_io_free(c->io);
    close(c->fd);
    buf_done(&c->answer);
}

static void assert_answer(const char *request, const char *answer)
{
    struct client c;

    client_open(&c);
    client_send(&c, request);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_str_eq(buf_text(&c.answer), answer);
    client_close(&c);
}

#define NOTHING(status)                                                                            \
    "HTTP/1.1 " status "\r\n" TYPE "Content-Length: 0\r\nConnection: close\r\n\r\n"

START_TEST(a_request_gets_its_answer_and_the_end_of_its_connection)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 5\r\nConnection: close\r\n\r\nup 1\n"},
        {"GET /metrics?a=b HTTP/1.0\r\n\r\n",
         "HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 5\r\nConnection: close\r\n\r\nup 1\n"},
        {"GET /metricsx HTTP/1.1\r\n\r\n", NOTHING("404 Not Found")},
        {"GET / HTTP/1.1\r\n\r\n", NOTHING("404 Not Found")},
        {"POST /metrics HTTP/1.1\r\n\r\n", NOTHING("405 Method Not Allowed")},
        {"HEAD /metrics HTTP/1.1\r\n\r\n", NOTHING("405 Method Not Allowed")},
        {"GET /metrics\r\n\r\n", NOTHING("400 Bad Request")},
        {"GET /metrics HTTP/2\r\n\r\n", NOTHING("400 Bad Request")},
        {"GET\r\n\r\n", NOTHING("400 Bad Request")},
        {"\r\n\r\n", NOTHING("400 Bad Request")},
        {"  \r\n\r\n", NOTHING("400 Bad Request")},
    };

    serve(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_answer(rows[i].request, rows[i].answer);
}
END_TEST

START_TEST(a_head_that_does_not_end_is_not_read_on)
{
    char request[METRICS_SERVER_HEAD_BYTES + 1];

    serve(NULL);
    memset(request, 'a', sizeof(request));
    request[METRICS_SERVER_HEAD_BYTES] = '\0';
    assert_answer(request, NOTHING("431 Request Header Fields Too Large"));
}
END_TEST

START_TEST(a_head_of_the_greatest_size_is_answered)
{
    char request[METRICS_SERVER_HEAD_BYTES + 1];
    int n = snprintf(request, sizeof(request), "GET /none HTTP/1.1\r\nX: ");

    serve(NULL);
    memset(request + n, 'a', sizeof(request) - (size_t)n);
    memcpy(request + METRICS_SERVER_HEAD_BYTES - 4, "\r\n\r\n", 5);
    assert_answer(request, NOTHING("404 Not Found"));
}
END_TEST

START_TEST(numbers_that_cannot_be_told_are_an_error_of_the_server)
{
    serve(NULL);
    bed.collected = -ENOMEM;
    assert_answer("GET /metrics HTTP/1.1\r\n\r\n", NOTHING("500 Internal Server Error"));
}
END_TEST

START_TEST(the_oldest_connection_makes_room)
{
    const struct metrics_server_limits limits = {.connections = 2};
    struct client clients[3];

    serve(&limits);
    for (size_t i = 0; i < 3; i++)
        client_open(&clients[i]);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert(clients[0].closed && !clients[1].closed && !clients[2].closed);
    client_send(&clients[1], "GET /metrics HTTP/1.1\r\n\r\n");
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert(clients[1].closed);
    ck_assert_ptr_nonnull(strstr(buf_text(&clients[1].answer), "up 1"));
    for (size_t i = 0; i < 3; i++)
        client_close(&clients[i]);
}
END_TEST

START_TEST(who_asks_nothing_in_time_is_let_go)
{
    const struct metrics_server_limits limits = {.deadline_ns = 30 * NS_PER_MSEC};
    struct client silent, slow;

    serve(&limits);
    client_open(&silent);
    client_open(&slow);
    client_send(&slow, "GET /metr");
    ck_assert_int_eq(loop_run(bed.loop), 0);
    if (!silent.closed || !slow.closed)
        ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert(silent.closed && slow.closed);
    ck_assert_uint_eq(silent.answer.len + slow.answer.len, 0);
    client_close(&silent);
    client_close(&slow);
}
END_TEST

START_TEST(a_server_goes_with_its_connections)
{
    struct client c;

    serve(NULL);
    client_open(&c);
    loop_timer_set(bed.give_up, 10 * NS_PER_SEC);
    assert_answer("GET / HTTP/1.1\r\n\r\n", NOTHING("404 Not Found"));
    bed.server = metrics_server_free(bed.server);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert(c.closed);
    client_close(&c);
}
END_TEST

START_TEST(addresses_that_cannot_be_listened_at_are_refused_with_their_name)
{
    static const char *const rows[] = {"",
                                       "8081",
                                       "127.0.0.1",
                                       "127.0.0.1:",
                                       "127.0.0.1:x",
                                       "127.0.0.1:65536",
                                       "localhost:8081",
                                       "[::1]"};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(error_free) struct error *e = NULL;

        ck_assert_msg(metrics_server_new(&bed.server, bed.loop, rows[i], NULL, collect, &bed, &e) ==
                          -EINVAL,
                      "%s", rows[i]);
        ck_assert_ptr_nonnull(strstr(error_message(e), "is not ADDRESS:PORT"));
    }
}
END_TEST

START_TEST(an_address_that_is_taken_is_an_error)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct metrics_server *second = NULL;
    char address[32];

    serve(NULL);
    snprintf(address, sizeof(address), "127.0.0.1:%u", metrics_server_port(bed.server));
    ck_assert_int_eq(metrics_server_new(&second, bed.loop, address, NULL, collect, &bed, &e),
                     -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(error_message(e), address));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("metrics_server");
    TCase *tests = tcase_create("metrics_server");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_request_gets_its_answer_and_the_end_of_its_connection);
    tcase_add_test(tests, a_head_that_does_not_end_is_not_read_on);
    tcase_add_test(tests, a_head_of_the_greatest_size_is_answered);
    tcase_add_test(tests, numbers_that_cannot_be_told_are_an_error_of_the_server);
    tcase_add_test(tests, the_oldest_connection_makes_room);
    tcase_add_test(tests, who_asks_nothing_in_time_is_let_go);
    tcase_add_test(tests, a_server_goes_with_its_connections);
    tcase_add_test(tests, addresses_that_cannot_be_listened_at_are_refused_with_their_name);
    tcase_add_test(tests, an_address_that_is_taken_is_an_error);
    suite_add_tcase(suite, tests);
    return suite;
}
