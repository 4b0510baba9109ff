/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "test/unit/admission_bed.h"

#define POLICY(kind, metadata, target)                                                             \
    "apiVersion: crd.varmor.org/v1beta1\nkind: " kind "\nmetadata: " metadata "\n"                 \
    "spec:\n  target: " target "\n  policy: {enforcer: BPF, mode: AlwaysAllow}\n"
#define NAMESPACED(name, target) POLICY("VarmorPolicy", "{namespace: shop, name: " name "}", target)
#define CLUSTER(name, target)    POLICY("VarmorClusterPolicy", "{name: " name "}", target)

static const char workloads[] = "apiVersion: apps/v1\nkind: Deployment\n"
                                "metadata: {name: web, namespace: shop, labels: {tier: front}}\n"
                                "spec:\n  selector: {matchLabels: {app: web}}\n"
                                "  template: {metadata: {labels: {app: web}}}\n";

#define MAX_POLICIES 3
static const struct {
    const char *policies[MAX_POLICIES]; /* those after the last one: NULL */
    enum target_kind kind;
    const char *name_space, *name, *labels; /* labels: JSON */
    const char *container;
    const char *winner; /* the profile's name; NULL: none */
} cases[] = {
    /* a workload, by name and by its own labels */
    {{NAMESPACED("p", "{kind: Deployment, name: web}")},
     TARGET_DEPLOYMENT,
     "shop",
     "web",
     "{}",
     "c",
     "varmor-shop-p"},
    {{NAMESPACED("p", "{kind: Deployment, name: web}")},
     TARGET_DEPLOYMENT,
     "shop",
     "api",
     "{}",
     "c",
     NULL},
    {{NAMESPACED("p", "{kind: Deployment, name: web}")},
     TARGET_DEPLOYMENT,
     "bank",
     "web",
     "{}",
     "c",
     NULL},
    {{NAMESPACED("p", "{kind: Deployment, name: web}")},
     TARGET_STATEFULSET,
     "shop",
     "web",
     "{}",
     "c",
     NULL},
    {{NAMESPACED("p", "{kind: DaemonSet, selector: {matchLabels: {tier: front}}}")},
     TARGET_DAEMONSET,
     "shop",
     "x",
     "{'tier': 'front'}",
     "c",
     "varmor-shop-p"},
    {{NAMESPACED("p", "{kind: DaemonSet, selector: {matchLabels: {tier: front}}}")},
     TARGET_DAEMONSET,
     "shop",
     "x",
     "{'tier': 'back'}",
     "c",
     NULL},
    {{CLUSTER("p", "{kind: Deployment, name: web}")},
     TARGET_DEPLOYMENT,
     "bank",
     "web",
     "{}",
     "c",
     "varmor-cluster-varmor-p"},
    /* a pod, with a name and without one */
    {{NAMESPACED("p", "{kind: Pod, name: w}")},
     TARGET_POD,
     "shop",
     "w",
     "{}",
     "c",
     "varmor-shop-p"},
    {{NAMESPACED("p", "{kind: Pod, name: w}")}, TARGET_POD, "shop", NULL, "{}", "c", NULL},
    {{NAMESPACED("p", "{kind: Pod, selector: {matchLabels: {app: web}}}")},
     TARGET_POD,
     "shop",
     NULL,
     "{'app': 'web'}",
     "c",
     "varmor-shop-p"},
    /* a pod of a workload, as the agents see it */
    {{NAMESPACED("p", "{kind: Deployment, name: web}")},
     TARGET_POD,
     "shop",
     NULL,
     "{'app': 'web'}",
     "c",
     "varmor-shop-p"},
    {{NAMESPACED("p", "{kind: StatefulSet, name: db}")},
     TARGET_POD,
     "shop",
     NULL,
     "{'varmor.org/workload': 'StatefulSet/db'}",
     "c",
     "varmor-shop-p"},
    {{NAMESPACED("p", "{kind: StatefulSet, name: db}")},
     TARGET_POD,
     "shop",
     NULL,
     "{'varmor.org/workload': 'StatefulSet'}",
     "c",
     NULL},
    /* several: the cluster's first, then by name, whatever came first */
    {{NAMESPACED("b", "{kind: Pod, selector: {}}"), NAMESPACED("a", "{kind: Pod, selector: {}}")},
     TARGET_POD,
     "shop",
     "w",
     "{}",
     "c",
     "varmor-shop-a"},
    {{NAMESPACED("a", "{kind: Pod, selector: {}}"), NAMESPACED("b", "{kind: Pod, selector: {}}"),
      CLUSTER("z", "{kind: Pod, selector: {}}")},
     TARGET_POD,
     "shop",
     "w",
     "{}",
     "c",
     "varmor-cluster-varmor-z"},
    {{NAMESPACED("b", "{kind: Pod, selector: {}}"),
      NAMESPACED("a", "{kind: Deployment, name: web}")},
     TARGET_POD,
     "shop",
     "w",
     "{'app': 'web'}",
     "c",
     "varmor-shop-a"},
    /* containers, each by itself */
    {{NAMESPACED("p", "{kind: Pod, name: w, containers: [c, d]}")},
     TARGET_POD,
     "shop",
     "w",
     "{}",
     "d",
     "varmor-shop-p"},
    {{NAMESPACED("p", "{kind: Pod, name: w, containers: [c, d]}")},
     TARGET_POD,
     "shop",
     "w",
     "{}",
     "e",
     NULL},
    {{NAMESPACED("a", "{kind: Pod, name: w, containers: [c]}"),
      NAMESPACED("b", "{kind: Pod, name: w}")},
     TARGET_POD,
     "shop",
     "w",
     "{}",
     "d",
     "varmor-shop-b"},
    {{NAMESPACED("p", "{kind: Deployment, name: web, containers: [c]}")},
     TARGET_DEPLOYMENT,
     "shop",
     "web",
     "{}",
     "d",
     NULL},
};

