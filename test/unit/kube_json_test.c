/* SPDX-License-Identifier: Apache-2.0 */
/* Status and ArmorProfile objects as they should stand at the API server, beside files in test/kube/golden.
 * GOLDEN=write writes those anew. */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "manager/kube_agent_set.h"
#include "manager/kube_profile_json.h"
#include "manager/kube_status_json.h"
#include "manager/nodes.h"
#include "manager/policy_status.h"
#include "manager/profile_store.h"
#include "profiles/builder.h"
#include "profiles/rules.h"
#include "test/unit/policy_text.h"

#define GOLDEN "test/kube/golden/%s.json" /* from the top of the tree, where tests run */
#define T0     1795599000000000000        /* 2026-11-25T09:30:00Z */
#define MINUTE (60 * (int64_t)NS_PER_SEC)

static struct profile_store *store;
static struct nodes *nodes;
static struct policy_status status;
static json_t *stands; /* the status at the API server */
static int64_t now_ns;

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

/* What a process knows; what stands at the API server is not part of it. */
static void start_manager(void)
{
    store = profile_store_new("varmor", &handler, NULL);
    nodes = nodes_new(NS_PER_SEC);
    status = (struct policy_status){0};
}

static void stop_manager(void)
{
    policy_status_done(&status);
    nodes_free(nodes);
    profile_store_free(store);
}

static void set_up(void)
{
    now_ns = T0;
    stands = NULL;
    start_manager();
}

static void tear_down(void)
{
    stop_manager();
    json_decref(stands);
    builtin_rules_unload();
}

#define TARGET                                                                                     \
    "{kind: Deployment, selector: {matchLabels: {app: web}, matchExpressions: [{key: tier, "       \
    "operator: In, values: [a, b]}, {key: old, operator: DoesNotExist}]}, containers: [main]}"

/* Puts policy shop/web as the server has it in a generation. */
static void put(int generation, const char *enforcer, const char *mode)
{
    char yaml[2048];
    struct objects objects;
    struct builder_facts facts = {0};

    snprintf(yaml, sizeof(yaml),
             "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
             "metadata: {name: web, namespace: shop, uid: u-1, generation: %d, labels: {team: a}}\n"
             "spec:\n  updateExistingWorkloads: true\n  target: " TARGET "\n"
             "  policy: {enforcer: %s, mode: %s}\n",
             generation, enforcer, mode);
    objects = objects_of(yaml);
    facts.targets = &objects.items[0].policy->target;
    facts.n_targets = 1;
    ck_assert_int_eq(
        profile_store_put(store, objects.items[0].policy, "f", &facts, NULL, now_ns, NULL), 0);
    objects_done(&objects);
}

static const struct stored_policy *web(void)
{
    return profile_store_find(store, false, "shop", "web");
}

static struct node *join(const char *name, const char *no_bpf)
{
    const struct msg_enforcer_state states[] = {
        {.enforcer = ENFORCER_BPF, .usable = !no_bpf, .reason = no_bpf ? no_bpf : ""},
        {.enforcer = ENFORCER_APPARMOR, .usable = true, .reason = ""}};
    const struct msg_hello hello = {.protocol = 1,
                                    .node = name,
                                    .agent_version = "",
                                    .kernel = "",
                                    .architecture = "",
                                    .runtime = "",
                                    .enforcers = states,
                                    .n_enforcers = 2};
    struct node *node;

    ck_assert_int_eq(nodes_hello(nodes, &hello, now_ns, &node, NULL), 0);
    return node;
}

/* Results of all enforcers of the profile in force; why_not: of the BPF enforcer. */
static void answer(struct node *node, const char *why_not)
{
    const struct profile *p = web()->profile;
    struct msg_enforcer_result results[2];
    struct msg_result result = {.name = p->name, .digest = p->digest, .enforcers = results};

    if (p->enforcers & ENFORCER_BPF)
        results[result.n_enforcers++] =
            (struct msg_enforcer_result){.enforcer = ENFORCER_BPF,
                                         .applied = !why_not,
                                         .reason = why_not ? why_not : "",
                                         .mode = "",
                                         .policy_hash = "",
                                         .since_ns = now_ns};
    if (p->enforcers & ENFORCER_APPARMOR)
        results[result.n_enforcers++] = (struct msg_enforcer_result){.enforcer = ENFORCER_APPARMOR,
                                                                     .applied = true,
                                                                     .reason = "",
                                                                     .mode = "",
                                                                     .policy_hash = "",
                                                                     .since_ns = now_ns};
    ck_assert_int_eq(node_result(node, web()->slot, &result, &p->digest), 0);
}

