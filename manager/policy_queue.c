/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/policy_queue.h"

#include <errno.h>
#include <string.h>

#include "lib/loop.h"
#include "lib/map.h"

struct waiting_policy {
    struct policy *policy; /* a reference; NULL: the text in force */
    char *file;            /* owned; NULL likewise */
    bool failed;           /* waits for the next start */
};

struct policy_queue {
    const struct policy_queue_handler *handler;
    void *data;
    struct loop_task *task;
    struct map *waiting; /* key -> struct waiting_policy, owned; bounded by the source */
};

static void waiting_policy_free(void *value)
{
    struct waiting_policy *w = value;

    policy_unref(w->policy);
    free(w->file);
    free(w);
}

/* Judges the next few. True if there are more. */
static bool take_step(struct policy_queue *q)
{
    unsigned n = 0;

    MAP_FOREACH (e, q->waiting) {
        struct waiting_policy *w = map_value(e);

        if (w->failed)
            continue;
        if (n++ == POLICY_QUEUE_STEP)
            return true;
        if (q->handler->judge(map_key(e), w->policy, w->file, q->data) < 0)
            w->failed = true;
        else
            map_drop(q->waiting, map_key(e));
    }
    return false;
}

static void policy_queue_go_on(void *data)
{
    struct policy_queue *q = data;

    if (take_step(q))
        loop_task_set(q->task);
    else
        q->handler->drained(q->data);
}

int policy_queue_new(struct policy_queue **ret, struct loop *loop,
                     const struct policy_queue_handler *handler, void *data)
{
    CLEANUP(policy_queue_free) struct policy_queue *q = calloc(1, sizeof(*q));

    if (!q)
        return -ENOMEM;
    q->handler = handler;
    q->data = data;
    q->waiting = map_new(waiting_policy_free, 0);
    if (!q->waiting || loop_task_new(loop, &q->task, policy_queue_go_on, q) < 0)
        return -ENOMEM;
    *ret = TAKE(q);
    return 0;
}

struct policy_queue *policy_queue_free(struct policy_queue *q)
{
    if (!q)
        return NULL;
    loop_task_free(q->task);
    map_free(q->waiting);
    free(q);
    return NULL;
}

/* Makes a policy wait; policy and file are NULL for the text in force. */
static int add_waiting(struct policy_queue *q, const char *key, struct policy *policy,
                       const char *file)
{
    struct waiting_policy *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->file = file ? strdup(file) : NULL;
    w->policy = policy ? policy_ref(policy) : NULL;
    if ((file && !w->file) || map_put(q->waiting, key, w) < 0) {
        waiting_policy_free(w);
        return -ENOMEM;
    }
    return 0;
}

int policy_queue_put(struct policy_queue *q, const char *key, struct policy *policy,
                     const char *file)
{
    return add_waiting(q, key, policy, file);
}

int policy_queue_again(struct policy_queue *q, const char *key)
{
    return map_find(q->waiting, key) ? 0 : add_waiting(q, key, NULL, NULL);
}

void policy_queue_drop(struct policy_queue *q, const char *key)
{
    map_drop(q->waiting, key);
}

void policy_queue_start(struct policy_queue *q)
{
    MAP_FOREACH (e, q->waiting) {
        struct waiting_policy *w = map_value(e);

        w->failed = false;
    }
    policy_queue_go_on(q);
}
