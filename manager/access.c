/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <utlist.h>

#include "lib/digest.h"
#include "lib/kube/kube_client.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/rpc/grpc_server.h"
#include "manager/clock.h"
#include "manager/token_review.h"

#define TOKEN_REVIEWS_PATH  "/apis/authentication.k8s.io/v1/tokenreviews"
#define ACCESS_REVIEWS_PATH "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#define BEARER              "Bearer "
#define FORGOTTEN_A_CALL                                                                           \
    64 /* tokens that are looked at, for whether they are still worth keeping */

/* A call that waits to hear whether it may. */
struct question {
    struct grpc_call *call;
    struct caller *caller;
    bool is_agent; /* it wants to speak for a node, else to read */
    struct question *prev, *next;
};

enum caller_state { CALLER_WAITS, CALLER_ASKED, CALLER_KNOWN };
enum caller_access { ACCESS_UNKNOWN, ACCESS_ASKED, ACCESS_ALLOWED, ACCESS_REFUSED };

/* A token and what is known of it. */
struct caller {
    struct access *access;
    char key[DIGEST_TEXT_SIZE];
    uint8_t drawn; /* evenly, by the digest: how long before its token a call of it ends */
    char *token;   /* owned; NULL once the API server has answered */
    enum caller_state state;
    enum caller_access may_read;
    struct token_review review;
    struct kube_request *request; /* borrowed; NULL: none is under way */
    uint64_t known_until_ns;      /* by the loop's clock, like the next */
    uint64_t ends_ns;             /* calls end by then */
    struct question *questions;
    struct caller *prev, *next; /* in line, while it waits */
};

struct access {
    struct loop *loop;
    struct kube_client *client;
    char *audience, *account; /* owned */
    struct map *callers;      /* SHA-256 of the token -> struct caller, owned */
    struct caller *line;      /* those that wait for a review */
    size_t max_tokens;
    unsigned n_asked;
    bool is_mute;          /* the API server did not answer the last time */
    const char *elsewhere; /* why varmor's services are not here; NULL: they are */
};

static void caller_drop_token(struct caller *c)
{
    if (c->token)
        OPENSSL_cleanse(c->token, strlen(c->token));
    free(c->token);
    c->token = NULL;
}

static void caller_free(void *value)
{
    struct caller *c = value;

    if (c->state == CALLER_WAITS)
        DL_DELETE(c->access->line, c);
    kube_request_cancel(c->request);
    caller_drop_token(c);
    token_review_done(&c->review);
    free(c);
}

/* ---- Answers to calls ---- */

static struct grpc_call *question_settle(struct question *q)
{
    struct grpc_call *call = q->call;

    DL_DELETE(q->caller->questions, q);
    grpc_call_set_gate_data(call, NULL);
    free(q);
    return call;
}

static void refuse(struct grpc_call *call, enum grpc_status status, const char *reason)
{
    LOG(WARNING, "caller-refused", "the call is not let in",
        LOG_STR("peer", grpc_call_peer(call)->address), LOG_STR("status", grpc_status_name(status)),
        LOG_STR("reason", reason));
    grpc_call_finish(call, status, reason);
}

static void refuse_all(struct caller *c, enum grpc_status status, const char *reason)
{
    while (c->questions)
        grpc_call_finish(question_settle(c->questions), status, reason);
}

static void answer_agent(struct question *q)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct caller *c = q->caller;
    struct grpc_call *call = question_settle(q);

    if (token_review_check_agent(&c->review, c->access->account, &problem) < 0)
        refuse(call, GRPC_PERMISSION_DENIED, error_message(problem));
    else
        grpc_call_admit(call, c->review.node, c->ends_ns);
}

static void answer_reader(struct question *q)
{
    struct caller *c = q->caller;
    struct grpc_call *call = question_settle(q);
    char reason[256];

    if (c->may_read == ACCESS_ALLOWED) {
        grpc_call_admit(call, c->review.user, c->ends_ns);
        return;
    }
    snprintf(reason, sizeof(reason), "'%s' may not get varmorpolicies in all namespaces",
             error_quote(c->review.user));
    refuse(call, GRPC_PERMISSION_DENIED, reason);
}

