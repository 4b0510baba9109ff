/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection to a container runtime as its NRI plugin, as a pure state machine: bytes in, bytes out, time as an
 * argument. nri.c is its transport.
 *
 *   opened        we register ourselves
 *   configured    the runtime has told its name, we have told that we want to hear of containers that start
 *   ready         it has told what there is, which we know from elsewhere: from now on it waits for our answer
 *                 before it starts a container
 *
 * The runtime asks one plugin at a time and starts nothing while it waits; a plugin that does not answer in time is
 * thrown out. So an answer is given at three quarters of the time that the runtime allows at the latest, and the
 * owner is told that it was given without it.
 */
#include "lib/buf.h"
#include "lib/error.h"

struct nri_session; /* opaque */

#define NRI_MAX_HELD    64 /* containers that wait; one is the rule. Others start at once */
#define NRI_REGISTER_NS (5 * NS_PER_SEC)     /* from opened to ready */
#define NRI_HOLD_NS     (1500 * NS_PER_MSEC) /* where the runtime does not say how long it waits */
#define NRI_PLUGIN_NAME "varmor"
#define NRI_PLUGIN_INDEX                                                                           \
    "90" /* plugins are called in this order: behind those that change containers */
#define NRI_OUTPUT_MAX (64u << 10)

struct nri_session_owner {
    /* The runtime waits from now on. runtime: "containerd v2.0.0". */
    void (*ready)(const char *runtime, void *data);
    /* It waits with this container until nri_session_let_start(), which may be called inside. */
    void (*starting)(const char *container_id, void *data);
    /* The time was up: it starts without us. */
    void (*overdue)(const char *container_id, void *data);
};

/* owner must outlive the session. 0 or -ENOMEM. */
int nri_session_new(struct nri_session **ret, const struct nri_session_owner *owner, void *data);
struct nri_session *nri_session_free(struct nri_session *s);
DEFINE_CLEANUP(struct nri_session *, nri_session_free)

/* A connection is there: forgets everything of the one before. 0 or -ENOMEM. */
int nri_session_open(struct nri_session *s, uint64_t now_ns);
/* What the runtime has sent. 0, or -EBADMSG (malformed), -EPROTO (it refuses us), -E2BIG (it does not read what we
 * answer) or -ENOMEM with *reterr: close the connection. */
int nri_session_feed(struct nri_session *s, const uint8_t *data, size_t len, uint64_t now_ns,
                     struct error **reterr);
/* What is to be sent: consume what was. Borrowed. */
struct buf *nri_session_output(struct nri_session *s);

/* The container may start; nothing happens if nobody waits with it. */
void nri_session_let_start(struct nri_session *s, const char *container_id);
bool nri_session_is_ready(const struct nri_session *s);

/* When nri_session_expire() has something to do; 0: never. */
uint64_t nri_session_deadline_ns(const struct nri_session *s);
/* Lets start what has waited for long enough. 0, or -ETIMEDOUT with *reterr (not ready in time): close. */
int nri_session_expire(struct nri_session *s, uint64_t now_ns, struct error **reterr);
