/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "lib/buf.h"
#include "lib/kube/curl_loop.h"
#include "lib/kube/kube_credentials.h"
#include "lib/kube/kube_status.h"
#include "lib/kube/kube_transfer.h"
#include "lib/loop.h"

#define PROBLEM_MAX 2048 /* bytes of an answer's problem */

enum request_state {
    REQUEST_WAITING,   /* in line */
    REQUEST_ACTIVE,    /* under way */
    REQUEST_ENDING,    /* its done() is being called, or has been */
    REQUEST_CANCELLED, /* to be freed at the end of the turn: libcurl may be in the midst of it */
};

struct kube_request {
    struct kube_client *client;
    enum request_state state;
    struct kube_call call; /* its texts and its body are owned */
    struct kube_transfer
        *transfer;            /* owned; of an active request, and of a cancelled one that was */
    struct loop_timer *timer; /* owned; NULL: neither a deadline nor idleness ends it */
    uint64_t deadline_at_ns;  /* 0: none */
    struct buf answer;        /* the body, or that of an error */
    int received_error;       /* why the receiver wants no more; 0 */
    bool resent;              /* with a token that was read again */
    struct kube_request *prev, *next; /* in the list of its state */
};

struct kube_client {
    struct loop *loop; /* borrowed */
    char *user_agent;
    struct kube_credentials *credentials;
    struct curl_loop *curl;
    struct loop_task *work; /* frees what was cancelled, and starts what waits */
    struct kube_request *waiting, *active, *cancelled;
    unsigned n_waiting, n_active; /* the latter with those cancelled while active */
    struct kube_client_stats stats;
};

/* ---- One request ---- */

static struct kube_request *request_free(struct kube_request *r)
{
    struct kube_call *call = &r->call;

    kube_transfer_free(r->transfer);
    loop_timer_free(r->timer);
    /* Secrets go both ways, and tokens to be reviewed. */
    if (call->body)
        explicit_bzero((void *)call->body, call->len);
    if (r->answer.data)
        explicit_bzero(r->answer.data, r->answer.cap);
    buf_done(&r->answer);
    free((char *)call->method);
    free((char *)call->path);
    free((char *)call->content_type);
    free((char *)call->accept);
    free((void *)call->body);
    free(r);
    return NULL;
}
DEFINE_CLEANUP(struct kube_request *, request_free)

static int copy_text(const char **text)
{
    if (!*text)
        return 0;
    *text = strdup(*text);
    return *text ? 0 : -ENOMEM;
}

/* Makes the call's texts and body the request's own. */
static int request_copy_call(struct kube_request *r, const struct kube_call *call)
{
    struct kube_call *own = &r->call;
    int failed = 0;

    *own = *call;
    failed |= copy_text(&own->method);
    failed |= copy_text(&own->path);
    failed |= copy_text(&own->content_type);
    failed |= copy_text(&own->accept);
    if (own->body) {
        void *body = malloc(own->len + 1);

        own->body = body ? memcpy(body, call->body, call->len) : NULL;
        failed |= body ? 0 : -ENOMEM;
    }
    return failed;
}

/* Whatever comes first: the deadline or, once it is under way, too long a silence. */
static void request_arm(struct kube_request *r)
{
    const uint64_t now_ns = loop_now_ns(r->client->loop);
    uint64_t delay_ns = UINT64_MAX;

    if (!r->timer)
        return;
    if (r->deadline_at_ns)
        delay_ns = r->deadline_at_ns > now_ns ? r->deadline_at_ns - now_ns : 0;
    if (r->call.idle_ns && r->state == REQUEST_ACTIVE)
        delay_ns = MIN(delay_ns, r->call.idle_ns);
    if (delay_ns != UINT64_MAX)
        loop_timer_set(r->timer, delay_ns);
}

/* Takes it out of the list of its state; the caller puts it into another, or frees it. */
static void request_leave(struct kube_request *r)
{
    struct kube_client *c = r->client;

    if (r->state == REQUEST_WAITING) {
        DL_DELETE(c->waiting, r);
        c->n_waiting--;
    } else if (r->state == REQUEST_ACTIVE) {
        DL_DELETE(c->active, r);
    } else if (r->state == REQUEST_CANCELLED) {
        DL_DELETE(c->cancelled, r);
    }
}

/* Ends libcurl's part of it, which makes room for another. */
static void request_stop(struct kube_request *r)
{
    if (!r->transfer)
        return;
    r->transfer = kube_transfer_free(r->transfer);
    r->client->n_active--;
    loop_task_set(r->client->work);
}

/* The end: tells, and frees. Not inside libcurl. */
static void request_finish(struct kube_request *r, const struct kube_answer *a)
{
    request_leave(r);
    r->state = REQUEST_ENDING;
    request_stop(r);
    r->client->stats.answers[a->status >= 100 && a->status < 600 ? a->status / 100 : 0]++;
    r->call.done(a, r->call.data);
    request_free(r);
}

