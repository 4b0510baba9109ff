/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/policy/document.h"

#define NAMESPACE_MAX_BYTES 256 /* of the service account's file: a label of DNS and a line break */

/* What a kubeconfig is read with. */
struct config_file {
    const char *path; /* absolute; borrowed */
    const struct node *root;
    struct error **reterr;
};

static void material_done(struct kube_material *m)
{
    free(m->file);
    if (m->data)
        explicit_bzero(m->data, strlen(m->data)); /* a key or a token */
    free(m->data);
}

void kube_config_done(struct kube_config *c)
{
    free(c->server);
    free(c->tls_server_name);
    free(c->proxy);
    free(c->name_space);
    material_done(&c->authority);
    material_done(&c->certificate);
    material_done(&c->key);
    material_done(&c->token);
    *c = (struct kube_config){0};
}

/* Reads a file of at most out->max bytes. 0, -errno, -E2BIG or -ENOMEM. */
static int read_file(const char *path, struct buf *out)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[4096];
    ssize_t n;
    int r;

    if (fd < 0)
        return -errno;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        r = buf_add(out, chunk, (size_t)n);
        if (r < 0)
            return r;
    }
    return n < 0 ? -errno : 0;
}

static void say_refused(const struct config_file *f, const struct node *at, const char *format, ...)
    PRINTF_FORMAT(3, 4);

/* "kubeconfig '/x' (line 3, column 5): ..." */
static void say_refused(const struct config_file *f, const struct node *at, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    error_set(f->reterr, -EINVAL, "kubeconfig '%s' (line %u, column %u): %s", f->path, at->line,
              at->column, text);
}

/* Always -EINVAL, which analyzers see here. */
#define refuse(f, at, ...) (say_refused(f, at, __VA_ARGS__), -EINVAL)

/* Borrows the text of a map's key: NULL where it is absent, null or empty. 0 or -EINVAL. */
static int find_text(const struct config_file *f, const struct node *map, const char *key,
                     const char **ret)
{
    const struct node *n = node_find(map, key);
    char what[NODE_DESCRIPTION_SIZE];

    *ret = NULL;
    if (!n || (n->kind == NODE_SCALAR && node_scalar_type(n) == SCALAR_NULL))
        return 0;
    if (n->kind != NODE_SCALAR)
        return refuse(f, n, "%s: %s where a text is expected", key, node_describe(n, what));
    if (*n->text)
        *ret = n->text;
    return 0;
}

/* The same, copied. */
static int copy_text(const struct config_file *f, const struct node *map, const char *key,
                     char **ret)
{
    const char *text;
    int r = find_text(f, map, key, &text);

    if (r < 0 || !text)
        return r;
    *ret = strdup(text);
    return *ret ? 0 : error_oom(f->reterr);
}

/* A file's name, which is relative to the kubeconfig's folder. */
static int copy_path(const struct config_file *f, const struct node *map, const char *key,
                     char **ret)
{
    const char *text;
    const int folder_len = (int)(strrchr(f->path, '/') - f->path);
    int r = find_text(f, map, key, &text);

    if (r < 0 || !text)
        return r;
    if (*text == '/')
        r = asprintf(ret, "%s", text);
    else
        r = asprintf(ret, "%.*s/%s", folder_len, f->path, text);
    if (r < 0) {
        *ret = NULL;
        return error_oom(f->reterr);
    }
    return 0;
}

static int decode_base64(const struct config_file *f, const struct node *at, const char *key,
                         char **ret)
{
    CLEANUP_FREE char *text = strdup(at->text);
    CLEANUP_FREE char *decoded = NULL;
    size_t len = 0, padding = 0;
    int n;

    if (!text)
        return error_oom(f->reterr);
    for (const char *c = at->text; *c; c++)
        if (!strchr(" \t\r\n", *c))
            text[len++] = *c;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    decoded = malloc(len + 1);
    if (!decoded)
        return error_oom(f->reterr);
    n = EVP_DecodeBlock((unsigned char *)decoded, (const unsigned char *)text, (int)len);
    if (n < 0 || (size_t)n < padding)
        return refuse(f, at, "%s is not base64", key);
    decoded[(size_t)n - padding] = '\0';
    if (strlen(decoded) != (size_t)n - padding)
        return refuse(f, at, "%s holds a NUL byte: it is no PEM text", key);
    *ret = TAKE(decoded);
    return 0;
}

/* KEY is a file, KEY-data the same in base64, which has precedence. */
static int read_material(const struct config_file *f, const struct node *map, const char *key,
                         struct kube_material *ret)
{
    char data_key[64];
    const char *text;
    int r;

    snprintf(data_key, sizeof(data_key), "%s-data", key);
    r = find_text(f, map, data_key, &text);
    if (r < 0)
        return r;
    if (text)
        return decode_base64(f, node_find(map, data_key), data_key, &ret->data);
    return copy_path(f, map, key, &ret->file);
}

