/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/application.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- how it went ---- */

void attempts_done(struct attempts *a)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++)
        free(a->items[i].reason);
    *a = (struct attempts){0};
}

static int note_failure(struct attempt *a, const char *reason)
{
    free(a->reason);
    a->applied = false;
    a->holding = (struct enforcer_holding){0};
    a->since_ns = 0;
    a->reason = strdup(reason);
    return a->reason ? 0 : -ENOMEM;
}

int attempts_note_failure(struct attempts *a, enum enforcer_bit kind, const char *reason)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        if (enforcers_kinds[i] == kind) {
            a->items[i].tried = true;
            return note_failure(&a->items[i], reason);
        }
    }
    return 0;
}

bool attempts_are_refused(const struct attempts *a)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++)
        if (a->items[i].tried && !a->items[i].applied)
            return true;
    return false;
}

static const char *reason_of(const struct attempt *a)
{
    if (a->reason)
        return a->reason;
    return a->applied ? "" : "no memory";
}

size_t attempts_fill(const struct attempts *a,
                     struct msg_enforcer_result ret[static ENFORCERS_KINDS])
{
    size_t n = 0;

    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        const struct attempt *one = &a->items[i];

        if (one->tried)
            ret[n++] = (struct msg_enforcer_result){
                .enforcer = enforcers_kinds[i],
                .applied = one->applied,
                .reason = reason_of(one),
                .image_digest = one->holding.image_digest,
                .since_ns = one->since_ns,
                .mode = one->holding.mode,
                .policy_hash = one->holding.policy_hash,
            };
    }
    return n;
}

void application_done(struct application *a)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        const struct node_enforcer *ne =
            a->versions[i] ? enforcers_find(a->enforcers, enforcers_kinds[i]) : NULL;

        if (ne)
            ne->enforcer->ops->discard(ne->enforcer, a->versions[i]);
        a->versions[i] = NULL;
    }
    attempts_done(&a->attempts);
}

/* ---- preparing ---- */

/* 0, or -EOPNOTSUPP with *reterr. */
static int check_usable(const struct application *a, size_t i, struct error **reterr)
{
    const struct node_enforcer *ne = enforcers_find(a->enforcers, enforcers_kinds[i]);

    if (!ne)
        return error_set(reterr, -EOPNOTSUPP, "this version of the agent has no %s enforcer",
                         enforcer_set_name(enforcers_kinds[i]));
    if (!ne->facts->usable)
        return error_set(reterr, -EOPNOTSUPP, "%s enforcer: %s", ne->enforcer->ops->name,
                         ne->facts->reason);
    return 0;
}

/* 0, -EINPROGRESS, or another negative errno with *reterr that names the enforcer. */
static int prepare_one(struct application *a, size_t i, struct error **reterr)
{
    struct enforcer *e = enforcers_find(a->enforcers, enforcers_kinds[i])->enforcer;
    int r = e->ops->prepare(e, a->profile, &a->versions[i], reterr);

    return r < 0 && r != -EINPROGRESS ? error_wrap(reterr, r, "%s enforcer", e->ops->name) : r;
}

/* "WHAT, as another enforcer of this profile failed: WHY". */
static int note_consequence(struct attempt *a, const char *what, const char *why)
{
    CLEANUP_FREE char *reason = NULL;

    if (asprintf(&reason, "%s, as another enforcer of this profile failed: %s", what, why) < 0) {
        reason = NULL;
        return -ENOMEM;
    }
    return note_failure(a, reason);
}

/* The enforcers of which nothing is known yet stay out, because another one of the profile refuses.
 * REFUSED or -ENOMEM. */
static int leave_out_others(struct application *a, const char *why)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        struct attempt *attempt = &a->attempts.items[i];

        if (attempt->tried && !attempt->reason && note_consequence(attempt, "left out", why) < 0)
            return -ENOMEM;
    }
    return APPLICATION_REFUSED;
}

/* One step of preparation for each enforcer. DONE, REFUSED (*reterr has the first reason), -ENOMEM,
 * or PENDING at the first that is not ready: what comes after it waits for its turn. */
static int prepare_each(struct application *a,
                        int (*step)(struct application *a, size_t i, struct error **reterr),
                        struct error **reterr)
{
    const char *first = NULL; /* the first refusal; of an attempt */

    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        struct attempt *attempt = &a->attempts.items[i];
        int r = attempt->tried ? step(a, i, &problem) : 0;

        if (r == -EINPROGRESS && !first)
            return APPLICATION_PENDING;
        if (r == 0 || r == -EINPROGRESS)
            continue;
        if (r == -ENOMEM || note_failure(attempt, error_message(problem)) < 0)
            return -ENOMEM;
        if (!first)
            error_set(reterr, r, "%s", attempt->reason);
        first = first ? first : attempt->reason;
    }
    return first ? leave_out_others(a, first) : APPLICATION_DONE;
}

static int prepare_usable(struct application *a, size_t i, struct error **reterr)
{
    return check_usable(a, i, reterr);
}

int application_prepare(struct application *a, struct error **reterr)
{
    int outcome;

    attempts_done(&a->attempts);
    for (size_t i = 0; i < ENFORCERS_KINDS; i++)
        a->attempts.items[i].tried = (a->profile->enforcers & enforcers_kinds[i]) != 0;
    outcome = prepare_each(a, prepare_usable, reterr);
    return outcome == APPLICATION_DONE ? prepare_each(a, prepare_one, reterr) : outcome;
}

