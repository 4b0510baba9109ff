/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a list or a watch answers, taken apart while its bytes come, in either encoding: bytes in, objects out. It holds
 * one object at a time, whatever the answer's length.
 *
 *              JSON                                          application/vnd.kubernetes.protobuf
 *     list     one object with "metadata" and "items"        an envelope around a list (kube_list_protobuf.h)
 *     watch    {"type", "object"} one behind the other       frames (kube_frames.h) of WatchEvent, with an envelope
 *                                                            around each object
 */
#include "lib/buf.h"
#include "lib/kube/kube_metadata.h"
#include "lib/kube/kube_status.h"

#define KUBE_CONTINUE_MAX 16384 /* bytes of a list's continue token; they have 200 */

struct kube_reader; /* opaque */

enum kube_reader_mode { KUBE_READER_LIST, KUBE_READER_WATCH };

enum kube_event_type {
    KUBE_EVENT_OTHER,    /* a word that is not known: newer servers may have more */
    KUBE_EVENT_PUT,      /* an item of a list; ADDED or MODIFIED */
    KUBE_EVENT_DROPPED,  /* DELETED: the object as it was */
    KUBE_EVENT_BOOKMARK, /* nothing but a resource version */
    KUBE_EVENT_ERROR,    /* status says which */
};

/* Good inside the callback. */
struct kube_event {
    enum kube_event_type type;
    const struct kube_metadata *metadata; /* name "": not to be told, as it lies in what was cut */
    const uint8_t *object;                /* as it was encoded, without envelope */
    size_t len;
    bool is_cut;                      /* only the object's beginning: it is too long */
    const struct kube_status *status; /* of KUBE_EVENT_ERROR; else NULL */
};

/* A negative result of event() ends the feeding. 0 or -ENOMEM. */
int kube_reader_new(struct kube_reader **ret, enum kube_reader_mode mode, bool is_protobuf,
                    size_t max_object_bytes, int (*event)(const struct kube_event *e, void *data),
                    void *data);
struct kube_reader *kube_reader_free(struct kube_reader *r); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_reader *, kube_reader_free)

/* 0, -EBADMSG (not what it should be), -ENOMEM, or what event() returned. After a failure only kube_reader_free(). */
int kube_reader_feed(struct kube_reader *r, const uint8_t *data, size_t len) MUST_CHECK;
/* The answer may end here: nothing is half. */
bool kube_reader_is_complete(const struct kube_reader *r);
/* Of a complete list: its resource version, and where it goes on ("": it is the last page). Borrowed. */
const char *kube_reader_version(const struct kube_reader *r);
const char *kube_reader_continue(const struct kube_reader *r);
