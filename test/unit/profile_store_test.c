/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "manager/profile_store.h"
#include "manager/resolver.h"
#include "profiles/builder.h"
#include "profiles/rules.h"
#include "proto/messages.h"
#include "test/unit/policy_text.h"

#define POLICY(ns, name, target, policy)                                                           \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: " name ", namespace: " ns "}\n"                                              \
    "spec:\n  target: " target "\n  policy: {enforcer: BPF, mode: " policy "}\n"
#define POD_P "{kind: Pod, name: p}"

static struct profile_store *store;
static struct resolver *resolver;
static struct buf told = BUF_INIT(1 << 20);
static int64_t now_ns;

/* ---- What the store tells, as lines ---- */

static void on_changed(unsigned slot, void *data UNUSED)
{
    const struct profile_slot *s = profile_store_slot(store, slot);

    ck_assert_int_eq(buf_format(&told, "changed %u %s v%u\n", slot, s->owner->profile->name,
                                (unsigned)s->version),
                     0);
}

static void on_removed(unsigned slot, const char *name, void *data UNUSED)
{
    ck_assert_int_eq(buf_format(&told, "removed %u %s\n", slot, name), 0);
}

static void on_policy(const struct stored_policy *p, bool removed, void *data UNUSED)
{
    ck_assert_int_eq(buf_format(&told, "policy %s%s\n", p->key, removed ? " removed" : ""), 0);
}

static const struct profile_store_handler handler = {
    .profile_changed = on_changed,
    .profile_removed = on_removed,
    .policy_changed = on_policy,
};

static void set_up(void)
{
    store = profile_store_new("varmor", &handler, NULL);
    resolver = resolver_new();
    now_ns = 0;
}

static void tear_down(void)
{
    profile_store_free(store);
    resolver_free(resolver);
    buf_done(&told);
    builtin_rules_unload();
}

static void expect_told(const char *lines)
{
    ck_assert_str_eq(buf_text(&told), lines);
    buf_clear(&told);
}

/* Puts a policy, a second after the last one, with what is known of services. */
static void put_with(const char *yaml, struct builder_facts facts)
{
    struct objects objects = objects_of(yaml);
    struct resolved_targets targets;

    now_ns += (int64_t)NS_PER_SEC;
    ck_assert_int_eq(resolver_targets(resolver, objects.items[0].policy, &targets, NULL), 0);
    facts.targets = targets.items;
    facts.n_targets = targets.n;
    ck_assert_int_eq(
        profile_store_put(store, objects.items[0].policy, "f.yaml", &facts, NULL, now_ns, NULL), 0);
    resolved_targets_done(&targets);
    objects_done(&objects);
}

static void put(const char *yaml)
{
    put_with(yaml, (struct builder_facts){0});
}

static const struct stored_policy *web(void)
{
    return profile_store_find(store, false, "shop", "web");
}

static void expect_condition(const struct condition *c, enum condition_status status,
                             const char *reason, const char *message)
{
    ck_assert_int_eq(c->status, status);
    ck_assert_str_eq(c->reason ? c->reason : "", reason);
    ck_assert_str_eq(c->message ? c->message : "", message);
}

/* ---- Tests ---- */

START_TEST(a_policy_becomes_a_profile_with_a_slot)
{
    put(POLICY("shop", "web", POD_P, "AlwaysAllow"));
    expect_told("changed 0 varmor-shop-web v1\npolicy VarmorPolicy/shop/web\n");
    expect_condition(&web()->created, CONDITION_TRUE, "", "");
    expect_condition(&web()->updated, CONDITION_ABSENT, "", "");
    ck_assert_uint_eq(web()->generation, 1);
    ck_assert_int_eq(web()->created_ns, (int64_t)NS_PER_SEC);
    ck_assert_str_eq(web()->file, "f.yaml");
    ck_assert_uint_eq(profile_store_n_profiles(store), 1);
}
END_TEST

START_TEST(the_encoded_message_carries_the_profile)
{
    struct manager_message m;
    const struct profile_slot *slot;
    unsigned n;

    put(POLICY("shop", "web", POD_P, "RuntimeDefault"));
    slot = profile_store_slot_of(store, "varmor-shop-web", &n);
    ck_assert_ptr_nonnull(slot);
    ck_assert_int_eq(manager_message_decode(&m, slot->encoded.data, slot->encoded.len, NULL), 0);
    ck_assert_int_eq(m.kind, MANAGER_PROFILE);
    ck_assert(digest_equal(&m.profile->digest, &web()->profile->digest));
    manager_message_done(&m);
    ck_assert_ptr_null(profile_store_slot_of(store, "varmor-shop-other", &n));
}
END_TEST

