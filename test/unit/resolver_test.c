/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "manager/resolver.h"
#include "test/unit/policy_text.h"

#define POLICY(kind, metadata, target)                                                             \
    "apiVersion: crd.varmor.org/v1beta1\nkind: " kind "\nmetadata: " metadata "\n"                 \
    "spec:\n  target: " target "\n  policy: {enforcer: BPF, mode: AlwaysAllow}\n"
#define NAMESPACED(target) POLICY("VarmorPolicy", "{name: p, namespace: shop}", target)
#define CLUSTER(target)    POLICY("VarmorClusterPolicy", "{name: p}", target)

#define WORKLOAD(kind, ns, name, app)                                                              \
    "---\napiVersion: apps/v1\nkind: " kind "\n"                                                   \
    "metadata: {name: " name ", namespace: " ns ", labels: {app: " app "}}\n"                      \
    "spec:\n  selector: {matchLabels: {app: " app ", pods: \"true\"}}\n"                           \
    "  template: {metadata: {labels: {app: " app ", pods: \"true\"}}}\n"

static const char manifests[] =
    WORKLOAD("Deployment", "shop", "web", "web") WORKLOAD("Deployment", "shop", "api", "api")
        WORKLOAD("Deployment", "bank", "web", "web") WORKLOAD("StatefulSet", "shop", "db", "db");

/* Targets as text: "kind namespace name selector containers". */
static void format(struct buf *out, const struct resolved_targets *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct profile_target *target = &t->items[i];

        ck_assert_int_eq(buf_format(out, "%s %s %s %s", target_kind_name(target->kind),
                                    target->name_space ? target->name_space : "*",
                                    target->name ? target->name : "*",
                                    target->selector ? selector_text(target->selector) : "*"),
                         0);
        for (size_t j = 0; j < target->n_containers; j++)
            ck_assert_int_eq(buf_format(out, " %s", target->containers[j]), 0);
        ck_assert_int_eq(buf_add_text(out, "\n"), 0);
    }
}

static const struct {
    const char *policy, *targets;
} cases[] = {
    {NAMESPACED("{kind: Pod, name: web}"), "Pod shop web *\n"},
    {NAMESPACED("{kind: Pod, selector: {matchLabels: {app: web}}}"), "Pod shop * app=web\n"},
    {NAMESPACED("{kind: Deployment, name: web}"),
     "Deployment shop web *\nPod shop * app=web,pods=true\n"},
    {NAMESPACED("{kind: Deployment, name: web, containers: [c, d]}"),
     "Deployment shop web * c d\nPod shop * app=web,pods=true c d\n"},
    {NAMESPACED("{kind: Deployment, name: db}"), "Deployment shop db *\n"},
    {NAMESPACED("{kind: StatefulSet, name: db}"),
     "StatefulSet shop db *\nPod shop * app=db,pods=true\n"},
    /* by the workload's own labels; sorted, whatever the order of the files */
    {NAMESPACED("{kind: Deployment, selector: {}}"),
     "Deployment shop * \nPod shop * app=api,pods=true\nPod shop * app=web,pods=true\n"},
    {CLUSTER("{kind: Deployment, name: web}"),
     "Deployment * web *\nPod bank * app=web,pods=true\nPod shop * app=web,pods=true\n"},
    {CLUSTER("{kind: DaemonSet, name: web}"), "DaemonSet * web *\n"},
};

START_TEST(a_workload_in_the_folder_becomes_its_pods)
{
    CLEANUP(resolver_free) struct resolver *r = resolver_new();
    CLEANUP_BUF struct buf text = BUF_INIT(4096);
    struct objects policy = objects_of(cases[_i].policy), workloads = objects_of(manifests);
    struct resolved_targets targets;

    for (size_t i = 0; i < workloads.n; i++)
        ck_assert_int_eq(resolver_put(r, &workloads.items[i]), 0);
    ck_assert_int_eq(resolver_targets(r, policy.items[0].policy, &targets, NULL), 0);
    format(&text, &targets);
    ck_assert_str_eq(buf_text(&text), cases[_i].targets);
    resolved_targets_done(&targets);
    objects_done(&policy);
    objects_done(&workloads);
}
END_TEST

START_TEST(a_dropped_workload_no_longer_counts)
{
    CLEANUP(resolver_free) struct resolver *r = resolver_new();
    struct objects policy = objects_of(NAMESPACED("{kind: Deployment, name: web}"));
    struct objects workloads = objects_of(manifests);
    struct resolved_targets targets;

    ck_assert_int_eq(resolver_put(r, &workloads.items[0]), 0);
    resolver_drop(r, &workloads.items[0]);
    resolver_drop(r, &workloads.items[1]);
    ck_assert_int_eq(resolver_targets(r, policy.items[0].policy, &targets, NULL), 0);
    ck_assert_uint_eq(targets.n, 1);
    resolved_targets_done(&targets);
    objects_done(&policy);
    objects_done(&workloads);
}
END_TEST

START_TEST(the_number_of_targets_has_a_ceiling)
{
    static char name[PROFILE_MAX_TARGETS][16];
    static struct object workloads[PROFILE_MAX_TARGETS];
    CLEANUP(resolver_free) struct resolver *r = resolver_new();
    CLEANUP(error_free) struct error *e = NULL;
    struct objects policy = objects_of(NAMESPACED("{kind: Deployment, selector: {}}"));
    struct objects one = objects_of(manifests);
    struct resolved_targets targets;

    for (size_t i = 0; i < PROFILE_MAX_TARGETS; i++) {
        snprintf(name[i], sizeof(name[i]), "w%zu", i);
        workloads[i] = one.items[0];
        workloads[i].name = name[i];
        ck_assert_int_eq(resolver_put(r, &workloads[i]), 0);
    }
    ck_assert_int_eq(resolver_targets(r, policy.items[0].policy, &targets, &e), -E2BIG);
    ck_assert_str_eq(error_message(e), "spec.target: more than 4095 workloads match");
    resolver_drop(r, &workloads[0]);
    ck_assert_int_eq(resolver_targets(r, policy.items[0].policy, &targets, NULL), 0);
    ck_assert_uint_eq(targets.n, PROFILE_MAX_TARGETS);
    resolved_targets_done(&targets);
    objects_done(&policy);
    objects_done(&one);
}
END_TEST

START_TEST(only_workloads_are_wanted)
{
    for (enum object_kind k = OBJECT_NONE; k < OBJECT_KINDS; k++)
        ck_assert(resolver_wants(k) ==
                  (k == OBJECT_DEPLOYMENT || k == OBJECT_STATEFULSET || k == OBJECT_DAEMONSET));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("resolver");
    TCase *t = tcase_create("resolver");

    tcase_add_loop_test(t, a_workload_in_the_folder_becomes_its_pods, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, a_dropped_workload_no_longer_counts);
    tcase_add_test(t, the_number_of_targets_has_a_ceiling);
    tcase_add_test(t, only_workloads_are_wanted);
    suite_add_tcase(s, t);
    return s;
}
