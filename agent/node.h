/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The agent as a whole: enforcers, state folder, store, binder, violation log, container runtime
 * and the link to the manager. They are made in that order and freed in the reverse; freeing
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
struct node *node_free(struct node *n); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct node *, node_free)
