/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The status of a policy object as it should stand at the API server: contract.md 1.4 and what is ours (per-enforcer
 * counts, failed nodes by name, warnings, the digest, and which generation was judged).
 *
 * It is made from what this process knows and from the status that stands there. From the latter come the times of
 * conditions whose status is the same, and whether the policy has been accepted before: so a manager that starts anew,
 * which knows nothing of the past, arrives at the very status that the one before has written. Pure.
 */
#include "manager/kube_text.h"

struct nodes;
struct policy_status;
struct stored_policy;

/* Ceilings of what is written; more is counted. */
#define KUBE_STATUS_MAX_FAILURES 16
#define KUBE_STATUS_MAX_WARNINGS 16
#define KUBE_STATUS_MAX_MESSAGE  4096 /* bytes of a condition's message */
#define KUBE_STATUS_MAX_LINE     1024 /* bytes of a failure's or warning's text */

struct kube_status_facts {
    const struct stored_policy
        *policy; /* NULL: no text of it could ever be read; there is a problem */
    const struct policy_status *status; /* NULL: not known yet */
    const struct nodes *nodes;
    const char *problem;        /* why the newest text cannot be read; NULL: it can */
    int64_t problem_generation; /* of that text */
    const char *warning;        /* one more, of the writer of ArmorProfiles; NULL: none */
    int64_t now_ns;             /* CLOCK_REALTIME */
};

/* before: the status that stands there; NULL: none. A new reference; NULL: no memory. */
json_t *kube_status_json(const struct kube_status_facts *facts, const json_t *before);

/* The condition of a type in a status; NULL: there is none. Borrowed. */
const json_t *kube_status_condition(const json_t *status, const char *type);
bool kube_status_condition_is(const json_t *condition, const char *status);
