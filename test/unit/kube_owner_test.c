/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manager/kube_owner.h"

#define ROLE(metadata)                                                                                 \
    "{\"kind\":\"ClusterRole\",\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"metadata\":" metadata \
    "}"

START_TEST(a_cluster_role_becomes_one_reference)
{
    static const char role[] = ROLE("{\"name\":\"varmor-\\\"m\\\"\",\"uid\":\"1-2\",\"x\":{}}");
    CLEANUP_BUF struct buf out = BUF_INIT(KUBE_OWNER_TEXT_MAX);

    ck_assert_int_eq(kube_owner_format(&out, (const uint8_t *)role, strlen(role), NULL), 0);
    ck_assert_str_eq(buf_text(&out),
                     "[{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRole\","
                     "\"name\":\"varmor-\\\"m\\\"\",\"uid\":\"1-2\"}]");
}
END_TEST

START_TEST(what_is_no_cluster_role_is_refused)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{",
        "{}",
        ROLE("{}"),
        ROLE("{\"name\":\"a\"}"),
        ROLE("{\"name\":\"a\",\"uid\":\"\"}"),
        ROLE("{\"name\":1,\"uid\":\"u\"}"),
        ROLE("[]"),
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_BUF struct buf out = BUF_INIT(KUBE_OWNER_TEXT_MAX);
        CLEANUP(error_free) struct error *problem = NULL;
        const uint8_t *bytes = (const uint8_t *)cases[i];

        ck_assert_int_eq(kube_owner_format(&out, bytes, strlen(cases[i]), &problem), -EBADMSG);
        ck_assert_uint_eq(out.len, 0);
        ck_assert_ptr_nonnull(strstr(error_message(problem), "no ClusterRole"));
    }
}
END_TEST

START_TEST(a_name_past_the_ceiling_is_refused)
{
    CLEANUP_BUF struct buf out = BUF_INIT(KUBE_OWNER_TEXT_MAX);
    char role[2 * KUBE_OWNER_TEXT_MAX], name[KUBE_OWNER_TEXT_MAX + 1];
    int n;

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    n = snprintf(role, sizeof(role), ROLE("{\"name\":\"%s\",\"uid\":\"u\"}"), name);
    ck_assert_int_eq(kube_owner_format(&out, (const uint8_t *)role, (size_t)n, NULL), -E2BIG);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_owner");
    TCase *t = tcase_create("kube_owner");

    tcase_add_test(t, a_cluster_role_becomes_one_reference);
    tcase_add_test(t, what_is_no_cluster_role_is_refused);
    tcase_add_test(t, a_name_past_the_ceiling_is_refused);
    suite_add_tcase(s, t);
    return s;
}
