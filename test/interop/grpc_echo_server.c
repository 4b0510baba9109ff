/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc_echo_server ADDRESS DESCRIPTOR_SET [CA CERTIFICATE KEY]: serves interop.Echo (echo.proto),
 * health and reflection by lib/rpc for the interoperability test. Prints the port when it listens;
 * SIGTERM drains it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/loop.h"
#include "lib/rpc/grpc_server.h"
#include "lib/rpc/pb_fields.h"

#define MAX_MESSAGE     (64UL * 1024 * 1024)
#define MAX_DESCRIPTORS (1024UL * 1024)
#define DRAIN_NS        (5 * NS_PER_SEC)

/* Field numbers of echo.proto. */
enum { REQUEST_PAYLOAD = 1, REQUEST_REPEAT, REQUEST_STATUS, REQUEST_TEXT, REQUEST_HANG };
enum { RESPONSE_PAYLOAD = 1, RESPONSE_TOTAL, RESPONSE_PEER, RESPONSE_METADATA };

struct request {
    struct pb_bytes payload, text;
    uint64_t repeat, status, hang;
};

struct echo_call {
    struct buf answer; /* waits for room in the queue */
    uint64_t n_left;   /* times that it is still to be sent */
    uint64_t total;    /* bytes of payloads received */
    bool has_ended, hangs;
};

static bool parse(struct grpc_call *call, const uint8_t *data, size_t len, struct request *ret)
{
    struct pb_bytes rest = {data, len};
    struct pb_field f;
    int r;

    *ret = (struct request){};
    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (f.number == REQUEST_PAYLOAD)
            ret->payload = f.bytes;
        else if (f.number == REQUEST_REPEAT)
            ret->repeat = f.value;
        else if (f.number == REQUEST_STATUS)
            ret->status = f.value;
        else if (f.number == REQUEST_TEXT)
            ret->text = f.bytes;
        else if (f.number == REQUEST_HANG)
            ret->hang = f.value;
    }
    if (r < 0)
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "not an EchoRequest");
    return r == 0;
}

/* Ends the call if the request says so. */
static bool is_refused(struct grpc_call *call, const struct request *q)
{
    char *text;

    if (q->status == 0)
        return false;
    text = strndup(q->text.len ? (const char *)q->text.data : "", q->text.len);
    grpc_call_finish(call, (enum grpc_status)q->status, text);
    free(text);
    return true;
}

static void make_answer(struct grpc_call *call, struct pb_bytes payload)
{
    struct echo_call *e = grpc_call_data(call);
    const char *metadata = grpc_call_metadata(call, "x-echo");
    const struct grpc_peer *peer = grpc_call_peer(call);
    const char *name = peer->common_name ? peer->common_name : peer->address;
    int r;

    buf_clear(&e->answer);
    r = pb_add_bytes(&e->answer, RESPONSE_PAYLOAD, payload.data, payload.len);
    if (r == 0)
        r = pb_add_varint(&e->answer, RESPONSE_TOTAL, e->total);
    if (r == 0)
        r = pb_add_bytes(&e->answer, RESPONSE_PEER, name, strlen(name));
    if (r == 0 && metadata)
        r = pb_add_bytes(&e->answer, RESPONSE_METADATA, metadata, strlen(metadata));
    if (r < 0)
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, strerror(-r));
}

/* Sends the answer as often as it is due and the queue allows; the client is not read while it
 * waits. */
static void send_answers(struct grpc_call *call)
{
    struct echo_call *e = grpc_call_data(call);
    int r = 0;

    while (e->n_left > 0 && (r = grpc_call_send(call, e->answer.data, e->answer.len)) == 0)
        e->n_left--;
    if (r == -ENOBUFS)
        grpc_call_pause(call);
    else if (r < 0)
        grpc_call_finish(call, GRPC_INTERNAL, strerror(-r));
    else if (e->has_ended)
        grpc_call_finish(call, GRPC_OK, NULL);
    else
        grpc_call_resume(call);
}

static void on_open(struct grpc_call *call, void *service)
{
    struct echo_call *e = calloc(1, sizeof(*e));

    (void)service;
    if (!e) {
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    e->answer = BUF_INIT(MAX_MESSAGE);
    grpc_call_set_data(call, e);
}

static void on_closed(struct grpc_call *call)
{
    struct echo_call *e = grpc_call_data(call);

    if (e)
        buf_done(&e->answer);
    free(e);
}

static void on_writable(struct grpc_call *call)
{
    send_answers(call);
}

static void on_one_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct echo_call *e = grpc_call_data(call);
    struct request q;

    if (!parse(call, data, len, &q) || is_refused(call, &q))
        return;
    e->hangs = q.hang;
    if (q.hang)
        return;
    e->n_left = q.repeat > 0 ? q.repeat : 1;
    make_answer(call, q.payload);
    e->has_ended = true;
    send_answers(call);
}

