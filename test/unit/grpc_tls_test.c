/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "test/unit/grpc_bed.h"
#include "test/unit/grpc_raw.h"

/* Makes the channel anew as another party and calls; returns what came of it. */
static struct probe call_as(struct bed *b, const char *party, const char *ca,
                            const char *server_name)
{
    struct bed_tls tls;
    struct error *e = NULL;
    struct probe p;

    b->channel = grpc_channel_free(b->channel);
    bed_tls_make(&tls, party, ca, server_name);
    ck_assert_msg(grpc_channel_new(&b->channel, b->loop, &b->address, &tls.tls, NULL, &e) == 0,
                  "%s", error_message(e));
    probe_start(&p, b, "/test.Echo/Echo", 0);
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    return p;
}

static const struct {
    const char *party, *ca, *server_name;
    enum grpc_status status;
    const char *text; /* a part of it */
} party_cases[] = {
    {"node", "ca", NULL, GRPC_OK, ""},
    {"node", "ca", "manager.test", GRPC_OK, ""},
    {"server", "ca", "127.0.0.1", GRPC_OK, ""}, /* a certificate is one, whoever shows it */
    {"node", "ca", "127.0.0.2", GRPC_UNAVAILABLE, "IP address mismatch"},
    {"node", "ca", "manager", GRPC_UNAVAILABLE, "hostname mismatch"},
    {"node", "other", NULL, GRPC_UNAVAILABLE,
     "certificate"}, /* the client does not believe the server */
    {"stranger", "ca", NULL, GRPC_UNAVAILABLE,
     "unknown ca"}, /* the server does not believe the client */
    {"stranger", "other", NULL, GRPC_UNAVAILABLE, "certificate"},
};

START_TEST(both_sides_must_show_a_certificate_that_the_other_believes)
{
    struct probe p;
    struct bed b;

    bed_new(&b, GRPC_TLS, NULL, NULL);
    p = call_as(&b, party_cases[_i].party, party_cases[_i].ca, party_cases[_i].server_name);
    ck_assert_msg(p.status == party_cases[_i].status, "%s: %s", grpc_status_name(p.status), p.text);
    ck_assert_msg(strstr(p.text, party_cases[_i].text) != NULL, "%s", p.text);
    ck_assert_uint_eq(b.echo.n_open, p.status == GRPC_OK);
    p = call_as(&b, "node", "ca", NULL); /* and the server is none the worse */
    ck_assert_int_eq(p.status, GRPC_OK);
    bed_done(&b);
}
END_TEST

static const struct {
    const char *ca, *certificate, *key;
    const char *text; /* a part of the message */
} file_cases[] = {
    {NULL, "node.pem", "node.key", "an authority is needed"},
    {"ca.pem", NULL, "node.key", "a certificate needs its key"},
    {"ca.pem", "node.pem", NULL, "a certificate needs its key"},
    {"absent.pem", "node.pem", "node.key", "absent.pem': authority: No such file or directory"},
    {"ca.pem", "absent.pem", "node.key", "absent.pem': certificate: No such file or directory"},
    {"ca.pem", "node.pem", "absent.key", "absent.key': private key: No such file or directory"},
    {"node.key", "node.pem", "node.key", "node.key': authority: no start line"},
    {"ca.pem", "node.pem", "server.key", "server.key': private key: key values mismatch"},
    {"ca.pem", "node.key", "node.key", "node.key': certificate: no start line"},
};

