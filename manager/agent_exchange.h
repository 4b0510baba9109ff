/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The exchange with one agent: what it has to be told next, so that it ends up with the newest of
 * everything.
 *
 * Nothing is queued here. What an agent still has to be told is the difference between the versions
 * in the profile store and the versions that it was sent; a profile that changes ten times while an
 * agent is slow is sent once. Order: welcome, removals, profiles, and in_sync once after a hello.
 * What the agent holds and the store does not know is removed, unless the store spares it
 * (profile_store_spares()): then neither that removal nor in_sync is sent until it does not any more.
 * The state is that of the node; an exchange lives from hello to the end of the stream.
 *
 * Pure: the caller sends what agent_exchange_next() gives and says so with agent_exchange_sent().
 */
#include "lib/buf.h"
#include "proto/messages.h"

struct agent_exchange;
struct node;
struct profile_store;

/* For a node that has just said hello; held: what it says that it holds. Borrows store and node. 0,
 * -ENOMEM, or -EINVAL: more names than a node can hold, or one that no profile can have. */
int agent_exchange_new(struct agent_exchange **ret, const struct profile_store *store,
                       struct node *node, const struct msg_held *held, size_t n_held);
struct agent_exchange *
agent_exchange_free(struct agent_exchange *x); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct agent_exchange *, agent_exchange_free)

/* The profile of a slot has changed, or is gone (its name was profile_name): call before the next
 * agent_exchange_next(). 0 or -ENOMEM (then the stream must end: the next hello starts over). */
void agent_exchange_changed(struct agent_exchange *x, unsigned slot);
int agent_exchange_removed(struct agent_exchange *x, unsigned slot, const char *profile_name);

/* True once in_sync was sent: from then on only a change of a profile gives something to tell. */
bool agent_exchange_in_sync(const struct agent_exchange *x);

/* The next message to send, borrowed until the next call of any function here. 1, 0 (nothing is
 * left to tell) or -ENOMEM. Asking again without agent_exchange_sent() gives the newest again. */
int agent_exchange_next(struct agent_exchange *x, const uint8_t **ret, size_t *ret_len);
/* What agent_exchange_next() gave is on its way. 0 or -ENOMEM. */
int agent_exchange_sent(struct agent_exchange *x);
