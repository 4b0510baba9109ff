/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_list_protobuf.h"

#include <errno.h>

#include "lib/kube/kube_envelope.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Of runtime.Unknown, and of every list (k8s.io/apimachinery's and k8s.io/api's generated.proto). */
enum { UNKNOWN_RAW = 2, UNKNOWN_CONTENT_ENCODING = 3, LIST_METADATA = 1, LIST_ITEMS = 2 };

#define VARINT_BITS 64

void kube_list_protobuf_init(struct kube_list_protobuf *l, size_t max_object_bytes,
                             const struct kube_list_protobuf_events *events)
{
    *l = (struct kube_list_protobuf){.max_object_bytes = max_object_bytes, .events = *events};
}

void kube_list_protobuf_done(struct kube_list_protobuf *l)
{
    buf_done(&l->captured);
}

bool kube_list_protobuf_is_complete(const struct kube_list_protobuf *l)
{
    return l->has_list && !l->is_inside && l->state == KUBE_LIST_TAG && l->n_bits == 0;
}

/* A byte of a varint. 1: it is complete, in number; 0: it goes on; -EBADMSG. */
static int take_varint(struct kube_list_protobuf *l, uint8_t byte)
{
    const uint64_t bits = byte & 0x7f;

    if (l->n_bits >= VARINT_BITS || (l->n_bits == 63 && bits > 1))
        return -EBADMSG;
    if (l->n_bits == 0)
        l->number = 0;
    l->number |= bits << l->n_bits;
    l->n_bits += 7;
    if (byte & 0x80)
        return 0;
    l->n_bits = 0;
    return 1;
}

static void skip(struct kube_list_protobuf *l, uint64_t n_bytes)
{
    l->left = n_bytes;
    l->state = n_bytes > 0 ? KUBE_LIST_SKIPPED : KUBE_LIST_TAG;
}

static int begin_field(struct kube_list_protobuf *l)
{
    l->field = l->number >> 3;
    if (l->field == 0)
        return -EBADMSG;
    switch (l->number & 7) {
    case WIRE_VARINT:
        l->state = KUBE_LIST_VARINT;
        return 0;
    case WIRE_FIXED64:
        skip(l, 8);
        return 0;
    case WIRE_FIXED32:
        skip(l, 4);
        return 0;
    case WIRE_BYTES:
        l->state = KUBE_LIST_LENGTH;
        return 0;
    default:
        return -EBADMSG;
    }
}

static int end_field(struct kube_list_protobuf *l)
{
    l->state = KUBE_LIST_TAG;
    if (l->field == LIST_ITEMS)
        return l->events.item(l->captured.data, l->captured.len, l->is_cut, l->events.data);
    if (l->is_cut)
        return -EBADMSG; /* nothing that is looked for there is so long */
    return l->events.list_meta(l->captured.data, l->captured.len, l->events.data);
}

/* The length of a field of bytes is known. */
static int begin_bytes(struct kube_list_protobuf *l)
{
    const uint64_t len = l->number;

    if (l->is_inside && len > l->inside)
        return -EBADMSG;
    if (!l->is_inside && l->field == UNKNOWN_RAW) {
        if (l->has_list)
            return -EBADMSG;
        l->has_list = true;
        l->is_inside = len > 0;
        l->inside = len;
        l->state = KUBE_LIST_TAG;
        return 0;
    }
    if (!l->is_inside && l->field == UNKNOWN_CONTENT_ENCODING && len > 0)
        return -EBADMSG; /* not agreed upon */
    if (!l->is_inside || (l->field != LIST_ITEMS && l->field != LIST_METADATA)) {
        skip(l, len);
        return 0;
    }
    buf_clear(&l->captured);
    l->captured.max = l->field == LIST_ITEMS ? l->max_object_bytes : KUBE_LIST_META_MAX_BYTES;
    l->is_cut = len > l->captured.max;
    l->left = len;
    l->state = KUBE_LIST_BYTES;
    return len == 0 ? end_field(l) : 0;
}

/* One byte that stands for itself. */
static int take_byte(struct kube_list_protobuf *l, uint8_t byte)
{
    int r;

    if (l->state == KUBE_LIST_MAGIC) {
        if (byte != kube_envelope_magic[l->n_magic++])
            return -EBADMSG;
        if (l->n_magic == KUBE_ENVELOPE_MAGIC_LEN)
            l->state = KUBE_LIST_TAG;
        return 0;
    }
    r = take_varint(l, byte);
    if (r <= 0)
        return r;
    if (l->state == KUBE_LIST_TAG)
        return begin_field(l);
    if (l->state == KUBE_LIST_LENGTH)
        return begin_bytes(l);
    l->state = KUBE_LIST_TAG;
    return 0;
}

/* Bytes of a field, at most len; says how many. */
static int take_bytes(struct kube_list_protobuf *l, const uint8_t *data, size_t len, size_t *ret)
{
    const size_t n = (size_t)MIN(l->left, (uint64_t)len);
    const size_t wanted = MIN(n, l->captured.max - MIN(l->captured.len, l->captured.max));
    int r = 0;

    if (l->state == KUBE_LIST_BYTES && wanted > 0)
        r = buf_add(&l->captured, data, wanted);
    l->left -= n;
    *ret = n;
    if (r < 0 || l->left > 0)
        return r;
    if (l->state == KUBE_LIST_BYTES)
        return end_field(l);
    l->state = KUBE_LIST_TAG;
    return 0;
}

int kube_list_protobuf_feed(struct kube_list_protobuf *l, const uint8_t *data, size_t len)
{
    int r = 0;

    while (r == 0 && len > 0) {
        const bool was_inside = l->is_inside;
        size_t n = 1;

        if (l->state == KUBE_LIST_BYTES || l->state == KUBE_LIST_SKIPPED)
            r = take_bytes(l, data, len, &n);
        else
            r = take_byte(l, *data);
        data += n;
        len -= n;
        if (r < 0 || !was_inside)
            continue;
        if (n > l->inside)
            return -EBADMSG;
        l->inside -= n;
        if (l->inside > 0)
            continue;
        /* The list's last byte: only whole fields may end there. */
        if (l->state != KUBE_LIST_TAG || l->n_bits != 0)
            return -EBADMSG;
        l->is_inside = false;
    }
    return r;
}
