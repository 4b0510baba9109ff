/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_restarts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/json_value.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_path.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/policy/object.h"
#include "lib/policy/target.h"
#include "manager/kube_policy.h"
#include "manager/kube_profile_json.h"
#include "manager/kube_restart_plan.h"
#include "manager/kube_text.h"
#include "manager/kube_writer.h"
#include "manager/object_key.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "manager/status.h"
#include "manager/webhook_configuration.h"
#include "manager/write_queue.h"

#define MAX_POLICIES 16384 /* as many as the source takes */

static const struct write_pace pace = {
    .first_gap_ns = NS_PER_SEC,
    .max_gap_ns = 30 * NS_PER_SEC,
    .quiet_ns = 60 * NS_PER_SEC,
    .retry_first_ns = NS_PER_SEC,
    .retry_max_ns = 60 * NS_PER_SEC,
    .max_running = 1,
    .burst = 1,
    .per_second = KUBE_RESTARTS_PER_SECOND,
    .max_objects = KUBE_RESTARTS_MAX,
};

enum progress {
    PROGRESS_UNSEEN,  /* no manager has accepted it so far */
    PROGRESS_AWAITED, /* this one does, as the leader: once it is ready, workloads are restarted */
    PROGRESS_STARTED, /* its workloads wait for their turn, or had it */
    PROGRESS_PAST,    /* nothing is restarted for it any more */
};

/* A policy object of the API server. */
struct seen_policy {
    char *uid; /* owned */
    enum progress progress;
};

struct kube_restarts {
    struct kube_restarts_parts parts;
    struct map *policies;      /* key of the store -> struct seen_policy, owned */
    struct map *gone;          /* names of profiles that went */
    struct write_queue *queue; /* of workloads: "Deployment/shop/web" */
    struct loop_timer *timer;
    char *current; /* owned; the workload whose turn it is; NULL: none */
    bool is_touched_again;
    struct kube_request *request; /* about the current one */
    bool leads;
};

static void seen_policy_free(void *value)
{
    struct seen_policy *p = value;

    free(p->uid);
    free(p);
}

static void schedule(struct kube_restarts *r)
{
    uint64_t due_ns = write_queue_due_ns(r->queue), now_ns = loop_now_ns(r->parts.loop);

    if (r->leads && due_ns != UINT64_MAX)
        loop_timer_set(r->timer, due_ns > now_ns ? due_ns - now_ns : 0);
    else
        loop_timer_unset(r->timer);
}

/* ---- Policies ---- */

/* The policy in the store that the object's text made; NULL: it has no profile yet. */
static const struct stored_policy *stored_of(const struct kube_restarts *r, const char *key,
                                             const char *uid)
{
    const struct stored_policy *p = map_find(profile_store_policies(r->parts.store), key);

    return p && p->profile && p->policy->uid && strcmp(p->policy->uid, uid) == 0 ? p : NULL;
}

static bool is_ready(const struct kube_restarts *r, const char *key)
{
    const struct policy_status *status = status_of_policy(r->parts.status, key);

    return status && status->is_ready;
}

/* Puts the workloads that a target means in line. Without a label they are put only if their marks are to go. */
static size_t put_in_line(struct kube_restarts *r, const struct profile_target *target,
                          const char *match_label)
{
    char key[OBJECT_KEY_SIZE];
    const struct object *o;
    size_t n = 0;

    for (size_t at = 0; (o = r->parts.next_workload(target->kind, &at, r->parts.data));) {
        const struct admission_subject subject = {.kind = target->kind,
                                                  .name_space = o->name_space,
                                                  .name = o->name,
                                                  .labels = o->manifest->labels};

        if (!admission_means_workload(target, &subject) ||
            !webhook_match_label_fits(match_label, subject.labels))
            continue;
        object_key(key, target_kind_name(target->kind), o->name_space, o->name);
        if (r->current && strcmp(key, r->current) == 0)
            r->is_touched_again = true;
        if (write_queue_touch(r->queue, key, loop_now_ns(r->parts.loop)) < 0)
            LOG(ERROR, "workload-not-restarted", "no memory, or too many wait",
                LOG_STR("workload", key), LOG_INT("limit", KUBE_RESTARTS_MAX));
        else
            n++;
    }
    schedule(r);
    return n;
}

