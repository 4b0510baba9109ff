/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Deletes every policy of a cluster (--remove-policies): what the chart's hook does before an uninstall, if asked, while
 * managers and agents are still there to take what is in force out of the nodes.
 *
 * Cluster policies go in one call, policies in one call for each namespace that has any; then none may be left. A policy
 * that stays (somebody's finalizer) is an error that names it: the uninstall ends there. Logs what it removes.
 */
#include "lib/error.h"

struct kube_client;
struct loop;

/* Runs the loop until it is done. 0, -ENOMEM, or another negative errno with *reterr: then a part may be gone. */
int policy_removal_run(struct loop *loop, struct kube_client *client, struct error **reterr);
