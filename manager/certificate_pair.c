/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/certificate_pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/buf.h"
#include "lib/pem_key.h"

#define AUTHORITY_NAME "*.varmor.svc"
#define SERIAL_BITS    159 /* RFC 5280: at most 20 bytes, and positive */
#define SAN_MAX_BYTES  8192
#define NAME_MAX_BYTES 253

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

static void wipe_text(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void certificate_pair_done(struct certificate_pair *p)
{
    wipe_text(p->key);
    free(p->certificate);
    free(p->authority);
    *p = (struct certificate_pair){0};
}

int certificate_pair_copy(struct certificate_pair *ret, const struct certificate_pair *from)
{
    struct certificate_pair copy = {.authority = strdup(from->authority),
                                    .certificate = strdup(from->certificate),
                                    .key = strdup(from->key)};

    if (!copy.authority || !copy.certificate || !copy.key) {
        certificate_pair_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

/* Puts what OpenSSL has to say behind what; returns -EINVAL. */
static int openssl_error(struct error **reterr, const char *what)
{
    unsigned long reason = ERR_peek_error();
    const char *text = reason ? ERR_reason_error_string(reason) : NULL;

    error_set(reterr, -EINVAL, "%s%s%s", what, text ? ": " : "", text ? text : "");
    ERR_clear_error();
    return -EINVAL;
}

/* ---- Making ---- */

static char *bio_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return len > 0 ? strndup(data, (size_t)len) : NULL;
}

static char *certificate_text(X509 *x)
{
    CLEANUP(BIO_free) BIO *bio = BIO_new(BIO_s_mem());

    return bio && PEM_write_bio_X509(bio, x) == 1 ? bio_text(bio) : NULL;
}

static char *key_text(EVP_PKEY *key)
{
    CLEANUP(BIO_free) BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */

    return bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
               ? bio_text(bio)
               : NULL;
}

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    added = extension && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *x)
{
    CLEANUP(BN_free) BIGNUM *serial = BN_new();

    return serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) != NULL;
}

/* What both certificates have: a name, a serial number, a time and a key. */
static X509 *certificate_begin(const char *name, EVP_PKEY *key, int64_t now_s)
{
    CLEANUP(X509_free) X509 *x = X509_new();
    time_t from = now_s - CERTIFICATE_EARLY_S, to = now_s + CERTIFICATE_LIFE_S;

    if (!x || X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) ||
        X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0) != 1 ||
        !ASN1_TIME_set(X509_getm_notBefore(x), from) || !ASN1_TIME_set(X509_getm_notAfter(x), to) ||
        X509_set_pubkey(x, key) != 1)
        return NULL;
    return TAKE(x);
}

static X509 *make_authority(EVP_PKEY *key, int64_t now_s)
{
    CLEANUP(X509_free) X509 *x = certificate_begin(AUTHORITY_NAME, key, now_s);

    if (!x || X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 ||
        !add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(x, x, NID_subject_key_identifier, "hash") ||
        X509_sign(x, key, EVP_sha256()) == 0)
        return NULL;
    return TAKE(x);
}