/* Starts the restarts of a policy if that is due. */
static void consider(struct kube_restarts *r, const char *key, struct seen_policy *seen)
{
    const struct stored_policy *p;
    size_t n;

    if (!r->leads || seen->progress != PROGRESS_AWAITED || !is_ready(r, key))
        return;
    p = stored_of(r, key, seen->uid);
    if (!p)
        return;
    seen->progress = PROGRESS_PAST;
    if (!p->in_force->update_existing_workloads || p->in_force->target.kind == TARGET_POD)
        return;
    seen->progress = PROGRESS_STARTED;
    n = put_in_line(r, &p->in_force->target, r->parts.match_label);
    LOG(INFO, "restarting-workloads", "those that the policy would change", LOG_STR("policy", key),
        LOG_INT("workloads", n));
}

/* Has a manager accepted the object before? Of what cannot be read that is assumed: then nothing is restarted. */
static bool was_accepted(const uint8_t *object, size_t len)
{
    CLEANUP(json_decref) json_t *root = json_value_read(object, len, 0, NULL);
    const json_t *conditions = json_object_get(json_object_get(root, "status"), "conditions");
    json_t *c;
    size_t i;

    json_array_foreach(conditions, i, c)
    {
        if (strcmp(kube_get_text(c, "type"), "Created") == 0 &&
            strcmp(kube_get_text(c, "status"), "True") == 0)
            return true;
    }
    return !root;
}

/* The entry of an object, made anew if it is another one of the same name. NULL: no memory, or too many. */
static struct seen_policy *seen_policy_get(struct kube_restarts *r, const char *key,
                                           const char *uid)
{
    struct seen_policy *p = map_find(r->policies, key);

    if (p && strcmp(p->uid, uid) == 0)
        return p;
    p = calloc(1, sizeof(*p));
    if (p)
        p->uid = strdup(uid);
    if (!p || !p->uid || map_put(r->policies, key, p) < 0) {
        if (p)
            seen_policy_free(p);
        return NULL;
    }
    return p;
}

void kube_restarts_seen(struct kube_restarts *r, const char *key, const struct kube_policy *policy,
                        const uint8_t *object, size_t len)
{
    struct seen_policy *p = seen_policy_get(r, key, policy->uid);

    if (!p) {
        LOG(ERROR, "restarts-left-out", "its workloads are not restarted", LOG_STR("policy", key));
        return;
    }
    if (p->progress == PROGRESS_UNSEEN && was_accepted(object, len))
        p->progress = PROGRESS_PAST;
    if (p->progress == PROGRESS_UNSEEN && r->leads)
        p->progress = PROGRESS_AWAITED;
    consider(r, key, p);
}

void kube_restarts_touched(struct kube_restarts *r, const char *key)
{
    struct seen_policy *p = map_find(r->policies, key);

    if (p)
        consider(r, key, p);
}

void kube_restarts_withdrawn(struct kube_restarts *r, const char *key)
{
    const struct stored_policy *p = map_find(profile_store_policies(r->parts.store), key);
    size_t n;

    map_drop(r->policies, key);
    if (!r->leads || !p || !p->profile || !p->in_force->update_existing_workloads ||
        p->in_force->target.kind == TARGET_POD)
        return;
    if (map_put(r->gone, p->profile->name, r) < 0) {
        LOG(ERROR, "restarts-left-out", "its workloads keep its marks", LOG_STR("policy", key));
        return;
    }
    n = put_in_line(r, &p->in_force->target, "");
    if (n == 0)
        map_drop(r->gone, p->profile->name);
    LOG(INFO, "restarting-workloads", "those that name the profile of a policy that went",
        LOG_STR("policy", key), LOG_INT("workloads", n));
}

void kube_restarts_gone(struct kube_restarts *r, const char *key)
{
    map_drop(r->policies, key);
}

/* ---- The turn of a workload ---- */

static bool on_is_new(const struct stored_policy *p, void *data)
{
    struct kube_restarts *r = data;
    struct seen_policy *seen = map_find(r->policies, p->key);

    if (!seen || seen->progress != PROGRESS_STARTED || !p->in_force->update_existing_workloads)
        return false;
    if (is_ready(r, p->key))
        return true;
    seen->progress = PROGRESS_AWAITED; /* a node came: all is looked at again when it is ready */
    return false;
}

/* A profile that is back is nobody's to take out. */
static void forget_the_returned(struct kube_restarts *r)
{
    unsigned slot;

    MAP_FOREACH (e, r->gone)
        if (profile_store_slot_of(r->parts.store, map_key(e), &slot))
            map_drop(r->gone, map_key(e));
}

