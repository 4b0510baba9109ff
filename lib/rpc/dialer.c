/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/dialer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <event2/dns.h>
#include <event2/util.h>

#include "lib/loop.h"
#include "lib/rpc/grpc.h"

/* A name that is being resolved. libevent tells of a cancelled lookup later, when the dialer is
 * gone: so this lives until then, and with it the resolver that libevent still looks at. */
struct dialer_lookup {
    struct dialer *dialer; /* NULL: cancelled */
    struct loop *loop;
    struct evdns_base *dns; /* owned */
};

struct dialer {
    struct loop *loop;
    const struct grpc_address *address; /* borrowed */
    struct loop_task *task;             /* owned, like the ones below: goes on, or tells the end */
    struct loop_io *io;                 /* waits for connect */
    struct dialer_lookup *lookup;       /* while a name is resolved; frees itself */
    struct evdns_getaddrinfo_request *request;
    struct evutil_addrinfo *found;
    struct evutil_addrinfo *next; /* to try, within found */
    struct error *why;            /* of the last failure */
    int fd;
    bool is_resolved; /* found and next are final */
    bool is_connected;
    void (*dialed)(void *data, int fd, const char *why);
    void *data;
};

static void dialer_failed(struct dialer *d, int code, const char *what)
{
    d->why = error_free(d->why);
    error_set(&d->why, -code, "%s '%s': %s", what, error_quote(d->address->host), strerror(code));
    d->io = loop_io_free(d->io);
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

static void dialer_on_writable(int fd, unsigned events UNUSED, void *data)
{
    struct dialer *d = data;
    int code = 0;
    socklen_t len = sizeof(code);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
        code = errno;
    loop_io_set_events(d->io, 0);
    if (code == 0)
        d->is_connected = true;
    else
        dialer_failed(d, code, "cannot connect to");
    loop_task_set(d->task);
}

/* Begins to connect to one address: connected, waiting, or failed with d->why. */
static void dialer_try(struct dialer *d, const struct sockaddr *address, socklen_t len)
{
    int on = 1;

    d->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0) {
        dialer_failed(d, errno, "no socket for");
        return;
    }
    if (address->sa_family != AF_UNIX)
        setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(d->fd, address, len) == 0)
        d->is_connected = true;
    else if (errno != EINPROGRESS)
        dialer_failed(d, errno, "cannot connect to");
    else if (loop_io_new(d->loop, &d->io, d->fd, LOOP_WRITE, dialer_on_writable, d) < 0)
        dialer_failed(d, ENOMEM, "cannot connect to");
}

static void dialer_try_unix(struct dialer *d)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(d->address->host) >= sizeof(address.sun_path)) {
        dialer_failed(d, ENAMETOOLONG, "cannot connect to");
        return;
    }
    memcpy(address.sun_path, d->address->host, strlen(d->address->host) + 1);
    dialer_try(d, (const struct sockaddr *)&address, sizeof(address));
}

static void dialer_free_lookup(void *data)
{
    struct dialer_lookup *lookup = data;

    evdns_base_free(lookup->dns, 0);
    free(lookup);
}

static void dialer_resolved(struct dialer *d, int result, struct evutil_addrinfo *found)
{
    d->is_resolved = true;
    if (result != 0)
        error_set(&d->why, -EHOSTUNREACH, "cannot find the address of '%s': %s",
                  error_quote(d->address->host), evutil_gai_strerror(result));
    d->found = d->next = found;
    loop_task_set(d->task);
}

static void dialer_on_resolved(int result, struct evutil_addrinfo *found, void *data)
{
    struct dialer_lookup *lookup = data;

    if (lookup->dialer) {
        lookup->dialer->lookup = NULL;
        lookup->dialer->request = NULL;
        dialer_resolved(lookup->dialer, result, found);
    } else if (found) {
        evutil_freeaddrinfo(found);
    }
    /* Not here: libevent is inside the resolver. Without memory for it, the resolver is lost. */
    if (loop_defer(lookup->loop, dialer_free_lookup, lookup) < 0)
        return;
}

static void dialer_ask_dns(struct dialer *d, const char *port)
{
    struct evutil_addrinfo hints = {.ai_flags = EVUTIL_AI_ADDRCONFIG | EVUTIL_AI_NUMERICSERV,
                                    .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP};
    struct evdns_getaddrinfo_request *request;
    struct dialer_lookup *lookup = calloc(1, sizeof(*lookup));

    if (lookup)
        lookup->dns = evdns_base_new(loop_base(d->loop), EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                             EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!lookup || !lookup->dns) {
        free(lookup);
        dialer_failed(d, EHOSTUNREACH, "no resolver in /etc/resolv.conf for");
        d->is_resolved = true;
        loop_task_set(d->task);
        return;
    }
    lookup->dialer = d;
    lookup->loop = d->loop;
    d->lookup = lookup;
    /* It may answer inside the call (from /etc/hosts), and returns NULL then. */
    request =
        evdns_getaddrinfo(lookup->dns, d->address->host, port, &hints, dialer_on_resolved, lookup);
    if (d->lookup)
        d->request = request;
}

/* Numbers are taken as they are; names go to the resolvers of /etc/resolv.conf. Does not block. */
static void dialer_resolve(struct dialer *d)
{
    struct evutil_addrinfo hints = {.ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV,
                                    .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP};
    struct evutil_addrinfo *found = NULL;
    char port[8];

    snprintf(port, sizeof(port), "%u", d->address->port);
    if (evutil_getaddrinfo(d->address->host, port, &hints, &found) == 0)
        dialer_resolved(d, 0, found);
    else
        dialer_ask_dns(d, port);
}

static void dialer_go_on(void *data)
{
    struct dialer *d = data;
    int fd;

    if (d->address->kind == GRPC_UNIX && !d->is_resolved) {
        d->is_resolved = true;
        dialer_try_unix(d);
    } else if (!d->is_resolved) {
        dialer_resolve(d);
        return;
    }
    while (d->fd < 0 && d->next) {
        struct evutil_addrinfo *one = d->next;

        d->next = one->ai_next;
        dialer_try(d, one->ai_addr, (socklen_t)one->ai_addrlen);
    }
    if (d->fd >= 0 && !d->is_connected)
        return; /* dialer_on_writable() comes back here */
    fd = TAKE_FD(d->fd);
    d->io = loop_io_free(d->io);
    d->dialed(d->data, fd, error_message(d->why)); /* may free d */
}

int dialer_new(struct dialer **ret, struct loop *loop, const struct grpc_address *address,
               void (*dialed)(void *data, int fd, const char *why), void *data)
{
    CLEANUP(dialer_free) struct dialer *d = calloc(1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    *d =
        (struct dialer){.loop = loop, .address = address, .fd = -1, .dialed = dialed, .data = data};
    if (loop_task_new(loop, &d->task, dialer_go_on, d) < 0)
        return -ENOMEM;
    loop_task_set(d->task);
    *ret = TAKE(d);
    return 0;
}

struct dialer *dialer_free(struct dialer *d)
{
    if (!d)
        return NULL;
    if (d->lookup) {
        d->lookup->dialer = NULL;
        evdns_getaddrinfo_cancel(d->request);
    }
    if (d->found)
        evutil_freeaddrinfo(d->found);
    loop_io_free(d->io);
    loop_task_free(d->task);
    if (d->fd >= 0)
        close(d->fd);
    error_free(d->why);
    free(d);
    return NULL;
}
