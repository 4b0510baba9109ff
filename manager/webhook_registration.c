/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/webhook_registration.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "lib/backoff.h"
#include "lib/json_value.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_path.h"
#include "lib/kube/kube_watch.h"
#include "lib/log.h"
#include "lib/loop.h"

#define GROUP            "admissionregistration.k8s.io"
#define PATH_MAX_BYTES   1024
#define OBJECT_MAX_BYTES (2u << 20)
#define REQUEST_DEADLINE (10 * NS_PER_SEC)
#define QUIET_NS         (30 * NS_PER_SEC) /* without a change by others: all is well again */
#define FIELD_MANAGER    "varmor-manager"

/* One of the two configurations. */
struct registered {
    struct webhook_registration *owner;
    enum webhook_kind kind;
    struct buf collection, object; /* paths */
    struct kube_watch *watch;      /* while this manager leads */
    struct kube_request *request;
    struct loop_timer *timer; /* applies */
    struct backoff backoff;
    bool again;          /* something changed while a request is under way */
    uint64_t applied_ns; /* 0: never */
    char *version;       /* owned: of what was applied last */
};

struct webhook_registration {
    struct loop *loop;
    struct kube_client *client;
    struct webhook_settings settings;              /* its texts are the four below */
    char *name_space, *url, *match_label, *owners; /* owned */
    char *authority;                               /* owned; NULL: none yet */
    bool leads;
    struct registered items[WEBHOOK_KINDS];
};

/* ---- Applying ---- */

static void apply_at(struct registered *g, uint64_t delay_ns)
{
    if (g->request)
        g->again = true;
    else if (g->owner->leads && g->owner->authority)
        loop_timer_set(g->timer, delay_ns);
}

/* Somebody else has changed it: at once, unless that happens again and again. */
static void apply_after_change(struct registered *g)
{
    uint64_t now = loop_now_ns(g->owner->loop);

    if (!g->applied_ns || now - g->applied_ns > QUIET_NS)
        backoff_reset(&g->backoff);
    apply_at(g, g->applied_ns ? backoff_next_ns(&g->backoff) : 0);
}

/* metadata.resourceVersion of an object, owned by the caller; NULL: it has none, or no memory. */
static char *read_version(const uint8_t *object, size_t len)
{
    json_t *json = json_value_read(object, len, 0, NULL);
    const char *version =
        json_string_value(json_object_get(json_object_get(json, "metadata"), "resourceVersion"));
    char *copy = version ? strdup(version) : NULL;

    json_decref(json);
    return copy;
}

static void on_applied(const struct kube_answer *a, void *data)
{
    struct registered *g = data;
    const char *name = webhook_configuration_name(g->kind, g->owner->settings.url != NULL);

    g->request = NULL;
    if (a->status == 200 || a->status == 201) {
        char *version = read_version(a->body, a->len);

        if (!g->version || !version || strcmp(g->version, version) != 0)
            LOG(INFO, "webhook-registered", "the API server asks this manager",
                LOG_STR("configuration", name));
        free(g->version);
        g->version = version;
        g->applied_ns = loop_now_ns(g->owner->loop);
        if (g->again)
            apply_at(g, 0);
    } else {
        LOG(WARNING, "webhook-not-registered", "trying again", LOG_STR("configuration", name),
            LOG_STR("reason", a->problem));
        apply_at(g, backoff_next_ns(&g->backoff));
    }
    g->again = false;
}

static void on_time(void *data)
{
    struct registered *g = data;
    struct webhook_registration *r = g->owner;
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_FREE char *json = NULL;
    struct kube_call call = {.method = "PATCH",
                             .path = buf_text(&g->object),
                             .content_type = "application/apply-patch+yaml",
                             .deadline_ns = REQUEST_DEADLINE,
                             .max_bytes = OBJECT_MAX_BYTES,
                             .done = on_applied,
                             .data = g};
    int result;

    if (g->request || !r->leads || !r->authority)
        return;
    result = webhook_configuration_format(&json, g->kind, &r->settings, r->authority, &e);
    if (result == 0) {
        call.body = json;
        call.len = strlen(json);
        result = kube_client_call(r->client, &g->request, &call);
    }
    if (result < 0)
        apply_at(g, backoff_next_ns(&g->backoff));
}

/* ---- Watching ---- */

static void on_put(const char *key UNUSED, const uint8_t *object, size_t len, void *data)
{
    struct registered *g = data;
    CLEANUP_FREE char *version = read_version(object, len);

    if (g->version && version && strcmp(g->version, version) == 0)
        return; /* what this manager wrote */
    apply_after_change(g);
}

static void on_dropped(const char *key, void *data)
{
    struct registered *g = data;

    LOG(WARNING, "webhook-gone", "it is registered again", LOG_STR("configuration", key));
    apply_after_change(g);
}

static void on_listed(void *data)
{
    struct registered *g = data;

    if (!g->applied_ns)
        apply_at(g, 0);
}

static void on_trouble(const char *reason, void *data)
{
    const struct registered *g = data;
    const char *name = webhook_configuration_name(g->kind, g->owner->settings.url != NULL);

    if (reason)
        LOG(WARNING, "webhook-not-watched", "a change by others is not seen; trying again",
            LOG_STR("configuration", name), LOG_STR("reason", reason));
    else
        LOG(INFO, "webhook-watched", "", LOG_STR("configuration", name));
}

