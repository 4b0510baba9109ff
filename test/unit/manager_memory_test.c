/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's state with each of its allocations failing in turn: nothing leaks, nothing is half
 * done, and the same step works when there is memory again. */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/map.h"
#include "manager/agent_exchange.h"
#include "manager/file_claims.h"
#include "manager/file_problems.h"
#include "manager/nodes.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "manager/resolver.h"
#include "manager/status_view.h"
#include "manager/violation_history.h"
#include "profiles/builder.h"
#include "profiles/rules.h"
#include "test/unit/alloc_failure.h"
#include "test/unit/policy_text.h"

#define POLICY(mode)                                                                               \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: a, namespace: shop}\n"                                                       \
    "spec:\n  target: {kind: Deployment, selector: {matchLabels: {x: y}}, containers: [c]}\n"      \
    "  policy:\n    enforcer: BPF\n    mode: " mode "\n"
#define ENHANCE                                                                                    \
    POLICY("EnhanceProtect\n    enhanceProtect:\n"                                                 \
           "      hardeningRules: [disable-cap-net-raw, disallow-umount]\n"                        \
           "      attackProtectionRules: [{rules: [disable-shell, disable-tcp]}]\n"                \
           "      bpfRawRules:\n"                                                                  \
           "        files: [{pattern: /x, permissions: [all]}]\n"                                  \
           "        network: {egress: {toDestinations: [{ip: localhost, ports: [{port: 1}]}]}}\n")
#define WORKLOAD                                                                                   \
    "apiVersion: apps/v1\nkind: Deployment\n"                                                      \
    "metadata: {name: w, namespace: shop, labels: {x: y}}\n"                                       \
    "spec:\n  selector: {matchLabels: {x: y}}\n  template: {metadata: {labels: {x: y}}}\n"

/* ---- Files ---- */

static unsigned n_in_force;

struct files_told {
    struct file_problems *problems;
    int result; /* of the last file_problems_put() */
};

static void on_put(const struct object *o UNUSED, const char *file UNUSED, void *data UNUSED)
{
    n_in_force++;
}

static void on_dropped(const struct object *o UNUSED, void *data UNUSED)
{
    n_in_force--;
}

static void on_file(const struct source_file *f, void *data)
{
    struct files_told *told = data;

    told->result = file_problems_put(told->problems, f);
}

static const struct source_handler source_handler = {
    .put = on_put,
    .dropped = on_dropped,
    .file = on_file,
};

/* Two files with one dispute and a wrong one. Negative if memory ran out. */
static int read_files(struct file_claims *c)
{
    static const char *const texts[] = {POLICY("AlwaysAllow"), POLICY("RuntimeDefault"), "kind: ["};
    static const char *const names[] = {"a.yaml", "b.yaml", "c.yaml"};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        int r = file_claims_put(c, names[i], texts[i], strlen(texts[i]));

        if (r < 0)
            return r;
    }
    return file_claims_settle(c);
}

START_TEST(files_are_read_again_when_there_is_memory_again)
{
    bool failed;
    unsigned n = 0;

    do {
        struct files_told told = {0};
        struct file_claims *c;
        int r;

        n_in_force = 0;
        alloc_failure_arm(++n);
        told.problems = file_problems_new();
        c = file_claims_new(&source_handler, &told);
        r = told.problems && c ? read_files(c) : -ENOMEM;
        failed = alloc_failure_disarm();
        if (r == 0)
            ck_assert_uint_eq(n_in_force, 1);
        else
            ck_assert_uint_eq(n_in_force, 0);
        if (told.problems && c) {
            ck_assert_int_eq(read_files(c), 0);
            ck_assert(n_in_force >= 1);
            ck_assert_int_ge(told.result, 0);
            ck_assert_ptr_nonnull(file_problems_find(told.problems, "c.yaml"));
        }
        file_claims_free(c);
        file_problems_free(told.problems);
    } while (failed);
    ck_assert_uint_gt(n, 100);
}
END_TEST

/* ---- From a policy to what an agent is told and users are shown ---- */

static void on_slot(unsigned slot UNUSED, void *data UNUSED)
{
}

static void on_removed(unsigned slot UNUSED, const char *name UNUSED, void *data UNUSED)
{
}

