/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/client_link.h"

#include <errno.h>

#include "lib/loop.h"
#include "lib/rpc/connection.h"
#include "lib/rpc/dialer.h"
#include "lib/rpc/h2.h"
#include "lib/rpc/message_reader.h"
#include "lib/rpc/transport.h"

static void client_link_lost(void *owner, int code UNUSED, const char *text)
{
    struct client_link *link = owner;

    link->is_lost = true;
    link->is_leaving = true;
    link->lost_text = text;
    h2_close_streams(connection_h2(link->connection), H2_NO_ERROR);
    link->lost_text = NULL;
    link->gone(link, link->data);
}

static const struct connection_handler client_link_handler = {.lost = client_link_lost};

static void client_link_dialed(void *data, int fd, const char *why)
{
    struct client_link *link = data;
    CLEANUP(dialer_free) struct dialer *dialer UNUSED = TAKE(link->dialer); /* why is its own */
    CLEANUP_CLOSE int owned = fd;
    CLEANUP(transport_free) struct transport *transport = NULL;
    CLEANUP(error_free) struct error *error = NULL;
    int r = -ECONNREFUSED;

    if (fd >= 0)
        r = transport_new(&transport, &owned, link->tls, link->server_name, &error);
    if (r == 0)
        r = connection_attach(link->connection, &transport);
    if (r < 0)
        connection_fail(link->connection, r, fd < 0 ? why : error_message(error));
}

int client_link_new(struct client_link **ret, struct loop *loop, const struct grpc_limits *limits,
                    const struct grpc_address *address, struct tls_context *tls,
                    const char *server_name, unsigned *n_calls,
                    void (*gone)(struct client_link *link, void *data), void *data)
{
    CLEANUP(client_link_free) struct client_link *link = calloc(1, sizeof(*link));
    CLEANUP(h2_free) struct h2 *h2 = NULL;
    struct h2_limits h2_limits = {
        .streams = limits->calls,
        .header_bytes = limits->metadata_bytes,
        .keepalive_ns = limits->keepalive_ns,
    };
    int r;

    if (!link)
        return -ENOMEM;
    *link = (struct client_link){
        .loop = loop,
        .limits = *limits,
        .tls = tls,
        .server_name = server_name,
        .send.max = MAX(limits->queue_bytes * CLIENT_FULL_QUEUES,
                        limits->message_bytes + MESSAGE_PREFIX_BYTES),
        .receive.max = limits->message_bytes * 2,
        .n_calls = n_calls,
        .gone = gone,
        .data = data,
    };
    r = h2_new(&h2, H2_CLIENT, &h2_limits, &client_call_handler, link, loop_now_ns(loop));
    if (r < 0)
        return r;
    r = connection_new(&link->connection, loop, &h2, limits->handshake_ns, &client_link_handler,
                       link);
    if (r < 0)
        return r;
    r = dialer_new(&link->dialer, loop, address, client_link_dialed, link);
    if (r < 0)
        return r;
    *ret = TAKE(link);
    return 0;
}

struct client_link *client_link_free(struct client_link *link)
{
    if (!link)
        return NULL;
    if (link->connection) {
        link->is_leaving = true;
        link->lost_text = "the channel was closed";
        h2_close_streams(connection_h2(link->connection), H2_CANCEL);
    }
    dialer_free(link->dialer);
    connection_free(link->connection);
    free(link);
    return NULL;
}