/* Watches while this manager leads and has something to say. */
static int update_watch(struct registered *g)
{
    struct webhook_registration *r = g->owner;
    const struct kube_watch_events events = {.put = on_put,
                                             .dropped = on_dropped,
                                             .listed = on_listed,
                                             .trouble = on_trouble,
                                             .data = g};
    CLEANUP_BUF struct buf query = BUF_INIT(PATH_MAX_BYTES);
    struct kube_watch_settings settings = {
        .path = buf_text(&g->collection), .max_object_bytes = OBJECT_MAX_BYTES, .max_objects = 1};

    if (!r->leads || !r->authority) {
        g->watch = kube_watch_free(g->watch);
        loop_timer_unset(g->timer);
        g->applied_ns = 0;
        return 0;
    }
    if (g->watch)
        return 0;
    if (buf_format(&query, "fieldSelector=metadata.name%%3D%s",
                   webhook_configuration_name(g->kind, r->settings.url != NULL)) < 0)
        return -ENOMEM;
    settings.query = buf_text(&query);
    return kube_watch_new(&g->watch, r->loop, r->client, &settings, &events);
}

static void update(struct webhook_registration *r)
{
    for (size_t i = 0; i < WEBHOOK_KINDS; i++) {
        if (update_watch(&r->items[i]) < 0)
            LOG(ERROR, "webhook-not-watched", "a change by others is not seen");
        apply_at(&r->items[i], 0);
    }
}

int webhook_registration_set_authority(struct webhook_registration *r, const char *authority)
{
    char *copy;

    if (r->authority && strcmp(r->authority, authority) == 0)
        return 0;
    copy = strdup(authority);
    if (!copy)
        return -ENOMEM;
    free(r->authority);
    r->authority = copy;
    update(r);
    return 0;
}

void webhook_registration_set_leader(struct webhook_registration *r, bool leads)
{
    if (r->leads == leads)
        return;
    r->leads = leads;
    update(r);
}

/* ---- Life ---- */

static int start_item(struct webhook_registration *r, enum webhook_kind kind)
{
    struct registered *g = &r->items[kind];
    struct kube_path path = {
        .group = GROUP, .version = "v1", .resource = webhook_configuration_resource(kind)};

    *g =
        (struct registered){.owner = r,
                            .kind = kind,
                            .collection = BUF_INIT(PATH_MAX_BYTES),
                            .object = BUF_INIT(PATH_MAX_BYTES),
                            .backoff = {.first_ns = NS_PER_SEC / 8,
                                        .max_ns = 30 * NS_PER_SEC,
                                        .random_state = loop_now_ns(r->loop) ^ (uint64_t)getpid()}};
    if (kube_path_add(&g->collection, &path) < 0)
        return -ENOMEM;
    path.name = webhook_configuration_name(kind, r->settings.url != NULL);
    if (kube_path_add(&g->object, &path) < 0 ||
        kube_path_query(&g->object, "fieldManager", FIELD_MANAGER) < 0 ||
        kube_path_query(&g->object, "force", "true") < 0)
        return -ENOMEM;
    return loop_timer_new(r->loop, &g->timer, on_time, g);
}

static int copy_settings(struct webhook_registration *r, const struct webhook_settings *settings)
{
    r->name_space = strdup(settings->name_space);
    r->match_label = strdup(settings->match_label);
    r->owners = strdup(settings->owners);
    r->url = settings->url ? strdup(settings->url) : NULL;
    if (!r->name_space || !r->match_label || !r->owners || (settings->url && !r->url))
        return -ENOMEM;
    r->settings = (struct webhook_settings){.name_space = r->name_space,
                                            .url = r->url,
                                            .match_label = r->match_label,
                                            .timeout_s = settings->timeout_s,
                                            .owners = r->owners};
    return 0;
}

int webhook_registration_new(struct webhook_registration **ret, struct loop *loop,
                             struct kube_client *client, const struct webhook_settings *settings,
                             struct error **reterr)
{
    CLEANUP(webhook_registration_free) struct webhook_registration *r = NULL;
    int result = webhook_match_label_check(settings->match_label, reterr);

    if (result < 0)
        return result;
    r = calloc(1, sizeof(*r));
    if (!r)
        return error_oom(reterr);
    r->loop = loop;
    r->client = client;
    if (copy_settings(r, settings) < 0)
        return error_oom(reterr);
    for (size_t i = 0; i < WEBHOOK_KINDS; i++)
        if (start_item(r, (enum webhook_kind)i) < 0)
            return error_oom(reterr);
    *ret = TAKE(r);
    return 0;
}

struct webhook_registration *webhook_registration_free(struct webhook_registration *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < WEBHOOK_KINDS; i++) {
        struct registered *g = &r->items[i];

        kube_request_cancel(g->request);
        kube_watch_free(g->watch);
        loop_timer_free(g->timer);
        free(g->version);
        buf_done(&g->object);
        buf_done(&g->collection);
    }
    free(r->authority);
    free(r->owners);
    free(r->match_label);
    free(r->url);
    free(r->name_space);
    free(r);
    return NULL;
}
