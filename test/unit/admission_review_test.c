/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "manager/admission_review.h"
#include "test/unit/admission_bed.h"

#define POLICY(name, target, policy)                                                               \
    "{'apiVersion': 'crd.varmor.org/v1beta1', 'kind': 'VarmorPolicy',"                             \
    " 'metadata': {" name ", 'namespace': 'shop', 'managedFields': [{'manager': 'kubectl'}]},"     \
    " 'spec': {'target': " target ", 'policy': " policy "}}"
#define POD_W "{'kind': 'Pod', 'name': 'w'}"
#define ALLOW "{'enforcer': 'BPF', 'mode': 'AlwaysAllow'}"
#define REVIEW(group, kind, operation, more)                                                       \
    "{'apiVersion': 'admission.k8s.io/v1', 'kind': 'AdmissionReview', 'request': {'uid': 'u1',"    \
    " 'kind': {'group': '" group "', 'version': 'v1', 'kind': '" kind "'},"                        \
    " 'operation': '" operation "', 'namespace': 'shop'" more "}}"
#define POD_REVIEW(operation, labels)                                                              \
    REVIEW("", "Pod", operation,                                                                   \
           ", 'object': {'metadata': {'name': 'w', 'labels': {" labels "}},"                       \
           " 'spec': {'containers': [{'name': 'c'}]}}")

static struct admission_facts facts_of(const struct profile_store *store)
{
    return (struct admission_facts){.store = store,
                                    .install_namespace = "shop",
                                    .settings = {.apparmor_fields = true, .now_ns = 0}};
}

/* A store with the policy shop/web, which means pod w. */
static struct profile_store *store_with_web(void)
{
    struct profile_store *store = admission_store_new();

    admission_store_put(store,
                        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                        "metadata: {name: web, namespace: shop}\n"
                        "spec:\n  target: {kind: Pod, name: w}\n"
                        "  policy: {enforcer: AppArmorBPF, mode: AlwaysAllow}\n",
                        NULL);
    return store;
}

/* The response to a review whose quotation marks are apostrophes; NULL unless the status is 200. */
static json_t *ask(const struct profile_store *store, enum admission_question question,
                   const char *review, int expected_status, struct admission_outcome *outcome)
{
    CLEANUP_BUF struct buf out = BUF_INIT(ADMISSION_MAX_BYTES);
    const struct admission_facts facts = facts_of(store);
    char *body = strdup(review);
    json_t *answer, *response;

    for (char *c = body; *c; c++)
        if (*c == '\'')
            *c = '"';
    ck_assert_int_eq(admission_review_answer(&facts, question, body, strlen(body), &out, outcome),
                     expected_status);
    free(body);
    if (expected_status != 200)
        return NULL;
    answer = json_loadb((const char *)out.data, out.len, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(answer, "apiVersion")),
                     "admission.k8s.io/v1");
    ck_assert_str_eq(json_string_value(json_object_get(answer, "kind")), "AdmissionReview");
    response = json_incref(json_object_get(answer, "response"));
    ck_assert_str_eq(json_string_value(json_object_get(response, "uid")), "u1");
    json_decref(answer);
    return response;
}

static json_t *decode_patch(const json_t *response)
{
    const char *text = json_string_value(json_object_get(response, "patch"));
    unsigned char decoded[4096];
    int n;

    if (!text)
        return NULL;
    ck_assert_str_eq(json_string_value(json_object_get(response, "patchType")), "JSONPatch");
    n = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)strlen(text));
    for (size_t len = strlen(text); len > 0 && text[len - 1] == '='; len--)
        n--;
    return json_loadb((const char *)decoded, (size_t)n, 0, NULL);
}

/* ---- Workloads and pods ---- */

static const struct {
    const char *review;
    size_t n_operations;
} mutations[] = {
    {POD_REVIEW("CREATE", ""), 6},
    {POD_REVIEW("UPDATE", ""), 0},
    {POD_REVIEW("DELETE", ""), 0},
    {REVIEW("apps", "Pod", "CREATE", ""), 0},
    {REVIEW("", "Deployment", "CREATE", ""), 0},
    {REVIEW("", "Pod", "CREATE", ""), 0},
    {REVIEW("", "Pod", "CREATE", ", 'object': null"), 0},
    {REVIEW("", "Pod", "CREATE", ", 'object': {'metadata': {'name': 'w'}}"), 0},
    /* its own pods: the install namespace is 'shop' here */
    {POD_REVIEW("CREATE", "'app.kubernetes.io/component': 'varmor-agent'"), 0},
    {POD_REVIEW("CREATE", "'app.kubernetes.io/component': 'varmor-manager'"), 0},
    {POD_REVIEW("CREATE", "'app.kubernetes.io/component': 'varmor'"), 6},
};

