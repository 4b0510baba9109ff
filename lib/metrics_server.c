/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/metrics_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <utlist.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/metrics_request.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct connection {
    struct metrics_server *server;
    struct bufferevent *bev; /* owned */
    uint64_t deadline_ns;
    bool answered; /* ends when everything is written */
    struct connection *prev, *next;
};

struct metrics_server {
    struct loop *loop;
    struct metrics_server_limits limits;
    int (*collect)(struct buf *out, void *data);
    void *data;
    struct evconnlistener *listener;
    struct loop_timer *deadline;
    struct connection *connections; /* the oldest first, which is the order of their deadlines */
    unsigned n_connections;
    uint16_t port;
};

/* ---- Connections ---- */

static void connection_free(struct connection *c)
{
    DL_DELETE(c->server->connections, c);
    c->server->n_connections--;
    bufferevent_free(c->bev);
    free(c);
}

static void set_deadline(struct metrics_server *s)
{
    const uint64_t now_ns = loop_now_ns(s->loop);

    if (!s->connections)
        loop_timer_unset(s->deadline);
    else if (s->connections->deadline_ns > now_ns)
        loop_timer_set(s->deadline, s->connections->deadline_ns - now_ns);
    else
        loop_timer_set(s->deadline, 0);
}

static void on_deadline(void *data)
{
    struct metrics_server *s = data;

    while (s->connections && s->connections->deadline_ns <= loop_now_ns(s->loop))
        connection_free(s->connections);
    set_deadline(s);
}

static void connection_end(struct connection *c)
{
    struct metrics_server *s = c->server;

    connection_free(c);
    set_deadline(s);
}

/* ---- Requests ---- */

static void answer(struct connection *c, const char *status, const struct buf *body)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);

    c->answered = true;
    bufferevent_disable(c->bev, EV_READ);
    if (evbuffer_add_printf(out,
                            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                            "Connection: close\r\n\r\n",
                            status, CONTENT_TYPE, body->len) < 0 ||
        evbuffer_add(out, body->data, body->len) < 0)
        connection_end(c);
}

static void answer_metrics(struct connection *c)
{
    CLEANUP_BUF struct buf text = BUF_INIT(METRICS_SERVER_TEXT_BYTES);

    if (c->server->collect(&text, c->server->data) < 0) {
        buf_clear(&text);
        answer(c, "500 Internal Server Error", &text);
    } else {
        answer(c, "200 OK", &text);
    }
}

static void answer_request(struct connection *c, const char *line)
{
    const struct buf nothing = BUF_INIT(0);

    switch (metrics_request_parse(line)) {
    case METRICS_REQUEST_BAD:
        answer(c, "400 Bad Request", &nothing);
        break;
    case METRICS_REQUEST_OTHER_PATH:
        answer(c, "404 Not Found", &nothing);
        break;
    case METRICS_REQUEST_OTHER_METHOD:
        answer(c, "405 Method Not Allowed", &nothing);
        break;
    case METRICS_REQUEST_METRICS:
        answer_metrics(c);
        break;
    }
}

static void on_read(struct bufferevent *bev, void *data)
{
    struct connection *c = data;
    struct evbuffer *in = bufferevent_get_input(bev);
    const struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    const struct buf nothing = BUF_INIT(0);
    CLEANUP_FREE char *line = NULL;

    if (c->answered)
        return;
    if (end.pos < 0) {
        if (evbuffer_get_length(in) >= METRICS_SERVER_HEAD_BYTES)
            answer(c, "431 Request Header Fields Too Large", &nothing);
        return;
    }
    line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF_STRICT);
    if (line)
        answer_request(c, line);
    else
        connection_end(c);
}

static void on_written(struct bufferevent *bev UNUSED, void *data)
{
    struct connection *c = data;

    if (c->answered)
        connection_end(c);
}

static void on_broken(struct bufferevent *bev UNUSED, short events UNUSED, void *data)
{
    connection_end(data);
}

static void on_accepted(struct evconnlistener *listener UNUSED, evutil_socket_t fd,
                        struct sockaddr *address UNUSED, int len UNUSED, void *data)
{
    struct metrics_server *s = data;
    struct connection *c;

    if (s->n_connections >= s->limits.connections)
        connection_free(s->connections);
    c = calloc(1, sizeof(*c));
    if (c)
        c->bev = bufferevent_socket_new(loop_base(s->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!c || !c->bev) {
        evutil_closesocket(fd);
        free(c);
        set_deadline(s);
        return;
    }
    c->server = s;
    c->deadline_ns = loop_now_ns(s->loop) + s->limits.deadline_ns;
    DL_APPEND(s->connections, c);
    s->n_connections++;
    bufferevent_setcb(c->bev, on_read, on_written, on_broken, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, METRICS_SERVER_HEAD_BYTES);
    bufferevent_enable(c->bev, EV_READ);
    set_deadline(s);
}

/* ---- Life ---- */

static void read_port(struct metrics_server *s)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);

    if (getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&address, &len) < 0)
        return;
    if (address.ss_family == AF_INET)
        s->port = ntohs(((struct sockaddr_in *)&address)->sin_port);
    else if (address.ss_family == AF_INET6)
        s->port = ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
}

/* libevent takes no port 0, but an address without a port. False: it is no ADDRESS:PORT. */
static bool parse_address(const char *text, struct sockaddr_storage *ret, int *len)
{
    const char *colon = strrchr(text, ':');
    CLEANUP_FREE char *host = colon ? strndup(text, (size_t)(colon - text)) : NULL;

    if (!host || strchr(colon, ']'))
        return false;
    if (strcmp(colon, ":0") == 0)
        text = host;
    else if (colon[1] == '\0')
        return false;
    return evutil_parse_sockaddr_port(text, (struct sockaddr *)ret, len) == 0;
}

static int listen_at(struct metrics_server *s, const char *text, struct error **reterr)
{
    struct sockaddr_storage address = {0};
    int len = sizeof(address);

    if (!parse_address(text, &address, &len))
        return error_set(reterr, -EINVAL, "'%s' is not ADDRESS:PORT", error_quote(text));
    s->listener =
        evconnlistener_new_bind(loop_base(s->loop), on_accepted, s,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                -1, (struct sockaddr *)&address, len);
    if (!s->listener)
        return error_errno(reterr, errno ? errno : ENOMEM, "'%s'", error_quote(text));
    read_port(s);
    return 0;
}

int metrics_server_new(struct metrics_server **ret, struct loop *loop, const char *listen,
                       const struct metrics_server_limits *limits,
                       int (*collect)(struct buf *out, void *data), void *data,
                       struct error **reterr)
{
    CLEANUP(metrics_server_free) struct metrics_server *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return error_oom(reterr);
    s->loop = loop;
    s->collect = collect;
    s->data = data;
    if (limits)
        s->limits = *limits;
    if (!s->limits.connections)
        s->limits.connections = METRICS_SERVER_CONNECTIONS;
    if (!s->limits.deadline_ns)
        s->limits.deadline_ns = METRICS_SERVER_DEADLINE_NS;
    if (loop_timer_new(loop, &s->deadline, on_deadline, s) < 0)
        return error_oom(reterr);
    r = listen_at(s, listen, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

struct metrics_server *metrics_server_free(struct metrics_server *s)
{
    if (!s)
        return NULL;
    if (s->listener)
        evconnlistener_free(s->listener);
    while (s->connections)
        connection_free(s->connections);
    loop_timer_free(s->deadline);
    free(s);
    return NULL;
}

uint16_t metrics_server_port(const struct metrics_server *s)
{
    return s->port;
}
