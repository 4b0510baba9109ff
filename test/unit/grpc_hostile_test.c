/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "lib/rpc/h2.h"
#include "test/unit/grpc_bed.h"
#include "test/unit/grpc_raw.h"

#define TEST_MAX_CALLS 10

/* ---- The bed's other guests are none the worse for it ---- */

static void bed_hostile(struct bed *b)
{
    struct grpc_limits limits = {.calls = TEST_MAX_CALLS, .handshake_ns = 100 * NS_PER_MSEC};

    bed_new(b, GRPC_UNIX, &limits, NULL);
    bed_is_well(b);
}

static void bed_end(struct bed *b, struct raw *r)
{
    bed_is_well(b);
    raw_done(r);
    bed_done(b);
}

static const struct {
    const char *bytes;
    size_t len;
    uint32_t goaway; /* NO_CODE: none is needed */
} byte_cases[] = {
    {BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), NGHTTP2_PROTOCOL_ERROR},
    {BYTES("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a TLS hello"), NGHTTP2_PROTOCOL_ERROR},
    {BYTES(PREFACE "\0\0\1\0\0\0\0\0\1x"), NGHTTP2_PROTOCOL_ERROR}, /* DATA before SETTINGS */
    {BYTES(PREFACE SETTINGS "\0\x40\x01\0\0\0\0\0\1"), NGHTTP2_FRAME_SIZE_ERROR},
    {BYTES(PREFACE SETTINGS "\0\0\1\0\0\0\0\0\1x"),
     NGHTTP2_PROTOCOL_ERROR}, /* DATA on an idle stream */
    {BYTES(PREFACE SETTINGS "\0\0\1\0\0\0\0\0\0x"), NGHTTP2_PROTOCOL_ERROR}, /* DATA on stream 0 */
    {BYTES(PREFACE SETTINGS "\0\0\1\1\4\0\0\0\2\x82"), NGHTTP2_PROTOCOL_ERROR}, /* an even stream */
    {BYTES(PREFACE SETTINGS "\0\0\4\1\4\0\0\0\1\xff\xff\xff\xff"), NGHTTP2_COMPRESSION_ERROR},
    {BYTES(PREFACE SETTINGS "\0\0\7\6\0\0\0\0\0abcdefg"),
     NGHTTP2_FRAME_SIZE_ERROR}, /* a short PING */
    {BYTES(PREFACE SETTINGS "\0\0\5\4\0\0\0\0\0abcde"),
     NGHTTP2_FRAME_SIZE_ERROR}, /* a bad SETTINGS */
    {BYTES(PREFACE SETTINGS "\0\0\4\x08\0\0\0\0\0\0\0\0\0"),
     NGHTTP2_PROTOCOL_ERROR}, /* WINDOW_UPDATE of 0 */
    {BYTES(PREFACE SETTINGS "\0\0\4\x08\0\0\0\0\0\x7f\xff\xff\xff"), NGHTTP2_FLOW_CONTROL_ERROR},
    {BYTES(PREFACE SETTINGS "\0\0\1\x09\4\0\0\0\1x"),
     NGHTTP2_PROTOCOL_ERROR}, /* CONTINUATION of nothing */
    {BYTES(PREFACE SETTINGS "\0\0\1\1\0\0\0\0\1\x82" PING),
     NGHTTP2_PROTOCOL_ERROR}, /* a broken block */
    {BYTES(PREFACE SETTINGS "\0\0\4\5\4\0\0\0\1\0\0\0\2"),
     NGHTTP2_PROTOCOL_ERROR}, /* a client's PUSH_PROMISE */
};

START_TEST(bytes_that_are_not_http2_end_the_connection_with_the_right_code)
{
    struct grpc_server_stats stats;
    struct raw r;
    struct bed b;

    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, byte_cases[_i].bytes, byte_cases[_i].len);
    raw_wait(&r, r.is_eof);
    if (memcmp(byte_cases[_i].bytes, PREFACE, 24) == 0)
        ck_assert_uint_eq(r.goaway, byte_cases[_i].goaway);
    raw_done(&r);
    do {
        bed_let_pass(&b, NS_PER_MSEC);
        grpc_server_stats(b.server, &stats);
    } while (stats.open_connections > 1); /* the honest one */
    ck_assert_uint_eq(stats.protocol_errors, 1);
    bed_is_well(&b);
    bed_done(&b);
}
END_TEST