static void bind(struct node *node, const char *id, bool in_force)
{
    const struct msg_binding_enforcer enforcer = {.enforcer = ENFORCER_BPF,
                                                  .in_force = in_force,
                                                  .restart_needed = !in_force,
                                                  .mode = "",
                                                  .reason = "",
                                                  .since_ns = now_ns};
    const struct msg_binding binding = {.container_id = id,
                                        .runtime_namespace = "",
                                        .container_name = "main",
                                        .pod_name = "web-1",
                                        .pod_namespace = "shop",
                                        .pod_uid = "",
                                        .image = "",
                                        .profile = "varmor-shop-web",
                                        .since_ns = now_ns,
                                        .reason = in_force ? "" : "it runs without the filter",
                                        .workload_kind = "",
                                        .workload_name = "",
                                        .enforcers = &enforcer,
                                        .n_enforcers = 1};

    ck_assert_int_eq(node_bindings(node, &(struct msg_bindings){.put = &binding, .n_put = 1}), 0);
}

/* Judges anew and writes what comes out to the API server. True if it differs from what stood there. */
static bool write_status(const char *problem, int64_t problem_generation)
{
    struct kube_status_facts facts = {.policy = web(),
                                      .status = &status,
                                      .nodes = nodes,
                                      .problem = problem,
                                      .problem_generation = problem_generation,
                                      .now_ns = now_ns};
    json_t *wanted;
    bool differs;

    if (web())
        policy_status_update(&status, web(), nodes, now_ns);
    wanted = kube_status_json(&facts, stands);
    ck_assert_ptr_nonnull(wanted);
    differs = !stands || !json_equal(stands, wanted);
    json_decref(stands);
    stands = wanted;
    return differs;
}

/* Digests are those of profiles, which change whenever a base rule does. */
static void mask_digests(char *text)
{
    while ((text = strstr(text, "sha256:"))) {
        text += strlen("sha256:");
        for (size_t i = 0; i < 2 * DIGEST_BYTES && text[i]; i++)
            text[i] = '0';
    }
}

static void expect_golden(const json_t *json, const char *name)
{
    CLEANUP_FREE char *text = json_dumps(json, JSON_INDENT(2));
    CLEANUP_BUF struct buf expected = BUF_INIT(1 << 20);
    const char *mode = getenv("GOLDEN");
    char path[256], chunk[4096];
    size_t n;
    FILE *f;

    mask_digests(text);
    snprintf(path, sizeof(path), GOLDEN, name);
    f = fopen(path, mode ? "w" : "r");
    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    if (mode)
        fprintf(f, "%s\n", text);
    else
        while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
            ck_assert_int_eq(buf_add(&expected, chunk, n), 0);
    fclose(f);
    if (!mode)
        ck_assert_msg(strlen(text) + 1 == expected.len &&
                          memcmp(text, buf_text(&expected), strlen(text)) == 0,
                      "%s is not what comes out:\n%s", path, text);
}

/* ---- Status ---- */

START_TEST(a_policy_is_accepted_and_then_protects)
{
    struct node *n1;

    put(1, "BPF", "AlwaysAllow");
    ck_assert(write_status(NULL, 0));
    expect_golden(stands, "status-accepted");
    now_ns += MINUTE;
    n1 = join("n1", NULL);
    join("n2", NULL);
    answer(n1, NULL);
    ck_assert(write_status(NULL, 0));
    expect_golden(stands, "status-one-of-two");
    now_ns += MINUTE;
    answer(nodes_find(nodes, "n2"), NULL);
    bind(n1, "c1", true);
    ck_assert(write_status(NULL, 0));
    expect_golden(stands, "status-protecting");
    now_ns += MINUTE;
    ck_assert(!write_status(NULL, 0)); /* nothing has changed but the time */
}
END_TEST