/* The current workload has had its turn. */
static void turn_end(struct kube_restarts *r, enum write_outcome outcome, uint64_t delay_ns)
{
    CLEANUP_FREE char *key = TAKE(r->current);

    write_queue_ended(r->queue, key, outcome, delay_ns, loop_now_ns(r->parts.loop));
    if (outcome != WRITE_AGAIN && !r->is_touched_again)
        write_queue_drop(r->queue, key);
    r->is_touched_again = false;
    if (write_queue_n_waiting(r->queue) == 0)
        MAP_FOREACH (e, r->gone)
            map_drop(r->gone, map_key(e));
    schedule(r);
}

static void give_up(struct kube_restarts *r, const char *why)
{
    LOG(WARNING, "workload-not-restarted", "it stays as it is", LOG_STR("workload", r->current),
        LOG_STR("reason", why));
    turn_end(r, WRITE_DONE, 0);
}

/* Ends the turn if the answer is no success: what may pass is tried again. */
static bool has_failed(struct kube_restarts *r, const struct kube_answer *a)
{
    r->request = NULL;
    if (a->status >= 200 && a->status <= 299)
        return false;
    if (a->status == 404)
        turn_end(r, WRITE_DONE, 0); /* it is gone */
    else if (a->error == -E2BIG || (a->status >= 400 && a->status < 500 && a->status != 401 &&
                                    a->status != 409 && a->status != 429))
        give_up(r, a->problem);
    else
        turn_end(r, WRITE_AGAIN, a->retry_after_ns);
    return true;
}

static enum target_kind current_kind(const struct kube_restarts *r)
{
    char kind[32];

    snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(r->current, "/"), r->current);
    return target_kind_parse(kind);
}

/* The path of the current workload. 0 or a negative errno. */
static int current_path(const struct kube_restarts *r, struct buf *path)
{
    static const char *const resources[TARGET_KINDS] = {
        [TARGET_DEPLOYMENT] = "deployments",
        [TARGET_STATEFULSET] = "statefulsets",
        [TARGET_DAEMONSET] = "daemonsets",
    };
    const char *name_space = strchr(r->current, '/') + 1, *slash = strchr(name_space, '/');
    CLEANUP_FREE char *copy = strndup(name_space, (size_t)(slash - name_space));

    if (!copy)
        return -ENOMEM;
    return kube_path_add(path, &(struct kube_path){.group = "apps",
                                                   .version = "v1",
                                                   .resource = resources[current_kind(r)],
                                                   .name_space = copy,
                                                   .name = slash + 1});
}

/* Asks about the current workload; body NULL: none. Without memory its turn ends. */
static void ask(struct kube_restarts *r, const char *method, const char *body,
                void (*done)(const struct kube_answer *a, void *data))
{
    CLEANUP_BUF struct buf path = BUF_INIT(KUBE_PATH_MAX);
    struct kube_call call = {.method = method,
                             .content_type = body ? KUBE_JSON_PATCH : NULL,
                             .body = body,
                             .len = body ? strlen(body) : 0,
                             .deadline_ns = KUBE_WRITE_DEADLINE_NS,
                             .max_bytes = KUBE_ANSWER_MAX_BYTES,
                             .done = done,
                             .data = r};
    int e = current_path(r, &path);

    if (e == 0 && body)
        e = kube_path_query(&path, "fieldManager", KUBE_FIELD_MANAGER);
    call.path = buf_text(&path);
    if (e < 0 || kube_client_call(r->parts.client, &r->request, &call) < 0)
        turn_end(r, WRITE_AGAIN, 0);
}

static void on_written(const struct kube_answer *a, void *data)
{
    struct kube_restarts *r = data;
    CLEANUP(json_decref) json_t *object = NULL;

    if (has_failed(r, a))
        return;
    object = json_value_read(a->body, a->len, 0, NULL);
    LOG(INFO, "workload-restarted", "its template was changed", LOG_STR("workload", r->current));
    turn_end(r, kube_restart_names(object, r->gone) ? WRITE_AGAIN : WRITE_DONE, 0);
}