static void on_policy(const struct stored_policy *p UNUSED, bool removed UNUSED, void *data UNUSED)
{
}

static const struct profile_store_handler store_handler = {
    .profile_changed = on_slot,
    .profile_removed = on_removed,
    .policy_changed = on_policy,
};

struct everything {
    struct profile_store *store;
    struct resolver *resolver;
    struct nodes *nodes;
    struct file_problems *problems;
    struct violation_history *violations;
    struct map *statuses; /* key -> struct policy_status */
    struct agent_exchange *exchange;
};

static void policy_status_free(void *value)
{
    policy_status_done(value);
    free(value);
}

static void everything_done(struct everything *e)
{
    agent_exchange_free(e->exchange);
    map_free(e->statuses);
    violation_history_free(e->violations);
    file_problems_free(e->problems);
    nodes_free(e->nodes);
    resolver_free(e->resolver);
    profile_store_free(e->store);
}

static int put_policy(struct everything *e, struct policy *policy)
{
    struct resolved_targets targets = {0};
    struct builder_facts facts = {0};
    int r = resolver_targets(e->resolver, policy, &targets, NULL);

    facts.targets = targets.items;
    facts.n_targets = targets.n;
    if (r == 0)
        r = profile_store_put(e->store, policy, "a.yaml", &facts, NULL, 1, NULL);
    resolved_targets_done(&targets);
    return r;
}

static int start(struct everything *e)
{
    e->store = profile_store_new("varmor", &store_handler, NULL);
    e->resolver = resolver_new();
    e->nodes = nodes_new(1);
    e->problems = file_problems_new();
    e->violations = violation_history_new();
    e->statuses = map_new(policy_status_free, 0);
    return e->store && e->resolver && e->nodes && e->problems && e->violations && e->statuses
               ? 0
               : -ENOMEM;
}

/* An agent says hello, gets everything, and answers. */
static int serve_agent(struct everything *e)
{
    const struct msg_fact fact = {"a", "b"};
    const struct msg_hello hello = {.node = "n",
                                    .agent_version = "",
                                    .kernel = "",
                                    .architecture = "",
                                    .runtime = "",
                                    .facts = &fact,
                                    .n_facts = 1};
    const struct msg_held held = {.name = "varmor-shop-gone"};
    const struct msg_enforcer_result bpf = {
        .enforcer = ENFORCER_BPF, .reason = "because", .policy_hash = "ab12"};
    const struct msg_event_count event = {ENFORCER_APPARMOR, "disallow-mount", 3};
    struct msg_result result = {.name = "varmor-shop-a", .enforcers = &bpf, .n_enforcers = 1};
    const uint64_t values[] = {1, 2};
    const struct profile_slot *slot;
    struct node *node;
    const uint8_t *data;
    unsigned number;
    size_t len;
    int r;

    r = nodes_hello(e->nodes, &hello, 1, &node, NULL);
    if (r == 0)
        r = agent_exchange_new(&e->exchange, e->store, node, &held, 1);
    if (r < 0)
        return r;
    while ((r = agent_exchange_next(e->exchange, &data, &len)) > 0) {
        r = agent_exchange_sent(e->exchange);
        if (r < 0)
            return r;
    }
    slot = profile_store_slot_of(e->store, "varmor-shop-a", &number);
    if (r < 0 || !slot)
        return r;
    result.digest = slot->owner->profile->digest;
    r = node_result(node, number, &result, &result.digest);
    if (r == 0)
        r = node_counts(node, number,
                        &(struct msg_counts){.digest = result.digest,
                                             .counts = values,
                                             .n = 2,
                                             .events = &event,
                                             .n_events = 1});
    return r;
}