START_TEST(the_same_text_again_changes_nothing)
{
    put(POLICY("shop", "web", POD_P, "AlwaysAllow"));
    buf_clear(&told);
    put(POLICY("shop", "web", POD_P, "AlwaysAllow"));
    expect_told("");
    ck_assert_uint_eq(web()->generation, 1);
}
END_TEST

START_TEST(another_text_is_another_version_in_the_same_slot)
{
    put(POLICY("shop", "web", POD_P, "AlwaysAllow"));
    buf_clear(&told);
    put(POLICY("shop", "web", POD_P, "RuntimeDefault"));
    expect_told("changed 0 varmor-shop-web v2\npolicy VarmorPolicy/shop/web\n");
    expect_condition(&web()->updated, CONDITION_TRUE, "", "");
    ck_assert_int_eq(web()->updated.since_ns, 2 * (int64_t)NS_PER_SEC);
    put(POLICY("shop", "web", POD_P, "AlwaysAllow"));
    ck_assert_int_eq(web()->updated.since_ns, 3 * (int64_t)NS_PER_SEC);
    ck_assert_uint_eq(web()->generation, 3);
}
END_TEST

/* Updates that are refused: the profile that was in force stays. */
static const struct {
    const char *first, *second, *reason, *message;
    bool in_error;
} refusals[] = {
    {POLICY("shop", "web", POD_P, "AlwaysAllow"),
     POLICY("shop", "web", "{kind: Pod, name: q}", "RuntimeDefault"), "Forbidden",
     "spec.target (line 5, column 11) may not change; remove the policy and create it anew", false},
    {POLICY("shop", "web", POD_P, "AlwaysAllow"),
     POLICY("shop", "web", "{kind: Pod, selector: {}}", "AlwaysAllow"), "Forbidden",
     "spec.target (line 5, column 11) may not change; remove the policy and create it anew", false},
    {POLICY("shop", "web", POD_P, "AlwaysAllow"),
     POLICY("shop", "web", "{kind: Pod, name: p, containers: [c]}", "AlwaysAllow"), "Forbidden",
     "spec.target (line 5, column 11) may not change; remove the policy and create it anew", false},
    {POLICY("shop", "web", POD_P, "AlwaysAllow"),
     POLICY("shop", "web", POD_P,
            "EnhanceProtect, enhanceProtect: {hardeningRules: [disable-cap-net-rwa]}"),
     "Error",
     "spec.policy.enhanceProtect.hardeningRules[0] (line 6, column 83): 'disable-cap-net-rwa' is not "
     "a hardening rule (hardeningRules); did you mean 'disable-cap-net-raw'?",
     true},
    {POLICY("shop", "web", POD_P, "AlwaysAllow"),
     POLICY("shop", "web", POD_P,
            "EnhanceProtect, enhanceProtect: {vulMitigationRules: [dirty-pipe-mitigation]}"),
     "Error",
     "spec.policy.enhanceProtect.vulMitigationRules[0]: built-in rule "
     "'dirty-pipe-mitigation' needs the Seccomp enforcer (line 6, column 87)",
     true},
    {POLICY("shop", "web", POD_P, "AlwaysAllow"),
     POLICY("shop", "web", POD_P,
            "EnhanceProtect, enhanceProtect: {bpfRawRules: {network: {egress: {toDestinations: "
            "[{ip: pod-self}]}}}}"),
     "NotSupported",
     "not supported by this version: spec.policy.enhanceProtect.bpfRawRules.network.egress."
     "toDestinations[0]: 'pod-self' (line 6, column 116)",
     true},
};

START_TEST(a_refused_update_leaves_in_force_what_was)
{
    const struct profile *before;

    put(refusals[_i].first);
    before = web()->profile;
    buf_clear(&told);
    put(refusals[_i].second);
    expect_told("policy VarmorPolicy/shop/web\n");
    expect_condition(&web()->updated, CONDITION_FALSE, refusals[_i].reason, refusals[_i].message);
    ck_assert(web()->in_error == refusals[_i].in_error);
    ck_assert_ptr_eq(web()->profile, before);
    put(refusals[_i].second); /* said once is enough */
    expect_told("");
    put(refusals[_i].first);
    expect_told("policy VarmorPolicy/shop/web\n");
    expect_condition(&web()->updated, CONDITION_TRUE, "", "");
    ck_assert(!web()->in_error);
}
END_TEST

