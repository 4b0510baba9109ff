/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "manager/nodes.h"
#include "manager/policy_status.h"
#include "profiles/rules.h"
#include "test/unit/store_fixture.h"

static struct profile_store *store;
static struct nodes *nodes;
static struct policy_status status;

static void on_slot(unsigned slot UNUSED, void *data UNUSED)
{
}

static void on_removed(unsigned slot UNUSED, const char *name UNUSED, void *data UNUSED)
{
}

static void on_policy(const struct stored_policy *p UNUSED, bool removed UNUSED, void *data UNUSED)
{
}

static const struct profile_store_handler handler = {
    .profile_changed = on_slot,
    .profile_removed = on_removed,
    .policy_changed = on_policy,
};

static void set_up(void)
{
    store = profile_store_new("varmor", &handler, NULL);
    nodes = nodes_new(NS_PER_SEC);
    status = (struct policy_status){0};
    store_put(store, "a", "AlwaysAllow");
}

static void tear_down(void)
{
    policy_status_done(&status);
    nodes_free(nodes);
    profile_store_free(store);
    builtin_rules_unload();
}

/* A node says hello. why_not: its BPF enforcer cannot be used; NULL: it can. */
static struct node *join(const char *name, const char *why_not)
{
    const struct msg_enforcer_state bpf = {
        .enforcer = ENFORCER_BPF, .usable = !why_not, .reason = why_not ? why_not : ""};
    const struct msg_hello hello = {.protocol = 1,
                                    .node = name,
                                    .agent_version = "",
                                    .kernel = "",
                                    .architecture = "",
                                    .runtime = "",
                                    .enforcers = &bpf,
                                    .n_enforcers = 1};
    struct node *node;

    ck_assert_int_eq(nodes_hello(nodes, &hello, 1, &node, NULL), 0);
    return node;
}

/* A result for the policy's profile in the version that has this digest. why_not NULL: applied. */
static void answer(struct node *node, const struct digest *digest, const char *why_not)
{
    const struct stored_policy *p = store_find(store, "a");
    const struct msg_enforcer_result bpf = {
        .enforcer = ENFORCER_BPF, .applied = !why_not, .reason = why_not ? why_not : ""};
    const struct msg_result result = {
        .name = p->profile->name, .digest = *digest, .enforcers = &bpf, .n_enforcers = 1};

    ck_assert_int_eq(node_result(node, p->slot, &result, &p->profile->digest), 0);
}

static const struct digest *digest_now(void)
{
    return &store_find(store, "a")->profile->digest;
}

static void expect(enum policy_phase phase, bool ready, const char *reason, const char *message)
{
    policy_status_update(&status, store_find(store, "a"), nodes, 1);
    ck_assert_str_eq(policy_phase_name(status.phase), policy_phase_name(phase));
    ck_assert(status.is_ready == ready);
    ck_assert_str_eq(status.ready.reason, reason);
    ck_assert_str_eq(status.ready.message ? status.ready.message : "", message);
}

START_TEST(without_a_node_nothing_is_ready)
{
    expect(PHASE_PENDING, false, "NoNodes", "no agent has connected");
}
END_TEST

START_TEST(ready_means_that_every_node_has_confirmed_this_digest)
{
    struct node *n1 = join("n1", NULL), *n2 = join("n2", NULL);
    struct digest old = *digest_now();

    expect(PHASE_PENDING, false, "Processing", "applied on 0 of 2 nodes; waiting for 'n1', 'n2'");
    answer(n1, digest_now(), NULL);
    expect(PHASE_PROTECTING, false, "Processing", "applied on 1 of 2 nodes; waiting for 'n2'");
    answer(n2, digest_now(), NULL);
    expect(PHASE_PROTECTING, true, "AllAgentsReady", "applied on 2 of 2 nodes");

    /* Results of the old digest do not count for the new one. */
    store_put(store, "a", "RuntimeDefault");
    expect(PHASE_PENDING, false, "Processing", "applied on 0 of 2 nodes; waiting for 'n1', 'n2'");
    answer(n1, digest_now(), NULL);
    answer(n2, &old, NULL);
    expect(PHASE_PROTECTING, false, "Processing", "applied on 1 of 2 nodes; waiting for 'n2'");
    answer(n1, &old, NULL); /* late: what was confirmed stays */
    answer(n2, digest_now(), NULL);
    expect(PHASE_PROTECTING, true, "AllAgentsReady", "applied on 2 of 2 nodes");
}
END_TEST

