/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "profiles/peers.h"
#include "profiles/rules.h"
#include "profiles/builder.h"
#include "test/unit/policy_text.h"

#define SERVICE(ns, name, ips)                                                                     \
    "---\napiVersion: v1\nkind: Service\n"                                                         \
    "metadata: {name: " name ", namespace: " ns ", labels: {app: " name "}}\n"                     \
    "spec: {clusterIPs: [" ips "], ports: [{port: 443}]}\n"
#define SLICE(ns, name, service, endpoints, ports)                                                 \
    "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"               \
    "metadata: {name: " name ", namespace: " ns ", labels: {kubernetes.io/service-name: " service  \
    ", app: sliced}}\n"                                                                            \
    "endpoints: [{addresses: [" endpoints "]}]\nports: [" ports "]\n"
#define POD(ns, name, ips)                                                                         \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " name ", namespace: " ns                    \
    ", labels: {app: " name "}}\nstatus: {podIPs: [" ips "]}\n"

/* What is told, as text: one line a service, slice of it, or pod. */
static void format_addresses(struct buf *out, const struct addr *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[ADDR_TEXT_SIZE];

        ck_assert_int_eq(buf_format(out, " %s", addr_format(&a[i], text)), 0);
    }
}

static int pod_order(const void *a, const void *b)
{
    const struct builder_pod *x = a, *y = b;
    int order = strcmp(x->name_space, y->name_space);

    return order ? order : strcmp(x->name, y->name);
}

/* Pods come in any order: they are sorted here. */
static void format(struct buf *out, const struct builder_facts *f)
{
    qsort((struct builder_pod *)f->pods, f->n_pods, sizeof(*f->pods), pod_order);
    for (size_t i = 0; i < f->n_services; i++) {
        const struct builder_service *s = &f->services[i];
        const char *app = labels_get(s->labels, "app");

        ck_assert_int_eq(buf_format(out, "%s/%s app=%s", s->name_space, s->name, app ? app : ""),
                         0);
        format_addresses(out, s->cluster_ips, s->n_cluster_ips);
        for (size_t k = 0; k < s->n_endpoints; k++) {
            ck_assert_int_eq(buf_add_text(out, " |"), 0);
            format_addresses(out, s->endpoints[k].addresses, s->endpoints[k].n_addresses);
            for (size_t p = 0; p < s->endpoints[k].n_ports; p++)
                ck_assert_int_eq(buf_format(out, " :%u", s->endpoints[k].ports[p].first), 0);
        }
        ck_assert_int_eq(buf_add_text(out, "\n"), 0);
    }
    for (size_t i = 0; i < f->n_pods; i++) {
        ck_assert_int_eq(buf_format(out, "pod %s/%s app=%s", f->pods[i].name_space, f->pods[i].name,
                                    labels_get(f->pods[i].labels, "app")),
                         0);
        format_addresses(out, f->pods[i].addresses, f->pods[i].n_addresses);
        ck_assert_int_eq(buf_add_text(out, "\n"), 0);
    }
}

static const struct {
    const char *name, *manifests, *told;
} cases[] = {
    {"a service's addresses and its slices' with their ports",
     SERVICE("default", "kubernetes", "10.96.0.1, \"fd00::1\"")
         SLICE("default", "k1", "kubernetes", "10.0.0.7, 10.0.0.3, 10.0.0.7",
               "{port: 6443}, {port: 443}"),
     "default/kubernetes app=kubernetes 10.96.0.1 fd00::1 | 10.0.0.3 10.0.0.7 :443 :6443\n"},
    {"slices keep their ports apart, in the order of their names",
     SERVICE("a", "s", "10.96.0.1") SLICE("a", "z", "s", "10.0.0.1", "{port: 2}")
         SLICE("a", "y", "s", "10.0.0.2", "{port: 1}"),
     "a/s app=s 10.96.0.1 | 10.0.0.2 :1 | 10.0.0.1 :2\n"},
    {"a slice belongs to its own namespace's service",
     SERVICE("a", "s", "10.96.0.1") SLICE("b", "x", "s", "10.0.0.1", "{port: 2}"),
     "a/s app=s 10.96.0.1\nb/s app=sliced | 10.0.0.1 :2\n"},
    {"a headless service has no addresses of its own",
     SERVICE("a", "s", "None") SLICE("a", "x", "s", "10.0.0.1", "{name: any}"),
     "a/s app=s | 10.0.0.1\n"},
    {"services are sorted, not taken as they came",
     SERVICE("b", "a", "10.96.0.1") SERVICE("a", "b", "10.96.0.2") SERVICE("a", "a", "10.96.0.3"),
     "a/a app=a 10.96.0.3\na/b app=b 10.96.0.2\nb/a app=a 10.96.0.1\n"},
    {"pods without an address are left out",
     POD("b", "x", "{ip: 10.1.0.2}, {ip: \"fd00::2\"}") POD("a", "y", "")
         POD("a", "x", "{ip: 10.1.0.1}"),
     "pod a/x app=x 10.1.0.1\npod b/x app=x 10.1.0.2 fd00::2\n"},
};

