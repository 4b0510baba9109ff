/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd as the container runtime. One connection goes through these phases:
 *
 *   DOWN         nothing; the timer connects again after a delay that grows
 *   GREETING     its version is asked for
 *   SUBSCRIBING  the event stream is open, but containerd does not say when it has begun: an
 *                event of our own is published until it comes back, so that no container is
 *                created unseen between the subscription and the lists
 *   LISTING      namespaces, then for each its containers and its tasks; events are heard too
 *   STEADY       events; the timer lists everything again every RELIST_NS
 *
 * Each connection has a number; what an earlier one still answers is ignored.
 */
#include "agent/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/containerd_calls.h"
#include "agent/containerd_index.h"
#include "agent/runc_init.h"
#include "lib/backoff.h"
#include "lib/loop.h"
#include "lib/map.h"

#define RELIST_NS          (60 * NS_PER_SEC)
#define RELIST_SOON_NS     (1 * NS_PER_SEC)   /* something went away while it was being listed */
#define BARRIER_RETRY_NS   (50 * NS_PER_MSEC) /* between two events of our own */
#define BARRIER_RETRIES    200
#define RECONNECT_FIRST_NS (100 * NS_PER_MSEC)
#define RECONNECT_MAX_NS   (5 * NS_PER_SEC)
#define MAX_NAMESPACES     256 /* of one containerd; further ones are reported and left out */
#define BARRIER_TOPIC      "/varmor/subscribed"
#define BARRIER_NAMESPACE  "varmor"  /* an event's namespace need not exist */
#define ANY_NAMESPACE      "default" /* for calls whose answer does not depend on it */
#define CRI_NAMESPACE      "k8s.io"  /* where containerd's CRI keeps its containers */

enum phase { PHASE_DOWN, PHASE_GREETING, PHASE_SUBSCRIBING, PHASE_LISTING, PHASE_STEADY };

struct containerd {
    struct runtime base; /* first: the interface's view */
    struct loop *loop;
    struct runtime_events events;
    struct cgroup_root cgroups;
    struct containerd_calls *calls;
    struct containerd_index *index;
    struct loop_timer *timer; /* what for depends on the phase */
    struct backoff backoff;
    struct map *namespaces; /* name -> nothing; of the present listing */
    enum phase phase;
    unsigned attempt;          /* number of the connection */
    unsigned barrier_tries;    /* events of our own that were published */
    unsigned listings_pending; /* namespaces of the present listing that are not through */
    bool list_again;           /* something was deleted while the lists were on their way */
    char version[CONTAINERD_VERSION_SIZE];
    char description[256];
};

static void trouble(struct containerd *d, const char *what, int code)
{
    char text[256];

    snprintf(text, sizeof(text), "%s: %s", what, strerror(-code));
    d->events.trouble(text, d->events.data);
}

/* ---- the connection ---- */

static void lose(struct containerd *d, const char *reason)
{
    if (d->phase == PHASE_DOWN)
        return;
    d->phase = PHASE_DOWN;
    d->attempt++;
    snprintf(d->description, sizeof(d->description), "containerd: %s", reason);
    loop_timer_set(d->timer, backoff_next_ns(&d->backoff));
    containerd_calls_cancel(d->calls);
    d->events.connected(reason, d->events.data);
}

/* Asks a question without which this connection is of no use. */
static bool must_ask(struct containerd *d, enum containerd_method method, const char *name_space,
                     const char *id)
{
    int r = containerd_calls_ask(d->calls, method, name_space, id, d->attempt);

    if (r < 0)
        lose(d, strerror(-r));
    return r == 0;
}

static void connect_now(struct containerd *d)
{
    d->attempt++;
    d->phase = PHASE_GREETING;
    must_ask(d, CONTAINERD_VERSION, ANY_NAMESPACE, NULL);
}

static void subscribe(struct containerd *d)
{
    d->phase = PHASE_SUBSCRIBING;
    d->barrier_tries = 0;
    if (must_ask(d, CONTAINERD_SUBSCRIBE, ANY_NAMESPACE, NULL))
        must_ask(d, CONTAINERD_PUBLISH, BARRIER_NAMESPACE, BARRIER_TOPIC);
}

/* An event of our own was published and has not come back yet. */
static void await_barrier(struct containerd *d)
{
    if (++d->barrier_tries > BARRIER_RETRIES)
        lose(d, "its event stream does not deliver");
    else
        loop_timer_set(d->timer, BARRIER_RETRY_NS);
}