START_TEST(every_cut_of_a_good_beginning_is_let_go_in_time)
{
    static const char hello[] = PREFACE SETTINGS;
    struct raw r[sizeof(hello) - 1];
    struct grpc_server_stats stats;
    struct bed b;

    bed_hostile(&b);
    for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
        raw_connect(&r[i], &b);
        raw_send(&r[i], hello, i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
        raw_wait(&r[i], r[i].is_eof);
        raw_done(&r[i]);
    }
    grpc_server_stats(b.server, &stats);
    ck_assert_uint_eq(stats.open_connections, 1);
    bed_is_well(&b);
    bed_done(&b);
}
END_TEST

/* ---- Floods ---- */

enum { FLOOD_FRAMES = 20000 };

static size_t flood_frame(uint8_t *frame, unsigned type, unsigned flags, uint32_t stream,
                          size_t len)
{
    memset(frame, 0, 9 + len);
    frame[2] = (uint8_t)len;
    frame[3] = (uint8_t)type;
    frame[4] = (uint8_t)flags;
    frame[7] = (uint8_t)(stream >> 8);
    frame[8] = (uint8_t)stream;
    return 9 + len;
}

static const struct {
    const char *name;
    unsigned type, flags;
    bool on_stream; /* of an open call */
    size_t len;
} flood_cases[] = {
    {"PING", NGHTTP2_PING, 0, false, 8},
    {"SETTINGS", NGHTTP2_SETTINGS, 0, false, 0},
    {"PRIORITY", NGHTTP2_PRIORITY, 0, true, 5},
    {"empty DATA", NGHTTP2_DATA, 0, true, 0},
};

START_TEST(a_flood_of_idle_frames_is_stopped)
{
    uint8_t frame[64];
    struct raw r;
    struct bed b;

    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    raw_request(&r, 1, "/test.Echo/Hang", 0);
    for (unsigned i = 0; i < FLOOD_FRAMES && !r.is_eof; i++) {
        size_t len = flood_frame(frame, flood_cases[_i].type, flood_cases[_i].flags,
                                 flood_cases[_i].on_stream, flood_cases[_i].len);

        raw_send(&r, frame, len);
    }
    raw_wait(&r, r.is_eof);
    ck_assert_msg(r.goaway == NGHTTP2_ENHANCE_YOUR_CALM, "%s: %u", flood_cases[_i].name, r.goaway);
    bed_end(&b, &r);
}
END_TEST

START_TEST(the_reason_reaches_a_peer_that_is_still_sending)
{
    static char pings[FLOOD_FRAMES][17];
    struct raw r;
    struct bed b;
    ssize_t n;

    for (size_t i = 0; i < FLOOD_FRAMES; i++)
        memcpy(pings[i], PING, sizeof(pings[i]));
    bed_new(&b, GRPC_TCP, NULL, NULL);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    do { /* it fills its socket, and reads nothing */
        n = send(r.fd, pings, sizeof(pings), MSG_NOSIGNAL);
        bed_let_pass(&b, 5 * NS_PER_MSEC);
    } while (n > (ssize_t)sizeof(pings) / 2);
    raw_wait(&r, r.is_eof);
    ck_assert_uint_eq(r.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    bed_end(&b, &r);
}
END_TEST

START_TEST(a_few_pings_are_answered)
{
    struct raw r;
    struct bed b;

    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    for (unsigned i = 0; i < 20; i++)
        raw_send(&r, BYTES(PING));
    raw_wait(&r, r.n_pings == 20);
    ck_assert(!r.is_eof);
    bed_end(&b, &r);
}
END_TEST

START_TEST(a_patient_flood_of_pings_is_stopped_too)
{
    struct raw r;
    struct bed b;
    unsigned n = 0;

    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    for (; n < FLOOD_FRAMES && !r.is_eof; n += 5) { /* they are answered before the next come */
        raw_send(&r, BYTES(PING PING PING PING PING));
        raw_wait(&r, r.n_pings == n + 5 || r.is_eof);
    }
    ck_assert_uint_eq(r.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    ck_assert_uint_ge(n, H2_PING_BURST);
    bed_end(&b, &r);
}
END_TEST

START_TEST(rapid_resets_are_stopped)
{
    struct raw r;
    struct bed b;
    uint32_t stream;

    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS SETTINGS_ACK));
    for (stream = 1; stream < 2 * FLOOD_FRAMES && !r.is_eof; stream += 2) {
        raw_request(&r, stream, "/test.Echo/Hang", 0);
        raw_frame(&r, NGHTTP2_RST_STREAM, 0, stream, "\0\0\0\x08", 4);
    }
    raw_wait(&r, r.is_eof);
    ck_assert_uint_ne(r.goaway, NO_CODE);
    ck_assert_uint_le(b.echo.n_open, H2_RESET_BURST + H2_RESET_PER_SECOND * 20);
    bed_end(&b, &r);
}
END_TEST

