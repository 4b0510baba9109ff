/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "manager/nodes.h"

static struct nodes *nodes;

static void set_up(void)
{
    nodes = nodes_new(NS_PER_SEC);
}

static void tear_down(void)
{
    nodes_free(nodes);
}

static int hello(const char *name, struct node **ret, struct error **reterr)
{
    const struct msg_fact fact = {"lsm", "bpf"};
    const struct msg_held held = {.name = "varmor-shop-a"};
    const struct msg_hello message = {.protocol = 1,
                                      .node = name,
                                      .agent_version = "1",
                                      .kernel = "6.1",
                                      .architecture = "x86_64",
                                      .runtime = "none",
                                      .facts = &fact,
                                      .n_facts = 1,
                                      .held = &held,
                                      .n_held = 1};

    return nodes_hello(nodes, &message, 7, ret, reterr);
}

static struct node *join(const char *name)
{
    struct node *node = NULL;

    ck_assert_int_eq(hello(name, &node, NULL), 0);
    return node;
}

static struct msg_binding binding(const char *id)
{
    return (struct msg_binding){.container_id = id,
                                .runtime_namespace = "k8s.io",
                                .container_name = "c",
                                .pod_name = "p",
                                .pod_namespace = "shop",
                                .pod_uid = "u",
                                .image = "i",
                                .pid = 12,
                                .profile = "varmor-shop-a",
                                .since_ns = 5,
                                .before_first_instruction = true,
                                .reason = "",
                                .workload_kind = "Deployment",
                                .workload_name = "w"};
}

static int report(struct node *node, bool complete, const char *put, const char *dropped)
{
    struct msg_binding b = binding(put ? put : "");

    return node_bindings(node, &(struct msg_bindings){.complete = complete,
                                                      .put = &b,
                                                      .n_put = put ? 1 : 0,
                                                      .dropped = &dropped,
                                                      .n_dropped = dropped ? 1 : 0});
}

START_TEST(what_a_hello_says_is_kept_but_for_what_it_holds)
{
    const struct node *node = join("n1");

    ck_assert_str_eq(node->name, "n1");
    ck_assert(node->connected);
    ck_assert_int_eq(node->since_ns, 7);
    ck_assert_str_eq(node->hello.hello.kernel, "6.1");
    ck_assert_uint_eq(node->hello.hello.n_facts, 1);
    ck_assert_str_eq(node->hello.hello.facts[0].value, "bpf");
    ck_assert_uint_eq(node->hello.hello.n_held, 0);
    ck_assert_ptr_eq(nodes_find(nodes, "n1"), node);
    ck_assert_ptr_null(nodes_find(nodes, "n2"));
}
END_TEST

START_TEST(a_name_has_a_length)
{
    CLEANUP(error_free) struct error *e = NULL;
    char name[NODE_NAME_MAX + 2];
    struct node *node;

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(hello(name, &node, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), "a node's name has 1 to 253 bytes");
    ck_assert_int_eq(hello("", &node, NULL), -EINVAL);
    name[NODE_NAME_MAX] = '\0';
    ck_assert_int_eq(hello(name, &node, NULL), 0);
}
END_TEST

START_TEST(the_number_of_nodes_has_a_ceiling)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct node *node;
    char name[16];

    for (int i = 0; i < NODES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        join(name);
    }
    ck_assert_int_eq(hello("one-more", &node, &e), -E2BIG);
    ck_assert_str_eq(error_message(e), "more than 10000 nodes");
    ck_assert_int_eq(hello("n5", &node, NULL), 0); /* who is known may come again */
}
END_TEST

START_TEST(a_binding_is_copied_with_all_that_it_says)
{
    struct node *node = join("n1");
    const struct msg_binding *b;

    ck_assert_int_eq(report(node, true, "c1", NULL), 0);
    b = map_find(node->bindings, "c1");
    ck_assert_ptr_nonnull(b);
    ck_assert_str_eq(b->container_id, "c1");
    ck_assert_str_eq(b->runtime_namespace, "k8s.io");
    ck_assert_str_eq(b->workload_kind, "Deployment");
    ck_assert_str_eq(b->workload_name, "w");
    ck_assert_str_eq(b->profile, "varmor-shop-a");
    ck_assert_int_eq(b->pid, 12);
    ck_assert(b->before_first_instruction);
}
END_TEST

START_TEST(a_complete_report_replaces_and_a_delta_adds)
{
    struct node *node = join("n1");

    ck_assert_int_eq(report(node, true, "c1", NULL), 0);
    ck_assert_int_eq(report(node, false, "c2", NULL), 0);
    ck_assert_uint_eq(map_size(node->bindings), 2);
    ck_assert_int_eq(report(node, false, "c1", "c2"), 0);
    ck_assert_uint_eq(map_size(node->bindings), 1);
    ck_assert_int_eq(report(node, false, NULL, "never-there"), 0);
    ck_assert_int_eq(report(node, true, "c3", NULL), 0);
    ck_assert_uint_eq(map_size(node->bindings), 1);
    ck_assert_ptr_nonnull(map_find(node->bindings, "c3"));
}
END_TEST

START_TEST(the_number_of_bindings_has_a_ceiling)
{
    struct node *node = join("n1");
    char id[16];

    for (int i = 0; i < NODE_MAX_BINDINGS; i++) {
        snprintf(id, sizeof(id), "c%d", i);
        ck_assert_int_eq(report(node, false, id, NULL), 0);
    }
    ck_assert_int_eq(report(node, false, "one-more", NULL), -E2BIG);
    ck_assert_int_eq(report(node, false, "c5", NULL), 0);
    ck_assert_int_eq(report(node, false, "one-more", "c5"), 0);
    ck_assert_uint_eq(map_size(node->bindings), NODE_MAX_BINDINGS);
}
END_TEST

