/* SPDX-License-Identifier: Apache-2.0 */
/* Details and tasks in every order. The processes named here are in our own mount namespace, so
 * each container is told with the reason why it cannot be bound; places that are found are tested
 * against a real containerd (test/integration/containerd). */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "agent/containerd_index.h"
#include "lib/policy/selector.h"

#define TOLD_MAX 4096

/* What was told: "put ns/id state labels;dropped ns/id;" */
static char told[TOLD_MAX];

static void add(const char *what, const struct container *c)
{
    size_t len = strlen(told);

    snprintf(told + len, TOLD_MAX - len, "%s %s/%s %s %s;", what, c->runtime_namespace, c->id,
             container_state_name(c->state),
             labels_size(c->labels) ? labels_value(c->labels, 0) : "-");
}

static void on_put(const struct container *c, const char *problem, void *data)
{
    (void)data;
    ck_assert_ptr_nonnull(strstr(problem, "is in the mount namespace of the host or the agent"));
    ck_assert_uint_eq(c->cgroup_id, 0);
    add("put", c);
}

static void on_dropped(const struct container *c, void *data)
{
    (void)data;
    add("dropped", c);
}

static const struct runtime_events events = {.put = on_put, .dropped = on_dropped};
static const struct cgroup_root no_root = CGROUP_ROOT_NONE;

static struct containerd_index *make_index(void)
{
    struct containerd_index *x = NULL;

    told[0] = '\0';
    ck_assert_int_eq(containerd_index_new(&x, &no_root, &events), 0);
    return x;
}

/* Details with one label and, if sandbox is not NULL, a CRI container of that sandbox. */
static void put_details(struct containerd_index *x, const char *id, const char *label,
                        const char *sandbox)
{
    struct containerd_container cc = {.labels = labels_new(), .annotations = labels_new()};

    snprintf(cc.id, sizeof(cc.id), "%s", id);
    if (label)
        ck_assert_int_eq(labels_put(cc.labels, "app", label), 0);
    if (sandbox) {
        ck_assert_int_eq(labels_put(cc.labels, "io.kubernetes.pod.name", "p"), 0);
        ck_assert_int_eq(labels_put(cc.annotations, "io.kubernetes.cri.sandbox-id", sandbox), 0);
    }
    ck_assert_int_eq(containerd_index_put_details(x, "ns", &cc), 0);
    ck_assert_ptr_null(cc.labels); /* taken */
}

static void put_sandbox(struct containerd_index *x, const char *id, const char *label)
{
    struct containerd_container cc = {.labels = labels_new(), .annotations = labels_new()};

    snprintf(cc.id, sizeof(cc.id), "%s", id);
    ck_assert_int_eq(labels_put(cc.labels, "app", label), 0);
    ck_assert_int_eq(labels_put(cc.annotations, "io.kubernetes.cri.container-type", "sandbox"), 0);
    ck_assert_int_eq(containerd_index_put_details(x, "ns", &cc), 0);
}

static void put_task(struct containerd_index *x, const char *id, enum container_state state)
{
    ck_assert_int_eq(containerd_index_put_task(x, "ns", id, getpid(), state), 0);
}

static const char *next_wanted(struct containerd_index *x)
{
    const char *name_space = "", *id = "";

    return containerd_index_next_wanted(x, &name_space, &id) ? id : "";
}

START_TEST(a_container_is_told_when_details_and_task_are_known)
{
    for (int order = 0; order < 2; order++) {
        CLEANUP(containerd_index_free) struct containerd_index *x = make_index();

        if (order == 0)
            put_details(x, "c1", "web", NULL);
        put_task(x, "c1", CONTAINER_CREATED);
        if (order == 1) {
            ck_assert_str_eq(told, "");
            ck_assert_str_eq(next_wanted(x), "c1");
            put_details(x, "c1", "web", NULL);
        }
        ck_assert_str_eq(next_wanted(x), "");
        ck_assert_str_eq(told, "put ns/c1 created web;");
        ck_assert_ptr_nonnull(containerd_index_find(x, "ns", "c1"));
        ck_assert_ptr_null(containerd_index_find(x, "other", "c1"));
        put_task(x, "c1", CONTAINER_RUNNING);
        containerd_index_drop_task(x, "ns", "c1");
        containerd_index_drop_task(x, "ns", "c1");
        ck_assert_str_eq(told,
                         "put ns/c1 created web;put ns/c1 running web;dropped ns/c1 running web;");
        ck_assert_ptr_null(containerd_index_find(x, "ns", "c1"));
    }
}
END_TEST

