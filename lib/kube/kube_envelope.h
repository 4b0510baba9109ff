/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What Kubernetes puts around each object in its protobuf encoding (application/vnd.kubernetes.protobuf): four bytes
 * that say so, and a runtime.Unknown message with the object's type and its bytes. Nothing is copied. Pure.
 */
#include "lib/rpc/pb_fields.h"

#define KUBE_ENVELOPE_MAGIC_LEN 4
extern const uint8_t kube_envelope_magic[KUBE_ENVELOPE_MAGIC_LEN]; /* "k8s" and a NUL */

struct kube_envelope { /* within the input */
    struct pb_bytes api_version, kind;
    struct pb_bytes object;
};

/* Does it begin like one? */
bool kube_envelope_is(const uint8_t *data, size_t len);
/* 0, or -EBADMSG (no envelope, or one around something that is not plain protobuf). */
int kube_envelope_parse(struct kube_envelope *ret, const uint8_t *data, size_t len);
