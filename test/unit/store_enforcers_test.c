/* SPDX-License-Identifier: Apache-2.0 */
/* The store with three enforcers: what is committed in which order, what is taken back, and what
 * waits for an enforcer that needs time. The kernels are tables in memory (memory_enforcer.h). */
#include "test/unit/memory_enforcer.h"

#include "agent/state_dir.h"
#include "agent/store.h"
#include "proto/profile_codec.h"

#define ALL (ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP)

static struct memory_enforcer apparmor, bpf, seccomp;
static struct enforcers enforcers;
static struct store *store;

static void set_up(void)
{
    enforcers = (struct enforcers){0};
    memory_enforcer_init(&bpf, ENFORCER_BPF);
    memory_enforcer_init(&apparmor, ENFORCER_APPARMOR);
    memory_enforcer_init(&seccomp, ENFORCER_SECCOMP);
    memory_enforcer_list(&bpf, &enforcers);
    memory_enforcer_list(&apparmor, &enforcers);
    memory_enforcer_list(&seccomp, &enforcers);
    ck_assert_int_eq(store_new(&store, &enforcers, NULL), 0);
}

static void tear_down(void)
{
    store = store_free(store);
    ck_assert_uint_eq(apparmor.n_versions + bpf.n_versions + seccomp.n_versions, 0);
}

static struct profile *version(unsigned enforcer_bits, int number)
{
    struct profile *p = profile_new();

    p->name = strdup("p");
    p->enforcers = enforcer_bits;
    p->priority = number;
    ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    return p;
}

static void apply(unsigned enforcer_bits, int number, int outcome, const char *problem_text)
{
    CLEANUP(profile_unref) struct profile *p = version(enforcer_bits, number);
    CLEANUP(error_free) struct error *problem = NULL;

    ck_assert_int_eq(store_apply(store, p, number, &problem), outcome);
    ck_assert_str_eq(problem ? error_message(problem) : "", problem_text);
}

static void resume(int outcome)
{
    ck_assert_int_eq(store_resume(store, "p", 9, NULL), outcome);
}

/* The version in force; 0: none. */
static int in_force(void)
{
    const struct profile *p = store_find(store, "p");

    return p ? p->priority : 0;
}

static const struct msg_enforcer_result *result_of(enum enforcer_bit kind)
{
    struct msg_result result;

    if (!store_fill_result(store, "p", &result))
        return NULL;
    for (size_t i = 0; i < result.n_enforcers; i++)
        if (result.enforcers[i].enforcer == kind)
            return &result.enforcers[i];
    return NULL;
}

static void check_reason(enum enforcer_bit kind, const char *reason)
{
    const struct msg_enforcer_result *r = result_of(kind);

    ck_assert_ptr_nonnull(r);
    ck_assert(r->applied == (*reason == '\0'));
    ck_assert_str_eq(r->reason, reason);
}

static bool holds(struct memory_enforcer *m, int number)
{
    CLEANUP(profile_unref) struct profile *p = version(ALL, number);
    const struct memory_version *held = memory_find(m->held, "p", false);

    return held && digest_equal(&held->digest, &p->digest);
}

/* ---- order, failure ---- */

START_TEST(enforcers_are_committed_with_bpf_last)
{
    apply(ALL, 1, STORE_APPLIED, "");
    ck_assert_str_eq(memory_log, "A+p S+p B+p");
    apply(ALL, 1, STORE_UNCHANGED, "");
    ck_assert_str_eq(result_of(ENFORCER_APPARMOR)->mode, "enforce");
    ck_assert_uint_eq(result_of(ENFORCER_SECCOMP)->image_digest.bytes[0], 'S');
    ck_assert_uint_eq(result_of(ENFORCER_BPF)->image_digest.bytes[0], 'B');
    ck_assert_int_eq(result_of(ENFORCER_BPF)->since_ns, 1);
}
END_TEST