START_TEST(the_winner_is_the_one_that_agents_choose)
{
    CLEANUP(profile_store_free) struct profile_store *store = admission_store_new();
    CLEANUP(resolver_free) struct resolver *resolver = resolver_new();
    struct objects manifests = objects_of(workloads);
    struct admission_candidates candidates = {0};
    json_t *labels = admission_json(cases[_i].labels);
    json_t *object = json_pack("{s:{s:o}}", "metadata", "labels", labels);
    CLEANUP(labels_free) struct labels *own = admission_labels(object);
    const struct admission_subject subject = {
        .kind = cases[_i].kind,
        .name_space = cases[_i].name_space,
        .name = cases[_i].name,
        .labels = own,
    };
    const struct stored_policy *p;

    ck_assert_int_eq(resolver_put(resolver, &manifests.items[0]), 0);
    for (size_t i = 0; i < MAX_POLICIES && cases[_i].policies[i]; i++)
        admission_store_put(store, cases[_i].policies[i], resolver);
    ck_assert_int_eq(admission_match(&candidates, store, &subject), 0);
    p = admission_choose(&candidates, &subject, cases[_i].container);
    ck_assert_str_eq(p ? p->profile->name : "none", cases[_i].winner ? cases[_i].winner : "none");
    admission_candidates_done(&candidates);
    json_decref(object);
    objects_done(&manifests);
}
END_TEST

START_TEST(a_policy_that_is_refused_decides_by_what_is_in_force)
{
    CLEANUP(profile_store_free) struct profile_store *store = admission_store_new();
    CLEANUP(labels_free) struct labels *none = labels_new();
    struct admission_candidates candidates = {0};
    struct admission_subject subject = {
        .kind = TARGET_DEPLOYMENT, .name_space = "shop", .name = "web", .labels = none};

    /* never accepted: no profile, no part in matching */
    admission_store_put(store,
                        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                        "metadata: {name: wrong, namespace: shop}\n"
                        "spec:\n  target: {kind: Deployment, name: web}\n"
                        "  policy: {enforcer: AppArmor, mode: EnhanceProtect, enhanceProtect: "
                        "{appArmorRawRules: [{rules: \"nonsense!,\"}]}}\n",
                        NULL);
    ck_assert_ptr_nonnull(profile_store_find(store, false, "shop", "wrong"));
    ck_assert_int_eq(admission_match(&candidates, store, &subject), 0);
    ck_assert_uint_eq(candidates.n, 0);
    admission_candidates_done(&candidates);

    /* accepted, then a change of its target that is refused */
    admission_store_put(store, NAMESPACED("p", "{kind: Deployment, name: web}"), NULL);
    admission_store_put(store, NAMESPACED("p", "{kind: Deployment, name: api}"), NULL);
    ck_assert_int_eq(admission_match(&candidates, store, &subject), 0);
    ck_assert_uint_eq(candidates.n, 1);
    admission_candidates_done(&candidates);
    subject.name = "api";
    ck_assert_int_eq(admission_match(&candidates, store, &subject), 0);
    ck_assert_uint_eq(candidates.n, 0);
    admission_candidates_done(&candidates);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("admission_match");
    TCase *t = tcase_create("admission_match");

    tcase_add_loop_test(t, the_winner_is_the_one_that_agents_choose, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, a_policy_that_is_refused_decides_by_what_is_in_force);
    suite_add_tcase(s, t);
    return s;
}
