/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From an object that is admitted and the policies that mean it to a JSON Patch (RFC 6902) that
 * makes its containers name their profiles: annotations for the agent and for people, fields (or the
 * old annotation) for the container runtime.
 *
 * Invariants
 * 1. Applied once or twice, the object is the same: what is already so is not patched, and where
 *    nothing is to be done there is no patch, not even a time.
 * 2. Only entries of `containers` are touched, never init or ephemeral containers.
 * 3. What users say themselves stays: "unconfined" opts a container out of an enforcer, and a
 *    Localhost profile of their own is kept. Names that begin with ADMISSION_OWN_PREFIX are
 *    varmor's. The runtime's default gives way to a policy's profile, which denies more; that is
 *    told in a warning.
 * 4. With bpf_exclusive, a container of a policy without AppArmor is freed of the AppArmor profile
 *    that the runtime would choose; the value ANNOTATION_LIFTED says that it was varmor that wrote
 *    "unconfined", so that it is not taken for a user's word later.
 *
 * docs/targets.md tells users. Pure: no I/O, no clock, no logging.
 */
#include <jansson.h>

#include "lib/buf.h"
#include "lib/policy/annotations.h"
#include "manager/admission_match.h"

#define ADMISSION_MUTATED_KEY "webhook.varmor.org/mutatedAt"
#define ADMISSION_OWN_PREFIX  "varmor-"

/* Containers of one object; a pod with more does not fit into etcd once it has a status. */
#define ADMISSION_MAX_CONTAINERS 2048
#define ADMISSION_MAX_WARNINGS   16

struct admission_settings {
    bool apparmor_fields; /* the API server has securityContext.appArmorProfile (1.30 and later) */
    bool bpf_exclusive;
    int64_t now_ns; /* CLOCK_REALTIME */
};

struct admission_patch {
    json_t *operations; /* owned; an array; NULL: nothing to do */
    json_t *warnings;   /* owned; an array of texts, perhaps empty */
};
void admission_patch_done(struct admission_patch *p);

/* Appends a member's name to a JSON pointer (RFC 6901), escaped. 0, -E2BIG or -ENOMEM. */
int admission_pointer_add(struct buf *path, const char *text) MUST_CHECK;

/* object: a Deployment, StatefulSet, DaemonSet or Pod, as subject->kind says. 0, -ENOMEM, or
 * -EINVAL with *reterr: it is not shaped like one, or has too many containers. *ret is written on
 * success only. */
int admission_patch(struct admission_patch *ret, const json_t *object,
                    const struct admission_subject *subject,
                    const struct admission_candidates *candidates,
                    const struct admission_settings *settings, struct error **reterr);
