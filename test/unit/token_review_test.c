/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include <check.h>

#include "manager/token_review.h"

#define AUDIENCE "varmor-manager"
#define ACCOUNT  "system:serviceaccount:varmor:varmor-agent"

/* As a kube-apiserver 1.37 answers, with what makes the difference put in. */
#define REVIEW(status)                                                                                         \
    "{\"kind\":\"TokenReview\",\"apiVersion\":\"authentication.k8s.io/v1\",\"metadata\":{},\"status\":" status \
    "}"
#define USER(name, extra)                                                                          \
    "\"user\":{\"username\":\"" name                                                               \
    "\",\"uid\":\"u1\",\"groups\":[\"system:serviceaccounts\"],\"extra\":{" extra "}}"
#define NODE(values) "\"authentication.kubernetes.io/node-name\":" values
#define POD          "\"authentication.kubernetes.io/pod-name\":[\"p\"]"
#define OURS         ",\"audiences\":[\"varmor-manager\"]"

static const struct {
    const char *answer;
    bool is_authenticated;
    const char *problem, *user, *node;
    int agent; /* what token_review_check_agent() says */
} review_cases[] = {
    {REVIEW("{\"authenticated\":true," USER(ACCOUNT, NODE("[\"n1\"]") "," POD) OURS "}"), true, "",
     ACCOUNT, "n1", 0},
    {REVIEW("{\"authenticated\":true," USER("system:serviceaccount:shop:varmor-agent",
                                            NODE("[\"n1\"]")) OURS "}"),
     true, "", "system:serviceaccount:shop:varmor-agent", "n1", -EACCES},
    {REVIEW("{\"authenticated\":true," USER("admin", "") OURS "}"), true, "", "admin", "", -EACCES},
    /* Not bound to a pod, or a Kubernetes that does not say the node. */
    {REVIEW("{\"authenticated\":true," USER(ACCOUNT, POD) OURS "}"), true, "", ACCOUNT, "",
     -ENODATA},
    {REVIEW("{\"authenticated\":true," USER(ACCOUNT, NODE("[\"n1\",\"n2\"]")) OURS "}"), true, "",
     ACCOUNT, "", -ENODATA},
    {REVIEW("{\"authenticated\":true," USER(ACCOUNT, NODE("\"n1\"")) OURS "}"), true, "", ACCOUNT,
     "", -ENODATA},
    {REVIEW("{\"authenticated\":true," USER(ACCOUNT, NODE("[7]")) OURS "}"), true, "", ACCOUNT, "",
     -ENODATA},
    /* For somebody else, or for nobody in particular. */
    {REVIEW(
         "{\"authenticated\":true," USER(ACCOUNT, NODE("[\"n1\"]")) ",\"audiences\":[\"vault\"]}"),
     false, "it is not for the audience that was asked for", "", "", -EACCES},
    {REVIEW("{\"authenticated\":true," USER(ACCOUNT, NODE("[\"n1\"]")) "}"), false,
     "it is not for the audience that was asked for", "", "", -EACCES},
    {REVIEW("{\"authenticated\":true" OURS "}"), false, "it gives no reason", "", "", -EACCES},
    {REVIEW("{\"authenticated\":\"true\"," USER(ACCOUNT, NODE("[\"n1\"]")) OURS "}"), false,
     "it gives no reason", "", "", -EACCES},
    {REVIEW("{\"user\":{},\"error\":\"[invalid bearer token, token lookup failed]\"}"), false,
     "[invalid bearer token, token lookup failed]", "", "", -EACCES},
    {REVIEW("{}"), false, "it gives no reason", "", "", -EACCES},
};

START_TEST(a_token_speaks_for_the_node_that_the_api_server_names)
{
    CLEANUP(error_free) struct error *e = NULL;
    const char *answer = review_cases[_i].answer;
    struct token_review r = {0};

    ck_assert_int_eq(token_review_read(&r, (const uint8_t *)answer, strlen(answer), AUDIENCE, &e),
                     0);
    ck_assert_int_eq(r.is_authenticated, review_cases[_i].is_authenticated);
    ck_assert_str_eq(r.problem, review_cases[_i].problem);
    ck_assert_str_eq(r.user, review_cases[_i].user);
    ck_assert_str_eq(r.node, review_cases[_i].node);
    ck_assert_int_eq(token_review_check_agent(&r, ACCOUNT, &e), review_cases[_i].agent);
    ck_assert_int_eq(e != NULL, review_cases[_i].agent != 0);
    token_review_done(&r);
}
END_TEST

static const struct {
    const char *answer, *problem;
} wrong_cases[] = {
    {"", "the answer cannot be read as JSON: "},
    {"{\"kind\":\"TokenReview\"", "the answer cannot be read as JSON: "},
    {"[]", "the answer is no TokenReview with a status"},
    {"{\"kind\":\"Status\",\"status\":\"Failure\"}", "the answer is no TokenReview with a status"},
    {"{\"kind\":\"SubjectAccessReview\",\"status\":{\"authenticated\":true}}",
     "the answer is no TokenReview with a status"},
    {"{\"kind\":\"TokenReview\",\"status\":[]}", "the answer is no TokenReview with a status"},
    {"{\"kind\":\"TokenReview\",\"status\":{},\"status\":{}}",
     "the answer cannot be read as JSON: "},
};