/* ---- committing ---- */

/* Is what the kernel now holds this version? 0, or a negative errno with *reterr. */
static int read_back(struct application *a, size_t i, struct error **reterr)
{
    struct enforcer *e = enforcers_find(a->enforcers, enforcers_kinds[i])->enforcer;
    struct attempt *attempt = &a->attempts.items[i];
    struct enforcer_holding holding = {0};
    int r = e->ops->describe(e, a->profile->name, &holding, reterr);

    if (r == -ENOENT)
        r = error_set(reterr, r, "the kernel does not hold what was committed");
    if (r == 0 && !digest_equal(&holding.digest, &a->profile->digest))
        r = error_set(reterr, -EIO,
                      "the kernel holds another digest than the one that was committed");
    if (r < 0)
        return r;
    attempt->applied = true;
    attempt->holding = holding;
    attempt->since_ns = a->now_ns;
    return 0;
}

/* Takes an enforcer's commit back; held_before is what held the profile before any commit. */
static int revert_one(struct application *a, size_t i, unsigned held_before, struct error **reterr)
{
    struct enforcer *e = enforcers_find(a->enforcers, enforcers_kinds[i])->enforcer;
    int r = e->ops->revert ? e->ops->revert(e, a->profile->name, reterr)
                           : error_set(reterr, -EOPNOTSUPP, "it cannot take a commit back");

    if (r == 0 && !(held_before & enforcers_kinds[i]))
        *a->held &= ~(unsigned)enforcers_kinds[i];
    return r;
}

/* 0, or a negative errno with *reterr: then what the enforcer held before is in force, or *reterr
 * says that it is not. */
static int commit_one(struct application *a, size_t i, unsigned held_before, struct error **reterr)
{
    CLEANUP(error_free) struct error *trouble = NULL;
    struct enforcer *e = enforcers_find(a->enforcers, enforcers_kinds[i])->enforcer;
    int r = e->ops->commit(e, &a->versions[i], reterr);

    if (r < 0)
        return error_wrap(reterr, r, "%s enforcer", e->ops->name);
    *a->held |= enforcers_kinds[i];
    r = read_back(a, i, reterr);
    if (r == 0)
        return 0;
    if (revert_one(a, i, held_before, &trouble) < 0)
        return error_wrap(reterr, r, "%s enforcer, not taken back (%s)", e->ops->name,
                          error_message(trouble));
    return error_wrap(reterr, r, "%s enforcer", e->ops->name);
}

/* Takes back what was committed before the enforcer that failed, and says of each why it is not in
 * force. REFUSED or -ENOMEM. */
static int take_back(struct application *a, size_t failed, unsigned held_before, const char *why)
{
    bool enough_memory = true;

    for (size_t i = failed; i-- > 0;) {
        CLEANUP(error_free) struct error *trouble = NULL;
        CLEANUP_FREE char *stuck = NULL;
        const char *what = "taken back";

        if (!a->attempts.items[i].tried)
            continue;
        if (revert_one(a, i, held_before, &trouble) < 0) {
            if (asprintf(&stuck, "in force and not taken back (%s)", error_message(trouble)) < 0)
                stuck = NULL;
            what = stuck ? stuck : "in force and not taken back";
        }
        enough_memory &= note_consequence(&a->attempts.items[i], what, why) == 0;
    }
    if (!enough_memory)
        return -ENOMEM;
    return leave_out_others(a, why);
}

int application_leave(struct application *a, struct error **reterr)
{
    unsigned left = *a->held & ~a->profile->enforcers;
    int result = 0;

    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        const struct node_enforcer *ne =
            left & enforcers_kinds[i] ? enforcers_find(a->enforcers, enforcers_kinds[i]) : NULL;
        int r = ne ? ne->enforcer->ops->remove(ne->enforcer, a->profile->name, &problem) : 0;

        if (r == 0) {
            *a->held &= ~(left & enforcers_kinds[i]);
            continue;
        }
        error_wrap(&problem, r, "%s enforcer, which the profile no longer names",
                   ne->enforcer->ops->name);
        if (attempts_note_failure(&a->attempts, enforcers_kinds[i], error_message(problem)) < 0)
            return error_oom(reterr);
        result = result ? result : error_set(reterr, r, "%s", error_message(problem));
    }
    return result;
}

int application_commit(struct application *a, struct error **reterr)
{
    unsigned held_before = *a->held;

    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        int r, outcome;

        r = a->attempts.items[i].tried ? commit_one(a, i, held_before, &problem) : 0;
        if (r == 0)
            continue;
        error_set(reterr, r, "%s", error_message(problem));
        r = note_failure(&a->attempts.items[i], error_message(problem));
        outcome = take_back(a, i, held_before, error_message(problem));
        return r < 0 ? r : outcome;
    }
    return application_leave(a, reterr) == -ENOMEM ? -ENOMEM : APPLICATION_DONE;
}

bool application_is_held(struct application *a)
{
    attempts_done(&a->attempts);
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        if (!(a->profile->enforcers & enforcers_kinds[i]))
            continue;
        a->attempts.items[i].tried = true;
        if (check_usable(a, i, NULL) < 0 || read_back(a, i, NULL) < 0)
            return false;
    }
    return a->profile->enforcers != 0;
}
