/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "agent/container.h"
#include "agent/container_identity.h"
#include "lib/policy/selector.h"
#include "lib/profile.h"
#include "proto/containerd_codec.h"

/* "k=v,k=v" */
static struct labels *make_labels(const char *text)
{
    struct labels *labels = labels_new();
    CLEANUP_FREE char *copy = strdup(text);
    char *save = NULL;

    for (char *pair = strtok_r(copy, ",", &save); pair; pair = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(pair, '=');

        *equals = '\0';
        ck_assert_int_eq(labels_put(labels, pair, equals + 1), 0);
    }
    return labels;
}

static struct containerd_container make(const char *id, const char *labels, const char *annotations)
{
    struct containerd_container cc = {.labels = make_labels(labels),
                                      .annotations = make_labels(annotations)};

    snprintf(cc.id, sizeof(cc.id), "%s", id);
    snprintf(cc.image, sizeof(cc.image), "img");
    return cc;
}

#define KUBELET                                                                                    \
    "io.kubernetes.pod.name=web-1,io.kubernetes.pod.namespace=shop,io.kubernetes.pod.uid=u1,"

START_TEST(a_container_of_the_cri_is_its_pods)
{
    CLEANUP(container_free) struct container *c = container_new();
    struct containerd_container cc = make(
        "abc",
        KUBELET "io.kubernetes.container.name=main,image.label=x,io.cri-containerd.kind=container",
        "io.kubernetes.cri.container-type=container,io.kubernetes.cri.sandbox-id=sb");
    struct containerd_container sandbox =
        make("sb", KUBELET "app=web,tier=front,io.cri-containerd.kind=sandbox",
             "io.kubernetes.cri.container-type=sandbox");

    ck_assert(!container_identity_is_sandbox(&cc));
    ck_assert(container_identity_is_sandbox(&sandbox));
    ck_assert_str_eq(container_identity_sandbox(&cc), "sb");
    ck_assert_ptr_null(container_identity_sandbox(&sandbox));

    ck_assert_int_eq(container_identity_fill(c, &cc, &sandbox), 0);
    ck_assert_str_eq(c->id, "abc");
    ck_assert_str_eq(c->name, "main");
    ck_assert_str_eq(c->pod_name, "web-1");
    ck_assert_str_eq(c->pod_namespace, "shop");
    ck_assert_str_eq(c->pod_uid, "u1");
    ck_assert_uint_eq(labels_size(c->labels),
                      2); /* the pod's, and none of kubelet's or the image's */
    ck_assert_str_eq(labels_get(c->labels, "app"), "web");
    ck_assert_str_eq(labels_get(c->labels, "tier"), "front");
    containerd_container_done(&cc);
    containerd_container_done(&sandbox);
}
END_TEST

START_TEST(a_containers_pod_opts_it_out_and_no_one_else)
{
    static const struct {
        const char *name;
        unsigned opted_out;
    } cases[] = {{"main", ENFORCER_BPF}, {"side", 0}};
    struct containerd_container sandbox = make("sb", KUBELET "app=web", "");

    sandbox.opt_outs = make_labels("container.bpf.security.beta.varmor.org/main=unconfined");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(container_free) struct container *c = container_new();
        struct containerd_container cc = make("abc", KUBELET "app=web", "");

        ck_assert_int_eq(labels_put(cc.labels, "io.kubernetes.container.name", cases[i].name), 0);
        cc.opt_outs = make_labels("container.bpf.security.beta.varmor.org/side=unconfined");
        ck_assert_int_eq(container_identity_fill(c, &cc, &sandbox), 0);
        ck_assert_uint_eq(c->opted_out, cases[i].opted_out);
        ck_assert_int_eq(container_identity_fill(c, &cc, NULL), 0);
        ck_assert_uint_eq(c->opted_out, 0); /* its pod is gone, and says nothing */
        containerd_container_done(&cc);
    }
    containerd_container_done(&sandbox);
}
END_TEST

START_TEST(an_image_cannot_make_its_container_a_sandbox)
{
    struct containerd_container cc = make("x", "io.cri-containerd.kind=sandbox", "");

    ck_assert(!container_identity_is_sandbox(&cc));
    containerd_container_done(&cc);
}
END_TEST

START_TEST(a_plain_container_speaks_for_itself)
{
    static const struct {
        const char *labels, *name_space, *pod, *name, *workload_kind, *workload_name;
    } cases[] = {
        {"", "default", "c1", "c1", "", ""},
        {"app=web", "default", "c1", "c1", "", ""},
        {"varmor.org/namespace=shop,varmor.org/pod=p,varmor.org/container=m", "shop", "p", "m", "",
         ""},
        {"varmor.org/workload=Deployment/web", "default", "c1", "c1", "Deployment", "web"},
        {"varmor.org/workload=Deployment/", "default", "c1", "c1", "", ""},
        {"varmor.org/workload=/web", "default", "c1", "c1", "", ""},
        {"varmor.org/workload=web", "default", "c1", "c1", "", ""},
        {"varmor.org/namespace=", "default", "c1", "c1", "", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(container_free) struct container *c = container_new();
        struct containerd_container cc = make("c1", cases[i].labels, "");

        ck_assert_ptr_null(container_identity_sandbox(&cc));
        ck_assert_int_eq(container_identity_fill(c, &cc, NULL), 0);
        ck_assert_str_eq(c->pod_namespace, cases[i].name_space);
        ck_assert_str_eq(c->pod_name, cases[i].pod);
        ck_assert_str_eq(c->pod_uid, "");
        ck_assert_str_eq(c->name, cases[i].name);
        ck_assert_str_eq(c->workload_kind, cases[i].workload_kind);
        ck_assert_str_eq(c->workload_name, cases[i].workload_name);
        ck_assert_uint_eq(labels_size(c->labels), labels_size(cc.labels));
        containerd_container_done(&cc);
    }
}
END_TEST

START_TEST(a_container_can_be_filled_again)
{
    CLEANUP(container_free) struct container *c = container_new();
    struct containerd_container before = make("c1", "app=web", ""),
                                after = make("c1", "app=db", "");

    ck_assert_int_eq(container_identity_fill(c, &before, NULL), 0);
    ck_assert_int_eq(container_identity_fill(c, &after, NULL), 0);
    ck_assert_str_eq(labels_get(c->labels, "app"), "db");
    containerd_container_done(&before);
    containerd_container_done(&after);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("container_identity");
    TCase *t = tcase_create("container_identity");

    tcase_add_test(t, a_container_of_the_cri_is_its_pods);
    tcase_add_test(t, a_containers_pod_opts_it_out_and_no_one_else);
    tcase_add_test(t, an_image_cannot_make_its_container_a_sandbox);
    tcase_add_test(t, a_plain_container_speaks_for_itself);
    tcase_add_test(t, a_container_can_be_filled_again);
    suite_add_tcase(s, t);
    return s;
}