static X509 *make_certificate(const char *name, const char *alternatives, EVP_PKEY *key,
                              X509 *authority, EVP_PKEY *authority_key, int64_t now_s)
{
    CLEANUP(X509_free) X509 *x = certificate_begin(name, key, now_s);

    if (!x || X509_set_issuer_name(x, X509_get_subject_name(authority)) != 1 ||
        !add_extension(x, authority, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(x, authority, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(x, authority, NID_ext_key_usage, "serverAuth") ||
        !add_extension(x, authority, NID_subject_key_identifier, "hash") ||
        !add_extension(x, authority, NID_authority_key_identifier, "keyid:always") ||
        !add_extension(x, authority, NID_subject_alt_name, alternatives) ||
        X509_sign(x, authority_key, EVP_sha256()) == 0)
        return NULL;
    return TAKE(x);
}

static bool is_address(const char *name)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* "DNS:a,IP:127.0.0.1"; what is in a name must not end it. 0, -EINVAL with *reterr, -E2BIG or
 * -ENOMEM. */
static int format_names(const struct certificate_names *names, struct buf *out,
                        struct error **reterr)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:";
    int r = 0;

    for (size_t i = 0; i < names->n && r == 0; i++) {
        const char *name = names->items[i];
        size_t len = strlen(name);

        if (len == 0 || len > NAME_MAX_BYTES || strspn(name, allowed) != len ||
            (strchr(name, ':') && !is_address(name)))
            return error_set(reterr, -EINVAL, "'%s' is not a name for a certificate",
                             error_quote(name));
        r = buf_format(out, "%s%s:%s", i ? "," : "", is_address(name) ? "IP" : "DNS", name);
    }
    return r < 0 ? error_errno(reterr, r, "names of a certificate") : 0;
}

int certificate_pair_make(struct certificate_pair *ret, const struct certificate_names *names,
                          int64_t now_s, struct error **reterr)
{
    CLEANUP(EVP_PKEY_free) EVP_PKEY *authority_key = NULL, *key = NULL;
    CLEANUP(X509_free) X509 *authority = NULL, *certificate = NULL;
    CLEANUP_BUF struct buf alternatives = BUF_INIT(SAN_MAX_BYTES);
    struct certificate_pair pair = {0};
    int r = format_names(names, &alternatives, reterr);

    if (r < 0)
        return r;
    ERR_clear_error();
    authority_key = EVP_EC_gen("P-256");
    key = EVP_EC_gen("P-256");
    authority = authority_key && key ? make_authority(authority_key, now_s) : NULL;
    if (authority)
        certificate = make_certificate(names->items[0], buf_text(&alternatives), key, authority,
                                       authority_key, now_s);
    if (!certificate)
        return openssl_error(reterr, "a certificate could not be made");
    pair.authority = certificate_text(authority);
    pair.certificate = certificate_text(certificate);
    pair.key = key_text(key);
    if (!pair.authority || !pair.certificate || !pair.key) {
        certificate_pair_done(&pair);
        return error_oom(reterr);
    }
    *ret = pair;
    return 0;
}

/* ---- Reading ---- */

/* The next certificate of a text; NULL: no more. */
static X509 *next_certificate(BIO *bio)
{
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    ERR_clear_error(); /* the end of the text is an error to OpenSSL */
    return x;
}

static BIO *text_bio(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    return BIO_new_mem_buf(text ? text : "", (int)MIN(len, (size_t)CERTIFICATE_MAX_PEM_BYTES));
}

static X509 *first_certificate(const char *text)
{
    CLEANUP(BIO_free) BIO *bio = text_bio(text);

    return bio ? next_certificate(bio) : NULL;
}

static EVP_PKEY *read_key(const char *text)
{
    CLEANUP(BIO_free) BIO *bio = text_bio(text);
    EVP_PKEY *key = bio ? pem_key_read(bio) : NULL;

    ERR_clear_error();
    return key;
}

/* ---- Checking ---- */

static X509_STORE *read_store(const char *authority)
{
    CLEANUP(X509_STORE_free) X509_STORE *store = X509_STORE_new();
    CLEANUP(BIO_free) BIO *bio = text_bio(authority);
    X509 *x;

    if (!store || !bio)
        return NULL;
    while ((x = next_certificate(bio))) {
        int added = X509_STORE_add_cert(store, x);

        X509_free(x);
        if (added != 1)
            return NULL;
    }
    return TAKE(store);
}

/* What stands behind the first certificate of a text: those between it and an authority. NULL: no
 * memory. */
static STACK_OF(X509) * read_chain(const char *certificate)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    CLEANUP(BIO_free) BIO *bio = text_bio(certificate);
    X509 *x;

    for (bool first = true; chain && bio && (x = next_certificate(bio)); first = false)
        if (first || sk_X509_num(chain) >= CERTIFICATE_BUNDLE_MAX || sk_X509_push(chain, x) <= 0)
            X509_free(x);
    return chain;
}

static void free_chain(STACK_OF(X509) * chain)
{
    sk_X509_pop_free(chain, X509_free);
}
DEFINE_CLEANUP(STACK_OF(X509) *, free_chain)

