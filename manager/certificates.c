/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/backoff.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_path.h"
#include "lib/kube/kube_watch.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "manager/certificate_plan.h"
#include "manager/clock.h"
#include "manager/kube_secret.h"

#define NAMES_MAX        9
#define NAME_SIZE        254
#define PATH_MAX_BYTES   2048
#define ANNOTATION       "self-signed-cert"
#define KEY_AUTHORITY    "rootCA.crt"
#define REQUEST_DEADLINE (10 * NS_PER_SEC)

/* One of the two Secrets. */
struct secret {
    struct certificates *owner;
    bool is_pair;
    char name[NAME_SIZE];
    struct buf collection, object; /* paths */
    struct kube_watch *watch;
    char *version; /* owned; NULL: there is none */
};

struct certificates {
    struct loop *loop;
    struct kube_client *client;
    void (*changed)(void *data);
    void *data;
    char *owners; /* owned */
    char name_texts[NAMES_MAX][NAME_SIZE];
    const char *name_items[NAMES_MAX];
    struct certificate_plan plan;
    struct secret pair, bundle;
    struct loop_task *task;   /* looks at the plan */
    struct loop_timer *timer; /* the same, later */
    struct kube_request *request;
    struct backoff backoff;
    bool is_wrong; /* was told in the log */
};

/* ---- What stands there ---- */

/* Hands a Secret's texts to the plan. NULL: it is gone. */
static void take_texts(struct secret *s, char **texts)
{
    struct certificates *c = s->owner;

    if (!s->is_pair)
        certificate_plan_set_bundle(&c->plan, texts ? texts[0] : NULL);
    else if (texts)
        certificate_plan_set_pair(&c->plan, texts[0], texts[1], texts[2]);
    else
        certificate_plan_set_pair(&c->plan, NULL, NULL, NULL);
    loop_task_set(c->task);
}

static void on_secret(struct secret *s, const uint8_t *object, size_t len)
{
    static const char *const pair_keys[] = {"tls.crt", "tls.key", "ca.crt"};
    static const char *const bundle_keys[] = {KEY_AUTHORITY};
    char *texts[ARRAY_SIZE(pair_keys)] = {NULL}, *version = NULL;
    int r = kube_secret_read(object, len, s->is_pair ? pair_keys : bundle_keys,
                             s->is_pair ? ARRAY_SIZE(pair_keys) : ARRAY_SIZE(bundle_keys), texts,
                             &version);

    if (r < 0) {
        LOG(ERROR, "secret-unread", "keeping what was read before", LOG_STR("secret", s->name),
            LOG_INT("errno", -r));
        return;
    }
    free(s->version);
    s->version = version;
    take_texts(s, texts);
}

static void on_put(const char *key UNUSED, const uint8_t *object, size_t len, void *data)
{
    on_secret(data, object, len);
}

static void on_dropped(const char *key UNUSED, void *data)
{
    struct secret *s = data;

    LOG(WARNING, "secret-gone", "it is made again from what is served", LOG_STR("secret", s->name));
    free(s->version);
    s->version = NULL;
    take_texts(s, NULL);
}

static void on_listed(void *data)
{
    struct secret *s = data;

    if (!s->version)
        take_texts(s, NULL);
}

static void on_trouble(const char *reason, void *data)
{
    const struct secret *s = data;

    if (reason)
        LOG(WARNING, "secret-not-watched", "serving what was read before; trying again",
            LOG_STR("secret", s->name), LOG_STR("reason", reason));
    else
        LOG(INFO, "secret-watched", "", LOG_STR("secret", s->name));
}

/* ---- What is written ---- */

static void look_later(struct certificates *c, uint64_t delay_ns)
{
    loop_timer_set(c->timer, delay_ns);
}

static void on_answer(struct secret *s, const struct kube_answer *a)
{
    struct certificates *c = s->owner;

    c->request = NULL;
    if (a->status == 200 || a->status == 201) {
        backoff_reset(&c->backoff);
        LOG(INFO, "secret-written", "all managers take it up", LOG_STR("secret", s->name));
        look_later(c, CERTIFICATE_LOOK_NS);
        on_secret(s, a->body, a->len); /* looks at once */
        return;
    }
    /* 409, 404: somebody was faster; the watch brings what there is */
    if (a->status != 409 && a->status != 404)
        LOG(WARNING, "secret-not-written", "trying again", LOG_STR("secret", s->name),
            LOG_STR("reason", a->problem));
    look_later(c, backoff_next_ns(&c->backoff));
}

