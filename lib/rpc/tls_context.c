/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/tls_context.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/pem_key.h"
#include "lib/rpc/grpc.h"

/* A file as it was when it was read. */
struct tls_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed;
};

enum tls_part { TLS_AUTHORITY, TLS_CERTIFICATE, TLS_KEY, TLS_N_PARTS };

struct tls_context {
    SSL_CTX *ctx;          /* owned; NULL: what it needs is awaited */
    struct error *problem; /* owned; of a client, why it is NULL */
    bool is_client;
    struct grpc_tls tls; /* its files and texts are owned; the server's name is not kept */
    struct tls_stamp stamps[TLS_N_PARTS];
};

static const char *const tls_part_names[TLS_N_PARTS] = {"authority", "certificate", "private key"};
static const unsigned char tls_alpn[] = {2, 'h', '2'};

static inline void tls_free_bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

static inline void tls_free_ctx_cleanup(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

int tls_error(struct error **reterr, int code, const char *what)
{
    unsigned long reason =
        ERR_peek_error(); /* the first: later ones only say where it was noticed */
    const char *text = reason ? ERR_reason_error_string(reason) : NULL;

    if (reason && ERR_SYSTEM_ERROR(reason))
        text = strerror(ERR_GET_REASON(reason));
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

static void tls_set_policy(SSL_CTX *ctx, bool is_client, int verify)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_verify(ctx, verify, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!is_client)
        SSL_CTX_set_alpn_select_cb(ctx, tls_choose_alpn, NULL);
}

static struct tls_stamp tls_stamp_of(const char *file)
{
    struct stat s;

    if (!file || stat(file, &s) < 0)
        return (struct tls_stamp){0};
    return (struct tls_stamp){s.st_dev, s.st_ino, s.st_size, s.st_mtim, s.st_ctim};
}

/* ---- Material ---- */

static const char *tls_file_of(const struct grpc_tls *tls, enum tls_part part)
{
    const char *const files[TLS_N_PARTS] = {tls->ca_file, tls->certificate_file, tls->key_file};

    return files[part];
}

static const char *tls_text_of(const struct grpc_tls *tls, enum tls_part part)
{
    const char *const texts[TLS_N_PARTS] = {tls->ca_text, tls->certificate_text, tls->key_text};

    return texts[part];
}

static bool tls_has(const struct grpc_tls *tls, enum tls_part part)
{
    return tls_file_of(tls, part) || tls_text_of(tls, part);
}

/* The end of the text is the one error that is none; forgets it. */
static bool tls_at_end(void)
{
    unsigned long last = ERR_peek_last_error();

    if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

static int tls_read_authority(SSL_CTX *ctx, BIO *bio)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    unsigned n = 0;

    for (;; n++) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        int added;

        if (!certificate)
            return n > 0 && tls_at_end() ? 1 : 0;
        added = X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
        if (added != 1)
            return 0;
    }
}

static int tls_read_certificate(SSL_CTX *ctx, BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    int used = certificate ? SSL_CTX_use_certificate(ctx, certificate) : 0;

    X509_free(certificate);
    if (used != 1)
        return 0;
    for (;;) {
        certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!certificate)
            return tls_at_end() ? 1 : 0;
        if (SSL_CTX_add0_chain_cert(ctx, certificate) != 1) {
            X509_free(certificate);
            return 0;
        }
    }
}

static int tls_read_key(SSL_CTX *ctx, BIO *bio)
{
    EVP_PKEY *key = pem_key_read(bio);
    int used = key ? SSL_CTX_use_PrivateKey(ctx, key) : 0;

    EVP_PKEY_free(key);
    return used == 1 && SSL_CTX_check_private_key(ctx) == 1;
}

static int tls_read_part(SSL_CTX *ctx, const struct grpc_tls *tls, enum tls_part part,
                         struct error **reterr)
{
    static int (*const readers[TLS_N_PARTS])(SSL_CTX * ctx, BIO * bio) = {
        tls_read_authority, tls_read_certificate, tls_read_key};
    const char *file = tls_file_of(tls, part), *text = tls_text_of(tls, part);
    CLEANUP(tls_free_bio) BIO *bio = NULL;

    if (!file && !text)
        return 0;
    if (file ? tls_stamp_of(file).size > TLS_FILE_MAX_BYTES : strlen(text) > TLS_FILE_MAX_BYTES)
        return error_set(reterr, -EINVAL, "%s '%s': more than %u bytes", tls_part_names[part],
                         error_quote(file ? file : ""), TLS_FILE_MAX_BYTES);
    bio = file ? BIO_new_file(file, "re") : BIO_new_mem_buf(text, -1);
    if (bio && readers[part](ctx, bio) == 1)
        return 0;
    tls_error(reterr, -EINVAL, tls_part_names[part]);
    return file ? error_wrap(reterr, -EINVAL, "file '%s'", error_quote(file)) : -EINVAL;
}

static int tls_check_parts(const struct grpc_tls *tls, bool is_client, struct error **reterr)
{
    bool has_certificate = tls_has(tls, TLS_CERTIFICATE), has_key = tls_has(tls, TLS_KEY);

    if (has_certificate != has_key)
        return error_set(reterr, -EINVAL,
                         "TLS: a certificate needs its key, and a key its certificate");
    if (!is_client && !has_certificate && !tls->is_awaited)
        return error_set(reterr, -EINVAL, "TLS: a server needs a certificate and its key");
    if (!tls_has(tls, TLS_AUTHORITY) && (is_client || !tls->is_client_free))
        return error_set(reterr, -EINVAL,
                         "TLS: an authority is needed that the peer is believed by");
    return 0;
}

