/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the agent says to the manager and does at its word: the stream's owner (stream.h), over the
 * store, the binder and the enforcers. An event handler: it logs what changed.
 */
#include "agent/binder.h"
#include "agent/store.h"
#include "agent/stream.h"

struct exchange; /* opaque */
struct manager_link;
struct runtime;

extern const struct stream_owner exchange_stream_owner; /* its data is a struct exchange */

struct exchange_parts { /* all borrowed */
    const char *node_name;
    struct store *store;
    struct binder *binder;
    const struct enforcers *enforcers;
    /* Where audit records come from, for the hello's facts; borrowed until the next call. NULL: none
     * are read. */
    const char *(*describe_audit)(void *data);
    const char *(*describe_starts)(void *data); /* whether containers wait until they are bound */
    void (*in_sync)(void *data); /* the manager has said everything; NULL: nobody asks */
    void *data;
};
/* 0 or -ENOMEM. */
int exchange_new(struct exchange **ret, const struct exchange_parts *parts);
struct exchange *exchange_free(struct exchange *x);
DEFINE_CLEANUP(struct exchange *, exchange_free)
void exchange_set_link(struct exchange *x, struct manager_link *link); /* borrowed */
void exchange_set_runtime(struct exchange *x,
                          const struct runtime *runtime); /* borrowed; NULL: there is none */

/* Something has happened that the manager should know. */
void exchange_binding_changed(struct exchange *x, const char *key);
void exchange_bindings_ready(struct exchange *x);
void exchange_violation(struct exchange *x, const struct msg_violation *v);
/* One event of an enforcer whose verdicts the kernel does not count; it is told with the counts. */
void exchange_count_event(struct exchange *x, const char *profile, enum enforcer_bit enforcer,
                          const char *origin);
/* An enforcer is ready with a profile that it had to prepare elsewhere, or has failed. */
void exchange_prepared(struct exchange *x, const char *profile);
/* What a profile means on this node has changed (its disks). */
void exchange_apply_anew(struct exchange *x, const char *profile);
/* Reads the kernel's counters of every profile; those that changed are told. */
void exchange_poll_counts(struct exchange *x);
void exchange_lost(struct exchange *x, const char *reason, uint64_t retry_ns);

/* CLOCK_REALTIME in nanoseconds. */
int64_t exchange_now_ns(void);