static void request_fail(struct kube_request *r, int error, const char *problem)
{
    const struct kube_answer a = {.error = error, .problem = problem, .reason = ""};

    request_finish(r, &a);
}

static void on_request_timer(void *data)
{
    struct kube_request *r = data;
    const bool is_late = r->deadline_at_ns && loop_now_ns(r->client->loop) >= r->deadline_at_ns;
    const uint64_t limit_ns = is_late ? r->call.deadline_ns : r->call.idle_ns;
    char problem[PROBLEM_MAX];

    snprintf(problem, sizeof(problem), "%s: %s within %.1f s",
             kube_credentials_server(r->client->credentials),
             is_late ? "no answer" : "nothing came", (double)limit_ns / (double)NS_PER_SEC);
    request_fail(r, -ETIMEDOUT, problem);
}

/* ---- What comes in ---- */

/* Of an error the beginning is enough. */
static size_t gather_error(struct kube_request *r, const char *data, size_t len)
{
    const size_t room = KUBE_STATUS_MAX_BYTES - MIN(r->answer.len, (size_t)KUBE_STATUS_MAX_BYTES);

    r->answer.max = KUBE_STATUS_MAX_BYTES;
    if (room > 0 && buf_add(&r->answer, data, MIN(len, room)) < 0) {
        r->received_error = -ENOMEM;
        return CURL_WRITEFUNC_ERROR;
    }
    return len;
}

/* Inside libcurl: only marks. */
static size_t on_received(char *data, size_t size, size_t n, void *data_of_request)
{
    struct kube_request *r = data_of_request;
    const size_t len = size * n;
    int status, error;

    if (r->state != REQUEST_ACTIVE)
        return CURL_WRITEFUNC_ERROR;
    request_arm(r);
    status = kube_transfer_status(r->transfer);
    if (status < 200 || status > 299)
        return gather_error(r, data, len);
    if (r->call.received)
        error = r->call.received((const uint8_t *)data, len, r->call.data);
    else
        error = buf_add(&r->answer, data, len);
    if (r->state != REQUEST_ACTIVE) /* received() has cancelled it */
        return CURL_WRITEFUNC_ERROR;
    if (error < 0) {
        r->received_error = error;
        return CURL_WRITEFUNC_ERROR;
    }
    return len;
}

/* Inside libcurl, too. */
static size_t on_header(char *line, size_t size, size_t n, void *data_of_request)
{
    struct kube_request *r = data_of_request;
    const size_t len = size * n;
    int status;

    if (r->state != REQUEST_ACTIVE)
        return CURL_WRITEFUNC_ERROR;
    if (!r->call.started || len != 2 || memcmp(line, "\r\n", 2) != 0)
        return len;
    status = kube_transfer_status(r->transfer);
    if (status >= 200 && status <= 299)
        r->call.started(r->call.data);
    return r->state == REQUEST_ACTIVE ? len : CURL_WRITEFUNC_ERROR;
}

static bool request_start(struct kube_request *r);

/* An answer has come whole. */
static void request_answered(struct kube_request *r, int status)
{
    struct kube_answer a = {.status = status, .problem = "", .reason = ""};
    struct kube_status said;
    char problem[PROBLEM_MAX];
    unsigned retry_after_s = kube_transfer_retry_after_s(r->transfer);

    if (status < 200 || status > 299) {
        if (kube_status_parse(&said, r->answer.data, r->answer.len) && *said.message)
            snprintf(problem, sizeof(problem), "%s", said.message);
        else
            snprintf(problem, sizeof(problem), "%s answered %d%s%.200s",
                     kube_credentials_server(r->client->credentials), status,
                     *said.message ? ": " : "", said.message);
        a.problem = problem;
        a.reason = said.reason;
        retry_after_s = MIN(MAX(retry_after_s, said.retry_after_s), KUBE_RETRY_AFTER_MAX_S);
        a.retry_after_ns = retry_after_s * NS_PER_SEC;
    }
    if (!r->call.received) {
        a.body = r->answer.data;
        a.len = r->answer.len;
    }
    request_finish(r, &a);
}

/* No answer, or half of one. */
static void request_broken(struct kube_request *r, CURLcode code)
{
    char problem[PROBLEM_MAX];
    int error = -ECONNABORTED;

    kube_transfer_problem(r->transfer, code, problem, sizeof(problem));
    if (code == CURLE_OPERATION_TIMEDOUT)
        error = -ETIMEDOUT;
    else if (code == CURLE_OUT_OF_MEMORY)
        error = -ENOMEM;
    if (r->received_error) {
        error = r->received_error;
        if (error == -E2BIG && !r->call.received)
            snprintf(problem, sizeof(problem), "%s: the answer has more than %zu bytes",
                     kube_credentials_server(r->client->credentials), r->call.max_bytes);
        else
            snprintf(problem, sizeof(problem), "%s: the answer was not taken: %s",
                     kube_credentials_server(r->client->credentials), strerror(-error));
    }
    request_fail(r, error, problem);
}

