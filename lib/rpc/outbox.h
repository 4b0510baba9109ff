/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The outgoing half of a call: messages wait here, prefixed, until the flow-control window and the
 * socket take them. A message is taken when it is the only one or stays within the limit and the
 * budget, so one large message always gets through and a slow reader never makes us hold more than
 * that.
 */
#include "lib/rpc/budget.h"

struct outbox_item;

struct outbox {
    struct outbox_item *items; /* owned list */
    size_t bytes;              /* queued, prefixes included */
    size_t limit;
    struct budget *budget; /* borrowed: the connection's; may be NULL */
    bool is_armed;         /* somebody waits for the queue to fall */
};

void outbox_init(struct outbox *out, size_t limit, struct budget *budget);
void outbox_done(struct outbox *out); /* drops what is queued */

/* Copies one message. 0, -ENOBUFS (wait until outbox_has_room()) or -ENOMEM. */
int outbox_put(struct outbox *out, const uint8_t *data, size_t len) MUST_CHECK;

/* Moves at most len bytes out; 0 when the queue is empty. */
size_t outbox_take(struct outbox *out, uint8_t *data, size_t len);

/* True once after the queue had been above its half and has fallen below it. */
bool outbox_has_room(struct outbox *out);

/* True if a message has been sent in part: what follows must be its rest. */
bool outbox_is_within_message(const struct outbox *out);
