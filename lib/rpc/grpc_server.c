/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/grpc_server.h"

#include <errno.h>

#include <utlist.h>

#include "lib/loop.h"
#include "lib/map.h"
#include "lib/rpc/grpc_header.h"
#include "lib/rpc/health.h"
#include "lib/rpc/listener.h"
#include "lib/rpc/reflection.h"
#include "lib/rpc/server_connection.h"
#include "lib/rpc/tls_context.h"

#define SERVER_MAX_METHODS   256
#define SERVER_MAX_ADDRESSES 8

/* One address that the server listens to. */
struct server_address {
    struct server_address *prev, *next;
    struct listener *listener; /* owned; NULL once the server drains */
    struct tls_context *tls;   /* owned; NULL without TLS */
};

struct grpc_server {
    struct server_core core;
    struct server_address *addresses; /* owned list */
    unsigned n_addresses;
    struct server_connection *connections; /* owned list */
    struct loop_timer *drain_timer;        /* owned */
    struct loop_task *drained;             /* owned */
    struct health *health;                 /* owned; NULL until it is set */
    struct reflection *reflection;         /* owned; NULL until it is set */
    void (*done)(void *data);
    void *done_data;
    uint64_t n_refused; /* calls refused by connections that are gone */
    uint16_t port;
    bool is_draining;
};

static void server_on_drained(void *data)
{
    struct grpc_server *s = data;
    void (*done)(void *data) = s->done;

    s->done = NULL;
    if (done)
        done(s->done_data);
}

static void server_forget(struct grpc_server *s, struct server_connection *c)
{
    DL_DELETE(s->connections, c);
    s->core.stats.open_connections--;
    s->n_refused += server_connection_refused(c);
    server_connection_free(c);
}

static void server_on_gone(struct server_connection *c, void *data)
{
    struct grpc_server *s = data;

    server_forget(s, c);
    if (s->is_draining && !s->connections)
        loop_task_set(s->drained);
}

static void server_on_accepted(int fd, void *tag, void *data)
{
    CLEANUP_CLOSE int owned = fd;
    struct server_address *a = tag;
    struct grpc_server *s = data;
    struct server_connection *c = NULL;

    if (a->tls)
        tls_context_refresh(a->tls);
    if ((a->tls && !tls_context_is_ready(a->tls)) ||
        s->core.stats.open_connections >= s->core.limits.connections ||
        server_connection_new(&c, &s->core, &owned, a->tls, server_on_gone, s) < 0) {
        s->core.stats.refused_connections++;
        return;
    }
    DL_APPEND(s->connections, c);
    s->core.stats.connections++;
    s->core.stats.open_connections++;
}

static void server_on_drain_deadline(void *data)
{
    struct grpc_server *s = data;

    while (s->connections)
        server_forget(s, s->connections);
    loop_task_set(s->drained);
}

int grpc_server_new(struct grpc_server **ret, struct loop *loop, const struct grpc_limits *limits,
                    struct error **reterr)
{
    CLEANUP(grpc_server_free) struct grpc_server *s = calloc(1, sizeof(*s));

    if (!s)
        return error_oom(reterr);
    s->core.loop = loop;
    s->core.limits = grpc_limits_fill(limits);
    s->core.largest_message = s->core.limits.message_bytes;
    s->core.methods = map_new(free, SERVER_MAX_METHODS);
    if (!s->core.methods ||
        loop_timer_new(loop, &s->drain_timer, server_on_drain_deadline, s) < 0 ||
        loop_task_new(loop, &s->drained, server_on_drained, s) < 0)
        return error_oom(reterr);
    s->core.receive.max = SERVER_RECEIVE_BYTES;
    *ret = TAKE(s);
    return 0;
}

static void server_stop_listening(struct grpc_server *s)
{
    struct server_address *a;

    DL_FOREACH (s->addresses, a)
        a->listener = listener_free(a->listener);
}

struct grpc_server *grpc_server_free(struct grpc_server *s)
{
    struct server_address *a, *next;

    if (!s)
        return NULL;
    server_stop_listening(s);
    while (s->connections)
        server_forget(s, s->connections);
    DL_FOREACH_SAFE(s->addresses, a, next)
    {
        tls_context_free(a->tls);
        free(a);
    }
    loop_timer_free(s->drain_timer);
    loop_task_free(s->drained);
    health_free(s->health);
    reflection_free(s->reflection);
    map_free(s->core.methods);
    free(s);
    return NULL;
}

static int server_add_method(struct grpc_server *s, const struct grpc_method *method, void *service,
                             struct error **reterr)
{
    struct server_method *m;
    int r;

