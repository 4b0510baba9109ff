/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which objects there are, and in which version: just what it takes to tell after a new list which objects are new,
 * changed or gone. A version is a text without an order (resourceVersion), of which a hash of 64 bits is kept: that two
 * versions of one object have the same happens once in 10^19 times.
 *
 * A balanced tree (libc's tsearch): 80 bytes an object with a key of 30, and names that are chosen by others cannot make
 * it slow. Pure.
 */
#include "lib/base.h"

struct kube_versions; /* opaque */

/* max_objects: its ceiling. NULL when memory runs out. */
struct kube_versions *kube_versions_new(size_t max_objects);
struct kube_versions *kube_versions_free(struct kube_versions *v); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_versions *, kube_versions_free)

enum kube_version_change { KUBE_VERSION_SAME, KUBE_VERSION_NEW, KUBE_VERSION_CHANGED };

/* The object is there, in this version. An enum kube_version_change, -E2BIG (max_objects) or -ENOMEM. */
int kube_versions_put(struct kube_versions *v, const char *key, const char *version) MUST_CHECK;
/* The object is gone. True if it was there. */
bool kube_versions_drop(struct kube_versions *v, const char *key);
size_t kube_versions_size(const struct kube_versions *v);

/* A list begins: objects are put as they come, and at its end those that were not put since are dropped, each told
 * (key is good inside dropped() only, which may not change v). A list that began and did not end is without effect:
 * another may begin. */
void kube_versions_list_begin(struct kube_versions *v);
/* 0, or -ENOMEM: nothing was dropped. */
int kube_versions_list_end(struct kube_versions *v, void (*dropped)(const char *key, void *data),
                           void *data) MUST_CHECK;
