/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The policies of an API server, for a receiver as source.h describes it: each is read by the very reader of files, and
 * told when the lists that it needs have been read.
 *
 * Invariants
 * 1. A text that is refused, or waits, leaves the one before in force; a policy that was deleted and made again under its
 *    name (another uid) is another policy: the one before is withdrawn at once.
 * 2. A change that leaves spec and labels as they are (the status that we write) is not told.
 *
 * No I/O, no logging.
 */
#include "lib/error.h"

struct kube_policy;
struct map;
struct source_handler;
struct watched_policies; /* opaque */

/* The lists that policies may need. */
enum {
    WATCHED_NEEDS_SERVICES = 1, /* Services and EndpointSlices */
    WATCHED_NEEDS_PODS = 2,
};

/* Who wants each version of an object, also of those that are refused and those that change nothing for us. key:
 * "VarmorPolicy/shop/web". Not called inside of calls of the source's handler. */
struct watched_policies_handler {
    void (*seen)(const char *key, const struct kube_policy *policy, const uint8_t *json, size_t len,
                 void *data);
    void (*gone)(const char *key, const struct kube_policy *policy, void *data);
};

/* Both handlers must outlive it; handler may be NULL. NULL: no memory. */
struct watched_policies *watched_policies_new(const struct source_handler *source,
                                              void *source_data,
                                              const struct watched_policies_handler *handler,
                                              void *data);
struct watched_policies *watched_policies_free(struct watched_policies *ps); /* tells nothing */
DEFINE_CLEANUP(struct watched_policies *, watched_policies_free)

/* The policy of a watch's key ("shop/web"; "base" of a cluster policy) as of now. Its findings are told at once, the
 * policy by watched_policies_tell(). 0; -ENOMEM or -EBADMSG with *reterr: it is as it was. */
int watched_policies_put(struct watched_policies *ps, bool cluster, const char *watch_key,
                         const uint8_t *json, size_t len, struct error **reterr);
/* It is gone: told at once. True if it was there. */
bool watched_policies_drop(struct watched_policies *ps, bool cluster, const char *watch_key);

/* What the newest texts need. */
unsigned watched_policies_needs(const struct watched_policies *ps);
/* Tells the policies that need no more than these lists, and have not been told. */
void watched_policies_tell(struct watched_policies *ps, unsigned lists);

size_t watched_policies_count(const struct watched_policies *ps, bool cluster);
/* "VarmorPolicy/shop/web" -> struct kube_policy, borrowed. */
const struct map *watched_policies_all(const struct watched_policies *ps);
