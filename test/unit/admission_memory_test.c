/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of a review fails once: there is the whole answer or none, never a part of it. */
#include "test/unit/alloc_failure.h"
#include "test/unit/unit.h"

#include "manager/admission_review.h"
#include "test/unit/admission_bed.h"

#define HEAD(group, kind)                                                                          \
    "{\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\",\"operation\":\"CREATE\","           \
    "\"namespace\":\"shop\",\"kind\":{\"group\":\"" group "\",\"version\":\"v1\",\"kind\":\"" kind \
    "\"},\"object\":"
#define POLICY(mode)                                                                               \
    HEAD("crd.varmor.org", "VarmorPolicy")                                                         \
    "{\"apiVersion\":\"crd.varmor.org/v1beta1\",\"kind\":\"VarmorPolicy\",\"metadata\":"           \
    "{\"name\":\"p\",\"namespace\":\"shop\"},\"spec\":{\"target\":{\"kind\":\"Pod\",\"name\":"     \
    "\"w\"},\"policy\":{\"enforcer\":\"BPF\",\"mode\":\"" mode "\"}}}}}"

static const struct {
    enum admission_question question;
    const char *review;
} cases[] = {
    {ADMISSION_MUTATE,
     HEAD("", "Pod") "{\"metadata\":{\"name\":\"w\",\"labels\":{\"a\":\"b\"}},\"spec\":"
                     "{\"containers\":[{\"name\":\"c\"},{\"name\":\"d\",\"securityContext\":"
                     "{\"appArmorProfile\":{\"type\":\"Localhost\",\"localhostProfile\":\"mine\"}"
                     "}}]}}}}"},
    {ADMISSION_MUTATE, HEAD("", "Pod") "{\"metadata\":{\"name\":\"w\"}}}}"},
    {ADMISSION_VALIDATE, POLICY("AlwaysAllow")},
    {ADMISSION_VALIDATE, POLICY("Nonsense")},
};

static struct profile_store *make_store(void)
{
    struct profile_store *store = admission_store_new();

    admission_store_put(store,
                        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"
                        "metadata: {name: web, namespace: shop}\n"
                        "spec:\n  target: {kind: Pod, name: w}\n"
                        "  policy: {enforcer: AppArmorBPFSeccomp, mode: RuntimeDefault}\n",
                        NULL);
    return store;
}

/* The same answer, perhaps with other words. */
static bool is_as_good(const struct buf *answer, const struct buf *whole)
{
    static const char *const said[] = {"allowed", "patch"};
    json_t *a = json_loadb((const char *)answer->data, answer->len, 0, NULL);
    json_t *b = json_loadb((const char *)whole->data, whole->len, 0, NULL);
    json_t *ra = json_object_get(a, "response"), *rb = json_object_get(b, "response");
    bool same = ra && json_array_size(json_object_get(ra, "warnings")) ==
                          json_array_size(json_object_get(rb, "warnings"));

    for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
        const json_t *x = json_object_get(ra, said[i]), *y = json_object_get(rb, said[i]);

        same = same && (x == y || json_equal(x, y));
    }
    same = same && json_equal(json_object_get(json_object_get(ra, "status"), "code"),
                              json_object_get(json_object_get(rb, "status"), "code")) ==
                       !json_is_true(json_object_get(ra, "allowed"));
    json_decref(a);
    json_decref(b);
    return same;
}

START_TEST(without_memory_there_is_the_whole_answer_or_none)
{
    CLEANUP(profile_store_free) struct profile_store *store = make_store();
    CLEANUP_BUF struct buf whole = BUF_INIT(65536), out = BUF_INIT(65536);
    const struct admission_facts facts = {
        .store = store, .install_namespace = "varmor", .settings = {.apparmor_fields = true}};
    const char *review = cases[_i].review;
    struct admission_outcome outcome;
    unsigned n = 1;

    ck_assert_int_eq(admission_review_answer(&facts, cases[_i].question, review, strlen(review),
                                             &whole, &outcome),
                     200);
    admission_outcome_done(&outcome);
    for (;; n++) {
        bool happened;
        int r;

        buf_done(&out);
        alloc_failure_arm(n);
        r = admission_review_answer(&facts, cases[_i].question, review, strlen(review), &out,
                                    &outcome);
        happened = alloc_failure_disarm();
        ck_assert_msg(r == 200 || r == -ENOMEM || r == 417, "allocation %u: %d", n, r);
        if (r == 200)
            ck_assert_msg(is_as_good(&out, &whole), "allocation %u: %s", n, buf_text(&out));
        admission_outcome_done(&outcome);
        if (!happened)
            break;
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("admission_memory");
    TCase *t = tcase_create("admission_memory");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, without_memory_there_is_the_whole_answer_or_none, 0, ARRAY_SIZE(cases));
    suite_add_tcase(s, t);
    return s;
}
