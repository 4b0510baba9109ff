/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_transfer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/kube/curl_loop.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_credentials.h"

#define CONNECT_TIMEOUT_MS 15000L
/* A peer that has gone without a word is noticed after half a minute, also while nothing is sent. */
#define KEEPALIVE_IDLE_S     20L
#define KEEPALIVE_INTERVAL_S 5L
#define USER_TIMEOUT_MS      30000u

struct kube_transfer {
    struct curl_loop *loop;                     /* borrowed */
    const struct kube_credentials *credentials; /* borrowed */
    CURL *handle;                               /* owned, as are the lists */
    struct curl_slist *headers, *connect_to;
    bool is_added; /* to the loop */
    char problem[CURL_ERROR_SIZE];
};

static int set_socket_options(void *data UNUSED, curl_socket_t fd, curlsocktype purpose UNUSED)
{
    const unsigned timeout_ms = USER_TIMEOUT_MS;

    /* A kernel without it notices later. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
    return CURL_SOCKOPT_OK;
}

static int add_header(struct curl_slist **headers, const char *name, const char *value)
{
    CLEANUP_FREE char *line = NULL;
    struct curl_slist *list;

    if (asprintf(&line, "%s: %s", name, value) < 0) {
        line = NULL;
        return -ENOMEM;
    }
    list = curl_slist_append(*headers, line);
    explicit_bzero(line, strlen(line)); /* it may hold the token */
    if (!list)
        return -ENOMEM;
    *headers = list;
    return 0;
}

static int add_headers(struct kube_transfer *t, const struct kube_transfer_plan *plan,
                       struct error **reterr)
{
    static const char json[] = "application/json";
    const struct kube_call *call = plan->call;
    CLEANUP_FREE char *bearer = NULL;
    const char *token = NULL;
    struct curl_slist *list;
    int r = kube_credentials_token(plan->credentials, &token, reterr);

    if (r == 0)
        r = add_header(&t->headers, "Accept", call->accept ? call->accept : json);
    if (r == 0 && call->body)
        r = add_header(&t->headers, "Content-Type", call->content_type ? call->content_type : json);
    if (r == 0 && token) {
        if (asprintf(&bearer, "Bearer %s", token) < 0) {
            bearer = NULL;
            return -ENOMEM;
        }
        r = add_header(&t->headers, "Authorization", bearer);
        explicit_bzero(bearer, strlen(bearer));
    }
    if (r < 0)
        return r;
    /* Without a value: libcurl leaves it out, and a body is sent without asking whether it may. */
    list = curl_slist_append(t->headers, "Expect:");
    if (!list)
        return -ENOMEM;
    t->headers = list;
    return 0;
}

static CURLcode set_request(struct kube_transfer *t, const struct kube_transfer_plan *plan)
{
    const struct kube_call *call = plan->call;
    CURL *h = t->handle;
    CURLcode code = curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, call->method);

    if (call->body) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->len);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, call->body); /* not copied */
    } else {
        curl_easy_setopt(h, CURLOPT_HTTPGET, 1L);
    }
    if (code == CURLE_OK)
        code = curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, call->method);
    if (code == CURLE_OK)
        code = curl_easy_setopt(h, CURLOPT_USERAGENT, plan->user_agent);
    if (code == CURLE_OK)
        code = curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, plan->received);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, plan->data);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, plan->header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, plan->data);
    curl_easy_setopt(h, CURLOPT_PRIVATE, plan->data);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, t->problem);
    return code;
}

static void set_connection(CURL *h, const char *server)
{
    /* Rather share a connection than open another; without TLS there is no HTTP/2, and nothing to wait for. */
    curl_easy_setopt(h, CURLOPT_PIPEWAIT, strncmp(server, "https:", 6) == 0 ? 1L : 0L);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    curl_easy_setopt(h, CURLOPT_SOCKOPTFUNCTION, set_socket_options);
}

int kube_transfer_new(struct kube_transfer **ret, const struct kube_transfer_plan *plan,
                      struct error **reterr)
{
    CLEANUP(kube_transfer_free) struct kube_transfer *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return -ENOMEM;
    t->loop = plan->loop;
    t->credentials = plan->credentials;
    t->handle = curl_easy_init();
    if (!t->handle)
        return -ENOMEM;
    r = add_headers(t, plan, reterr);
    if (r < 0)
        return r;
    if (set_request(t, plan) != CURLE_OK)
        return -ENOMEM;
    set_connection(t->handle, kube_credentials_server(plan->credentials));
    r = kube_credentials_apply(plan->credentials, t->handle, plan->call->path, &t->connect_to);
    if (r == 0)
        r = curl_loop_add(t->loop, t->handle);
    if (r < 0)
        return r;
    t->is_added = true;
    *ret = TAKE(t);
    return 0;
}

struct kube_transfer *kube_transfer_free(struct kube_transfer *t)
{
    if (!t)
        return NULL;
    if (t->is_added)
        curl_loop_drop(t->loop, t->handle);
    if (t->handle)
        curl_easy_cleanup(t->handle);
    for (struct curl_slist *h = t->headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data)); /* the token */
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->connect_to);
    free(t);
    return NULL;
}

void *kube_transfer_data(CURL *handle)
{
    char *data = NULL;

    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &data);
    return data;
}

int kube_transfer_status(const struct kube_transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

unsigned kube_transfer_retry_after_s(const struct kube_transfer *t)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(t->handle, CURLINFO_RETRY_AFTER, &seconds);
    return seconds < 0 ? 0 : (unsigned)MIN(seconds, (curl_off_t)UINT32_MAX);
}

void kube_transfer_problem(const struct kube_transfer *t, CURLcode code, char *text, size_t size)
{
    snprintf(text, size, "%s: %s", kube_credentials_server(t->credentials),
             *t->problem ? t->problem : curl_easy_strerror(code));
}