/* contract.md 3.5, rule 4 */
static const struct {
    const char *before, *now;
    bool accepted;
} enforcer_changes[] = {
    {"BPF", "AppArmorBPF", true},
    {"AppArmor", "AppArmorBPFSeccomp", true},
    {"AppArmorBPF", "AppArmor", true},
    {"AppArmorBPFSeccomp", "AppArmorSeccomp", true},
    {"AppArmorBPF", "BPF", false},
    {"AppArmorBPFSeccomp", "AppArmorBPF", false},
    {"AppArmorBPFSeccomp", "AppArmor", false},
    {"AppArmorSeccomp", "AppArmor", false},
    {"BPF", "AppArmor", false},
    {"AppArmorBPF", "AppArmorSeccomp", false}, /* to remove one and to add one are two changes */
};

static void put_enforcer(const char *enforcer)
{
    char text[512];

    snprintf(text, sizeof(text),
             "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
             "metadata: {name: web, namespace: shop}\n"
             "spec:\n  target: " POD_P "\n  policy: {enforcer: %s, mode: AlwaysAllow}\n",
             enforcer);
    put(text);
}

START_TEST(enforcers_are_added_and_bpf_alone_is_removed)
{
    bool accepted = enforcer_changes[_i].accepted;
    unsigned before;

    put_enforcer(enforcer_changes[_i].before);
    before = web()->profile->enforcers;
    put_enforcer(enforcer_changes[_i].now);
    ck_assert_int_eq(web()->profile->enforcers != before, accepted);
    if (accepted)
        expect_condition(&web()->updated, CONDITION_TRUE, "", "");
    else
        expect_condition(&web()->updated, CONDITION_FALSE, "Forbidden",
                         "spec.policy.enforcer (line 6, column 22): of enforcers only BPF may be "
                         "removed, without adding another one; remove the policy and create it "
                         "anew");
}
END_TEST

#define NGINX "ingress-nginx-controller-admission"

START_TEST(what_is_left_out_of_a_policy_is_said_until_it_is_in)
{
    static const char policy[] =
        POLICY("shop", "web", POD_P,
               "EnhanceProtect, enhanceProtect: {privileged: true, vulMitigationRules: "
               "[ingress-nightmare-mitigation]}");
    const struct addr ip = {.family = ADDR_IPV4, .bytes = {10, 96, 0, 9}, .prefix_len = 32};
    const struct builder_service service = {
        .name_space = "kube-system", .name = NGINX, .cluster_ips = &ip, .n_cluster_ips = 1};
    const struct builder_facts known = {.services = &service, .n_services = 1};

    put(policy);
    expect_told("changed 0 varmor-shop-web v1\npolicy VarmorPolicy/shop/web\n");
    ck_assert_uint_eq(web()->profile->n_rules, 0);
    ck_assert_uint_eq(web()->n_warnings, 1);
    ck_assert_ptr_nonnull(strstr(web()->warnings[0], "there is no service 'ingress-nginx/" NGINX));
    expect_condition(&web()->complete, CONDITION_FALSE, "Warnings", web()->warnings[0]);
    put(policy);
    expect_told(""); /* said once is enough */
    put_with(policy, known);
    expect_told("changed 0 varmor-shop-web v2\npolicy VarmorPolicy/shop/web\n");
    ck_assert_uint_eq(web()->profile->n_rules, 1);
    ck_assert(addr_equal(&web()->profile->rules[0].egress.block, &ip));
    ck_assert_uint_eq(web()->n_warnings, 0);
    expect_condition(&web()->complete, CONDITION_ABSENT, "", "");
    put(POLICY("shop", "web", POD_P, "EnhanceProtect, enhanceProtect: {hardeningRules: [x]}"));
    expect_condition(&web()->updated, CONDITION_FALSE, "Error", web()->updated.message);
    expect_condition(&web()->complete, CONDITION_ABSENT, "", ""); /* of what is in force */
}
END_TEST

