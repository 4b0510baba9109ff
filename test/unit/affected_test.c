/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "manager/affected.h"
#include "profiles/rules.h"

#define POLICY(kind, ns, target, policy)                                                           \
    "apiVersion: crd.varmor.org/v1beta1\nkind: " kind "\nmetadata: {name: p" ns "}\n"              \
    "spec:\n  target: " target "\n  policy: " policy "\n"
#define SHOP            ", namespace: shop"
#define TARGETS(target) POLICY("VarmorPolicy", SHOP, target, "{enforcer: BPF, mode: AlwaysAllow}")
#define RULES(rules)                                                                               \
    POLICY("VarmorClusterPolicy", "", "{kind: Pod, name: x}",                                      \
           "{enforcer: BPF, mode: EnhanceProtect, enhanceProtect: {" rules "}}")
#define EGRESS(rules)    RULES("bpfRawRules: {network: {egress: {" rules "}}}")
#define TO_PODS(rule)    EGRESS("toPods: [" rule "]")
#define TO_SERVICE(rule) EGRESS("toServices: [" rule "]")

#define OBJECT(version, kind, ns, name, labels, rest)                                              \
    "apiVersion: " version "\nkind: " kind "\nmetadata: {name: " name ", namespace: " ns           \
    ", labels: {" labels "}}\n" rest "\n"
#define DEPLOYMENT(ns, name, labels)                                                               \
    OBJECT("apps/v1", "Deployment", ns, name, labels,                                              \
           "spec: {selector: {matchLabels: {x: y}}, template: {metadata: {labels: {x: y}}}}")
#define POD(ns, labels)   OBJECT("v1", "Pod", ns, "x", labels, "status: {podIPs: [{ip: 10.0.0.1}]}")
#define YOUNG_POD         OBJECT("v1", "Pod", "shop", "x", "app: db", "status: {}")
#define SERVICE(ns, name) OBJECT("v1", "Service", ns, name, "", "spec: {clusterIP: 10.96.0.1}")
#define SLICE(ns, labels)                                                                          \
    OBJECT("discovery.k8s.io/v1", "EndpointSlice", ns, "x", labels,                                \
           "endpoints: [{addresses: [10.0.0.1]}]")

static const struct {
    const char *policy, *object;
    bool affected;
} cases[] = {
    {TARGETS("{kind: Deployment, name: web}"), DEPLOYMENT("shop", "web", ""), true},
    {TARGETS("{kind: Deployment, name: web}"), DEPLOYMENT("bank", "web", ""), false},
    {TARGETS("{kind: Deployment, name: web}"), DEPLOYMENT("shop", "api", ""), false},
    {TARGETS("{kind: DaemonSet, name: web}"), DEPLOYMENT("shop", "web", ""), false},
    {TARGETS("{kind: Deployment, selector: {matchLabels: {app: web}}}"),
     DEPLOYMENT("shop", "any", "app: web"), true},
    {TARGETS("{kind: Deployment, selector: {matchLabels: {app: web}}}"),
     DEPLOYMENT("shop", "any", "app: api"), false},
    {TARGETS("{kind: Deployment, name: web}"), POD("shop", ""), false},

    {TO_PODS("{podSelector: {matchLabels: {app: db}}}"), POD("shop", "app: db"), true},
    {TO_PODS("{podSelector: {matchLabels: {app: db}}}"), POD("shop", "app: web"), false},
    {TO_PODS("{podSelector: {matchLabels: {app: db}}}"), YOUNG_POD, false},
    {TO_PODS("{podSelector: {}, namespace: shop}"), POD("shop", ""), true},
    {TO_PODS("{podSelector: {}, namespace: shop}"), POD("bank", ""), false},
    {TO_PODS("{podSelector: {}, namespace: bank}, {podSelector: {}}"), POD("shop", ""), true},
    {TO_PODS("{podSelector: {}}"), SERVICE("shop", "db"), false},

    {TO_SERVICE("{namespace: shop, name: db}"), SERVICE("shop", "db"), true},
    {TO_SERVICE("{namespace: shop, name: db}"), SERVICE("shop", "web"), false},
    {TO_SERVICE("{namespace: shop, name: db}"), SERVICE("bank", "db"), false},
    {TO_SERVICE("{namespace: shop, name: db}"), SLICE("shop", "kubernetes.io/service-name: db"),
     true},
    {TO_SERVICE("{namespace: shop, name: db}"), SLICE("shop", "kubernetes.io/service-name: web"),
     false},
    {TO_SERVICE("{namespace: shop, name: db}"), SLICE("shop", ""), false},
    {TO_SERVICE("{namespace: shop, name: db}"), POD("shop", ""), false},
    {TO_SERVICE("{serviceSelector: {matchLabels: {a: b}}}"), SERVICE("bank", "any"), true},
    {TO_SERVICE("{namespace: shop, serviceSelector: {matchLabels: {a: b}}}"),
     SERVICE("bank", "any"), false},

    {RULES("attackProtectionRules: [{rules: [block-access-to-kube-apiserver]}]"),
     SERVICE("default", "kubernetes"), true},
    {RULES("attackProtectionRules: [{rules: [block-access-to-kube-apiserver]}]"),
     SERVICE("shop", "kubernetes"), false},
    {RULES("hardeningRules: [disable-cap-all]"), SERVICE("default", "kubernetes"), false},
};

static void read_one(struct objects *ret, const char *text)
{
    struct findings findings;

    ck_assert_int_eq(objects_parse(ret, text, strlen(text), &findings), 0);
    ck_assert_msg(findings.n_errors == 0, "%s", findings.n ? findings.items[0].message : "");
    ck_assert_uint_eq(ret->n, 1);
    findings_done(&findings);
}

START_TEST(an_object_affects_whom_it_can_change)
{
    struct objects policy, object;

    ck_assert_int_eq(builtin_rules_load(NULL), 0);
    read_one(&policy, cases[_i].policy);
    read_one(&object, cases[_i].object);
    ck_assert_int_eq(affected_by(policy.items[0].policy, &object.items[0]), cases[_i].affected);
    objects_done(&object);
    objects_done(&policy);
    builtin_rules_unload();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("affected");
    TCase *t = tcase_create("affected");

    tcase_add_loop_test(t, an_object_affects_whom_it_can_change, 0, ARRAY_SIZE(cases));
    suite_add_tcase(s, t);
    return s;
}