static int read_flag(const struct config_file *f, const struct node *map, const char *key,
                     bool *ret)
{
    const struct node *n = node_find(map, key);
    char what[NODE_DESCRIPTION_SIZE];

    if (!n)
        return 0;
    if (n->kind != NODE_SCALAR || node_scalar_type(n) != SCALAR_BOOLEAN)
        return refuse(f, n, "%s: %s where true or false is expected", key, node_describe(n, what));
    *ret = strcmp(n->text, "true") == 0;
    return 0;
}

/* The list entry of this name, and in it the object of the kind: contexts[].context. */
static int find_entry(const struct config_file *f, const char *list, const char *kind,
                      const char *name, const struct node **ret)
{
    const struct node *entries = node_find(f->root, list);
    const struct node *found = NULL, *body;
    const char *text;

    if (entries && entries->kind == NODE_LIST) {
        NODE_FOREACH(entry, entries)
        {
            if (find_text(f, entry, "name", &text) < 0)
                return -EINVAL;
            if (text && strcmp(text, name) == 0) {
                found = entry;
                break;
            }
        }
    }
    if (!found)
        return refuse(f, entries ? entries : f->root, "%s has no entry named '%s'", list,
                      error_quote(name));
    body = node_find(found, kind);
    if (!body || body->kind != NODE_MAP)
        return refuse(f, found, "the entry '%s' of %s has no %s", error_quote(name), list, kind);
    *ret = body;
    return 0;
}

/* http or https, a host, and nothing that would have to be put together with our paths. */
static int check_server(const struct config_file *f, const struct node *at, char *server)
{
    const char *host = NULL;
    size_t len = strlen(server);

    while (len > 0 && server[len - 1] == '/')
        server[--len] = '\0';
    if (strncmp(server, "https://", 8) == 0)
        host = server + 8;
    else if (strncmp(server, "http://", 7) == 0)
        host = server + 7;
    if (!host || *host == '\0' || *host == '/' || strpbrk(host, "?#@ \t\r\n"))
        return refuse(f, at, "server: '%s' is not http:// or https:// with a host",
                      error_quote(at->text));
    return 0;
}

static int read_cluster(const struct config_file *f, const char *name, struct kube_config *ret)
{
    const struct node *cluster = NULL;
    int r = find_entry(f, "clusters", "cluster", name, &cluster);

    if (r == 0)
        r = copy_text(f, cluster, "server", &ret->server);
    if (r < 0)
        return r;
    if (!ret->server)
        return refuse(f, cluster, "the cluster '%s' has no server", error_quote(name));
    r = check_server(f, node_find(cluster, "server"), ret->server);
    if (r == 0)
        r = copy_text(f, cluster, "tls-server-name", &ret->tls_server_name);
    if (r == 0)
        r = copy_text(f, cluster, "proxy-url", &ret->proxy);
    if (r == 0)
        r = read_flag(f, cluster, "insecure-skip-tls-verify", &ret->insecure);
    if (r == 0)
        r = read_material(f, cluster, "certificate-authority", &ret->authority);
    return r;
}