START_TEST(requests_that_make_us_reset_are_stopped_too)
{
    struct block bad = block_request("POST", "/test.Echo/Hang", "application/grpc");
    struct raw r;
    struct bed b;

    block_add(&bad, "Upper", "x"); /* not allowed in HTTP/2: answered with RST_STREAM */
    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS SETTINGS_ACK));
    for (uint32_t stream = 1; stream < FLOOD_FRAMES && !r.is_eof; stream += 2) {
        unsigned before = r.n_resets; /* one at a time: too many at once would be another error */

        raw_frame(&r, NGHTTP2_HEADERS, END_HEADERS, stream, bad.data, bad.len);
        raw_wait(&r, r.n_resets > before || r.is_eof);
    }
    raw_wait(&r, r.is_eof);
    ck_assert_uint_eq(r.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    ck_assert_uint_eq(b.echo.n_messages, 1); /* that of bed_is_well() */
    bed_end(&b, &r);
}
END_TEST

START_TEST(calls_over_the_limit_are_refused_and_after_our_settings_are_an_error)
{
    struct grpc_server_stats stats;
    struct raw r;
    struct bed b;

    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    for (uint32_t i = 0; i < TEST_MAX_CALLS + 5; i++)
        raw_request(&r, 2 * i + 1, "/test.Echo/Hang", 0);
    raw_wait(&r, r.n_resets == 5);
    ck_assert_uint_eq(r.reset, NGHTTP2_REFUSED_STREAM);
    grpc_server_stats(b.server, &stats);
    ck_assert_uint_eq(stats.refused_calls, 5);
    ck_assert_uint_eq(stats.open_calls, TEST_MAX_CALLS);

    raw_send(&r, BYTES(SETTINGS_ACK));
    raw_request(&r, 1001, "/test.Echo/Hang", 0);
    raw_wait(&r, r.is_eof);
    ck_assert_uint_eq(r.goaway, NGHTTP2_PROTOCOL_ERROR);
    bed_end(&b, &r);
}
END_TEST

START_TEST(a_flood_of_continuations_is_stopped)
{
    struct raw r;
    struct bed b;

    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    raw_frame(&r, NGHTTP2_HEADERS, 0, 1, "\x82", 1);
    for (unsigned i = 0; i < FLOOD_FRAMES && !r.is_eof; i++)
        raw_frame(&r, NGHTTP2_CONTINUATION, 0, 1, "", 0);
    raw_wait(&r, r.is_eof);
    ck_assert_uint_ne(r.goaway, NO_CODE);
    bed_end(&b, &r);
}
END_TEST

/* ---- Requests that are HTTP/2 but not the gRPC that we serve ---- */

static const struct {
    const char *method, *path, *content_type;
    const char *name, *value; /* one more header field */
    const char *data;
    size_t len;
    const char *answer; /* a part of its header fields */
} request_cases[] = {
    {"POST", "/test.Echo/Echo", "application/json", NULL, NULL, "", 0, ":status: 415\n"},
    {"POST", "/test.Echo/Echo", "application/grpc-web", NULL, NULL, "", 0, ":status: 415\n"},
    {"POST", "/test.Echo/Echo", NULL, NULL, NULL, "", 0, ":status: 415\n"},
    {"GET", "/test.Echo/Echo", "application/grpc", NULL, NULL, "", 0, ":status: 405\n"},
    {"POST", "/test.Echo/Nope", "application/grpc", NULL, NULL, "", 0, "grpc-status: 12\n"},
    {"POST", "/", "application/grpc+proto", NULL, NULL, "", 0, "grpc-status: 12\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", "grpc-encoding", "gzip", "", 0,
     "grpc-status: 12\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", "grpc-encoding", "gzip", "", 0,
     "grpc-accept-encoding: identity\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", "grpc-encoding", "identity", "", 0,
     "grpc-status: 0\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", NULL, NULL, BYTES("\1\0\0\0\1x"),
     "grpc-status: 12\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", NULL, NULL, BYTES("\7\0\0\0\1x"),
     "grpc-status: 13\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", NULL, NULL, BYTES("\0\0\0\0\5x"),
     "grpc-status: 13\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", NULL, NULL, BYTES("\0\0\0"),
     "grpc-status: 13\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", NULL, NULL, BYTES("\0\xff\xff\xff\xff"),
     "grpc-status: 8\n"},
    {"POST", "/test.Echo/Small", "application/grpc", NULL, NULL, BYTES("\0\0\0\3\xe9"),
     "grpc-status: 8\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", "grpc-timeout", "soon", "", 0,
     "grpc-status: 13\n"},
    {"POST", "/test.Echo/Hang", "application/grpc", "grpc-timeout", "1n", "", 0,
     "grpc-status: 4\n"},
    {"POST", "/test.Echo/Hang", "application/grpc", "grpc-timeout", "0S", "", 0,
     "grpc-status: 4\n"},
    {"POST", "/test.Echo/Echo", "application/grpc", "grpc-timeout", "99999999H", "", 0,
     "grpc-status: 0\n"},
};

