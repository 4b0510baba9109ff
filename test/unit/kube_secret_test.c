/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manager/kube_secret.h"

static const char *const keys[] = {"tls.crt", "tls.key"};

static const struct {
    const char *object;
    int result;
    const char *texts[2], *version;
} cases[] = {
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"data\":{\"tls.crt\":\"YWJj\",\"tls.key\":"
     "\"YWI=\"}}",
     0,
     {"abc", "ab"},
     "7"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"data\":{\"tls.crt\":\"YQ==\"}}",
     0,
     {"a", ""},
     "7"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"data\":null}", 0, {"", ""}, "7"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"}}", 0, {"", ""}, "7"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"data\":{\"tls.crt\":7,\"tls.key\":\"\"}}",
     0,
     {"", ""},
     "7"},
    /* no base64, padding alone, a NUL within */
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"data\":{\"tls.crt\":\"YWJ\",\"tls.key\":\"*\"}}",
     0,
     {"", ""},
     "7"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"data\":{\"tls.crt\":\"====\",\"tls.key\":\"=\"}}",
     0,
     {"", ""},
     "7"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"data\":{\"tls.crt\":\"YQBi\"}}",
     0,
     {"", ""},
     "7"},
    {"{\"metadata\":{}}", -EBADMSG, {NULL, NULL}, NULL},
    {"[]", -EBADMSG, {NULL, NULL}, NULL},
    {"{", -EBADMSG, {NULL, NULL}, NULL},
    {"", -EBADMSG, {NULL, NULL}, NULL},
};

START_TEST(texts_are_read_by_their_keys)
{
    char *texts[2] = {NULL, NULL}, *version = NULL;
    int r = kube_secret_read(cases[_i].object, strlen(cases[_i].object), keys, 2, texts, &version);

    ck_assert_int_eq(r, cases[_i].result);
    if (r == 0) {
        ck_assert_str_eq(texts[0], cases[_i].texts[0]);
        ck_assert_str_eq(texts[1], cases[_i].texts[1]);
        ck_assert_str_eq(version, cases[_i].version);
    } else {
        ck_assert_ptr_null(texts[0]);
        ck_assert_ptr_null(version);
    }
    kube_secret_text_free(texts[0]);
    kube_secret_text_free(texts[1]);
    free(version);
}
END_TEST

static const struct kube_secret_item items[] = {{"tls.crt", "abc"}, {"tls.key", "ab"}};
static const struct {
    struct kube_secret secret;
    const char *json;
} formatted[] = {
    {{.name = "n", .type = "kubernetes.io/tls", .items = items, .n_items = 2},
     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"kubernetes.io/tls\","
     "\"metadata\":{\"name\":\"n\"},\"data\":{\"tls.crt\":\"YWJj\",\"tls.key\":\"YWI=\"}}"},
    {{.name = "n",
      .type = "Opaque",
      .version = "7",
      .owners = "[{\"uid\":\"u\"}]",
      .annotation = "self-signed-cert",
      .items = items,
      .n_items = 1},
     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"metadata\":{\"name\":\"n\","
     "\"resourceVersion\":\"7\",\"ownerReferences\":[{\"uid\":\"u\"}],"
     "\"annotations\":{\"self-signed-cert\":\"true\"}},\"data\":{\"tls.crt\":\"YWJj\"}}"},
    {{.name = "n", .type = "Opaque", .owners = "[]"},
     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"metadata\":{\"name\":\"n\"},"
     "\"data\":{}}"},
};

START_TEST(what_is_written_is_what_an_api_server_takes)
{
    char *json = NULL;

    ck_assert_int_eq(kube_secret_format(&json, &formatted[_i].secret), 0);
    ck_assert_str_eq(json, formatted[_i].json);
    kube_secret_text_free(json);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_secret");
    TCase *t = tcase_create("kube_secret");

    tcase_add_loop_test(t, texts_are_read_by_their_keys, 0, ARRAY_SIZE(cases));
    tcase_add_loop_test(t, what_is_written_is_what_an_api_server_takes, 0, ARRAY_SIZE(formatted));
    suite_add_tcase(s, t);
    return s;
}
