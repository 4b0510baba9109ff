/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/policy/selector.h"
#include "lib/profile.h"
#include "proto/pod_opt_outs.h"

#define WITH(annotations)                                                                          \
    "{\"Version\":\"v1\",\"Metadata\":{\"ID\":\"x\",\"Config\":{\"metadata\":{\"name\":\"web\"},"  \
    "\"annotations\":" annotations ",\"linux\":{}},\"NetNSPath\":\"\"}}"
#define BPF      "\"container.bpf.security.beta.varmor.org/"
#define APPARMOR "\"container.apparmor.security.beta.varmor.org/"
#define LEGACY   "\"container.apparmor.security.beta.kubernetes.io/"
#define SECCOMP  "\"container.seccomp.security.beta.varmor.org/"

static const struct {
    const char *json, *container;
    unsigned enforcers;
} words[] = {
    {WITH("{}"), "c", 0},
    {WITH("null"), "c", 0},
    {WITH("{" BPF "c\":\"unconfined\"}"), "c", ENFORCER_BPF},
    {WITH("{" BPF "c\":\"unconfined\"}"), "d", 0},
    {WITH("{" BPF "c\":\"unconfined\"}"), "", 0},
    {WITH("{" BPF "c\":\"Unconfined\"}"), "c", 0},
    {WITH("{" BPF "c\":\"localhost/varmor-shop-web\"}"), "c", 0},
    {WITH("{" BPF "c\":1}"), "c", 0},
    {WITH("{" APPARMOR "c\":\"unconfined\"}"), "c", ENFORCER_APPARMOR},
    {WITH("{" LEGACY "c\":\"unconfined\"}"), "c", ENFORCER_APPARMOR},
    {WITH("{" SECCOMP "c\":\"unconfined\"}"), "c", ENFORCER_SECCOMP},
    /* varmor's own word, not the user's */
    {WITH("{" APPARMOR "c\":\"bpf-exclusive\"," LEGACY "c\":\"unconfined\"}"), "c", 0},
    {WITH("{" BPF "c\":\"bpf-exclusive\"}"), "c", 0},
    {WITH("{" BPF "c\":\"unconfined\"," SECCOMP "c\":\"unconfined\"," APPARMOR
          "d\":\"unconfined\"}"),
     "c", ENFORCER_BPF | ENFORCER_SECCOMP},
};

START_TEST(an_annotation_opts_its_container_out_of_its_enforcer)
{
    CLEANUP(labels_free) struct labels *found = labels_new();

    ck_assert_int_eq(pod_opt_outs_read(found, words[_i].json, strlen(words[_i].json), NULL), 0);
    ck_assert_uint_eq(pod_opt_outs_of(found, words[_i].container), words[_i].enforcers);
}
END_TEST

START_TEST(nothing_else_is_kept_of_a_pod)
{
    static const char json[] =
        WITH("{\"a\":\"unconfined\"," BPF "c\":\"localhost/x\"," BPF "d\":\"unconfined\","
             "\"container.bpf.security.beta.varmor.organd/c\":\"unconfined\"}");
    CLEANUP(labels_free) struct labels *found = labels_new();

    ck_assert_int_eq(pod_opt_outs_read(found, json, strlen(json), NULL), 0);
    ck_assert_uint_eq(labels_size(found), 1);
    ck_assert_uint_eq(pod_opt_outs_of(NULL, "c"), 0);
}
END_TEST

START_TEST(what_is_no_sandbox_metadata_is_refused_with_its_reason)
{
    static const struct {
        const char *json, *reason;
    } cases[] = {
        {"{}", "sandbox metadata: it has no 'Metadata.Config'"},
        {"[]", "sandbox metadata: it has no 'Metadata.Config'"},
        {"{\"Metadata\":{\"Config\":[]}}", "sandbox metadata: it has no 'Metadata.Config'"},
        {"{\"Metadata\":", "sandbox metadata: unexpected token near end of file"},
        {WITH("{" BPF "c\":\"unconfined\"," BPF "c\":\"localhost/x\"}"),
         "sandbox metadata: duplicate object key"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(labels_free) struct labels *found = labels_new();
        CLEANUP(error_free) struct error *e = NULL;
        int r = pod_opt_outs_read(found, cases[i].json, strlen(cases[i].json), &e);

        ck_assert_int_eq(r, -EBADMSG);
        ck_assert_msg(strncmp(error_message(e), cases[i].reason, strlen(cases[i].reason)) == 0,
                      "%s", error_message(e));
    }
}
END_TEST

/* n containers, each opted out. */
static void add_containers(struct buf *b, int n)
{
    ck_assert_int_eq(buf_format(b, "{\"Metadata\":{\"Config\":{\"annotations\":{"), 0);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(buf_format(b, "%s" BPF "c%d\":\"unconfined\"", i ? "," : "", i), 0);
    ck_assert_int_eq(buf_format(b, "}}}}"), 0);
}

START_TEST(there_is_a_ceiling_for_opt_outs)
{
    for (int extra = 0; extra < 2; extra++) {
        CLEANUP(labels_free) struct labels *found = labels_new();
        CLEANUP_BUF struct buf b = BUF_INIT(POD_OPT_OUTS_MAX_BYTES);

        add_containers(&b, LABELS_MAX + extra);
        ck_assert_int_eq(pod_opt_outs_read(found, buf_text(&b), b.len, NULL), extra ? -EBADMSG : 0);
    }
}
END_TEST

START_TEST(there_is_a_ceiling_for_bytes)
{
    for (size_t extra = 0; extra < 2; extra++) {
        size_t len = POD_OPT_OUTS_MAX_BYTES + extra;
        CLEANUP(labels_free) struct labels *found = labels_new();
        CLEANUP_FREE char *json = malloc(len);
        static const char start[] = WITH("{}");

        memset(json, ' ', len);
        memcpy(json, start, sizeof(start) - 1);
        ck_assert_int_eq(pod_opt_outs_read(found, json, len, NULL), extra ? -EBADMSG : 0);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("pod_opt_outs");
    TCase *t = tcase_create("pod_opt_outs");

    tcase_add_loop_test(t, an_annotation_opts_its_container_out_of_its_enforcer, 0,
                        ARRAY_SIZE(words));
    tcase_add_test(t, nothing_else_is_kept_of_a_pod);
    tcase_add_test(t, what_is_no_sandbox_metadata_is_refused_with_its_reason);
    tcase_add_test(t, there_is_a_ceiling_for_opt_outs);
    tcase_add_test(t, there_is_a_ceiling_for_bytes);
    suite_add_tcase(s, t);
    return s;
}
