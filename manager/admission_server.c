/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/admission_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <utlist.h>

#include "lib/log.h"
#include "lib/loop.h"
#include "lib/pem_key.h"
#include "lib/rpc/grpc.h"
#include "manager/clock.h"

/* A connection, from the time when it is accepted until its SSL is freed. */
struct connection {
    struct admission_server *server;
    struct bufferevent *bev; /* libevent's */
    uint64_t since_ns;       /* accepted, or last answered */
    bool answered;
    struct connection *prev, *next;
};

struct admission_server {
    struct loop *loop;
    const struct admission_server_handler *handler;
    void *data;
    struct admission_server_limits limits;
    SSL_CTX *ctx; /* owned; NULL: no certificate yet */
    struct evhttp *http;
    struct evconnlistener *listener; /* of http */
    struct connection *connections;  /* each owned by its SSL */
    unsigned n_connections;
    struct loop_timer *deadline;
    uint16_t port;
};

DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free)

/* ---- Connections ---- */

static int connection_slot = -1; /* of an SSL: its struct connection */

static uint64_t connection_deadline(const struct connection *c)
{
    const struct admission_server_limits *limits = &c->server->limits;

    return c->since_ns + (c->answered ? limits->idle_ns : limits->first_ns);
}

/* Nothing may be accepted without a certificate, nor beyond the limit. */
static void update_listener(struct admission_server *s)
{
    if (s->ctx && s->n_connections < s->limits.connections)
        evconnlistener_enable(s->listener);
    else
        evconnlistener_disable(s->listener);
}

static void set_deadline(struct admission_server *s)
{
    uint64_t now = loop_now_ns(s->loop), first = UINT64_MAX;

    for (struct connection *c = s->connections; c; c = c->next)
        first = MIN(first, connection_deadline(c));
    if (first != UINT64_MAX)
        loop_timer_set(s->deadline, first > now ? first - now : 0);
    else
        loop_timer_unset(s->deadline);
}

/* libevent sees the end and frees the connection. */
static void connection_end(struct connection *c)
{
    int fd = bufferevent_getfd(c->bev);

    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}

static void on_deadline(void *data)
{
    struct admission_server *s = data;
    uint64_t now = loop_now_ns(s->loop);

    for (struct connection *c = s->connections; c; c = c->next) {
        if (connection_deadline(c) <= now) {
            connection_end(c);
            c->since_ns = now; /* it goes in one of the next turns */
        }
    }
    set_deadline(s);
}

/* The one that has been of no use for the longest time; those that never were come first. The newest,
 * which nobody can know yet, is spared. */
static void end_least_useful(struct admission_server *s, const struct connection *newest)
{
    struct connection *worst = NULL;

    for (struct connection *c = s->connections; c; c = c->next) {
        if (c == newest)
            continue;
        if (!worst || c->answered < worst->answered ||
            (c->answered == worst->answered && c->since_ns < worst->since_ns))
            worst = c;
    }
    if (worst)
        connection_end(worst);
}

/* libevent frees an SSL some time after its bufferevent, perhaps after the server. */
static void on_ssl_freed(void *parent UNUSED, void *ptr, CRYPTO_EX_DATA *ad UNUSED,
                         int index UNUSED, long argl UNUSED, void *argp UNUSED)
{
    struct connection *c = ptr;
    struct admission_server *s = c ? c->server : NULL;

    if (s) {
        DL_DELETE(s->connections, c);
        s->n_connections--;
        update_listener(s);
    }
    free(c);
}

/* Makes what stands for an accepted socket. NULL (no memory): libevent goes on without TLS, and
 * on_request() answers nobody there. */
static struct bufferevent *on_accepted(struct event_base *base, void *data)
{
    struct admission_server *s = data;
    struct connection *c = calloc(1, sizeof(*c));
    SSL *ssl = c && s->ctx ? SSL_new(s->ctx) : NULL;

    if (!ssl) {
        free(c);
        return NULL;
    }
    c->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                            BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev) { /* has freed ssl */
        free(c);
        return NULL;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
    c->server = s;
    c->since_ns = loop_now_ns(s->loop);
    SSL_set_ex_data(ssl, connection_slot, c);
    DL_APPEND(s->connections, c);
    if (++s->n_connections >= s->limits.connections)
        end_least_useful(s, c);
    update_listener(s);
    set_deadline(s);
    return c->bev;
}

