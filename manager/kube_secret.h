/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A Secret of the API server: texts out of its data, and data made of texts. Pure. What passes through
 * here is wiped; the client wipes the request and the answer.
 */
#include "lib/error.h"

#define KUBE_SECRET_MAX_BYTES (2u << 20) /* of the object; Kubernetes allows 1 MiB of data */

struct kube_secret_item {
    const char *key;  /* borrowed */
    const char *text; /* borrowed */
};

/* The texts of keys, in their order, and the resource version; "" for what is not there or no text.
 * 0 (each ret_texts[i] and *ret_version are owned by the caller; give texts back with
 * kube_secret_text_free()), -ENOMEM, or -EBADMSG (no Secret). */
int kube_secret_read(const void *object, size_t len, const char *const *keys, size_t n_keys,
                     char **ret_texts, char **ret_version);
void kube_secret_text_free(char *text); /* wipes; accepts NULL */

/* What a Secret is to be. */
struct kube_secret {
    const char *name;
    const char *type;       /* "Opaque", "kubernetes.io/tls" */
    const char *version;    /* that it must still have; NULL: it is new */
    const char *owners;     /* JSON of metadata.ownerReferences; NULL or "[]": nobody */
    const char *annotation; /* a key whose value is "true"; NULL: none */
    const struct kube_secret_item *items;
    size_t n_items;
};
/* The object as JSON, for POST; with a version for PATCH (merge). *ret is owned by the caller; give it
 * back with kube_secret_text_free(). 0, -E2BIG or -ENOMEM. */
int kube_secret_format(char **ret, const struct kube_secret *secret);
