/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The last violations of each profile, for `varmorctl describe`. The full record is in each node's
 * violations.log; here are the newest VIOLATIONS_KEPT of a profile and no more than
 * VIOLATION_MAX_EVENT bytes of an event's text. No I/O, no logging.
 */
#include "proto/messages.h"

#define VIOLATIONS_KEPT        50   /* of a profile */
#define VIOLATION_MAX_PROFILES 4096 /* that have any */
#define VIOLATION_MAX_EVENT    2048 /* bytes; a longer event is shown without its text */

struct violation_history;

struct violation_history *violation_history_new(void); /* NULL: no memory */
struct violation_history *violation_history_free(struct violation_history *h);
DEFINE_CLEANUP(struct violation_history *, violation_history_free)

/* Copies. 0, -ENOMEM, or -E2BIG (VIOLATION_MAX_PROFILES). */
int violation_history_add(struct violation_history *h, const char *node,
                          const struct msg_violation *v);
void violation_history_forget(struct violation_history *h, const char *profile);

/* The violations of a profile (NULL: of every profile), oldest first for each, of a node (NULL: of
 * every node). Calls found() for each; what it gets is borrowed for the call. */
void violation_history_each(const struct violation_history *h, const char *profile,
                            const char *node,
                            void (*found)(const struct status_violation *v, void *data),
                            void *data);
