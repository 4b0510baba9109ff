/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sets of labels that many objects have in common, kept once: the pods of a Deployment differ in nothing else.
 *
 * Who puts its labels into the pool gets a reference to a set that says the same, and gives it back by
 * labels_pool_release() instead of labels_free(). A set that nobody has any more is forgotten. A balanced tree (libc's
 * tsearch): 32 bytes a set, and labels that are chosen by others cannot make it slow. One thread.
 */
#include "lib/base.h"

struct labels;

struct labels_pool {
    void *tree; /* of struct labels; the pool has a reference to each */
    size_t n;
};

/* Every set must have been released. */
void labels_pool_done(struct labels_pool *p);
/* Gives up *labels for a reference to the set of the pool that says the same; if there is none, *labels becomes it. It
 * must not be put to from then on. 0, or -ENOMEM: as before, and to be freed by labels_free(). */
int labels_pool_share(struct labels_pool *p, struct labels **labels) MUST_CHECK;
/* Gives back a reference that labels_pool_share() handed out. Accepts NULL. */
void labels_pool_release(struct labels_pool *p, struct labels *labels);
