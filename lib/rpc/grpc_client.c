/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/grpc_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "lib/loop.h"
#include "lib/rpc/client_link.h"
#include "lib/rpc/grpc_header.h"
#include "lib/rpc/h2.h"
#include "lib/rpc/tls_context.h"

#define CLIENT_MAX_METADATA 32 /* fields of one call */

struct grpc_channel {
    struct loop *loop;
    struct grpc_address address; /* owned */
    char *authority;             /* owned */
    char *server_name;           /* owned */
    struct tls_context *tls;     /* owned; NULL without TLS */
    struct grpc_limits limits;
    struct client_link *links; /* owned: at most one takes calls, the others end */
    unsigned n_calls;
    bool is_closing; /* grpc_channel_free() is at work: what closed() starts now would never end */
};

static int channel_make_authority(struct grpc_channel *c)
{
    int n;

    if (c->address.kind == GRPC_UNIX)
        n = asprintf(&c->authority, "localhost");
    else if (strchr(c->address.host, ':'))
        n = asprintf(&c->authority, "[%s]:%u", c->address.host, c->address.port);
    else
        n = asprintf(&c->authority, "%s:%u", c->address.host, c->address.port);
    if (n < 0)
        c->authority = NULL;
    return n < 0 ? -ENOMEM : 0;
}

int grpc_channel_new(struct grpc_channel **ret, struct loop *loop,
                     const struct grpc_address *address, const struct grpc_tls *tls,
                     const struct grpc_limits *limits, struct error **reterr)
{
    CLEANUP(grpc_channel_free) struct grpc_channel *c = calloc(1, sizeof(*c));
    bool has_keepalive = limits && limits->keepalive_ns > 0;
    int r;

    if (!c)
        return error_oom(reterr);
    c->loop = loop;
    c->limits = grpc_limits_fill(limits);
    if (address->kind == GRPC_UNIX && !has_keepalive)
        c->limits.keepalive_ns = GRPC_NEVER;
    c->address = *address;
    c->address.host = strdup(address->host);
    c->server_name = strdup(tls && tls->server_name ? tls->server_name : address->host);
    if (!c->address.host || !c->server_name || channel_make_authority(c) < 0)
        return error_oom(reterr);
    if (address->kind == GRPC_TLS) {
        if (!tls)
            return error_set(reterr, -EINVAL, "address '%s' needs TLS files",
                             error_quote(address->host));
        r = tls_context_new(&c->tls, tls, true, reterr);
        if (r < 0)
            return r;
    }
    *ret = TAKE(c);
    return 0;
}

void grpc_channel_hang_up(struct grpc_channel *c)
{
    struct client_link *link, *next;

    DL_FOREACH_SAFE(c->links, link, next)
    {
        DL_DELETE(c->links, link);
        client_link_free(link);
    }
}

struct grpc_channel *grpc_channel_free(struct grpc_channel *c)
{
    if (!c)
        return NULL;
    c->is_closing = true;
    grpc_channel_hang_up(c);
    tls_context_free(c->tls);
    grpc_address_done(&c->address);
    free(c->authority);
    free(c->server_name);
    free(c);
    return NULL;
}

static void channel_on_gone(struct client_link *link, void *data)
{
    struct grpc_channel *c = data;

    DL_DELETE(c->links, link);
    client_link_free(link);
}

/* The link that takes new calls; makes one if there is none. */
static int channel_link(struct grpc_channel *c, struct client_link **ret)
{
    struct client_link *link = NULL;
    int r;

    DL_FOREACH (c->links, link) {
        if (!link->is_leaving) {
            *ret = link;
            return 0;
        }
    }
    if (c->tls)
        tls_context_refresh(c->tls);
    r = client_link_new(&link, c->loop, &c->limits, &c->address, c->tls, c->server_name,
                        &c->n_calls, channel_on_gone, c);
    if (r < 0)
        return r;
    DL_APPEND(c->links, link);
    *ret = link;
    return 0;
}

struct channel_request {
    struct h2_field fields[10 + CLIENT_MAX_METADATA];
    size_t n_fields;
    size_t size; /* as HTTP/2 counts header fields */
    char timeout[GRPC_TIMEOUT_TEXT_SIZE];
};

static void channel_request_add(struct channel_request *q, const char *name, const char *value)
{
    q->fields[q->n_fields++] = (struct h2_field){name, value};
    q->size += strlen(name) + strlen(value) + 32;
}

static void channel_request_make(const struct grpc_channel *c, struct channel_request *q,
                                 const char *path, const struct grpc_metadata *metadata,
                                 size_t n_metadata, uint64_t timeout_ns)
{
    channel_request_add(q, ":method", "POST");
    channel_request_add(q, ":scheme", c->tls ? "https" : "http");
    channel_request_add(q, ":path", path);
    channel_request_add(q, ":authority", c->authority);
    if (timeout_ns > 0)
        channel_request_add(q, "grpc-timeout", grpc_timeout_format(timeout_ns, q->timeout));
    channel_request_add(q, "te", "trailers");
    channel_request_add(q, "content-type", "application/grpc");
    channel_request_add(q, "grpc-accept-encoding", "identity");
    channel_request_add(q, "user-agent", "varmor/" VARMOR_VERSION);
    for (size_t i = 0; i < n_metadata; i++)
        channel_request_add(q, metadata[i].name, metadata[i].value);
}

int grpc_channel_call(struct grpc_channel *c, struct grpc_client_call **ret, const char *path,
                      const struct grpc_metadata *metadata, size_t n_metadata, uint64_t timeout_ns,
                      const struct grpc_client_handler *handler, void *data_arg)
{
    struct channel_request request = {};
    struct client_link *link = NULL;
    int r;

    if (c->is_closing)
        return -EPIPE;
    if (c->n_calls >= c->limits.calls || n_metadata > CLIENT_MAX_METADATA)
        return -E2BIG;
    channel_request_make(c, &request, path, metadata, n_metadata, timeout_ns);
    if (request.size > c->limits.metadata_bytes)
        return -E2BIG;
    do {
        r = channel_link(c, &link);
        if (r < 0)
            return r;
        r = client_call_new(ret, link, request.fields, request.n_fields, timeout_ns, handler,
                            data_arg);
        if (r == -EAGAIN)
            link->is_leaving = true; /* it has used up its stream numbers */
    } while (r == -EAGAIN);
    return r;
}
