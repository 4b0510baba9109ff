/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/application.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
                .reason = one->reason ? one->reason : "",
                .image_digest = one->image_digest,
                .since_ns = one->since_ns,
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
}

/* Prepares one enforcer's version. 0, or a negative errno with *reterr that names the enforcer. */
static int prepare_one(struct application *a, size_t i, struct error **reterr)
{
    const struct node_enforcer *ne = enforcers_find(a->enforcers, enforcers_kinds[i]);
    int r;

    if (!ne)
        return error_set(reterr, -EOPNOTSUPP, "this version of the agent has no %s enforcer",
                         enforcer_set_name(enforcers_kinds[i]));
    if (!ne->facts->usable)
        return error_set(reterr, -EOPNOTSUPP, "%s enforcer: %s", ne->enforcer->ops->name,
                         ne->facts->reason);
    r = ne->enforcer->ops->prepare(ne->enforcer, a->profile, &a->versions[i], reterr);
    return r < 0 ? error_wrap(reterr, r, "%s enforcer", ne->enforcer->ops->name) : 0;
}

/* What was prepared stays out, because another enforcer of the profile refuses. 0 or -ENOMEM. */
static int leave_out_prepared(struct application *a, enum enforcer_bit refusing)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        char reason[96];

        if (!a->versions[i])
            continue;
        snprintf(reason, sizeof(reason),
                 "left out, as the %s enforcer of this profile cannot be used",
                 enforcer_set_name(refusing));
        if (note_failure(&a->attempts->items[i], reason) < 0)
            return -ENOMEM;
    }
    return 0;
}

int application_prepare(struct application *a, struct error **reterr)
{
    enum enforcer_bit refusing = 0;

    attempts_done(a->attempts);
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        struct attempt *attempt = &a->attempts->items[i];
        int r;

        attempt->tried = (a->profile->enforcers & enforcers_kinds[i]) != 0;
        if (!attempt->tried)
            continue;
        r = prepare_one(a, i, &problem);
        if (r == -ENOMEM || (r < 0 && note_failure(attempt, error_message(problem)) < 0))
            return -ENOMEM;
        if (r < 0 && !refusing) {
            refusing = enforcers_kinds[i];
            error_set(reterr, r, "%s", error_message(problem));
        }
    }
    if (!refusing)
        return APPLICATION_DONE;
    return leave_out_prepared(a, refusing) < 0 ? -ENOMEM : APPLICATION_REFUSED;
}

/* Commits one version and compares what the kernel then says. */
static int commit_one(struct application *a, size_t i, struct error **reterr)
{
    struct enforcer *enforcer = enforcers_find(a->enforcers, enforcers_kinds[i])->enforcer;
    struct attempt *attempt = &a->attempts->items[i];
    struct enforcer_holding holding;
    int r = enforcer->ops->commit(enforcer, &a->versions[i], reterr);

    if (r == 0)
        r = enforcer->ops->describe(enforcer, a->profile->name, &holding, reterr);
    if (r == 0 && !digest_equal(&holding.digest, &a->profile->digest))
        r = error_set(reterr, -EIO,
                      "the kernel holds another digest than the one that was committed");
    if (r < 0)
        return error_wrap(reterr, r, "%s enforcer", enforcer->ops->name);
    *a->held |= enforcers_kinds[i];
    attempt->applied = true;
    attempt->image_digest = holding.image_digest;
    attempt->since_ns = a->now_ns;
    return 0;
}

/* Takes the profile out of enforcers that the version no longer names. */
static int leave_enforcers(struct application *a, struct error **reterr)
{
    unsigned left = *a->held & ~a->profile->enforcers;

    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        const struct node_enforcer *ne =
            left & enforcers_kinds[i] ? enforcers_find(a->enforcers, enforcers_kinds[i]) : NULL;
        int r = ne ? ne->enforcer->ops->remove(ne->enforcer, a->profile->name, reterr) : 0;

        if (r < 0)
            return error_wrap(reterr, r, "%s enforcer", ne->enforcer->ops->name);
        *a->held &= ~(left & enforcers_kinds[i]);
    }
    return 0;
}

int application_commit(struct application *a, struct error **reterr)
{
    int outcome = APPLICATION_DONE;

    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        int r;

        if (!a->attempts->items[i].tried)
            continue;
        r = commit_one(a, i, &problem);
        if (r == 0)
            continue;
        if (note_failure(&a->attempts->items[i], error_message(problem)) < 0)
            return -ENOMEM;
        if (outcome == APPLICATION_DONE)
            error_set(reterr, r, "%s", error_message(problem));
        outcome = APPLICATION_REFUSED;
    }
    if (outcome == APPLICATION_DONE && leave_enforcers(a, reterr) < 0)
        outcome = APPLICATION_REFUSED;
    return outcome;
}

bool application_is_held(const struct enforcers *enforcers, const struct profile *p)
{
    for (size_t i = 0; i < ENFORCERS_KINDS; i++) {
        const struct node_enforcer *ne;
        struct enforcer_holding holding;

        if (!(p->enforcers & enforcers_kinds[i]))
            continue;
        ne = enforcers_find(enforcers, enforcers_kinds[i]);
        if (!ne || !ne->facts->usable ||
            ne->enforcer->ops->describe(ne->enforcer, p->name, &holding, NULL) < 0 ||
            !digest_equal(&holding.digest, &p->digest))
            return false;
    }
    return p->enforcers != 0;
}