/* *ret stays NULL where the certificate is awaited. */
static int tls_make(SSL_CTX **ret, const struct grpc_tls *tls, bool is_client,
                    struct error **reterr)
{
    CLEANUP(tls_free_ctx) SSL_CTX *ctx = NULL;
    int verify = tls_has(tls, TLS_AUTHORITY) ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
    int r = 0;

    if (!is_client && !tls_has(tls, TLS_CERTIFICATE))
        return 0;
    if (!tls->is_client_free)
        verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    ERR_clear_error();
    ctx = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());
    if (!ctx)
        return error_oom(reterr);
    tls_set_policy(ctx, is_client, verify);
    for (int part = 0; r == 0 && part < TLS_N_PARTS; part++)
        r = tls_read_part(ctx, tls, (enum tls_part)part, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(ctx);
    return 0;
}

/* ---- Files that change ---- */

static bool tls_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool tls_same_stamp(const struct tls_stamp *a, const struct tls_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           tls_same_time(&a->written, &b->written) && tls_same_time(&a->changed, &b->changed);
}

void tls_context_refresh(struct tls_context *t)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct tls_stamp stamps[TLS_N_PARTS];
    bool is_same = true;
    SSL_CTX *ctx = NULL;

    for (size_t i = 0; i < TLS_N_PARTS; i++) {
        stamps[i] = tls_stamp_of(tls_file_of(&t->tls, (enum tls_part)i));
        is_same &= tls_same_stamp(&stamps[i], &t->stamps[i]);
    }
    if (is_same)
        return;
    memcpy(t->stamps, stamps, sizeof(stamps));
    if (tls_make(&ctx, &t->tls, t->is_client, &problem) == 0) {
        SSL_CTX_free(t->ctx);
        t->ctx = ctx;
    }
    t->problem = error_free(t->problem);
    if (t->tls.reloaded)
        t->tls.reloaded(problem ? error_message(problem) : NULL, t->tls.data);
    if (!t->ctx)
        t->problem = TAKE(problem);
}

/* ---- Life ---- */

static void tls_done(struct grpc_tls *tls)
{
    const char *const texts[] = {tls->ca_file, tls->certificate_file, tls->key_file, tls->ca_text,
                                 tls->certificate_text};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free((char *)texts[i]);
    if (tls->key_text)
        OPENSSL_cleanse((char *)tls->key_text, strlen(tls->key_text));
    free((char *)tls->key_text);
    *tls = (struct grpc_tls){0};
}

/* 0 or -ENOMEM. */
static int tls_copy(struct grpc_tls *ret, const struct grpc_tls *tls)
{
    const struct {
        const char **to, *from;
    } texts[] = {
        {&ret->ca_file, tls->ca_file},
        {&ret->certificate_file, tls->certificate_file},
        {&ret->key_file, tls->key_file},
        {&ret->ca_text, tls->ca_text},
        {&ret->certificate_text, tls->certificate_text},
        {&ret->key_text, tls->key_text},
    };

    *ret = (struct grpc_tls){.is_client_free = tls->is_client_free,
                             .is_awaited = tls->is_awaited,
                             .reloaded = tls->reloaded,
                             .data = tls->data};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!texts[i].from)
            continue;
        *texts[i].to = strdup(texts[i].from);
        if (!*texts[i].to) {
            tls_done(ret);
            return -ENOMEM;
        }
    }
    return 0;
}

int tls_context_set(struct tls_context *t, const struct grpc_tls *tls, struct error **reterr)
{
    struct tls_stamp stamps[TLS_N_PARTS];
    CLEANUP(error_free) struct error *problem = NULL;
    struct grpc_tls copy;
    SSL_CTX *ctx = NULL;
    int r = tls_check_parts(tls, t->is_client, reterr);

    if (r < 0)
        return r;
    if (tls_copy(&copy, tls) < 0)
        return error_oom(reterr);
    for (size_t i = 0; i < TLS_N_PARTS; i++)
        stamps[i] = tls_stamp_of(tls_file_of(tls, (enum tls_part)i));
    r = tls_make(&ctx, tls, t->is_client, &problem);
    if (r < 0 && (!t->is_client || !tls->is_awaited)) {
        tls_done(&copy);
        return error_set(reterr, r, "%s", error_message(problem));
    }
    if (!copy.reloaded) {
        copy.reloaded = t->tls.reloaded;
        copy.data = t->tls.data;
    }
    error_free(t->problem);
    t->problem = TAKE(problem);
    SSL_CTX_free(t->ctx);
    t->ctx = ctx;
    tls_done(&t->tls);
    t->tls = copy;
    memcpy(t->stamps, stamps, sizeof(stamps));
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
    r = tls_context_set(t, tls, reterr);
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
    tls_done(&t->tls);
    error_free(t->problem);
    free(t);
    return NULL;
}

bool tls_context_is_ready(const struct tls_context *t)
{
    return t->ctx != NULL;
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
    SSL *ssl;

    if (!t->ctx)
        return error_set(reterr, -EINVAL, "%s",
                         t->problem ? error_message(t->problem) : "the certificate is awaited");
    ssl = SSL_new(t->ctx);
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
