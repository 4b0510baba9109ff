/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The exchange with the manager as a pure state machine: bytes in, bytes out, time as an argument
 * (proto/varmor/v1/agent.proto says what the messages mean). manager_link.c is its transport.
 *
 * The stream holds names of what has changed, not the changes: the owner is asked for the newest
 * state when a message is made, so that a slow manager costs no memory. Violations alone are
 * queued, up to STREAM_MAX_VIOLATIONS; what does not fit is counted and reported as dropped.
 *
 * Invariants
 * 1. Nothing but the hello is sent before the manager's welcome; nothing is taken before it.
 * 2. After each open the hello says all that is held, and the first bindings report is complete.
 * 3. A stream that is closed keeps the violations that were queued. Names of results and bindings
 * start over with the next open: the owner puts each binding with its hello, and the hello tells the
 * rest. Containers that come and go while the manager is away take no room.
 *
 * No I/O, no clock, no logging.
 */
#include "lib/buf.h"
#include "lib/error.h"
#include "proto/messages.h"

struct stream; /* opaque */

#define STREAM_MAX_VIOLATIONS       1000
#define STREAM_VIOLATIONS_A_MESSAGE 100
#define STREAM_BINDINGS_A_MESSAGE   500
#define STREAM_MAX_NAMES            20000 /* of profiles, and of containers, waiting to be told */
#define STREAM_WELCOME_TIMEOUT_NS   (10 * NS_PER_SEC)
#define STREAM_MESSAGE_MAX_BYTES    (64u << 20)

/* The agent behind the stream. What a question fills in is borrowed; that of hello, result and
 * counts until the next question, that of binding until the end of the turn (many make one
 * message). */
struct stream_owner {
    /* The newest state: fills *ret, and puts the name of each binding. 0 or -ENOMEM. */
    int (*hello)(struct msg_hello *ret, void *data);
    /* False: there is nothing to say about this name any more. Of a binding ret->container_id is
     * set all the same, and it is told as dropped; its key is the owner's choice. */
    bool (*result)(const char *profile, struct msg_result *ret, void *data);
    bool (*binding)(const char *key, struct msg_binding *ret, void *data);
    bool (*counts)(const char *profile, struct msg_counts *ret, void *data);

    /* What the manager says. */
    void (*welcome)(const char *manager_version, void *data);
    void (*profile)(struct profile *p, void *data); /* borrowed: take a reference to keep it */
    void (*removal)(const char *profile, void *data);
    void (*in_sync)(unsigned n_profiles, void *data);
};

/* owner must outlive the stream. 0 or -ENOMEM. */
int stream_new(struct stream **ret, const struct stream_owner *owner, void *data);
struct stream *stream_free(struct stream *s);
DEFINE_CLEANUP(struct stream *, stream_free)

void stream_open(struct stream *s,
                 uint64_t now_ns);   /* the transport is there: the hello is pending */
void stream_close(struct stream *s); /* the transport is gone */

/* One whole message of the manager. 0; -EBADMSG (malformed), -EPROTO (out of turn, or another
 * protocol version) with *reterr: close the transport; or -ENOMEM. */
int stream_feed(struct stream *s, const uint8_t *data, size_t len, struct error **reterr);

/* Makes the next message: 1 (appended to out), 0 (nothing to say now), -ENOMEM or -E2BIG (out's
 * ceiling). */
int stream_pending(struct stream *s, struct buf *out) MUST_CHECK;

/* When stream_expired() may turn true; 0: not set. */
uint64_t stream_deadline_ns(const struct stream *s);
bool stream_expired(const struct stream *s,
                    uint64_t now_ns);           /* the manager did not answer the hello */
bool stream_is_greeted(const struct stream *s); /* the welcome has come */

/* Something has changed. Beyond STREAM_MAX_NAMES a name is left out and the stream says so to
 * nobody: the owner's own tables have lower ceilings. 0 or -ENOMEM. */
int stream_put_result(struct stream *s, const char *profile);
int stream_put_binding(struct stream *s, const char *key);
int stream_put_counts(struct stream *s, const char *profile);
/* From now on bindings may be told: the owner knows all of its containers. */
void stream_bindings_ready(struct stream *s);
/* Copies. Drops and counts it if the queue is full or memory is out. */
void stream_add_violation(struct stream *s, const struct msg_violation *v);
