/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is to be changed of a workload that stood there before a policy came, or after it went: a JSON Patch (RFC 6902)
 * of its pod template, after which Kubernetes rolls it out.
 *
 * 1. For policies that came it is what admission would make of the object, nothing else; one that admission would leave
 *    as it is, is left alone, however often it is asked about.
 * 2. For profiles whose policies went, the values that name them are taken out: annotations, fields, and the
 *    AppArmor "unconfined" that BPF-exclusive mode wrote beside them. What users wrote themselves stays, and so does
 *    seccomp's RuntimeDefault, of which nobody can tell who wrote it. Then admission says what other policies want.
 * 3. The patch states the resource version that it was made from: whatever else was changed meanwhile is a conflict.
 *
 * Pure: no I/O, no clock, no logging.
 */
#include <jansson.h>

#include "lib/profile.h"
#include "manager/admission_review.h"

struct map;

#define KUBE_RESTARTED_KEY "controller.varmor.org/restartedAt" /* in the template */

struct kube_restart_facts {
    const struct admission_facts *admission;
    const char *match_label; /* KEY=VALUE of workloads that policies may restart; "": all */
    const struct map *gone;  /* names of profiles whose policies went; values are not looked at */
    /* May workloads be restarted for this policy? */
    bool (*is_new)(const struct stored_policy *p, void *data);
    void *data;
};

/* object: as the API server has it; what is taken out is taken out of it too. *ret_patch: owned by the caller; NULL:
 * nothing to do. 0, -ENOMEM, or -EINVAL with *reterr (it is no such workload, or has too many containers). */
int kube_restart_plan(json_t **ret_patch, const struct kube_restart_facts *facts,
                      enum target_kind kind, json_t *object, struct error **reterr);

/* Does the template of an object still name one of these profiles? */
bool kube_restart_names(const json_t *object, const struct map *gone);
