/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The enforcers of this node: one of each kind, made, probed and freed together.
 *
 * An enforcer that cannot be had on this node is there all the same, not usable, with the reason:
 * the others carry on, and profiles that name it are refused. Only what passes by itself is an error
 * of the whole: memory, or another agent that still holds the kernel's side.
 */
#include "agent/enforcers.h"

struct config;
struct loop;
struct node_devices;
struct node_enforcers; /* opaque */

/* Blocks for the probes. config and devices (may be NULL: this node's disks are not known) are
 * borrowed, events is copied. 0, -ENOMEM, or -EBUSY with *reterr: another agent is at work. */
int node_enforcers_new(struct node_enforcers **ret, struct loop *loop, const struct config *config,
                       const struct node_devices *devices, const struct enforcer_events *events,
                       struct error **reterr);
/* The kernel keeps what it has. */
struct node_enforcers *node_enforcers_free(struct node_enforcers *n);
DEFINE_CLEANUP(struct node_enforcers *, node_enforcers_free)

/* Borrowed for the life of n. */
const struct enforcers *node_enforcers_list(const struct node_enforcers *n);
bool node_enforcers_are_usable(const struct node_enforcers *n, enum enforcer_bit kind);

/* Takes everything that any version of varmor put into this node's kernel and folders out again;
 * told() is called with one line a thing. 0, or the first error with *reterr after having gone on. */
int node_enforcers_clean_up(const struct config *config, void (*told)(const char *what, void *data),
                            void *data, struct error **reterr);
