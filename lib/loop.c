/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/loop.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include <event2/event.h>
#include <utlist.h>

struct loop_task {
    struct loop *loop;
    void (*func)(void *data);
    void *data;
    bool is_set;  /* in the loop's list */
    bool is_once; /* made by loop_defer(): frees itself */
    struct loop_task *prev, *next;
};

struct loop {
    struct event_base *base; /* owned */
    struct loop_task *tasks; /* what runs at the end of this turn, in the order of the calls */
    bool stopped;
};

struct loop_timer {
    struct event *event; /* owned */
    void (*func)(void *data);
    void *data;
};

struct loop_io {
    struct loop *loop;
    struct event *event; /* owned */
    int fd;              /* borrowed */
    unsigned events;
    void (*func)(int fd, unsigned events, void *data);
    void *data;
};

struct loop_signal {
    struct event *event; /* owned */
    void (*func)(int signal_number, void *data);
    void *data;
};

int loop_new(struct loop **ret, struct error **reterr)
{
    CLEANUP(loop_free) struct loop *l = calloc(1, sizeof(*l));
    struct event_config *config;

    if (!l)
        return error_oom(reterr);
    config = event_config_new();
    if (!config)
        return error_oom(reterr);
    /* The coarse clock, which is the default, lets timers fire some milliseconds early. */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    l->base = event_base_new_with_config(config);
    event_config_free(config);
    if (!l->base)
        return error_oom(reterr);
    signal(SIGPIPE, SIG_IGN);
    *ret = TAKE(l);
    return 0;
}

struct loop *loop_free(struct loop *l)
{
    struct loop_task *t, *next;

    if (!l)
        return NULL;
    DL_FOREACH_SAFE(l->tasks, t, next)
    {
        DL_DELETE(l->tasks, t);
        t->is_set = false;
        if (t->is_once)
            free(t);
    }
    if (l->base)
        event_base_free(l->base);
    free(l);
    return NULL;
}

/* Runs what was deferred in this turn; what is deferred meanwhile waits for the next one. */
static void loop_run_tasks(struct loop *l)
{
    struct loop_task marker = {};
    struct loop_task *t;

    DL_APPEND(l->tasks, &marker);
    while ((t = l->tasks) != &marker) {
        DL_DELETE(l->tasks, t);
        t->is_set = false;
        if (t->is_once) {
            t->func(t->data);
            free(t);
        } else {
            t->func(t->data); /* may free t */
        }
    }
    DL_DELETE(l->tasks, &marker);
}

int loop_run(struct loop *l)
{
    int r;

    l->stopped = false;
    while (!l->stopped) {
        /* Not libevent's priorities: under load the lowest would starve, and with it what frees
         * memory. */
        r = event_base_loop(l->base, EVLOOP_ONCE | (l->tasks ? EVLOOP_NONBLOCK : 0));
        if (r < 0)
            return -EIO;
        if (r > 0 && !l->tasks && !l->stopped)
            return -EDEADLK;
        loop_run_tasks(l);
    }
    return 0;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}

uint64_t loop_now_ns(const struct loop *l UNUSED)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

int loop_defer(struct loop *l, void (*func)(void *data), void *data)
{
    struct loop_task *t = NULL;
    int r = loop_task_new(l, &t, func, data);

    if (r < 0)
        return r;
    t->is_once = true;
    loop_task_set(t);
    return 0;
}

int loop_task_new(struct loop *l, struct loop_task **ret, void (*func)(void *data), void *data)
{
    struct loop_task *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    *t = (struct loop_task){.loop = l, .func = func, .data = data};
    *ret = t;
    return 0;
}

struct loop_task *loop_task_free(struct loop_task *t)
{
    if (!t)
        return NULL;
    if (t->is_set)
        DL_DELETE(t->loop->tasks, t);
    free(t);
    return NULL;
}

void loop_task_set(struct loop_task *t)
{
    if (t->is_set)
        return;
    t->is_set = true;
    DL_APPEND(t->loop->tasks, t);
}

