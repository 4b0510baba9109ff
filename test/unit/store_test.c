/* SPDX-License-Identifier: Apache-2.0 */
/* The store on a node that has no enforcer at all: what it knows, refuses and says. With real
 * enforcers it is tested where there is a kernel for them (test/vm/enforcer, test/node). */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/store.h"
#include "proto/profile_codec.h"

static struct profile *make_profile(const char *name, unsigned enforcers, int priority)
{
    struct profile *p = profile_new();

    p->name = strdup(name);
    p->name_space = strdup("shop");
    p->policy_kind = strdup("VarmorPolicy");
    p->policy_namespace = strdup("shop");
    p->policy_name = strdup("web");
    p->enforcers = enforcers;
    p->priority = priority;
    ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    return p;
}

static struct store *make_store(void)
{
    static const struct enforcers none;
    struct store *s = NULL;

    ck_assert_int_eq(store_new(&s, &none, NULL), 0);
    return s;
}

static int apply(struct store *s, const char *name, unsigned enforcers, int priority)
{
    CLEANUP(profile_unref) struct profile *p = make_profile(name, enforcers, priority);
    CLEANUP(error_free) struct error *problem = NULL;
    int r = store_apply(s, p, 5, &problem);

    ck_assert((r == STORE_REFUSED) == (problem != NULL));
    return r;
}

START_TEST(an_enforcer_that_is_not_there_refuses_with_its_name)
{
    CLEANUP(store_free) struct store *s = make_store();
    CLEANUP(profile_unref)
    struct profile *p = make_profile("p", ENFORCER_BPF | ENFORCER_APPARMOR, 0);
    CLEANUP(error_free) struct error *problem = NULL;
    struct msg_result result;
    size_t n;

    ck_assert_int_eq(store_apply(s, p, 5, &problem), STORE_REFUSED);
    ck_assert_str_eq(error_message(problem), "this version of the agent has no AppArmor enforcer");
    ck_assert(store_fill_result(s, "p", &result));
    ck_assert(digest_equal(&result.digest, &p->digest));
    ck_assert_uint_eq(result.n_enforcers, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!result.enforcers[i].applied);
        ck_assert_ptr_nonnull(strstr(result.enforcers[i].reason, "has no"));
    }
    store_profiles(s, &n);
    ck_assert_uint_eq(n, 0);
    ck_assert_ptr_null(store_find(s, "p"));
    ck_assert(!store_is_opaque(s, "p"));
}
END_TEST

START_TEST(the_newest_refused_version_is_known_until_it_is_removed)
{
    CLEANUP(store_free) struct store *s = make_store();
    const struct profile *const *refused;
    size_t n;

    ck_assert_int_eq(apply(s, "p", ENFORCER_BPF, 1), STORE_REFUSED);
    ck_assert_int_eq(apply(s, "p", ENFORCER_BPF, 2), STORE_REFUSED);
    ck_assert_int_eq(apply(s, "q", ENFORCER_BPF, 3), STORE_REFUSED);
    refused = store_refused(s, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(refused[0]->priority, 2);
    ck_assert_uint_eq(store_size(s), 2);

    store_begin_remove(s, "p");
    refused = store_refused(s, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(refused[0]->name, "q");
    ck_assert_int_eq(store_remove(s, "p", NULL), 0);
    ck_assert_int_eq(store_remove(s, "p", NULL), 0); /* it is not there: that is what was wanted */
    ck_assert_uint_eq(store_size(s), 1);
}
END_TEST

START_TEST(a_refused_profile_is_not_told_as_held)
{
    CLEANUP(store_free) struct store *s = make_store();
    struct msg_held held[1];

    ck_assert_int_eq(apply(s, "p", ENFORCER_BPF, 1), STORE_REFUSED);
    ck_assert_uint_eq(store_fill_held(s, held, 1), 0);
}
END_TEST

START_TEST(what_the_manager_does_not_name_is_unwanted)
{
    CLEANUP(store_free) struct store *s = make_store();

    ck_assert_ptr_null(store_find_unwanted(s));
    ck_assert_int_eq(apply(s, "p", ENFORCER_BPF, 1), STORE_REFUSED);
    ck_assert_ptr_null(store_find_unwanted(s));
    store_begin_sync(s); /* a new connection: the manager was not told of it */
    ck_assert_str_eq(store_find_unwanted(s), "p");
    ck_assert_int_eq(apply(s, "p", ENFORCER_BPF, 1), STORE_REFUSED);
    ck_assert_ptr_null(store_find_unwanted(s));
}
END_TEST

START_TEST(a_profile_that_is_not_known_has_no_result)
{
    CLEANUP(store_free) struct store *s = make_store();
    struct msg_result result;

    ck_assert(!store_fill_result(s, "p", &result));
}
END_TEST

START_TEST(the_store_is_full_at_its_ceiling)
{
    CLEANUP(store_free) struct store *s = make_store();
    CLEANUP(profile_unref) struct profile *p = make_profile("x", ENFORCER_BPF, 0);
    CLEANUP(error_free) struct error *problem = NULL;

    for (unsigned i = 0; i < STORE_MAX_PROFILES; i++) {
        free(p->name);
        ck_assert_int_gt(asprintf(&p->name, "p%u", i), 0);
        ck_assert_int_eq(store_apply(s, p, 5, NULL), STORE_REFUSED);
    }
    free(p->name);
    p->name = strdup("one-more");
    ck_assert_int_eq(store_apply(s, p, 5, &problem), -E2BIG);
    ck_assert_ptr_nonnull(strstr(error_message(problem), "profile 'one-more'"));
    ck_assert_uint_eq(store_size(s), STORE_MAX_PROFILES);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("store");
    TCase *t = tcase_create("store");

    tcase_add_test(t, an_enforcer_that_is_not_there_refuses_with_its_name);
    tcase_add_test(t, the_newest_refused_version_is_known_until_it_is_removed);
    tcase_add_test(t, a_refused_profile_is_not_told_as_held);
    tcase_add_test(t, what_the_manager_does_not_name_is_unwanted);
    tcase_add_test(t, a_profile_that_is_not_known_has_no_result);
    tcase_add_test(t, the_store_is_full_at_its_ceiling);
    suite_add_tcase(s, t);
    return s;
}