START_TEST(workloads_and_pods_are_always_allowed)
{
    CLEANUP(profile_store_free) struct profile_store *store = store_with_web();
    struct admission_outcome outcome;
    json_t *response = ask(store, ADMISSION_MUTATE, mutations[_i].review, 200, &outcome);
    json_t *patch = decode_patch(response);

    ck_assert(json_is_true(json_object_get(response, "allowed")));
    ck_assert_uint_eq(json_array_size(patch), mutations[_i].n_operations);
    ck_assert_uint_eq(outcome.n_operations, mutations[_i].n_operations);
    if (patch)
        ck_assert_str_eq(outcome.about, "Pod shop/w");
    admission_outcome_done(&outcome);
    json_decref(patch);
    json_decref(response);
}
END_TEST

START_TEST(what_is_odd_about_a_pod_becomes_a_warning)
{
    CLEANUP(profile_store_free) struct profile_store *store = store_with_web();
    struct admission_outcome outcome;
    json_t *response =
        ask(store, ADMISSION_MUTATE,
            REVIEW("", "Pod", "CREATE", ", 'object': {'metadata': {'name': 'w'}}"), 200, &outcome);

    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(response, "warnings"), 0)),
                     "varmor: spec.containers of the pod is not a list");
    admission_outcome_done(&outcome);
    json_decref(response);
}
END_TEST

static const struct {
    const char *body;
    int status;
} undecodable[] = {
    {"", 400},
    {"{", 417},
    {"[]", 417},
    {"{'kind': 'AdmissionReview'}", 417},
    {"{'kind': 'AdmissionReview', 'request': {'uid': ''}}", 417},
    {"{'kind': 'AdmissionReview', 'request': {'uid': 7}}", 417},
    {"{'kind': 'Pod', 'request': {'uid': 'u1'}}", 417},
};

START_TEST(what_is_no_review_gets_no_answer)
{
    CLEANUP(profile_store_free) struct profile_store *store = store_with_web();
    struct admission_outcome outcome;

    ask(store, ADMISSION_MUTATE, undecodable[_i].body, undecodable[_i].status, &outcome);
    admission_outcome_done(&outcome);
    ask(store, ADMISSION_VALIDATE, undecodable[_i].body, undecodable[_i].status, &outcome);
    admission_outcome_done(&outcome);
}
END_TEST

/* ---- Policies ---- */

static const struct {
    const char *review;
    int code;            /* 0: allowed */
    const char *message; /* the beginning of it; of the first warning where it is allowed */
} judged[] = {
    {REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
            ", 'object': " POLICY("'name': 'p'", POD_W, ALLOW)),
     0, ""},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
            ", 'object': " POLICY("'generateName': 'p-'", POD_W, ALLOW)),
     0, ""},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "UPDATE",
            ", 'oldObject': {}, 'object': " POLICY("'generateName': 'p-', 'name': 'p-x'", POD_W,
                                                   ALLOW)),
     0, ""},
    {REVIEW(
         "crd.varmor.org", "VarmorPolicy", "CREATE",
         ", 'object': " POLICY("'name': 'p'", POD_W, "{'enforcer': 'BPF', 'mode': 'AlwaysAlow'}")),
     422, "spec.policy.mode: 'AlwaysAlow' is not a mode"},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
            ", 'object': " POLICY("'name': 'p'", POD_W,
                                  "{'enforcer': 'BPF', 'mode': 'EnhanceProtect',"
                                  " 'enhanceProtect': {'hardeningRules': ['nonsense']}}")),
     422,
     "spec.policy.enhanceProtect.hardeningRules[0]: 'nonsense' is not a hardening rule "
     "(hardeningRules)"},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
            ", 'object': " POLICY("'name': 'p'", POD_W,
                                  "{'enforcer': 'AppArmor', 'mode': 'EnhanceProtect',"
                                  " 'enhanceProtect': {'appArmorRawRules': [{'rules': 'x!'}]}}")),
     422, "spec.policy.enhanceProtect.appArmorRawRules[0].rules, its line 1, column 1: "},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
            ", 'object': " POLICY("'name': 'p'", POD_W,
                                  "{'enforcer': 'BPF', 'mode': 'EnhanceProtect',"
                                  " 'enhanceProtect': {'appArmorRawRules':"
                                  " [{'rules': 'deny /x r,'}]}}")),
     422, "spec.policy: appArmorRawRules need the enforcer AppArmor"},
    /* two things at once */
    {REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
            ", 'object': " POLICY("'name': 'p'", "{'kind': 'Job', 'name': 'w'}",
                                  "{'enforcer': 'BPF', 'mode': 'X'}")),
     422, "spec.target.kind: 'Job' is not"},
    /* an update of the policy in force */
    {REVIEW("crd.varmor.org", "VarmorPolicy", "UPDATE",
            ", 'oldObject': {}, 'object': " POLICY("'name': 'web'", "{'kind': 'Pod', 'name': 'x'}",
                                                   "{'enforcer': 'AppArmorBPF',"
                                                   " 'mode': 'AlwaysAllow'}")),
     403, "spec.target may not change; remove the policy and create it anew"},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "UPDATE",
            ", 'oldObject': {}, 'object': " POLICY("'name': 'web'", POD_W, ALLOW)),
     403, "spec.policy.enforcer: of enforcers only BPF may be removed"},
    /* let through: nothing new is said, or it is about to go */
    {REVIEW("crd.varmor.org", "VarmorPolicy", "UPDATE",
            ", 'oldObject': {'spec': {'a': 1}}, 'object': {'spec': {'a': 1}}"),
     0, ""},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "UPDATE",
            ", 'oldObject': {}, 'object': {'metadata': {'deletionTimestamp': 't'}, 'spec': 1}"),
     0, ""},
    {REVIEW("crd.varmor.org", "VarmorPolicy", "DELETE", ", 'object': null"), 0, ""},
    {REVIEW("apps", "Deployment", "CREATE", ", 'object': {}"), 0, ""},
    /* the profile's name is another policy's: 'b' in 'shop-a' and 'a-b' in 'shop' */
    {REVIEW("crd.varmor.org", "VarmorClusterPolicy", "CREATE",
            ", 'object': {'apiVersion': 'crd.varmor.org/v1beta1', 'kind': 'VarmorPolicy',"
            " 'metadata': {'name': 'p', 'namespace': 'shop', 'labels': 7}}"),
     422, "metadata.labels: the number 7 where "},
};