/* NULL: it is none of ours, that is, without TLS. */
static struct connection *connection_of(struct evhttp_request *req)
{
    struct evhttp_connection *http = evhttp_request_get_connection(req);
    struct bufferevent *bev = http ? evhttp_connection_get_bufferevent(http) : NULL;
    SSL *ssl = bev ? bufferevent_openssl_get_ssl(bev) : NULL;

    return ssl ? SSL_get_ex_data(ssl, connection_slot) : NULL;
}

/* ---- Requests ---- */

static void reply(struct evhttp_request *req, int status, const char *reason)
{
    evhttp_send_reply(req, status, reason, NULL);
}

static void reply_review(struct evhttp_request *req, const struct buf *answer)
{
    evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", "application/json");
    if (evbuffer_add(evhttp_request_get_output_buffer(req), answer->data, answer->len) < 0)
        reply(req, 500, "No memory");
    else
        reply(req, 200, "OK");
}

static void log_outcome(enum admission_question question, const struct admission_outcome *o)
{
    if (o->denied)
        LOG(INFO, "policy-denied", "the API server was told why", LOG_STR("object", o->about));
    else if (question == ADMISSION_MUTATE && o->n_operations > 0)
        LOG(DEBUG, "workload-patched", "its containers name their profiles",
            LOG_STR("object", o->about), LOG_INT("operations", o->n_operations));
}

static void answer_review(struct admission_server *s, struct evhttp_request *req,
                          enum admission_question question)
{
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");
    struct evbuffer *input = evhttp_request_get_input_buffer(req);
    CLEANUP_BUF struct buf out = BUF_INIT(2 * (size_t)ADMISSION_MAX_BYTES);
    size_t len = evbuffer_get_length(input);
    struct admission_outcome outcome = {0};
    struct admission_facts facts;
    const unsigned char *body;
    uint64_t started_ns;
    int status;

    if (!type || strcmp(type, "application/json") != 0) {
        reply(req, 415, "Not application/json");
        return;
    }
    started_ns = clock_monotonic_ns();
    body = evbuffer_pullup(input, -1);
    s->handler->facts(&facts, s->data);
    status = len > 0 && !body
                 ? -ENOMEM
                 : admission_review_answer(&facts, question, body, len, &out, &outcome);
    if (status == 200)
        reply_review(req, &out);
    else if (status < 0)
        reply(req, 500, "No memory");
    else
        reply(req, status, status == 400 ? "No body" : "No AdmissionReview");
    if (status < 0)
        LOG(ERROR, "review-failed", "admitted as it was", LOG_INT("errno", -status));
    log_outcome(question, &outcome);
    if (status == 200 && s->handler->answered)
        s->handler->answered(question, &outcome, clock_monotonic_ns() - started_ns, s->data);
    admission_outcome_done(&outcome);
}

static void answer_get(struct admission_server *s, struct evhttp_request *req, const char *path)
{
    if (strcmp(path, "/health/liveness") == 0)
        reply(req, 200, "OK");
    else if (strcmp(path, "/health/readiness") != 0)
        reply(req, 404, "Not found");
    else if (s->handler->is_ready(s->data))
        reply(req, 200, "OK");
    else
        reply(req, 503, "Policies are being read");
}

static void on_request(struct evhttp_request *req, void *data)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
    struct connection *c = connection_of(req);
    struct admission_server *s = data;

    if (!c || !path) {
        reply(req, 400, "Bad request");
        return;
    }
    c->since_ns = loop_now_ns(s->loop); /* before the reply, which may end the connection */
    c->answered = true;
    if (evhttp_request_get_command(req) == EVHTTP_REQ_GET)
        answer_get(s, req, path);
    else if (strcmp(path, "/mutate") == 0)
        answer_review(s, req, ADMISSION_MUTATE);
    else if (strcmp(path, "/validate") == 0)
        answer_review(s, req, ADMISSION_VALIDATE);
    else
        reply(req, 404, "Not found");
    set_deadline(s);
}

/* ---- The certificate ---- */

/* Takes the first certificate of the text, and those behind it as its chain. */
static bool use_certificates(SSL_CTX *ctx, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    bool used = false;
    X509 *x;

    while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        bool taken =
            used ? SSL_CTX_add1_chain_cert(ctx, x) == 1 : SSL_CTX_use_certificate(ctx, x) == 1;

        X509_free(x);
        if (!taken) {
            BIO_free(bio);
            return false;
        }
        used = true;
    }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the text */
    return used;
}

