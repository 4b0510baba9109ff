/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * metadata of an object, and the names and selectors that every Kubernetes object spells in the
 * same way. What the API server adds to metadata is accepted and means nothing here, so that
 * `kubectl get -o yaml` is read.
 */
#include "lib/policy/decoder.h"
#include "lib/policy/selector.h"

#define OBJECT_NAME_MAX       253 /* bytes of an object's name: RFC 1123 subdomain */
#define OBJECT_UID_MAX        128 /* bytes of an object's uid; the server's are UUIDs */
#define OBJECT_LABEL_MAX      63  /* bytes of a namespace's or container's name: RFC 1123 label */

#define OBJECT_CONTAINERS_MAX 256 /* names of containers in a target */

struct metadata {
    char *name;            /* owned, like the texts below; NULL: missing or wrong */
    char *name_space;      /* NULL: not given or wrong */
    struct labels *labels; /* NULL: not given */
    char *uid;             /* of an object that an API server keeps; NULL: none */
    int64_t generation;    /* the server's count of the spec's changes; 0: none */
};
void metadata_done(struct metadata *m);
#define CLEANUP_METADATA __attribute__((cleanup(metadata_done)))

/* Into a struct metadata: all of it, and the name and namespace only, of kinds that are read
 * leniently. */
extern const struct schema metadata_schema;
extern const struct schema identity_schema;

/* Texts that must be names. */
extern const struct value_type subdomain_type;
extern const struct value_type dns_label_type;
/* A list of names of containers, into char ** with its count in *also. */
extern const struct value_type dns_labels_type;
/* A map of label keys and values, into struct labels *. */
extern const struct value_type labels_type;
/* A label selector with matchLabels and matchExpressions, into struct selector *. */
extern const struct value_type selector_type;
/* A map of labels that must all be equal (a Service's spec.selector), into struct selector *. */
extern const struct value_type label_map_selector_type;
