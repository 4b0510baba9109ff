/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/kube_writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/loop.h"

#define LOOKS_A_TURN 32 /* then other things of the loop have their turn */

/* Policies and their ArmorProfiles, twice each, and events: more than a manager can hold (PROFILE_STORE_MAX_POLICIES
 * and _SLOTS). */
#define MAX_OBJECTS 65536

static const struct write_pace pace = {
    .settle_ns = 40 * NS_PER_MSEC, /* the agents of a small cluster have answered by then */
    .first_gap_ns = 250 * NS_PER_MSEC,
    .max_gap_ns = 4 * NS_PER_SEC,
    .quiet_ns = 10 * NS_PER_SEC,
    .retry_first_ns = 500 * NS_PER_MSEC,
    .retry_max_ns = 30 * NS_PER_SEC,
    .max_running = KUBE_WRITER_RUNNING,
    .burst = 4096, /* a thousand new policies at once take three writes each */
    .per_second = 50,
    .max_objects = MAX_OBJECTS,
};

struct kube_writing {
    struct kube_writer *writer; /* NULL: the place is free */
    char *key;                  /* owned */
    struct kube_request *request;
};

struct kube_writer {
    struct loop *loop;
    struct kube_client *client;
    struct kube_writer_events events;
    struct write_queue *queue;
    struct {
        char letter;
        struct kube_writer_kind kind;
    } kinds[KUBE_WRITER_KINDS];
    unsigned n_kinds;
    struct kube_writing running[KUBE_WRITER_RUNNING];
    struct loop_timer *timer;
    bool is_going, has_trouble;
    struct kube_writer_counts counts;
};

void kube_write_done(struct kube_write *w)
{
    free(w->path);
    free(w->body);
    *w = (struct kube_write){0};
}

static const struct kube_writer_kind *kind_of(const struct kube_writer *w, const char *key)
{
    for (unsigned i = 0; i < w->n_kinds; i++)
        if (w->kinds[i].letter == key[0])
            return &w->kinds[i].kind;
    assert(!"a key's first letter is that of a kind");
    return NULL;
}

static void schedule(struct kube_writer *w)
{
    uint64_t due_ns = write_queue_due_ns(w->queue), now_ns = loop_now_ns(w->loop);

    if (w->is_going && due_ns != UINT64_MAX)
        loop_timer_set(w->timer, due_ns > now_ns ? due_ns - now_ns : 0);
    else
        loop_timer_unset(w->timer);
}

static void tell_trouble(struct kube_writer *w, const char *key, const char *why)
{
    if (!why == !w->has_trouble)
        return;
    w->has_trouble = why != NULL;
    w->events.trouble(key, why, w->events.data);
}

/* ---- One write ---- */

static void writing_end(struct kube_writing *x, enum write_outcome outcome, uint64_t delay_ns)
{
    struct kube_writer *w = TAKE(x->writer);

    x->request = NULL;
    write_queue_ended(w->queue, x->key, outcome, delay_ns, loop_now_ns(w->loop));
    free(TAKE(x->key));
}

static void on_answer(const struct kube_answer *a, void *data)
{
    struct kube_writing *x = data;
    struct kube_writer *w = x->writer;
    const struct kube_writer_kind *kind = kind_of(w, x->key);
    enum write_outcome outcome = kind->answered(x->key, a, kind->data);

    if (outcome == WRITE_AGAIN) {
        w->counts.n_failed++;
        tell_trouble(w, x->key, a->problem);
    } else {
        w->counts.n_written++;
        tell_trouble(w, x->key, NULL);
    }
    writing_end(x, outcome, a->retry_after_ns);
    schedule(w);
}

static int send_write(struct kube_writing *x, const struct kube_write *write)
{
    const struct kube_call call = {.method = write->method,
                                   .path = write->path,
                                   .content_type = write->content_type,
                                   .body = write->body,
                                   .len = strlen(write->body),
                                   .deadline_ns = KUBE_WRITE_DEADLINE_NS,
                                   .max_bytes = KUBE_ANSWER_MAX_BYTES,
                                   .done = on_answer,
                                   .data = x};

    return kube_client_call(x->writer->client, &x->request, &call);
}