START_TEST(a_request_that_we_do_not_serve_gets_the_answer_of_the_protocol)
{
    struct block block = block_request(request_cases[_i].method, request_cases[_i].path,
                                       request_cases[_i].content_type);
    struct raw r;
    struct bed b;

    if (request_cases[_i].name)
        block_add(&block, request_cases[_i].name, request_cases[_i].value);
    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    raw_frame(&r, NGHTTP2_HEADERS, END_HEADERS, 1, block.data, block.len);
    raw_frame(&r, NGHTTP2_DATA, END_STREAM, 1, request_cases[_i].data, request_cases[_i].len);
    raw_wait(&r, strstr(r.fields, "grpc-status") || strstr(r.fields, ":status: 4"));
    ck_assert_msg(strstr(r.fields, request_cases[_i].answer) != NULL, "%s", r.fields);
    ck_assert(!r.is_eof);
    bed_end(&b, &r);
}
END_TEST

START_TEST(metadata_over_the_limit_is_refused)
{
    struct block block = block_request("POST", "/test.Echo/Echo", "application/grpc");
    char value[101];
    struct raw r;
    struct bed b;

    memset(value, 'v', 100);
    value[100] = '\0';
    for (unsigned i = 0; i < 80; i++) /* 80 * (100 + 1 + 32) > 8 KiB */
        block_add(&block, "n", value);
    bed_hostile(&b);
    raw_connect(&r, &b);
    raw_send(&r, BYTES(PREFACE SETTINGS));
    raw_frame(&r, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 1, block.data, block.len);
    raw_wait(&r, strstr(r.fields, "grpc-status"));
    ck_assert_ptr_nonnull(strstr(r.fields, "grpc-status: 8\n"));
    ck_assert_ptr_nonnull(strstr(r.fields, "metadata is larger than the limit of 8192 bytes"));
    bed_end(&b, &r);
}
END_TEST

START_TEST(connections_over_the_limit_are_closed_at_once)
{
    struct grpc_limits limits = {.connections = 3};
    struct grpc_server_stats stats;
    struct raw r[4];
    struct bed b;

    bed_new(&b, GRPC_UNIX, &limits, NULL);
    bed_is_well(&b);
    for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
        raw_connect(&r[i], &b);
        raw_send(&r[i], BYTES(PREFACE SETTINGS));
    }
    raw_wait(&r[2], r[2].is_eof);
    raw_wait(&r[3], r[3].is_eof);
    ck_assert(!r[1].is_eof);
    grpc_server_stats(b.server, &stats);
    ck_assert_uint_eq(stats.refused_connections, 2);
    ck_assert_uint_eq(stats.open_connections, 3);
    for (size_t i = 0; i < ARRAY_SIZE(r); i++)
        raw_done(&r[i]);
    bed_is_well(&b);
    bed_done(&b);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_hostile");
    TCase *t = tcase_create("grpc_hostile");

    tcase_add_loop_test(t, bytes_that_are_not_http2_end_the_connection_with_the_right_code, 0,
                        (int)ARRAY_SIZE(byte_cases));
    tcase_add_test(t, every_cut_of_a_good_beginning_is_let_go_in_time);
    tcase_add_loop_test(t, a_flood_of_idle_frames_is_stopped, 0, (int)ARRAY_SIZE(flood_cases));
    tcase_add_test(t, the_reason_reaches_a_peer_that_is_still_sending);
    tcase_add_test(t, a_few_pings_are_answered);
    tcase_add_test(t, a_patient_flood_of_pings_is_stopped_too);
    tcase_add_test(t, rapid_resets_are_stopped);
    tcase_add_test(t, requests_that_make_us_reset_are_stopped_too);
    tcase_add_test(t, calls_over_the_limit_are_refused_and_after_our_settings_are_an_error);
    tcase_add_test(t, a_flood_of_continuations_is_stopped);
    tcase_add_loop_test(t, a_request_that_we_do_not_serve_gets_the_answer_of_the_protocol, 0,
                        (int)ARRAY_SIZE(request_cases));
    tcase_add_test(t, metadata_over_the_limit_is_refused);
    tcase_add_test(t, connections_over_the_limit_are_closed_at_once);
    suite_add_tcase(s, t);
    return s;
}
