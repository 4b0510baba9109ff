/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a look at the Secrets fails once: a pair that was taken is told of, whatever failed behind it. */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "manager/certificate_plan.h"
#include "test/unit/alloc_failure.h"

#define START 1795597200LL
#define LAST  30 /* allocations that fail, of those of a look */

static const char *const all_names[] = {"varmor-webhook-svc"};
static const struct certificate_names names = {all_names, ARRAY_SIZE(all_names)};
static const struct certificate_time now = {START, 0};

/* A look; true if another pair is in use. */
static bool look(struct certificate_plan *p, int *ret_result)
{
    CLEANUP(error_free) struct error *problem = NULL, *e = NULL;
    struct certificate_advice advice = {0};
    bool changed;

    *ret_result = certificate_plan_next(p, &now, &advice, &problem, &e);
    changed = advice.changed;
    certificate_advice_done(&advice);
    return changed;
}

static void put_pair(struct certificate_plan *p, const struct certificate_pair *pair)
{
    certificate_plan_set_pair(p, strdup(pair->certificate), strdup(pair->key),
                              strdup(pair->authority));
    certificate_plan_set_bundle(p, NULL);
}

/* How many allocations a look at the pair needs, most of them OpenSSL's. */
static unsigned count_allocations(const struct certificate_pair *pair)
{
    struct certificate_plan p = {.names = names, .leads = true};
    unsigned n;
    int r;

    put_pair(&p, pair);
    alloc_failure_arm(UINT32_MAX);
    ck_assert(look(&p, &r));
    n = UINT32_MAX - alloc_failure_countdown;
    alloc_failure_disarm();
    certificate_plan_done(&p);
    return n;
}

/* The last ones, which make the bundle. */
START_TEST(a_pair_that_was_taken_is_told_whatever_fails_behind_it)
{
    struct certificate_pair pair;
    unsigned n_failures = 0, n_all;

    ck_assert_int_eq(certificate_pair_make(&pair, &names, START, NULL), 0);
    n_all = count_allocations(&pair);
    for (unsigned n = n_all - MIN(n_all - 1, LAST); n <= n_all; n++) {
        struct certificate_plan p = {.names = names, .leads = true};
        bool changed;
        int r;

        put_pair(&p, &pair);
        alloc_failure_arm(n);
        changed = look(&p, &r);
        alloc_failure_disarm(); /* the last few may not have been reached: OpenSSL's counts differ a little */
        ck_assert_int_eq(changed, p.in_use.key != NULL);
        n_failures += r < 0 && changed;
        if (!changed)
            ck_assert(look(&p, &r));
        certificate_plan_done(&p);
    }
    ck_assert_uint_gt(n_failures, 0);
    certificate_pair_done(&pair);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("certificate_memory");
    TCase *t = tcase_create("certificate_memory");

    tcase_add_test(t, a_pair_that_was_taken_is_told_whatever_fails_behind_it);
    suite_add_tcase(s, t);
    return s;
}