static void answer_stranger(struct question *q)
{
    struct caller *c = q->caller;
    struct grpc_call *call = question_settle(q);
    char reason[256];

    snprintf(reason, sizeof(reason), "the API server does not accept the token: %s",
             error_quote(c->review.problem));
    refuse(call, GRPC_UNAUTHENTICATED, reason);
}

/* A question that can be answered by what is known; NULL: none. */
static struct question *answerable(struct caller *c)
{
    struct question *q;

    DL_FOREACH (c->questions, q)
        if (!c->review.is_authenticated || q->is_agent || c->may_read >= ACCESS_ALLOWED)
            return q;
    return NULL;
}

static void ask_access(struct caller *c);

/* Of a caller that is known: answers what can be answered, and asks what is missing. May forget the caller. */
static void caller_answer(struct caller *c)
{
    struct question *q;

    for (q = answerable(c); q; q = answerable(c)) {
        if (!c->review.is_authenticated)
            answer_stranger(q);
        else if (q->is_agent)
            answer_agent(q);
        else
            answer_reader(q);
    }
    if (c->questions && c->may_read == ACCESS_UNKNOWN)
        ask_access(c);
}

/* ---- The API server ---- */

/* What came of a request, as one word for all ways in which there is no answer. 0, or a negative errno. */
static int check_answer(const struct kube_answer *a, struct error **reterr)
{
    if (a->status == 0)
        return error_set(reterr, -EIO, "%s", a->problem);
    if (a->status < 200 || a->status > 299)
        return error_set(reterr, -EIO, "HTTP status %d: %s", a->status, a->problem);
    return 0;
}

/* Nothing is known of the token: its calls are sent away, and the next one asks again. */
static void caller_unknown(struct caller *c, const char *why)
{
    struct access *access = c->access;
    char reason[256];

    if (!access->is_mute)
        LOG(WARNING, "tokens-not-checked", "sending callers with new tokens away until they can be",
            LOG_STR("reason", why));
    access->is_mute = true;
    snprintf(reason, sizeof(reason), "the token cannot be checked at present: %s", why);
    refuse_all(c, GRPC_UNAVAILABLE, reason);
    map_drop(access->callers, c->key);
}

static void on_access_reviewed(const struct kube_answer *a, void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct caller *c = data;
    int r = check_answer(a, &problem);

    c->request = NULL;
    if (r == 0)
        r = access_review_read(a->body, a->len, &problem);
    if (r < 0) {
        caller_unknown(c, error_message(problem));
        return;
    }
    c->may_read = r > 0 ? ACCESS_ALLOWED : ACCESS_REFUSED;
    caller_answer(c);
}

static int post(struct caller *c, const char *path, const struct buf *body,
                void (*done)(const struct kube_answer *a, void *data))
{
    const struct kube_call call = {
        .method = "POST",
        .path = path,
        .body = body->data,
        .len = body->len,
        .deadline_ns = ACCESS_REVIEW_NS,
        .max_bytes = TOKEN_REVIEW_MAX_BYTES,
        .done = done,
        .data = c,
    };

    return kube_client_call(c->access->client, &c->request, &call);
}

static void ask_access(struct caller *c)
{
    CLEANUP_BUF struct buf body = BUF_INIT(TOKEN_REQUEST_MAX_BYTES);
    int r = buf_add_text(&body, c->review.access_request);

    if (r == 0)
        r = post(c, ACCESS_REVIEWS_PATH, &body, on_access_reviewed);
    if (r < 0)
        caller_unknown(c, strerror(-r));
    else
        c->may_read = ACCESS_ASKED;
}