START_TEST(a_manager_that_starts_anew_arrives_at_the_same_status)
{
    struct node *n1;

    put(1, "BPF", "AlwaysAllow");
    write_status(NULL, 0);
    now_ns += MINUTE;
    put(2, "BPF", "RuntimeDefault");
    n1 = join("n1", NULL);
    answer(n1, NULL);
    bind(n1, "c1", true);
    write_status(NULL, 0);
    expect_golden(stands, "status-updated");
    stop_manager();
    now_ns += MINUTE;
    start_manager();
    put(2, "BPF", "RuntimeDefault"); /* which this process takes for a new policy */
    n1 = join("n1", NULL);
    answer(n1, NULL);
    bind(n1, "c1", true);
    ck_assert(!write_status(NULL, 0));
}
END_TEST

START_TEST(an_update_while_no_manager_ran_is_an_update)
{
    put(1, "BPF", "AlwaysAllow");
    write_status(NULL, 0);
    stop_manager();
    now_ns += MINUTE;
    start_manager();
    put(2, "BPF", "RuntimeDefault");
    ck_assert(write_status(NULL, 0));
    ck_assert(kube_status_condition_is(kube_status_condition(stands, "Updated"), "True"));
    ck_assert_int_eq(json_integer_value(json_object_get(stands, "observedGeneration")), 2);
}
END_TEST

START_TEST(a_refused_update_says_so_and_keeps_what_is_in_force)
{
    put(1, "BPF", "AlwaysAllow");
    answer(join("n1", NULL), NULL);
    write_status(NULL, 0);
    now_ns += MINUTE;
    put(2, "AppArmor", "AlwaysAllow");
    ck_assert(write_status(NULL, 0));
    expect_golden(stands, "status-refused-update");
    now_ns += MINUTE;
    put(3, "BPF", "AlwaysAllow");
    write_status(NULL, 0);
    ck_assert(kube_status_condition_is(kube_status_condition(stands, "Updated"), "True"));
    ck_assert(json_is_true(json_object_get(stands, "ready")));
}
END_TEST

START_TEST(a_refused_policy_has_its_reason_and_nothing_else)
{
    put(1, "BPF", "EnhanceProtect, enhanceProtect: {hardeningRules: [none-such]}");
    ck_assert(write_status(NULL, 0));
    expect_golden(stands, "status-refused");
    now_ns += MINUTE;
    put(2, "BPF", "AlwaysAllow");
    write_status(NULL, 0);
    ck_assert(kube_status_condition_is(kube_status_condition(stands, "Created"), "True"));
    ck_assert_ptr_null(kube_status_condition(stands, "Updated"));
}
END_TEST

START_TEST(a_text_that_cannot_be_read_is_refused_in_its_own_generation)
{
    write_status("varmorpolicy shop/web: spec.policy.mode: 'x' is not a mode", 1);
    expect_golden(stands, "status-unreadable");
    put(2, "BPF", "AlwaysAllow");
    write_status(NULL, 0);
    write_status("varmorpolicy shop/web: spec.policy.mode: 'x' is not a mode", 3);
    expect_golden(stands, "status-unreadable-update");
}
END_TEST

START_TEST(failed_nodes_are_named_up_to_a_ceiling)
{
    char name[16];

    put(1, "AppArmorBPF", "AlwaysAllow");
    answer(join("n0", NULL), "too many states");
    join("n1", "'bpf' is not in the kernel's LSM list");
    answer(join("n2", NULL), NULL);
    write_status(NULL, 0);
    expect_golden(stands, "status-failed-nodes");
    for (int i = 3; i < 20; i++) {
        snprintf(name, sizeof(name), "n%02d", i);
        answer(join(name, NULL), "x");
    }
    write_status(NULL, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(stands, "failures")),
                      KUBE_STATUS_MAX_FAILURES);
    ck_assert_int_eq(json_integer_value(json_object_get(stands, "failuresOmitted")), 3);
}
END_TEST

START_TEST(containers_without_an_enforcer_are_told)
{
    struct node *n1;

    put(1, "BPF", "AlwaysAllow");
    n1 = join("n1", NULL);
    answer(n1, NULL);
    bind(n1, "c1", true);
    bind(n1, "c2", false);
    write_status(NULL, 0);
    expect_golden(stands, "status-containers-without");
}
END_TEST

