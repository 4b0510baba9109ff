/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Status: what is true, as varmorctl shows it.
 *
 * Holds for each policy its Ready condition, phase and counts, and brings them up to date at the
 * end of a turn in which something was touched; whoever watches is told once a turn. The lists are
 * views: they are put together when asked for, in an arena, from the store, the nodes and the rest,
 * and borrow from them: use them before anything changes.
 *
 * A file that cannot be read and that no policy in force comes from has nothing else to show its
 * problem, so it is listed like a policy, of kind "File". A policy whose file has an error shows it
 * as its Updated condition.
 */
#include "lib/arena.h"
#include "proto/messages.h"

struct file_problems;
struct loop;
struct nodes;
struct policy_status;
struct profile_store;
struct status;
struct stored_policy;
struct violation_history;

/* Node results are part of a policy's status where one policy is asked for, and in lists up to so
 * many nodes. */
#define STATUS_LIST_NODES 16

/* All that status looks at. Borrowed. */
struct status_facts {
    const struct profile_store *store;
    const struct nodes *nodes;
    const struct file_problems *problems;
    const struct violation_history *violations;
};

struct status_handler {
    /* Lists of these kinds may differ from before: bit 1 << enum status_resource. At the end of a
     * turn. */
    void (*changed)(unsigned resources, void *data);
    /* What a policy's status shows of its text, its nodes or its containers may be different; NULL: nobody wants to
     * know. At the end of a turn, before changed(). */
    void (*touched)(const struct stored_policy *p, void *data);
    /* The policy's phase or readiness is different. */
    void (*policy)(const struct stored_policy *p, bool is_ready, const char *phase,
                   const char *message, void *data);
};

/* handler must outlive the status. 0 or -ENOMEM. */
int status_new(struct status **ret, struct loop *loop, const struct status_facts *facts,
               const struct status_handler *handler, void *data);
struct status *status_free(struct status *s); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct status *, status_free)

/* Something changed: it is looked at when the turn ends. */
void status_touch_slot(struct status *s, unsigned slot); /* results for a profile */
void status_touch_policies(struct status *s);            /* policies, files, or the set of nodes */
void status_touch(struct status *s,
                  unsigned resources); /* only what is listed: 1 << enum status_resource */

/* What is known of the policy with this key of the store; NULL: nothing yet. Borrowed until the turn ends. */
const struct policy_status *status_of_policy(const struct status *s, const char *key);

/* The view of a list; ask: namespace and name, "" for all. Allocates in the arena. 0 or -ENOMEM. */
int status_list_view(const struct status *s, enum status_resource resource,
                     const struct status_list_request *ask, struct arena *arena,
                     struct status_list *ret);

/* Descriptions; 1: *ret is set, 0: there is no such object, -ENOMEM. kind "" is whichever there is.
 */
int status_describe_policy(const struct status *s, const struct status_describe_request *ask,
                           struct arena *arena, struct status_policy_description *ret);
int status_describe_node(const struct status *s, const char *name, struct arena *arena,
                         struct status_node_description *ret);
