/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Labels and label selectors, as Kubernetes defines them (apimachinery LabelSelector: matchLabels
 * and matchExpressions, all AND-ed; an empty selector matches everything).
 */
#include "lib/error.h"

struct labels; /* a set of key/value texts, each key once; sorted by key */

struct labels *labels_new(void);              /* one reference; NULL: no memory */
struct labels *labels_ref(struct labels *l);  /* another; a set with several must not be put to */
struct labels *labels_free(struct labels *l); /* gives one up */
unsigned labels_refs(const struct labels *l);
DEFINE_CLEANUP(struct labels *, labels_free)
/* Copies both; replaces a value that was there. 0, -ENOMEM or -E2BIG (LABELS_MAX). */
#define LABELS_MAX 4096
int labels_put(struct labels *l, const char *key, const char *value) MUST_CHECK;
const char *labels_get(const struct labels *l, const char *key); /* NULL if absent; borrowed */
size_t labels_size(const struct labels *l);
const char *labels_key(const struct labels *l, size_t i); /* in order */
const char *labels_value(const struct labels *l, size_t i);
bool labels_equal(const struct labels *a, const struct labels *b); /* none (NULL) is empty */
struct labels *labels_copy(const struct labels *l);                /* NULL: no memory */
/* A copy in one piece of memory, for who keeps many: it must not be put to. NULL: no memory. */
struct labels *labels_pack(const struct labels *l);

#define LABEL_NAME_MAX   63  /* bytes of a name or a value (RFC 1123 label) */
#define LABEL_PREFIX_MAX 253 /* bytes of a key's prefix (DNS name) */
/* The same as regular expressions, without the lengths. */
#define LABEL_VALUE_PATTERN "^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$"
#define LABEL_KEY_PATTERN                                                                          \
    "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$"

/* The syntax of a key ("app", "example.com/app") and of a value (may be empty). 0, or -EINVAL with
 * *reterr. */
int label_key_check(const char *key, struct error **reterr);
int label_value_check(const char *value, struct error **reterr);

enum selector_operator { SELECTOR_IN, SELECTOR_NOT_IN, SELECTOR_EXISTS, SELECTOR_DOES_NOT_EXIST };

/* Opaque. Requirements are sorted by key, then text, each once: equal sets are equal texts. */
struct selector;
struct selector *selector_new(void); /* matches everything; NULL: no memory */
struct selector *selector_free(struct selector *s);
DEFINE_CLEANUP(struct selector *, selector_free)
struct selector *selector_copy(const struct selector *s);

/* Adds a requirement; copies. 0, -ENOMEM, -E2BIG (SELECTOR_MAX_REQUIREMENTS), or -EINVAL with
 * *reterr: not a label key or value (syntax of RFC 1123 names, 63 bytes, prefix 253), In/NotIn
 * without values, or Exists/DoesNotExist with values. */
#define SELECTOR_MAX_REQUIREMENTS 1024
#define SELECTOR_MAX_EXPRESSIONS  64  /* of them in matchExpressions */
#define SELECTOR_MAX_VALUES       256 /* of an expression in a policy */
int selector_add(struct selector *s, const char *key, enum selector_operator op,
                 const char *const *values, size_t n_values, struct error **reterr);
/* No selector (NULL) matches all. */
bool selector_match(const struct selector *s, const struct labels *l);

size_t selector_size(const struct selector *s);
/* Requirement i, borrowed. */
void selector_get(const struct selector *s, size_t i, const char **ret_key,
                  enum selector_operator *ret_op, const char *const **ret_values,
                  size_t *ret_n_values);
/* Canonical text in kubectl's syntax ("app in (a,b),tier=web,!x"); the selector's, never NULL. */
const char *selector_text(const struct selector *s);
