/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is known of containerd's containers: details (labels, annotations) and tasks (process,
 * state) arrive in any order, from events and from lists, and become put() and dropped() of the
 * runtime interface.
 *
 * A container is told once three things are known: its details, the details of its sandbox if it
 * has one (or that the sandbox is gone), and its first process. What is missing is asked for: the
 * owner calls containerd_index_next_wanted() after each change and gets the answers back in here.
 *
 * Invariants
 * 1. Between begin_listing() and end_listing() nothing is dropped for not being listed;
 * end_listing() drops what neither a list nor an event has named since.
 * 2. The cgroup is looked up when a container is first told, and again when its process changes.
 * 3. A process in the host's or our own mount namespace is never a container of ours: its number
 *    may have been reused.
 *
 * Reads procfs and cgroupfs; no other I/O, no logging.
 */
#include "agent/cgroup.h"
#include "agent/container.h"
#include "agent/runtime.h"
#include "proto/containerd_codec.h"

struct containerd_index; /* opaque */

/* root and events are borrowed. 0 or -ENOMEM. */
int containerd_index_new(struct containerd_index **ret, const struct cgroup_root *root,
                         const struct runtime_events *events);
struct containerd_index *containerd_index_free(struct containerd_index *x); /* tells nobody */
DEFINE_CLEANUP(struct containerd_index *, containerd_index_free)

/* Where nothing else is said: 0, -ENOMEM, or -E2BIG (RUNTIME_MAX_CONTAINERS): the container is left
 * out. */
/* Takes the content of *cc in any case. */
int containerd_index_put_details(struct containerd_index *x, const char *name_space,
                                 struct containerd_container *cc);
int containerd_index_put_task(struct containerd_index *x, const char *name_space, const char *id,
                              int pid, enum container_state state);
/* A container without details exists: they will be wanted. */
int containerd_index_expect(struct containerd_index *x, const char *name_space, const char *id);
/* Its details have changed: they will be wanted again. */
void containerd_index_refresh(struct containerd_index *x, const char *name_space, const char *id);
void containerd_index_drop_task(struct containerd_index *x, const char *name_space, const char *id);
/* The container is gone, or does not exist. */
void containerd_index_drop(struct containerd_index *x, const char *name_space, const char *id);

void containerd_index_begin_listing(struct containerd_index *x);
void containerd_index_end_listing(struct containerd_index *x);

/* The next container whose details are to be asked for, each once. False if there is none. Borrowed
 * until the next change. */
bool containerd_index_next_wanted(struct containerd_index *x, const char **ret_name_space,
                                  const char **ret_id);

/* NULL if it is not known or has not been told. */
const struct container *containerd_index_find(const struct containerd_index *x,
                                              const char *name_space, const char *id);
/* Sets the state of a container that is known, without telling it. */
void containerd_index_set_state(struct containerd_index *x, const char *name_space, const char *id,
                                enum container_state state);
/* Every container that has been told. */
void containerd_index_each(const struct containerd_index *x,
                           void (*found)(const struct container *c, void *data), void *data);
