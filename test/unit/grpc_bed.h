/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the tests of gRPC share: an echo service, one loop with a real server and a real channel to
 * it, and a call that remembers what came of it. Included once by each test.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"
#include "lib/rpc/grpc_server.h"

/* ---- An echo service ---- */

struct echo {
    unsigned n_open, n_closed, n_half_closed, n_messages;
    struct grpc_peer peer;
    char metadata[64];
    char common_name[64];
};

static void echo_open(struct grpc_call *call, void *service)
{
    struct echo *e = service;
    const char *text = grpc_call_metadata(call, "x-text");

    grpc_call_set_data(call, e);
    e->n_open++;
    e->peer = *grpc_call_peer(call);
    snprintf(e->metadata, sizeof(e->metadata), "%s", text ? text : "");
    snprintf(e->common_name, sizeof(e->common_name), "%s",
             e->peer.common_name ? e->peer.common_name : "");
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

/* ---- The bed: one loop with a server and a channel to it ---- */

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

/* Keys as a cluster would have them, made once by the openssl program for all tests of a case (an
 * unchecked fixture): an authority, a server, a node, and a stranger with an authority of its own.
 */
static char bed_keys[32]; /* their folder */

UNUSED static void bed_make_keys(void)
{
    static const char script[] =
        "cd '%s' && new='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2' && {"
        " $new -subj /CN=authority -keyout ca.key -out ca.pem &&"
        " $new -subj /CN=other -keyout other.key -out other.pem &&"
        " $new -subj /CN=server -CA ca.pem -CAkey ca.key -keyout server.key -out server.pem"
        "  -addext subjectAltName=DNS:manager.test,IP:127.0.0.1 &&"
        " $new -subj /CN=node-1 -CA ca.pem -CAkey ca.key -keyout node.key -out node.pem &&"
        " $new -subj /CN=node-1 -CA other.pem -CAkey other.key -keyout stranger.key -out stranger.pem;"
        " } 2>openssl.log";
    char command[1024];

    snprintf(bed_keys, sizeof(bed_keys), "/tmp/grpc_keys.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(bed_keys));
    snprintf(command, sizeof(command), script, bed_keys);
    ck_assert_int_eq(system(command), 0);
}

UNUSED static void bed_drop_keys(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -r '%s'", bed_keys);
    ck_assert_int_eq(system(command), 0);
}

/* The TLS files of one party: "server", "node", "stranger". */
struct bed_tls {
    char ca[64], certificate[64], key[64];
    struct grpc_tls tls;
};

static void bed_tls_make(struct bed_tls *t, const char *party, const char *ca,
                         const char *server_name)
{
    snprintf(t->ca, sizeof(t->ca), "%s/%s.pem", bed_keys, ca);
    snprintf(t->certificate, sizeof(t->certificate), "%s/%s.pem", bed_keys, party);
    snprintf(t->key, sizeof(t->key), "%s/%s.key", bed_keys, party);
    t->tls = (struct grpc_tls){.ca_file = t->ca,
                               .certificate_file = t->certificate,
                               .key_file = t->key,
                               .server_name = server_name};
}

/* kind: GRPC_UNIX, GRPC_TCP or GRPC_TLS. */
UNUSED static void bed_new(struct bed *b, int kind, const struct grpc_limits *server_limits,
                           const struct grpc_limits *client_limits)
{
    static const char *const schemes[] = {
        [GRPC_UNIX] = "", [GRPC_TCP] = "tcp://127.0.0.1:0", [GRPC_TLS] = "tls://127.0.0.1:0"};
    struct bed_tls server = {}, client = {};
    char text[64];
    struct error *e = NULL;

    *b = (struct bed){.folder = "/tmp/grpc_bed.XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(b->folder));
    if (kind == GRPC_TLS) {
        bed_tls_make(&server, "server", "ca", NULL);
        bed_tls_make(&client, "node", "ca", NULL);
    }
    ck_assert_int_eq(loop_new(&b->loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(b->loop, &b->watchdog, bed_on_watchdog, NULL), 0);
    loop_timer_set(b->watchdog, 20 * NS_PER_SEC);
    ck_assert_int_eq(grpc_server_new(&b->server, b->loop, server_limits, NULL), 0);
    ck_assert_int_eq(
        grpc_server_add(b->server, echo_methods, ARRAY_SIZE(echo_methods), &b->echo, NULL), 0);
    snprintf(text, sizeof(text), "%s", schemes[kind]);
    if (kind == GRPC_UNIX)
        snprintf(text, sizeof(text), "unix:%s/sock", b->folder);
    ck_assert_int_eq(grpc_address_parse(&b->address, text, NULL), 0);
    ck_assert_msg(grpc_server_listen(b->server, &b->address, &server.tls, 0600, &e) == 0, "%s",
                  error_message(e));
    b->address.port = grpc_server_port(b->server);
    ck_assert_msg(
        grpc_channel_new(&b->channel, b->loop, &b->address, &client.tls, client_limits, &e) == 0,
        "%s", error_message(e));
}

UNUSED static void bed_done(struct bed *b)
{
    char path[64];

    b->channel = grpc_channel_free(b->channel);
    b->server = grpc_server_free(b->server);
    loop_timer_free(b->watchdog);
    loop_free(b->loop);
    grpc_address_done(&b->address);
    snprintf(path, sizeof(path), "%s/sock", b->folder);
    ck_assert_int_eq(access(path, F_OK), -1); /* the socket's file went with the server */
    snprintf(path, sizeof(path), "rm -r '%s'", b->folder);
    ck_assert_int_eq(system(path), 0);
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

UNUSED static void probe_start(struct probe *p, struct bed *b, const char *path,
                               uint64_t timeout_ns)
{
    struct grpc_metadata metadata = {"x-text", "hello"};

    *p = (struct probe){.bed = b, .received = BUF_INIT(64 * 1024 * 1024)};
    ck_assert_int_eq(
        grpc_channel_call(b->channel, &p->call, path, &metadata, 1, timeout_ns, &probe_handler, p),
        0);
}

UNUSED static void probe_send(struct probe *p, const char *text)
{
    ck_assert_int_eq(grpc_client_call_send(p->call, (const uint8_t *)text, strlen(text)), 0);
}

UNUSED static void probe_wait(struct probe *p)
{
    while (!p->is_closed)
        ck_assert_int_eq(loop_run(p->bed->loop), 0);
}

static void stop_loop(void *data)
{
    loop_stop(data);
}

/* Lets the loop turn until what is on its way has arrived. */
UNUSED static void bed_let_pass(struct bed *b, uint64_t ns)
{
    struct loop_timer *t = NULL;

    ck_assert_int_eq(loop_timer_new(b->loop, &t, stop_loop, b->loop), 0);
    loop_timer_set(t, ns);
    ck_assert_int_eq(loop_run(b->loop), 0);
    loop_timer_free(t);
}