static void on_finished(CURL *handle, CURLcode code, void *data UNUSED)
{
    struct kube_request *r = kube_transfer_data(handle);
    int status;

    if (r->state == REQUEST_CANCELLED)
        return; /* on_work() takes it out */
    if (code != CURLE_OK) {
        request_broken(r, code);
        return;
    }
    status = kube_transfer_status(r->transfer);
    if (status == 401 && !r->resent && kube_credentials_token_refused(r->client->credentials)) {
        r->resent = true;
        buf_clear(&r->answer);
        request_stop(r);
        request_start(r);
        return;
    }
    request_answered(r, status);
}

/* ---- The line ---- */

/* Sends an active request. False: it has ended (done() was called). */
static bool request_start(struct kube_request *r)
{
    struct kube_client *c = r->client;
    const struct kube_transfer_plan plan = {
        .loop = c->curl,
        .credentials = c->credentials,
        .user_agent = c->user_agent,
        .call = &r->call,
        .received = on_received,
        .header = on_header,
        .data = r,
    };
    CLEANUP(error_free) struct error *error = NULL;
    int result;

    r->answer.max = r->call.max_bytes;
    result = kube_transfer_new(&r->transfer, &plan, &error);
    if (result < 0) {
        request_fail(r, result, error ? error_message(error) : strerror(-result));
        return false;
    }
    c->n_active++;
    request_arm(r);
    return true;
}

static void on_work(void *data)
{
    struct kube_client *c = data;
    unsigned n = c->n_waiting; /* not what done() adds meanwhile: one turn must end */
    struct kube_request *r;

    while ((r = c->cancelled)) {
        request_leave(r);
        request_stop(r);
        request_free(r);
    }
    while (n-- > 0 && (r = c->waiting) && c->n_active < KUBE_MAX_REQUESTS) {
        request_leave(r);
        r->state = REQUEST_ACTIVE;
        DL_APPEND(c->active, r);
        request_start(r);
    }
    if (c->cancelled || (c->waiting && c->n_active < KUBE_MAX_REQUESTS))
        loop_task_set(c->work);
}

/* ---- Public ---- */

int kube_client_new(struct kube_client **ret, struct loop *loop, const struct kube_config *config,
                    const char *user_agent, struct error **reterr)
{
    CLEANUP(kube_client_free) struct kube_client *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return error_oom(reterr);
    c->loop = loop;
    c->user_agent = strdup(user_agent);
    if (!c->user_agent)
        return error_oom(reterr);
    r = kube_credentials_new(&c->credentials, config, reterr);
    if (r < 0)
        return r;
    if (curl_loop_new(&c->curl, loop, on_finished, c) < 0 ||
        loop_task_new(loop, &c->work, on_work, c) < 0)
        return error_oom(reterr);
    *ret = TAKE(c);
    return 0;
}

static void free_list(struct kube_request *list)
{
    while (list) {
        struct kube_request *r = list;

        DL_DELETE(list, r);
        request_free(r);
    }
}

struct kube_client *kube_client_free(struct kube_client *c)
{
    if (!c)
        return NULL;
    free_list(c->waiting);
    free_list(c->active);
    free_list(c->cancelled);
    curl_loop_free(c->curl);
    loop_task_free(c->work);
    kube_credentials_free(c->credentials);
    free(c->user_agent);
    free(c);
    return NULL;
}

int kube_client_call(struct kube_client *c, struct kube_request **ret, const struct kube_call *call)
{
    CLEANUP(request_free) struct kube_request *r = NULL;

    assert(call->path[0] == '/' && call->done);
    if (c->n_waiting >= KUBE_MAX_WAITING)
        return -EBUSY;
    r = calloc(1, sizeof(*r));
    if (!r || request_copy_call(r, call) < 0)
        return -ENOMEM;
    r->client = c;
    r->state = REQUEST_WAITING;
    r->answer = BUF_INIT(call->max_bytes);
    if (call->deadline_ns)
        r->deadline_at_ns = loop_now_ns(c->loop) + call->deadline_ns;
    if ((call->deadline_ns || call->idle_ns) &&
        loop_timer_new(c->loop, &r->timer, on_request_timer, r) < 0)
        return -ENOMEM;
    request_arm(r);
    DL_APPEND(c->waiting, r);
    c->n_waiting++;
    loop_task_set(c->work);
    if (ret)
        *ret = r;
    (void)TAKE(r);
    return 0;
}

void kube_client_stats(const struct kube_client *c, struct kube_client_stats *ret)
{
    *ret = c->stats;
}

void kube_client_count_begun(struct kube_client *c, bool is_list)
{
    if (is_list)
        c->stats.lists++;
    else
        c->stats.watches++;
}

struct kube_request *kube_request_cancel(struct kube_request *r)
{
    if (!r || r->state == REQUEST_ENDING || r->state == REQUEST_CANCELLED)
        return NULL;
    request_leave(r);
    r->state = REQUEST_CANCELLED;
    if (r->timer)
        loop_timer_unset(r->timer);
    DL_APPEND(r->client->cancelled, r);
    loop_task_set(r->client->work);
    return NULL;
}
