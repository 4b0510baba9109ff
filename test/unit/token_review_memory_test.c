/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of asking about a token fails once: nothing leaks, and no half of an answer lets anybody in. */
#include "test/unit/unit.h"

#include "manager/token_review.h"
#include "test/unit/alloc_failure.h"

static const char agent[] =
    "{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,\"audiences\":[\"aud\"],\"user\":{\"username\":\"agent\","
    "\"uid\":\"u\",\"groups\":[\"g\",\"h\"],\"extra\":{\"authentication.kubernetes.io/node-name\":[\"n1\"]}}}}";

START_TEST(each_allocation_of_reading_an_answer_may_fail)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        struct token_review r = {0};
        int result;

        alloc_failure_arm(n);
        result = token_review_read(&r, (const uint8_t *)agent, strlen(agent), "aud", NULL);
        failed = alloc_failure_disarm();
        if (result == 0) {
            ck_assert(r.is_authenticated);
            ck_assert_str_eq(r.user, "agent");
            ck_assert_str_eq(r.node, "n1");
            ck_assert(
                strstr(r.access_request, "\"authentication.kubernetes.io/node-name\":[\"n1\"]"));
        } else {
            ck_assert(failed);
            ck_assert_ptr_null(r.user);
        }
        token_review_done(&r);
    }
}
END_TEST

START_TEST(each_allocation_of_a_request_may_fail)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        CLEANUP_BUF struct buf out = BUF_INIT(TOKEN_REQUEST_MAX_BYTES);
        int r;

        alloc_failure_arm(n);
        r = token_review_request(&out, "a.b.c", "aud");
        failed = alloc_failure_disarm();
        ck_assert_int_eq(r, failed ? -ENOMEM : 0);
    }
}
END_TEST

START_TEST(without_memory_a_token_has_no_end)
{
    bool failed = true;

    for (unsigned n = 1; failed; n++) {
        int64_t ends_s;

        alloc_failure_arm(n);
        ends_s = token_ends_s("e30.eyJleHAiOjE4MDAwMDAwMDB9.c2ln");
        failed = alloc_failure_disarm();
        ck_assert_int_eq(ends_s, failed ? 0 : 1800000000);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("token_review_memory");
    TCase *t = tcase_create("token_review_memory");

    tcase_add_test(t, each_allocation_of_reading_an_answer_may_fail);
    tcase_add_test(t, each_allocation_of_a_request_may_fail);
    tcase_add_test(t, without_memory_a_token_has_no_end);
    suite_add_tcase(s, t);
    return s;
}
