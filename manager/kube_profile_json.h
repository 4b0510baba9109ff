/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ArmorProfile object of a policy: contract.md 1.5, with what is ours (the digest, the rules of the BPF enforcer in
 * words, and how each node stands). It says what is in force; agents get it over their stream and do not read it.
 *
 * An object must fit into etcd's request of 1.5 MiB. Texts of more than KUBE_PROFILE_MAX_TEXT bytes together are left
 * out, and the policy's status has a warning that says so; everything else has a ceiling of its own below. Pure.
 */
#include "manager/kube_text.h"

struct nodes;
struct policy;
struct policy_status;
struct stored_policy;

#define KUBE_GROUP_VERSION    "crd.varmor.org/v1beta1"
#define KUBE_MANAGED_BY_LABEL "app.kubernetes.io/managed-by"
#define KUBE_MANAGED_BY       "varmor"
#define KUBE_FIELD_MANAGER    "varmor-manager"

/* Ceilings of an object, together below 1.5 MiB. */
#define KUBE_PROFILE_MAX_TEXT       (896u << 10) /* bytes of both texts as JSON */
#define KUBE_PROFILE_MAX_RULES      1000
#define KUBE_PROFILE_MAX_RULE       200 /* bytes of one */
#define KUBE_PROFILE_MAX_NODES      500
#define KUBE_PROFILE_MAX_MESSAGE    100 /* bytes of why an enforcer of a node failed */
#define KUBE_PROFILE_MAX_CONDITIONS 100 /* of failed nodes */
#define KUBE_PROFILE_MAX_CONDITION  300 /* bytes of the message of such a condition */

struct kube_profile_facts {
    const struct stored_policy *policy; /* has a profile */
    const struct policy_status *status; /* NULL: not known yet */
    const struct nodes *nodes;
    bool without_texts; /* the server has refused the object as too large */
    int64_t now_ns;     /* CLOCK_REALTIME */
};

/* Parts of the object; new references, NULL: no memory. ret_warning (may be NULL) becomes a text of the caller if texts
 * are left out, else NULL. */
json_t *kube_profile_spec_json(const struct kube_profile_facts *facts, char **ret_warning);
json_t *kube_profile_owners_json(const struct kube_profile_facts *facts);
json_t *
kube_profile_labels_json(const struct kube_profile_facts *facts); /* the policy's, and ours */
/* before: the status that stands there, for the times; NULL: none, or not kept. */
json_t *kube_profile_status_json(const struct kube_profile_facts *facts, const json_t *before);

/* The whole of a new object, with the policy's labels. Takes spec. NULL: no memory. */
json_t *kube_profile_object_json(const struct kube_profile_facts *facts, json_t *spec);

/* A policy's target as the object and the webhook have it. A new reference; NULL: no memory. */
json_t *kube_target_json(const struct policy *policy);
