/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Leads by a Lease of the API server (lease_election.h has the rules): reads and renews it on the loop, and tells when
 * this process begins and ceases to lead.
 *
 * lost() may come late: a process that was stopped runs its timers only when it goes on. So whoever writes as the
 * leader asks kube_lease_holds() at once before each write; that answer rests on the clock of the call.
 */
#include "lib/error.h"

struct kube_client;
struct kube_lease; /* opaque */
struct lease_place;
struct loop;

struct kube_lease_events {
    void (*gained)(void *data);
    /* holder: who leads as far as is known; "". */
    void (*lost)(const char *holder, void *data);
    /* Somebody else is seen to lead, or no longer so. NULL: nobody wants to know. That nobody can be seen (the server is
     * away) changes nothing. */
    void (*led)(bool by_another, void *data);
    /* The lease cannot be read or renewed at present (why), or can again (NULL). It goes on trying. */
    void (*trouble)(const char *why, void *data);
    void *data;
};

/* Starts at once. identity: of this process alone, at most LEASE_HOLDER_MAX bytes; texts are copied, loop and client
 * borrowed. 0 or -ENOMEM. */
int kube_lease_new(struct kube_lease **ret, struct loop *loop, struct kube_client *client,
                   const struct lease_place *place, const char *identity,
                   const struct kube_lease_events *events);
/* Does not give the lease up: it runs out. Calls nothing. */
struct kube_lease *kube_lease_free(struct kube_lease *l); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_lease *, kube_lease_free)

bool kube_lease_holds(const struct kube_lease *l);

/* Gives the lease up, so that another may lead at once; from now on it is not held, and no event comes any more. Call
 * it after the last write of the leader has ended. done(data) runs once, at the latest after
 * KUBE_LEASE_RELEASE_NS, never inside. */
#define KUBE_LEASE_RELEASE_NS (2 * NS_PER_SEC)
void kube_lease_release(struct kube_lease *l, void (*done)(void *data), void *data);