START_TEST(a_policy_that_was_never_accepted_is_created_when_it_is_mended)
{
    put(refusals[3].second);
    expect_told("policy VarmorPolicy/shop/web\n");
    ck_assert_int_eq(web()->created.status, CONDITION_FALSE);
    ck_assert(web()->in_error);
    ck_assert_ptr_null(web()->profile);
    put(POLICY("shop", "web", "{kind: Pod, name: another}", "AlwaysAllow"));
    expect_told("changed 0 varmor-shop-web v1\npolicy VarmorPolicy/shop/web\n");
    expect_condition(&web()->created, CONDITION_TRUE, "", "");
    expect_condition(&web()->updated, CONDITION_ABSENT, "", "");
}
END_TEST

START_TEST(a_name_that_is_too_long_is_forbidden)
{
    profile_store_free(store);
    store = profile_store_new("a-namespace-of-forty-characters-or-so-xx", &handler, NULL);
    put("apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: eightlet}\n"
        "spec:\n  target: " POD_P "\n  policy: {enforcer: BPF, mode: AlwaysAllow}\n");
    MAP_FOREACH (e, profile_store_policies(store)) {
        const struct stored_policy *p = map_value(e);

        ck_assert_str_eq(p->created.reason, "Forbidden");
        ck_assert_ptr_nonnull(strstr(p->created.message, "at most 7 bytes, it has 8"));
    }
    ck_assert_uint_eq(map_size(profile_store_policies(store)), 1);
    ck_assert_uint_eq(profile_store_n_profiles(store), 0);
}
END_TEST

START_TEST(two_policies_cannot_have_one_profile_name)
{
    put(POLICY("a-b", "c", POD_P, "AlwaysAllow"));
    buf_clear(&told);
    put(POLICY("a", "b-c", POD_P, "AlwaysAllow"));
    expect_told("policy VarmorPolicy/a/b-c\n");
    expect_condition(&profile_store_find(store, false, "a", "b-c")->created, CONDITION_FALSE,
                     "Forbidden",
                     "the profile name 'varmor-a-b-c' is already that of VarmorPolicy 'a-b/c'");
    profile_store_drop(store, false, "a-b", "c");
    buf_clear(&told);
    put(POLICY("a", "b-c", POD_P, "AlwaysAllow"));
    expect_told("changed 0 varmor-a-b-c v2\npolicy VarmorPolicy/a/b-c\n");
}
END_TEST

START_TEST(a_dropped_policy_frees_its_slot)
{
    put(POLICY("shop", "web", POD_P, "AlwaysAllow"));
    put(POLICY("shop", "db", POD_P, "AlwaysAllow"));
    buf_clear(&told);
    profile_store_drop(store, false, "shop", "web");
    expect_told("policy VarmorPolicy/shop/web removed\nremoved 0 varmor-shop-web\n");
    profile_store_drop(store, false, "shop", "web");
    expect_told("");
    ck_assert_ptr_null(web());
    ck_assert_ptr_null(profile_store_slot(store, 0)->owner);
    put(POLICY("shop", "new", POD_P, "AlwaysAllow"));
    expect_told("changed 0 varmor-shop-new v3\npolicy VarmorPolicy/shop/new\n");
    ck_assert_uint_eq(profile_store_n_slots(store), 2);
}
END_TEST

START_TEST(targets_that_cannot_be_resolved_are_an_error)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct objects objects = objects_of(POLICY("shop", "web", POD_P, "AlwaysAllow"));

    error_set(&e, -E2BIG, "too many");
    ck_assert_int_eq(profile_store_put(store, objects.items[0].policy, "f", NULL, e, 1, NULL), 0);
    expect_condition(&web()->created, CONDITION_FALSE, "Error", "too many");
    objects_done(&objects);
}
END_TEST

START_TEST(a_manifest_that_comes_makes_a_new_version)
{
    struct objects workload = objects_of("apiVersion: apps/v1\nkind: Deployment\n"
                                         "metadata: {name: w, namespace: shop}\n"
                                         "spec:\n  selector: {matchLabels: {a: b}}\n"
                                         "  template: {metadata: {labels: {a: b}}}\n");

    put(POLICY("shop", "web", "{kind: Deployment, name: w}", "AlwaysAllow"));
    buf_clear(&told);
    ck_assert_int_eq(resolver_put(resolver, &workload.items[0]), 0);
    put(POLICY("shop", "web", "{kind: Deployment, name: w}", "AlwaysAllow"));
    expect_told("changed 0 varmor-shop-web v2\npolicy VarmorPolicy/shop/web\n");
    ck_assert_uint_eq(web()->profile->n_targets, 2);
    objects_done(&workload);
}
END_TEST

