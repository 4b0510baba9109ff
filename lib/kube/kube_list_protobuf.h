/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Takes a list in Kubernetes' protobuf encoding apart while its bytes come: the envelope (kube_envelope.h), in it the
 * list, in it one object after the other. Holds one object at a time. Bytes in, objects out.
 */
#include "lib/buf.h"

#define KUBE_LIST_META_MAX_BYTES (64u << 10)

struct kube_list_protobuf_events {
    /* The list's own metadata (ListMeta), and an object as it was encoded. is_cut: only its beginning. A negative result
     * ends the feeding. */
    int (*list_meta)(const uint8_t *data, size_t len, void *data_of_caller);
    int (*item)(const uint8_t *data, size_t len, bool is_cut, void *data_of_caller);
    void *data;
};

enum kube_list_state {
    KUBE_LIST_MAGIC,
    KUBE_LIST_TAG,    /* a field begins, or the message ends */
    KUBE_LIST_LENGTH, /* of a field of bytes */
    KUBE_LIST_BYTES,  /* of a field that is wanted */
    KUBE_LIST_SKIPPED,
    KUBE_LIST_VARINT, /* a number, skipped */
};

/* A plain value; to be given back with kube_list_protobuf_done(). */
struct kube_list_protobuf {
    size_t max_object_bytes;
    struct kube_list_protobuf_events events;
    enum kube_list_state state;
    bool is_inside;  /* in the list; else in the envelope */
    uint64_t inside; /* bytes of the list that have not come */
    uint64_t number; /* a varint that is coming */
    unsigned n_bits; /* of it that have come */
    uint64_t field;  /* the number of the present one */
    uint64_t left;   /* bytes of the field that have not come */
    size_t n_magic;  /* bytes of it that have come */
    bool has_list;   /* it has been seen */
    bool is_cut;
    struct buf captured; /* owned */
};

void kube_list_protobuf_init(struct kube_list_protobuf *l, size_t max_object_bytes,
                             const struct kube_list_protobuf_events *events);
void kube_list_protobuf_done(struct kube_list_protobuf *l);
/* 0, -EBADMSG (no such list), -ENOMEM, or what an event returned. After a failure only kube_list_protobuf_done(). */
int kube_list_protobuf_feed(struct kube_list_protobuf *l, const uint8_t *data,
                            size_t len) MUST_CHECK;
/* It may end here: the list was there, and nothing is half. */
bool kube_list_protobuf_is_complete(const struct kube_list_protobuf *l);