static void loop_on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct loop_timer *t = arg;

    t->func(t->data);
}

int loop_timer_new(struct loop *l, struct loop_timer **ret, void (*func)(void *data), void *data)
{
    CLEANUP_FREE struct loop_timer *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    *t = (struct loop_timer){.func = func, .data = data};
    t->event = evtimer_new(l->base, loop_on_timer, t);
    if (!t->event)
        return -ENOMEM;
    *ret = TAKE(t);
    return 0;
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return NULL;
    event_free(t->event);
    free(t);
    return NULL;
}

void loop_timer_set(struct loop_timer *t, uint64_t delay_ns)
{
    struct timeval delay = {
        .tv_sec = (time_t)(delay_ns / NS_PER_SEC),
        /* Rounded up: a deadline that has not come must not be announced. */
        .tv_usec = (suseconds_t)((delay_ns % NS_PER_SEC + 999) / 1000),
    };

    if (delay.tv_usec == 1000000) {
        delay.tv_sec++;
        delay.tv_usec = 0;
    }
    event_add(t->event, &delay);
}

void loop_timer_unset(struct loop_timer *t)
{
    event_del(t->event);
}

static void loop_on_io(evutil_socket_t fd, short what, void *arg)
{
    struct loop_io *io = arg;
    unsigned events = 0;

    if (what & EV_READ)
        events |= LOOP_READ;
    if (what & EV_WRITE)
        events |= LOOP_WRITE;
    io->func(fd, events, io->data);
}

int loop_io_new(struct loop *l, struct loop_io **ret, int fd, unsigned events,
                void (*func)(int fd, unsigned events, void *data), void *data)
{
    CLEANUP_FREE struct loop_io *io = calloc(1, sizeof(*io));
    int r;

    if (!io)
        return -ENOMEM;
    *io = (struct loop_io){.loop = l, .fd = fd, .func = func, .data = data};
    io->event = event_new(l->base, fd, EV_PERSIST, loop_on_io, io);
    if (!io->event)
        return -ENOMEM;
    r = loop_io_set_events(io, events);
    if (r < 0) {
        event_free(io->event);
        return r;
    }
    *ret = TAKE(io);
    return 0;
}

struct loop_io *loop_io_free(struct loop_io *io)
{
    if (!io)
        return NULL;
    event_free(io->event);
    free(io);
    return NULL;
}

int loop_io_set_events(struct loop_io *io, unsigned events)
{
    short what = EV_PERSIST;

    if (io->events == events)
        return 0;
    if (events & LOOP_READ)
        what |= EV_READ;
    if (events & LOOP_WRITE)
        what |= EV_WRITE;
    event_del(io->event);
    io->events = 0;
    if (events == 0)
        return 0;
    if (event_assign(io->event, io->loop->base, io->fd, what, loop_on_io, io) < 0 ||
        event_add(io->event, NULL) < 0)
        return -ENOMEM;
    io->events = events;
    return 0;
}

static void loop_on_signal(evutil_socket_t signal_number, short what UNUSED, void *arg)
{
    struct loop_signal *s = arg;

    s->func((int)signal_number, s->data);
}

int loop_signal_new(struct loop *l, struct loop_signal **ret, int signal_number,
                    void (*func)(int signal_number, void *data), void *data)
{
    CLEANUP_FREE struct loop_signal *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    *s = (struct loop_signal){.func = func, .data = data};
    s->event = evsignal_new(l->base, signal_number, loop_on_signal, s);
    if (!s->event)
        return -ENOMEM;
    if (event_add(s->event, NULL) < 0) {
        event_free(s->event);
        return -ENOMEM;
    }
    *ret = TAKE(s);
    return 0;
}

struct loop_signal *loop_signal_free(struct loop_signal *s)
{
    if (!s)
        return NULL;
    event_free(s->event);
    free(s);
    return NULL;
}
