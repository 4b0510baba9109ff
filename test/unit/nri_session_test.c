/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "agent/nri_messages.h"
#include "agent/nri_mux.h"
#include "agent/nri_session.h"
#include "agent/ttrpc.h"

/* What the owner was told, as one text: "ready(containerd v1)starting(c1)". */
struct bed {
    struct nri_session *session;
    char told[512];
    bool lets_start_at_once;
};

static void tell(struct bed *b, const char *what, const char *of)
{
    size_t len = strlen(b->told);

    snprintf(b->told + len, sizeof(b->told) - len, "%s(%s)", what, of);
}

static void on_ready(const char *runtime, void *data)
{
    tell(data, "ready", runtime);
}

static void on_starting(const char *container_id, void *data)
{
    struct bed *b = data;

    tell(b, "starting", container_id);
    if (b->lets_start_at_once)
        nri_session_let_start(b->session, container_id);
}

static void on_overdue(const char *container_id, void *data)
{
    tell(data, "overdue", container_id);
}

static const struct nri_session_owner owner = {
    .ready = on_ready, .starting = on_starting, .overdue = on_overdue};

static void bed_new(struct bed *b)
{
    *b = (struct bed){0};
    ck_assert_int_eq(nri_session_new(&b->session, &owner, b), 0);
    ck_assert_int_eq(nri_session_open(b->session, 1), 0);
}

/* ---- The runtime's side, by the same frames ---- */

static int on_frame(const struct ttrpc_frame *frame, void *arg)
{
    *(struct ttrpc_frame *)arg = *frame;
    return 0;
}

struct sent {
    uint32_t connection;
    struct ttrpc_reader reader;
    struct ttrpc_frame frame;
    uint8_t bytes[TTRPC_SENT_MAX];
};

static int on_sent_piece(uint32_t connection, const uint8_t *data, size_t len, void *arg)
{
    struct sent *s = arg;

    s->connection = connection;
    ck_assert_uint_le(len, sizeof(s->bytes));
    memcpy(s->bytes, data, len);
    return ttrpc_reader_feed(&s->reader, data, len, on_frame, &s->frame, NULL);
}

/* Takes the one frame that the session has to send. */
static struct ttrpc_frame take_sent(struct bed *b, uint32_t connection, struct sent *s)
{
    struct buf *output = nri_session_output(b->session);
    struct nri_mux mux = {0};

    *s = (struct sent){0};
    ttrpc_reader_init(&s->reader);
    ck_assert_uint_gt(output->len, 0);
    ck_assert_int_eq(nri_mux_feed(&mux, output->data, output->len, on_sent_piece, s), 0);
    ck_assert_uint_eq(s->connection, connection);
    buf_consume(output, output->len);
    s->frame.data.data = s->bytes + TTRPC_HEADER_BYTES;
    return s->frame;
}

