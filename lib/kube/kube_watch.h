/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * All objects of one resource, kept up to date: a list in pages, then a watch with bookmarks that is resumed where it
 * broke off; after 410 (too old) or a gap the list is read again, and only differences are told, so that a restart of
 * the watch changes nothing in its owner's memory.
 *
 * The watcher keeps no objects: for each it keeps its key and resource version (a hash), which is what it takes to tell
 * after a new list what has gone. Delays between attempts double up to a minute, with jitter; Retry-After is honoured.
 */
#include "lib/kube/kube_client.h"

struct kube_watch; /* opaque */

struct kube_watch_settings {
    const char *path;        /* "/apis/crd.varmor.org/v1beta1/varmorpolicies" */
    const char *query;       /* further parameters, escaped: "labelSelector=..."; NULL: none */
    const char *accept;      /* NULL: application/json */
    unsigned page_size;      /* 0: 500 */
    size_t max_object_bytes; /* a larger object is told as a problem and left out */
    size_t max_objects;
};
struct kube_watch_events {
    /* A new or changed object, as the server encoded it. key is "namespace/name" or "name". */
    void (*put)(const char *key, const uint8_t *object, size_t len, void *data);
    void (*dropped)(const char *key, void *data);
    /* Everything that there was has been told; again after each new list. */
    void (*listed)(void *data);
    /* Cannot be read at present (reason), or can again (NULL). It goes on trying for ever. */
    void (*trouble)(const char *reason, void *data);
    void *data;
};
/* 0 or -ENOMEM. Starts at once. */
int kube_watch_new(struct kube_watch **ret, struct loop *loop, struct kube_client *client,
                   const struct kube_watch_settings *settings,
                   const struct kube_watch_events *events);
struct kube_watch *kube_watch_free(struct kube_watch *w);
DEFINE_CLEANUP(struct kube_watch *, kube_watch_free)
