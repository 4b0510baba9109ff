/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_credentials.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/buf.h"
#include "lib/kube/kube_config.h"
#include "lib/pem_key.h"

struct kube_credentials {
    struct kube_config config; /* owned */
    char *token;               /* owned; as it goes over the wire; NULL: none yet */
    struct stat token_stat;    /* of the file that it was read from */
    bool token_refused;
    /* With tls_server_name the URL has that name, and the connection goes to the server's own. */
    char *url;        /* owned; what paths are put behind */
    char *connect_to; /* owned; in CURLOPT_CONNECT_TO's form; NULL: nothing special */
};

static int copy_text(char **ret, const char *text)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

static int copy_material(struct kube_material *ret, const struct kube_material *m)
{
    int r = copy_text(&ret->file, m->file);

    return r < 0 ? r : copy_text(&ret->data, m->data);
}

static int copy_config(struct kube_config *ret, const struct kube_config *c)
{
    int r;

    ret->server = strdup(c->server);
    if (!ret->server)
        return -ENOMEM;

    r = copy_text(&ret->tls_server_name, c->tls_server_name);
    if (r == 0)
        r = copy_text(&ret->proxy, c->proxy);
    if (r == 0)
        r = copy_text(&ret->name_space, c->name_space);
    if (r == 0)
        r = copy_material(&ret->authority, &c->authority);
    if (r == 0)
        r = copy_material(&ret->certificate, &c->certificate);
    if (r == 0)
        r = copy_material(&ret->key, &c->key);
    if (r == 0)
        r = copy_material(&ret->token, &c->token);
    ret->insecure = c->insecure;
    return r;
}

static BIO *material_open(const struct kube_material *m)
{
    return m->data ? BIO_new_mem_buf(m->data, -1) : BIO_new_file(m->file, "r");
}

static bool holds_certificate(BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    const bool is_one = certificate;

    X509_free(certificate);
    return is_one;
}

static bool holds_key(BIO *bio)
{
    EVP_PKEY *key = pem_key_read(bio);
    const bool is_one = key;

    EVP_PKEY_free(key);
    return is_one;
}

/* libcurl would notice with the first connection; a wrong configuration is better told at the start. */
static int check_material(const struct kube_material *m, bool (*holds)(BIO *bio), const char *what,
                          const char *expected, struct error **reterr)
{
    BIO *bio;
    bool good;

    if (!m->data && !m->file)
        return 0;
    bio = material_open(m);
    if (!bio && m->data)
        return error_oom(reterr);
    if (!bio) {
        ERR_clear_error();
        return error_set(reterr, -EINVAL, "%s '%s': it cannot be read", what, m->file);
    }
    good = holds(bio);
    BIO_free(bio);
    ERR_clear_error();
    if (good)
        return 0;
    if (m->data)
        return error_set(reterr, -EINVAL, "%s: the data given is not %s in PEM", what, expected);
    return error_set(reterr, -EINVAL, "%s '%s': it is not %s in PEM", what, m->file, expected);
}

static int check_config(const struct kube_config *c, struct error **reterr)
{
    const bool has_certificate = c->certificate.data || c->certificate.file;
    const bool has_key = c->key.data || c->key.file;
    int r;

    r = check_material(&c->authority, holds_certificate, "certificate-authority", "a certificate",
                       reterr);
    if (r == 0)
        r = check_material(&c->certificate, holds_certificate, "client-certificate",
                           "a certificate", reterr);
    if (r == 0)
        r = check_material(&c->key, holds_key, "client-key", "a private key without a pass phrase",
                           reterr);
    if (r == 0 && has_certificate && !has_key)
        r = error_set(reterr, -EINVAL, "there is a client-certificate, but no client-key");
    if (r == 0 && has_key && !has_certificate)
        r = error_set(reterr, -EINVAL, "there is a client-key, but no client-certificate");
    return r;
}

/* "https://NAME:PORT/path", and "NAME:PORT:HOST:PORT" to connect by. */
static int name_server(struct kube_credentials *c)
{
    static const char scheme[] = "https://";
    const char *host = c->config.server + strlen(scheme);
    const char *path, *colon, *port = "443";
    int port_len = 3, host_len;

    if (!c->config.tls_server_name || strncmp(c->config.server, scheme, strlen(scheme)) != 0)
        return copy_text(&c->url, c->config.server);
    path = host + strcspn(host, "/");
    colon = memrchr(host, ':', (size_t)(path - host));
    if (colon && !memchr(colon, ']', (size_t)(path - colon))) {
        port = colon + 1;
        port_len = (int)(path - port);
    } else {
        colon = path;
    }
    host_len = (int)(colon - host);
    if (asprintf(&c->url, "https://%s:%.*s%s", c->config.tls_server_name, port_len, port, path) <
        0) {
        c->url = NULL;
        return -ENOMEM;
    }
    if (asprintf(&c->connect_to, "%s:%.*s:%.*s:%.*s", c->config.tls_server_name, port_len, port,
                 host_len, host, port_len, port) < 0) {
        c->connect_to = NULL;
        return -ENOMEM;
    }
    return 0;
}

int kube_credentials_new(struct kube_credentials **ret, const struct kube_config *config,
                         struct error **reterr)
{
    CLEANUP(kube_credentials_free) struct kube_credentials *c = NULL;
    int r;

    assert(config->server);
    r = check_config(config, reterr);
    if (r < 0)
        return r;
    c = calloc(1, sizeof(*c));
    if (!c || copy_config(&c->config, config) < 0 || name_server(c) < 0)
        return error_oom(reterr);
    *ret = TAKE(c);
    return 0;
}

