/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "lib/kube/kube_envelope.h"
#include "lib/kube/kube_status.h"

/* From a real API server. */
static const char not_found[] =
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
    "\"message\":\"namespaces \\\"nope\\\" not found\",\"reason\":\"NotFound\","
    "\"details\":{\"name\":\"nope\",\"kind\":\"namespaces\"},\"code\":404}\n";
static const uint8_t not_found_protobuf[] =
    "k8s\0\x0a\x0c\x0a\x02v1\x12\x06Status\x12\x55\x0a\x06\x0a\0\x12\0\x1a\0\x12\x07"
    "Failure\x1a\x1bnamespaces \"nope\" not found\"\x08NotFound*\x18\x0a\x04nope\x12\0\x1a\x0anamespaces(\0\x32\0"
    "0\x94\x03\x1a\0\"\0";

static void check_not_found(const uint8_t *data, size_t len)
{
    struct kube_status s;

    ck_assert(kube_status_parse(&s, data, len));
    ck_assert_str_eq(s.message, "namespaces \"nope\" not found");
    ck_assert_str_eq(s.reason, "NotFound");
    ck_assert_int_eq(s.code, 404);
    ck_assert_uint_eq(s.retry_after_s, 0);
}

START_TEST(a_status_is_read_from_json_and_from_protobuf)
{
    check_not_found((const uint8_t *)not_found, strlen(not_found));
    check_not_found(not_found_protobuf, sizeof(not_found_protobuf) - 1);
}
END_TEST

static const struct {
    const char *text;
    bool is_status;
    const char *message, *reason;
    int code;
    unsigned retry_after_s;
} answers[] = {
    {"{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":7}}", true, "", "", 0, 7},
    {"{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":-7},\"code\":99999}", true, "", "", 0,
     0},
    {"{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":999999999}}", true, "", "", 0,
     KUBE_RETRY_AFTER_MAX_S},
    {"{\"kind\":\"Status\",\"details\":[],\"message\":7,\"reason\":null}", true, "", "", 0, 0},
    {"{\"kind\":\"Status\",\"message\":\"a\\nb\\u001b[1m\"}", true, "a b [1m", "", 0, 0},
    {"{\"kind\":\"Pod\",\"message\":\"x\"}", false, "{\"kind\":\"Pod\",\"message\":\"x\"}", "", 0,
     0},
    {"<html>\r\n503 Backend", false, "<html>  503 Backend", "", 0, 0},
    {"", false, "", "", 0, 0},
    {"[]", false, "[]", "", 0, 0},
};

START_TEST(what_a_status_leaves_out_is_empty_and_what_is_none_is_shown)
{
    struct kube_status s;

    ck_assert(kube_status_parse(&s, (const uint8_t *)answers[_i].text, strlen(answers[_i].text)) ==
              answers[_i].is_status);
    ck_assert_str_eq(s.message, answers[_i].message);
    ck_assert_str_eq(s.reason, answers[_i].reason);
    ck_assert_int_eq(s.code, answers[_i].code);
    ck_assert_uint_eq(s.retry_after_s, answers[_i].retry_after_s);
}
END_TEST

START_TEST(a_long_message_is_cut_at_a_character)
{
    char text[KUBE_STATUS_MESSAGE_MAX + 64] = "{\"kind\":\"Status\",\"message\":\"";
    const size_t start = strlen(text);
    struct kube_status s;

    memset(text + start, 'x', KUBE_STATUS_MESSAGE_MAX - 1);
    strncat(text, "\xc3\xa4\"}", sizeof(text) - strlen(text) - 1);
    ck_assert(kube_status_parse(&s, (const uint8_t *)text, strlen(text)));
    ck_assert_uint_eq(strlen(s.message), KUBE_STATUS_MESSAGE_MAX - 1);
}
END_TEST

START_TEST(a_protobuf_status_that_breaks_off_says_nothing)
{
    /* Behind the object stand two empty fields, which may be missing. */
    const size_t complete = sizeof(not_found_protobuf) - 1 - 4;
    struct kube_status s;

    for (size_t len = 0; len < complete; len++) {
        CLEANUP_FREE uint8_t *copy = malloc(len + 1);
        uint8_t *at_end = copy + 1; /* the sanitizer sees a step beyond it */

        memcpy(at_end, not_found_protobuf, len);
        kube_status_parse(&s, at_end, len);
        if (len >= KUBE_ENVELOPE_MAGIC_LEN)
            ck_assert_str_eq(s.message, "");
        ck_assert_int_eq(s.code, 0);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_status");
    TCase *t = tcase_create("kube_status");

    tcase_add_test(t, a_status_is_read_from_json_and_from_protobuf);
    tcase_add_loop_test(t, what_a_status_leaves_out_is_empty_and_what_is_none_is_shown, 0,
                        ARRAY_SIZE(answers));
    tcase_add_test(t, a_long_message_is_cut_at_a_character);
    tcase_add_test(t, a_protobuf_status_that_breaks_off_says_nothing);
    suite_add_tcase(s, t);
    return s;
}
