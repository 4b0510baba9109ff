/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Restarts the workloads of policies with updateExistingWorkloads: once when such a policy has come, once when it goes,
 * by a change of the pod template (kube_restart_plan.h), which Kubernetes rolls out as the workload says. Never Pods.
 *
 * 1. Only the manager that leads does so, and only for a policy that it is the first to accept: the object's status has
 *    no Created=True when this manager first leads with it in sight. Neither the start of a manager nor an update of a
 *    policy restarts anything; a policy that was accepted and whose restarts were not done when the leader changed is
 *    left so.
 * 2. Never before all nodes have confirmed the profile (the policy is ready), nor while a new leader waits for its
 *    agents: a container that starts anew finds its profile.
 * 3. Each workload is read and judged when its turn has come, one at a time, KUBE_RESTARTS_PER_SECOND at most; one that
 *    is as it should be is left alone. What fails for a reason that may pass is tried again with delays that double;
 *    what the API server refuses is logged and given up.
 * 4. A replica that has not heard that a policy went may admit the cleaned template with the old marks: the answer is
 *    looked at, and the change made again.
 *
 * Logs what it restarts.
 */
#include "lib/error.h"
#include "lib/profile.h"

struct admission_facts;
struct kube_client;
struct kube_policy;
struct kube_restarts; /* opaque */
struct loop;
struct object;
struct profile_store;
struct status;

#define KUBE_RESTARTS_PER_SECOND 5
#define KUBE_RESTARTS_MAX        65536 /* workloads that wait; more are logged and left as they are */
#define KUBE_RESTARTS_MAX_GONE   4096 /* profiles that went, while workloads that name them wait */

/* What it looks at. Borrowed; the functions must be there as long as it is. */
struct kube_restarts_parts {
    struct loop *loop;
    struct kube_client *client;
    const struct profile_store *store;
    const struct status *status;
    const char *match_label;
    /* False: not known yet. */
    bool (*facts)(struct admission_facts *ret, void *data);
    /* As source_kubernetes_next_workload(). */
    const struct object *(*next_workload)(enum target_kind kind, size_t *at, void *data);
    /* Does this manager lead at this very moment? */
    bool (*may_write)(void *data);
    /* Is it still waiting for agents, and how long? */
    bool (*in_grace)(uint64_t *ret_delay_ns, void *data);
    void *data;
};

/* 0 or -ENOMEM. */
int kube_restarts_new(struct kube_restarts **ret, const struct kube_restarts_parts *parts);
struct kube_restarts *kube_restarts_free(struct kube_restarts *r); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_restarts *, kube_restarts_free)

/* This manager leads, and everything is known; or no longer: what waits is forgotten. */
void kube_restarts_lead(struct kube_restarts *r, bool leads);

/* A policy object as the server has it (its JSON); key: of the store. */
void kube_restarts_seen(struct kube_restarts *r, const char *key, const struct kube_policy *policy,
                        const uint8_t *object, size_t len);
/* The store is about to forget the policy: it went, or is another object of the same name. */
void kube_restarts_withdrawn(struct kube_restarts *r, const char *key);
/* The object is gone. */
void kube_restarts_gone(struct kube_restarts *r, const char *key);
/* The policy's status may be another. */
void kube_restarts_touched(struct kube_restarts *r, const char *key);