static bool use_key(SSL_CTX *ctx, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = bio ? pem_key_read(bio) : NULL;
    bool used = key && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return used;
}

/* Takes "http/1.1": evhttp speaks nothing else. */
static int choose_alpn(SSL *ssl UNUSED, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg UNUSED)
{
    static const unsigned char spoken[] = "\x08http/1.1";
    unsigned char *chosen = NULL;

    if (SSL_select_next_proto(&chosen, out_len, spoken, sizeof(spoken) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int admission_server_set_certificate(struct admission_server *s, const char *certificate,
                                     const char *key, struct error **reterr)
{
    CLEANUP(SSL_CTX_free) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx)
        return error_oom(reterr);
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    if (!use_certificates(ctx, certificate))
        return error_set(reterr, -EINVAL, "the certificate cannot be used");
    if (!use_key(ctx, key))
        return error_set(reterr, -EINVAL, "the key cannot be used");
    SSL_CTX_free(s->ctx);
    s->ctx = TAKE(ctx);
    update_listener(s);
    return 0;
}

/* ---- Life ---- */

uint16_t admission_server_port(const struct admission_server *s)
{
    return s->port;
}

static void read_port(struct admission_server *s)
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

static int bind_to(struct admission_server *s, const char *text, struct error **reterr)
{
    CLEANUP_FREE char *url = NULL;
    struct grpc_address address = {0};
    struct evhttp_bound_socket *bound;
    int r;

    if (asprintf(&url, "tls://%s", text) < 0) {
        url = NULL;
        return error_oom(reterr);
    }
    r = grpc_address_parse(&address, url, reterr);
    if (r < 0)
        return r;
    bound = evhttp_bind_socket_with_handle(s->http, address.host, address.port);
    r = bound ? 0 : error_errno(reterr, errno ? errno : EINVAL, "'%s'", error_quote(text));
    grpc_address_done(&address);
    if (r < 0)
        return r;
    s->listener = evhttp_bound_socket_get_listener(bound);
    read_port(s);
    update_listener(s);
    return 0;
}

static int start(struct admission_server *s, const char *listen, struct error **reterr)
{
    if (connection_slot < 0)
        connection_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_freed);
    if (connection_slot < 0 || loop_timer_new(s->loop, &s->deadline, on_deadline, s) < 0)
        return error_oom(reterr);
    s->http = evhttp_new(loop_base(s->loop));
    if (!s->http)
        return error_oom(reterr);
    evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
    evhttp_set_max_body_size(s->http, ADMISSION_MAX_BYTES);
    evhttp_set_max_headers_size(s->http, ADMISSION_MAX_HEADER_BYTES);
    evhttp_set_timeout(s->http, (int)(s->limits.idle_ns / NS_PER_SEC) + 1);
    evhttp_set_bevcb(s->http, on_accepted, s);
    evhttp_set_gencb(s->http, on_request, s);
    return bind_to(s, listen, reterr);
}

int admission_server_new(struct admission_server **ret, struct loop *loop, const char *listen,
                         const struct admission_server_limits *limits,
                         const struct admission_server_handler *handler, void *data,
                         struct error **reterr)
{
    CLEANUP(admission_server_free) struct admission_server *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return error_oom(reterr);
    s->loop = loop;
    s->handler = handler;
    s->data = data;
    if (limits)
        s->limits = *limits;
    if (!s->limits.connections)
        s->limits.connections = ADMISSION_DEFAULT_CONNECTIONS;
    if (!s->limits.first_ns)
        s->limits.first_ns = ADMISSION_DEFAULT_FIRST_NS;
    if (!s->limits.idle_ns)
        s->limits.idle_ns = ADMISSION_DEFAULT_IDLE_NS;
    r = start(s, listen, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

struct admission_server *admission_server_free(struct admission_server *s)
{
    if (!s)
        return NULL;
    for (struct connection *c = s->connections; c; c = c->next)
        c->server = NULL; /* freed with its SSL */
    if (s->http)
        evhttp_free(s->http);
    loop_timer_free(s->deadline);
    SSL_CTX_free(s->ctx);
    free(s);
    return NULL;
}