static void on_pair_answer(const struct kube_answer *a, void *data)
{
    struct certificates *c = data;

    on_answer(&c->pair, a);
}

static void on_bundle_answer(const struct kube_answer *a, void *data)
{
    struct certificates *c = data;

    on_answer(&c->bundle, a);
}

/* Creates the Secret, or changes it if it is still what was read. 0 or a negative errno. */
static int write_secret(struct secret *s, const struct kube_secret *secret, bool is_new)
{
    struct certificates *c = s->owner;
    struct kube_call call = {
        .method = is_new ? "POST" : "PATCH",
        .path = buf_text(is_new ? &s->collection : &s->object),
        .content_type = is_new ? NULL : "application/merge-patch+json",
        .deadline_ns = REQUEST_DEADLINE,
        .max_bytes = KUBE_SECRET_MAX_BYTES,
        .done = s->is_pair ? on_pair_answer : on_bundle_answer,
        .data = c,
    };
    char *json = NULL;
    int r = kube_secret_format(&json, secret);

    if (r < 0)
        return r;
    call.body = json;
    call.len = strlen(json);
    r = kube_client_call(c->client, &c->request, &call);
    kube_secret_text_free(json);
    return r;
}

static int write_pair(struct certificates *c, const struct certificate_pair *pair, bool is_new)
{
    const struct kube_secret_item items[] = {
        {"tls.crt", pair->certificate}, {"tls.key", pair->key}, {"ca.crt", pair->authority}};
    const struct kube_secret secret = {.name = c->pair.name,
                                       .type = "kubernetes.io/tls",
                                       .version = is_new ? NULL : c->pair.version,
                                       .owners = c->owners,
                                       .items = items,
                                       .n_items = ARRAY_SIZE(items)};

    return write_secret(&c->pair, &secret, is_new);
}

static int write_bundle(struct certificates *c, const char *bundle, bool is_new)
{
    const struct kube_secret_item item = {KEY_AUTHORITY, bundle};
    const struct kube_secret secret = {.name = c->bundle.name,
                                       .type = "Opaque",
                                       .version = is_new ? NULL : c->bundle.version,
                                       .owners = c->owners,
                                       .annotation = ANNOTATION,
                                       .items = &item,
                                       .n_items = 1};

    return write_secret(&c->bundle, &secret, is_new);
}

/* ---- The plan ---- */

static int carry_out(struct certificates *c, const struct certificate_advice *advice)
{
    switch (advice->step) {
    case CERTIFICATE_CREATE_PAIR:
        return write_pair(c, advice->pair, true);
    case CERTIFICATE_WRITE_PAIR:
        return write_pair(c, advice->pair, false);
    case CERTIFICATE_CREATE_BUNDLE:
        return write_bundle(c, advice->bundle, true);
    case CERTIFICATE_WRITE_BUNDLE:
        return write_bundle(c, advice->bundle, false);
    case CERTIFICATE_WAIT:
        break;
    }
    look_later(c, advice->wait_ns);
    return 0;
}

/* Says once that the pair that stands there cannot be served, and once that it can again. */
static void tell_problem(struct certificates *c, const struct error *problem)
{
    if (problem && !c->is_wrong)
        LOG(WARNING, "certificate-wrong",
            "serving the one before; it is replaced unless it is mended",
            LOG_STR("secret", c->pair.name), LOG_STR("reason", error_message(problem)));
    c->is_wrong = problem != NULL;
}

static void look(void *data)
{
    struct certificates *c = data;
    CLEANUP(error_free) struct error *problem = NULL, *e = NULL;
    const struct certificate_time now = {.real_s = clock_real_ns() / (int64_t)NS_PER_SEC,
                                         .mono_ns = loop_now_ns(c->loop)};
    struct certificate_advice advice = {0};
    int r;

    if (c->request)
        return; /* its answer comes back here */
    r = certificate_plan_next(&c->plan, &now, &advice, &problem, &e);
    if (r == 0)
        tell_problem(c, problem);
    if (r == 0)
        r = carry_out(c, &advice);
    if (r < 0) {
        LOG(ERROR, "certificates-failed", "serving what there is; trying again",
            LOG_INT("errno", -r), LOG_STR("reason", e ? error_message(e) : ""));
        look_later(c, backoff_next_ns(&c->backoff));
    }
    if (advice.changed) {
        LOG(INFO, "certificate-taken", "new connections get it", LOG_STR("secret", c->pair.name));
        c->changed(c->data);
    }
    certificate_advice_done(&advice);
}

