/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * All objects of one resource, kept up to date: a list in pages, then a watch with bookmarks that is resumed where it
 * broke off; after 410 (too old) or an answer that makes no sense the list is read again, and only differences are told,
 * so that a restart of the watch changes nothing in its owner's memory.
 *
 * The watcher keeps no objects: for each it keeps its key and a hash of its resource version (kube_versions.h), which is
 * what it takes to tell after a new list what has gone. It goes on trying for ever: delays between attempts double up to
 * a minute, with jitter; what the server asks for (Retry-After) is honoured. A watch is renewed after 5 to 10 minutes,
 * so that many watchers of one server do not renew theirs at the same time.
 *
 * An object that cannot be kept (max_object_bytes, max_objects) is a trouble of its own, told once for each time that it
 * is met; what its owner was told of it before, stays.
 */
#include "lib/kube/kube_client.h"

struct kube_watch; /* opaque */

#define KUBE_WATCH_PAGE_SIZE 500 /* objects */

struct kube_watch_settings {
    const char *path;  /* "/apis/crd.varmor.org/v1beta1/varmorpolicies" (kube_path.h) */
    const char *query; /* further parameters, escaped: "labelSelector=..."; NULL: none */
    const char
        *accept; /* NULL: application/json; else that or application/vnd.kubernetes.protobuf */
    unsigned page_size;      /* 0: KUBE_WATCH_PAGE_SIZE */
    size_t max_object_bytes; /* a larger object is told as a problem and left out */
    size_t max_objects;
};
struct kube_watch_events {
    /* A new or changed object, as the server encoded it: protobuf without its envelope; items of a list in JSON have
     * neither kind nor apiVersion where the kind is Kubernetes' own. key is "namespace/name" or "name". */
    void (*put)(const char *key, const uint8_t *object, size_t len, void *data);
    void (*dropped)(const char *key, void *data);
    /* Everything that there was has been told; again after each new list. */
    void (*listed)(void *data);
    /* Cannot be read at present (reason; again when the reason is another one), or can again (NULL). */
    void (*trouble)(const char *reason, void *data);
    void *data;
};
/* Copies settings and events; borrows loop and client. 0 or -ENOMEM. Starts at once; no event inside. */
int kube_watch_new(struct kube_watch **ret, struct loop *loop, struct kube_client *client,
                   const struct kube_watch_settings *settings,
                   const struct kube_watch_events *events);
/* Also inside an event; none comes afterwards. Before its client goes. */
struct kube_watch *kube_watch_free(struct kube_watch *w);
DEFINE_CLEANUP(struct kube_watch *, kube_watch_free)

size_t kube_watch_size(const struct kube_watch *w);    /* objects that are known */
bool kube_watch_is_listed(const struct kube_watch *w); /* listed() has been called */
/* The server's last answer to a list was that this user may not (403). It is asked again all the same. */
bool kube_watch_is_forbidden(const struct kube_watch *w);
