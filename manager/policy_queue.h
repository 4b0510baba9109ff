/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The policies that are still to be judged: new texts, and texts in force that may mean something
 * else now. To build the profiles of thousands of policies takes seconds, so that they are taken a
 * few at a time, and the loop serves agents in between.
 *
 * Invariants
 * 1. A policy waits once: its newest text takes the place of what waited before.
 * 2. What can be judged within a step is judged at once: a small change is one change to agents.
 * 3. A policy that could not be judged (no memory, no room) waits for the next start.
 *
 * Does not block longer than a step. No logging.
 */
#include "lib/policy/policy.h"

struct loop;
struct policy_queue;

#define POLICY_QUEUE_STEP 8 /* policies in one go: some 5 ms with three enforcers */

struct policy_queue_handler {
    /* Judges a policy; NULL: the text that is in force. 0, or negative: it is to be tried again. */
    int (*judge)(const char *key, struct policy *policy, const char *file, void *data);
    /* Nothing waits any more, but for what failed. */
    void (*drained)(void *data);
};

/* handler must outlive the queue. 0 or -ENOMEM. */
int policy_queue_new(struct policy_queue **ret, struct loop *loop,
                     const struct policy_queue_handler *handler, void *data);
struct policy_queue *policy_queue_free(struct policy_queue *q); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct policy_queue *, policy_queue_free)

/* The policy has a new text; takes a reference and copies file. 0 or -ENOMEM: it is as it was. */
int policy_queue_put(struct policy_queue *q, const char *key, struct policy *policy,
                     const char *file);
/* The text in force is to be judged again, unless a new one waits. 0 or -ENOMEM. */
int policy_queue_again(struct policy_queue *q, const char *key);
void policy_queue_drop(struct policy_queue *q, const char *key); /* fine if it does not wait */

/* Begins with all that waits, and what failed before: a step now, the others in turns to come.
 * drained() follows, perhaps before this returns. */
void policy_queue_start(struct policy_queue *q);
