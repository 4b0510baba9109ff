/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "lib/rpc/h2.h"
#include "lib/rpc/server_connection.h"
#include "test/unit/grpc_bed.h"
#include "test/unit/grpc_raw.h"

/* ASan's count of what is allocated; absent in other builds. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : 0;
}

#define POUR_BYTES    1000
#define POUR_MESSAGES 20000
#define QUEUE_BYTES   (64UL * 1024)

/* ---- A service that sends as much as it may, and one that does not read ---- */

struct pour {
    struct grpc_call *calls[32];
    unsigned n_calls, n_sent, n_writable, n_received, n_half_closed;
    size_t most_queued;
    bool pauses; /* Hold: at its first message */
};

static struct pour pour;

static void pour_on(struct grpc_call *call)
{
    static const uint8_t data[POUR_BYTES];
    int r = 0;

    while (pour.n_sent < POUR_MESSAGES && (r = grpc_call_send(call, data, sizeof(data))) == 0)
        pour.n_sent++;
    pour.most_queued = MAX(pour.most_queued, grpc_call_queued_bytes(call));
    if (pour.n_sent == POUR_MESSAGES)
        grpc_call_finish(call, GRPC_OK, NULL);
    else
        ck_assert_int_eq(r, -ENOBUFS);
}

static void pour_open(struct grpc_call *call, void *service UNUSED)
{
    pour.calls[pour.n_calls++] = call;
    pour_on(call);
}

static void pour_writable(struct grpc_call *call)
{
    pour.n_writable++;
    pour_on(call);
}

static void pour_message(struct grpc_call *call UNUSED, const uint8_t *data UNUSED,
                         size_t len UNUSED)
{
}

static void pour_half_close(struct grpc_call *call UNUSED)
{
}

static void hold_open(struct grpc_call *call, void *service UNUSED)
{
    pour.calls[pour.n_calls++] = call;
}

static void hold_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    ck_assert_uint_eq(len, POUR_BYTES);
    ck_assert_uint_eq(data[0] | (unsigned)data[1] << 8, pour.n_received); /* in order */
    if (pour.n_received++ == 0 && pour.pauses)
        grpc_call_pause(call);
}

static void hold_half_close(struct grpc_call *call)
{
    pour.n_half_closed++;
    grpc_call_finish(call, GRPC_OK, NULL);
}

static const struct grpc_method pour_methods[] = {
    {.path = "/test.Pour/Pour",
     .open = pour_open,
     .message = pour_message,
     .half_close = pour_half_close,
     .writable = pour_writable},
    {.path = "/test.Pour/Hold",
     .open = hold_open,
     .message = hold_message,
     .half_close = hold_half_close},
};

static void bed_pour(struct bed *b, const struct grpc_limits *server_limits,
                     const struct grpc_limits *client_limits)
{
    memset(&pour, 0, sizeof(pour));
    bed_new(b, GRPC_UNIX, server_limits, client_limits);
    ck_assert_int_eq(grpc_server_add(b->server, pour_methods, ARRAY_SIZE(pour_methods), NULL, NULL),
                     0);
}

START_TEST(a_sender_is_told_when_to_wait_and_when_to_go_on)
{
    struct grpc_limits limits = {.queue_bytes = QUEUE_BYTES};
    struct probe p;
    struct bed b;

    bed_pour(&b, &limits, NULL);
    probe_start(&p, &b, "/test.Pour/Pour", 0);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_OK);
    ck_assert_uint_eq(p.n_messages, POUR_MESSAGES);
    ck_assert_uint_gt(pour.n_writable, 10);
    ck_assert_uint_le(pour.most_queued, QUEUE_BYTES);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(a_client_that_does_not_read_costs_no_more_than_its_queues)
{
    struct grpc_limits limits = {
        .queue_bytes = QUEUE_BYTES, .message_bytes = POUR_BYTES, .calls = 30};
    size_t before, queued = 0;
    struct raw r;
    struct bed b;

    bed_pour(&b, &limits, NULL);
    bed_is_well(&b);
    before = allocated_bytes();
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    for (uint32_t i = 0; i < 30; i++)
        raw_request(&r, 2 * i + 1, "/test.Pour/Pour", 0);
    while (pour.n_calls < 30)
        bed_let_pass(&b, NS_PER_MSEC);
    bed_is_well(&b);
    for (unsigned i = 0; i < pour.n_calls; i++)
        queued += grpc_call_queued_bytes(pour.calls[i]);
    ck_assert_uint_gt(queued, QUEUE_BYTES);
    ck_assert_uint_le(queued, SERVER_FULL_QUEUES * QUEUE_BYTES);
    if (before > 0) /* calls, sessions and buffers beside the queues */
        ck_assert_uint_le(allocated_bytes() - before,
                          SERVER_FULL_QUEUES * QUEUE_BYTES + 512 * 1024);
    raw_done(&r);
    bed_is_well(&b);
    bed_done(&b);
}
END_TEST