static void on_one_half_close(struct grpc_call *call)
{
    struct echo_call *e = grpc_call_data(call);

    if (!e->has_ended && !e->hangs)
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "no request came");
}

static void on_sum_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct echo_call *e = grpc_call_data(call);
    struct request q;

    if (parse(call, data, len, &q) && !is_refused(call, &q))
        e->total += q.payload.len;
}

static void on_sum_half_close(struct grpc_call *call)
{
    struct echo_call *e = grpc_call_data(call);

    e->n_left = 1;
    e->has_ended = true;
    make_answer(call, (struct pb_bytes){});
    send_answers(call);
}

static void on_bidi_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    struct echo_call *e = grpc_call_data(call);
    struct request q;

    if (!parse(call, data, len, &q) || is_refused(call, &q) || q.hang)
        return;
    e->total += q.payload.len;
    e->n_left = 1;
    make_answer(call, q.payload);
    send_answers(call);
}

static void on_bidi_half_close(struct grpc_call *call)
{
    struct echo_call *e = grpc_call_data(call);

    e->has_ended = true;
    send_answers(call);
}

static const struct grpc_method methods[] = {
    {"/interop.Echo/Unary", on_open, on_one_message, on_one_half_close, on_writable, on_closed, 0},
    {"/interop.Echo/ServerStream", on_open, on_one_message, on_one_half_close, on_writable,
     on_closed, 0},
    {"/interop.Echo/ClientStream", on_open, on_sum_message, on_sum_half_close, on_writable,
     on_closed, 0},
    {"/interop.Echo/Bidi", on_open, on_bidi_message, on_bidi_half_close, on_writable, on_closed,
     MAX_MESSAGE},
};

static struct loop *loop;
static struct grpc_server *server;

static void on_drained(void *data)
{
    (void)data;
    loop_stop(loop);
}

static void on_sigterm(int signal_number, void *data)
{
    (void)signal_number;
    (void)data;
    grpc_server_drain(server, loop_now_ns(loop) + DRAIN_NS, on_drained, NULL);
}

static int read_descriptors(const char *path, struct buf *ret)
{
    uint8_t data[4096];
    size_t n;
    FILE *f = fopen(path, "re");
    int r = f ? 0 : -errno;

    while (r == 0 && (n = fread(data, 1, sizeof(data), f)) > 0)
        r = buf_add(ret, data, n);
    if (f)
        fclose(f);
    return r;
}

static int serve(char **argv, bool has_tls, struct error **reterr)
{
    CLEANUP_BUF struct buf descriptors = BUF_INIT(MAX_DESCRIPTORS);
    struct grpc_tls tls = {};
    struct grpc_address address = {};
    struct loop_signal *sigterm = NULL;
    int r = loop_new(&loop, reterr);

    if (has_tls)
        tls =
            (struct grpc_tls){.ca_file = argv[3], .certificate_file = argv[4], .key_file = argv[5]};
    if (r == 0)
        r = grpc_server_new(&server, loop, NULL, reterr);
    if (r == 0)
        r = grpc_server_add(server, methods, ARRAY_SIZE(methods), NULL, reterr);
    if (r == 0)
        r = read_descriptors(argv[2], &descriptors);
    if (r == 0)
        r = grpc_server_set_health(server, "", GRPC_HEALTH_SERVING);
    if (r == 0)
        r = grpc_server_set_health(server, "interop.Echo", GRPC_HEALTH_NOT_SERVING);
    if (r == 0)
        r = grpc_server_set_reflection(server, descriptors.data, descriptors.len, reterr);
    if (r == 0)
        r = grpc_address_parse(&address, argv[1], reterr);
    if (r == 0)
        r = grpc_server_listen(server, &address, has_tls ? &tls : NULL, 0600, reterr);
    if (r == 0)
        r = loop_signal_new(loop, &sigterm, SIGTERM, on_sigterm, NULL);
    if (r == 0) {
        printf("%u\n", grpc_server_port(server));
        fflush(stdout);
        r = loop_run(loop);
    }
    loop_signal_free(sigterm);
    grpc_address_done(&address);
    grpc_server_free(server);
    loop_free(loop);
    return r;
}

int main(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;
    int r;

    if (argc != 3 && argc != 6) {
        fprintf(stderr, "usage: grpc_echo_server ADDRESS DESCRIPTOR_SET [CA CERTIFICATE KEY]\n");
        return 2;
    }
    r = serve(argv, argc == 6, &e);
    if (r < 0)
        fprintf(stderr, "grpc_echo_server: %s\n", e ? error_message(e) : strerror(-r));
    return r < 0;
}
