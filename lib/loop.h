/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The event loop of a process: libevent behind the few verbs that varmor uses.
 *
 * One loop, one thread. Only this module, lib/rpc's transports and the sources of I/O know
 * libevent; state machines get bytes and the time as arguments. A callback never frees the object
 * that it was called for: it marks it, and loop_defer() frees it at the end of the turn. A source
 * of events is unregistered before its descriptor is closed.
 */
#include "lib/error.h"

struct loop;
struct loop_task;
struct loop_timer;
struct loop_io;
struct loop_signal;
struct event_base;

/* 0, or -ENOMEM with *reterr set. SIGPIPE is ignored from here on. */
int loop_new(struct loop **ret, struct error **reterr);
struct loop *loop_free(struct loop *l); /* accepts NULL, returns NULL; all sources must be gone */
DEFINE_CLEANUP(struct loop *, loop_free)

/* Until loop_stop(): 0; -EDEADLK when no source of events is left that could ever call it; -EIO. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l); /* ends loop_run() after the present turn */
struct event_base *
loop_base(struct loop *l); /* for transports (bufferevent, evhttp, nghttp2); borrowed */

uint64_t loop_now_ns(const struct loop *l); /* CLOCK_MONOTONIC, of this turn or later */

/* Runs func(data) once at the end of the present turn, in the order of the calls. 0 or -ENOMEM. */
int loop_defer(struct loop *l, void (*func)(void *data), void *data) MUST_CHECK;

/* The same for one function that is deferred again and again: made beforehand, so that asking for
 * it cannot fail. Setting a task that is set changes nothing; one that is set while it runs runs in
 * the next turn. 0 or -ENOMEM. */
int loop_task_new(struct loop *l, struct loop_task **ret, void (*func)(void *data), void *data);
struct loop_task *
loop_task_free(struct loop_task *t); /* accepts NULL, returns NULL; also inside func */
void loop_task_set(struct loop_task *t);

/* A one-shot timer that can be set again; created unset. 0 or -ENOMEM. */
int loop_timer_new(struct loop *l, struct loop_timer **ret, void (*func)(void *data), void *data);
struct loop_timer *loop_timer_free(struct loop_timer *t);
void loop_timer_set(struct loop_timer *t, uint64_t delay_ns); /* from now; replaces what was set */
void loop_timer_unset(struct loop_timer *t);

/* Readiness of a descriptor, which stays the caller's and must outlive the source. 0 or -ENOMEM. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
int loop_io_new(struct loop *l, struct loop_io **ret, int fd, unsigned events,
                void (*func)(int fd, unsigned events, void *data), void *data);
struct loop_io *loop_io_free(struct loop_io *io);
int loop_io_set_events(struct loop_io *io, unsigned events);

int loop_signal_new(struct loop *l, struct loop_signal **ret, int signal_number,
                    void (*func)(int signal_number, void *data), void *data);
struct loop_signal *loop_signal_free(struct loop_signal *s);
