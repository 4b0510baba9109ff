/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who leads, among processes that share one Lease object: the rules alone, without clock and network.
 *
 * 1. Nobody takes a lease before its duration has passed since *this process* saw it change for the last time. The
 *    times in the object are written by other machines' clocks and are never compared with ours.
 * 2. A leader acts until ELECTION_RENEW_NS after it *sent* its last renewal that succeeded, whatever happens later.
 *    The others saw that renewal after it was sent, and wait longer: between two leaders lie at least
 *    ELECTION_DURATION_S less ELECTION_RENEW_NS. Whoever acts asks election_leads() with the time of the act, as the
 *    process may have been stopped since it last looked.
 * 3. Every write names the resource version that was read: of two that take at once, the server refuses one.
 *    An object that is deleted by hand is made again by who leads, and by others only when rule 1 lets them; a process
 *    that has never seen it makes it at once. (Whoever deletes it twice within its duration may have two leaders.)
 * 4. The identity is of one process, not of a pod: a restarted process does not take itself for the one before.
 *
 * The times are of a clock that never jumps and also runs while the machine sleeps (CLOCK_BOOTTIME). Pure.
 */
#include "lib/kube/lease_record.h"

#define ELECTION_DURATION_S 15
#define ELECTION_RENEW_NS   (10 * NS_PER_SEC)
#define ELECTION_RETRY_NS   (2 * NS_PER_SEC)

enum election_action {
    ELECTION_READ,   /* the object is to be read */
    ELECTION_CREATE, /* what is to be written is in the record */
    ELECTION_UPDATE,
};

enum election_outcome {
    ELECTION_OK,       /* with the object as it is now */
    ELECTION_ABSENT,   /* there is no such object */
    ELECTION_CONFLICT, /* somebody else has written meanwhile */
    ELECTION_FAILED,   /* not known what became of it */
};

struct election {
    char identity[LEASE_HOLDER_MAX + 1];
    struct lease_record seen; /* version "": not known, or absent; holder: the last one seen */
    uint64_t seen_ns;         /* when it was seen to change for the last time */
    uint64_t held_until_ns;   /* 0: does not lead */
    uint64_t sent_ns;         /* of the request under way */
    uint64_t due_ns;          /* when to ask again what to do */
    bool is_gone;             /* the object was seen once, and is there no more since seen_ns */
    bool may_write;           /* what was seen is fresh enough to be written over */
    bool is_writing;          /* the request under way is a write */
    bool resigned;            /* wants to lead no more */
};

/* identity is copied; at most LEASE_HOLDER_MAX bytes, not empty. */
void election_init(struct election *e, const char *identity);

/* What to ask the server at election_due_ns(); *ret is what to write. Then comes exactly one election_answered(). */
enum election_action election_next(struct election *e, uint64_t now_ns, int64_t real_ns,
                                   struct lease_record *ret);
/* record: of ELECTION_OK; else not looked at. */
void election_answered(struct election *e, enum election_outcome outcome,
                       const struct lease_record *record, uint64_t now_ns);
uint64_t election_due_ns(const struct election *e);

bool election_leads(const struct election *e, uint64_t now_ns);
/* Who holds it as far as was seen; "" if nobody or unknown. */
const char *election_holder(const struct election *e);
/* Leads no more, from now on. True if the object is still ours: *ret is then what to write to give it up. */
bool election_resign(struct election *e, int64_t real_ns, struct lease_record *ret);
