/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One version of a profile on its way into the kernel, through every enforcer that it names.
 *
 * First all prepare it; an enforcer that works elsewhere answers later, and then all is prepared
 * again (what is ready costs nothing). Only if all can, each commits it, in the order of
 * enforcers_kinds, and is asked what the kernel then holds. When one of them fails, those that were
 * committed before it are taken back: nothing is half applied. Enforcers that the version no longer
 * names are left at the very end, when the new ones hold.
 *
 * How it went with each enforcer is kept. Calls the enforcers; no other I/O, no logging.
 */
#include "agent/enforcers.h"
#include "proto/messages.h"

/* How an attempt went with each kind of enforcer. Starts zeroed; may outlive its application. */
struct attempts {
    struct attempt {
        bool tried; /* the profile names this enforcer, or it could not be left */
        bool applied;
        char *reason;                    /* owned; why not; NULL if applied, or without memory */
        struct enforcer_holding holding; /* what was read back; zeroed if not applied */
        int64_t since_ns;                /* CLOCK_REALTIME of the commit */
    } items[ENFORCERS_KINDS];            /* as enforcers_kinds */
};
void attempts_done(struct attempts *a); /* frees; zeroed again */
/* Notes that a kind refused. 0 or -ENOMEM. */
int attempts_note_failure(struct attempts *a, enum enforcer_bit kind, const char *reason);
bool attempts_are_refused(const struct attempts *a); /* by one enforcer at least */
/* As messages say it; returns how many of ret are used. Texts are borrowed. */
size_t attempts_fill(const struct attempts *a,
                     struct msg_enforcer_result ret[static ENFORCERS_KINDS]);

struct application {
    const struct enforcers *enforcers;
    struct profile *profile;  /* borrowed */
    unsigned *held;           /* borrowed: enforcers that hold some version of the profile */
    int64_t now_ns;           /* CLOCK_REALTIME */
    struct attempts attempts; /* owned: how it goes */
    struct enforcer_version *versions[ENFORCERS_KINDS]; /* owned */
};
/* Frees the attempts, and gives back what was prepared and not committed. */
void application_done(struct application *a);

enum application_outcome {
    APPLICATION_DONE,
    APPLICATION_PENDING, /* an enforcer will tell when it is ready; attempts say nothing yet */
    APPLICATION_REFUSED, /* *reterr has the first reason */
};
/* Nothing in the kernel has changed. An enum application_outcome or -ENOMEM. */
int application_prepare(struct application *a, struct error **reterr);
/* DONE, also with *reterr: the version is in force, and an enforcer that it no longer names could
 * not be left (it is tried again with the next application). REFUSED: what was in force before is
 * in force, unless the reason of an enforcer says that it could not be taken back. Or -ENOMEM. */
int application_commit(struct application *a, struct error **reterr);
/* Takes the profile out of the enforcers that it does not name. 0, or the first error with *reterr
 * (the attempts say it too). */
int application_leave(struct application *a, struct error **reterr);

/* True if the kernel holds this very version in every enforcer that the profile names; then the
 * attempts say so. */
bool application_is_held(struct application *a);