static void begin_listing(struct containerd *d)
{
    d->phase = PHASE_LISTING;
    d->list_again = false;
    d->listings_pending = 0;
    loop_timer_unset(d->timer);
    MAP_FOREACH (e, d->namespaces)
        map_drop(d->namespaces, map_key(e));
    containerd_index_begin_listing(d->index);
    must_ask(d, CONTAINERD_NAMESPACES_LIST, ANY_NAMESPACE, NULL);
}

static void end_listing(struct containerd *d)
{
    containerd_index_end_listing(d->index);
    d->phase = PHASE_STEADY;
    backoff_reset(&d->backoff);
    loop_timer_set(d->timer, d->list_again ? RELIST_SOON_NS : RELIST_NS);
    d->events.reconciled(d->events.data);
}

static void on_timer(void *data)
{
    struct containerd *d = data;

    switch (d->phase) {
    case PHASE_DOWN:
        connect_now(d);
        break;
    case PHASE_SUBSCRIBING:
        must_ask(d, CONTAINERD_PUBLISH, BARRIER_NAMESPACE, BARRIER_TOPIC);
        break;
    case PHASE_STEADY:
        begin_listing(d);
        break;
    default:
        break; /* set for a phase that is over */
    }
}

/* ---- answers ---- */

/* Asks for the details that the index lacks. */
static void ask_wanted(struct containerd *d)
{
    const char *name_space, *id;

    while (d->phase != PHASE_DOWN && containerd_index_next_wanted(d->index, &name_space, &id)) {
        int r =
            containerd_calls_ask(d->calls, CONTAINERD_CONTAINERS_GET, name_space, id, d->attempt);

        if (r < 0) { /* too many questions are open: the next answer brings us back here */
            containerd_index_refresh(d->index, name_space, id);
            break;
        }
    }
}

static void on_event(struct containerd *d, const uint8_t *data, size_t len, struct error **reterr)
{
    struct containerd_event ev;
    int r = containerd_event_decode(&ev, data, len, reterr);

    if (r < 0) {
        d->list_again = true;
        return;
    }
    switch (ev.kind) {
    case CONTAINERD_TASK_CREATE:
        r = containerd_index_put_task(d->index, ev.name_space, ev.container_id, ev.pid,
                                      CONTAINER_CREATED);
        break;
    case CONTAINERD_TASK_START:
        r = containerd_index_put_task(d->index, ev.name_space, ev.container_id, ev.pid,
                                      CONTAINER_RUNNING);
        break;
    case CONTAINERD_TASK_EXIT:
        if (ev.first_process)
            r = containerd_index_put_task(d->index, ev.name_space, ev.container_id, 0,
                                          CONTAINER_STOPPED);
        break;
    case CONTAINERD_TASK_DELETE:
        if (ev.first_process)
            containerd_index_drop_task(d->index, ev.name_space, ev.container_id);
        break;
    case CONTAINERD_CONTAINER_CREATE:
        r = containerd_index_expect(d->index, ev.name_space, ev.container_id);
        break;
    case CONTAINERD_CONTAINER_UPDATE:
        containerd_index_refresh(d->index, ev.name_space, ev.container_id);
        break;
    case CONTAINERD_CONTAINER_DELETE:
        containerd_index_drop(d->index, ev.name_space, ev.container_id);
        break;
    default:
        if (d->phase == PHASE_SUBSCRIBING && strcmp(ev.topic, BARRIER_TOPIC) == 0)
            begin_listing(d);
        break;
    }
    if (ev.kind == CONTAINERD_TASK_DELETE || ev.kind == CONTAINERD_CONTAINER_DELETE)
        d->list_again = true; /* a list that was made before may bring it back */
    if (r < 0)
        trouble(d, ev.container_id, r);
}

static int on_namespace(const char *name, void *arg)
{
    struct containerd *d = arg;
    int r = map_put(d->namespaces, name, d);

    if (r == -E2BIG) {
        trouble(d, "containerd has too many namespaces", r);
        return 0;
    }
    return r;
}

struct task_list {
    struct containerd *d;
    const char *name_space;
};

static enum container_state state_of(enum containerd_task_status status)
{
    switch (status) {
    case CONTAINERD_TASK_CREATED:
        return CONTAINER_CREATED;
    case CONTAINERD_TASK_RUNNING:
    case CONTAINERD_TASK_PAUSED:
    case CONTAINERD_TASK_PAUSING:
        return CONTAINER_RUNNING;
    case CONTAINERD_TASK_STOPPED:
        return CONTAINER_STOPPED;
    default:
        return CONTAINER_UNKNOWN;
    }
}

static int on_listed_task(const struct containerd_task *task, void *arg)
{
    struct task_list *list = arg;
    int r = containerd_index_put_task(list->d->index, list->name_space, task->container_id,
                                      task->pid, state_of(task->status));

    if (r < 0)
        trouble(list->d, task->container_id, r);
    return 0;
}

