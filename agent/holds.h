/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What each enforcer of a profile does for one container: at most one entry for each kind, as
 * messages say it. An enforcer of which nothing is known yet has no entry. Embedded in its owner;
 * starts zeroed. Asks the enforcers; no other I/O, no clock.
 */
#include "agent/enforcers.h"
#include "proto/messages.h"

struct container;

struct holds {
    struct msg_binding_enforcer items[ENFORCERS_KINDS]; /* their texts are owned */
    size_t n;
};
void holds_done(struct holds *h); /* frees; zeroed again */

/* What is known of a kind; NULL: nothing. Borrowed until the next change. */
const struct msg_binding_enforcer *holds_find(const struct holds *h, enum enforcer_bit kind);
/* The first of which it is known that it does not hold the container, though its user has not
 * opted out of it; NULL: there is none. */
const struct msg_binding_enforcer *holds_find_missing(const struct holds *h);

bool holds_any(const struct holds *h); /* one of which it is known that it does */

enum holds_change { HOLDS_SAME, HOLDS_CHANGED };
/* Says how it is now; since_ns is kept while nothing changes. An enum holds_change, or -ENOMEM: then
 * it is as it was. */
int holds_put(struct holds *h, enum enforcer_bit kind, const struct enforcer_hold *now,
              int64_t since_ns) MUST_CHECK;

/* One look at a container under a profile. */
struct holds_look {
    const struct enforcers *enforcers;
    const struct profile *profile;
    const struct container *container;
    unsigned bound;         /* enforcers (bits) that have it bound by its cgroup */
    int64_t bound_since_ns; /* CLOCK_REALTIME, like the next */
    int64_t now_ns;
    bool
        is_patient; /* an enforcer of which nothing is known yet, and which does not hold it, is not
                        noted: its program may be about to be executed */
    bool ret_awaited; /* there is such an enforcer */
};
/* Asks the enforcers that hold a container by its own setting, if its program has begun; of the
 * others it is known. One that the container is opted out of, and that does not hold it, is noted
 * as that at once. Kinds that the profile does not name are forgotten. An enum holds_change or
 * -ENOMEM; look->ret_awaited is set in any case. */
int holds_ask(struct holds *h, struct holds_look *look) MUST_CHECK;
/* Forgets the kinds that are not in the set. */
enum holds_change holds_retain(struct holds *h, unsigned kinds);
