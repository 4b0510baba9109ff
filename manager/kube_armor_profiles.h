/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keeps an ArmorProfile object for each policy that has a profile: contract.md 1.5 and 2.
 *
 * 1. The object belongs to its policy by an owner reference without a finalizer: when the policy goes, the garbage
 *    collector takes the object, whether a manager runs or not. An object whose policy was made anew under the same
 *    name is taken over: the reference is rewritten. The finalizer of the incumbent, which nobody would remove any
 *    more, is taken off where it is met; other finalizers stay.
 * 2. The objects are watched while this process leads. One that somebody deletes or changes is put right. Of each only
 *    what it takes to tell a difference is kept: a digest of spec, and status up to KUBE_PROFILES_KEPT_STATUS bytes.
 *    Beyond that the times in it are those of agents and connections, and start anew with another leader.
 */
#include "lib/error.h"

struct kube_armor_profiles; /* opaque */
struct kube_client;
struct kube_writer;
struct loop;
struct nodes;
struct profile_store;
struct status;
struct stored_policy;

#define KUBE_PROFILES_MAX_OBJECTS                                                                  \
    8192 /* of all ArmorProfiles that there are; twice what a manager makes */
#define KUBE_PROFILES_KEPT_STATUS 16384
#define KUBE_PROFILES_FINALIZER   "varmor.org/ap-protection" /* of the incumbent */

struct kube_armor_profiles_parts {
    struct loop *loop;
    struct kube_client *client;
    const struct profile_store *store;
    const struct nodes *nodes;
    const struct status *status;
    struct kube_writer *writer;
    /* True while missing agents are no reason to write; then *ret_delay_ns is how long at most. */
    bool (*in_grace)(uint64_t *ret_delay_ns, void *data);
    /* The policy's own status may have another warning. */
    void (*warning_changed)(const char *key, void *data);
    /* The objects cannot be read (why), or can again (NULL). */
    void (*trouble)(const char *why, void *data);
    void *data;
};

/* Writes by the writer, as kinds 'p' (the object) and 't' (its status). 0 or -ENOMEM. */
int kube_armor_profiles_new(struct kube_armor_profiles **ret,
                            const struct kube_armor_profiles_parts *parts);
struct kube_armor_profiles *kube_armor_profiles_free(struct kube_armor_profiles *a);
DEFINE_CLEANUP(struct kube_armor_profiles *, kube_armor_profiles_free)

/* The watch begins, or ends and is forgotten. 0 or -ENOMEM. */
int kube_armor_profiles_lead(struct kube_armor_profiles *a, bool leads);

/* The policy's profile is new, different or gone (its object then stays or goes with the policy); or only how nodes
 * and containers stand to it. key: of the store. */
void kube_armor_profiles_touch(struct kube_armor_profiles *a, const char *key);
void kube_armor_profiles_touch_status(struct kube_armor_profiles *a, const char *key);
void kube_armor_profiles_forget(struct kube_armor_profiles *a, const char *key);

/* What the policy's status has to say about its object; NULL: nothing. Borrowed until the next call. */
const char *kube_armor_profiles_warning(const struct kube_armor_profiles *a, const char *key);