START_TEST(wrong_files_are_named_when_they_are_read)
{
    CLEANUP(error_free) struct error *e = NULL;
    const char *names[] = {file_cases[_i].ca, file_cases[_i].certificate, file_cases[_i].key};
    struct grpc_channel *channel = NULL;
    char paths[3][64];
    struct grpc_tls tls;
    struct bed b;

    bed_new(&b, GRPC_TLS, NULL, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", bed_keys, names[i] ? names[i] : "");
    tls = (struct grpc_tls){.ca_file = names[0] ? paths[0] : NULL,
                            .certificate_file = names[1] ? paths[1] : NULL,
                            .key_file = names[2] ? paths[2] : NULL};
    ck_assert_int_eq(grpc_channel_new(&channel, b.loop, &b.address, &tls, NULL, &e), -EINVAL);
    ck_assert_ptr_null(channel);
    ck_assert_msg(strstr(error_message(e), file_cases[_i].text) != NULL, "%s", error_message(e));
    bed_done(&b);
}
END_TEST

/* Other programs' view: what openssl's client says of our server, run beside our loop. */
struct program {
    struct bed *bed;
    FILE *pipe;
    struct loop_io *io;
    char output[65536];
    size_t len;
};

static void program_on_output(int fd, unsigned events UNUSED, void *data)
{
    struct program *p = data;
    ssize_t n = read(fd, p->output + p->len, sizeof(p->output) - 1 - p->len);

    if (n > 0)
        p->len += (size_t)n;
    else
        loop_stop(p->bed->loop);
}

static int program_run(struct program *p, struct bed *b, const char *options)
{
    char command[512];

    *p = (struct program){.bed = b};
    snprintf(
        command, sizeof(command),
        "cd %s && timeout 10 openssl s_client -ign_eof -connect 127.0.0.1:%u -CAfile ca.pem %s </dev/null 2>&1",
        bed_keys, b->address.port, options);
    p->pipe = popen(command, "re");
    ck_assert_ptr_nonnull(p->pipe);
    ck_assert_int_eq(loop_io_new(b->loop, &p->io, fileno(p->pipe), LOOP_READ, program_on_output, p),
                     0);
    ck_assert_int_eq(loop_run(b->loop), 0);
    loop_io_free(p->io);
    return pclose(p->pipe);
}

static const struct {
    const char *options;
    const char *output; /* a part of it */
} client_cases[] = {
    {"-cert node.pem -key node.key -alpn h2", "ALPN protocol: h2"},
    {"-cert node.pem -key node.key -alpn http/1.1,h2", "ALPN protocol: h2"},
    {"-cert node.pem -key node.key -alpn h2", "TLSv1.3"},
    {"-cert node.pem -key node.key -alpn h2 -tls1_2", "alert protocol version"},
    {"-cert node.pem -key node.key -alpn http/1.1", "alert no application protocol"},
    {"-alpn h2", "alert certificate required"},
};

START_TEST(openssl_sees_tls_1_3_with_h2_and_nothing_else)
{
    /* It says nothing after TLS, so it is let go at the end of this time. */
    struct grpc_limits limits = {.handshake_ns = 300 * NS_PER_MSEC};
    static struct program p;
    struct bed b;

    bed_new(&b, GRPC_TLS, &limits, NULL);
    program_run(&p, &b, client_cases[_i].options);
    ck_assert_msg(strstr(p.output, client_cases[_i].output) != NULL, "%s", p.output);
    bed_done(&b);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} silence_cases[] = {
    {BYTES("")},
    {BYTES("\x16\x03\x01\x02")},                       /* the beginning of a hello */
    {BYTES(PREFACE SETTINGS)},                         /* HTTP/2 in the clear */
    {BYTES("\x16\x03\x01\x00\x05\x01\xff\xff\xff\0")}, /* a hello of 16 MiB */
    {BYTES("GET / HTTP/1.0\r\n\r\n")},
};

START_TEST(who_does_not_speak_tls_is_let_go_in_time)
{
    struct grpc_limits limits = {.handshake_ns = 100 * NS_PER_MSEC};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct grpc_server_stats stats;
    uint8_t sink[256];
    struct probe p;
    struct bed b;
    int fd;

    bed_new(&b, GRPC_TLS, &limits, NULL);
    address.sin_port = htons(b.address.port);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(write(fd, silence_cases[_i].bytes, silence_cases[_i].len),
                     (ssize_t)silence_cases[_i].len);
    do {
        bed_let_pass(&b, NS_PER_MSEC);
        grpc_server_stats(b.server, &stats);
    } while (stats.connections == 0 || stats.open_connections > 0);
    while (read(fd, sink, sizeof(sink)) > 0) /* an alert, perhaps; then the end */
        continue;
    close(fd);
    p = call_as(&b, "node", "ca", NULL);
    ck_assert_int_eq(p.status, GRPC_OK);
    bed_done(&b);
}
END_TEST

START_TEST(a_server_without_alpn_is_not_spoken_to)
{
    static struct program p;
    char command[512];
    struct probe probe;
    struct bed b;
    int port = 20000 + getpid() % 20000;

    bed_new(&b, GRPC_TLS, NULL, NULL);
    snprintf(
        command, sizeof(command),
        "cd %s && exec timeout 10 openssl s_server -accept 127.0.0.1:%d -cert server.pem -key server.key"
        " -www -naccept 1 2>&1",
        bed_keys, port);
    p = (struct program){.bed = &b};
    p.pipe = popen(command, "re");
    ck_assert_ptr_nonnull(p.pipe);
    while (!strstr(p.output, "ACCEPT")) {
        ssize_t n = read(fileno(p.pipe), p.output + p.len, sizeof(p.output) - 1 - p.len);

        ck_assert_int_gt(n, 0);
        p.len += (size_t)n;
    }
    b.address.port = (uint16_t)port;
    probe = call_as(&b, "node", "ca", NULL);
    ck_assert_int_eq(probe.status, GRPC_UNAVAILABLE);
    ck_assert_msg(strstr(probe.text, "does not speak HTTP/2") != NULL, "%s", probe.text);
    pclose(p.pipe);
    bed_done(&b);
}
END_TEST

/* Points the channel's address at a name instead of a number. */
static void bed_rename(struct bed *b, const char *host)
{
    free(b->address.host);
    b->address.host = strdup(host);
}

START_TEST(a_name_is_resolved_and_the_certificate_is_checked_against_it)
{
    struct probe p;
    struct bed b;

    bed_new(&b, GRPC_TLS, NULL, NULL);
    bed_rename(&b, "localhost"); /* of /etc/hosts: needs no network */
    p = call_as(&b, "node", "ca", "manager.test");
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    p = call_as(&b, "node", "ca", NULL);
    ck_assert_int_eq(p.status, GRPC_UNAVAILABLE);
    ck_assert_msg(strstr(p.text, "hostname mismatch") != NULL, "%s", p.text);
    bed_done(&b);
}
END_TEST

START_TEST(a_name_that_takes_long_to_resolve_blocks_nobody)
{
    struct bed_tls tls;
    struct probe p;
    struct bed b;

    bed_new(&b, GRPC_TLS, NULL, NULL);
    bed_rename(&b, "no-such-name.invalid");
    b.channel = grpc_channel_free(b.channel);
    bed_tls_make(&tls, "node", "ca", NULL);
    ck_assert_int_eq(grpc_channel_new(&b.channel, b.loop, &b.address, &tls.tls, NULL, NULL), 0);
    probe_start(&p, &b, "/test.Echo/Echo", 50 * NS_PER_MSEC);
    probe_wait(&p);
    /* With a resolver that answers at once it is unavailable, else the deadline passes. */
    if (p.status == GRPC_UNAVAILABLE)
        ck_assert_msg(strstr(p.text, "no-such-name.invalid") != NULL, "%s", p.text);
    else
        ck_assert_int_eq(p.status, GRPC_DEADLINE_EXCEEDED);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    bed_let_pass(&b, NS_PER_MSEC);
    b.channel = grpc_channel_free(b.channel); /* in the middle of the lookup */
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    ck_assert(p.is_closed);
    bed_done(&b);
}
END_TEST

static const size_t size_cases[] = {0, 1, 16384, 100000, 4 * 1024 * 1024};

START_TEST(a_message_of_any_size_passes_through_tls)
{
    size_t len = size_cases[_i];
    CLEANUP_FREE uint8_t *data = calloc(1, len + 1);
    struct probe p;
    struct bed b;

    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 7 + i / 253);
    bed_new(&b, GRPC_TLS, NULL, NULL);
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

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_tls");
    TCase *t = tcase_create("grpc_tls");

    tcase_add_unchecked_fixture(t, bed_make_keys, bed_drop_keys);
    tcase_add_loop_test(t, both_sides_must_show_a_certificate_that_the_other_believes, 0,
                        (int)ARRAY_SIZE(party_cases));
    tcase_add_loop_test(t, wrong_files_are_named_when_they_are_read, 0,
                        (int)ARRAY_SIZE(file_cases));
    tcase_add_loop_test(t, openssl_sees_tls_1_3_with_h2_and_nothing_else, 0,
                        (int)ARRAY_SIZE(client_cases));
    tcase_add_loop_test(t, who_does_not_speak_tls_is_let_go_in_time, 0,
                        (int)ARRAY_SIZE(silence_cases));
    tcase_add_test(t, a_server_without_alpn_is_not_spoken_to);
    tcase_add_test(t, a_name_is_resolved_and_the_certificate_is_checked_against_it);
    tcase_add_test(t, a_name_that_takes_long_to_resolve_blocks_nobody);
    tcase_add_loop_test(t, a_message_of_any_size_passes_through_tls, 0,
                        (int)ARRAY_SIZE(size_cases));
    suite_add_tcase(s, t);
    return s;
}
