/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_envelope.h"

#include <errno.h>
#include <string.h>

/* Numbers of runtime.Unknown and TypeMeta (k8s.io/apimachinery/pkg/runtime/generated.proto). */
enum {
    UNKNOWN_TYPE = 1,
    UNKNOWN_RAW = 2,
    UNKNOWN_CONTENT_ENCODING = 3,
    TYPE_API_VERSION = 1,
    TYPE_KIND = 2,
};

const uint8_t kube_envelope_magic[KUBE_ENVELOPE_MAGIC_LEN] = {'k', '8', 's', 0};

bool kube_envelope_is(const uint8_t *data, size_t len)
{
    return len >= KUBE_ENVELOPE_MAGIC_LEN &&
           memcmp(data, kube_envelope_magic, KUBE_ENVELOPE_MAGIC_LEN) == 0;
}

static int parse_type(struct kube_envelope *ret, struct pb_bytes rest)
{
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (f.number == TYPE_API_VERSION && f.is_bytes)
            ret->api_version = f.bytes;
        else if (f.number == TYPE_KIND && f.is_bytes)
            ret->kind = f.bytes;
    }
    return r;
}

int kube_envelope_parse(struct kube_envelope *ret, const uint8_t *data, size_t len)
{
    struct kube_envelope envelope = {0};
    struct pb_bytes rest;
    struct pb_field f;
    int r;

    if (!kube_envelope_is(data, len))
        return -EBADMSG;
    rest = (struct pb_bytes){data + KUBE_ENVELOPE_MAGIC_LEN, len - KUBE_ENVELOPE_MAGIC_LEN};
    while ((r = pb_fields_next(&rest, &f)) == PB_FIELDS_ONE) {
        if (!f.is_bytes)
            continue;
        if (f.number == UNKNOWN_TYPE && parse_type(&envelope, f.bytes) < 0)
            return -EBADMSG;
        if (f.number == UNKNOWN_RAW)
            envelope.object = f.bytes;
        if (f.number == UNKNOWN_CONTENT_ENCODING && f.bytes.len > 0)
            return -EBADMSG; /* compressed, or whatever may come: not agreed upon */
    }
    if (r < 0)
        return r;
    *ret = envelope;
    return 0;
}
