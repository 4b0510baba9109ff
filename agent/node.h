/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The agent as a whole: the node's disks, enforcers, violation log, state folder, store, binder, the
 * link to the manager, audit records and the container runtime. They are made in that order and freed in the reverse; freeing
 * changes nothing in the kernel.
 */
#include "agent/enforcer.h"

struct config;
struct loop;
struct node; /* opaque */

/* Probes the kernel and takes over what an earlier agent left there: when it returns 0, everything
 * that was in force is in force. config is borrowed. 0, -ENOMEM or another with *reterr. */
int node_new(struct node **ret, struct loop *loop, const struct config *config,
             struct error **reterr);
/* Connects to the runtime and the manager. 0 or -ENOMEM. */
int node_start(struct node *n, struct error **reterr);
/* Whether an enforcer is usable: what the process may then not give up. */
bool node_can(const struct node *n, enum enforcer_bit kind);
struct node *node_free(struct node *n); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct node *, node_free)
