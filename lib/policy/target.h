/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Does a profile's target mean this container? Pure: no I/O, no memory, no logging.
 *
 * docs/targets.md says where the facts about a container come from. All parts of a target that are
 * given must agree. A workload target (Deployment, ...) fits only containers whose workload is
 * known and of that kind; its selector is compared with the container's labels, which stand for
 * those of its workload. A fact that is unknown (NULL) fits only a target that does not ask for it.
 */
#include "lib/profile.h"

struct labels;

/* What is known of one container. Borrowed. */
struct target_subject {
    const char *name_space;         /* of the pod */
    const char *pod_name;           /* NULL: unknown */
    const char *container_name;     /* NULL: unknown */
    enum target_kind workload_kind; /* TARGET_NONE: unknown */
    const char *workload_name;      /* NULL: unknown */
    const struct labels *labels;    /* of the pod; never NULL */
};

bool target_matches(const struct profile_target *target, const struct target_subject *subject);

/* True if any target of the profile matches. */
bool target_any_matches(const struct profile *profile, const struct target_subject *subject);

/* The kind of a text such as "Deployment" (exact case); TARGET_NONE for all else and for NULL. */
enum target_kind target_kind_parse(const char *text);
