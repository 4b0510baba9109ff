/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes the status of policies to their objects.
 *
 * For each policy object that the API server has it keeps the status that stands there (told by the source's watch, and
 * by the answers to its own writes), and compares it with what kube_status_json() makes of what is known now. Only what
 * differs is written, as one JSON patch that replaces the whole of status and names the object's uid.
 *
 * A manager that has just begun to lead does not know the nodes yet. For KUBE_POLICIES_GRACE_NS it does not take back
 * what stands there about the profile in force only because agents have not come back: enforcement on nodes does not
 * change when a manager does.
 */
#include "lib/error.h"

struct file_problems;
struct kube_armor_profiles;
struct kube_events;
struct kube_policy;
struct kube_policies; /* opaque */
struct kube_writer;
struct loop;
struct nodes;
struct profile_store;
struct source_kubernetes;
struct status;

#define KUBE_POLICIES_MAX_OBJECTS 16384      /* as many as the source takes */
#define KUBE_POLICIES_MAX_STATUS  (1u << 20) /* of a status as it stands at the server */

/* How long agents have for coming back; they try at least every 30 s. */
#define KUBE_POLICIES_GRACE_NS (45 * NS_PER_SEC)

/* What it looks at and writes with. Borrowed. */
struct kube_policies_parts {
    struct loop *loop;
    const struct profile_store *store;
    const struct nodes *nodes;
    const struct file_problems *problems;
    const struct status *status;
    struct kube_writer *writer;
    struct kube_events *events;
    const struct kube_armor_profiles *profiles;
};

/* Writes by the writer, as kind 's'. 0 or -ENOMEM. */
int kube_policies_new(struct kube_policies **ret, const struct kube_policies_parts *parts);
struct kube_policies *kube_policies_free(struct kube_policies *s); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_policies *, kube_policies_free)

/* A policy as the server has it now; object is its JSON. 0, -ENOMEM or -E2BIG. */
int kube_policies_seen(struct kube_policies *s, const char *key, const struct kube_policy *policy,
                       const uint8_t *object, size_t len);
void kube_policies_gone(struct kube_policies *s, const char *key);

/* Something that the status of a policy shows may be different; key: of the store. */
void kube_policies_touch(struct kube_policies *s, const char *key);
void kube_policies_touch_reference(struct kube_policies *s, const char *reference);
void kube_policies_touch_all(struct kube_policies *s);

/* This process leads from now on. */
void kube_policies_lead(struct kube_policies *s);

/* True while what stands at the server about desired nodes is not to be taken back for want of agents; then
 * *ret_delay_ns is how long at most. */
bool kube_policies_in_grace(const struct kube_policies *s, uint64_t *ret_delay_ns);