START_TEST(a_pods_container_waits_for_its_sandbox)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = make_index();

    put_details(x, "c1", NULL, "sb");
    put_task(x, "c1", CONTAINER_CREATED);
    ck_assert_str_eq(told, "");
    ck_assert_str_eq(next_wanted(x), "sb");
    put_sandbox(x, "sb", "of-the-pod");
    ck_assert_str_eq(told, "put ns/c1 created of-the-pod;");
}
END_TEST

START_TEST(a_sandbox_that_is_gone_is_not_waited_for)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = make_index();

    put_details(x, "c1", "own", "sb");
    put_task(x, "c1", CONTAINER_RUNNING);
    ck_assert_str_eq(next_wanted(x), "sb");
    containerd_index_drop(x, "ns", "sb");
    ck_assert_str_eq(told, "put ns/c1 running own;");
}
END_TEST

START_TEST(a_sandbox_itself_is_never_told)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = make_index();

    put_sandbox(x, "sb", "x");
    put_task(x, "sb", CONTAINER_RUNNING);
    containerd_index_drop(x, "ns", "sb");
    ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(what_no_list_names_any_more_is_dropped)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = make_index();
    static const char *const ids[] = {"stays", "gone", "taskless", "born"};

    for (size_t i = 0; i < 3; i++) {
        put_details(x, ids[i], ids[i], NULL);
        put_task(x, ids[i], CONTAINER_RUNNING);
    }
    told[0] = '\0';
    containerd_index_begin_listing(x);
    put_details(x, "stays", "stays", NULL);
    put_details(x, "taskless", "taskless", NULL);
    put_task(x, "stays", CONTAINER_RUNNING);
    put_details(x, "born", "born", NULL); /* by an event while the lists are on their way */
    put_task(x, "born", CONTAINER_CREATED);
    told[0] = '\0';
    containerd_index_end_listing(x);
    ck_assert_str_eq(told, "dropped ns/gone running gone;dropped ns/taskless running taskless;");
    ck_assert_ptr_nonnull(containerd_index_find(x, "ns", "stays"));
    ck_assert_ptr_nonnull(containerd_index_find(x, "ns", "born"));
}
END_TEST

START_TEST(a_task_that_ended_before_it_was_seen_is_not_told)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = make_index();

    put_details(x, "c1", "web", NULL);
    put_task(x, "c1", CONTAINER_STOPPED);
    ck_assert_str_eq(told, "");
    put_task(x, "c1", CONTAINER_RUNNING);
    put_task(x, "c1", CONTAINER_STOPPED);
    ck_assert_str_eq(told, "put ns/c1 running web;put ns/c1 stopped web;");
}
END_TEST

START_TEST(changed_labels_are_asked_for_and_told)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = make_index();

    put_details(x, "c1", "old", NULL);
    put_task(x, "c1", CONTAINER_RUNNING);
    containerd_index_refresh(x, "ns", "c1");
    ck_assert_str_eq(next_wanted(x), "c1");
    put_details(x, "c1", "new", NULL);
    ck_assert_str_eq(told, "put ns/c1 running old;put ns/c1 running new;");
    containerd_index_refresh(x, "ns", "never-seen");
    ck_assert_str_eq(next_wanted(x), "");
}
END_TEST

START_TEST(a_container_that_is_expected_and_gone_leaves_nothing)
{
    CLEANUP(containerd_index_free) struct containerd_index *x = make_index();

    ck_assert_int_eq(containerd_index_expect(x, "ns", "c1"), 0);
    ck_assert_int_eq(containerd_index_expect(x, "ns", "c1"), 0);
    containerd_index_drop(x, "ns", "c1");
    ck_assert_str_eq(next_wanted(x), "");
    ck_assert_str_eq(told, "");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("containerd_index");
    TCase *t = tcase_create("containerd_index");

    tcase_add_test(t, a_container_is_told_when_details_and_task_are_known);
    tcase_add_test(t, a_pods_container_waits_for_its_sandbox);
    tcase_add_test(t, a_sandbox_that_is_gone_is_not_waited_for);
    tcase_add_test(t, a_sandbox_itself_is_never_told);
    tcase_add_test(t, what_no_list_names_any_more_is_dropped);
    tcase_add_test(t, a_task_that_ended_before_it_was_seen_is_not_told);
    tcase_add_test(t, changed_labels_are_asked_for_and_told);
    tcase_add_test(t, a_container_that_is_expected_and_gone_leaves_nothing);
    suite_add_tcase(s, t);
    return s;
}
