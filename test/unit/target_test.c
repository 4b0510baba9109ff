/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "lib/policy/target.h"

/* Targets and subjects as words, so that a case is one line. NULL: not given, unknown. */
struct target_row {
    enum target_kind kind;
    const char *name_space, *name, *app, *container;
};
struct subject_row {
    const char *name_space, *pod, *container;
    enum target_kind workload_kind;
    const char *workload, *app;
};

static const struct {
    const char *what;
    struct target_row target;
    struct subject_row subject;
    bool matches;
} cases[] = {
    {"a pod by name",
     {TARGET_POD, "shop", "web-1", NULL, NULL},
     {"shop", "web-1", "c", TARGET_NONE, NULL, "web"},
     true},
    {"a pod of another name",
     {TARGET_POD, "shop", "web-1", NULL, NULL},
     {"shop", "web-2", "c", TARGET_NONE, NULL, "web"},
     false},
    {"a pod of another namespace",
     {TARGET_POD, "shop", "web-1", NULL, NULL},
     {"bank", "web-1", "c", TARGET_NONE, NULL, "web"},
     false},
    {"any namespace",
     {TARGET_POD, NULL, "web-1", NULL, NULL},
     {"bank", "web-1", "c", TARGET_NONE, NULL, "web"},
     true},
    {"an unknown pod name",
     {TARGET_POD, "shop", "web-1", NULL, NULL},
     {"shop", NULL, "c", TARGET_NONE, NULL, "web"},
     false},
    {"a pod by label",
     {TARGET_POD, "shop", NULL, "web", NULL},
     {"shop", "web-1", "c", TARGET_NONE, NULL, "web"},
     true},
    {"a pod of another label",
     {TARGET_POD, "shop", NULL, "web", NULL},
     {"shop", "web-1", "c", TARGET_NONE, NULL, "db"},
     false},
    {"a pod without labels",
     {TARGET_POD, "shop", NULL, "web", NULL},
     {"shop", "web-1", "c", TARGET_NONE, NULL, NULL},
     false},
    {"a named container",
     {TARGET_POD, "shop", NULL, "web", "c"},
     {"shop", "web-1", "c", TARGET_NONE, NULL, "web"},
     true},
    {"another container",
     {TARGET_POD, "shop", NULL, "web", "c"},
     {"shop", "web-1", "sidecar", TARGET_NONE, NULL, "web"},
     false},
    {"an unknown container name",
     {TARGET_POD, "shop", NULL, "web", "c"},
     {"shop", "web-1", NULL, TARGET_NONE, NULL, "web"},
     false},
    {"a deployment by name",
     {TARGET_DEPLOYMENT, "shop", "web", NULL, NULL},
     {"shop", "web-1", "c", TARGET_DEPLOYMENT, "web", NULL},
     true},
    {"the pod's name is not the workload's",
     {TARGET_DEPLOYMENT, "shop", "web", NULL, NULL},
     {"shop", "web", "c", TARGET_DEPLOYMENT, "shop", NULL},
     false},
    {"another kind of workload",
     {TARGET_DEPLOYMENT, "shop", "web", NULL, NULL},
     {"shop", "web-1", "c", TARGET_DAEMONSET, "web", NULL},
     false},
    {"an unknown workload",
     {TARGET_DEPLOYMENT, "shop", "web", NULL, NULL},
     {"shop", "web", "c", TARGET_NONE, NULL, "web"},
     false},
    {"a workload by label",
     {TARGET_STATEFULSET, NULL, NULL, "web", NULL},
     {"shop", "web-0", "c", TARGET_STATEFULSET, "web", "web"},
     true},
    {"no kind means nothing",
     {TARGET_NONE, NULL, NULL, NULL, NULL},
     {"shop", "web-0", "c", TARGET_NONE, NULL, NULL},
     false},
};

static struct selector *app_selector(const char *app)
{
    struct selector *s = selector_new();

    ck_assert_int_eq(selector_add(s, "app", SELECTOR_IN, &app, 1, NULL), 0);
    return s;
}

START_TEST(all_parts_of_a_target_must_agree)
{
    const struct target_row *t = &cases[_i].target;
    const struct subject_row *s = &cases[_i].subject;
    CLEANUP(selector_free) struct selector *selector = t->app ? app_selector(t->app) : NULL;
    CLEANUP(labels_free) struct labels *labels = labels_new();
    char *containers[] = {(char *)t->container};
    const struct profile_target target = {.kind = t->kind,
                                          .name_space = (char *)t->name_space,
                                          .name = (char *)t->name,
                                          .selector = selector,
                                          .containers = containers,
                                          .n_containers = t->container ? 1 : 0};
    const struct target_subject subject = {.name_space = s->name_space,
                                           .pod_name = s->pod,
                                           .container_name = s->container,
                                           .workload_kind = s->workload_kind,
                                           .workload_name = s->workload,
                                           .labels = labels};

    if (s->app)
        ck_assert_int_eq(labels_put(labels, "app", s->app), 0);
    ck_assert_msg(target_matches(&target, &subject) == cases[_i].matches, "%s", cases[_i].what);
}
END_TEST

START_TEST(one_fitting_target_of_a_profile_is_enough)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(labels_free) struct labels *labels = labels_new();
    const struct target_subject subject = {.name_space = "shop", .pod_name = "b", .labels = labels};

    ck_assert(!target_any_matches(p, &subject));
    profile_add_target(p, TARGET_POD)->name = strdup("a");
    ck_assert(!target_any_matches(p, &subject));
    profile_add_target(p, TARGET_POD)->name = strdup("b");
    ck_assert(target_any_matches(p, &subject));
}
END_TEST

START_TEST(a_kind_is_read_as_it_is_written)
{
    for (enum target_kind k = TARGET_NONE + 1; k < TARGET_KINDS; k++)
        ck_assert_int_eq(target_kind_parse(target_kind_name(k)), k);
    ck_assert_int_eq(target_kind_parse("deployment"), TARGET_NONE);
    ck_assert_int_eq(target_kind_parse(""), TARGET_NONE);
    ck_assert_int_eq(target_kind_parse(NULL), TARGET_NONE);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("target");
    TCase *t = tcase_create("target");

    tcase_add_loop_test(t, all_parts_of_a_target_must_agree, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, one_fitting_target_of_a_profile_is_enough);
    tcase_add_test(t, a_kind_is_read_as_it_is_written);
    suite_add_tcase(s, t);
    return s;
}