static void on_read(const struct kube_answer *a, void *data)
{
    struct kube_restarts *r = data;
    struct admission_facts admission;
    const struct kube_restart_facts facts = {.admission = &admission,
                                             .match_label = r->parts.match_label,
                                             .gone = r->gone,
                                             .is_new = on_is_new,
                                             .data = r};
    CLEANUP(json_decref) json_t *object = NULL;
    CLEANUP(json_decref) json_t *patch = NULL;
    CLEANUP_BUF struct buf body = BUF_INIT(KUBE_WRITE_MAX_BYTES);
    CLEANUP(error_free) struct error *problem = NULL;
    int e;

    if (has_failed(r, a))
        return;
    if (!r->parts.facts(&admission, r->parts.data) || !r->parts.may_write(r->parts.data)) {
        turn_end(r, WRITE_AGAIN, 0);
        return;
    }
    forget_the_returned(r);
    object = json_value_read(a->body, a->len, 0, NULL);
    e = object ? kube_restart_plan(&patch, &facts, current_kind(r), object, &problem) : -ENOMEM;
    if (e == 0 && patch)
        e = json_value_add(&body, patch, JSON_COMPACT);
    if (e == -EINVAL || e == -E2BIG)
        give_up(r, problem ? error_message(problem) : "too much would have to be changed");
    else if (e < 0)
        turn_end(r, WRITE_AGAIN, 0);
    else if (patch)
        ask(r, "PATCH", buf_text(&body), on_written);
    else
        turn_end(r, WRITE_NOTHING, 0);
}

static void on_timer(void *data)
{
    struct kube_restarts *r = data;
    uint64_t delay_ns;
    const char *key;

    if (!r->leads)
        return;
    if (!r->parts.may_write(r->parts.data)) {
        loop_timer_set(r->timer, pace.retry_first_ns); /* who leads will be told until then */
        return;
    }
    if (r->parts.in_grace(&delay_ns, r->parts.data)) {
        loop_timer_set(r->timer, delay_ns);
        return;
    }
    key = write_queue_next(r->queue, loop_now_ns(r->parts.loop));
    if (!key) {
        schedule(r);
        return;
    }
    r->current = strdup(key);
    if (r->current)
        ask(r, "GET", NULL, on_read);
    else
        write_queue_ended(r->queue, key, WRITE_AGAIN, 0, loop_now_ns(r->parts.loop));
    schedule(r);
}

/* ---- Leading ---- */

/* Forgets what waits. */
static void forget_all(struct kube_restarts *r)
{
    struct write_queue *queue;

    r->request = kube_request_cancel(r->request);
    if (r->current)
        turn_end(r, WRITE_AGAIN, 0);
    queue = write_queue_new(&pace, loop_now_ns(r->parts.loop));
    if (queue) { /* without memory what waits is looked at later, and found not to be wanted */
        write_queue_free(r->queue);
        r->queue = queue;
    }
    MAP_FOREACH (e, r->gone)
        map_drop(r->gone, map_key(e));
    MAP_FOREACH (e, r->policies) {
        struct seen_policy *p = map_value(e);

        if (p->progress != PROGRESS_UNSEEN)
            p->progress = PROGRESS_PAST;
    }
}

void kube_restarts_lead(struct kube_restarts *r, bool leads)
{
    if (leads == r->leads)
        return;
    r->leads = leads;
    if (!leads) {
        forget_all(r);
        schedule(r);
        return;
    }
    MAP_FOREACH (e, r->policies) {
        struct seen_policy *p = map_value(e);

        if (p->progress == PROGRESS_UNSEEN)
            p->progress = PROGRESS_AWAITED;
        consider(r, map_key(e), p);
    }
    schedule(r);
}

/* ---- Life ---- */

int kube_restarts_new(struct kube_restarts **ret, const struct kube_restarts_parts *parts)
{
    CLEANUP(kube_restarts_free) struct kube_restarts *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->parts = *parts;
    r->policies = map_new(seen_policy_free, MAX_POLICIES);
    r->gone = map_new(NULL, KUBE_RESTARTS_MAX_GONE);
    r->queue = write_queue_new(&pace, loop_now_ns(parts->loop) ^ (uint64_t)getpid());
    if (!r->policies || !r->gone || !r->queue ||
        loop_timer_new(parts->loop, &r->timer, on_timer, r) < 0)
        return -ENOMEM;
    *ret = TAKE(r);
    return 0;
}

struct kube_restarts *kube_restarts_free(struct kube_restarts *r)
{
    if (!r)
        return NULL;
    kube_request_cancel(r->request);
    loop_timer_free(r->timer);
    write_queue_free(r->queue);
    map_free(r->gone);
    map_free(r->policies);
    free(r->current);
    free(r);
    return NULL;
}