static void on_container(struct containerd *d, const char *name_space, const uint8_t *data,
                         size_t len, struct error **reterr)
{
    struct containerd_container cc = {0};
    int r;

    if (containerd_container_decode(&cc, data, len, reterr) < 0)
        return;
    r = containerd_index_put_details(d->index, name_space, &cc);
    if (r < 0)
        trouble(d, "a container is left out", r);
}

/* The answer to runtime_ops.ask and runtime_ops.expect. */
static void on_asked_task(struct containerd *d, const struct containerd_question *q,
                          const uint8_t *data, size_t len, struct error **reterr)
{
    const struct container *c;
    struct containerd_task task;

    if (containerd_task_decode(&task, data, len, reterr) < 0)
        return;
    c = containerd_index_find(d->index, q->name_space, q->id);
    if (!c) { /* told once its details are known as well */
        int r = containerd_index_put_task(d->index, q->name_space, q->id, task.pid,
                                          state_of(task.status));

        if (r < 0)
            trouble(d, q->id, r);
        return;
    }
    containerd_index_set_state(d->index, q->name_space, q->id, state_of(task.status));
    d->events.answered(c, d->events.data);
}

static void on_message(const struct containerd_question *q, const uint8_t *data, size_t len,
                       void *data_arg)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct containerd *d = data_arg;
    struct task_list list = {.d = d, .name_space = q->name_space};

    if (q->attempt != d->attempt)
        return;
    switch (q->method) {
    case CONTAINERD_VERSION:
        containerd_version_decode(d->version, data, len, &problem);
        break;
    case CONTAINERD_SUBSCRIBE:
        on_event(d, data, len, &problem);
        break;
    case CONTAINERD_NAMESPACES_LIST:
        containerd_namespaces_decode(data, len, on_namespace, d, &problem);
        break;
    case CONTAINERD_CONTAINERS_LIST:
    case CONTAINERD_CONTAINERS_GET:
        on_container(d, q->name_space, data, len, &problem);
        break;
    case CONTAINERD_TASKS_LIST:
        containerd_tasks_decode(data, len, on_listed_task, &list, &problem);
        break;
    case CONTAINERD_TASKS_GET:
        on_asked_task(d, q, data, len, &problem);
        break;
    default:
        break; /* the answer to Publish is empty */
    }
    if (problem)
        d->events.trouble(error_message(problem), d->events.data);
    ask_wanted(d);
}

static void on_namespaces_listed(struct containerd *d)
{
    d->listings_pending = (unsigned)map_size(d->namespaces);
    if (d->listings_pending == 0)
        end_listing(d);
    MAP_FOREACH (e, d->namespaces) {
        if (!must_ask(d, CONTAINERD_CONTAINERS_LIST, map_key(e), NULL))
            return;
    }
}

/* A call has ended well. */
static void on_done(struct containerd *d, const struct containerd_question *q)
{
    switch (q->method) {
    case CONTAINERD_VERSION:
        snprintf(d->description, sizeof(d->description), "containerd %s", d->version);
        d->events.connected(NULL, d->events.data);
        subscribe(d);
        break;
    case CONTAINERD_SUBSCRIBE:
        lose(d, "its event stream has ended");
        break;
    case CONTAINERD_PUBLISH:
        if (d->phase == PHASE_SUBSCRIBING)
            await_barrier(d);
        break;
    case CONTAINERD_NAMESPACES_LIST:
        on_namespaces_listed(d);
        break;
    case CONTAINERD_CONTAINERS_LIST: /* tasks come second: each then meets its container's details
                                      */
        must_ask(d, CONTAINERD_TASKS_LIST, q->name_space, NULL);
        break;
    case CONTAINERD_TASKS_LIST:
        if (--d->listings_pending == 0)
            end_listing(d);
        break;
    default:
        break;
    }
}

static void on_failed(struct containerd *d, const struct containerd_question *q,
                      enum grpc_status status, const char *text)
{
    char reason[256];

    snprintf(reason, sizeof(reason), "%s (%s)", text, grpc_status_name(status));
    if (status == GRPC_NOT_FOUND && q->method == CONTAINERD_CONTAINERS_GET)
        containerd_index_drop(d->index, q->name_space, q->id);
    else if (status == GRPC_NOT_FOUND && q->method == CONTAINERD_TASKS_GET)
        containerd_index_drop_task(d->index, q->name_space, q->id);
    else if (q->method == CONTAINERD_CONTAINERS_GET || q->method == CONTAINERD_TASKS_GET)
        d->events.trouble(reason, d->events.data); /* the next listing asks again */
    else
        lose(d, reason);
}