const struct certificate_pair *certificates_get(const struct certificates *c)
{
    return c->plan.in_use.key ? &c->plan.in_use : NULL;
}

void certificates_set_leader(struct certificates *c, bool leads)
{
    c->plan.leads = leads;
    loop_task_set(c->task);
}

/* ---- Life ---- */

/* "NAME", "NAME.NS", "NAME.NS.svc", "NAME.NS.svc.cluster.local" of both services, and the extra one. */
static void make_names(struct certificates *c, const struct certificates_settings *settings)
{
    static const char *const services[] = {CERTIFICATES_SERVICE, CERTIFICATES_STATUS_SERVICE};
    static const char *const ends[] = {"", ".svc", ".svc.cluster.local"};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        snprintf(c->name_texts[n++], NAME_SIZE, "%s", services[i]);
        for (size_t k = 0; k < ARRAY_SIZE(ends); k++)
            snprintf(c->name_texts[n++], NAME_SIZE, "%s.%s%s", services[i], settings->name_space,
                     ends[k]);
    }
    if (settings->extra_name)
        snprintf(c->name_texts[n++], NAME_SIZE, "%s", settings->extra_name);
    for (size_t i = 0; i < n; i++)
        c->name_items[i] = c->name_texts[i];
    c->plan.names = (struct certificate_names){.items = c->name_items, .n = n};
}

static int watch_secret(struct certificates *c, struct secret *s, const char *name_space,
                        const char *what)
{
    const struct kube_watch_events events = {.put = on_put,
                                             .dropped = on_dropped,
                                             .listed = on_listed,
                                             .trouble = on_trouble,
                                             .data = s};
    CLEANUP_BUF struct buf query = BUF_INIT(PATH_MAX_BYTES);
    struct kube_path path = {.version = "v1", .resource = "secrets", .name_space = name_space};
    struct kube_watch_settings settings = {.max_object_bytes = KUBE_SECRET_MAX_BYTES,
                                           .max_objects = 1};

    snprintf(s->name, sizeof(s->name), CERTIFICATES_SERVICE ".%s.%s", name_space, what);
    s->collection = BUF_INIT(PATH_MAX_BYTES);
    s->object = BUF_INIT(PATH_MAX_BYTES);
    if (kube_path_add(&s->collection, &path) < 0)
        return -ENOMEM;
    path.name = s->name;
    if (kube_path_add(&s->object, &path) < 0 ||
        buf_format(&query, "fieldSelector=metadata.name%%3D%s", s->name) < 0)
        return -ENOMEM;
    settings.path = buf_text(&s->collection);
    settings.query = buf_text(&query);
    return kube_watch_new(&s->watch, c->loop, c->client, &settings, &events);
}

int certificates_new(struct certificates **ret, struct loop *loop, struct kube_client *client,
                     const struct certificates_settings *settings, void (*changed)(void *data),
                     void *data)
{
    CLEANUP(certificates_free) struct certificates *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->client = client;
    c->changed = changed;
    c->data = data;
    c->pair = (struct secret){.owner = c, .is_pair = true};
    c->bundle = (struct secret){.owner = c};
    c->backoff = (struct backoff){.first_ns = NS_PER_SEC / 4,
                                  .max_ns = 60 * NS_PER_SEC,
                                  .random_state = loop_now_ns(loop) ^ (uint64_t)getpid()};
    make_names(c, settings);
    c->owners = strdup(settings->owners);
    if (!c->owners || loop_task_new(loop, &c->task, look, c) < 0 ||
        loop_timer_new(loop, &c->timer, look, c) < 0 ||
        watch_secret(c, &c->pair, settings->name_space, "varmor-tls-pair") < 0 ||
        watch_secret(c, &c->bundle, settings->name_space, "varmor-tls-ca") < 0)
        return -ENOMEM;
    *ret = TAKE(c);
    return 0;
}

static void secret_done(struct secret *s)
{
    kube_watch_free(s->watch);
    free(s->version);
    buf_done(&s->object);
    buf_done(&s->collection);
}

struct certificates *certificates_free(struct certificates *c)
{
    if (!c)
        return NULL;
    kube_request_cancel(c->request);
    secret_done(&c->bundle);
    secret_done(&c->pair);
    loop_timer_free(c->timer);
    loop_task_free(c->task);
    certificate_plan_done(&c->plan);
    free(c->owners);
    free(c);
    return NULL;
}