START_TEST(what_was_committed_before_a_failure_is_taken_back)
{
    apply(ALL, 1, STORE_APPLIED, "");
    memory_log[0] = '\0';
    bpf.commit_error = "no room";
    apply(ALL, 2, STORE_REFUSED, "BPF enforcer: no room");
    ck_assert_str_eq(memory_log, "A+p S+p S~p A~p");
    ck_assert_int_eq(in_force(), 1);
    ck_assert(holds(&apparmor, 1) && holds(&seccomp, 1) && holds(&bpf, 1));
    check_reason(ENFORCER_BPF, "BPF enforcer: no room");
    check_reason(ENFORCER_APPARMOR,
                 "taken back, as another enforcer of this profile failed: BPF enforcer: no room");
    check_reason(ENFORCER_SECCOMP,
                 "taken back, as another enforcer of this profile failed: BPF enforcer: no room");
    bpf.commit_error = NULL;
    apply(ALL, 1, STORE_APPLIED, ""); /* results of version 2 were told: they are told anew */
    check_reason(ENFORCER_BPF, "");
}
END_TEST

START_TEST(a_first_version_that_fails_leaves_nothing_behind)
{
    seccomp.commit_error = "the folder is read-only";
    apply(ALL, 1, STORE_REFUSED, "Seccomp enforcer: the folder is read-only");
    ck_assert_str_eq(memory_log, "A+p A~p");
    check_reason(ENFORCER_BPF, "left out, as another enforcer of this profile failed: "
                               "Seccomp enforcer: the folder is read-only");
    ck_assert_int_eq(in_force(), 0);
    ck_assert(!store_is_opaque(store, "p"));
    memory_log[0] = '\0';
    ck_assert_int_eq(store_remove(store, "p", NULL), 0);
    ck_assert_str_eq(memory_log, ""); /* no enforcer holds it */
}
END_TEST

START_TEST(a_commit_that_is_not_read_back_is_a_failure)
{
    apparmor.forgets = true;
    apply(ALL, 1, STORE_REFUSED, "AppArmor enforcer: the kernel does not hold what was committed");
    ck_assert_str_eq(memory_log, "A+p A~p");
    apparmor.forgets = false;
    apply(ALL, 1, STORE_APPLIED, "");
    apparmor.forgets = true;
    apply(ALL, 2, STORE_REFUSED,
          "AppArmor enforcer: the kernel holds another digest than the one that was committed");
    ck_assert_int_eq(in_force(), 1);
}
END_TEST

START_TEST(what_cannot_be_taken_back_is_said)
{
    bpf.commit_error = "no room";
    apparmor.revert_error = "busy";
    apply(ALL, 1, STORE_REFUSED, "BPF enforcer: no room");
    check_reason(ENFORCER_APPARMOR,
                 "in force and not taken back (busy), as another enforcer of this profile failed: "
                 "BPF enforcer: no room");
    memory_log[0] = '\0';
    ck_assert_int_eq(store_remove(store, "p", NULL), 0);
    ck_assert_str_eq(memory_log, "A-p");
}
END_TEST

START_TEST(no_enforcer_works_for_a_profile_that_another_cannot_carry)
{
    seccomp.facts.usable = false;
    snprintf(seccomp.facts.reason, sizeof(seccomp.facts.reason), "no seccomp in this kernel");
    apparmor.is_slow = true;
    apply(ALL, 1, STORE_REFUSED, "Seccomp enforcer: no seccomp in this kernel");
    ck_assert_uint_eq(apparmor.n_prepared + bpf.n_prepared, 0);
    check_reason(ENFORCER_APPARMOR, "left out, as another enforcer of this profile failed: "
                                    "Seccomp enforcer: no seccomp in this kernel");
}
END_TEST

/* ---- leaving an enforcer ---- */

START_TEST(an_enforcer_is_left_when_the_others_hold)
{
    apply(ALL, 1, STORE_APPLIED, "");
    memory_log[0] = '\0';
    apply(ENFORCER_APPARMOR | ENFORCER_SECCOMP, 2, STORE_APPLIED, "");
    ck_assert_str_eq(memory_log, "A+p S+p B-p");
    ck_assert_ptr_null(result_of(ENFORCER_BPF));
}
END_TEST

START_TEST(an_enforcer_that_cannot_be_left_is_said_and_tried_again)
{
    apply(ALL, 1, STORE_APPLIED, "");
    bpf.remove_error = "busy";
    apply(ENFORCER_APPARMOR, 2, STORE_APPLIED,
          "BPF enforcer, which the profile no longer names: busy");
    ck_assert_int_eq(in_force(), 2);
    check_reason(ENFORCER_APPARMOR, "");
    check_reason(ENFORCER_BPF, "BPF enforcer, which the profile no longer names: busy");
    bpf.remove_error = NULL;
    apply(ENFORCER_APPARMOR, 2, STORE_APPLIED, "");
    ck_assert_ptr_null(result_of(ENFORCER_BPF));
    apply(ENFORCER_APPARMOR, 2, STORE_UNCHANGED, "");
}
END_TEST

