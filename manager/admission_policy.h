/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * May a policy be stored as it is? The answer and its words are those of `varmorctl validate`: what
 * the reader finds, else what the builder says, else that it may not follow what is in force.
 * Services and pods that a policy names may come later: that they are missing is told in its status.
 *
 * Pure: no I/O, no clock, no logging.
 */
#include <jansson.h>

#include "lib/buf.h"

struct profile_store;

#define ADMISSION_MAX_REASONS 16 /* errors, and warnings, that are told of one policy */

struct admission_verdict {
    bool denied;
    bool is_forbidden; /* denied for what is in force, not for what the text says */
    char *message;     /* owned; why: "reason; reason"; NULL if it is not denied */
    json_t *warnings;  /* owned; texts */
};
void admission_verdict_done(struct admission_verdict *v);

/* object: as the API server sent it. 0 or -ENOMEM; *ret is written on success only. */
int admission_judge_policy(struct admission_verdict *ret, const struct profile_store *store,
                           const char *install_namespace, const json_t *object);
