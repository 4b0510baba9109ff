/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a server sends to a client with one call open. A first byte of 'h' puts a
 * server's SETTINGS in front. What must hold: the call is closed exactly once, with a status that
 * exists and a text.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/loop.h"
#include "lib/rpc/grpc_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SETTINGS      "\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0"
#define TURNS         4
#define SOCKET_BYTES  65536 /* longer inputs would fill the socket: cut */
#define MESSAGE_BYTES 8192

static int n_closed;

static void on_message(struct grpc_client_call *call, const uint8_t *data, size_t len, void *arg)
{
    (void)call;
    (void)data;
    (void)arg;
    assert(len <= MESSAGE_BYTES);
}

static void on_closed(struct grpc_client_call *call, enum grpc_status status, const char *text,
                      void *arg)
{
    (void)arg;
    assert(text && status <= GRPC_UNAUTHENTICATED);
    (void)grpc_client_call_metadata(call, "grpc-status-details-bin");
    n_closed++;
}

static const struct grpc_client_handler handler = {.message = on_message, .closed = on_closed};

static void turn(struct loop *loop)
{
    (void)!loop_defer(loop, (void (*)(void *))loop_stop, loop);
    assert(loop_run(loop) == 0);
}

static int listen_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    unlink(path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0);
    return fd;
}

static void answer(struct loop *loop, int fd, const uint8_t *data, size_t size)
{
    uint8_t sink[4096];

    if (size > 0 && data[0] == 'h') {
        data++;
        size--;
        (void)!write(fd, SETTINGS, sizeof(SETTINGS) - 1);
    }
    (void)!write(fd, data, size < SOCKET_BYTES ? size : SOCKET_BYTES);
    for (unsigned i = 0; i < TURNS; i++) {
        turn(loop);
        while (read(fd, sink, sizeof(sink)) > 0)
            continue;
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    static char path[64];
    static int listening;
    struct grpc_limits limits = {.message_bytes = MESSAGE_BYTES};
    struct grpc_address address = {.kind = GRPC_UNIX, .host = path};
    struct grpc_channel *channel = NULL;
    struct grpc_client_call *call = NULL;
    int fd = -1;

    if (!loop) {
        snprintf(path, sizeof(path), "/tmp/grpc_client_fuzz.%d", getpid());
        assert(loop_new(&loop, NULL) == 0);
        listening = listen_to(path);
    }
    n_closed = 0;
    assert(grpc_channel_new(&channel, loop, &address, NULL, &limits, NULL) == 0);
    assert(grpc_channel_call(channel, &call, "/e", NULL, 0, 0, &handler, NULL) == 0);
    assert(grpc_client_call_send(call, (const uint8_t *)"x", 1) == 0);
    for (unsigned i = 0; i < TURNS && fd < 0; i++) {
        turn(loop);
        fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
    }
    assert(fd >= 0);
    answer(loop, fd, data, size);
    turn(loop);
    grpc_channel_free(channel);
    assert(n_closed == 1);
    return 0;
}
