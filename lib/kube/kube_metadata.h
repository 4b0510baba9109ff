/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What every Kubernetes object says of itself, as far as it takes to know which object it is, and in which version. The
 * rest of the object is its readers' business. Pure.
 */
#include "lib/base.h"

#define KUBE_NAME_MAX    253 /* bytes of a name or namespace; API servers take no longer one */
#define KUBE_KEY_MAX     (2 * KUBE_NAME_MAX + 1)
#define KUBE_VERSION_MAX 63 /* of a resourceVersion; they are numbers of 64 bits */
#define KUBE_METADATA_MAX_BYTES                                                                    \
    (2u << 20) /* of metadata as JSON; API servers take objects of 1.5 MiB */

/* A value; "" where the object says nothing. */
struct kube_metadata {
    char name_space[KUBE_NAME_MAX + 1];
    char name[KUBE_NAME_MAX + 1];
    char version[KUBE_VERSION_MAX + 1];
};

/* Of an object as JSON. is_cut: data is only its beginning, which is enough if the metadata is in it. 0, -EBADMSG (not
 * JSON, no metadata, or texts that are too long) or -ENOMEM. */
int kube_metadata_json(struct kube_metadata *ret, const uint8_t *data, size_t len, bool is_cut);
/* Of an object as protobuf, without an envelope. As above, but for -ENOMEM. */
int kube_metadata_protobuf(struct kube_metadata *ret, const uint8_t *data, size_t len, bool is_cut);

/* Takes one text of an object over: ret has room for max bytes and a NUL. 0, or -EBADMSG (longer, or with a NUL). */
int kube_metadata_text(char *ret, size_t max, const void *text, size_t len);

/* "namespace/name", or "name" of what is in no namespace. */
void kube_metadata_key(char key[static KUBE_KEY_MAX + 1], const struct kube_metadata *m);
