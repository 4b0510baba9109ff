/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/rpc/inbox.h"
#include "lib/rpc/outbox.h"

/* Bytes of a literal, its NUL left out. */
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static const struct {
    const uint8_t *input;
    size_t len;
    const char *messages; /* each followed by '|' */
    int result;           /* after all input */
} reader_cases[] = {
    {BYTES("\0\0\0\0\3abc"), "abc|", 0},
    {BYTES("\0\0\0\0\0\0\0\0\0\1x\0\0\0\0\0"), "|x||", 0},
    {BYTES("\0\0\0\0\3ab"), "", 0},
    {BYTES("\0\0\0"), "", 0},
    {BYTES("\0\0\0\0\7abcdefg"), "abcdefg|", 0},
    {BYTES("\0\0\0\0\1a\0\0\0\0\11abcdefghi"), "a|", -EMSGSIZE},
    {BYTES("\0\xff\xff\xff\xff"), "", -EMSGSIZE},
    {BYTES("\1\0\0\0\1a"), "", -EOPNOTSUPP},
    {BYTES("\2\0\0\0\1a"), "", -EPROTO},
};

START_TEST(messages_are_cut_the_same_however_the_bytes_arrive)
{
    for (size_t step = 1; step <= reader_cases[_i].len; step++) {
        CLEANUP_BUF struct buf got = BUF_INIT(100);
        struct budget budget = {.max = 100};
        struct message_reader reader;
        int r = 0;

        message_reader_init(&reader, 8, &budget);
        for (size_t at = 0; at < reader_cases[_i].len && r >= 0; at += step) {
            const uint8_t *data = reader_cases[_i].input + at, *message = NULL;
            size_t len = MIN(step, reader_cases[_i].len - at), message_len = 0;

            while ((r = message_reader_feed(&reader, &data, &len, &message, &message_len)) ==
                   MESSAGE_READER_MESSAGE) {
                ck_assert_int_eq(buf_add(&got, message, message_len), 0);
                ck_assert_int_eq(buf_add(&got, "|", 1), 0);
            }
        }
        ck_assert_int_eq(r, reader_cases[_i].result);
        ck_assert_str_eq(buf_text(&got), reader_cases[_i].messages);
        message_reader_done(&reader);
        ck_assert_uint_eq(budget.used, 0);
    }
}
END_TEST

START_TEST(what_is_held_is_what_came_and_not_what_was_announced)
{
    struct budget server = {.max = 6}, connection = {.max = 100, .parent = &server};
    struct message_reader reader;
    const uint8_t *data = (const uint8_t *)"\0\0\0\0\100abc", *message = NULL;
    size_t len = 8, message_len = 0;

    message_reader_init(&reader, 1000, &connection);
    ck_assert_int_eq(message_reader_feed(&reader, &data, &len, &message, &message_len),
                     MESSAGE_READER_MORE);
    ck_assert_uint_eq(connection.used, 3);
    ck_assert_uint_eq(server.used, 3);
    ck_assert(!message_reader_is_between(&reader));
    data = (const uint8_t *)"defg";
    len = 4; /* one more than the server has left */
    ck_assert_int_eq(message_reader_feed(&reader, &data, &len, &message, &message_len), -ENOBUFS);
    ck_assert_uint_eq(connection.used, 3);
    message_reader_done(&reader);
    ck_assert_uint_eq(connection.used, 0);
    ck_assert_uint_eq(server.used, 0);
}
END_TEST

struct trace {
    struct inbox in;
    struct buf got; /* messages with '|' behind, 'E' the end, 'F' a failure */
    size_t consumed;
    size_t close_after; /* messages after which the gate closes; 0: never */
    size_t n_messages;
    bool opens_again; /* at once, inside message() */
    bool shuts;
};

static void trace_message(void *owner, const uint8_t *data, size_t len)
{
    struct trace *t = owner;

    ck_assert_int_eq(buf_add(&t->got, data, len), 0);
    ck_assert_int_eq(buf_add(&t->got, "|", 1), 0);
    if (++t->n_messages == t->close_after) {
        inbox_close_gate(&t->in);
        if (t->opens_again)
            inbox_open_gate(&t->in);
        if (t->shuts)
            inbox_shut(&t->in);
    }
}

static void trace_consumed(void *owner, size_t len)
{
    struct trace *t = owner;

    t->consumed += len;
}

static void trace_end(void *owner)
{
    struct trace *t = owner;

    ck_assert_int_eq(buf_add(&t->got, "E", 1), 0);
}

static void trace_failed(void *owner, int code)
{
    struct trace *t = owner;

    ck_assert_int_lt(code, 0);
    ck_assert_int_eq(buf_add(&t->got, "F", 1), 0);
}

static const struct inbox_handler trace_handler = {trace_message, trace_consumed, trace_end,
                                                   trace_failed};

static void trace_init(struct trace *t)
{
    *t = (struct trace){.got = BUF_INIT(1000)};
    inbox_init(&t->in, &trace_handler, t, 8, 64, NULL);
}

static void trace_done(struct trace *t)
{
    inbox_done(&t->in);
    buf_done(&t->got);
}

#define THREE BYTES("\0\0\0\0\1a\0\0\0\0\1b\0\0\0\0\1c")

