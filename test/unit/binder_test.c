/* SPDX-License-Identifier: Apache-2.0 */
/* What the binder says about containers whose cgroup, profile and state change, over enforcers whose
 * kernel is a table in memory. With a real kernel it is tested in test/node. */
#include "test/unit/memory_enforcer.h"

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

static struct memory_enforcer apparmor, bpf;
static struct enforcers enforcers;
static struct store *store;
static struct binder *binder;
static struct container *container;
static unsigned n_asked, n_changed, n_later;

static void on_changed(const char *key, void *data UNUSED)
{
    ck_assert_str_eq(key, KEY);
    n_changed++;
}

static void on_look_later(void *data UNUSED)
{
    n_later++;
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

static void apply_with(const char *name, unsigned enforcer_bits)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    p->name = strdup(name);
    p->enforcers = enforcer_bits;
    ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert_int_eq(store_apply(store, p, 1, NULL), STORE_APPLIED);
    binder_refresh(binder, name);
}

static void apply(const char *name)
{
    apply_with(name, ENFORCER_BPF);
}

static void set_up(void)
{
    const struct binder_events events = {
        .changed = on_changed,
        .trouble = on_trouble,
        .now_ns = on_now,
        .look_later = on_look_later,
    };

    n_asked = n_changed = n_later = 0;
    enforcers = (struct enforcers){0};
    memory_enforcer_init(&apparmor, ENFORCER_APPARMOR);
    memory_enforcer_init(&bpf, ENFORCER_BPF);
    memory_enforcer_list(&apparmor, &enforcers);
    memory_enforcer_list(&bpf, &enforcers);
    ck_assert_int_eq(store_new(&store, &enforcers, NULL), 0);
    ck_assert_int_eq(binder_new(&binder, store, &enforcers, &events), 0);
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

/* ---- enforcers that hold a container by its own setting ---- */

/* What is said of an enforcer; NULL: nothing yet. */
static const struct msg_binding_enforcer *said_of(enum enforcer_bit kind)
{
    struct msg_binding b;

    if (!binder_fill(binder, KEY, &b))
        return NULL;
    for (size_t i = 0; i < b.n_enforcers; i++)
        if (b.enforcers[i].enforcer == kind)
            return &b.enforcers[i];
    return NULL;
}

static void check_reason(const char *reason)
{
    struct msg_binding b;

    ck_assert(binder_fill(binder, KEY, &b));
    ck_assert_str_eq(b.reason, reason);
}

static void run_container(void)
{
    container->state = CONTAINER_RUNNING;
    binder_put(binder, container, NULL);
}

static void say_not_held(const char *reason, bool restart_needed)
{
    apparmor.hold = (struct enforcer_hold){.restart_needed = restart_needed};
    snprintf(apparmor.hold.reason, sizeof(apparmor.hold.reason), "%s", reason);
}

START_TEST(apparmor_is_asked_once_the_program_has_begun)
{
    apply_with("b", ENFORCER_APPARMOR | ENFORCER_BPF);
    binder_put(binder, container, NULL);
    ck_assert_uint_eq(apparmor.n_inspected, 0);
    ck_assert(said_of(ENFORCER_BPF)->in_force);
    ck_assert_ptr_null(said_of(ENFORCER_APPARMOR));
    run_container();
    ck_assert_uint_eq(apparmor.n_inspected, 1);
    ck_assert(said_of(ENFORCER_APPARMOR)->in_force);
    ck_assert_str_eq(said_of(ENFORCER_APPARMOR)->mode, "enforce");
    ck_assert_int_eq(said_of(ENFORCER_APPARMOR)->since_ns, 5);
    check_reason("");
}
END_TEST

START_TEST(a_profile_without_bpf_needs_no_cgroup)
{
    container->cgroup_id = 0;
    apply_with("b", ENFORCER_APPARMOR);
    binder_put(binder, container, "its cgroup is not known");
    run_container();
    ck_assert(said_of(ENFORCER_APPARMOR)->in_force);
    ck_assert_uint_eq(bpf.n_bound, 0);
    ck_assert(is_proven("b")); /* AppArmor holds from the exec on */
    check_reason("");
}
END_TEST

START_TEST(a_container_that_is_not_held_is_looked_at_a_few_times)
{
    say_not_held("its label is 'unconfined'", true);
    apply_with("b", ENFORCER_APPARMOR | ENFORCER_BPF);
    run_container();
    for (unsigned i = 0; i < BINDER_LOOKS; i++) {
        ck_assert_uint_eq(n_later, i + 1);
        ck_assert_ptr_null(said_of(ENFORCER_APPARMOR));
        check_reason("");
        binder_look(binder);
    }
    ck_assert_uint_eq(n_later, BINDER_LOOKS);
    ck_assert(!said_of(ENFORCER_APPARMOR)->in_force);
    ck_assert(said_of(ENFORCER_APPARMOR)->restart_needed);
    ck_assert(said_of(ENFORCER_BPF)->in_force);
    check_reason("AppArmor enforcer: its label is 'unconfined'");
}
END_TEST

START_TEST(an_exec_in_the_meantime_is_seen)
{
    say_not_held("its label is 'unconfined'", true);
    apply_with("b", ENFORCER_APPARMOR);
    run_container();
    apparmor.hold = (struct enforcer_hold){.in_force = true};
    binder_look(binder);
    ck_assert(said_of(ENFORCER_APPARMOR)->in_force);
    ck_assert_uint_eq(n_later, 1);
    n_changed = 0;
    binder_look(binder);
    ck_assert_uint_eq(n_changed, 0);
}
END_TEST

START_TEST(a_change_of_its_profile_asks_again)
{
    apply_with("b", ENFORCER_APPARMOR);
    run_container();
    say_not_held("it runs under an older filter", true);
    n_changed = 0;
    binder_refresh(binder, "another");
    ck_assert_uint_eq(n_changed, 0);
    binder_refresh(binder, "b");
    ck_assert_uint_eq(n_changed, 1);
    check_reason("AppArmor enforcer: it runs under an older filter");
    ck_assert(!is_proven("b"));
}
END_TEST

START_TEST(an_enforcer_that_joins_or_leaves_is_bound_or_unbound)
{
    apply_with("b", ENFORCER_APPARMOR);
    run_container();
    apply_with("b", ENFORCER_APPARMOR | ENFORCER_BPF);
    ck_assert_uint_eq(bpf.bound_cgroup_id, CGROUP);
    ck_assert(said_of(ENFORCER_BPF)->in_force);
    ck_assert(said_of(ENFORCER_APPARMOR)->in_force);
    apply_with("b", ENFORCER_APPARMOR);
    ck_assert_uint_eq(bpf.bound_cgroup_id, 0);
    ck_assert_ptr_null(said_of(ENFORCER_BPF));
    ck_assert(said_of(ENFORCER_APPARMOR)->in_force);
}
END_TEST

START_TEST(a_container_that_is_opted_out_of_bpf_is_not_bound)
{
    struct msg_binding b;

    container->opted_out = ENFORCER_BPF;
    apply("b");
    binder_put(binder, container, NULL);
    ck_assert_uint_eq(bpf.n_bound, 0);
    ck_assert(said_of(ENFORCER_BPF)->opted_out && !said_of(ENFORCER_BPF)->in_force);
    ck_assert_str_eq(said_of(ENFORCER_BPF)->reason, "its pod's annotation opts it out");
    check_reason("");
    ck_assert(!is_proven("b"));
    ck_assert(binder_fill(binder, KEY, &b));
    ck_assert(!message_is_bound(&b));
    ck_assert_uint_eq(n_later + n_asked, 0);
    n_changed = 0;
    run_container();
    ck_assert_uint_eq(n_changed, 0);
}
END_TEST

START_TEST(the_enforcers_that_it_is_not_opted_out_of_hold_it)
{
    struct msg_binding b;

    container->opted_out = ENFORCER_BPF;
    apply_with("b", ENFORCER_APPARMOR | ENFORCER_BPF);
    run_container();
    ck_assert_uint_eq(bpf.n_bound, 0);
    ck_assert(said_of(ENFORCER_BPF)->opted_out);
    ck_assert(said_of(ENFORCER_APPARMOR)->in_force);
    ck_assert(is_proven("b"));
    ck_assert(binder_fill(binder, KEY, &b));
    ck_assert(message_is_bound(&b));
}
END_TEST

START_TEST(who_is_opted_out_of_apparmor_is_not_missing)
{
    container->opted_out = ENFORCER_APPARMOR;
    say_not_held("its label is 'unconfined'", true);
    apply_with("b", ENFORCER_APPARMOR | ENFORCER_BPF);
    run_container();
    ck_assert_uint_eq(n_later, 0);
    ck_assert(said_of(ENFORCER_APPARMOR)->opted_out);
    ck_assert(!said_of(ENFORCER_APPARMOR)->restart_needed);
    ck_assert(said_of(ENFORCER_BPF)->in_force);
    ck_assert_uint_eq(bpf.bound_cgroup_id, CGROUP);
    check_reason("");
    apparmor.hold = (struct enforcer_hold){.in_force = true}; /* its own setting decides */
    binder_refresh(binder, "b");
    ck_assert(said_of(ENFORCER_APPARMOR)->in_force);
    ck_assert(!said_of(ENFORCER_APPARMOR)->opted_out);
}
END_TEST

START_TEST(what_an_earlier_agent_bound_against_its_users_word_is_undone)
{
    container->opted_out = ENFORCER_BPF;
    container->state = CONTAINER_RUNNING;
    bpf.bound_cgroup_id = CGROUP;
    bpf.found_profile = "b";
    apply("b");
    ck_assert_int_eq(binder_adopt(binder, "", NULL), 0);
    binder_put(binder, container, NULL);
    ck_assert_uint_eq(bpf.bound_cgroup_id, 0);
    ck_assert(said_of(ENFORCER_BPF)->opted_out);
}
END_TEST

START_TEST(a_question_that_fails_is_told_and_a_process_that_is_gone_is_not)
{
    apply_with("b", ENFORCER_APPARMOR);
    apparmor.inspect_result = -ESRCH;
    run_container();
    ck_assert_ptr_null(said_of(ENFORCER_APPARMOR));
    apparmor.inspect_result = -EACCES;
    for (unsigned i = 0; i <= BINDER_LOOKS; i++) {
        binder_put(binder, container, NULL);
        binder_look(binder);
    }
    check_reason("AppArmor enforcer: no answer");
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
    tcase_add_test(t, apparmor_is_asked_once_the_program_has_begun);
    tcase_add_test(t, a_profile_without_bpf_needs_no_cgroup);
    tcase_add_test(t, a_container_that_is_not_held_is_looked_at_a_few_times);
    tcase_add_test(t, an_exec_in_the_meantime_is_seen);
    tcase_add_test(t, a_change_of_its_profile_asks_again);
    tcase_add_test(t, an_enforcer_that_joins_or_leaves_is_bound_or_unbound);
    tcase_add_test(t, a_container_that_is_opted_out_of_bpf_is_not_bound);
    tcase_add_test(t, the_enforcers_that_it_is_not_opted_out_of_hold_it);
    tcase_add_test(t, who_is_opted_out_of_apparmor_is_not_missing);
    tcase_add_test(t, what_an_earlier_agent_bound_against_its_users_word_is_undone);
    tcase_add_test(t, a_question_that_fails_is_told_and_a_process_that_is_gone_is_not);
    suite_add_tcase(s, t);
    return s;
}