START_TEST(a_policy_is_judged_as_varmorctl_does)
{
    CLEANUP(profile_store_free) struct profile_store *store = store_with_web();
    struct admission_outcome outcome;
    json_t *response = ask(store, ADMISSION_VALIDATE, judged[_i].review, 200, &outcome);
    json_t *status = json_object_get(response, "status");
    const char *message = json_string_value(json_object_get(status, "message"));

    ck_assert_int_eq(json_integer_value(json_object_get(status, "code")), judged[_i].code);
    ck_assert(json_is_true(json_object_get(response, "allowed")) == (judged[_i].code == 0));
    ck_assert(outcome.denied == (judged[_i].code != 0));
    if (judged[_i].code) {
        ck_assert_str_eq(json_string_value(json_object_get(status, "reason")),
                         judged[_i].code == 403 ? "Forbidden" : "Invalid");
        ck_assert_msg(strncmp(message, judged[_i].message, strlen(judged[_i].message)) == 0, "%s",
                      message);
        ck_assert_ptr_null(strstr(message, "line 0"));
    }
    ck_assert_ptr_null(json_object_get(response, "patch"));
    admission_outcome_done(&outcome);
    json_decref(response);
}
END_TEST

START_TEST(a_second_policy_of_one_profile_name_is_refused)
{
    CLEANUP(profile_store_free) struct profile_store *store = admission_store_new();
    struct admission_outcome outcome;
    json_t *response;

    admission_store_put(store,
                        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                        "metadata: {name: b, namespace: shop-a}\n"
                        "spec:\n  target: {kind: Pod, name: w}\n"
                        "  policy: {enforcer: BPF, mode: AlwaysAllow}\n",
                        NULL);
    response = ask(store, ADMISSION_VALIDATE,
                   REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
                          ", 'object': " POLICY("'name': 'a-b'", POD_W, ALLOW)),
                   200, &outcome);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(response, "status"), "message")),
        "its profile would be called 'varmor-shop-a-b', as that of VarmorPolicy/shop-a/b");
    ck_assert_str_eq(outcome.about, "VarmorPolicy shop/a-b");
    admission_outcome_done(&outcome);
    json_decref(response);
}
END_TEST

START_TEST(what_only_some_enforcers_carry_out_is_a_warning)
{
    CLEANUP(profile_store_free) struct profile_store *store = admission_store_new();
    struct admission_outcome outcome;
    json_t *response =
        ask(store, ADMISSION_VALIDATE,
            REVIEW("crd.varmor.org", "VarmorPolicy", "CREATE",
                   ", 'object': " POLICY("'name': 'p'", POD_W,
                                         "{'enforcer': 'AppArmorBPF', 'mode': 'EnhanceProtect',"
                                         " 'enhanceProtect': {'attackProtectionRules': [{'rules':"
                                         " ['disable-write-etc'], 'targets': ['/bin/sh']}]}}")),
            200, &outcome);

    ck_assert(json_is_true(json_object_get(response, "allowed")));
    ck_assert_uint_ge(json_array_size(json_object_get(response, "warnings")), 1);
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_array_get(json_object_get(response, "warnings"), 0)),
               "attackProtectionRules"));
    admission_outcome_done(&outcome);
    json_decref(response);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("admission_review");
    TCase *t = tcase_create("admission_review");

    tcase_add_loop_test(t, workloads_and_pods_are_always_allowed, 0, ARRAY_SIZE(mutations));
    tcase_add_test(t, what_is_odd_about_a_pod_becomes_a_warning);
    tcase_add_loop_test(t, what_is_no_review_gets_no_answer, 0, ARRAY_SIZE(undecodable));
    tcase_add_loop_test(t, a_policy_is_judged_as_varmorctl_does, 0, ARRAY_SIZE(judged));
    tcase_add_test(t, a_second_policy_of_one_profile_name_is_refused);
    tcase_add_test(t, what_only_some_enforcers_carry_out_is_a_warning);
    suite_add_tcase(s, t);
    return s;
}