START_TEST(a_closed_gate_holds_messages_and_opens_no_window)
{
    struct trace t;

    trace_init(&t);
    t.close_after = 1;
    inbox_feed(&t.in, THREE);
    inbox_feed(&t.in, BYTES("\0\0\0\0\1d"));
    inbox_end(&t.in);
    ck_assert_str_eq(buf_text(&t.got), "a|");
    ck_assert_uint_eq(t.consumed, 6);
    inbox_open_gate(&t.in);
    ck_assert_str_eq(buf_text(&t.got), "a|b|c|d|E");
    ck_assert_uint_eq(t.consumed, 24);
    trace_done(&t);
}
END_TEST

START_TEST(a_gate_may_be_opened_and_the_inbox_shut_inside_message)
{
    struct trace t;

    trace_init(&t);
    t.close_after = 2;
    t.opens_again = true;
    inbox_feed(&t.in, THREE);
    inbox_end(&t.in);
    ck_assert_str_eq(buf_text(&t.got), "a|b|c|E");
    trace_done(&t);

    trace_init(&t);
    t.close_after = 1;
    inbox_feed(&t.in, THREE);
    t.close_after = 2;
    t.shuts = true;
    inbox_open_gate(&t.in);
    inbox_feed(&t.in, THREE);
    inbox_end(&t.in);
    ck_assert_str_eq(buf_text(&t.got), "a|b|");
    ck_assert_uint_eq(t.consumed, 36); /* what nobody wants holds no window */
    trace_done(&t);
}
END_TEST

START_TEST(an_end_within_a_message_is_a_failure)
{
    struct trace t;

    trace_init(&t);
    inbox_feed(&t.in, BYTES("\0\0\0\0\1a\0\0\0\0\2b"));
    inbox_end(&t.in);
    ck_assert_str_eq(buf_text(&t.got), "a|F");
    ck_assert_uint_eq(t.consumed, 12);
    trace_done(&t);
}
END_TEST

START_TEST(a_peer_that_ignores_its_window_is_cut_off)
{
    uint8_t flood[65] = {};
    struct trace t;

    trace_init(&t);
    inbox_close_gate(&t.in);
    inbox_feed(&t.in, flood, 64);
    ck_assert_str_eq(buf_text(&t.got), "");
    inbox_feed(&t.in, flood, 1);
    ck_assert_str_eq(buf_text(&t.got), "F");
    trace_done(&t);
}
END_TEST

START_TEST(a_queue_takes_one_large_message_or_as_many_as_fit)
{
    struct budget budget = {.max = 100};
    struct outbox out;
    uint8_t data[90] = "0123456789", got[200];

    outbox_init(&out, 30, &budget);
    ck_assert_int_eq(outbox_put(&out, data, 10), 0);
    ck_assert_int_eq(outbox_put(&out, data, 10), 0);
    ck_assert_int_eq(outbox_put(&out, data, 0), -ENOBUFS); /* 35 of 30 */
    ck_assert_uint_eq(out.bytes, 30);
    ck_assert_uint_eq(budget.used, 30);
    ck_assert_uint_eq(outbox_take(&out, got, 7), 7);
    ck_assert(memcmp(got,
                     "\0\0\0\0\12"
                     "01",
                     7) == 0);
    ck_assert(outbox_is_within_message(&out));
    ck_assert(!outbox_has_room(&out));
    ck_assert_uint_eq(outbox_take(&out, got, 8), 8);
    ck_assert(!outbox_is_within_message(&out));
    ck_assert(outbox_has_room(&out));
    ck_assert(!outbox_has_room(&out)); /* told once */
    ck_assert_uint_eq(outbox_take(&out, got, sizeof(got)), 15);
    ck_assert_uint_eq(outbox_take(&out, got, sizeof(got)), 0);
    ck_assert_int_eq(outbox_put(&out, data, 90), 0); /* above the limit, but alone */
    ck_assert_uint_eq(budget.used, 95);
    ck_assert_int_eq(outbox_put(&out, data, 1), -ENOBUFS);
    outbox_done(&out);
    ck_assert_uint_eq(budget.used, 0);
    ck_assert_uint_eq(out.bytes, 0);
}
END_TEST

START_TEST(calls_of_a_connection_share_its_budget)
{
    struct budget budget = {.max = 20};
    struct outbox a, b;
    uint8_t data[20] = {}, got[20];

    outbox_init(&a, 100, &budget);
    outbox_init(&b, 100, &budget);
    ck_assert_int_eq(outbox_put(&a, data, 10), 0);
    ck_assert_int_eq(outbox_put(&b, data, 10), -ENOBUFS);
    ck_assert_uint_eq(outbox_take(&a, got, 15), 15);
    ck_assert_int_eq(outbox_put(&b, data, 10), 0);
    outbox_done(&a);
    outbox_done(&b);
    ck_assert_uint_eq(budget.used, 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_message");
    TCase *t = tcase_create("grpc_message");

    tcase_add_loop_test(t, messages_are_cut_the_same_however_the_bytes_arrive, 0,
                        (int)ARRAY_SIZE(reader_cases));
    tcase_add_test(t, what_is_held_is_what_came_and_not_what_was_announced);
    tcase_add_test(t, a_closed_gate_holds_messages_and_opens_no_window);
    tcase_add_test(t, a_gate_may_be_opened_and_the_inbox_shut_inside_message);
    tcase_add_test(t, an_end_within_a_message_is_a_failure);
    tcase_add_test(t, a_peer_that_ignores_its_window_is_cut_off);
    tcase_add_test(t, a_queue_takes_one_large_message_or_as_many_as_fit);
    tcase_add_test(t, calls_of_a_connection_share_its_budget);
    suite_add_tcase(s, t);
    return s;
}
