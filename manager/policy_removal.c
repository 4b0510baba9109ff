/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/policy_removal.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_value.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_path.h"
#include "lib/log.h"
#include "lib/loop.h"

#define ANSWER_MAX_BYTES (64u << 20) /* deleting a collection answers with all that was in it */
#define DEADLINE         (60 * NS_PER_SEC)

/* In this order. */
static const char *const resources[] = {"varmorclusterpolicies", "varmorpolicies"};

struct removal {
    struct loop *loop;
    struct kube_client *client;
    size_t resource; /* index of the one that is being removed */
    char *
        emptied; /* owned; the namespace that was emptied last; NULL: none; "" for cluster policies */
    int result;
    struct error *error; /* owned; why not */
};

static void look(struct removal *m);

static void end(struct removal *m, int result)
{
    m->result = result;
    loop_stop(m->loop);
}

/* Sends a request about the present resource. */
static void call(struct removal *m, const char *method, const char *name_space, const char *limit,
                 void (*done)(const struct kube_answer *a, void *data))
{
    CLEANUP_BUF struct buf path = BUF_INIT(KUBE_PATH_MAX);
    const struct kube_path parts = {.group = "crd.varmor.org",
                                    .version = "v1beta1",
                                    .resource = resources[m->resource],
                                    .name_space = name_space};
    struct kube_call request = {.method = method,
                                .deadline_ns = DEADLINE,
                                .max_bytes = ANSWER_MAX_BYTES,
                                .done = done,
                                .data = m};
    int r = kube_path_add(&path, &parts);

    if (r == 0 && limit)
        r = kube_path_query(&path, "limit", limit);
    request.path = buf_text(&path);
    if (r == 0)
        r = kube_client_call(m->client, NULL, &request);
    if (r < 0)
        end(m, error_errno(&m->error, r, "%s", resources[m->resource]));
}

static bool succeeded(struct removal *m, const struct kube_answer *a)
{
    if (a->status == 200)
        return true;
    end(m, error_set(&m->error, -EIO, "%s: %s", resources[m->resource], a->problem));
    return false;
}

static void on_deleted(const struct kube_answer *a, void *data)
{
    struct removal *m = data;

    if (!succeeded(m, a))
        return;
    LOG(INFO, "policies-removed", "agents take what was in force out of the nodes",
        LOG_STR("resource", resources[m->resource]), LOG_STR("namespace", m->emptied));
    look(m);
}

/* One object is there: its namespace is emptied, unless that has just been done. */
static void empty_namespace_of(struct removal *m, const json_t *metadata)
{
    const char *name = json_string_value(json_object_get(metadata, "name"));
    const char *name_space = json_string_value(json_object_get(metadata, "namespace"));

    if (!name) {
        end(m,
            error_set(&m->error, -EBADMSG, "%s: an object without a name", resources[m->resource]));
        return;
    }
    name_space = name_space ? name_space : "";
    if (m->emptied && strcmp(m->emptied, name_space) == 0) {
        end(m, error_set(&m->error, -EBUSY, "%s '%s%s%s' stays: somebody's finalizer holds it",
                         resources[m->resource], name_space, *name_space ? "/" : "", name));
        return;
    }
    free(m->emptied);
    m->emptied = strdup(name_space);
    if (!m->emptied)
        end(m, error_oom(&m->error));
    else
        call(m, "DELETE", name_space, NULL, on_deleted);
}

static void on_listed(const struct kube_answer *a, void *data)
{
    CLEANUP(json_decref) json_t *list = NULL;
    struct removal *m = data;
    const json_t *items;

    if (a->status != 404 &&
        !succeeded(m, a)) /* 404: there is no such kind, so there is no object */
        return;
    list = json_value_read(a->body, a->len, 0, NULL);
    items = json_object_get(list, "items");
    if (a->status == 200 && !json_is_array(items)) {
        end(m, error_set(&m->error, -EBADMSG, "%s: the answer is no list", resources[m->resource]));
        return;
    }
    if (json_array_size(items) > 0) {
        empty_namespace_of(m, json_object_get(json_array_get(items, 0), "metadata"));
        return;
    }
    free(m->emptied);
    m->emptied = NULL;
    if (++m->resource == ARRAY_SIZE(resources))
        end(m, 0);
    else
        look(m);
}

static void look(struct removal *m)
{
    call(m, "GET", NULL, "1", on_listed);
}

int policy_removal_run(struct loop *loop, struct kube_client *client, struct error **reterr)
{
    struct removal m = {.loop = loop, .client = client};
    int r;

    look(&m);
    r = m.error ? 0 : loop_run(loop);
    free(m.emptied);
    if (r < 0)
        return error_errno(reterr, r, "the event loop");
    if (m.result < 0 && reterr)
        *reterr = TAKE(m.error);
    error_free(m.error);
    return m.result;
}
