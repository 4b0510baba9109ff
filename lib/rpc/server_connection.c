/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/server_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/loop.h"
#include "lib/rpc/connection.h"
#include "lib/rpc/h2.h"
#include "lib/rpc/message_reader.h"
#include "lib/rpc/server_call.h"
#include "lib/rpc/transport.h"

static int server_peer_unix(struct server_connection *c, int fd)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -errno;
    c->peer.kind = GRPC_PEER_UNIX;
    c->peer.pid = cred.pid;
    c->peer.uid = (int)cred.uid;
    c->peer.gid = (int)cred.gid;
    if (asprintf(&c->address, "unix:pid=%d,uid=%d", c->peer.pid, c->peer.uid) < 0)
        c->address = NULL;
    return c->address ? 0 : -ENOMEM;
}

/* Who is at the other end, as far as the kernel knows. */
static int server_peer_find(struct server_connection *c, int fd, bool has_tls)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } peer;
    socklen_t len = sizeof(peer);
    char text[INET6_ADDRSTRLEN] = "";

    if (getpeername(fd, &peer.any, &len) < 0)
        return -errno;
    c->peer = (struct grpc_peer){
        .kind = has_tls ? GRPC_PEER_TLS : GRPC_PEER_TCP, .pid = -1, .uid = -1, .gid = -1};
    switch (peer.any.sa_family) {
    case AF_UNIX:
        return server_peer_unix(c, fd);
    case AF_INET:
        inet_ntop(AF_INET, &peer.v4.sin_addr, text, sizeof(text));
        if (asprintf(&c->address, "%s:%u", text, ntohs(peer.v4.sin_port)) < 0)
            c->address = NULL;
        break;
    default:
        inet_ntop(AF_INET6, &peer.v6.sin6_addr, text, sizeof(text));
        if (asprintf(&c->address, "[%s]:%u", text, ntohs(peer.v6.sin6_port)) < 0)
            c->address = NULL;
        break;
    }
    return c->address ? 0 : -ENOMEM;
}

static void server_connection_opened(void *owner, struct transport *t)
{
    struct server_connection *c = owner;

    c->peer.common_name = transport_peer_name(t);
}

static void server_connection_lost(void *owner, int code, const char *text UNUSED)
{
    struct server_connection *c = owner;

    if (code == -EPROTO)
        c->core->stats.protocol_errors++;
    c->gone(c, c->data);
}

static const struct connection_handler server_connection_handler = {
    .opened = server_connection_opened,
    .lost = server_connection_lost,
};

int server_connection_new(struct server_connection **ret, struct server_core *core, int *fd,
                          struct tls_context *tls,
                          void (*gone)(struct server_connection *c, void *data), void *data)
{
    CLEANUP(server_connection_free) struct server_connection *c = calloc(1, sizeof(*c));
    CLEANUP(transport_free) struct transport *transport = NULL;
    CLEANUP(h2_free) struct h2 *h2 = NULL;
    struct h2_limits limits = {
        .streams = core->limits.calls,
        .header_bytes = core->limits.metadata_bytes,
        .keepalive_ns = core->limits.keepalive_ns,
    };
    int r;

    if (!c)
        return -ENOMEM;
    c->core = core;
    c->gone = gone;
    c->data = data;
    c->receive = (struct budget){.max = core->largest_message + SERVER_SPARE_BYTES,
                                 .parent = &core->receive};
    c->send.max = MAX(core->limits.queue_bytes * SERVER_FULL_QUEUES,
                      core->largest_message + MESSAGE_PREFIX_BYTES);
    r = server_peer_find(c, *fd, tls != NULL);
    if (r < 0)
        return r;
    c->peer.address = c->address;
    r = h2_new(&h2, H2_SERVER, &limits, &server_call_handler, c, loop_now_ns(core->loop));
    if (r < 0)
        return r;
    r = transport_new(&transport, fd, tls, NULL, NULL);
    if (r < 0)
        return r;
    r = connection_new(&c->connection, core->loop, &h2, core->limits.handshake_ns,
                       &server_connection_handler, c);
    if (r < 0)
        return r;
    r = connection_attach(c->connection, &transport);
    if (r < 0)
        return r;
    *ret = TAKE(c);
    return 0;
}

struct server_connection *server_connection_free(struct server_connection *c)
{
    if (!c)
        return NULL;
    if (c->connection)
        h2_close_streams(connection_h2(c->connection), H2_CANCEL);
    connection_free(c->connection);
    free(c->address);
    free(c);
    return NULL;
}

void server_connection_drain(struct server_connection *c)
{
    if (h2_drain(connection_h2(c->connection)) < 0)
        h2_terminate(connection_h2(c->connection), H2_NO_ERROR);
}

uint64_t server_connection_refused(const struct server_connection *c)
{
    return h2_n_refused(connection_h2(c->connection));
}
