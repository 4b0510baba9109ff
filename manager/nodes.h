/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The nodes: what each agent has said about itself, about profiles and about containers.
 *
 * A node exists from its first hello until it has been away for the time given to nodes_new().
 * While it is away its kernel still enforces what it had confirmed, so that its results stay; a new
 * hello starts them over. Results are kept by the slots of the profile store. The clock is an
 * argument. No I/O, no logging.
 */
#include "proto/messages.h"

struct map;
struct nodes;

#define NODES_MAX         10000
#define NODE_MAX_BINDINGS 16384 /* as many as a node's kernel maps hold (VARMOR_MAX_BINDINGS) */
#define NODE_NAME_MAX     253   /* bytes; a DNS name */

/* What a node has counted: verdicts by rule number, and violations by enforcer and origin. */
struct node_counts {
    struct digest digest;           /* of the profile whose rules the verdicts are about */
    struct msg_event_count *events; /* owned, their origins too unless they are empty */
    size_t n_events;
    size_t n;
    uint64_t values[];
};

/* What a node last said about the profile of one slot. There is one for each profile on each node:
 * keep it small. */
struct node_profile {
    uint64_t
        sent_version; /* of the slot's profile that it was sent, or said that it holds; 0: none */
    bool may_hold;    /* it holds, or may hold, some version */
    uint8_t n_results;
    struct digest digest; /* of the profile that the results are about; zero: no result yet */
    struct msg_enforcer_result *results; /* owned, texts too unless they are empty */
    struct node_counts *counts;          /* owned; NULL: none */
};

struct node {
    char *name;
    bool connected;
    int64_t since_ns;              /* CLOCK_REALTIME of the connection, or of its loss */
    uint64_t expires_ns;           /* CLOCK_MONOTONIC; while it is away */
    struct agent_message hello;    /* the last one, without what it holds; owns its texts */
    struct node_profile *profiles; /* owned; by slot */
    unsigned n_profiles;
    struct map *bindings; /* owned; container id -> struct msg_binding */
    void *stream;         /* of the agent service, borrowed; NULL: not connected */
};

/* away_ns: how long a node may be away before it is forgotten. NULL: no memory. */
struct nodes *nodes_new(uint64_t away_ns);
struct nodes *nodes_free(struct nodes *n); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct nodes *, nodes_free)

const struct map *nodes_all(const struct nodes *n); /* name -> struct node */
struct node *nodes_find(const struct nodes *n, const char *name);

/* How many agents there should be, where somebody knows (a DaemonSet); 0: nobody does, as at first. */
void nodes_expect(struct nodes *n, unsigned n_agents);
unsigned nodes_expected(const struct nodes *n);

/* A node (again) says hello; results start over, bindings stay until the first report. Copies what
 * it keeps of hello: all but what is held. 0, -EINVAL (no usable name) or -E2BIG (NODES_MAX) with
 * *reterr, or -ENOMEM. */
int nodes_hello(struct nodes *n, const struct msg_hello *hello, int64_t now_ns, struct node **ret,
                struct error **reterr);
void nodes_lost(struct nodes *n, struct node *node, int64_t now_ns, uint64_t monotonic_ns);
/* Forgets who has been away too long. Returns when to ask again (CLOCK_MONOTONIC), 0: nobody is
 * away. */
uint64_t nodes_expire(struct nodes *n, uint64_t monotonic_ns,
                      void (*forgotten)(const struct node *node, void *data), void *data);

/* What is known of a slot; made if it is new. NULL: no memory. */
struct node_profile *node_profile(struct node *node, unsigned slot);
/* The same, NULL if there is nothing. */
const struct node_profile *node_profile_find(const struct node *node, unsigned slot);
void node_profile_forget(struct node *node, unsigned slot);

/* A result for the slot whose profile now has the digest current. A result of another digest is
 * kept as what the node has, unless there already is one of the current digest. 0, -ENOMEM, or
 * -EINVAL (more enforcers than there are). */
int node_result(struct node *node, unsigned slot, const struct msg_result *result,
                const struct digest *current);
/* The node holds the slot's profile in its present version: its hello says so, of every enforcer of
 * the profile. */
int node_holds(struct node *node, unsigned slot, const struct profile *profile);
int node_counts(struct node *node, unsigned slot, const struct msg_counts *counts);
/* 0, -ENOMEM, or -E2BIG (NODE_MAX_BINDINGS; those that fitted are kept). */
int node_bindings(struct node *node, const struct msg_bindings *bindings);

/* How a node stands to a profile. */
enum node_standing {
    NODE_WAITING, /* no result of this digest yet */
    NODE_APPLIED, /* every enforcer of the profile has confirmed this digest */
    NODE_FAILED,  /* an enforcer has said that it could not, or that it cannot */
};
/* Of one enforcer of the profile. *ret_reason is set for NODE_FAILED only; borrowed. */
enum node_standing node_enforcer_standing(const struct node *node, unsigned slot,
                                          const struct profile *profile, enum enforcer_bit enforcer,
                                          const char **ret_reason);
/* Of all of them. *ret_reason (may be NULL) is why a node failed: "BPF enforcer: ..."; borrowed; the enforcer is
 * *ret_enforcer. */
enum node_standing node_standing(const struct node *node, unsigned slot,
                                 const struct profile *profile, enum enforcer_bit *ret_enforcer,
                                 const char **ret_reason);