/* A client that sends as much as it may. */
static unsigned n_client_sent, n_client_writable;

static void client_pour_on(struct grpc_client_call *call, void *arg UNUSED)
{
    uint8_t data[POUR_BYTES] = {};
    int r = 0;

    n_client_writable++;
    while (n_client_sent < POUR_MESSAGES) {
        data[0] = (uint8_t)n_client_sent;
        data[1] = (uint8_t)(n_client_sent >> 8);
        r = grpc_client_call_send(call, data, sizeof(data));
        if (r < 0)
            break;
        n_client_sent++;
    }
    if (n_client_sent == POUR_MESSAGES)
        grpc_client_call_half_close(call);
    else
        ck_assert_int_eq(r, -ENOBUFS);
}

static const struct grpc_client_handler client_pour_handler = {
    .message = probe_message, .closed = probe_closed, .writable = client_pour_on};

START_TEST(a_handler_that_pauses_is_sent_no_more_than_a_window)
{
    struct grpc_limits limits = {.queue_bytes = QUEUE_BYTES};
    struct probe p = {};
    size_t before;
    struct bed b;

    n_client_sent = n_client_writable = 0;
    bed_pour(&b, NULL, &limits);
    bed_is_well(&b);
    pour.pauses = true;
    before = allocated_bytes();
    p.bed = &b;
    ck_assert_int_eq(grpc_channel_call(b.channel, &p.call, "/test.Pour/Hold", NULL, 0, 0,
                                       &client_pour_handler, &p),
                     0);
    client_pour_on(p.call, &p);
    bed_let_pass(&b, 50 * NS_PER_MSEC);
    ck_assert_uint_eq(pour.n_received, 1);
    ck_assert_uint_le(n_client_sent * POUR_BYTES, 2 * QUEUE_BYTES + H2_STREAM_WINDOW);
    if (before > 0)
        ck_assert_uint_le(allocated_bytes() - before,
                          QUEUE_BYTES + 2 * H2_STREAM_WINDOW + 256 * 1024);
    bed_is_well(&b); /* other calls of the same connection go on */
    pour.pauses = false;
    grpc_call_resume(pour.calls[0]);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_OK);
    ck_assert_uint_eq(pour.n_received, POUR_MESSAGES);
    ck_assert_uint_eq(pour.n_half_closed, 1);
    ck_assert_uint_gt(n_client_writable, 10);
    bed_done(&b);
}
END_TEST

START_TEST(a_request_whose_header_has_come_in_part_is_nobody_to_tell)
{
    struct grpc_limits limits = {.queue_bytes = QUEUE_BYTES, .message_bytes = POUR_BYTES};
    struct block block = block_request("POST", "/test.Echo/Hang", "application/grpc");
    struct raw r;
    struct bed b;

    bed_pour(&b, &limits, NULL);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    raw_request(&r, 1, "/test.Pour/Pour",
                0); /* waits for room in its queue, which all calls are told of */
    raw_frame(&r, NGHTTP2_HEADERS, 0, 3, block.data, block.len);
    while (pour.n_writable == 0)
        bed_let_pass(&b, NS_PER_MSEC);
    raw_frame(&r, NGHTTP2_CONTINUATION, END_HEADERS, 3, "", 0);
    while (b.echo.n_open == 0)
        bed_let_pass(&b, NS_PER_MSEC);
    raw_done(&r);
    bed_is_well(&b);
    bed_done(&b);
}
END_TEST