START_TEST(there_are_no_more_profiles_than_slots)
{
    char yaml[512];

    for (unsigned i = 0; i <= PROFILE_STORE_MAX_SLOTS; i++) {
        snprintf(yaml, sizeof(yaml),
                 "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                 "metadata: {name: p%u, namespace: shop}\n"
                 "spec:\n  target: {kind: Pod, name: p}\n"
                 "  policy: {enforcer: BPF, mode: AlwaysAllow}\n",
                 i);
        put(yaml);
    }
    ck_assert_uint_eq(profile_store_n_profiles(store), PROFILE_STORE_MAX_SLOTS);
    snprintf(yaml, sizeof(yaml), "p%u", PROFILE_STORE_MAX_SLOTS);
    expect_condition(&profile_store_find(store, false, "shop", yaml)->created, CONDITION_FALSE,
                     "Error", "more than 4096 profiles");
    buf_done(&told);
    told = BUF_INIT(65536);
}
END_TEST

START_TEST(a_policy_that_cannot_be_read_spares_its_profile_alone)
{
    const char long_name[] = "a-name-that-is-too-long-for-a-profile-of-the-namespace-shop";

    ck_assert(!profile_store_spares(store, "varmor-shop-web"));
    ck_assert_int_eq(profile_store_spare(store, false, "shop", "web", true), 0);
    ck_assert_int_eq(profile_store_spare(store, false, "shop", "web", true), 0);
    ck_assert_int_eq(profile_store_spare(store, true, "", "base", true), 0);
    ck_assert(profile_store_spares(store, "varmor-shop-web"));
    ck_assert(profile_store_spares(store, "varmor-cluster-varmor-base"));
    ck_assert(!profile_store_spares(store, "varmor-shop-api"));
    ck_assert(!profile_store_is_partial(store));
    ck_assert_int_eq(profile_store_spare(store, false, "shop", "web", false), 0);
    ck_assert(!profile_store_spares(store, "varmor-shop-web"));
    ck_assert(profile_store_spares(store, "varmor-cluster-varmor-base"));
    ck_assert_int_eq(profile_store_spare(store, false, "shop", long_name, true), 0);
}
END_TEST

START_TEST(a_condition_moves_only_when_something_differs)
{
    struct condition c = {0};

    ck_assert(condition_set(&c, CONDITION_TRUE, "R", NULL, 1));
    ck_assert(!condition_set(&c, CONDITION_TRUE, "R", NULL, 2));
    ck_assert_int_eq(c.since_ns, 1);
    ck_assert(condition_set(&c, CONDITION_TRUE, "R", "m", 3));
    ck_assert(condition_set(&c, CONDITION_FALSE, "R", "m", 4));
    ck_assert(condition_set(&c, CONDITION_FALSE, "S", "m", 5));
    ck_assert_int_eq(c.since_ns, 5);
    condition_done(&c);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("profile_store");
    TCase *t = tcase_create("profile_store");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_policy_becomes_a_profile_with_a_slot);
    tcase_add_test(t, the_encoded_message_carries_the_profile);
    tcase_add_test(t, the_same_text_again_changes_nothing);
    tcase_add_test(t, another_text_is_another_version_in_the_same_slot);
    tcase_add_loop_test(t, a_refused_update_leaves_in_force_what_was, 0, ARRAY_SIZE(refusals));
    tcase_add_loop_test(t, enforcers_are_added_and_bpf_alone_is_removed, 0,
                        (int)ARRAY_SIZE(enforcer_changes));
    tcase_add_test(t, what_is_left_out_of_a_policy_is_said_until_it_is_in);
    tcase_add_test(t, a_policy_that_was_never_accepted_is_created_when_it_is_mended);
    tcase_add_test(t, a_name_that_is_too_long_is_forbidden);
    tcase_add_test(t, two_policies_cannot_have_one_profile_name);
    tcase_add_test(t, a_dropped_policy_frees_its_slot);
    tcase_add_test(t, targets_that_cannot_be_resolved_are_an_error);
    tcase_add_test(t, a_manifest_that_comes_makes_a_new_version);
    tcase_add_test(t, there_are_no_more_profiles_than_slots);
    tcase_add_test(t, a_policy_that_cannot_be_read_spares_its_profile_alone);
    tcase_add_test(t, a_condition_moves_only_when_something_differs);
    suite_add_tcase(s, t);
    return s;
}