static int feed_frame(struct bed *b, enum nri_connection connection, const struct buf *frame,
                      uint64_t now_ns, struct error **reterr)
{
    CLEANUP_BUF struct buf piece = BUF_INIT(8u << 20);

    ck_assert_int_eq(nri_mux_encode(&piece, connection, frame->data, frame->len), 0);
    for (size_t i = 0; i < piece.len; i++) { /* byte by byte: whatever the socket cuts */
        int r = nri_session_feed(b->session, piece.data + i, 1, now_ns, reterr);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The runtime calls a method of the plugin. */
static int ask(struct bed *b, uint32_t stream, const char *method, const struct buf *payload)
{
    CLEANUP_BUF struct buf frame = BUF_INIT(4096);
    struct pb_bytes bytes = {payload ? payload->data : NULL, payload ? payload->len : 0};

    ck_assert_int_eq(ttrpc_encode_request(&frame, stream, NRI_PLUGIN_SERVICE, method, bytes), 0);
    return feed_frame(b, NRI_CONNECTION_PLUGIN, &frame, 1000, NULL);
}

static void check_answer(struct bed *b, uint32_t stream, int code, const char *payload, size_t len)
{
    struct ttrpc_response response;
    struct sent sent;
    struct ttrpc_frame frame = take_sent(b, NRI_CONNECTION_PLUGIN, &sent);

    ck_assert_uint_eq(frame.stream, stream);
    ck_assert_uint_eq(frame.type, TTRPC_RESPONSE);
    ck_assert_int_eq(ttrpc_response_decode(&response, frame.data), 0);
    ck_assert_int_eq(response.code, code);
    ck_assert(pb_bytes_equal(response.payload, payload, len));
}

static void make_ready(struct bed *b)
{
    CLEANUP_BUF struct buf configure = BUF_INIT(256);
    struct sent sent;

    take_sent(b, NRI_CONNECTION_RUNTIME, &sent);
    ck_assert_int_eq(pb_add_bytes(&configure, 2, "containerd", 10), 0);
    ck_assert_int_eq(pb_add_bytes(&configure, 3, "v1.7.24", 7), 0);
    ck_assert_int_eq(ask(b, 1, "Configure", &configure), 0);
    check_answer(b, 1, TTRPC_OK, "\x10\x20", 2); /* field 2: START_CONTAINER alone */
    ck_assert(!nri_session_is_ready(b->session));
    ck_assert_int_eq(ask(b, 3, "Synchronize", NULL), 0);
    check_answer(b, 3, TTRPC_OK, "", 0);
    ck_assert(nri_session_is_ready(b->session));
    ck_assert_str_eq(b->told, "ready(containerd v1.7.24)");
    b->told[0] = '\0';
}

static void add_change(struct buf *out, uint32_t event, const char *container_id)
{
    CLEANUP_BUF struct buf container = BUF_INIT(4096);

    ck_assert_int_eq(pb_add_varint(out, 1, event), 0);
    ck_assert_int_eq(pb_add_bytes(out, 2, "\x0a\x03pod", 5), 0);
    if (!container_id)
        return;
    ck_assert_int_eq(pb_add_bytes(&container, 1, container_id, strlen(container_id)), 0);
    ck_assert_int_eq(pb_add_bytes(&container, 7, "arg", 3), 0);
    ck_assert_int_eq(pb_add_bytes(out, 3, container.data, container.len), 0);
}

static int ask_start(struct bed *b, uint32_t stream, const char *container_id)
{
    CLEANUP_BUF struct buf change = BUF_INIT(4096);

    add_change(&change, NRI_EVENT_START_CONTAINER, container_id);
    return ask(b, stream, "StateChange", &change);
}

START_TEST(it_registers_and_is_ready_once_the_runtime_has_told_all)
{
    CLEANUP_BUF struct buf frame = BUF_INIT(4096);
    struct ttrpc_request request;
    struct ttrpc_frame said;
    struct sent sent;
    struct bed b;

    bed_new(&b);
    said = take_sent(&b, NRI_CONNECTION_RUNTIME, &sent);
    ck_assert_uint_eq(said.type, TTRPC_REQUEST);
    ck_assert_uint_eq(said.stream % 2, 1);
    ck_assert_int_eq(ttrpc_request_decode(&request, said.data), 0);
    ck_assert(pb_bytes_equal(request.service, NRI_RUNTIME_SERVICE, strlen(NRI_RUNTIME_SERVICE)));
    ck_assert(pb_bytes_equal(request.method, "RegisterPlugin", 14));
    ck_assert(pb_bytes_equal(request.payload, "\x0a\x06varmor\x12\x02" NRI_PLUGIN_INDEX, 12));
    ck_assert_int_eq(nri_session_open(b.session, 1), 0); /* the same once more */
    ck_assert_uint_eq(nri_session_deadline_ns(b.session), 1 + NRI_REGISTER_NS);
    make_ready(&b);
    ck_assert_uint_eq(nri_session_deadline_ns(b.session), 0);
    ck_assert_int_eq(ttrpc_encode_response(&frame, 1, TTRPC_OK, NULL, (struct pb_bytes){NULL, 0}),
                     0);
    ck_assert_int_eq(feed_frame(&b, NRI_CONNECTION_RUNTIME, &frame, 1, NULL), 0);
    ck_assert_uint_eq(nri_session_output(b.session)->len, 0);
    nri_session_free(b.session);
}
END_TEST

START_TEST(a_start_is_answered_when_its_container_may_start)
{
    struct bed b;

    bed_new(&b);
    make_ready(&b);
    b.lets_start_at_once = _i == 1;
    ck_assert_int_eq(ask_start(&b, 5, "c1"), 0);
    ck_assert_str_eq(b.told, "starting(c1)");
    if (!b.lets_start_at_once) {
        ck_assert_uint_eq(nri_session_output(b.session)->len, 0);
        nri_session_let_start(b.session, "another");
        ck_assert_uint_eq(nri_session_output(b.session)->len, 0);
        nri_session_let_start(b.session, "c1");
    }
    check_answer(&b, 5, TTRPC_OK, "", 0);
    ck_assert_uint_eq(nri_session_deadline_ns(b.session), 0);
    nri_session_let_start(b.session, "c1"); /* nobody waits any more */
    ck_assert_uint_eq(nri_session_output(b.session)->len, 0);
    nri_session_free(b.session);
}
END_TEST

static const struct {
    uint64_t timeout_ns, until_ns; /* from when it was asked */
} time_cases[] = {
    {0, NRI_HOLD_NS},
    {2 * NS_PER_SEC, 1500 * NS_PER_MSEC},
    {60 * NS_PER_SEC, 45 * NS_PER_SEC},
    {INT64_MAX, INT64_MAX - INT64_MAX / 4},
};

START_TEST(newer_runtimes_tell_of_a_start_by_a_method_of_its_own)
{
    struct bed b;
    CLEANUP_BUF struct buf start = BUF_INIT(256);

    bed_new(&b);
    make_ready(&b);
    ck_assert_int_eq(pb_add_bytes(&start, 1, "\x0a\x03pod", 5), 0);
    ck_assert_int_eq(pb_add_bytes(&start, 2,
                                  "\x0a\x02"
                                  "c1",
                                  4),
                     0);
    ck_assert_int_eq(ask(&b, 5, "StartContainer", &start), 0);
    ck_assert_str_eq(b.told, "starting(c1)");
    ck_assert_uint_eq(nri_session_output(b.session)->len, 0);
    nri_session_let_start(b.session, "c1");
    check_answer(&b, 5, TTRPC_OK, "", 0);
    nri_session_free(b.session);
}
END_TEST

START_TEST(a_start_that_nobody_answers_is_let_go_in_time)
{
    CLEANUP_BUF struct buf frame = BUF_INIT(4096), change = BUF_INIT(4096),
                           request = BUF_INIT(4096);
    uint64_t until_ns = 1000 + time_cases[_i].until_ns;
    struct bed b;

    bed_new(&b);
    make_ready(&b);
    add_change(&change, NRI_EVENT_START_CONTAINER, "c1");
    ck_assert_int_eq(pb_add_bytes(&request, 1, NRI_PLUGIN_SERVICE, strlen(NRI_PLUGIN_SERVICE)), 0);
    ck_assert_int_eq(pb_add_bytes(&request, 2, "StateChange", 11), 0);
    ck_assert_int_eq(pb_add_bytes(&request, 3, change.data, change.len), 0);
    if (time_cases[_i].timeout_ns)
        ck_assert_int_eq(pb_add_varint(&request, 4, time_cases[_i].timeout_ns), 0);
    ck_assert_int_eq(buf_add(&frame, "\0\0\0", 3), 0);
    ck_assert_uint_lt(request.len, 256);
    ck_assert_int_eq(buf_add(&frame, &(uint8_t){(uint8_t)request.len}, 1), 0);
    ck_assert_int_eq(buf_add(&frame, "\0\0\0\7\1\0", 6), 0);
    ck_assert_int_eq(buf_add(&frame, request.data, request.len), 0);
    ck_assert_int_eq(feed_frame(&b, NRI_CONNECTION_PLUGIN, &frame, 1000, NULL), 0);

    ck_assert_uint_eq(nri_session_deadline_ns(b.session), until_ns);
    ck_assert_int_eq(nri_session_expire(b.session, until_ns - 1, NULL), 0);
    ck_assert_str_eq(b.told, "starting(c1)");
    ck_assert_int_eq(nri_session_expire(b.session, until_ns, NULL), 0);
    ck_assert_str_eq(b.told, "starting(c1)overdue(c1)");
    check_answer(&b, 7, TTRPC_OK, "", 0);
    ck_assert_uint_eq(nri_session_deadline_ns(b.session), 0);
    nri_session_free(b.session);
}
END_TEST

START_TEST(more_starts_than_can_be_held_go_their_way)
{
    char id[16];
    struct bed b;

    bed_new(&b);
    make_ready(&b);
    for (unsigned i = 0; i < NRI_MAX_HELD; i++) {
        snprintf(id, sizeof(id), "c%u", i);
        b.told[0] = '\0';
        ck_assert_int_eq(ask_start(&b, 2 * i + 5, id), 0);
    }
    ck_assert_uint_eq(nri_session_output(b.session)->len, 0);
    b.told[0] = '\0';
    ck_assert_int_eq(ask_start(&b, 1001, "one too many"), 0);
    ck_assert_str_eq(b.told, "overdue(one too many)");
    check_answer(&b, 1001, TTRPC_OK, "", 0);
    nri_session_let_start(b.session, "c0");
    check_answer(&b, 5, TTRPC_OK, "", 0);
    nri_session_free(b.session);
}
END_TEST

START_TEST(a_connection_that_is_opened_anew_forgets_who_waited)
{
    struct bed b;

    bed_new(&b);
    make_ready(&b);
    ck_assert_int_eq(ask_start(&b, 5, "c1"), 0);
    ck_assert_int_eq(nri_session_open(b.session, 1), 0);
    ck_assert(!nri_session_is_ready(b.session));
    b.told[0] = '\0';
    make_ready(&b);
    nri_session_let_start(b.session, "c1");
    ck_assert_uint_eq(nri_session_output(b.session)->len, 0);
    nri_session_free(b.session);
}
END_TEST

START_TEST(what_is_not_asked_for_is_answered_all_the_same)
{
    CLEANUP_BUF struct buf change = BUF_INIT(4096), pod = BUF_INIT(4096), more = BUF_INIT(16);
    struct bed b;

    bed_new(&b);
    make_ready(&b);
    add_change(&change, 7, "c1"); /* POST_START_CONTAINER */
    ck_assert_int_eq(ask(&b, 5, "StateChange", &change), 0);
    check_answer(&b, 5, TTRPC_OK, "", 0);
    add_change(&pod, NRI_EVENT_START_CONTAINER, NULL);
    ck_assert_int_eq(ask(&b, 7, "StateChange", &pod), 0);
    check_answer(&b, 7, TTRPC_OK, "", 0);
    ck_assert_int_eq(ask(&b, 9, "CreateContainer", NULL), 0);
    check_answer(&b, 9, TTRPC_UNIMPLEMENTED, "", 0);
    ck_assert_int_eq(pb_add_varint(&more, 3, 1), 0);
    ck_assert_int_eq(ask(&b, 11, "Synchronize", &more), 0);
    check_answer(&b, 11, TTRPC_OK, "\x10\x01", 2); /* go on */
    ck_assert_int_eq(ask(&b, 13, "Shutdown", NULL), 0);
    check_answer(&b, 13, TTRPC_OK, "", 0);
    ck_assert_str_eq(b.told, "");
    nri_session_free(b.session);
}
END_TEST

START_TEST(a_refusal_is_told_with_its_reason)
{
    CLEANUP_BUF struct buf frame = BUF_INIT(4096);
    CLEANUP(error_free) struct error *e = NULL;
    struct bed b;

    bed_new(&b);
    ck_assert_int_eq(ttrpc_encode_response(&frame, 1, TTRPC_INVALID_ARGUMENT, "no more plugins",
                                           (struct pb_bytes){NULL, 0}),
                     0);
    ck_assert_int_eq(feed_frame(&b, NRI_CONNECTION_RUNTIME, &frame, 1, &e), -EPROTO);
    ck_assert_str_eq(error_message(e), "the runtime refuses our registration: no more plugins");
    nri_session_free(b.session);
}
END_TEST

START_TEST(a_runtime_that_does_not_take_us_on_is_left)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct bed b;

    bed_new(&b);
    ck_assert_int_eq(nri_session_expire(b.session, NRI_REGISTER_NS, NULL), 0);
    ck_assert_int_eq(nri_session_expire(b.session, NRI_REGISTER_NS + 1, &e), -ETIMEDOUT);
    ck_assert_str_eq(error_message(e), "the runtime does not take us on in time");
    nri_session_free(b.session);
}
END_TEST

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    const char *bytes;
    size_t len;
    const char *problem;
} garbage_cases[] = {
    {BYTES("\0\0\0\1\xff\0\0\0"), "Bad message"}, /* a piece of 4 GiB */
    {BYTES("\0\0\0\1\0\0\0\x0a\0\x40\0\1\0\0\0\1\1\0"), "a frame of 4194305 bytes"},
    {BYTES("\0\0\0\1\0\0\0\x0a\0\0\0\0\0\0\0\1\2\0"), "no request of NRI"},     /* a response */
    {BYTES("\0\0\0\1\0\0\0\x0b\0\0\0\1\0\0\0\1\1\0\x07"), "no request of NRI"}, /* no protobuf */
    {BYTES("\0\0\0\2\0\0\0\x0a\0\0\0\0\0\0\0\3\2\0"), "no answer to our registration"},
};