static void forget_token(struct kube_credentials *c)
{
    if (c->token)
        explicit_bzero(c->token, strlen(c->token));
    free(c->token);
    c->token = NULL;
}

struct kube_credentials *kube_credentials_free(struct kube_credentials *c)
{
    if (!c)
        return NULL;
    forget_token(c);
    kube_config_done(&c->config);
    free(c->url);
    free(c->connect_to);
    free(c);
    return NULL;
}

/* A material as a file's name, or as a blob that libcurl does not copy. */
static CURLcode set_material(CURL *transfer, const struct kube_material *m, CURLoption file,
                             CURLoption blob)
{
    struct curl_blob bytes = {.data = m->data, .flags = CURL_BLOB_NOCOPY};

    if (m->data) {
        bytes.len = strlen(m->data);
        return curl_easy_setopt(transfer, blob, &bytes);
    }
    return m->file ? curl_easy_setopt(transfer, file, m->file) : CURLE_OK;
}

static CURLcode set_tls(const struct kube_config *config, CURL *transfer)
{
    CURLcode code = curl_easy_setopt(transfer, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);

    curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    /* A file is read again for each connection, not once a day. */
    curl_easy_setopt(transfer, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (code == CURLE_OK)
        code = set_material(transfer, &config->authority, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB);
    if (code == CURLE_OK)
        code = set_material(transfer, &config->certificate, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB);
    if (code == CURLE_OK)
        code = set_material(transfer, &config->key, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB);
    return code;
}

int kube_credentials_apply(const struct kube_credentials *c, CURL *transfer, const char *path,
                           struct curl_slist **ret_connect_to)
{
    CLEANUP_FREE char *url = NULL;

    if (asprintf(&url, "%s%s", c->url, path) < 0) {
        url = NULL;
        return -ENOMEM;
    }
    if (curl_easy_setopt(transfer, CURLOPT_URL, url) != CURLE_OK ||
        set_tls(&c->config, transfer) != CURLE_OK)
        return -ENOMEM;
    /* Empty rather than unset: then the environment's proxies do not count. */
    if (curl_easy_setopt(transfer, CURLOPT_PROXY, c->config.proxy ? c->config.proxy : "") !=
            CURLE_OK ||
        curl_easy_setopt(transfer, CURLOPT_NOPROXY, "") != CURLE_OK)
        return -ENOMEM;
    *ret_connect_to = NULL;
    if (!c->connect_to)
        return 0;
    *ret_connect_to = curl_slist_append(NULL, c->connect_to);
    if (!*ret_connect_to)
        return -ENOMEM;
    curl_easy_setopt(transfer, CURLOPT_CONNECT_TO, *ret_connect_to);
    return 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* One header is one line: what surrounds the token is cut off, and nothing else may be in it. */
static int take_token(struct kube_credentials *c, const char *text, const char *where,
                      struct error **reterr)
{
    const size_t skip = strspn(text, " \t\r\n");
    const size_t len = strcspn(text + skip, " \t\r\n");
    char *token;

    if (len == 0 || text[skip + len + strspn(text + skip + len, " \t\r\n")] != '\0')
        return error_set(reterr, -EACCES, "%s: it is not one token", where);
    for (size_t i = 0; i < len; i++)
        if (text[skip + i] < '!' || text[skip + i] > '~')
            return error_set(reterr, -EACCES, "%s: it holds characters that no token has", where);
    token = strndup(text + skip, len);
    if (!token)
        return error_oom(reterr);
    forget_token(c);
    c->token = token;
    return 0;
}

static int read_token(struct kube_credentials *c, struct error **reterr)
{
    const char *path = c->config.token.file;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP_FREE char *text = malloc(KUBE_TOKEN_MAX_BYTES + 1);
    size_t len = 0;
    ssize_t n = 0;
    struct stat st;
    int r;

    if (!text)
        return error_oom(reterr);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_set(reterr, -EACCES, "the token '%s': %s", path, strerror(errno));
    while (len < KUBE_TOKEN_MAX_BYTES && (n = read(fd, text + len, KUBE_TOKEN_MAX_BYTES - len)) > 0)
        len += (size_t)n;
    if (n < 0)
        return error_set(reterr, -EACCES, "the token '%s': %s", path, strerror(errno));
    if (len == KUBE_TOKEN_MAX_BYTES)
        return error_set(reterr, -EACCES, "the token '%s' has %u bytes or more", path,
                         KUBE_TOKEN_MAX_BYTES);
    text[len] = '\0';
    r = strlen(text) == len ? take_token(c, text, path, reterr)
                            : error_set(reterr, -EACCES, "the token '%s' holds a NUL byte", path);
    explicit_bzero(text, len);
    if (r == 0) {
        c->token_stat = st;
        c->token_refused = false;
    }
    return r;
}

int kube_credentials_token(struct kube_credentials *c, const char **ret, struct error **reterr)
{
    const struct kube_material *source = &c->config.token;
    CLEANUP(error_free) struct error *error = NULL;
    struct stat st;
    int r = 0;

    if (source->file) {
        if (!c->token || c->token_refused || stat(source->file, &st) < 0 ||
            !is_same_file(&st, &c->token_stat))
            r = read_token(c, &error);
    }
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (!c->token && source->data)
        r = take_token(c, source->data, "the kubeconfig's token", reterr);
    else if (!c->token && r < 0)
        r = error_set(reterr, r, "%s", error_message(error));
    else
        r = 0;
    if (r < 0)
        return r;
    *ret = c->token;
    return 0;
}

bool kube_credentials_token_refused(struct kube_credentials *c)
{
    c->token_refused = true;
    return c->config.token.file;
}

const char *kube_credentials_server(const struct kube_credentials *c)
{
    return c->config.server;
}
