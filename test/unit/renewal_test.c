/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles that are applied anew when disks change, over enforcers whose kernel is a table in
 * memory. */
#include "test/unit/memory_enforcer.h"

#include "agent/renewal.h"
#include "agent/state_dir.h"
#include "agent/store.h"
#include "lib/loop.h"
#include "lib/ruleset/disk_list.h"
#include "proto/profile_codec.h"

static const char *const sda[] = {"/dev/sda"}, *const both[] = {"/dev/sda", "/dev/sdb"};

static struct memory_enforcer bpf;
static struct enforcers enforcers;
static struct loop *loop;
static struct store *store;
static struct state_dir *dir;
static struct renewal *renewal;
static char folder[] = "/tmp/renewal_test_XXXXXX";
static char applied[64]; /* names, in order */

static void on_apply(const char *profile, void *data UNUSED)
{
    strncat(applied, profile, sizeof(applied) - strlen(applied) - 1);
    ck_assert_int_ge(store_apply_anew(store, profile, 1, NULL), 0);
}

static void apply(const char *name, const char *pattern)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    p->name = strdup(name);
    p->enforcers = ENFORCER_BPF;
    ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    profile_add_rule(p, RULE_FILE, RULE_DENY, "r")->path.pattern = strdup(pattern);
    p->rules[0].path.permissions = PATH_READ;
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert_int_eq(store_apply(store, p, 1, NULL), STORE_APPLIED);
}

static void start(void)
{
    applied[0] = '\0';
    ck_assert_int_eq(renewal_new(&renewal, loop, store, dir, on_apply, NULL), 0);
}

static void set_up(void)
{
    enforcers = (struct enforcers){0};
    memory_enforcer_init(&bpf, ENFORCER_BPF);
    memory_enforcer_list(&bpf, &enforcers);
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(state_dir_new(&dir, folder, NULL), 0);
    ck_assert_int_eq(store_new(&store, &enforcers, NULL), 0);
    apply("a", DISK_PLACEHOLDER);
    apply("b", "/etc/shadow");
    apply("c", DISK_PLACEHOLDER);
    start();
}

static void on_removed(const char *what UNUSED, void *data UNUSED)
{
}

static void tear_down(void)
{
    renewal = renewal_free(renewal);
    store = store_free(store);
    dir = state_dir_free(dir);
    ck_assert_int_eq(state_dir_remove(folder, on_removed, NULL, NULL), 0);
    loop = loop_free(loop);
}

static void on_idle(void *data)
{
    loop_stop(data);
}

/* Runs the loop until nothing is due any more. */
static void run(void)
{
    struct loop_timer *idle;

    ck_assert_int_eq(loop_timer_new(loop, &idle, on_idle, loop), 0);
    loop_timer_set(idle, 50 * NS_PER_MSEC);
    ck_assert_int_eq(loop_run(loop), 0);
    loop_timer_free(idle);
}

/* As a new agent would find it. */
static void restart(void)
{
    renewal = renewal_free(renewal);
    start();
}

START_TEST(what_concerns_disks_is_applied_anew_when_they_change)
{
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "ac");
    renewal_set_disks(renewal, both, 2);
    run();
    ck_assert_str_eq(applied, "acac");
    renewal_set_disks(renewal, both, 2);
    run();
    ck_assert_str_eq(applied, "acac");
}
END_TEST

START_TEST(an_agent_that_finds_the_same_disks_has_nothing_to_do)
{
    renewal_set_disks(renewal, sda, 1);
    run();
    restart();
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "");
    restart();
    renewal_set_disks(renewal, NULL, 0);
    run();
    ck_assert_str_eq(applied, "ac");
}
END_TEST

START_TEST(what_was_interrupted_is_done_again)
{
    renewal_set_disks(renewal, sda, 1); /* ends before its first turn */
    restart();
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "ac");
}
END_TEST

START_TEST(what_was_interrupted_is_done_again_among_the_disks_of_before)
{
    renewal_set_disks(renewal, sda, 1);
    run();
    renewal_set_disks(renewal, both, 2); /* some profiles may be made for these */
    restart();
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "ac");
}
END_TEST

START_TEST(what_is_pending_is_not_done)
{
    bpf.is_slow = true;
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert(store_is_pending(store));
    restart();
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "ac");
    bpf.is_slow = false;
    ck_assert_int_eq(store_resume(store, "a", 2, NULL), STORE_APPLIED);
    ck_assert_int_eq(store_resume(store, "c", 2, NULL), STORE_APPLIED);
    renewal_check(renewal);
    restart();
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "");
}
END_TEST

START_TEST(what_is_refused_is_not_done)
{
    bpf.refusal = "no memory";
    renewal_set_disks(renewal, sda, 1);
    run();
    restart();
    bpf.refusal = NULL;
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "ac");
    restart();
    renewal_set_disks(renewal, sda, 1);
    run();
    ck_assert_str_eq(applied, "");
}
END_TEST

START_TEST(a_profile_is_applied_once_however_often_it_is_put)
{
    renewal_put(renewal, "b");
    renewal_put(renewal, "b");
    run();
    ck_assert_str_eq(applied, "b");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("renewal");
    TCase *t = tcase_create("renewal");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, what_concerns_disks_is_applied_anew_when_they_change);
    tcase_add_test(t, an_agent_that_finds_the_same_disks_has_nothing_to_do);
    tcase_add_test(t, what_was_interrupted_is_done_again);
    tcase_add_test(t, what_was_interrupted_is_done_again_among_the_disks_of_before);
    tcase_add_test(t, what_is_pending_is_not_done);
    tcase_add_test(t, what_is_refused_is_not_done);
    tcase_add_test(t, a_profile_is_applied_once_however_often_it_is_put);
    suite_add_tcase(s, t);
    return s;
}