static int report_containers(struct everything *e)
{
    const struct msg_binding_enforcer hold = {.enforcer = ENFORCER_BPF, .reason = "because"};
    const struct msg_binding binding = {.container_id = "c1",
                                        .runtime_namespace = "",
                                        .container_name = "c",
                                        .pod_name = "p",
                                        .pod_namespace = "shop",
                                        .pod_uid = "",
                                        .image = "",
                                        .profile = "varmor-shop-a",
                                        .reason = "BPF enforcer: because",
                                        .workload_kind = "",
                                        .workload_name = "",
                                        .enforcers = &hold,
                                        .n_enforcers = 1};
    const struct msg_violation violation = {.profile = "varmor-shop-a",
                                            .rule = "base",
                                            .container_id = "c1",
                                            .container_name = "c",
                                            .pod_name = "p",
                                            .pod_namespace = "shop",
                                            .enforcer = "BPF",
                                            .event = "{}"};
    int r = node_bindings(nodes_find(e->nodes, "n"),
                          &(struct msg_bindings){.complete = true, .put = &binding, .n_put = 1});

    return r < 0 ? r : violation_history_add(e->violations, "n", &violation);
}

static int evaluate(struct everything *e)
{
    MAP_FOREACH (entry, profile_store_policies(e->store)) {
        struct policy_status *status = calloc(1, sizeof(*status));

        if (!status || map_put(e->statuses, map_key(entry), status) < 0) {
            free(status);
            return -ENOMEM;
        }
        policy_status_update(status, map_value(entry), e->nodes, 1);
    }
    return 0;
}

/* All lists and descriptions, encoded. */
static int show(struct everything *e)
{
    const struct status_facts facts = {
        .store = e->store, .nodes = e->nodes, .problems = e->problems, .violations = e->violations};
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    CLEANUP_BUF struct buf out = BUF_INIT(1 << 20);
    struct status_view view = {.facts = &facts, .statuses = e->statuses, .arena = arena};
    const struct status_list_request all = {.name_space = "", .name = ""};
    const struct status_describe_request one = {.kind = "", .name_space = "shop", .name = "a"};
    struct status_policy_description policy;
    struct status_node_description node;
    struct status_list list;
    int r = arena ? 0 : -ENOMEM;

    for (enum status_resource k = STATUS_NONE + 1; r == 0 && k < STATUS_RESOURCES; k++) {
        r = status_view_list(&view, k, &all, &list);
        if (r == 0)
            r = status_list_encode(&list, &out);
    }
    if (r == 0)
        r = status_view_policy(&view, &one, &policy);
    if (r == 1)
        r = status_policy_description_encode(&policy, &out);
    if (r == 0)
        r = status_view_node(&view, "n", &node);
    if (r == 1)
        r = status_node_description_encode(&node, &out);
    return r;
}

static int do_everything(struct everything *e, const struct objects *policies,
                         const struct objects *workload)
{
    int r = start(e);

    if (r == 0)
        r = resolver_put(e->resolver, &workload->items[0]);
    for (size_t i = 0; r == 0 && i < policies->n; i++)
        r = put_policy(e, policies->items[i].policy);
    if (r == 0)
        r = serve_agent(e);
    if (r == 0)
        r = report_containers(e);
    if (r == 0)
        r = evaluate(e);
    return r < 0 ? r : show(e);
}

START_TEST(every_allocation_of_the_way_may_fail)
{
    static const char *const texts[] = {POLICY("AlwaysAllow"), ENHANCE};
    struct objects workload = objects_of(WORKLOAD), policies[2];
    unsigned n = 0, n_failed = 0;
    bool failed;

    for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
        policies[i] = objects_of(texts[i]);
    ck_assert_int_eq(builtin_rules_load(NULL), 0); /* thousands of allocations, once a process */
    do {
        struct everything e = {0};
        int r;

        alloc_failure_arm(++n);
        r = do_everything(&e, &policies[1], &workload);
        failed = alloc_failure_disarm();
        ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "allocation %u: %d", n, r);
        n_failed += r != 0;
        if (r < 0 && e.store && e.resolver) /* what was kept is whole: with memory it goes on */
            ck_assert_int_eq(put_policy(&e, policies[0].items[0].policy), 0);
        everything_done(&e);
    } while (failed);
    ck_assert_uint_gt(n_failed, 150);
    builtin_rules_unload();
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
        objects_done(&policies[i]);
    objects_done(&workload);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("manager_memory");
    TCase *t = tcase_create("manager_memory");

    tcase_add_test(t, files_are_read_again_when_there_is_memory_again);
    tcase_add_test(t, every_allocation_of_the_way_may_fail);
    suite_add_tcase(s, t);
    return s;
}