START_TEST(a_result_has_no_more_enforcers_than_there_are)
{
    struct node *node = join("n1");
    const struct msg_enforcer_result four[4] = {
        {.enforcer = ENFORCER_BPF, .reason = ""},
        {.enforcer = ENFORCER_BPF, .reason = "x"},
        {.enforcer = ENFORCER_BPF, .reason = ""},
        {.enforcer = ENFORCER_BPF, .reason = ""},
    };
    struct msg_result result = {.name = "x", .enforcers = four, .n_enforcers = 4};

    ck_assert_int_eq(node_result(node, 3, &result, &result.digest), -EINVAL);
    result.n_enforcers = 3;
    ck_assert_int_eq(node_result(node, 3, &result, &result.digest), 0);
    ck_assert_str_eq(node_profile_find(node, 3)->results[1].reason, "x");
}
END_TEST

START_TEST(what_each_enforcer_does_is_copied)
{
    char reason[] = "an older filter", hash[] = "ab12", origin[] = "disallow-mount";
    struct msg_binding_enforcer enforcers[] = {
        {.enforcer = ENFORCER_APPARMOR, .in_force = true, .mode = "complain", .reason = ""},
        {.enforcer = ENFORCER_SECCOMP, .restart_needed = true, .mode = "odd", .reason = reason},
    };
    const struct msg_enforcer_result result = {.enforcer = ENFORCER_APPARMOR,
                                               .applied = true,
                                               .reason = "",
                                               .mode = "enforce",
                                               .policy_hash = hash};
    const struct msg_event_count event = {ENFORCER_APPARMOR, origin, 7};
    struct msg_result results = {.name = "x", .enforcers = &result, .n_enforcers = 1};
    struct msg_binding put = binding("c1");
    struct node *node = join("n1");
    const struct msg_binding *b;

    put.enforcers = enforcers;
    put.n_enforcers = 2;
    ck_assert_int_eq(node_bindings(node, &(struct msg_bindings){.put = &put, .n_put = 1}), 0);
    ck_assert_int_eq(node_result(node, 0, &results, &results.digest), 0);
    ck_assert_int_eq(node_counts(node, 0, &(struct msg_counts){.events = &event, .n_events = 1}),
                     0);
    reason[0] = hash[0] = origin[0] = '?'; /* the message is gone */
    b = map_find(node->bindings, "c1");
    ck_assert_uint_eq(b->n_enforcers, 2);
    ck_assert_str_eq(b->enforcers[0].mode, "complain");
    ck_assert_str_eq(b->enforcers[1].mode, ""); /* there is no such mode */
    ck_assert_str_eq(b->enforcers[1].reason, "an older filter");
    ck_assert_str_eq(node_profile_find(node, 0)->results[0].policy_hash, "ab12");
    ck_assert_str_eq(node_profile_find(node, 0)->results[0].mode, "enforce");
    ck_assert_str_eq(node_profile_find(node, 0)->counts->events[0].origin, "disallow-mount");
    ck_assert_uint_eq(node_profile_find(node, 0)->counts->events[0].count, 7);
}
END_TEST

START_TEST(what_is_forgotten_of_a_slot_is_gone)
{
    struct node *node = join("n1");
    const uint64_t values[] = {3, 4};

    ck_assert_int_eq(node_counts(node, 2, &(struct msg_counts){.counts = values, .n = 2}), 0);
    ck_assert_uint_eq(node_profile_find(node, 2)->counts->values[1], 4);
    node_profile(node, 2)->sent_version = 9;
    node_profile_forget(node, 2);
    node_profile_forget(node, 100000);
    ck_assert_ptr_null(node_profile_find(node, 2)->counts);
    ck_assert_uint_eq(node_profile_find(node, 2)->sent_version, 0);
    ck_assert_ptr_null(node_profile_find(node, 100000));
}
END_TEST

START_TEST(a_new_hello_starts_over_and_bindings_stay_until_they_are_told)
{
    struct node *node = join("n1");

    node_profile(node, 0)->sent_version = 1;
    ck_assert_int_eq(report(node, true, "c1", NULL), 0);
    ck_assert_ptr_eq(join("n1"), node);
    ck_assert_ptr_null(node_profile_find(node, 0));
    ck_assert_uint_eq(map_size(node->bindings), 1);
    ck_assert_int_eq(report(node, true, "c2", NULL), 0);
    ck_assert_uint_eq(map_size(node->bindings), 1);
    ck_assert_ptr_nonnull(map_find(node->bindings, "c2"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("nodes");
    TCase *t = tcase_create("nodes");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, what_a_hello_says_is_kept_but_for_what_it_holds);
    tcase_add_test(t, a_name_has_a_length);
    tcase_add_test(t, the_number_of_nodes_has_a_ceiling);
    tcase_add_test(t, a_binding_is_copied_with_all_that_it_says);
    tcase_add_test(t, what_each_enforcer_does_is_copied);
    tcase_add_test(t, a_complete_report_replaces_and_a_delta_adds);
    tcase_add_test(t, the_number_of_bindings_has_a_ceiling);
    tcase_add_test(t, a_result_has_no_more_enforcers_than_there_are);
    tcase_add_test(t, what_is_forgotten_of_a_slot_is_gone);
    tcase_add_test(t, a_new_hello_starts_over_and_bindings_stay_until_they_are_told);
    suite_add_tcase(s, t);
    return s;
}