START_TEST(garbage_ends_the_connection_with_a_reason)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct bed b;
    int r;

    bed_new(&b);
    r = nri_session_feed(b.session, (const uint8_t *)garbage_cases[_i].bytes, garbage_cases[_i].len,
                         1, &e);
    ck_assert_int_eq(r, -EBADMSG);
    ck_assert_msg(strstr(error_message(e), garbage_cases[_i].problem) != NULL, "%s",
                  error_message(e));
    nri_session_free(b.session);
}
END_TEST

START_TEST(an_id_that_is_too_long_is_refused)
{
    char id[NRI_ID_SIZE + 1];
    struct bed b;

    bed_new(&b);
    make_ready(&b);
    memset(id, 'a', sizeof(id));
    id[NRI_ID_SIZE] = '\0';
    ck_assert_int_eq(ask_start(&b, 5, id), -EBADMSG);
    id[NRI_ID_SIZE - 1] = '\0';
    ck_assert_int_eq(ask_start(&b, 5, id), 0);
    nri_session_free(b.session);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("nri_session");
    TCase *t = tcase_create("nri_session");

    tcase_add_test(t, it_registers_and_is_ready_once_the_runtime_has_told_all);
    tcase_add_loop_test(t, a_start_is_answered_when_its_container_may_start, 0, 2);
    tcase_add_test(t, newer_runtimes_tell_of_a_start_by_a_method_of_its_own);
    tcase_add_loop_test(t, a_start_that_nobody_answers_is_let_go_in_time, 0,
                        (int)ARRAY_SIZE(time_cases));
    tcase_add_test(t, more_starts_than_can_be_held_go_their_way);
    tcase_add_test(t, a_connection_that_is_opened_anew_forgets_who_waited);
    tcase_add_test(t, what_is_not_asked_for_is_answered_all_the_same);
    tcase_add_test(t, a_refusal_is_told_with_its_reason);
    tcase_add_test(t, a_runtime_that_does_not_take_us_on_is_left);
    tcase_add_loop_test(t, garbage_ends_the_connection_with_a_reason, 0,
                        (int)ARRAY_SIZE(garbage_cases));
    tcase_add_test(t, an_id_that_is_too_long_is_refused);
    suite_add_tcase(s, t);
    return s;
}
