/* SPDX-License-Identifier: Apache-2.0 */
/* The binder on a node that has no enforcer: what it says about containers whose cgroup, profile
 * and state change. With a real kernel it is tested in test/node. */
#include "test/unit/unit.h"

#include <string.h>

#include "agent/binder.h"
#include "agent/container.h"
#include "agent/enforcers.h"
#include "agent/runtime.h"
#include "agent/store.h"
#include "lib/policy/selector.h"
#include "lib/profile.h"
#include "proto/profile_codec.h"

#define CGROUP 77
#define KEY    "default/c1"

static const struct enforcers no_enforcers;
static struct store *store;
static struct binder *binder;
static struct container *container;
static unsigned n_asked;

static void on_changed(const char *key, void *data UNUSED)
{
    ck_assert_str_eq(key, KEY);
}

static void on_trouble(const char *message, void *data UNUSED)
{
    ck_abort_msg("%s", message);
}

static int64_t on_now(void *data UNUSED)
{
    return 5;
}

/* A runtime that never proves anything by itself, and answers when the test says so. */
static bool never_waiting(const struct runtime *r UNUSED, const struct container *c UNUSED)
{
    return false;
}

static int count_question(struct runtime *r UNUSED, const struct container *c UNUSED)
{
    n_asked++;
    return 0;
}

static const struct runtime_ops runtime_ops = {.is_waiting = never_waiting, .ask = count_question};
static struct runtime runtime = {.ops = &runtime_ops};

static void apply(const char *name)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    p->name = strdup(name);
    ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert_int_eq(store_apply(store, p, 1, NULL), STORE_APPLIED);
    binder_refresh(binder);
}

static void set_up(void)
{
    const struct binder_events events = {
        .changed = on_changed, .trouble = on_trouble, .now_ns = on_now};

    n_asked = 0;
    ck_assert_int_eq(store_new(&store, &no_enforcers, NULL), 0);
    ck_assert_int_eq(binder_new(&binder, store, &no_enforcers, &events), 0);
    binder_set_runtime(binder, &runtime);
    container = container_new();
    ck_assert_ptr_nonnull(container);
    free(container->id);
    free(container->runtime_namespace);
    container->id = strdup("c1");
    container->runtime_namespace = strdup("default");
    container->state = CONTAINER_CREATED;
    container->cgroup_id = CGROUP;
}

static void tear_down(void)
{
    binder = binder_free(binder);
    store = store_free(store);
    container = container_free(container);
}

static void answer(enum container_state state)
{
    container->state = state;
    binder_answered(binder, container);
}

static bool is_proven(const char *profile)
{
    struct msg_binding b;

    ck_assert(binder_fill(binder, KEY, &b));
    ck_assert_str_eq(b.profile, profile);
    return b.before_first_instruction;
}

START_TEST(a_container_is_found_by_the_cgroup_that_it_has_and_no_other)
{
    binder_put(binder, container, NULL);
    ck_assert_ptr_eq(binder_find_cgroup(binder, CGROUP), container);
    container->cgroup_id = CGROUP + 1;
    binder_put(binder, container, NULL);
    ck_assert_ptr_null(binder_find_cgroup(binder, CGROUP));
    ck_assert_ptr_eq(binder_find_cgroup(binder, CGROUP + 1), container);
    container->cgroup_id = 0;
    binder_put(binder, container, "its process is gone");
    ck_assert_ptr_null(binder_find_cgroup(binder, CGROUP + 1));
    binder_dropped(binder, container);
    ck_assert_ptr_null(binder_find_cgroup(binder, CGROUP));
    ck_assert_ptr_null(binder_find_cgroup(binder, CGROUP + 1));
}
END_TEST

START_TEST(a_runtime_that_says_created_proves_the_binding)
{
    apply("b");
    binder_put(binder, container, NULL);
    ck_assert_uint_eq(n_asked, 1);
    ck_assert(!is_proven("b"));
    answer(CONTAINER_CREATED);
    ck_assert(is_proven("b"));
}
END_TEST

START_TEST(an_answer_to_an_earlier_question_proves_nothing)
{
    apply("b");
    binder_put(binder, container, NULL);
    apply("a"); /* goes before b */
    ck_assert_uint_eq(n_asked, 2);
    answer(CONTAINER_CREATED); /* when b was bound */
    ck_assert(!is_proven("a"));
    answer(CONTAINER_RUNNING);
    ck_assert(!is_proven("a"));
}
END_TEST

START_TEST(an_answer_is_not_about_a_binding_that_was_made_while_it_ran)
{
    apply("b");
    binder_put(binder, container, NULL);
    container->state = CONTAINER_RUNNING;
    binder_put(binder, container, NULL);
    apply("a");
    ck_assert_uint_eq(n_asked, 1);
    answer(CONTAINER_CREATED);
    ck_assert(!is_proven("a"));
}
END_TEST

START_TEST(a_listing_asks_again_what_was_not_answered)
{
    apply("b");
    binder_put(binder, container, NULL);
    binder_reconciled(binder);
    ck_assert_uint_eq(n_asked, 2);
    answer(CONTAINER_CREATED);
    ck_assert(is_proven("b"));
    binder_reconciled(binder);
    ck_assert_uint_eq(n_asked, 2);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("binder");
    TCase *t = tcase_create("binder");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_container_is_found_by_the_cgroup_that_it_has_and_no_other);
    tcase_add_test(t, a_runtime_that_says_created_proves_the_binding);
    tcase_add_test(t, an_answer_to_an_earlier_question_proves_nothing);
    tcase_add_test(t, an_answer_is_not_about_a_binding_that_was_made_while_it_ran);
    tcase_add_test(t, a_listing_asks_again_what_was_not_answered);
    suite_add_tcase(s, t);
    return s;
}