/* ---- enforcers that need time ---- */

START_TEST(a_version_waits_for_its_enforcer)
{
    apparmor.is_slow = true;
    apply(ALL, 1, STORE_PENDING, "");
    ck_assert(store_is_pending(store));
    ck_assert_ptr_null(result_of(ENFORCER_APPARMOR)); /* nothing is told before it is done */
    ck_assert_uint_eq(bpf.n_prepared, 0);
    resume(STORE_PENDING); /* not ready after all */
    apparmor.is_slow = false;
    resume(STORE_APPLIED);
    ck_assert_int_eq(in_force(), 1);
    ck_assert(!store_is_pending(store));
    ck_assert_str_eq(memory_log, "A+p S+p B+p");
    check_reason(ENFORCER_APPARMOR, "");
    resume(STORE_UNCHANGED); /* nothing waits any more */
}
END_TEST

START_TEST(the_older_version_is_in_force_while_one_is_pending)
{
    apply(ALL, 1, STORE_APPLIED, "");
    apparmor.is_slow = true;
    apply(ALL, 2, STORE_PENDING, "");
    ck_assert_int_eq(in_force(), 1);
    ck_assert(holds(&apparmor, 1) && holds(&bpf, 1));
    apparmor.is_slow = false;
    apparmor.refusal = "line 3: a rule that the parser does not know";
    resume(STORE_REFUSED);
    ck_assert_int_eq(in_force(), 1);
    check_reason(ENFORCER_APPARMOR,
                 "AppArmor enforcer: line 3: a rule that the parser does not know");
    check_reason(ENFORCER_BPF, "left out, as another enforcer of this profile failed: "
                               "AppArmor enforcer: line 3: a rule that the parser does not know");
}
END_TEST

START_TEST(the_newest_of_several_pending_versions_wins)
{
    apparmor.is_slow = true;
    apply(ALL, 1, STORE_PENDING, "");
    apply(ALL, 2, STORE_PENDING, "");
    ck_assert_int_eq(store_find_newest(store, "p")->priority, 2);
    apparmor.is_slow = false;
    resume(STORE_APPLIED);
    ck_assert_int_eq(in_force(), 2);
    ck_assert_str_eq(memory_log, "A+p S+p B+p");
}
END_TEST

START_TEST(a_pending_version_that_is_withdrawn_never_comes)
{
    apply(ALL, 1, STORE_APPLIED, "");
    apparmor.is_slow = true;
    apply(ALL, 2, STORE_PENDING, "");
    apply(ALL, 1, STORE_UNCHANGED, "");
    apparmor.is_slow = false;
    resume(STORE_UNCHANGED);
    ck_assert_int_eq(in_force(), 1);
}
END_TEST

START_TEST(a_removal_ends_a_pending_version)
{
    apparmor.is_slow = true;
    apply(ALL, 1, STORE_PENDING, "");
    store_begin_remove(store, "p");
    ck_assert_int_eq(store_remove(store, "p", NULL), 0);
    ck_assert_str_eq(memory_log, "B-p A-p S-p"); /* so that an enforcer can stop its work */
    apparmor.is_slow = false;
    resume(STORE_UNCHANGED);
    ck_assert_uint_eq(store_size(store), 0);
}
END_TEST

START_TEST(a_new_connection_asks_the_manager_about_what_is_newer)
{
    struct msg_held held;

    apply(ALL, 1, STORE_APPLIED, "");
    apparmor.is_slow = true;
    apply(ALL, 2, STORE_PENDING, "");
    ck_assert_uint_eq(store_fill_held(store, &held, 1), 1);
    store_begin_sync(store); /* version 1 was told: the manager may want it after all */
    apparmor.is_slow = false;
    resume(STORE_UNCHANGED);
    ck_assert_int_eq(in_force(), 1);
    ck_assert_ptr_null(store_find_unwanted(store));
}
END_TEST