START_TEST(parts_of_messages_are_paid_by_the_connection)
{
    enum { PART = 55000, CALLS = 30 };
    struct grpc_limits limits = {.message_bytes = 60000, .calls = CALLS};
    static uint8_t part[PART] = {0, 0, 0, 0xea, 0x60}; /* of a message of 60000 bytes */
    unsigned n_refused = 0;
    size_t before;
    struct raw r;
    struct bed b;

    bed_pour(&b, &limits, NULL);
    bed_is_well(&b);
    before = allocated_bytes();
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    for (uint32_t i = 0; i < CALLS; i++) {
        raw_request(&r, 2 * i + 1, "/test.Pour/Hold", 0);
        for (size_t at = 0; at < PART; at += 11000)
            raw_frame(&r, NGHTTP2_DATA, 0, 2 * i + 1, part + at, 11000);
    }
    bed_is_well(&b);
    raw_read(&r);
    for (const char *at = r.fields; (at = strstr(at, "grpc-status: 8\n")) != NULL; at++)
        n_refused++;
    ck_assert_uint_ge(n_refused, CALLS - (SERVER_SPARE_BYTES + 61000) / PART - 1);
    ck_assert_uint_lt(n_refused, CALLS);
    if (before > 0) /* buffers grow by doubling */
        ck_assert_uint_le(allocated_bytes() - before,
                          2 * (SERVER_SPARE_BYTES + 60000) + 1024 * 1024);
    raw_done(&r);
    bed_is_well(&b);
    bed_done(&b);
}
END_TEST

/* ---- Keepalive ---- */

START_TEST(a_silent_client_is_pinged_and_let_go_when_it_does_not_answer)
{
    struct grpc_limits limits = {.keepalive_ns = 40 * NS_PER_MSEC};
    uint64_t start;
    struct raw r;
    struct bed b;

    bed_pour(&b, &limits, NULL);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    raw_request(&r, 1, "/test.Echo/Hang", 0);
    start = loop_now_ns(b.loop);
    raw_wait(&r, r.is_eof);
    ck_assert_uint_ge(loop_now_ns(b.loop) - start, 80 * NS_PER_MSEC);
    ck_assert_uint_eq(b.echo.n_closed, 1);
    raw_done(&r);
    bed_done(&b);
}
END_TEST

START_TEST(a_silent_client_that_answers_pings_stays)
{
    struct grpc_limits limits = {.keepalive_ns = 20 * NS_PER_MSEC};
    struct probe p;
    struct bed b;

    bed_pour(&b, &limits, NULL);
    probe_start(&p, &b, "/test.Echo/Hang", 0);
    bed_let_pass(&b, 150 * NS_PER_MSEC);
    ck_assert(!p.is_closed);
    grpc_client_call_cancel(p.call);
    probe_wait(&p);
    bed_done(&b);
}
END_TEST

/* A server that takes the connection and says no more than its greeting. */
static const struct {
    const char *greeting;
    size_t len;
    struct grpc_limits limits;
    const char *text;
} mute_cases[] = {
    {BYTES(""),
     {.handshake_ns = 50 * NS_PER_MSEC},
     "the peer did not finish its handshake in time"},
    {BYTES(""), {.keepalive_ns = 30 * NS_PER_MSEC}, "the peer no longer answers"},
    {BYTES(SETTINGS), {.keepalive_ns = 30 * NS_PER_MSEC}, "the peer no longer answers"},
};

START_TEST(a_server_that_does_not_answer_is_left)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct probe p;
    struct bed b;
    int fd, peer;

    bed_pour(&b, NULL, &mute_cases[_i].limits);
    b.server = grpc_server_free(b.server);
    memcpy(address.sun_path, b.address.host, strlen(b.address.host) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    bed_let_pass(&b, NS_PER_MSEC);
    peer = accept(fd, NULL, NULL);
    ck_assert_int_eq(write(peer, mute_cases[_i].greeting, mute_cases[_i].len),
                     (ssize_t)mute_cases[_i].len);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    ck_assert_str_eq(p.text, mute_cases[_i].text);
    close(peer);
    close(fd);
    unlink(address.sun_path);
    bed_done(&b);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_flow");
    TCase *t = tcase_create("grpc_flow");

    tcase_add_test(t, a_sender_is_told_when_to_wait_and_when_to_go_on);
    tcase_add_test(t, a_client_that_does_not_read_costs_no_more_than_its_queues);
    tcase_add_test(t, a_handler_that_pauses_is_sent_no_more_than_a_window);
    tcase_add_test(t, a_request_whose_header_has_come_in_part_is_nobody_to_tell);
    tcase_add_test(t, parts_of_messages_are_paid_by_the_connection);
    tcase_add_test(t, a_silent_client_is_pinged_and_let_go_when_it_does_not_answer);
    tcase_add_test(t, a_silent_client_that_answers_pings_stays);
    tcase_add_loop_test(t, a_server_that_does_not_answer_is_left, 0, (int)ARRAY_SIZE(mute_cases));
    suite_add_tcase(s, t);
    return s;
}
