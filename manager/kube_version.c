/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_version.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "lib/backoff.h"
#include "lib/json_value.h"
#include "lib/kube/kube_client.h"
#include "lib/log.h"
#include "lib/loop.h"

#define ANSWER_MAX_BYTES (64u << 10)
#define REQUEST_DEADLINE (10 * NS_PER_SEC)
#define NUMBER_MAX       99999

/* The first version with securityContext.appArmorProfile. */
#define FIELD_MAJOR 1
#define FIELD_MINOR 30

struct kube_version {
    struct loop *loop;
    struct kube_client *client;
    struct kube_request *request;
    struct loop_timer *timer; /* asks */
    struct backoff backoff;
    bool is_known;
    unsigned major, minor;
};

/* Digits, then perhaps a "+" and what a provider puts behind it. */
static bool read_number(const json_t *object, const char *key, unsigned *ret)
{
    const char *text = json_string_value(json_object_get(object, key));
    unsigned number = 0;
    size_t n = 0;

    for (; text && text[n] >= '0' && text[n] <= '9'; n++) {
        number = number * 10 + (unsigned)(text[n] - '0');
        if (number > NUMBER_MAX)
            return false;
    }
    if (n == 0 || (text[n] && text[n] != '+'))
        return false;
    *ret = number;
    return true;
}

int kube_version_parse(const void *data, size_t len, unsigned *ret_major, unsigned *ret_minor)
{
    json_t *object = json_value_read(data, len, 0, NULL);
    unsigned major, minor;
    bool read = read_number(object, "major", &major) && read_number(object, "minor", &minor);

    json_decref(object);
    if (!read)
        return -EBADMSG;
    *ret_major = major;
    *ret_minor = minor;
    return 0;
}

static void on_answer(const struct kube_answer *a, void *data)
{
    struct kube_version *v = data;
    unsigned major, minor;

    v->request = NULL;
    if (a->status != 200 || kube_version_parse(a->body, a->len, &major, &minor) < 0) {
        LOG(WARNING, "version-not-known", "going on with what was known; asking again",
            LOG_STR("reason", a->status == 200 ? "the answer is no version" : a->problem));
        loop_timer_set(v->timer, backoff_next_ns(&v->backoff));
        return;
    }
    if (!v->is_known || major != v->major || minor != v->minor)
        LOG(INFO, "api-server-version", "", LOG_INT("major", major), LOG_INT("minor", minor));
    v->is_known = true;
    v->major = major;
    v->minor = minor;
    backoff_reset(&v->backoff);
    loop_timer_set(v->timer, KUBE_VERSION_AGAIN_NS);
}

static void ask(void *data)
{
    struct kube_version *v = data;
    const struct kube_call call = {.method = "GET",
                                   .path = "/version",
                                   .deadline_ns = REQUEST_DEADLINE,
                                   .max_bytes = ANSWER_MAX_BYTES,
                                   .done = on_answer,
                                   .data = v};

    if (kube_client_call(v->client, &v->request, &call) < 0)
        loop_timer_set(v->timer, backoff_next_ns(&v->backoff));
}

bool kube_version_is_known(const struct kube_version *v)
{
    return v->is_known;
}

bool kube_version_has_apparmor_field(const struct kube_version *v)
{
    return !v->is_known || v->major > FIELD_MAJOR ||
           (v->major == FIELD_MAJOR && v->minor >= FIELD_MINOR);
}

int kube_version_new(struct kube_version **ret, struct loop *loop, struct kube_client *client)
{
    CLEANUP(kube_version_free) struct kube_version *v = calloc(1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    v->loop = loop;
    v->client = client;
    v->backoff = (struct backoff){.first_ns = NS_PER_SEC / 2,
                                  .max_ns = 60 * NS_PER_SEC,
                                  .random_state = loop_now_ns(loop) ^ (uint64_t)getpid()};
    if (loop_timer_new(loop, &v->timer, ask, v) < 0)
        return -ENOMEM;
    loop_timer_set(v->timer, 0);
    *ret = TAKE(v);
    return 0;
}

struct kube_version *kube_version_free(struct kube_version *v)
{
    if (!v)
        return NULL;
    kube_request_cancel(v->request);
    loop_timer_free(v->timer);
    free(v);
    return NULL;
}