    if (map_find(s->core.methods, method->path))
        return error_set(reterr, -EEXIST, "gRPC method '%s' is there already", method->path);
    m = calloc(1, sizeof(*m));
    if (!m)
        return error_oom(reterr);
    *m = (struct server_method){.method = method, .service = service};
    r = map_put(s->core.methods, method->path, m);
    if (r < 0) {
        free(m);
        return error_set(reterr, r, "gRPC method '%s': %s", method->path,
                         r == -E2BIG ? "too many methods" : "out of memory");
    }
    s->core.largest_message = MAX(s->core.largest_message, method->message_bytes);
    return 0;
}

int grpc_server_add(struct grpc_server *s, const struct grpc_method *methods, size_t n_methods,
                    void *service, struct error **reterr)
{
    for (size_t i = 0; i < n_methods; i++) {
        int r = server_add_method(s, &methods[i], service, reterr);

        if (r < 0) {
            while (i-- > 0)
                map_drop(s->core.methods, methods[i].path);
            return r;
        }
    }
    return 0;
}

int grpc_server_listen(struct grpc_server *s, const struct grpc_address *address,
                       const struct grpc_tls *tls, unsigned mode, struct error **reterr)
{
    struct server_address *a = NULL;
    int r;

    if (s->is_draining || s->n_addresses >= SERVER_MAX_ADDRESSES)
        return error_set(reterr, -EBUSY, "the server drains, or listens to %u addresses already",
                         s->n_addresses);
    if (address->kind == GRPC_TLS && !tls)
        return error_set(reterr, -EINVAL, "address '%s' needs TLS files",
                         error_quote(address->host));
    a = calloc(1, sizeof(*a));
    if (!a)
        return error_oom(reterr);
    r = address->kind == GRPC_TLS ? tls_context_new(&a->tls, tls, false, reterr) : 0;
    if (r == 0)
        r = listener_new(&a->listener, s->core.loop, address, mode, server_on_accepted, a, s,
                         reterr);
    if (r < 0) {
        tls_context_free(a->tls);
        free(a);
        return r;
    }
    DL_APPEND(s->addresses, a);
    s->n_addresses++;
    if (address->kind != GRPC_UNIX)
        s->port = listener_port(a->listener);
    return 0;
}

int grpc_server_set_tls(struct grpc_server *s, const struct grpc_tls *tls, struct error **reterr)
{
    struct server_address *a;

    DL_FOREACH (s->addresses, a) {
        int r = a->tls ? tls_context_set(a->tls, tls, reterr) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

void grpc_server_set_gate(struct grpc_server *s, const struct grpc_gate *gate, void *data)
{
    s->core.gate = gate;
    s->core.gate_data = data;
}

uint16_t grpc_server_port(const struct grpc_server *s)
{
    return s->port;
}

void grpc_server_drain(struct grpc_server *s, uint64_t deadline_ns, void (*done)(void *data),
                       void *data)
{
    struct server_connection *c;
    uint64_t now = loop_now_ns(s->core.loop);

    s->is_draining = true;
    s->done = done;
    s->done_data = data;
    server_stop_listening(s);
    loop_timer_set(s->drain_timer, deadline_ns > now ? deadline_ns - now : 0);
    DL_FOREACH (s->connections, c)
        server_connection_drain(c);
    if (!s->connections)
        loop_task_set(s->drained);
}

int grpc_server_set_health(struct grpc_server *s, const char *service, enum grpc_health health)
{
    CLEANUP(health_free) struct health *h = NULL;

    if (!s->health) {
        h = health_new();
        if (!h || grpc_server_add(s, health_methods, ARRAY_SIZE(health_methods), h, NULL) < 0)
            return -ENOMEM;
        s->health = TAKE(h);
    }
    return health_set(s->health, service, health);
}

int grpc_server_set_reflection(struct grpc_server *s, const uint8_t *descriptor_set, size_t len,
                               struct error **reterr)
{
    CLEANUP(reflection_free) struct reflection *reflection = NULL;
    int r = reflection_new(&reflection, (struct pb_bytes){descriptor_set, len}, s->core.methods,
                           reterr);

    if (r < 0)
        return r;
    r = grpc_server_add(s, reflection_methods, ARRAY_SIZE(reflection_methods), reflection, reterr);
    if (r < 0)
        return r;
    s->reflection = TAKE(reflection);
    return 0;
}

void grpc_server_stats(const struct grpc_server *s, struct grpc_server_stats *ret)
{
    struct server_connection *c;

    *ret = s->core.stats;
    ret->refused_calls += s->n_refused;
    DL_FOREACH (s->connections, c)
        ret->refused_calls += server_connection_refused(c);
}