static void on_closed(const struct containerd_question *q, enum grpc_status status,
                      const char *text, void *data_arg)
{
    struct containerd *d = data_arg;

    if (q->attempt != d->attempt)
        return;
    if (status == GRPC_OK)
        on_done(d, q);
    else
        on_failed(d, q, status, text);
    ask_wanted(d);
}

static const struct containerd_calls_handler calls_handler = {.message = on_message,
                                                              .closed = on_closed};

/* ---- the interface ---- */

static int containerd_start(struct runtime *r, struct error **reterr)
{
    struct containerd *d = (struct containerd *)r;

    (void)reterr;
    loop_timer_set(d->timer, 0); /* in PHASE_DOWN: connects */
    return 0;
}

static int containerd_ask(struct runtime *r, const struct container *c)
{
    struct containerd *d = (struct containerd *)r;

    if (d->phase == PHASE_DOWN)
        return -ENOTCONN;
    return containerd_calls_ask(d->calls, CONTAINERD_TASKS_GET, c->runtime_namespace, c->id,
                                d->attempt);
}

static int containerd_expect(struct runtime *r, const char *id)
{
    struct containerd *d = (struct containerd *)r;
    int result;

    if (containerd_index_find(d->index, CRI_NAMESPACE, id))
        return 1;
    if (d->phase == PHASE_DOWN)
        return -ENOTCONN;
    result = containerd_index_expect(d->index, CRI_NAMESPACE, id);
    if (result == 0)
        result =
            containerd_calls_ask(d->calls, CONTAINERD_TASKS_GET, CRI_NAMESPACE, id, d->attempt);
    if (result == 0)
        ask_wanted(d);
    return result;
}

static bool containerd_is_waiting(const struct runtime *r, const struct container *c)
{
    (void)r;
    return c->pid > 0 && runc_init_waits(RUNC_STATE_FOLDER, c->runtime_namespace, c->id, c->pid);
}

static const char *containerd_describe(const struct runtime *r)
{
    return ((const struct containerd *)r)->description;
}

static void containerd_each(const struct runtime *r,
                            void (*found)(const struct container *c, void *data), void *data)
{
    containerd_index_each(((const struct containerd *)r)->index, found, data);
}

static void containerd_free(struct runtime *r)
{
    struct containerd *d = (struct containerd *)r;

    if (!d)
        return;
    containerd_calls_free(d->calls);
    loop_timer_free(d->timer);
    containerd_index_free(d->index);
    cgroup_root_done(&d->cgroups);
    map_free(d->namespaces);
    free(d);
}

static const struct runtime_ops containerd_ops = {
    .name = "containerd",
    .start = containerd_start,
    .is_waiting = containerd_is_waiting,
    .expect = containerd_expect,
    .ask = containerd_ask,
    .describe = containerd_describe,
    .each = containerd_each,
    .free = containerd_free,
};

static inline void containerd_free_cleanup(struct containerd **d)
{
    if (*d)
        containerd_free(&(*d)->base);
}

int runtime_containerd_new(struct runtime **ret, struct loop *loop, const char *socket_path,
                           const struct runtime_events *events, struct error **reterr)
{
    CLEANUP(containerd_free) struct containerd *d = calloc(1, sizeof(*d));
    CLEANUP(error_free) struct error *no_cgroups = NULL;
    struct timespec now;
    int r;

    if (!d)
        return error_oom(reterr);
    clock_gettime(CLOCK_MONOTONIC, &now);
    d->base.ops = &containerd_ops;
    d->loop = loop;
    d->events = *events;
    d->cgroups = CGROUP_ROOT_NONE; /* each container then says why it cannot be bound */
    if (cgroup_root_open(&d->cgroups, &no_cgroups) < 0)
        d->cgroups = CGROUP_ROOT_NONE;
    d->backoff = (struct backoff){.first_ns = RECONNECT_FIRST_NS,
                                  .max_ns = RECONNECT_MAX_NS,
                                  .random_state = (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32};
    snprintf(d->description, sizeof(d->description), "containerd: not connected yet");
    d->namespaces = map_new(NULL, MAX_NAMESPACES);
    if (!d->namespaces)
        return error_oom(reterr);
    if (containerd_index_new(&d->index, &d->cgroups, &d->events) < 0 ||
        loop_timer_new(loop, &d->timer, on_timer, d) < 0)
        return error_oom(reterr);
    r = containerd_calls_new(&d->calls, loop, socket_path, &calls_handler, d, reterr);
    if (r < 0)
        return r;
    *ret = &d->base;
    d = NULL;
    return 0;
}
