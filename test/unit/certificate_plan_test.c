/* SPDX-License-Identifier: Apache-2.0 */
/* Managers as plans, and the two Secrets that they share as texts: what is advised is done at once. */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manager/certificate_plan.h"

#define START 1795597200LL
#define DAY   86400LL

static const char *const all_names[] = {"varmor-webhook-svc", "varmor-status-svc.varmor.svc"};
static const struct certificate_names names = {all_names, ARRAY_SIZE(all_names)};

/* The API server. */
struct secrets {
    struct certificate_pair pair; /* key NULL: none */
    char *bundle;
    unsigned n_writes;
};

static void secrets_done(struct secrets *s)
{
    certificate_pair_done(&s->pair);
    free(s->bundle);
}

static char *copy_of(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void look(struct certificate_plan *p, const struct secrets *s)
{
    certificate_plan_set_pair(p, copy_of(s->pair.certificate), copy_of(s->pair.key),
                              copy_of(s->pair.authority));
    certificate_plan_set_bundle(p, copy_of(s->bundle));
}

static void put_pair(struct secrets *s, const struct certificate_pair *pair)
{
    certificate_pair_done(&s->pair);
    ck_assert_int_eq(certificate_pair_copy(&s->pair, pair), 0);
    s->n_writes++;
}

static void put_bundle(struct secrets *s, const char *bundle)
{
    free(s->bundle);
    s->bundle = strdup(bundle);
    s->n_writes++;
}

/* One look and what follows from it. */
static struct certificate_advice step(struct certificate_plan *p, struct secrets *s,
                                      const struct certificate_time *now)
{
    CLEANUP(error_free) struct error *problem = NULL, *e = NULL;
    struct certificate_advice a = {0};

    look(p, s);
    ck_assert_msg(certificate_plan_next(p, now, &a, &problem, &e) == 0, "%s", error_message(e));
    switch (a.step) {
    case CERTIFICATE_WAIT:
        break;
    case CERTIFICATE_CREATE_PAIR:
        ck_assert_ptr_null(s->pair.key);
        put_pair(s, a.pair);
        break;
    case CERTIFICATE_CREATE_BUNDLE:
        ck_assert_ptr_null(s->bundle);
        put_bundle(s, a.bundle);
        break;
    case CERTIFICATE_WRITE_PAIR:
        ck_assert(p->leads);
        put_pair(s, a.pair);
        break;
    case CERTIFICATE_WRITE_BUNDLE:
        ck_assert(p->leads);
        put_bundle(s, a.bundle);
        break;
    }
    return a;
}

/* Until there is nothing to write. Returns for how long to wait. */
static uint64_t settle(struct certificate_plan *p, struct secrets *s,
                       const struct certificate_time *now)
{
    for (int i = 0; i < 10; i++) {
        struct certificate_advice a = step(p, s, now);
        uint64_t wait_ns = a.wait_ns;
        enum certificate_step done = a.step;

        certificate_advice_done(&a);
        if (done == CERTIFICATE_WAIT)
            return wait_ns;
    }
    ck_abort_msg("there is always something to write");
}

/* Everybody who believes the bundle accepts who serves the pair. */
static void assert_accepted(const struct secrets *s, const struct certificate_pair *served,
                            int64_t now_s)
{
    const struct certificate_pair seen = {s->bundle, served->certificate, served->key};
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(certificate_pair_check(&seen, &names, now_s, &e) == 0, "%s", error_message(e));
}

START_TEST(whoever_comes_first_makes_both_and_the_others_take_them)
{
    struct certificate_plan a = {.names = names}, b = {.names = names, .leads = true};
    const struct certificate_time now = {START, 0};
    struct secrets s = {0};

    settle(&a, &s, &now);
    ck_assert_ptr_nonnull(a.in_use.key);
    ck_assert_uint_eq(s.n_writes, 2);
    settle(&b, &s, &now);
    ck_assert_uint_eq(s.n_writes, 2);
    ck_assert_str_eq(a.in_use.key, b.in_use.key);
    assert_accepted(&s, &b.in_use, START);
    ck_assert_ptr_null(a.next.key);
    certificate_plan_done(&a);
    certificate_plan_done(&b);
    secrets_done(&s);
}
END_TEST

START_TEST(who_loses_the_race_serves_the_winners_pair)
{
    struct certificate_plan a = {.names = names}, b = {.names = names};
    const struct certificate_time now = {START, 0};
    struct certificate_advice advice;
    struct secrets s = {0};

    look(&b, &s);
    ck_assert_int_eq(certificate_plan_next(&b, &now, &advice, NULL, NULL), 0);
    ck_assert_int_eq(advice.step, CERTIFICATE_CREATE_PAIR);
    settle(&a, &s, &now); /* a has created it meanwhile: b is told AlreadyExists and looks again */
    settle(&b, &s, &now);
    ck_assert_str_eq(b.in_use.key, a.in_use.key);
    ck_assert_ptr_null(b.next.key);
    certificate_plan_done(&a);
    certificate_plan_done(&b);
    secrets_done(&s);
}
END_TEST

START_TEST(nothing_is_done_before_both_secrets_have_been_looked_for)
{
    struct certificate_plan p = {.names = names, .leads = true};
    const struct certificate_time now = {START, 0};
    struct certificate_advice advice;

    certificate_plan_set_bundle(&p, NULL);
    ck_assert_int_eq(certificate_plan_next(&p, &now, &advice, NULL, NULL), 0);
    ck_assert_int_eq(advice.step, CERTIFICATE_WAIT);
    certificate_plan_set_pair(&p, NULL, NULL, NULL);
    ck_assert_int_eq(certificate_plan_next(&p, &now, &advice, NULL, NULL), 0);
    ck_assert_int_eq(advice.step, CERTIFICATE_CREATE_PAIR);
    certificate_plan_done(&p);
}
END_TEST

START_TEST(a_renewal_is_seen_by_nobody)
{
    struct certificate_plan leader = {.names = names, .leads = true}, other = {.names = names};
    struct certificate_time now = {START, 0};
    CLEANUP_FREE char *old_bundle = NULL, *old_key = NULL;
    struct secrets s = {0};
    unsigned n_writes;
    uint64_t wait_ns;

    settle(&leader, &s, &now);
    settle(&other, &s, &now);
    old_bundle = strdup(s.bundle);
    old_key = strdup(s.pair.key);
    n_writes = s.n_writes;

    now.real_s = START + 240 * DAY; /* more than a third is left */
    ck_assert_uint_eq(settle(&leader, &s, &now), CERTIFICATE_LOOK_NS);
    ck_assert_uint_eq(s.n_writes, n_writes);

    now.real_s = START + 245 * DAY; /* less */
    settle(&other, &s, &now);
    ck_assert_uint_eq(s.n_writes, n_writes); /* that is the leader's */
    wait_ns = settle(&leader, &s, &now);
    ck_assert_uint_eq(wait_ns, CERTIFICATE_OVERLAP_NS);
    ck_assert_uint_eq(s.n_writes, n_writes + 1);
    ck_assert_str_eq(s.pair.key, old_key);
    assert_accepted(&s, &leader.in_use, now.real_s);

    now.mono_ns += CERTIFICATE_OVERLAP_NS - 1;
    settle(&leader, &s, &now);
    ck_assert_str_eq(s.pair.key, old_key);
    now.mono_ns += 1;
    settle(&leader, &s, &now);
    ck_assert_str_ne(s.pair.key, old_key);
    ck_assert_str_eq(leader.in_use.key, s.pair.key);
    assert_accepted(&s, &leader.in_use, now.real_s);
    assert_accepted(&s, &other.in_use, now.real_s); /* who has not looked yet */
    settle(&other, &s, &now);
    ck_assert_str_eq(other.in_use.key, s.pair.key);
    ck_assert(certificate_bundle_holds(s.bundle, old_bundle, now.real_s));
    ck_assert_uint_eq(s.n_writes, n_writes + 2);
    certificate_plan_done(&leader);
    certificate_plan_done(&other);
    secrets_done(&s);
}
END_TEST

START_TEST(a_leader_that_goes_while_it_renews_leaves_no_harm)
{
    struct certificate_plan first = {.names = names, .leads = true},
                            second = {.names = names, .leads = true};
    struct certificate_time now = {START, 0};
    struct secrets s = {0};

    settle(&first, &s, &now);
    now.real_s = START + 245 * DAY;
    settle(&first, &s, &now); /* the bundle knows an authority that never signs anything more */
    certificate_plan_done(&first);
    settle(&second, &s, &now);
    now.mono_ns += CERTIFICATE_OVERLAP_NS;
    settle(&second, &s, &now);
    assert_accepted(&s, &second.in_use, now.real_s);
    ck_assert_str_eq(second.in_use.key, s.pair.key);
    certificate_plan_done(&second);
    secrets_done(&s);
}
END_TEST

/* What somebody does by hand to the Secrets of a system that runs. */
static void drop_pair(struct secrets *s)
{
    certificate_pair_done(&s->pair);
}
static void drop_bundle(struct secrets *s)
{
    free(s->bundle);
    s->bundle = NULL;
}
static void drop_both(struct secrets *s)
{
    drop_pair(s);
    drop_bundle(s);
}
static void empty_bundle(struct secrets *s)
{
    put_bundle(s, "");
}
static void drop_authority_of_pair_and_bundle(struct secrets *s)
{
    free(s->pair.authority);
    s->pair.authority = strdup("");
    drop_bundle(s);
}
static void (*const deeds[])(struct secrets *s) = {drop_pair, drop_bundle, drop_both, empty_bundle,
                                                   drop_authority_of_pair_and_bundle};

START_TEST(what_is_removed_by_hand_comes_back_and_is_what_is_served)
{
    struct certificate_plan p = {.names = names, .leads = true}, other = {.names = names};
    struct certificate_time now = {START, 0};
    CLEANUP_FREE char *key = NULL;
    struct secrets s = {0};

    settle(&p, &s, &now);
    settle(&other, &s, &now);
    key = strdup(s.pair.key);
    deeds[_i](&s);
    settle(&other, &s, &now);
    settle(&p, &s, &now);
    ck_assert_str_eq(s.pair.key, key);
    ck_assert_str_eq(p.in_use.key, key);
    ck_assert_str_eq(other.in_use.key, key);
    assert_accepted(&s, &p.in_use, now.real_s);
    certificate_plan_done(&p);
    certificate_plan_done(&other);
    secrets_done(&s);
}
END_TEST

START_TEST(who_rotates_by_hand_is_let_finish)
{
    struct certificate_plan p = {.names = names, .leads = true};
    struct certificate_time now = {START, 0};
    CLEANUP_FREE char *old_key = NULL;
    struct certificate_pair mine;
    struct secrets s = {0};

    settle(&p, &s, &now);
    old_key = strdup(s.pair.key);
    ck_assert_int_eq(certificate_pair_make(&mine, &names, START, NULL), 0);

    put_pair(&s, &mine); /* nobody believes it yet: the old one is served */
    s.pair.authority[0] = '\0';
    settle(&p, &s, &now);
    ck_assert_str_eq(p.in_use.key, old_key);
    put_bundle(&s, mine.authority);
    settle(&p, &s, &now);
    ck_assert_str_eq(p.in_use.key, mine.key);
    ck_assert_str_eq(s.pair.key, mine.key);
    assert_accepted(&s, &p.in_use, now.real_s);
    certificate_pair_done(&mine);
    certificate_plan_done(&p);
    secrets_done(&s);
}
END_TEST

START_TEST(a_pair_that_stays_wrong_is_replaced)
{
    struct certificate_plan p = {.names = names, .leads = true};
    struct certificate_time now = {START, 0};
    CLEANUP(error_free) struct error *problem = NULL;
    struct certificate_advice advice;
    struct secrets s = {0};

    settle(&p, &s, &now);
    s.pair.key[40] ^= 1;
    look(&p, &s);
    ck_assert_int_eq(certificate_plan_next(&p, &now, &advice, &problem, NULL), 0);
    ck_assert_int_eq(advice.step, CERTIFICATE_WAIT);
    ck_assert_uint_eq(advice.wait_ns, CERTIFICATE_MEND_NS);
    ck_assert_int_eq(strncmp(error_message(problem), "the key ", 8), 0);
    now.mono_ns += CERTIFICATE_MEND_NS;
    settle(&p, &s, &now);
    ck_assert_str_eq(p.in_use.key, s.pair.key);
    assert_accepted(&s, &p.in_use, now.real_s);
    certificate_plan_done(&p);
    secrets_done(&s);
}
END_TEST

/* An incumbent's pair lacks a name; one that was made long ago has expired. */
START_TEST(what_cannot_be_served_at_the_start_is_replaced_at_once_by_the_leader)
{
    static const char *const few[] = {"varmor-webhook-svc"};
    const struct certificate_names incumbent = {few, 1};
    struct certificate_plan p = {.names = names};
    struct certificate_time now = {START, 0};
    struct certificate_pair pair;
    struct secrets s = {0};

    ck_assert_int_eq(certificate_pair_make(&pair, _i ? &names : &incumbent,
                                           _i ? START - 400 * DAY : START, NULL),
                     0);
    put_pair(&s, &pair);
    put_bundle(&s, pair.authority);
    settle(&p, &s, &now);
    ck_assert_ptr_null(p.in_use.key);
    p.leads = true;
    settle(&p, &s, &now);
    ck_assert_ptr_nonnull(p.in_use.key);
    assert_accepted(&s, &p.in_use, now.real_s);
    ck_assert(_i || certificate_bundle_holds(s.bundle, pair.authority, START));
    certificate_pair_done(&pair);
    certificate_plan_done(&p);
    secrets_done(&s);
}
END_TEST

/* Its ca.crt holds what has expired, and more than is believed: what never gets into the bundle is not missed there. */
START_TEST(a_pair_of_somebody_elses_brings_what_no_bundle_takes)
{
    struct certificate_plan p = {.names = names, .leads = true};
    const struct certificate_time now = {START, 0};
    struct secrets s = {0};

    settle(&p, &s, &now);
    for (int i = 0; i <= CERTIFICATE_BUNDLE_MAX; i++) {
        struct certificate_pair other;
        char *longer = NULL;

        ck_assert_int_eq(
            certificate_pair_make(&other, &names, i == 0 ? START - 400 * DAY : START, NULL), 0);
        ck_assert_int_gt(asprintf(&longer, "%s%s", s.pair.authority, other.authority), 0);
        certificate_pair_done(&other);
        free(s.pair.authority);
        s.pair.authority = longer;
        settle(&p, &s, &now);
        assert_accepted(&s, &p.in_use, START);
    }
    certificate_plan_done(&p);
    secrets_done(&s);
}
END_TEST

START_TEST(a_clock_that_jumps_back_changes_nothing)
{
    struct certificate_plan p = {.names = names, .leads = true};
    struct certificate_time now = {START, 0};
    CLEANUP_FREE char *key = NULL;
    struct secrets s = {0};
    unsigned n_writes;

    settle(&p, &s, &now);
    key = strdup(p.in_use.key);
    n_writes = s.n_writes;
    now.real_s -= DAY; /* not valid yet: still the only one there is */
    settle(&p, &s, &now);
    now.real_s += DAY;
    settle(&p, &s, &now);
    ck_assert_ptr_nonnull(p.in_use.key);
    assert_accepted(&s, &p.in_use, now.real_s);
    ck_assert_uint_le(s.n_writes, n_writes + 2);
    certificate_plan_done(&p);
    secrets_done(&s);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("certificate_plan");
    TCase *t = tcase_create("certificate_plan");

    tcase_add_test(t, whoever_comes_first_makes_both_and_the_others_take_them);
    tcase_add_test(t, who_loses_the_race_serves_the_winners_pair);
    tcase_add_test(t, nothing_is_done_before_both_secrets_have_been_looked_for);
    tcase_add_test(t, a_renewal_is_seen_by_nobody);
    tcase_add_test(t, a_leader_that_goes_while_it_renews_leaves_no_harm);
    tcase_add_loop_test(t, what_is_removed_by_hand_comes_back_and_is_what_is_served, 0,
                        ARRAY_SIZE(deeds));
    tcase_add_test(t, who_rotates_by_hand_is_let_finish);
    tcase_add_test(t, a_pair_that_stays_wrong_is_replaced);
    tcase_add_loop_test(t, what_cannot_be_served_at_the_start_is_replaced_at_once_by_the_leader, 0,
                        2);
    tcase_add_test(t, a_pair_of_somebody_elses_brings_what_no_bundle_takes);
    tcase_add_test(t, a_clock_that_jumps_back_changes_nothing);
    suite_add_tcase(s, t);
    return s;
}