static int check_chain(const struct certificate_pair *p, X509 *x, int64_t now_s,
                       struct error **reterr)
{
    CLEANUP(free_chain) STACK_OF(X509) *chain = read_chain(p->certificate);
    CLEANUP(X509_STORE_free) X509_STORE *store = read_store(p->authority);
    CLEANUP(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    if (!chain || !store || !ctx || X509_STORE_CTX_init(ctx, store, x, chain) != 1)
        return error_oom(reterr);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    X509_STORE_CTX_set_time(ctx, 0, (time_t)now_s);
    if (X509_verify_cert(ctx) == 1)
        return 0;
    ERR_clear_error();
    return error_set(reterr, -EINVAL, "%s",
                     X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

int certificate_pair_check(const struct certificate_pair *p, const struct certificate_names *names,
                           int64_t now_s, struct error **reterr)
{
    CLEANUP(X509_free) X509 *x = first_certificate(p->certificate);
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = read_key(p->key);
    int r;

    if (!x)
        return error_set(reterr, -EINVAL, "the certificate cannot be read");
    if (!key || X509_check_private_key(x, key) != 1) {
        ERR_clear_error();
        return error_set(reterr, -EINVAL, "the key %s",
                         key ? "is not the certificate's" : "cannot be read");
    }
    r = check_chain(p, x, now_s, reterr);
    for (size_t i = 0; i < names->n && r == 0; i++) {
        const char *name = names->items[i];

        if ((is_address(name) ? X509_check_ip_asc(x, name, 0)
                              : X509_check_host(x, name, 0, 0, NULL)) != 1)
            r = error_set(reterr, -EINVAL, "the certificate is not for '%s'", name);
    }
    return r;
}

/* A time of a certificate in seconds since 1970. */
static bool read_time(const ASN1_TIME *t, int64_t *ret_s)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *ret_s = timegm(&tm);
    return true;
}

int certificate_renew_at(const char *certificate, int64_t *ret_s)
{
    CLEANUP(X509_free) X509 *x = first_certificate(certificate);
    int64_t from, to;

    if (!x || !read_time(X509_get0_notBefore(x), &from) || !read_time(X509_get0_notAfter(x), &to) ||
        to < from)
        return -EINVAL;
    *ret_s = to - (to - from) / 3;
    return 0;
}

/* ---- Bundles ---- */

struct bundle {
    X509 *items[CERTIFICATE_BUNDLE_MAX]; /* owned */
    size_t n;
};

static void bundle_done(struct bundle *b)
{
    for (size_t i = 0; i < b->n; i++)
        X509_free(b->items[i]);
}

static bool bundle_has(const struct bundle *b, const X509 *x)
{
    for (size_t i = 0; i < b->n; i++)
        if (X509_cmp(b->items[i], x) == 0)
            return true;
    return false;
}

/* Adds what the text holds and is not expired. 0 or -ENOMEM. */
static int bundle_add(struct bundle *b, const char *text, int64_t now_s)
{
    CLEANUP(BIO_free) BIO *bio = text_bio(text);
    X509 *x;

    if (!bio)
        return -ENOMEM;
    while ((x = next_certificate(bio))) {
        int64_t to;

        if (b->n == CERTIFICATE_BUNDLE_MAX || bundle_has(b, x) ||
            !read_time(X509_get0_notAfter(x), &to) || to <= now_s)
            X509_free(x);
        else
            b->items[b->n++] = x;
    }
    return 0;
}

int certificate_bundle_join(char **ret, const char *first, const char *second, int64_t now_s)
{
    CLEANUP(BIO_free) BIO *bio = BIO_new(BIO_s_mem());
    struct bundle b = {0};
    int r = bio ? bundle_add(&b, first, now_s) : -ENOMEM;

    if (r == 0)
        r = bundle_add(&b, second, now_s);
    for (size_t i = 0; i < b.n && r == 0; i++)
        if (PEM_write_bio_X509(bio, b.items[i]) != 1)
            r = -ENOMEM;
    if (r == 0) {
        char *text = b.n ? bio_text(bio) : strdup("");

        if (text)
            *ret = text;
        else
            r = -ENOMEM;
    }
    bundle_done(&b);
    return r;
}

bool certificate_bundle_holds(const char *bundle, const char *wanted, int64_t now_s)
{
    struct bundle b = {0}, w = {0};
    bool holds = bundle_add(&b, bundle, now_s) == 0 && bundle_add(&w, wanted, now_s) == 0;

    for (size_t i = 0; i < w.n && holds; i++)
        holds = bundle_has(&b, w.items[i]);
    bundle_done(&w);
    bundle_done(&b);
    return holds;
}