/* Until when what is known may be used, and calls may go on. */
static void caller_set_times(struct caller *c, int64_t ends_s)
{
    uint64_t now = loop_now_ns(c->access->loop), life_ns = ACCESS_CALL_MAX_NS;
    int64_t left_ns;

    /* The token says it, so it may be any number. */
    if (ends_s > 0 && ends_s <= INT64_MAX / (int64_t)NS_PER_SEC) {
        left_ns = ends_s * (int64_t)NS_PER_SEC - clock_real_ns();
        life_ns = MIN((uint64_t)MAX(left_ns, 0), life_ns);
    }
    c->ends_ns = now + life_ns - life_ns / 10 / 256 * c->drawn;
    c->known_until_ns = c->review.is_authenticated ? MIN(c->ends_ns, now + ACCESS_KNOWN_NS)
                                                   : now + ACCESS_REFUSED_NS;
}

static void ask_next(struct access *a);

static void on_token_reviewed(const struct kube_answer *a, void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct caller *c = data;
    struct access *access = c->access;
    int64_t ends_s = token_ends_s(c->token);
    int r = check_answer(a, &problem);

    c->request = NULL;
    access->n_asked--;
    if (r == 0)
        r = token_review_read(&c->review, a->body, a->len, access->audience, &problem);
    if (r < 0) {
        caller_unknown(c, error_message(problem));
    } else {
        if (access->is_mute)
            LOG(INFO, "tokens-checked", "the API server answers about tokens again");
        access->is_mute = false;
        c->state = CALLER_KNOWN;
        caller_drop_token(c);
        caller_set_times(c, ends_s);
        caller_answer(c);
    }
    ask_next(access);
}

static int ask_token(struct caller *c)
{
    CLEANUP_BUF struct buf body = BUF_INIT(TOKEN_REQUEST_MAX_BYTES);
    int r = token_review_request(&body, c->token, c->access->audience);

    if (r == 0)
        r = post(c, TOKEN_REVIEWS_PATH, &body, on_token_reviewed);
    if (body.data)
        OPENSSL_cleanse(body.data, body.len);
    return r;
}

static void ask_next(struct access *a)
{
    while (a->line && a->n_asked < ACCESS_MAX_REVIEWS) {
        struct caller *c = a->line;
        int r = ask_token(c);

        DL_DELETE(a->line, c);
        c->state = CALLER_ASKED;
        if (r == 0)
            a->n_asked++;
        else
            caller_unknown(c, strerror(-r));
    }
}

/* ---- The gate ---- */

static bool is_worth_keeping(const struct caller *c, uint64_t now)
{
    return c->state != CALLER_KNOWN || c->questions || c->request || c->known_until_ns > now;
}

/* Makes room: forgets what is out of date among the oldest, and the oldest of all if it must be. */
static void forget_old(struct access *a)
{
    uint64_t now = loop_now_ns(a->loop);
    unsigned n = 0;

    MAP_FOREACH (e, a->callers) {
        const struct caller *c = map_value(e);
        bool is_full = map_size(a->callers) >= a->max_tokens;

        if (!is_worth_keeping(c, now) || (is_full && c->state == CALLER_KNOWN && !c->questions))
            map_drop(a->callers, map_key(e));
        if (++n == FORGOTTEN_A_CALL)
            break;
    }
}

/* 0, -E2BIG or -ENOMEM. */
static int caller_new(struct caller **ret, struct access *a, const struct digest *digest,
                      const char *token)
{
    struct caller *c = calloc(1, sizeof(*c));
    int r = -ENOMEM;

    if (!c)
        return -ENOMEM;
    c->access = a;
    c->drawn = digest->bytes[0];
    digest_format(digest, c->key);
    c->token = strdup(token);
    if (c->token)
        r = map_put(a->callers, c->key, c);
    if (r < 0) {
        caller_drop_token(c);
        free(c);
        return r;
    }
    DL_APPEND(a->line, c);
    *ret = c;
    return 0;
}