START_TEST(a_first_version_goes_on_over_a_new_connection_until_it_is_unwanted)
{
    apparmor.is_slow = true;
    apply(ALL, 1, STORE_PENDING, "");
    store_begin_sync(store);
    ck_assert_str_eq(store_find_unwanted(store), "p");
    apparmor.is_slow = false;
    resume(STORE_APPLIED);
    ck_assert_int_eq(in_force(), 1);
    ck_assert_str_eq(store_find_unwanted(store), "p");
}
END_TEST

START_TEST(a_version_can_be_applied_anew)
{
    apply(ALL, 1, STORE_APPLIED, "");
    apparmor.is_slow = true;
    ck_assert_int_eq(store_apply_anew(store, "p", 7, NULL), STORE_PENDING);
    store_begin_sync(store); /* what is told as held is this version */
    apply(ALL, 1, STORE_UNCHANGED, "");
    apparmor.is_slow = false;
    resume(STORE_APPLIED);
    ck_assert_str_eq(memory_log, "A+p S+p B+p A+p S+p B+p");
    ck_assert_int_eq(store_apply_anew(store, "unknown", 7, NULL), STORE_UNCHANGED);
}
END_TEST

/* ---- taking over ---- */

static void on_trouble(const char *message, void *data UNUSED)
{
    ck_abort_msg("%s", message);
}

static void on_removed(const char *what UNUSED, void *data UNUSED)
{
}

/* A new agent over the same kernel and the same folder. */
static void restart(struct state_dir *dir)
{
    store = store_free(store);
    ck_assert_int_eq(store_new(&store, &enforcers, dir), 0);
    ck_assert_int_eq(store_restore(store, 20, on_trouble, NULL, NULL), 0);
}

START_TEST(a_new_agent_takes_over_what_every_enforcer_holds)
{
    char folder[] = "/tmp/store_enforcers_XXXXXX";
    CLEANUP(state_dir_free) struct state_dir *dir = NULL;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(state_dir_new(&dir, folder, NULL), 0);
    restart(dir);
    apply(ALL, 1, STORE_APPLIED, "");
    memory_log[0] = '\0';
    restart(dir);
    ck_assert_int_eq(in_force(), 1);
    ck_assert_str_eq(memory_log, "");
    ck_assert_uint_eq(result_of(ENFORCER_SECCOMP)->image_digest.bytes[0], 'S');

    apparmor.held[0] = (struct memory_version){0}; /* the kernel lost one: it is compiled again */
    apparmor.is_slow = true;
    restart(dir);
    ck_assert_int_eq(in_force(), 0);
    ck_assert(store_is_opaque(store, "p"));
    ck_assert(store_is_pending(store));
    ck_assert(holds(&bpf, 1) && holds(&seccomp, 1));
    ck_assert_str_eq(memory_log, "");
    apparmor.is_slow = false;
    resume(STORE_APPLIED);
    ck_assert(holds(&apparmor, 1));
    ck_assert_int_eq(in_force(), 1);
    ck_assert_int_eq(state_dir_remove(folder, on_removed, NULL, NULL), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("store_enforcers");
    TCase *t = tcase_create("store_enforcers");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, enforcers_are_committed_with_bpf_last);
    tcase_add_test(t, what_was_committed_before_a_failure_is_taken_back);
    tcase_add_test(t, a_first_version_that_fails_leaves_nothing_behind);
    tcase_add_test(t, a_commit_that_is_not_read_back_is_a_failure);
    tcase_add_test(t, what_cannot_be_taken_back_is_said);
    tcase_add_test(t, no_enforcer_works_for_a_profile_that_another_cannot_carry);
    tcase_add_test(t, an_enforcer_is_left_when_the_others_hold);
    tcase_add_test(t, an_enforcer_that_cannot_be_left_is_said_and_tried_again);
    tcase_add_test(t, a_version_waits_for_its_enforcer);
    tcase_add_test(t, the_older_version_is_in_force_while_one_is_pending);
    tcase_add_test(t, the_newest_of_several_pending_versions_wins);
    tcase_add_test(t, a_pending_version_that_is_withdrawn_never_comes);
    tcase_add_test(t, a_removal_ends_a_pending_version);
    tcase_add_test(t, a_new_connection_asks_the_manager_about_what_is_newer);
    tcase_add_test(t, a_first_version_goes_on_over_a_new_connection_until_it_is_unwanted);
    tcase_add_test(t, a_version_can_be_applied_anew);
    tcase_add_test(t, a_new_agent_takes_over_what_every_enforcer_holds);
    suite_add_tcase(s, t);
    return s;
}
