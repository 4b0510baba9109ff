/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How many agents there should be: what the agents' DaemonSet wants scheduled. A node whose agent never came is then
 * missed in status, instead of not being known at all. Without a DaemonSet (agents that run by systemd) nobody knows.
 *
 * It is found by its label in the install namespace, and watched for ever.
 */
#include "lib/error.h"

struct kube_agent_set; /* opaque */
struct kube_client;
struct loop;

#define KUBE_AGENT_SET_COMPONENT "varmor-agent" /* app.kubernetes.io/component */
#define KUBE_AGENT_SET_MAX_BYTES (1u << 20)

/* expected(): the number of agents is another; 0: not known. Not inside. Borrows loop and client. 0 or -ENOMEM. */
int kube_agent_set_new(struct kube_agent_set **ret, struct loop *loop, struct kube_client *client,
                       const char *install_namespace,
                       void (*expected)(unsigned n_agents, void *data), void *data);
struct kube_agent_set *
kube_agent_set_free(struct kube_agent_set *s); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_agent_set *, kube_agent_set_free)

/* status.desiredNumberScheduled of a DaemonSet's JSON (pure). 0: it says nothing that makes sense. */
unsigned kube_agent_set_read(const uint8_t *json, size_t len);
