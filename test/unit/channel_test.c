/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/vm/channel.h"

static struct channel near_end, far_end;

static void connect_ends(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    near_end = (struct channel){.fd = pair[0]};
    far_end = (struct channel){.fd = pair[1]};
}

static void close_ends(void)
{
    close(near_end.fd);
    close(far_end.fd);
}

static void send_bytes(const void *data, size_t len)
{
    ck_assert_int_eq(write(near_end.fd, data, len), (ssize_t)len);
}

/* The next frame is this text, of this request. */
static void expect_frame(uint32_t id, const char *text)
{
    struct channel_header header;

    ck_assert_int_eq(channel_read(&far_end, &header), CHANNEL_FRAME);
    ck_assert_uint_eq(header.id, id);
    ck_assert_uint_eq(header.length, strlen(text));
    ck_assert_mem_eq(channel_payload(&far_end), text, strlen(text));
    channel_next(&far_end);
}

static void expect_nothing(void)
{
    struct channel_header header;

    ck_assert_int_eq(channel_read(&far_end, &header), CHANNEL_AGAIN);
}

START_TEST(frames_arrive_one_by_one)
{
    ck_assert_int_eq(channel_write(&near_end, 7, CHANNEL_OUTPUT, "one", 3), 0);
    ck_assert_int_eq(channel_write(&near_end, 7, CHANNEL_INPUT_DONE, NULL, 0), 0);
    ck_assert_int_eq(channel_write(&near_end, 8, CHANNEL_ERRORS, "three", 5), 0);
    expect_frame(7, "one");
    expect_frame(7, "");
    expect_frame(8, "three");
    expect_nothing();
}
END_TEST

START_TEST(a_frame_in_pieces_arrives_whole)
{
    unsigned char frame[sizeof(struct channel_header) + 5];
    struct channel_header header = {CHANNEL_MAGIC, 3, CHANNEL_OUTPUT, 5};

    memcpy(frame, &header, sizeof(header));
    memcpy(frame + sizeof(header), "bytes", 5);
    for (size_t i = 0; i < sizeof(frame); i++) {
        expect_nothing();
        send_bytes(frame + i, 1);
    }
    expect_frame(3, "bytes");
}
END_TEST

/* What a client leaves behind that was killed while it wrote. */
static const struct {
    const char *what;
    size_t len;
} rubbish_cases[] = {
    {"x", 1},
    {"vcv", 3}, /* all of the magic number but its end */
    {"uvcvcvx", 7},
    {"\x76\x63\x76\x6d\x01\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\xff", 16}, /* too long */
    {"\x76\x63\x76\x6d\x01\x00\x00\x00\x01\x00\x00\x00\x01\x7d\x00\x00", 16}, /* by one */
};

START_TEST(bytes_that_are_no_frame_are_skipped)
{
    send_bytes(rubbish_cases[_i].what, rubbish_cases[_i].len);
    ck_assert_int_eq(channel_write(&near_end, 1, CHANNEL_OUTPUT, "whole", 5), 0);
    expect_frame(1, "whole");
    expect_nothing();
}
END_TEST

/* However much of a frame a killed client has sent, the next client's frames arrive. */
START_TEST(a_beginning_ends_an_unfinished_frame)
{
    static const size_t n_sent[] = {1,
                                    4,
                                    15,
                                    sizeof(struct channel_header),
                                    sizeof(struct channel_header) + 1,
                                    sizeof(struct channel_header) + CHANNEL_PAYLOAD_MAX - 1};
    static unsigned char frame[sizeof(struct channel_header) + CHANNEL_PAYLOAD_MAX];
    struct channel_header header = {CHANNEL_MAGIC, 1, CHANNEL_INPUT, CHANNEL_PAYLOAD_MAX};
    int r;

    memcpy(frame, &header, sizeof(header));
    send_bytes(frame, n_sent[_i]);
    ck_assert_int_eq(channel_begin(&near_end), 0);
    ck_assert_int_eq(channel_write(&near_end, 2, CHANNEL_REQUEST, "next", 4), 0);
    while ((r = channel_read(&far_end, &header)) == CHANNEL_FRAME && header.id != 2)
        channel_next(&far_end);
    ck_assert_int_eq(r, CHANNEL_FRAME);
    expect_frame(2, "next");
}
END_TEST

START_TEST(a_payload_has_a_ceiling)
{
    static char data[CHANNEL_PAYLOAD_MAX + 1];
    struct channel_header header;

    ck_assert_int_eq(channel_write(&near_end, 1, CHANNEL_OUTPUT, data, sizeof(data)), -EMSGSIZE);
    ck_assert_int_eq(channel_write(&near_end, 1, CHANNEL_OUTPUT, data, sizeof(data) - 1), 0);
    ck_assert_int_eq(channel_read(&far_end, &header), CHANNEL_FRAME);
    ck_assert_uint_eq(header.length, CHANNEL_PAYLOAD_MAX);
}
END_TEST

START_TEST(the_other_ends_close_is_told)
{
    struct channel_header header;

    ck_assert_int_eq(channel_write(&near_end, 1, CHANNEL_OUTPUT, "last", 4), 0);
    ck_assert_int_eq(shutdown(near_end.fd, SHUT_RDWR), 0);
    expect_frame(1, "last");
    ck_assert_int_eq(channel_read(&far_end, &header), CHANNEL_GONE);
}
END_TEST

/* Nobody reads: the writer waits for room, and gives up once the port has looked closed for a
 * while. */
START_TEST(a_writer_does_not_wait_for_ever)
{
    static char data[CHANNEL_PAYLOAD_MAX];
    int r = 0;

    if (fork() == 0) {
        close(near_end.fd);
        for (int i = 0; i < 1000; i++)
            (void)read(far_end.fd, data, 16); /* a little room, then none */
        _exit(0);
    }
    close(far_end.fd);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 1000 && r == 0; i++)
        r = channel_write(&near_end, 1, CHANNEL_OUTPUT, data, sizeof(data));
    ck_assert_msg(r == -EPIPE || r == -ECONNRESET, "%s", strerror(-r));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("channel");
    TCase *t = tcase_create("channel");

    tcase_add_checked_fixture(t, connect_ends, close_ends);
    tcase_add_test(t, frames_arrive_one_by_one);
    tcase_add_test(t, a_frame_in_pieces_arrives_whole);
    tcase_add_loop_test(t, bytes_that_are_no_frame_are_skipped, 0,
                        sizeof(rubbish_cases) / sizeof(*rubbish_cases));
    tcase_add_loop_test(t, a_beginning_ends_an_unfinished_frame, 0, 6);
    tcase_add_test(t, a_payload_has_a_ceiling);
    tcase_add_test(t, the_other_ends_close_is_told);
    tcase_add_test(t, a_writer_does_not_wait_for_ever);
    suite_add_tcase(s, t);
    return s;
}
