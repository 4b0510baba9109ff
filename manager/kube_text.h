/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Values of objects at the API server, as jansson has them. Each function answers a new reference, or NULL without
 * memory; kube_set() and kube_append() take such an answer and pass a missing one on, so that a whole object can be put
 * together with one check at its end. Pure.
 */
#include "lib/digest.h"
#include "lib/json_value.h"

/* A text of at most max_bytes (more than 3), cut between characters and then ending in "..."; a byte that is not UTF-8
 * becomes '?', as the server refuses it. text NULL: "". */
json_t *kube_text(const char *text, size_t max_bytes);
/* CLOCK_REALTIME as "2026-11-25T09:30:00Z". */
json_t *kube_time(int64_t real_ns);
#define KUBE_DIGEST_TEXT_SIZE (DIGEST_TEXT_SIZE + 7)
/* "sha256:..."; returns text. */
const char *kube_digest_format(const struct digest *d, char text[static KUBE_DIGEST_TEXT_SIZE]);

/* Take value, also on failure. 0 or -ENOMEM: or-ing several results keeps that. */
int kube_set(json_t *object, const char *key, json_t *value);
int kube_append(json_t *array, json_t *value);
/* A member that is a text; "" if there is none. Borrowed. */
const char *kube_get_text(const json_t *object, const char *key);

/* Is resource version a newer than b? They are numbers without leading zeros, which the API promises to be comparable
 * within one resource. "" and NULL are older than any. */
bool kube_version_is_newer(const char *a, const char *b);
