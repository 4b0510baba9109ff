/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "lib/kube/kube_path.h"

static const struct {
    struct kube_path path;
    int result;
    const char *text;
} paths[] = {
    {{.version = "v1", .resource = "pods"}, 0, "/api/v1/pods"},
    {{.group = "", .version = "v1", .resource = "pods", .name_space = ""}, 0, "/api/v1/pods"},
    {{.version = "v1", .resource = "pods", .name_space = "shop", .name = "web-0"},
     0,
     "/api/v1/namespaces/shop/pods/web-0"},
    {{.group = "crd.varmor.org",
      .version = "v1beta1",
      .resource = "varmorpolicies",
      .name_space = "shop",
      .name = "web",
      .subresource = "status"},
     0,
     "/apis/crd.varmor.org/v1beta1/namespaces/shop/varmorpolicies/web/status"},
    /* Without an object there is nothing below it. */
    {{.version = "v1", .resource = "nodes", .subresource = "status"}, 0, "/api/v1/nodes"},
    /* Names that are no names stay one segment of the path, and of this path. */
    {{.version = "v1", .resource = "secrets", .name_space = "a/../../b", .name = "?x=1#y"},
     0,
     "/api/v1/namespaces/a%2F..%2F..%2Fb/secrets/%3Fx%3D1%23y"},
    {{.version = "v1", .resource = "pods", .name = "\xc3\xa4 %\r\n"},
     0,
     "/api/v1/pods/%C3%A4%20%25%0D%0A"},
    {{.version = "v1", .resource = "pods", .name = ".."}, -EINVAL, NULL},
    {{.version = "v1", .resource = "pods", .name = "."}, -EINVAL, NULL},
    {{.version = "v1", .resource = "pods", .name = ""}, -EINVAL, NULL},
    {{.version = "v1", .resource = "pods", .name_space = ".."}, -EINVAL, NULL},
    {{.version = "v1", .resource = "pods", .name = "..."}, 0, "/api/v1/pods/..."},
};

START_TEST(a_path_is_made_of_escaped_segments)
{
    CLEANUP_BUF struct buf out = BUF_INIT(KUBE_PATH_MAX);

    ck_assert_int_eq(kube_path_add(&out, &paths[_i].path), paths[_i].result);
    if (paths[_i].text)
        ck_assert_str_eq(buf_text(&out), paths[_i].text);
}
END_TEST

START_TEST(a_query_is_escaped_and_begins_with_a_question_mark)
{
    CLEANUP_BUF struct buf out = BUF_INIT(KUBE_PATH_MAX);

    ck_assert_int_eq(buf_add_text(&out, "/api/v1/pods"), 0);
    ck_assert_int_eq(kube_path_query(&out, "labelSelector", "a=b,c in (d, e)&f"), 0);
    ck_assert_int_eq(kube_path_query(&out, "limit", "500"), 0);
    ck_assert_str_eq(buf_text(&out),
                     "/api/v1/pods?labelSelector=a%3Db%2Cc%20in%20%28d%2C%20e%29%26f&limit=500");
}
END_TEST

START_TEST(a_path_ends_at_its_ceiling)
{
    const struct kube_path path = {.version = "v1", .resource = "pods"}; /* 12 bytes */
    CLEANUP_BUF struct buf fits = BUF_INIT(12);
    CLEANUP_BUF struct buf short_by_one = BUF_INIT(11);

    ck_assert_int_eq(kube_path_add(&fits, &path), 0);
    ck_assert_int_eq(kube_path_add(&short_by_one, &path), -E2BIG);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_path");
    TCase *t = tcase_create("kube_path");

    tcase_add_loop_test(t, a_path_is_made_of_escaped_segments, 0, ARRAY_SIZE(paths));
    tcase_add_test(t, a_query_is_escaped_and_begins_with_a_question_mark);
    tcase_add_test(t, a_path_ends_at_its_ceiling);
    suite_add_tcase(s, t);
    return s;
}
