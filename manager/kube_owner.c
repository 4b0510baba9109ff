/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_owner.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "lib/backoff.h"
#include "lib/json_value.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_path.h"
#include "lib/log.h"
#include "lib/loop.h"

#define GROUP            "rbac.authorization.k8s.io"
#define PATH_MAX_BYTES   1024
#define ANSWER_MAX_BYTES (256u << 10) /* a role with managed fields has some 10 KiB */
#define DEADLINE         (10 * NS_PER_SEC)

struct kube_owner {
    struct loop *loop;
    struct kube_client *client;
    void (*known)(void *data);
    void *data;
    struct buf path;       /* of the ClusterRole; empty: nobody owns anything */
    struct buf references; /* empty until known */
    struct kube_request *request;
    struct loop_timer *timer; /* fires when it is time to ask, or to say that there is nobody */
    struct backoff backoff;
    bool is_known;
};

int kube_owner_format(struct buf *out, const uint8_t *role, size_t len, struct error **reterr)
{
    CLEANUP(json_decref)
    json_t *top = json_value_read(role, len, JSON_REJECT_DUPLICATES, NULL);
    CLEANUP(json_decref) json_t *references = NULL;
    CLEANUP_FREE char *text = NULL;
    const json_t *metadata = json_object_get(top, "metadata");
    const char *name = json_string_value(json_object_get(metadata, "name"));
    const char *uid = json_string_value(json_object_get(metadata, "uid"));

    if (!name || !uid || !name[0] || !uid[0])
        return error_set(reterr, -EBADMSG, "the answer is no ClusterRole with a name and a uid");
    references = json_pack("[{s:s, s:s, s:s, s:s}]", "apiVersion", GROUP "/v1", "kind",
                           "ClusterRole", "name", name, "uid", uid);
    text = references ? json_dumps(references, JSON_COMPACT) : NULL;
    return text ? buf_add_text(out, text) : -ENOMEM;
}

static void settle(struct kube_owner *o)
{
    o->is_known = true;
    o->known(o->data);
}

static void ask_later(struct kube_owner *o, const char *why)
{
    if (o->backoff.n_failures == 0)
        LOG(WARNING, "owner-not-known", "trying again for ever; nothing is made meanwhile",
            LOG_STR("reason", why));
    loop_timer_set(o->timer, backoff_next_ns(&o->backoff));
}

/* The server has spoken, and asking again would change nothing. */
static void on_refused(struct kube_owner *o, const char *why)
{
    LOG(WARNING, "no-owner",
        "webhook configurations, Secrets and Lease will stay when the release goes",
        LOG_STR("reason", why));
    settle(o);
}

static void on_answer(const struct kube_answer *a, void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct kube_owner *o = data;
    int r;

    o->request = NULL;
    if (a->status == 403 || a->status == 404) {
        on_refused(o, a->problem);
        return;
    }
    if (a->status != 200) {
        ask_later(o, a->problem);
        return;
    }
    r = kube_owner_format(&o->references, a->body, a->len, &problem);
    if (r == 0) {
        settle(o);
        return;
    }
    buf_clear(&o->references);
    ask_later(o, problem ? error_message(problem) : strerror(-r));
}

static void on_timer(void *data)
{
    struct kube_owner *o = data;
    const struct kube_call call = {
        .method = "GET",
        .path = buf_text(&o->path),
        .deadline_ns = DEADLINE,
        .max_bytes = ANSWER_MAX_BYTES,
        .done = on_answer,
        .data = o,
    };
    int r;

    if (o->path.len == 0) {
        settle(o);
        return;
    }
    r = kube_client_call(o->client, &o->request, &call);
    if (r < 0)
        ask_later(o, strerror(-r));
}

int kube_owner_new(struct kube_owner **ret, struct loop *loop, struct kube_client *client,
                   const char *cluster_role, void (*known)(void *data), void *data)
{
    CLEANUP(kube_owner_free) struct kube_owner *o = calloc(1, sizeof(*o));
    const struct kube_path path = {
        .group = GROUP, .version = "v1", .resource = "clusterroles", .name = cluster_role};

    if (!o)
        return -ENOMEM;
    *o = (struct kube_owner){
        .loop = loop,
        .client = client,
        .known = known,
        .data = data,
        .path = BUF_INIT(PATH_MAX_BYTES),
        .references = BUF_INIT(KUBE_OWNER_TEXT_MAX),
        .backoff = {.first_ns = NS_PER_SEC / 2,
                    .max_ns = 30 * NS_PER_SEC,
                    .random_state = loop_now_ns(loop) ^ (uint64_t)getpid()},
    };
    if (cluster_role && kube_path_add(&o->path, &path) < 0)
        return -ENOMEM;
    if (loop_timer_new(loop, &o->timer, on_timer, o) < 0)
        return -ENOMEM;
    loop_timer_set(o->timer, 0);
    *ret = TAKE(o);
    return 0;
}

struct kube_owner *kube_owner_free(struct kube_owner *o)
{
    if (!o)
        return NULL;
    kube_request_cancel(o->request);
    loop_timer_free(o->timer);
    buf_done(&o->path);
    buf_done(&o->references);
    free(o);
    return NULL;
}

const char *kube_owner_references(const struct kube_owner *o)
{
    return o->is_known && o->references.len > 0 ? buf_text(&o->references) : "[]";
}
