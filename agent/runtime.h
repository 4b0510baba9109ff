/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The container runtime interface: who runs on this node, as the runtime tells it. containerd is
 * the first implementation (runtime_containerd.c).
 *
 * Invariants
 * 1. put() comes for each container that has a first process, and again when something about it
 * changed; dropped() once when that process's task is gone. The container is the runtime's and
 * lives until dropped() returns; its fields change only between callbacks.
 * 2. While the runtime cannot be reached nothing is dropped: the containers go on without it. After
 * each connection everything is compared, and reconciled() says that what is known is now complete.
 * 3. Callbacks run on the loop, never inside start() or ask().
 */
#include "lib/error.h"

struct container;
struct loop;
struct runtime;

#define RUNTIME_MAX_CONTAINERS                                                                     \
    20000 /* containers known of one node; further ones are reported and left out */

struct runtime_events {
    /* problem: why its cgroup is not known, so that it cannot be bound; NULL where all is well. */
    void (*put)(const struct container *c, const char *problem, void *data);
    void (*dropped)(const struct container *c, void *data);
    /* The answer to ask(): c->state is what the runtime said after the question. Not called if the
     * container is gone meanwhile (dropped() is). */
    void (*answered)(const struct container *c, void *data);
    void (*reconciled)(void *data);
    /* The connection came (reason NULL) or went. */
    void (*connected)(const char *reason, void *data);
    /* Something that an operator should know; we go on. */
    void (*trouble)(const char *message, void *data);
    void *data;
};

struct runtime_ops {
    const char *name;
    /* Connects, and keeps trying for ever. 0 or -ENOMEM. */
    int (*start)(struct runtime *r, struct error **reterr);
    /* True if it is certain, now, that the container's program has not begun; false: it has, or it
     * is not known. Needs no answer of the runtime. */
    bool (*is_waiting)(const struct runtime *r, const struct container *c);
    /* A container is about to start, if the runtime's word from elsewhere is true: 1 if it is known and put() was
     * called; 0 if the runtime is asked about it, and put() follows if it is there; or a negative errno if it cannot
     * be asked. */
    int (*expect)(struct runtime *r, const char *id);
    /* Asks for a container's state. 0, or a negative errno if the question could not be put. */
    int (*ask)(struct runtime *r, const struct container *c);
    /* "containerd 1.7.24", or why it cannot be reached. Borrowed until the next callback. */
    const char *(*describe)(const struct runtime *r);
    /* Every container that is known to run; found() must not change anything. */
    void (*each)(const struct runtime *r, void (*found)(const struct container *c, void *data),
                 void *data);
    void (*free)(struct runtime *r); /* no callbacks any more */
};

struct runtime { /* first member of each implementation's struct */
    const struct runtime_ops *ops;
};

/* agent/runtime_containerd.c: containerd at socket_path. events is copied. 0, -EINVAL or -ENOMEM.
 */
int runtime_containerd_new(struct runtime **ret, struct loop *loop, const char *socket_path,
                           const struct runtime_events *events, struct error **reterr);