START_TEST(what_the_builder_is_told)
{
    CLEANUP(peers_free) struct peers *p = peers_new();
    CLEANUP_BUF struct buf text = BUF_INIT(4096);
    struct objects manifests = objects_of(cases[_i].manifests);
    struct builder_facts facts = {0};

    for (size_t i = 0; i < manifests.n; i++)
        ck_assert_int_eq(peers_put(p, &manifests.items[i]), 0);
    ck_assert_int_eq(peers_tell(p, &facts), 0);
    format(&text, &facts);
    ck_assert_msg(strcmp(buf_text(&text), cases[_i].told) == 0, "%s: %s", cases[_i].name,
                  buf_text(&text));
    objects_done(&manifests);
}
END_TEST

START_TEST(what_is_dropped_is_no_longer_told)
{
    CLEANUP(peers_free) struct peers *p = peers_new();
    CLEANUP_BUF struct buf text = BUF_INIT(4096);
    struct objects manifests = objects_of(SERVICE("a", "s", "10.96.0.1") SLICE(
        "a", "x", "s", "10.0.0.1", "{port: 2}") POD("a", "p", "{ip: 10.1.0.1}"));
    struct builder_facts facts = {0};

    for (size_t i = 0; i < manifests.n; i++)
        ck_assert_int_eq(peers_put(p, &manifests.items[i]), 0);
    ck_assert_int_eq(peers_tell(p, &facts), 0);
    ck_assert_uint_eq(facts.n_services, 1);
    ck_assert_uint_eq(facts.services[0].n_endpoints, 1);
    peers_drop(p, &manifests.items[1]);
    peers_drop(p, &manifests.items[2]);
    peers_drop(p, &manifests.items[2]);
    ck_assert_int_eq(peers_tell(p, &facts), 0);
    format(&text, &facts);
    ck_assert_str_eq(buf_text(&text), "a/s app=s 10.96.0.1\n");
    objects_done(&manifests);
}
END_TEST

START_TEST(the_number_of_peers_has_a_ceiling)
{
    enum { NAME_SIZE = 16 };
    CLEANUP(peers_free) struct peers *p = peers_new();
    CLEANUP_FREE struct object *pods = calloc(PEERS_MAX_OBJECTS + 1, sizeof(*pods));
    CLEANUP_FREE char *names = calloc(PEERS_MAX_OBJECTS + 1, NAME_SIZE);
    struct objects one = objects_of(POD("a", "p", "{ip: 10.1.0.1}"));
    struct builder_facts facts = {0};

    for (size_t i = 0; i <= PEERS_MAX_OBJECTS; i++) {
        pods[i] = one.items[0];
        pods[i].name = names + i * NAME_SIZE;
        snprintf(pods[i].name, NAME_SIZE, "p%zu", i);
        ck_assert_int_eq(peers_put(p, &pods[i]), i < PEERS_MAX_OBJECTS ? 0 : -E2BIG);
    }
    ck_assert_int_eq(peers_put(p, &pods[0]), 0); /* one that is there may change */
    ck_assert_int_eq(peers_tell(p, &facts), 0);
    ck_assert_uint_eq(facts.n_pods, PEERS_MAX_OBJECTS);
    objects_done(&one);
}
END_TEST

START_TEST(only_services_slices_and_pods_are_wanted)
{
    for (enum object_kind k = OBJECT_NONE; k < OBJECT_KINDS; k++)
        ck_assert(peers_wants(k) ==
                  (k == OBJECT_SERVICE || k == OBJECT_ENDPOINT_SLICE || k == OBJECT_POD));
}
END_TEST

/* ---- Policies that depend on peers ---- */

#define POLICY(enforcer, mode, enhance)                                                            \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: p, namespace: shop}\nspec:\n  target: {kind: Pod, name: p}\n"                \
    "  policy: {enforcer: " enforcer ", mode: " mode enhance "}\n"
#define ENHANCE(rules) POLICY("BPF", "EnhanceProtect", ", enhanceProtect: {" rules "}")

static const struct {
    const char *policy;
    bool names;
} policies[] = {
    {POLICY("BPF", "RuntimeDefault", ""), false},
    {ENHANCE("hardeningRules: [disallow-mount]"), false},
    {ENHANCE(
         "attackProtectionRules: [{rules: [mitigate-sa-leak, BLOCK_ACCESS_TO_KUBE_APISERVER]}]"),
     true},
    {ENHANCE("vulMitigationRules: [ingress-nightmare-mitigation]"), true},
    {ENHANCE("bpfRawRules: {network: {egress: {toServices: [{namespace: a, name: b}]}}}"), true},
    {ENHANCE("bpfRawRules: {network: {egress: {toPods: [{podSelector: {}}]}}}"), true},
    {ENHANCE("bpfRawRules: {network: {egress: {toDestinations: [{ip: 10.0.0.1}]}}}"), false},
    {POLICY("AppArmor", "EnhanceProtect",
            ", enhanceProtect: {vulMitigationRules: [ingress-nightmare-mitigation]}"),
     false},
};

START_TEST(a_policy_depends_on_the_peers_that_it_names)
{
    struct objects objects = objects_of(policies[_i].policy);

    ck_assert(builder_names_peers(objects.items[0].policy) == policies[_i].names);
    objects_done(&objects);
    builtin_rules_unload();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("peers");
    TCase *t = tcase_create("peers");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_the_builder_is_told, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, what_is_dropped_is_no_longer_told);
    tcase_add_test(t, the_number_of_peers_has_a_ceiling);
    tcase_add_test(t, only_services_slices_and_pods_are_wanted);
    tcase_add_loop_test(t, a_policy_depends_on_the_peers_that_it_names, 0, ARRAY_SIZE(policies));
    suite_add_tcase(s, t);
    return s;
}
