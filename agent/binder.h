/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keeps each container bound to the profile that is for it, in every enforcer of that profile.
 *
 * A container is bound while its program still waits for the start order, where possible. That the
 * binding held before the program's first instruction is said only if it is proven: after the
 * kernel has the binding, the runtime module shows that the program still waits, or containerd says
 * that it has not been started. Without that proof the container is bound once more as a running
 * one, so that tasks which slipped through are caught at their next access.
 *
 * BPF is told which container is whose. AppArmor and seccomp hold a container by its own setting, which
 * the runtime puts into force at the exec of its program: they are asked once it has begun, after
 * each change of its profile and with each word of the runtime. Nothing tells of an exec, so a
 * container that is not held yet is looked at again a few times before that is said.
 *
 * What an earlier agent bound is adopted: nothing is undone before the runtime has told all
 * containers, and the bindings of running ones are made once more as running, since that agent may
 * have died between the two steps. Calls the enforcers; no other I/O, no logging.
 */
#include "agent/runtime.h"
#include "agent/store.h"
#include "lib/buf.h"

struct binder; /* opaque */
struct container;
struct runtime;

/* A container that has begun and is not held: how often it is looked at, and in which steps, before
 * that is told. runc execs within milliseconds of its start order; the rest is for a slow node. */
#define BINDER_LOOKS   8
#define BINDER_LOOK_NS (500 * NS_PER_MSEC)

struct binder_events {
    void (*changed)(const char *key, void *data); /* what binder_fill() says about a container */
    void (*trouble)(const char *message, void *data);
    int64_t (*now_ns)(void *data);  /* CLOCK_REALTIME */
    void (*look_later)(void *data); /* binder_look() is to be called in BINDER_LOOK_NS */
    void *data;
};

/* store and enforcers are borrowed. 0 or -ENOMEM. */
int binder_new(struct binder **ret, const struct store *store, const struct enforcers *enforcers,
               const struct binder_events *events);
struct binder *binder_free(struct binder *b); /* the kernel keeps what it has */
DEFINE_CLEANUP(struct binder *, binder_free)
/* Whom to ask for a container's state; borrowed. Without one nothing is confirmed. */
void binder_set_runtime(struct binder *b, struct runtime *runtime);

/* Reads which bindings the kernel has; saved is what binder_save() of the earlier agent wrote: it
 * tells since when they hold, and only of bindings that the kernel confirms. 0, -ENOMEM, -E2BIG or
 * an enforcer's error with *reterr. */
int binder_adopt(struct binder *b, const char *saved, struct error **reterr);
/* Appends a line a binding (saved_binding.h). 0, -E2BIG or -ENOMEM. */
#define BINDER_SAVED_MAX (RUNTIME_MAX_CONTAINERS * 128)
int binder_save(const struct binder *b, struct buf *out);

/* From the runtime's callbacks of the same names. */
void binder_put(struct binder *b, const struct container *c, const char *problem);
void binder_dropped(struct binder *b, const struct container *c);
void binder_answered(struct binder *b, const struct container *c);
void binder_reconciled(struct binder *b);

/* A profile has changed, come or gone: every container is judged anew, and its enforcers are asked
 * about those that are under it. */
void binder_refresh(struct binder *b, const char *profile);
/* As look_later() asked for. */
void binder_look(struct binder *b);

/* What is to be said about a container (its key is "runtime namespace/id"); false: it has no
 * profile, or is gone; then ret->container_id is set all the same. Borrowed until the next question or
 * change. */
bool binder_fill(struct binder *b, const char *key, struct msg_binding *ret);
/* The key of each container that has something to say. */
void binder_each(const struct binder *b, void (*found)(const char *key, void *data), void *data);
/* A container by its cgroup; NULL if there is none. */
const struct container *binder_find_cgroup(const struct binder *b, uint64_t cgroup_id);
/* The profile that a container is under, or that is for it and does not hold; NULL: none. */
const char *binder_profile_of(const struct binder *b, const struct container *c);
/* The only container under a profile; NULL: there is none, or there are several. */
const struct container *binder_find_only(const struct binder *b, const char *profile);
size_t binder_count(const struct binder *b, const char *profile); /* containers bound to it */
