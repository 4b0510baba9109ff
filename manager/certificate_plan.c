/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/certificate_plan.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

void certificate_plan_done(struct certificate_plan *p)
{
    certificate_pair_done(&p->next);
    certificate_pair_done(&p->in_use);
    certificate_pair_done(&p->pair);
    free(p->bundle);
    *p = (struct certificate_plan){0};
}

void certificate_advice_done(struct certificate_advice *a)
{
    free(a->bundle);
    *a = (struct certificate_advice){0};
}

void certificate_plan_set_pair(struct certificate_plan *p, char *certificate, char *key,
                               char *authority)
{
    certificate_pair_done(&p->pair);
    p->pair =
        (struct certificate_pair){.authority = authority, .certificate = certificate, .key = key};
    p->pair_known = true;
}

void certificate_plan_set_bundle(struct certificate_plan *p, char *bundle)
{
    free(p->bundle);
    p->bundle = bundle;
    p->bundle_known = true;
}

/* ---- What is served ---- */

static bool is_same(const struct certificate_pair *a, const struct certificate_pair *b)
{
    return a->key && b->key && strcmp(a->key, b->key) == 0 &&
           strcmp(a->certificate, b->certificate) == 0 && strcmp(a->authority, b->authority) == 0;
}

/* Is the pair that stands there good? Then it is in use, under the bundle and its authority.
 * 1: good, 0: not (*ret_problem says why, if there is a pair), or -ENOMEM. */
static int adopt(struct certificate_plan *p, const struct certificate_time *now,
                 struct certificate_advice *advice, struct error **ret_problem)
{
    CLEANUP_FREE char *believed = NULL;
    struct certificate_pair pair = p->pair, copy;
    int r;

    if (!pair.key)
        return 0;
    if (certificate_bundle_join(&believed, pair.authority, p->bundle, now->real_s) < 0)
        return -ENOMEM;
    pair.authority = believed;
    r = certificate_pair_check(&pair, &p->names, now->real_s, ret_problem);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    if (is_same(&pair, &p->in_use))
        return 1;
    if (certificate_pair_copy(&copy, &pair) < 0)
        return -ENOMEM;
    certificate_pair_done(&p->in_use);
    p->in_use = copy;
    advice->changed = true;
    return 1;
}

static bool in_use_is_good(const struct certificate_plan *p, const struct certificate_time *now)
{
    return p->in_use.key && certificate_pair_check(&p->in_use, &p->names, now->real_s, NULL) == 0;
}

/* ---- What is written ---- */

static int make_next(struct certificate_plan *p, const struct certificate_time *now,
                     struct error **reterr)
{
    if (p->next.key)
        return 0;
    p->next_counts = false;
    return certificate_pair_make(&p->next, &p->names, now->real_s, reterr);
}

/* The bundle with what first says in front. */
static int advise_bundle(const struct certificate_plan *p, const char *first,
                         enum certificate_step step, const struct certificate_time *now,
                         struct certificate_advice *advice)
{
    const char *second = p->bundle ? p->bundle : p->in_use.authority;

    advice->step = step;
    return certificate_bundle_join(&advice->bundle, first, second, now->real_s);
}

/* There is no pair: what this process serves, else a new one. */
static int create_pair(struct certificate_plan *p, const struct certificate_time *now,
                       struct certificate_advice *advice, struct error **reterr)
{
    int r = 0;

    advice->pair = &p->in_use;
    if (!in_use_is_good(p, now)) {
        r = make_next(p, now, reterr);
        advice->pair = &p->next;
    }
    advice->step = CERTIFICATE_CREATE_PAIR;
    return r;
}

/* The leader changes to another pair: bundle first. */
static int renew(struct certificate_plan *p, const struct certificate_time *now, bool is_good,
                 struct certificate_advice *advice, struct error **reterr)
{
    int r = make_next(p, now, reterr);

    if (r < 0)
        return r;
    if (!p->bundle || !certificate_bundle_holds(p->bundle, p->next.authority, now->real_s))
        return advise_bundle(p, p->next.authority,
                             p->bundle ? CERTIFICATE_WRITE_BUNDLE : CERTIFICATE_CREATE_BUNDLE, now,
                             advice);
    if (!p->next_counts) {
        p->next_counts = true;
        p->next_from_ns = now->mono_ns + (is_good ? CERTIFICATE_OVERLAP_NS : 0);
    }
    if (now->mono_ns < p->next_from_ns) {
        advice->wait_ns = MIN(advice->wait_ns, p->next_from_ns - now->mono_ns);
        return 0;
    }
    advice->step = CERTIFICATE_WRITE_PAIR;
    advice->pair = &p->next;
    return 0;
}

/* Is it time to replace the pair that stands there? */
static bool is_due(struct certificate_plan *p, const struct certificate_time *now, bool is_good,
                   struct certificate_advice *advice)
{
    int64_t renew_at_s;

    if (is_good) {
        p->is_wrong = false;
        if (certificate_renew_at(p->pair.certificate, &renew_at_s) < 0 || now->real_s >= renew_at_s)
            return true;
        if ((uint64_t)(renew_at_s - now->real_s) < advice->wait_ns / NS_PER_SEC)
            advice->wait_ns = (uint64_t)(renew_at_s - now->real_s) * NS_PER_SEC;
        return false;
    }
    if (!p->is_wrong) {
        p->is_wrong = true;
        p->wrong_since_ns = now->mono_ns;
    }
    if (!in_use_is_good(p, now) || now->mono_ns - p->wrong_since_ns >= CERTIFICATE_MEND_NS)
        return true;
    advice->wait_ns = MIN(advice->wait_ns, p->wrong_since_ns + CERTIFICATE_MEND_NS - now->mono_ns);
    return false;
}

/* What of p->next has become superfluous. */
static void forget_next(struct certificate_plan *p, bool is_good, bool is_needed)
{
    bool is_served =
        p->next.key && is_good && strcmp(p->next.certificate, p->pair.certificate) == 0;

    if (is_served || (p->next.key && !is_needed)) {
        certificate_pair_done(&p->next);
        p->next_counts = false;
    }
}

int certificate_plan_next(struct certificate_plan *p, const struct certificate_time *now,
                          struct certificate_advice *ret, struct error **ret_problem,
                          struct error **reterr)
{
    struct certificate_advice advice = {.wait_ns = CERTIFICATE_LOOK_NS};
    bool is_good, due;
    int r;

    if (!p->pair_known || !p->bundle_known) {
        *ret = advice;
        return 0;
    }
    r = adopt(p, now, &advice, ret_problem);
    if (r < 0)
        return error_oom(reterr);
    is_good = r == 1;
    r = 0;
    due = p->pair.key && is_due(p, now, is_good, &advice);
    forget_next(p, is_good, due || !p->pair.key);
    if (!p->pair.key)
        r = create_pair(p, now, &advice, reterr);
    else if (!p->bundle && in_use_is_good(p, now))
        r = advise_bundle(p, p->in_use.authority, CERTIFICATE_CREATE_BUNDLE, now, &advice);
    else if (is_good && p->leads &&
             !certificate_bundle_holds(p->bundle, p->pair.authority, now->real_s))
        r = advise_bundle(p, p->pair.authority, CERTIFICATE_WRITE_BUNDLE, now, &advice);
    else if (due && p->leads)
        r = renew(p, now, is_good, &advice, reterr);
    if (r < 0) {
        ret->changed = advice.changed; /* told once: who serves the pair must not miss it */
        certificate_advice_done(&advice);
        return r == -ENOMEM ? error_oom(reterr) : r;
    }
    *ret = advice;
    return 0;
}