START_TEST(a_node_that_failed_is_named_with_its_reason)
{
    struct node *n1 = join("n1", NULL), *n2 = join("n2", NULL);

    answer(n1, digest_now(), NULL);
    answer(n2, digest_now(), "too many states");
    expect(PHASE_ERROR, false, "Error", "node 'n2': BPF enforcer: too many states");
    answer(n2, digest_now(), NULL);
    expect(PHASE_PROTECTING, true, "AllAgentsReady", "applied on 2 of 2 nodes");
}
END_TEST

START_TEST(a_node_that_cannot_is_named_before_it_answers)
{
    struct node *n1 = join("n1", "'bpf' is not in the kernel's LSM list");

    expect(PHASE_ERROR, false, "Error",
           "node 'n1': BPF enforcer: 'bpf' is not in the kernel's LSM list");
    answer(n1, digest_now(), "it cannot");
    expect(PHASE_ERROR, false, "Error", "node 'n1': BPF enforcer: it cannot");
    answer(n1, digest_now(), "BPF enforcer: its own words");
    expect(PHASE_ERROR, false, "Error", "node 'n1': BPF enforcer: its own words");
}
END_TEST

START_TEST(a_result_without_the_enforcer_confirms_nothing)
{
    struct node *n1 = join("n1", NULL);
    const struct stored_policy *p = store_find(store, "a");
    const struct msg_result result = {.name = p->profile->name, .digest = p->profile->digest};

    ck_assert_int_eq(node_result(n1, p->slot, &result, &p->profile->digest), 0);
    expect(PHASE_PENDING, false, "Processing", "applied on 0 of 1 nodes; waiting for 'n1'");
}
END_TEST

START_TEST(what_a_node_enforces_is_unconfirmed_while_its_agent_is_away)
{
    struct node *n1 = join("n1", NULL);

    answer(n1, digest_now(), NULL);
    nodes_lost(nodes, n1, 2, 0);
    expect(PHASE_PROTECTING, false, "AgentAway",
           "applied on 0 of 1 nodes; no agent confirms it on 'n1'");
    store_put(store, "a", "RuntimeDefault");
    expect(PHASE_PENDING, false, "Processing", "applied on 0 of 1 nodes; waiting for 'n1' (away)");
    join("n1", NULL); /* a hello starts over: the agent answers for what it holds */
    expect(PHASE_PENDING, false, "Processing", "applied on 0 of 1 nodes; waiting for 'n1'");
}
END_TEST

static void on_forgotten(const struct node *node, void *data)
{
    ck_assert_str_eq(node->name, "n1");
    ++*(unsigned *)data;
}

