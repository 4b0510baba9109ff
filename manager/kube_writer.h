/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes objects to the API server, at the pace of write_queue.h, while this process leads.
 *
 * An object is known to its kind by a key. When its turn has come, its kind is asked what is to be written as things
 * stand then: so only the newest is ever written, and nothing if nothing differs. No write names a resource version:
 * each states the whole of the part that is ours, which is right whatever stood there before, and names the uid of the
 * object that it is about, so that it cannot hit another one of the same name.
 *
 * Before each write may_write() is asked, as a process that was stopped may not know yet that another leads.
 */
#include "lib/buf.h"
#include "lib/kube/kube_client.h"
#include "manager/write_queue.h"

struct kube_writer; /* opaque */

/* An ArmorProfile with its texts and what JSON adds to them; the server takes 3 MiB. */
#define KUBE_WRITE_MAX_BYTES (2u << 20)
/* What is answered: the object, with its other part and managedFields. */
#define KUBE_ANSWER_MAX_BYTES  (4u << 20)
#define KUBE_WRITE_DEADLINE_NS (20 * NS_PER_SEC)

#define KUBE_JSON_PATCH        "application/json-patch+json"

#define KUBE_WRITER_RUNNING    16 /* writes at a time */

struct kube_write {
    const char *method;       /* static */
    const char *content_type; /* static */
    char *path;               /* owned */
    char *body;               /* owned; text */
};
void kube_write_done(struct kube_write *w);

/* What the writer asks of one kind of objects. */
struct kube_writer_kind {
    /* What is to be written of this object now. WRITE_DONE: *ret is; WRITE_NOTHING; WRITE_LATER with *ret_delay_ns;
     * WRITE_AGAIN (no memory). */
    enum write_outcome (*make)(const char *key, struct kube_write *ret, uint64_t *ret_delay_ns,
                               void *data);
    /* The answer. WRITE_DONE, or WRITE_AGAIN if it has to be tried again. */
    enum write_outcome (*answered)(const char *key, const struct kube_answer *a, void *data);
    void *data;
};

struct kube_writer_events {
    bool (*may_write)(void *data);
    /* Writes fail (the first reason), or succeed again (NULL). */
    void (*trouble)(const char *key, const char *why, void *data);
    void *data;
};

/* Borrows loop and client. Paused at first. 0 or -ENOMEM. */
int kube_writer_new(struct kube_writer **ret, struct loop *loop, struct kube_client *client,
                    const struct kube_writer_events *events);
struct kube_writer *kube_writer_free(struct kube_writer *w); /* cancels what is under way */
DEFINE_CLEANUP(struct kube_writer *, kube_writer_free)

/* Kinds are told apart by the first letter of their objects' keys, which is that of the kind. Copies kind; once a
 * letter, before the first touch. */
#define KUBE_WRITER_KINDS 5
void kube_writer_add_kind(struct kube_writer *w, char letter, const struct kube_writer_kind *kind);

/* The object may differ from what stands there. Without memory it is left for the next touch, and trouble() tells. */
void kube_writer_touch(struct kube_writer *w, const char *key);
/* The same, for what may wait: it lets what is touched in the next delay_ns go first. */
void kube_writer_touch_later(struct kube_writer *w, const char *key, uint64_t delay_ns);
void kube_writer_drop(struct kube_writer *w, const char *key);

void kube_writer_go(struct kube_writer *w);
/* Cancels what is under way; what was touched stays so. */
void kube_writer_pause(struct kube_writer *w);

struct kube_writer_counts {
    uint64_t n_looked, n_written, n_failed;
    size_t n_waiting;
};
struct kube_writer_counts kube_writer_counts(const struct kube_writer *w);
