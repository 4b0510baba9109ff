/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An AdmissionReview (admission.k8s.io/v1) in, one out: bytes to bytes.
 *
 * Invariants
 * 1. A workload or pod is always allowed. Whatever is odd about it becomes a warning, never a refusal.
 * 2. A policy is refused if it could not become a profile; one that is about to go, or whose spec an
 *    update leaves as it is, is let through whatever it says.
 * 3. The manager's and the agent's own pods are never patched.
 *
 * Pure: no I/O, no clock, no logging.
 */
#include "lib/buf.h"
#include "manager/admission_patch.h"

struct labels;
struct profile_store;

/* What is read; the API server sends objects of at most 3 MiB, two of them for an update. */
#define ADMISSION_MAX_BYTES (8u << 20)

enum admission_question { ADMISSION_MUTATE, ADMISSION_VALIDATE };

struct admission_facts {
    const struct profile_store *store;
    const char *install_namespace;
    struct admission_settings settings;
};

/* Is it a workload or pod of varmor itself, which is never patched? */
bool admission_is_own(const struct admission_facts *facts, const char *name_space,
                      const json_t *object);
/* Takes metadata.labels of an object into labels. 0, -ENOMEM, or -E2BIG. */
int admission_read_labels(struct labels *labels, const json_t *object) MUST_CHECK;

/* What came of a review, for logs and counters. */
struct admission_outcome {
    const char *kind,
        *operation; /* "Deployment", "CREATE"; "": none that is patched or judged; static */
    bool denied;
    unsigned n_operations;
    char *about; /* owned; "Deployment shop/web"; NULL: nothing was done */
};
void admission_outcome_done(struct admission_outcome *o);

/* The HTTP status of the answer: 200 with the answer in out, 400 (empty), 417 (no AdmissionReview);
 * or -ENOMEM, or -E2BIG (it does not fit into out). ret_outcome is to be given back in any case. */
int admission_review_answer(const struct admission_facts *facts, enum admission_question question,
                            const void *body, size_t len, struct buf *out,
                            struct admission_outcome *ret_outcome);
