/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a client sends to a server with an echo method, health and reflection, over a
 * real socket. A first byte of 'h' puts HTTP/2's preface in front, so that the fuzzer gets past it.
 * What must hold: each call that was opened is closed once, nothing stays allocated
 * (LeakSanitizer), and the budgets are even at the end.
 */
#include <assert.h>
#include <sys/socket.h>

#include "lib/loop.h"
#include "lib/map.h"
#include "lib/rpc/health.h"
#include "lib/rpc/reflection.h"
#include "lib/rpc/server_connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFACE        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
#define TURNS          3
#define MAX_METHODS    8
#define SOCKET_BYTES   65536 /* longer inputs would fill the socket: cut */
#define QUEUE_BYTES    4096
#define MESSAGE_BYTES  8192
#define METADATA_BYTES 1024

static int n_open;

static void echo_open(struct grpc_call *call, void *service)
{
    n_open++;
    grpc_call_set_data(call, service);
    (void)grpc_call_metadata(call, "x");
}

static void echo_message(struct grpc_call *call, const uint8_t *data, size_t len)
{
    assert(len <= MESSAGE_BYTES);
    if (grpc_call_send(call, data, len) < 0)
        grpc_call_pause(call);
}

static void echo_half_close(struct grpc_call *call)
{
    grpc_call_finish(call, GRPC_OK, "done");
}

static void echo_writable(struct grpc_call *call)
{
    grpc_call_resume(call);
}

static void echo_closed(struct grpc_call *call)
{
    assert(grpc_call_queued_bytes(call) <= QUEUE_BYTES + MESSAGE_BYTES);
    n_open--;
}

static const struct grpc_method echo = {.path = "/e",
                                        .open = echo_open,
                                        .message = echo_message,
                                        .half_close = echo_half_close,
                                        .writable = echo_writable,
                                        .closed = echo_closed};

static void on_gone(struct server_connection *c, void *data)
{
    struct server_connection **connection = data;

    *connection = server_connection_free(c);
}

static void turn(struct loop *loop)
{
    loop_stop(loop);
    (void)!loop_defer(loop, (void (*)(void *))loop_stop, loop);
    assert(loop_run(loop) == 0);
}

static void add(struct map *methods, const struct grpc_method *method, void *service)
{
    struct server_method *m = malloc(sizeof(*m));

    assert(m);
    *m = (struct server_method){method, service};
    assert(map_put(methods, method->path, m) == 0);
}

static void feed(struct server_core *core, const uint8_t *data, size_t size)
{
    struct server_connection *c = NULL;
    uint8_t sink[4096];
    int fds[2];

    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    assert(server_connection_new(&c, core, &fds[0], NULL, on_gone, &c) == 0);
    if (size > 0 && data[0] == 'h') {
        data++;
        size--;
        assert(write(fds[1], PREFACE, sizeof(PREFACE) - 1) == sizeof(PREFACE) - 1);
    }
    (void)!write(fds[1], data, size < SOCKET_BYTES ? size : SOCKET_BYTES);
    for (unsigned i = 0; i < TURNS && c; i++) {
        turn(core->loop);
        while (read(fds[1], sink, sizeof(sink)) > 0)
            continue;
    }
    close(fds[1]);
    if (c)
        turn(core->loop);
    c = server_connection_free(c);
    assert(n_open == 0 && core->stats.open_calls == 0 && core->receive.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct server_core core;
    struct health *health;
    struct reflection *reflection;

    if (!core.loop) {
        assert(loop_new(&core.loop, NULL) == 0);
        core.methods = map_new(free, MAX_METHODS);
        health = health_new();
        assert(core.methods && health && health_set(health, "", GRPC_HEALTH_SERVING) == 0);
        assert(reflection_new(&reflection, (struct pb_bytes){}, core.methods, NULL) == 0);
        add(core.methods, &echo, NULL);
        add(core.methods, &health_methods[0], health);
        add(core.methods, &health_methods[1], health);
        add(core.methods, &reflection_methods[0], reflection);
        core.limits = (struct grpc_limits){MESSAGE_BYTES,  QUEUE_BYTES, 8,         1,
                                           METADATA_BYTES, NS_PER_SEC,  NS_PER_SEC};
        core.largest_message = MESSAGE_BYTES;
        core.receive.max = 1024 * 1024;
    }
    feed(&core, data, size);
    return 0;
}
