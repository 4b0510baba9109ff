/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "manager/admission.h"
#include "manager/webhook_configuration.h"

static const struct {
    enum webhook_kind kind;
    const char *url, *match_label, *owners, *json;
} cases[] = {
    {WEBHOOK_MUTATING, NULL, "sandbox.varmor.org/enable=true", "[{\"uid\":\"u\"}]",
     "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"MutatingWebhookConfiguration\","
     "\"metadata\":{\"name\":\"varmor-resource-mutating-webhook-cfg\","
     "\"ownerReferences\":[{\"uid\":\"u\"}]},\"webhooks\":["
     "{\"name\":\"mutateworkload.varmor.org\",\"admissionReviewVersions\":[\"v1\"],"
     "\"clientConfig\":{\"caBundle\":\"UEVN\",\"service\":{\"namespace\":\"varmor\","
     "\"name\":\"varmor-webhook-svc\",\"path\":\"/mutate\",\"port\":443}},"
     "\"failurePolicy\":\"Ignore\",\"matchPolicy\":\"Equivalent\",\"namespaceSelector\":{},"
     "\"objectSelector\":{\"matchLabels\":{\"sandbox.varmor.org/enable\":\"true\"}},"
     "\"rules\":[{\"apiGroups\":[\"apps\"],\"apiVersions\":[\"v1\"],"
     "\"operations\":[\"CREATE\",\"UPDATE\"],"
     "\"resources\":[\"deployments\",\"statefulsets\",\"daemonsets\"],\"scope\":\"*\"}],"
     "\"sideEffects\":\"NoneOnDryRun\",\"timeoutSeconds\":10,\"reinvocationPolicy\":\"IfNeeded\"},"
     "{\"name\":\"mutatepod.varmor.org\",\"admissionReviewVersions\":[\"v1\"],"
     "\"clientConfig\":{\"caBundle\":\"UEVN\",\"service\":{\"namespace\":\"varmor\","
     "\"name\":\"varmor-webhook-svc\",\"path\":\"/mutate\",\"port\":443}},"
     "\"failurePolicy\":\"Ignore\",\"matchPolicy\":\"Equivalent\",\"namespaceSelector\":{},"
     "\"objectSelector\":{\"matchLabels\":{\"sandbox.varmor.org/enable\":\"true\"}},"
     "\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\"],"
     "\"resources\":[\"pods\"],\"scope\":\"*\"}],"
     "\"sideEffects\":\"NoneOnDryRun\",\"timeoutSeconds\":10,"
     "\"reinvocationPolicy\":\"IfNeeded\"}]}"},
    {WEBHOOK_VALIDATING, "https://127.0.0.1:3443", "", "[]",
     "{\"apiVersion\":\"admissionregistration.k8s.io/v1\","
     "\"kind\":\"ValidatingWebhookConfiguration\","
     "\"metadata\":{\"name\":\"varmor-policy-validating-webhook-cfg-debug\","
     "\"ownerReferences\":[]},\"webhooks\":["
     "{\"name\":\"validatepolicy.varmor.org\",\"admissionReviewVersions\":[\"v1\"],"
     "\"clientConfig\":{\"caBundle\":\"UEVN\",\"url\":\"https://127.0.0.1:3443/validate\"},"
     "\"failurePolicy\":\"Ignore\",\"matchPolicy\":\"Equivalent\",\"namespaceSelector\":{},"
     "\"objectSelector\":{},\"rules\":[{\"apiGroups\":[\"crd.varmor.org\"],"
     "\"apiVersions\":[\"v1beta1\"],\"operations\":[\"CREATE\",\"UPDATE\"],"
     "\"resources\":[\"varmorpolicies\",\"varmorclusterpolicies\"],\"scope\":\"*\"}],"
     "\"sideEffects\":\"None\",\"timeoutSeconds\":10}]}"},
};

START_TEST(each_field_is_said)
{
    const struct webhook_settings settings = {.name_space = "varmor",
                                              .url = cases[_i].url,
                                              .match_label = cases[_i].match_label,
                                              .timeout_s = 10,
                                              .owners = cases[_i].owners};
    CLEANUP_FREE char *json = NULL;

    ck_assert_int_eq(webhook_configuration_format(&json, cases[_i].kind, &settings, "PEM", NULL),
                     0);
    ck_assert_str_eq(json, cases[_i].json);
}
END_TEST

/* Out of the cluster a manager is asked once, and for everything if there is no label. */
START_TEST(without_a_label_everything_is_asked_about)
{
    const struct webhook_settings settings = {.name_space = "varmor",
                                              .url = "https://h:1",
                                              .match_label = "",
                                              .timeout_s = 1,
                                              .owners = "[]"};
    CLEANUP_FREE char *json = NULL;

    ck_assert_int_eq(webhook_configuration_format(&json, WEBHOOK_MUTATING, &settings, "PEM", NULL),
                     0);
    ck_assert_ptr_nonnull(strstr(json, "\"objectSelector\":{}"));
    ck_assert_ptr_nonnull(strstr(json, "\"reinvocationPolicy\":\"Never\""));
    ck_assert_ptr_nonnull(strstr(json, "varmor-resource-mutating-webhook-cfg-debug"));
}
END_TEST

static const struct {
    const char *label;
    bool is_label;
} labels[] = {
    {"", true},       {"a=b", true},      {"sandbox.varmor.org/enable=true", true},
    {"a=", true},     {"a", false},       {"=b", false},
    {"a=b c", false}, {"a/b/c=d", false},
};

START_TEST(the_match_label_is_a_label_or_nothing)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(webhook_match_label_check(labels[_i].label, &e),
                     labels[_i].is_label ? 0 : -EINVAL);
    ck_assert(!e == labels[_i].is_label);
}
END_TEST

static const struct {
    const char *url, *host; /* host NULL: it is refused */
} urls[] = {
    {"https://127.0.0.1:3443", "127.0.0.1"},
    {"https://manager.test:3443", "manager.test"},
    {"https://[fd00::1]:3443", "fd00::1"},
    {"http://127.0.0.1:3443", NULL},
    {"https://127.0.0.1", NULL},
    {"https://127.0.0.1:3443/", NULL},
    {"https://user@127.0.0.1:3443", NULL},
    {"", NULL},
};

START_TEST(the_url_is_a_host_and_a_port)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_FREE char *host = NULL;

    ck_assert_int_eq(admission_url_host(&host, urls[_i].url, &e), urls[_i].host ? 0 : -EINVAL);
    if (urls[_i].host)
        ck_assert_str_eq(host, urls[_i].host);
    else
        ck_assert_ptr_nonnull(e);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("webhook_configuration");
    TCase *t = tcase_create("webhook_configuration");

    tcase_add_loop_test(t, each_field_is_said, 0, ARRAY_SIZE(cases));
    tcase_add_test(t, without_a_label_everything_is_asked_about);
    tcase_add_loop_test(t, the_match_label_is_a_label_or_nothing, 0, ARRAY_SIZE(labels));
    tcase_add_loop_test(t, the_url_is_a_host_and_a_port, 0, ARRAY_SIZE(urls));
    suite_add_tcase(s, t);
    return s;
}