START_TEST(a_node_that_stays_away_is_forgotten)
{
    unsigned n = 0;

    join("n2", NULL);
    nodes_lost(nodes, join("n1", NULL), 2, 5);
    ck_assert_uint_eq(nodes_expire(nodes, 5 + NS_PER_SEC - 1, on_forgotten, &n), 5 + NS_PER_SEC);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(nodes_expire(nodes, 5 + NS_PER_SEC, on_forgotten, &n), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_ptr_null(nodes_find(nodes, "n1"));
    ck_assert_ptr_nonnull(nodes_find(nodes, "n2"));
}
END_TEST

START_TEST(a_refused_update_is_not_ready_though_the_old_profile_is_applied)
{
    answer(join("n1", NULL), digest_now(), NULL);
    store_put(store, "a",
              "EnhanceProtect, enhanceProtect: {vulMitigationRules: [dirty-pipe-mitigation]}");
    expect(PHASE_ERROR, false, "AllAgentsReady", "applied on 1 of 1 nodes");
    store_put(store, "a", "AlwaysAllow");
    expect(PHASE_PROTECTING, true, "AllAgentsReady", "applied on 1 of 1 nodes");
}
END_TEST

START_TEST(a_policy_without_a_profile_is_an_error)
{
    store_put(store, "b", "EnhanceProtect, enhanceProtect: {hardeningRules: [none-such]}");
    policy_status_update(&status, store_find(store, "b"), nodes, 1);
    ck_assert_int_eq(status.phase, PHASE_ERROR);
    ck_assert(!status.is_ready);
    ck_assert_int_eq(status.ready.status, CONDITION_ABSENT);
}
END_TEST

START_TEST(many_nodes_are_counted_after_the_first_few)
{
    char name[16];

    for (int i = 1; i <= 8; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        join(name, NULL);
    }
    expect(PHASE_PENDING, false, "Processing",
           "applied on 0 of 8 nodes; waiting for 'n1', 'n2', 'n3', 'n4', 'n5' and 3 more");
    for (int i = 1; i <= 8; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        answer(nodes_find(nodes, name), digest_now(), "x");
    }
    expect(PHASE_ERROR, false, "Error",
           "node 'n1': BPF enforcer: x; node 'n2': BPF enforcer: x; node 'n3': BPF enforcer: x; "
           "node 'n4': BPF enforcer: x; node 'n5': BPF enforcer: x; and 3 more nodes");
}
END_TEST

START_TEST(an_agent_that_should_be_there_is_missed)
{
    nodes_expect(nodes, 2);
    expect(PHASE_PENDING, false, "NoNodes", "no agent has connected; 2 should");
    answer(join("n1", NULL), digest_now(), NULL);
    expect(PHASE_PROTECTING, false, "AgentMissing",
           "applied on 1 of 2 nodes; from 1 nodes no agent has connected");
    ck_assert_uint_eq(status.nodes_desired, 2);
    answer(join("n2", NULL), digest_now(), NULL);
    expect(PHASE_PROTECTING, true, "AllAgentsReady", "applied on 2 of 2 nodes");
    nodes_expect(nodes, 1); /* a node is being taken away: its agent still is there */
    expect(PHASE_PROTECTING, true, "AllAgentsReady", "applied on 2 of 2 nodes");
}
END_TEST

START_TEST(an_update_says_whether_anything_changed)
{
    struct node *n1 = join("n1", NULL);

    ck_assert(policy_status_update(&status, store_find(store, "a"), nodes, 1));
    ck_assert(!policy_status_update(&status, store_find(store, "a"), nodes, 2));
    answer(n1, digest_now(), NULL);
    ck_assert(policy_status_update(&status, store_find(store, "a"), nodes, 3));
    ck_assert_int_eq(status.ready.since_ns, 3);
    ck_assert(!policy_status_update(&status, store_find(store, "a"), nodes, 4));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("policy_status");
    TCase *t = tcase_create("policy_status");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_a_node_nothing_is_ready);
    tcase_add_test(t, ready_means_that_every_node_has_confirmed_this_digest);
    tcase_add_test(t, a_node_that_failed_is_named_with_its_reason);
    tcase_add_test(t, a_node_that_cannot_is_named_before_it_answers);
    tcase_add_test(t, a_result_without_the_enforcer_confirms_nothing);
    tcase_add_test(t, what_a_node_enforces_is_unconfirmed_while_its_agent_is_away);
    tcase_add_test(t, a_node_that_stays_away_is_forgotten);
    tcase_add_test(t, a_refused_update_is_not_ready_though_the_old_profile_is_applied);
    tcase_add_test(t, a_policy_without_a_profile_is_an_error);
    tcase_add_test(t, many_nodes_are_counted_after_the_first_few);
    tcase_add_test(t, an_agent_that_should_be_there_is_missed);
    tcase_add_test(t, an_update_says_whether_anything_changed);
    suite_add_tcase(s, t);
    return s;
}