static struct kube_writing *writing_start(struct kube_writer *w, const char *key)
{
    for (unsigned i = 0; i < KUBE_WRITER_RUNNING; i++) {
        struct kube_writing *x = &w->running[i];

        if (x->writer)
            continue;
        x->key = strdup(key);
        if (!x->key)
            return NULL;
        x->writer = w;
        return x;
    }
    return NULL;
}

static void look_at(struct kube_writer *w, const char *key)
{
    const struct kube_writer_kind *kind = kind_of(w, key);
    struct kube_writing *x = writing_start(w, key);
    struct kube_write write = {0};
    uint64_t delay_ns = 0;
    enum write_outcome outcome;

    if (!x) {
        write_queue_ended(w->queue, key, WRITE_AGAIN, 0, loop_now_ns(w->loop));
        return;
    }
    w->counts.n_looked++;
    outcome = kind->make(key, &write, &delay_ns, kind->data);
    if (outcome == WRITE_DONE && send_write(x, &write) < 0)
        outcome = WRITE_AGAIN;
    else if (outcome == WRITE_DONE)
        x = NULL; /* on_answer() ends it */
    kube_write_done(&write);
    if (x)
        writing_end(x, outcome, delay_ns);
}

static void on_timer(void *data)
{
    struct kube_writer *w = data;
    const char *key;

    for (unsigned i = 0; i < LOOKS_A_TURN && w->is_going; i++) {
        if (!w->events.may_write(w->events.data))
            break; /* who leads will be told in a moment */
        key = write_queue_next(w->queue, loop_now_ns(w->loop));
        if (!key)
            break;
        look_at(w, key);
    }
    schedule(w);
}

/* ---- From the kinds ---- */

void kube_writer_add_kind(struct kube_writer *w, char letter, const struct kube_writer_kind *kind)
{
    assert(w->n_kinds < KUBE_WRITER_KINDS);
    w->kinds[w->n_kinds].letter = letter;
    w->kinds[w->n_kinds++].kind = *kind;
}

void kube_writer_touch(struct kube_writer *w, const char *key)
{
    kube_writer_touch_later(w, key, 0);
}

void kube_writer_touch_later(struct kube_writer *w, const char *key, uint64_t delay_ns)
{
    if (write_queue_touch(w->queue, key, loop_now_ns(w->loop) + delay_ns) < 0)
        tell_trouble(w, key, "no memory, or too many objects");
    schedule(w);
}

void kube_writer_drop(struct kube_writer *w, const char *key)
{
    write_queue_drop(w->queue, key);
    schedule(w);
}

void kube_writer_go(struct kube_writer *w)
{
    w->is_going = true;
    schedule(w);
}

void kube_writer_pause(struct kube_writer *w)
{
    w->is_going = false;
    for (unsigned i = 0; i < KUBE_WRITER_RUNNING; i++) {
        struct kube_writing *x = &w->running[i];

        if (!x->writer)
            continue;
        x->request = kube_request_cancel(x->request);
        writing_end(x, WRITE_AGAIN, 0);
    }
    schedule(w);
}

struct kube_writer_counts kube_writer_counts(const struct kube_writer *w)
{
    struct kube_writer_counts counts = w->counts;

    counts.n_waiting = write_queue_n_waiting(w->queue);
    return counts;
}

/* ---- Life ---- */

int kube_writer_new(struct kube_writer **ret, struct loop *loop, struct kube_client *client,
                    const struct kube_writer_events *events)
{
    CLEANUP(kube_writer_free) struct kube_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->loop = loop;
    w->client = client;
    w->events = *events;
    w->queue = write_queue_new(&pace, loop_now_ns(loop) ^ (uint64_t)getpid());
    if (!w->queue || loop_timer_new(loop, &w->timer, on_timer, w) < 0)
        return -ENOMEM;
    *ret = TAKE(w);
    return 0;
}

struct kube_writer *kube_writer_free(struct kube_writer *w)
{
    if (!w)
        return NULL;
    if (w->queue && w->timer)
        kube_writer_pause(w);
    loop_timer_free(w->timer);
    write_queue_free(w->queue);
    free(w);
    return NULL;
}
