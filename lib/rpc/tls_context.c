/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/tls_context.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/rpc/grpc.h"

struct tls_context {
    SSL_CTX *ctx; /* owned */
    bool is_client;
};

static const unsigned char tls_alpn[] = {2, 'h', '2'};

int tls_error(struct error **reterr, int code, const char *what)
{
    unsigned long reason =
        ERR_peek_error(); /* the first: later ones only say where it was noticed */
    const char *text = reason ? ERR_reason_error_string(reason) : NULL;

    error_set(reterr, code, "%s: %s", what, text ? text : strerror(-code));
    ERR_clear_error();
    return code;
}

/* Takes "h2" and nothing else: a peer that cannot speak it is told so by an alert. */
static int tls_choose_alpn(SSL *ssl UNUSED, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg UNUSED)
{
    unsigned char *chosen = NULL;

    if (SSL_select_next_proto(&chosen, out_len, tls_alpn, sizeof(tls_alpn), in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void tls_context_set_policy(struct tls_context *t)
{
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_3_VERSION);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(t->ctx, 0);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!t->is_client)
        SSL_CTX_set_alpn_select_cb(t->ctx, tls_choose_alpn, NULL);
}

static int tls_context_load(struct tls_context *t, const struct grpc_tls *tls,
                            struct error **reterr)
{
    if (!tls->ca_file || !tls->certificate_file || !tls->key_file)
        return error_set(reterr, -EINVAL, "TLS needs three files: authority, certificate and key");
    if (SSL_CTX_load_verify_file(t->ctx, tls->ca_file) != 1) {
        tls_error(reterr, -EINVAL, "authority");
        return error_wrap(reterr, -EINVAL, "file '%s'", error_quote(tls->ca_file));
    }
    if (SSL_CTX_use_certificate_chain_file(t->ctx, tls->certificate_file) != 1) {
        tls_error(reterr, -EINVAL, "certificate");
        return error_wrap(reterr, -EINVAL, "file '%s'", error_quote(tls->certificate_file));
    }
    if (SSL_CTX_use_PrivateKey_file(t->ctx, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(t->ctx) != 1) {
        tls_error(reterr, -EINVAL, "private key");
        return error_wrap(reterr, -EINVAL, "file '%s'", error_quote(tls->key_file));
    }
    return 0;
}

int tls_context_new(struct tls_context **ret, const struct grpc_tls *tls, bool is_client,
                    struct error **reterr)
{
    CLEANUP(tls_context_free) struct tls_context *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return error_oom(reterr);
    t->is_client = is_client;
    ERR_clear_error();
    t->ctx = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());
    if (!t->ctx)
        return error_oom(reterr);
    tls_context_set_policy(t);
    r = tls_context_load(t, tls, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(t);
    return 0;
}

struct tls_context *tls_context_free(struct tls_context *t)
{
    if (!t)
        return NULL;
    SSL_CTX_free(t->ctx);
    free(t);
    return NULL;
}

/* Whom the client wants to find: an address must be in the certificate as an address. */
static int tls_expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
        return 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

int tls_context_connection(struct tls_context *t, struct ssl_st **ret, int fd,
                           const char *server_name, struct error **reterr)
{
    SSL *ssl = SSL_new(t->ctx);

    if (!ssl)
        return error_oom(reterr);
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return error_oom(reterr);
    }
    if (t->is_client) {
        if (!server_name || !tls_expect_name(ssl, server_name)) {
            SSL_free(ssl);
            return error_set(reterr, -EINVAL, "'%s' is not a name that a certificate could have",
                             error_quote(server_name ? server_name : ""));
        }
        SSL_set_alpn_protos(ssl, tls_alpn, sizeof(tls_alpn));
        SSL_set_connect_state(ssl);
    } else {
        SSL_set_accept_state(ssl);
    }
    *ret = ssl;
    return 0;
}