START_TEST(what_is_no_review_is_not_taken_for_one)
{
    CLEANUP(error_free) struct error *e = NULL;
    const char *answer = wrong_cases[_i].answer;
    struct token_review r = {0};

    ck_assert_int_eq(token_review_read(&r, (const uint8_t *)answer, strlen(answer), AUDIENCE, &e),
                     -EBADMSG);
    ck_assert_msg(strstr(error_message(e), wrong_cases[_i].problem) != NULL, "%s",
                  error_message(e));
    ck_assert_ptr_null(r.user);
}
END_TEST

START_TEST(requests_are_what_the_api_server_reads)
{
    static const char answer[] =
        REVIEW("{\"authenticated\":true," USER(ACCOUNT, NODE("[\"n1\"]")) OURS "}");
    CLEANUP_BUF struct buf out = BUF_INIT(TOKEN_REQUEST_MAX_BYTES);
    struct token_review r = {0};

    ck_assert_int_eq(token_review_request(&out, "a.b.c", AUDIENCE), 0);
    ck_assert_str_eq(
        buf_text(&out),
        "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"spec\":"
        "{\"token\":\"a.b.c\",\"audiences\":[\"varmor-manager\"]}}");
    ck_assert_int_eq(token_review_read(&r, (const uint8_t *)answer, strlen(answer), AUDIENCE, NULL),
                     0);
    ck_assert_str_eq(
        r.access_request,
        "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SubjectAccessReview\",\"spec\":{\"user\":\"" ACCOUNT
        "\",\"resourceAttributes\":{\"verb\":\"get\",\"group\":\"crd.varmor.org\",\"resource\":\"varmorpolicies\"},"
        "\"uid\":\"u1\",\"groups\":[\"system:serviceaccounts\"],\"extra\":{" NODE(
            "[\"n1\"]") "}}}");
    token_review_done(&r);
}
END_TEST

static const struct {
    const char *answer;
    int allowed;
} access_cases[] = {
    {"{\"kind\":\"SubjectAccessReview\",\"status\":{\"allowed\":true,\"reason\":\"RBAC: allowed\"}}",
     1},
    {"{\"kind\":\"SubjectAccessReview\",\"status\":{\"allowed\":false}}", 0},
    {"{\"kind\":\"SubjectAccessReview\",\"status\":{}}", 0},
    {"{\"kind\":\"SubjectAccessReview\",\"status\":{\"allowed\":true,\"denied\":true}}", 0},
    {"{\"kind\":\"SubjectAccessReview\",\"status\":{\"allowed\":1}}", 0},
    {"{\"kind\":\"TokenReview\",\"status\":{\"allowed\":true}}", -EBADMSG},
    {"nothing", -EBADMSG},
};

START_TEST(only_a_plain_yes_is_access)
{
    const char *answer = access_cases[_i].answer;

    ck_assert_int_eq(access_review_read((const uint8_t *)answer, strlen(answer), NULL),
                     access_cases[_i].allowed);
}
END_TEST

static const struct {
    const char *token;
    int64_t ends_s;
} end_cases[] = {
    {"e30.eyJleHAiOjE4MDAwMDAwMDB9.c2ln", 1800000000}, /* {"exp":1800000000} */
    {"e30.eyJleHAiOjE4MDAwMDAwMDAsImEiOiI_Pz4ifQ.",
     1800000000},                 /* letters that base64url has of its own */
    {"e30.eyJleHAiOi0xfQ.x", 0},  /* {"exp":-1} */
    {"e30.eyJleHAiOiIxIn0.x", 0}, /* {"exp":"1"} */
    {"e30.e30.x", 0},
    {"e30.e30", 0}, /* two parts */
    {"e30..x", 0},
    {"e30.!!!!.x", 0},
    {"e30.eyJle.x", 0}, /* cut off: five letters */
    {"", 0},
};

START_TEST(a_token_says_when_it_ends)
{
    ck_assert_int_eq(token_ends_s(end_cases[_i].token), end_cases[_i].ends_s);
}
END_TEST

START_TEST(a_token_is_made_of_its_letters)
{
    char large[TOKEN_MAX_BYTES + 2];

    memset(large, 'a', sizeof(large));
    large[TOKEN_MAX_BYTES + 1] = '\0';
    ck_assert(!token_is_well_formed(large));
    large[TOKEN_MAX_BYTES] = '\0';
    ck_assert(token_is_well_formed(large));
    ck_assert_int_eq(token_ends_s(large), 0);
    ck_assert(token_is_well_formed("abc-._~+/123=="));
    ck_assert(!token_is_well_formed(""));
    ck_assert(!token_is_well_formed("="));
    ck_assert(!token_is_well_formed("a b"));
    ck_assert(!token_is_well_formed("a\"b"));
    ck_assert(!token_is_well_formed("a=b"));
    ck_assert(!token_is_well_formed("\xc3\xa9"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("token_review");
    TCase *t = tcase_create("token_review");

    tcase_add_loop_test(t, a_token_speaks_for_the_node_that_the_api_server_names, 0,
                        (int)ARRAY_SIZE(review_cases));
    tcase_add_loop_test(t, what_is_no_review_is_not_taken_for_one, 0, (int)ARRAY_SIZE(wrong_cases));
    tcase_add_test(t, requests_are_what_the_api_server_reads);
    tcase_add_loop_test(t, only_a_plain_yes_is_access, 0, (int)ARRAY_SIZE(access_cases));
    tcase_add_loop_test(t, a_token_says_when_it_ends, 0, (int)ARRAY_SIZE(end_cases));
    tcase_add_test(t, a_token_is_made_of_its_letters);
    suite_add_tcase(s, t);
    return s;
}
