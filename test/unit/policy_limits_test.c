/* SPDX-License-Identifier: Apache-2.0 */
/* The ceilings of a policy's lists and texts: at the ceiling a policy is read, one past it is not. */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "lib/policy/metadata.h"
#include "lib/policy/object.h"
#include "lib/policy/policy_schema.h"

#define DOCUMENT_MAX (4u << 20)

/* What stands around the list, an item, and what the finding says. */
static const struct {
    const char *name, *before, *item, *after;
    unsigned max;
} lists[] = {
    {"rules", "bpfRawRules: {files: [", "{pattern: a, permissions: [r]}", "]}", DECODER_MAX_ITEMS},
    {"names", "hardeningRules: [", "a", "]", DECODER_MAX_ITEMS},
    {"words", "bpfRawRules: {files: [{pattern: a, permissions: [", "r", "]}]}", DECODER_MAX_WORDS},
    {"ports", "bpfRawRules: {network: {egress: {toDestinations: [{ports: [", "{port: 1}", "]}]}}}",
     POLICY_MAX_PORTS},
    {"pods", "bpfRawRules: {network: {egress: {toPods: [", "{podSelector: {}}", "]}}}",
     POLICY_MAX_SELECTED},
    {"services", "bpfRawRules: {network: {egress: {toServices: [", "{serviceSelector: {}}", "]}}}",
     POLICY_MAX_SELECTED},
    {"arguments", "syscallRawRules: [{names: [a], action: SCMP_ACT_LOG, args: [",
     "{index: 0, value: 1, op: SCMP_CMP_EQ}", "]}]", POLICY_MAX_SYSCALL_ARGS},
    {"expressions", "bpfRawRules: {network: {egress: {toPods: [{podSelector: {matchExpressions: [",
     "{key: a, operator: Exists}", "]}}]}}}", SELECTOR_MAX_EXPRESSIONS},
    {"values",
     "bpfRawRules: {network: {egress: {toPods: [{podSelector: {matchExpressions: [{key: a, "
     "operator: In, values: [",
     "b", "]}]}}]}}}", SELECTOR_MAX_VALUES},
};

/* The findings of a policy with such a part, in a text of the caller; "" if there are none. */
static void read_policy(const char *target, const char *part, char text[static 1024])
{
    CLEANUP_BUF struct buf document = BUF_INIT(DOCUMENT_MAX);
    struct objects objects = {0};
    struct findings findings = {0};

    ck_assert_int_eq(
        buf_format(&document,
                   "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a},\n"
                   "spec: {target: {kind: Pod, name: a%s}, policy: {enforcer: AppArmorBPFSeccomp,\n"
                   "mode: EnhanceProtect, enhanceProtect: {%s}}}}\n",
                   target, part),
        0);
    ck_assert_int_eq(objects_parse(&objects, buf_text(&document), document.len, &findings), 0);
    text[0] = '\0';
    if (findings.n_errors)
        snprintf(text, 1024, "%s", findings.items[0].message);
    objects_done(&objects);
    findings_done(&findings);
}

/* n items between before and after. */
static void repeat(struct buf *ret, const char *before, const char *item, unsigned n,
                   const char *after)
{
    ck_assert_int_eq(buf_add_text(ret, before), 0);
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(buf_format(ret, "%s%s", i ? ", " : "", item), 0);
    ck_assert_int_eq(buf_add_text(ret, after), 0);
}

START_TEST(a_list_is_read_up_to_its_ceiling)
{
    char text[1024], wanted[64];

    for (unsigned past = 0; past <= 1; past++) {
        CLEANUP_BUF struct buf part = BUF_INIT(DOCUMENT_MAX);

        repeat(&part, lists[_i].before, lists[_i].item, lists[_i].max + past, lists[_i].after);
        read_policy("", buf_text(&part), text);
        snprintf(wanted, sizeof(wanted), "a list of %u: at most %u are taken", lists[_i].max + past,
                 lists[_i].max);
        ck_assert_msg(past ? strstr(text, wanted) != NULL : !*text, "%s: '%s'", lists[_i].name,
                      text);
    }
}
END_TEST

START_TEST(a_target_names_containers_up_to_the_ceiling)
{
    char text[1024];

    for (unsigned past = 0; past <= 1; past++) {
        CLEANUP_BUF struct buf part = BUF_INIT(DOCUMENT_MAX);

        repeat(&part, ", containers: [", "a", OBJECT_CONTAINERS_MAX + past, "]");
        read_policy(buf_text(&part), "", text);
        ck_assert_int_eq(strstr(text, "a list of 257: at most 256 are taken") != NULL, past);
        ck_assert_int_eq(*text != '\0', past);
    }
}
END_TEST

START_TEST(a_text_of_a_list_is_read_up_to_the_ceiling)
{
    char text[1024], path[DECODER_MAX_TEXT + 2];

    for (unsigned past = 0; past <= 1; past++) {
        CLEANUP_BUF struct buf part = BUF_INIT(DOCUMENT_MAX);

        memset(path, '/', sizeof(path));
        path[DECODER_MAX_TEXT + past] = '\0';
        repeat(&part, "appArmorRawRules: [{rules: 'deny /x w,', targets: [", path, 1, "]}]");
        read_policy("", buf_text(&part), text);
        ck_assert_int_eq(strstr(text, "a text of 4097 bytes: at most 4096 are taken") != NULL,
                         past);
        ck_assert_int_eq(*text != '\0', past);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("policy_limits");
    TCase *t = tcase_create("policy_limits");

    tcase_add_loop_test(t, a_list_is_read_up_to_its_ceiling, 0, (int)ARRAY_SIZE(lists));
    tcase_add_test(t, a_target_names_containers_up_to_the_ceiling);
    tcase_add_test(t, a_text_of_a_list_is_read_up_to_the_ceiling);
    suite_add_tcase(s, t);
    return s;
}