/* What there is to know of the token, or will be. 0, -E2BIG or -ENOMEM. */
static int find_caller(struct caller **ret, struct access *a, const char *token)
{
    char key[DIGEST_TEXT_SIZE];
    struct digest digest;
    struct caller *c;

    if (digest_of(&digest, token, strlen(token)) < 0)
        return -ENOMEM;
    c = map_find(a->callers, digest_format(&digest, key));
    if (c && is_worth_keeping(c, loop_now_ns(a->loop))) {
        *ret = c;
        return 0;
    }
    if (c)
        map_drop(a->callers, key);
    forget_old(a);
    return caller_new(ret, a, &digest, token);
}

static void ask_about(struct access *a, struct grpc_call *call, const char *token, bool is_agent)
{
    struct question *q = calloc(1, sizeof(*q));
    struct caller *c = NULL;
    int r = q ? find_caller(&c, a, token) : -ENOMEM;

    if (r < 0) {
        free(q);
        refuse(call, r == -ENOMEM ? GRPC_RESOURCE_EXHAUSTED : GRPC_UNAVAILABLE,
               r == -ENOMEM ? "out of memory" : "too many tokens are being checked");
        return;
    }
    *q = (struct question){.call = call, .caller = c, .is_agent = is_agent};
    DL_APPEND(c->questions, q);
    grpc_call_set_gate_data(call, q);
    if (c->state == CALLER_KNOWN)
        caller_answer(c);
    else
        ask_next(a);
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void on_asked(struct grpc_call *call, const char *path, void *data)
{
    const struct access *a = data;
    const struct grpc_peer *peer = grpc_call_peer(call);
    const char *token = grpc_call_metadata(call, "authorization");

    if (a->elsewhere && begins_with(path, "/varmor.v1."))
        grpc_call_finish(call, GRPC_UNAVAILABLE, a->elsewhere);
    else if (peer->kind != GRPC_PEER_TLS || peer->common_name ||
             begins_with(path, "/grpc.health.v1.Health/"))
        grpc_call_admit(call, NULL, 0);
    else if (!token || !begins_with(token, BEARER))
        refuse(call, GRPC_UNAUTHENTICATED, "neither a certificate nor a bearer token was shown");
    else if (!token_is_well_formed(token + strlen(BEARER)))
        refuse(call, GRPC_UNAUTHENTICATED, "what was shown as a bearer token is none");
    else
        ask_about(data, call, token + strlen(BEARER),
                  begins_with(path, "/varmor.v1.AgentService/"));
}

static void on_closed(struct grpc_call *call, void *data UNUSED)
{
    struct question *q = grpc_call_gate_data(call);
    struct caller *c = q ? q->caller : NULL;

    if (!c)
        return;
    question_settle(q);
    /* Nobody wants to know any more: a peer that shows tokens and goes takes no place in the line. */
    if (c->state == CALLER_WAITS && !c->questions)
        map_drop(c->access->callers, c->key);
}

static const struct grpc_gate access_gate = {.asked = on_asked, .closed = on_closed};

/* ---- Life ---- */

int access_new(struct access **ret, struct loop *loop, struct kube_client *client,
               struct grpc_server *server, const struct access_settings *settings)
{
    CLEANUP(access_free) struct access *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    a->loop = loop;
    a->client = client;
    a->audience = strdup(settings->audience);
    a->account = strdup(settings->account);
    a->max_tokens = settings->max_tokens ? settings->max_tokens : ACCESS_MAX_TOKENS;
    a->callers = map_new(caller_free, a->max_tokens);
    if (!a->audience || !a->account || !a->callers)
        return -ENOMEM;
    grpc_server_set_gate(server, &access_gate, a);
    *ret = TAKE(a);
    return 0;
}

void access_set_elsewhere(struct access *a, const char *why)
{
    a->elsewhere = why;
}

struct access *access_free(struct access *a)
{
    if (!a)
        return NULL;
    map_free(a->callers);
    free(a->audience);
    free(a->account);
    free(a);
    return NULL;
}
