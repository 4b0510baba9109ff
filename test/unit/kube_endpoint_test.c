/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "manager/kube_endpoint.h"

#define OWNERS "[{\"kind\":\"ClusterRole\",\"name\":\"m\",\"uid\":\"u\"}]"

START_TEST(the_address_decides_name_and_type)
{
    static const struct {
        const char *address, *owners, *path, *body;
    } cases[] = {
        {"10.0.0.7", "[]",
         "/apis/discovery.k8s.io/v1/namespaces/varmor/endpointslices/status-ipv4"
         "?fieldManager=varmor-manager&force=true",
         "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":"
         "\"status-ipv4\",\"namespace\":\"varmor\",\"labels\":{\"kubernetes.io/service-name\":"
         "\"status\",\"endpointslice.kubernetes.io/managed-by\":\"manager.varmor.org\"}},"
         "\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"status\",\"protocol\":\"TCP\",\"port\":8080}],"
         "\"endpoints\":[{\"addresses\":[\"10.0.0.7\"],\"conditions\":{\"ready\":true}}]}"},
        {"fd00::7", OWNERS,
         "/apis/discovery.k8s.io/v1/namespaces/varmor/endpointslices/status-ipv6"
         "?fieldManager=varmor-manager&force=true",
         "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":"
         "\"status-ipv6\",\"namespace\":\"varmor\",\"labels\":{\"kubernetes.io/service-name\":"
         "\"status\",\"endpointslice.kubernetes.io/managed-by\":\"manager.varmor.org\"},"
         "\"ownerReferences\":" OWNERS "},"
         "\"addressType\":\"IPv6\",\"ports\":[{\"name\":\"status\",\"protocol\":\"TCP\",\"port\":8080}],"
         "\"endpoints\":[{\"addresses\":[\"fd00::7\"],\"conditions\":{\"ready\":true}}]}"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_BUF struct buf path = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
        CLEANUP_BUF struct buf body = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
        const struct kube_endpoint_place place = {.name_space = "varmor",
                                                  .service = "status",
                                                  .address = cases[i].address,
                                                  .port = 8080,
                                                  .owners = cases[i].owners};

        ck_assert_int_eq(kube_endpoint_format(&path, &body, &place, NULL), 0);
        ck_assert_str_eq(buf_text(&path), cases[i].path);
        ck_assert_str_eq(buf_text(&body), cases[i].body);
    }
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const cases[] = {"", "localhost", "10.0.0", "10.0.0.7:80", "fd00::7%eth0"};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_BUF struct buf path = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
        CLEANUP_BUF struct buf body = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
        CLEANUP(error_free) struct error *problem = NULL;
        const struct kube_endpoint_place place = {
            .name_space = "n", .service = "s", .address = cases[i], .port = 1, .owners = "[]"};

        ck_assert_int_eq(kube_endpoint_format(&path, &body, &place, &problem), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error_message(problem), "is not an IP address"));
    }
}
END_TEST

START_TEST(a_name_past_its_ceiling_is_refused)
{
    CLEANUP_BUF struct buf path = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
    CLEANUP_BUF struct buf body = BUF_INIT(KUBE_ENDPOINT_MAX_BYTES);
    char service[300];
    const struct kube_endpoint_place place = {
        .name_space = "n", .service = service, .address = "10.0.0.7", .port = 1, .owners = "[]"};

    memset(service, 's', sizeof(service) - 1);
    service[sizeof(service) - 1] = '\0';
    ck_assert_int_eq(kube_endpoint_format(&path, &body, &place, NULL), -EINVAL);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_endpoint");
    TCase *t = tcase_create("kube_endpoint");

    tcase_add_test(t, the_address_decides_name_and_type);
    tcase_add_test(t, what_is_no_address_is_refused);
    tcase_add_test(t, a_name_past_its_ceiling_is_refused);
    suite_add_tcase(s, t);
    return s;
}