START_TEST(the_time_of_a_condition_moves_with_its_status_only)
{
    const json_t *ready;

    put(1, "BPF", "AlwaysAllow");
    write_status(NULL, 0); /* NoNodes */
    now_ns += MINUTE;
    answer(join("n1", NULL), "x");
    write_status(NULL, 0); /* Error: another reason, the same status */
    ready = kube_status_condition(stands, "Ready");
    ck_assert_str_eq(kube_get_text(ready, "reason"), "Error");
    ck_assert_str_eq(kube_get_text(ready, "lastTransitionTime"), "2026-11-25T09:30:00Z");
    now_ns += MINUTE;
    answer(nodes_find(nodes, "n1"), NULL);
    write_status(NULL, 0);
    ready = kube_status_condition(stands, "Ready");
    ck_assert_str_eq(kube_get_text(ready, "lastTransitionTime"), "2026-11-25T09:32:00Z");
}
END_TEST

/* ---- ArmorProfiles ---- */

static struct kube_profile_facts profile_facts(void)
{
    policy_status_update(&status, web(), nodes, now_ns);
    return (struct kube_profile_facts){
        .policy = web(), .status = &status, .nodes = nodes, .now_ns = now_ns};
}

START_TEST(an_armor_profile_has_the_rules_in_words)
{
    struct kube_profile_facts facts;
    json_t *object;

    put(1, "BPF",
        "EnhanceProtect, enhanceProtect: {hardeningRules: [disable-cap-net-raw], bpfRawRules: "
        "{files: [{pattern: /etc/shadow, permissions: [read]}]}}");
    facts = profile_facts();
    object = kube_profile_object_json(&facts, kube_profile_spec_json(&facts, NULL));
    ck_assert_ptr_nonnull(object);
    expect_golden(object, "profile-object");
    json_decref(object);
}
END_TEST

START_TEST(an_armor_profile_that_is_too_large_leaves_its_texts_out_and_says_so)
{
    struct kube_profile_facts facts;
    CLEANUP_FREE char *warning = NULL;
    json_t *spec;

    put(1, "AppArmor", "AlwaysAllow");
    facts = profile_facts();
    spec = kube_profile_spec_json(&facts, &warning);
    ck_assert_ptr_null(warning);
    ck_assert_ptr_nonnull(json_object_get(json_object_get(spec, "profile"), "content"));
    json_decref(spec);
    facts.without_texts = true;
    spec = kube_profile_spec_json(&facts, &warning);
    ck_assert_ptr_null(json_object_get(json_object_get(spec, "profile"), "content"));
    ck_assert_msg(strstr(warning, "too large for ArmorProfile 'shop/varmor-shop-web'") != NULL,
                  "%s", warning);
    json_decref(spec);
}
END_TEST

START_TEST(an_armor_profile_says_how_each_node_stands)
{
    struct kube_profile_facts facts;
    struct node *n1, *n2;
    json_t *before, *after;

    put(1, "AppArmorBPF", "AlwaysAllow");
    n2 = join("n2", NULL); /* comes first, and stands after n1 */
    n1 = join("n1", NULL);
    join("n3", NULL);
    join("n4", "'bpf' is not in the kernel's LSM list");
    answer(n1, NULL);
    answer(n2, NULL);
    nodes_lost(nodes, n2, now_ns + MINUTE, 0);
    facts = profile_facts();
    before = kube_profile_status_json(&facts, NULL);
    expect_golden(before, "profile-status");

    now_ns += MINUTE; /* the same again, told at another time */
    answer(n1, NULL);
    facts = profile_facts();
    after = kube_profile_status_json(&facts, before);
    ck_assert(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}
END_TEST

START_TEST(the_nodes_of_an_armor_profile_end_at_their_ceiling_with_the_failed_first)
{
    struct kube_profile_facts facts;
    const json_t *list;
    json_t *json;
    char name[16];

    put(1, "BPF", "AlwaysAllow");
    for (int i = 0; i < KUBE_PROFILE_MAX_NODES + 3; i++) {
        snprintf(name, sizeof(name), "n%04d", i);
        answer(join(name, NULL), i == KUBE_PROFILE_MAX_NODES + 2 ? "x" : NULL);
    }
    facts = profile_facts();
    json = kube_profile_status_json(&facts, NULL);
    list = json_object_get(json, "nodes");
    ck_assert_uint_eq(json_array_size(list), KUBE_PROFILE_MAX_NODES);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "nodesOmitted")), 3);
    ck_assert_str_eq(kube_get_text(json_array_get(list, 0), "name"), "n0502");
    ck_assert_str_eq(kube_get_text(json_array_get(list, 1), "name"), "n0000");
    json_decref(json);
}
END_TEST