/* What would need another program or another way to authenticate. */
static int refuse_other_ways(const struct config_file *f, const struct node *user)
{
    static const struct {
        const char *key, *reason;
    } others[] = {
        {"exec", "exec plugins are not run: give a token, a tokenFile or a client certificate"},
        {"auth-provider",
         "auth providers are not run: give a token, a tokenFile or a client certificate"},
        {"username", "API servers no longer take passwords: give a token or a client certificate"},
        {"password", "API servers no longer take passwords: give a token or a client certificate"},
        {"as", "acting as another user is not supported: give that user's credentials"},
        {"as-uid", "acting as another user is not supported: give that user's credentials"},
        {"as-groups", "acting as another group is not supported: give that user's credentials"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        const struct node *n = node_find(user, others[i].key);

        if (n && !(n->kind == NODE_SCALAR && node_scalar_type(n) == SCALAR_NULL))
            return refuse(f, n->key ? n->key : n, "%s: %s", others[i].key, others[i].reason);
    }
    return 0;
}

static int read_user(const struct config_file *f, const char *name, struct kube_config *ret)
{
    const struct node *user = NULL;
    int r = find_entry(f, "users", "user", name, &user);

    if (r == 0)
        r = refuse_other_ways(f, user);
    if (r == 0)
        r = copy_text(f, user, "token", &ret->token.data);
    if (r == 0)
        r = copy_path(f, user, "tokenFile", &ret->token.file);
    if (r == 0)
        r = read_material(f, user, "client-certificate", &ret->certificate);
    if (r == 0)
        r = read_material(f, user, "client-key", &ret->key);
    return r;
}

/* The context that was asked for, and what it names. */
static int read_context(const struct config_file *f, const char *name, struct kube_config *ret)
{
    const struct node *context = NULL;
    const char *cluster = NULL, *user = NULL;
    int r = 0;

    if (!name) {
        r = find_text(f, f->root, "current-context", &name);
        if (r == 0 && !name)
            r = refuse(f, f->root, "there is no current-context, and no context was asked for");
    }
    if (r == 0)
        r = find_entry(f, "contexts", "context", name, &context);
    if (r == 0)
        r = find_text(f, context, "cluster", &cluster);
    if (r == 0)
        r = find_text(f, context, "user", &user);
    if (r == 0 && !cluster)
        r = refuse(f, context, "the context '%s' names no cluster", error_quote(name));
    if (r == 0)
        r = copy_text(f, context, "namespace", &ret->name_space);
    if (r == 0)
        r = read_cluster(f, cluster, ret);
    if (r == 0 && user)
        r = read_user(f, user, ret);
    if (r == 0 && !ret->name_space) {
        ret->name_space = strdup("default");
        r = ret->name_space ? 0 : error_oom(f->reterr);
    }
    return r;
}

static int read_document(const char *path, const struct buf *text, const char *context,
                         struct kube_config *ret, struct error **reterr)
{
    CLEANUP_DOCUMENTS struct documents documents = DOCUMENTS_INIT;
    struct findings findings = {0};
    struct config_file f = {.path = path, .reterr = reterr};
    int r = documents_read(&documents, text->data, text->len, &findings);

    findings_sort(&findings);
    if (r < 0)
        r = error_oom(reterr);
    else if (findings.n > 0)
        r = error_set(reterr, -EINVAL, "kubeconfig '%s' (line %u, column %u): %s", path,
                      findings.items[0].line, findings.items[0].column, findings.items[0].message);
    else if (findings.n_errors > 0)
        r = error_oom(reterr);
    else if (documents.n != 1 || documents.items[0].root->kind != NODE_MAP)
        r = error_set(reterr, -EINVAL, "kubeconfig '%s': it is not one object", path);
    findings_done(&findings);
    if (r < 0)
        return r;
    f.root = documents.items[0].root;
    return read_context(&f, context, ret);
}

/* Symbolic links stay: what a kubeconfig names is looked for where the kubeconfig was named. */
static int make_absolute(const char *path, char **ret)
{
    CLEANUP_FREE char *folder = NULL;

    if (*path == '/') {
        *ret = strdup(path);
        return *ret ? 0 : -ENOMEM;
    }
    folder = getcwd(NULL, 0);
    if (!folder)
        return -errno;
    if (asprintf(ret, "%s/%s", folder, path) < 0) {
        *ret = NULL;
        return -ENOMEM;
    }
    return 0;
}

int kube_config_load(struct kube_config *ret, const char *path, const char *context,
                     struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(KUBE_CONFIG_MAX_BYTES);
    CLEANUP_FREE char *absolute = NULL;
    int r = read_file(path, &text);

    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r == -E2BIG)
        return error_set(reterr, -EINVAL, "kubeconfig '%s' has more than %u bytes", path,
                         KUBE_CONFIG_MAX_BYTES);
    if (r < 0)
        return error_errno(reterr, r, "kubeconfig '%s'", path);
    r = make_absolute(path, &absolute);
    if (!absolute)
        return error_errno(reterr, r, "kubeconfig '%s'", path);
    r = read_document(absolute, &text, context, ret, reterr);
    if (text.data)
        explicit_bzero(text.data, text.len);
    return r;
}

/* The folder's namespace, without the line break behind it; "default" where it has none. */
static int read_namespace(const char *folder, char **ret, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(NAMESPACE_MAX_BYTES);
    CLEANUP_FREE char *path = NULL;
    int r;

    if (asprintf(&path, "%s/namespace", folder) < 0) {
        path = NULL;
        return error_oom(reterr);
    }
    r = read_file(path, &text);
    if (r < 0 && r != -ENOENT)
        return error_errno(reterr, r, "'%s'", path);
    *ret = strndup(buf_text(&text), strcspn(buf_text(&text), " \t\r\n"));
    if (*ret && **ret == '\0') {
        free(*ret);
        *ret = strdup("default");
    }
    return *ret ? 0 : error_oom(reterr);
}

int kube_config_in_cluster(struct kube_config *ret, const char *host, const char *port,
                           const char *folder, struct error **reterr)
{
    const bool is_ipv6 = host && strchr(host, ':');

    if (!host || !port || *host == '\0' || *port == '\0')
        return error_set(
            reterr, -ENOENT,
            "this is not a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; name a kubeconfig");
    if (asprintf(&ret->token.file, "%s/token", folder) < 0) {
        ret->token.file = NULL;
        return error_oom(reterr);
    }
    if (access(ret->token.file, R_OK) < 0)
        return error_set(
            reterr, -ENOENT,
            "the service account's token '%s': %s; is automountServiceAccountToken false?",
            ret->token.file, strerror(errno));
    if (asprintf(&ret->authority.file, "%s/ca.crt", folder) < 0) {
        ret->authority.file = NULL;
        return error_oom(reterr);
    }
    if (asprintf(&ret->server, is_ipv6 ? "https://[%s]:%s" : "https://%s:%s", host, port) < 0) {
        ret->server = NULL;
        return error_oom(reterr);
    }
    return read_namespace(folder, &ret->name_space, reterr);
}
