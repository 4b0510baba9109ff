/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/loop.h"
#include "lib/rpc/tls_context.h"

struct transport {
    int fd;          /* owned */
    SSL *ssl;        /* owned; NULL without TLS */
    char *peer_name; /* owned; see transport_peer_name() */
    unsigned wants;
    bool is_open;   /* TLS has shaken hands, or there is none */
    bool is_broken; /* after a fatal TLS error nothing more may be said */
};

int transport_new(struct transport **ret, int *fd, struct tls_context *tls, const char *server_name,
                  struct error **reterr)
{
    CLEANUP(transport_free) struct transport *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return error_oom(reterr);
    t->fd = -1;
    if (tls) {
        r = tls_context_connection(tls, &t->ssl, *fd, server_name, reterr);
        if (r < 0)
            return r;
    }
    t->fd = TAKE_FD(*fd);
    *ret = TAKE(t);
    return 0;
}

struct transport *transport_free(struct transport *t)
{
    if (!t)
        return NULL;
    SSL_free(t->ssl);
    if (t->fd >= 0)
        close(t->fd);
    free(t->peer_name);
    free(t);
    return NULL;
}

/* Translates what a TLS call returned: -EAGAIN, 0 for the end, or an error. */
static int transport_tls_result(struct transport *t, int r, const char *what, struct error **reterr)
{
    int saved = errno;
    long verified;

    switch (SSL_get_error(t->ssl, r)) {
    case SSL_ERROR_WANT_READ:
        t->wants = LOOP_READ;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        t->wants = LOOP_WRITE;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        t->is_broken = true;
        if (saved != 0)
            return error_errno(reterr, saved, "%s", what);
        return error_set(reterr, -ECONNRESET, "%s: the connection was cut", what);
    default:
        t->is_broken = true;
        verified = SSL_get_verify_result(t->ssl);
        if (!t->is_open && verified != X509_V_OK) {
            ERR_clear_error();
            return error_set(reterr, -EPROTO, "%s: the peer's certificate: %s", what,
                             X509_verify_cert_error_string(verified));
        }
        return tls_error(reterr, -EPROTO, what);
    }
}

int transport_open(struct transport *t, struct error **reterr)
{
    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;
    int r;

    if (!t->ssl || t->is_open) {
        t->is_open = true;
        return 0;
    }
    ERR_clear_error();
    errno = 0;
    r = SSL_do_handshake(t->ssl);
    if (r != 1) {
        r = transport_tls_result(t, r, "TLS handshake", reterr);
        return r == 0 ? error_set(reterr, -ECONNRESET, "TLS handshake: ended by the peer") : r;
    }
    SSL_get0_alpn_selected(t->ssl, &alpn, &alpn_len);
    if (alpn_len != 2 || memcmp(alpn, "h2", 2) != 0)
        return error_set(reterr, -EPROTO,
                         "TLS handshake: the peer does not speak HTTP/2 (ALPN h2)");
    t->is_open = true;
    return 0;
}

ssize_t transport_read(struct transport *t, uint8_t *data, size_t len, struct error **reterr)
{
    ssize_t n;

    if (t->ssl) {
        ERR_clear_error();
        errno = 0;
        n = SSL_read(t->ssl, data, (int)MIN(len, (size_t)TRANSPORT_READ_BYTES));
        return n > 0 ? n : transport_tls_result(t, (int)n, "TLS", reterr);
    }
    do
        n = read(t->fd, data, len);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    t->wants = LOOP_READ;
    if (errno == EAGAIN)
        return -EAGAIN;
    return error_errno(reterr, errno, "read");
}

ssize_t transport_write(struct transport *t, const uint8_t *data, size_t len, struct error **reterr)
{
    ssize_t n;

    if (t->ssl) {
        ERR_clear_error();
        errno = 0;
        n = SSL_write(t->ssl, data, (int)MIN(len, (size_t)TRANSPORT_READ_BYTES));
        if (n > 0)
            return n;
        n = transport_tls_result(t, (int)n, "TLS", reterr);
        return n == 0 ? error_set(reterr, -EPIPE, "TLS: ended by the peer") : n;
    }
    do
        n = send(t->fd, data, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    t->wants = LOOP_WRITE;
    if (errno == EAGAIN)
        return -EAGAIN;
    return error_errno(reterr, errno, "write");
}

void transport_shutdown(struct transport *t)
{
    if (t->ssl && t->is_open && !t->is_broken) {
        ERR_clear_error();
        SSL_shutdown(t->ssl);
        ERR_clear_error();
    }
    shutdown(t->fd, SHUT_WR);
}

int transport_fd(const struct transport *t)
{
    return t->fd;
}

unsigned transport_wants(const struct transport *t)
{
    return t->wants;
}

const char *transport_peer_name(struct transport *t)
{
    X509 *certificate;
    const X509_NAME *subject;
    unsigned char *text = NULL;
    int at;

    if (!t->ssl || t->peer_name)
        return t->peer_name;
    certificate = SSL_get0_peer_certificate(t->ssl);
    if (!certificate || SSL_get_verify_result(t->ssl) != X509_V_OK)
        return NULL;
    subject = X509_get_subject_name(certificate);
    at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 ||
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))) < 0)
        return NULL;
    /* A name with a NUL inside is not the name that it would look like. */
    if (strlen((char *)text) ==
        (size_t)ASN1_STRING_length(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))))
        t->peer_name = strdup((char *)text);
    OPENSSL_free(text);
    return t->peer_name;
}
