/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc_echo_client ADDRESS METHOD MESSAGES BYTES TIMEOUT_MS STATUS [CA CERTIFICATE KEY
 * SERVER_NAME]: one call of interop.Echo (echo.proto) by lib/rpc, for the interoperability test.
 * Sends MESSAGES requests with payloads of BYTES, as fast as flow control allows; STATUS is asked
 * of the server (0: none; 99: that it never answers). Prints one line of what came of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"
#include "lib/rpc/pb_fields.h"

#define MAX_MESSAGE   (64UL * 1024 * 1024)
#define STATUS_HANG   99
#define WATCHDOG_NS   (30 * NS_PER_SEC)
#define LIMIT_MESSAGE (32UL * 1024 * 1024)

enum { REQUEST_PAYLOAD = 1, REQUEST_REPEAT, REQUEST_STATUS, REQUEST_TEXT, REQUEST_HANG };
enum { RESPONSE_PAYLOAD = 1, RESPONSE_TOTAL, RESPONSE_PEER, RESPONSE_METADATA };

struct client {
    struct loop *loop;
    struct buf request;
    unsigned long n_left; /* requests to send */
    unsigned long n_received;
    uint64_t n_bytes; /* of payloads received */
    uint64_t total;
    int result;
};

static void on_message(struct grpc_client_call *call, const uint8_t *data, size_t len, void *arg)
{
    struct client *c = arg;
    struct pb_bytes rest = {data, len};
    struct pb_field f;

    (void)call;
    c->n_received++;
    while (pb_fields_next(&rest, &f) == PB_FIELDS_ONE) {
        if (f.number == RESPONSE_PAYLOAD)
            c->n_bytes += f.bytes.len;
        else if (f.number == RESPONSE_TOTAL)
            c->total = f.value;
    }
}

static void on_closed(struct grpc_client_call *call, enum grpc_status status, const char *text,
                      void *arg)
{
    const char *details = grpc_client_call_metadata(call, "grpc-status-details-bin");
    struct client *c = arg;

    printf("%s messages=%lu bytes=%lu total=%lu details=%s text=%s\n", grpc_status_name(status),
           c->n_received, (unsigned long)c->n_bytes, (unsigned long)c->total,
           details ? details : "", text);
    loop_stop(c->loop);
}

static void on_writable(struct grpc_client_call *call, void *arg)
{
    struct client *c = arg;
    int r = 0;

    while (c->n_left > 0 && (r = grpc_client_call_send(call, c->request.data, c->request.len)) == 0)
        c->n_left--;
    if (r == -E2BIG)
        grpc_client_call_cancel(call);
    if (c->n_left == 0)
        grpc_client_call_half_close(call);
}

static const struct grpc_client_handler handler = {on_message, on_closed, on_writable};

static void on_watchdog(void *data)
{
    struct client *c = data;

    printf("nothing came of it\n");
    c->result = 1;
    loop_stop(c->loop);
}

static int make_request(struct buf *b, size_t bytes, unsigned long status)
{
    CLEANUP_FREE uint8_t *payload = calloc(1, bytes + 1);
    int r;

    if (!payload)
        return -ENOMEM;
    r = pb_add_bytes(b, REQUEST_PAYLOAD, payload, bytes);
    if (r == 0 && status == STATUS_HANG)
        r = pb_add_varint(b, REQUEST_HANG, 1);
    else if (r == 0 && status > 0)
        r = pb_add_varint(b, REQUEST_STATUS, status);
    return r;
}

static int call(struct client *c, char **argv, bool has_tls, struct error **reterr)
{
    struct grpc_tls tls = {};
    struct grpc_limits limits = {.message_bytes = LIMIT_MESSAGE};
    struct grpc_metadata metadata = {"x-echo", "from-varmor"};
    struct grpc_address address = {};
    struct grpc_channel *channel = NULL;
    struct grpc_client_call *one = NULL;
    struct loop_timer *watchdog = NULL;
    char path[64];
    int r;

    if (has_tls)
        tls = (struct grpc_tls){.ca_file = argv[7],
                                .certificate_file = argv[8],
                                .key_file = argv[9],
                                .server_name = argv[10]};
    snprintf(path, sizeof(path), "/interop.Echo/%s", argv[2]);
    c->n_left = strtoul(argv[3], NULL, 10);
    r = make_request(&c->request, strtoul(argv[4], NULL, 10), strtoul(argv[6], NULL, 10));
    if (r == 0)
        r = grpc_address_parse(&address, argv[1], reterr);
    if (r == 0)
        r = grpc_channel_new(&channel, c->loop, &address, has_tls ? &tls : NULL, &limits, reterr);
    if (r == 0)
        r = loop_timer_new(c->loop, &watchdog, on_watchdog, c);
    if (r == 0)
        r = grpc_channel_call(channel, &one, path, &metadata, 1,
                              strtoul(argv[5], NULL, 10) * NS_PER_MSEC, &handler, c);
    if (r == 0) {
        loop_timer_set(watchdog, WATCHDOG_NS);
        on_writable(one, c);
        r = loop_run(c->loop);
    }
    grpc_channel_free(channel);
    grpc_address_done(&address);
    loop_timer_free(watchdog);
    return r;
}

int main(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct client c = {.request = BUF_INIT(MAX_MESSAGE)};
    int r;

    if (argc != 7 && argc != 11) {
        fprintf(stderr, "usage: grpc_echo_client ADDRESS METHOD MESSAGES BYTES TIMEOUT_MS STATUS"
                        " [CA CERTIFICATE KEY SERVER_NAME]\n");
        return 2;
    }
    r = loop_new(&c.loop, &e);
    if (r == 0)
        r = call(&c, argv, argc == 11, &e);
    if (r < 0)
        fprintf(stderr, "grpc_echo_client: %s\n", e ? error_message(e) : strerror(-r));
    loop_free(c.loop);
    buf_done(&c.request);
    return r < 0 ? 1 : c.result;
}