/* ---- Texts ---- */

static const struct {
    const char *text;
    size_t max;
    const char *expected;
} texts[] = {
    {"", 8, ""},
    {"12345678", 8, "12345678"},
    {"123456789", 8, "12345..."},
    {"1234\xc3\xa4\xc3\xa4\xc3\xa4", 8, "1234..."},
    {"123\xc3\xa4\xc3\xa4\xc3\xa4", 8, "123\xc3\xa4..."},
    {"a\xff\xc3z", 8, "a??z"},
    {"123456\xff\xff\xff", 8, "12345..."},
};

START_TEST(a_text_is_cut_between_characters_and_always_utf8)
{
    json_t *json = kube_text(texts[_i].text, texts[_i].max);

    ck_assert_str_eq(json_string_value(json), texts[_i].expected);
    json_decref(json);
}
END_TEST

static const struct {
    const char *json;
    unsigned expected;
} agent_sets[] = {
    {"{\"status\": {\"desiredNumberScheduled\": 3}}", 3},
    {"{\"status\": {\"desiredNumberScheduled\": 0}}", 0},
    {"{\"status\": {\"desiredNumberScheduled\": -1}}", 0},
    {"{\"status\": {\"desiredNumberScheduled\": 99999999999}}", 0},
    {"{\"status\": {\"desiredNumberScheduled\": \"3\"}}", 0},
    {"{\"status\": []}", 0},
    {"[", 0},
};

START_TEST(a_daemon_set_says_how_many_agents_there_should_be)
{
    const char *json = agent_sets[_i].json;

    ck_assert_uint_eq(kube_agent_set_read((const uint8_t *)json, strlen(json)),
                      agent_sets[_i].expected);
}
END_TEST

START_TEST(versions_are_compared_as_numbers)
{
    ck_assert(kube_version_is_newer("10", "9"));
    ck_assert(!kube_version_is_newer("9", "10"));
    ck_assert(!kube_version_is_newer("10", "10"));
    ck_assert(kube_version_is_newer("1", ""));
    ck_assert(!kube_version_is_newer("", "1"));
    ck_assert(!kube_version_is_newer(NULL, NULL));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_json");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_policy_is_accepted_and_then_protects);
    tcase_add_test(t, a_manager_that_starts_anew_arrives_at_the_same_status);
    tcase_add_test(t, an_update_while_no_manager_ran_is_an_update);
    tcase_add_test(t, a_refused_update_says_so_and_keeps_what_is_in_force);
    tcase_add_test(t, a_refused_policy_has_its_reason_and_nothing_else);
    tcase_add_test(t, a_text_that_cannot_be_read_is_refused_in_its_own_generation);
    tcase_add_test(t, failed_nodes_are_named_up_to_a_ceiling);
    tcase_add_test(t, containers_without_an_enforcer_are_told);
    tcase_add_test(t, the_time_of_a_condition_moves_with_its_status_only);
    tcase_add_test(t, an_armor_profile_has_the_rules_in_words);
    tcase_add_test(t, an_armor_profile_that_is_too_large_leaves_its_texts_out_and_says_so);
    tcase_add_test(t, an_armor_profile_says_how_each_node_stands);
    tcase_add_test(t, the_nodes_of_an_armor_profile_end_at_their_ceiling_with_the_failed_first);
    tcase_add_loop_test(t, a_text_is_cut_between_characters_and_always_utf8, 0,
                        (int)ARRAY_SIZE(texts));
    tcase_add_loop_test(t, a_daemon_set_says_how_many_agents_there_should_be, 0,
                        (int)ARRAY_SIZE(agent_sets));
    tcase_add_test(t, versions_are_compared_as_numbers);
    suite_add_tcase(s, t);
    return s;
}
