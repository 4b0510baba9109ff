/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation on a profile's way fails once: built from a policy, encoded, decoded. Nothing
 * leaks, no error is forgotten, and want of memory is never taken for something else. */
#include "test/unit/unit.h"

#include <string.h>

#include "lib/policy/object.h"
#include "profiles/builder.h"
#include "profiles/builtin_rule.h"
#include "profiles/rules.h"
#include "proto/messages.h"
#include "proto/profile_codec.h"
#include "test/unit/alloc_failure.h"

#define HEAD                                                                                       \
    "apiVersion: crd.varmor.org/v1beta1\n"                                                         \
    "kind: VarmorPolicy\n"                                                                         \
    "metadata: {name: web, namespace: shop}\n"                                                     \
    "spec:\n"                                                                                      \
    "  target: {kind: Pod, selector: {matchLabels: {app: web}}, containers: [c1, c2]}\n"           \
    "  policy:\n"                                                                                  \
    "    enforcer: AppArmorBPFSeccomp\n"                                                           \
    "    mode: EnhanceProtect\n"                                                                   \
    "    enhanceProtect:\n"
#define WHOLE                                                                                      \
    HEAD "      privileged: true\n"                                                                \
         "      hardeningRules: [disable-cap-privileged, disallow-mount]\n"                        \
         "      attackProtectionRules: [{rules: [disable-shell]}]\n"                               \
         "      bpfRawRules:\n"                                                                    \
         "        files: [{pattern: /etc/shadow, permissions: [all]}]\n"                           \
         "        network:\n"                                                                      \
         "          sockets: [{domains: [packet]}]\n"                                              \
         "          egress: {toDestinations: [{ip: localhost, ports: [{port: 1}]}]}\n"             \
         "        ptrace: {permissions: [trace]}\n"                                                \
         "        mounts: [{sourcePattern: '**', fstype: ext4, flags: [ro]}]\n"                    \
         "      appArmorRawRules:\n"                                                               \
         "        - {rules: 'deny /a w,'}\n"                                                       \
         "        - {rules: 'deny /b w,', targets: [/bin/a, /bin/b]}\n"                            \
         "      syscallRawRules: [{names: [bpf], action: SCMP_ACT_ERRNO}]\n"
#define UNKNOWN HEAD "      hardeningRules: [disallow-mont]\n"
#define REFUSED                                                                                    \
    HEAD "      bpfRawRules: {network: {egress: {toDestinations: [{ip: pod-self}]}}}\n"            \
         "      appArmorRawRules: [{rules: 'change_profile,'}]\n"
/* With the runtime's default of system calls. */
#define UNPRIVILEGED                                                                               \
    HEAD "      hardeningRules: [disallow-create-user-ns]\n"                                       \
         "      syscallRawRules: [{names: [keyctl], action: SCMP_ACT_ALLOW}]\n"

static struct policy *parse(const char *text)
{
    struct objects objects;
    struct findings findings;
    struct policy *policy;

    ck_assert_int_eq(objects_parse(&objects, text, strlen(text), &findings), 0);
    ck_assert_msg(findings.n_errors == 0, "%s", findings.n ? findings.items[0].message : "");
    policy = policy_ref(objects.items[0].policy);
    findings_done(&findings);
    objects_done(&objects);
    return policy;
}

static const struct builder_facts facts = {.install_namespace = "varmor", .generation = 1};

/* True if allocation n existed, and so failed. */
static bool build_with_failure(const struct policy *policy, int expected, unsigned n)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    struct builder_notes notes;
    bool failed;
    int r;

    alloc_failure_arm(n);
    r = builder_build(&p, policy, &facts, &notes, &e);
    failed = alloc_failure_disarm();
    if (r == -ENOMEM) {
        ck_assert(failed);
        ck_assert_str_eq(error_message(e), "out of memory");
        ck_assert_ptr_null(p);
    } else {
        ck_assert_int_eq(r, expected);
        ck_assert_int_eq(p != NULL, expected == 0);
    }
    builder_notes_done(&notes);
    return failed;
}

static const struct {
    const char *text;
    int expected;
} builds[] = {{WHOLE, 0}, {UNKNOWN, -EINVAL}, {REFUSED, BUILDER_REFUSED}};

START_TEST(each_allocation_of_a_build_may_fail)
{
    CLEANUP(policy_unref) struct policy *policy = parse(builds[_i].text);
    unsigned n = 1;

    ck_assert_int_eq(builtin_rules_load(NULL), 0);
    while (build_with_failure(policy, builds[_i].expected, n))
        n++;
    ck_assert_uint_gt(n, 5);
    builtin_rules_unload();
}
END_TEST

/* libyaml 0.2 itself forgets its stack of aliases when yaml_parser_load() finds no memory for what comes next; which
 * file's allocation the stride below meets depends on every rule file before it. Read by LeakSanitizer. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:yaml_parser_load";
}

/* Reading the rule files takes too many allocations to try each of them. */
#define LOAD_STRIDE 1009

START_TEST(some_allocations_of_reading_the_rules_fail)
{
    CLEANUP(policy_unref) struct policy *policy = parse(builds[_i].text);
    bool failed = true;

    for (unsigned n = 1; failed; n += LOAD_STRIDE) {
        builtin_rules_unload();
        failed = build_with_failure(policy, builds[_i].expected, n);
    }
    builtin_rules_unload();
}
END_TEST

/* With something of every list. */
static const char rule_file[] =
    "name: x\ncategory: hardening\naliases: [y]\nsince: a\n"
    "description: d\nreferences: [r]\n"
    "gaps: [{enforcers: [BPF], technique: F1, text: t}]\n"
    "apparmor: [\"/a w\"]\nbpf: [{exec: /a}]\n"
    "seccomp: [{syscalls: [bpf]}]\nservices: [{namespace: a, name: b}]\n";

START_TEST(each_allocation_of_a_rule_file_may_fail)
{
    bool failed = true;
    unsigned n;

    for (n = 1; failed; n++) {
        CLEANUP(builtin_rule_free) struct builtin_rule *rule = NULL;
        CLEANUP(error_free) struct error *e = NULL;
        int r;

        alloc_failure_arm(n);
        r = builtin_rule_parse(&rule, "f", rule_file, strlen(rule_file), &e);
        failed = alloc_failure_disarm();
        ck_assert_msg(r == (failed ? -ENOMEM : 0), "allocation %u: %s", n, error_message(e));
    }
    ck_assert_uint_gt(n, 50);
}
END_TEST

START_TEST(some_allocations_of_an_unprivileged_build_fail)
{
    CLEANUP(policy_unref) struct policy *policy = parse(UNPRIVILEGED);
    unsigned n = 1;

    ck_assert_int_eq(builtin_rules_load(NULL), 0);
    for (; build_with_failure(policy, 0, n); n += 37)
        ;
    ck_assert_uint_gt(n, 1000);
    builtin_rules_unload();
}
END_TEST

static bool decode_with_failure(const struct buf *encoded, unsigned n)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    bool failed;
    int r;

    alloc_failure_arm(n);
    r = profile_decode(&p, encoded->data, encoded->len, &e);
    failed = alloc_failure_disarm();
    ck_assert_int_eq(r, failed ? -ENOMEM : 0);
    ck_assert_str_eq(error_message(e), failed ? "out of memory" : "no error");
    return failed;
}

START_TEST(each_allocation_of_encoding_and_decoding_may_fail)
{
    CLEANUP(policy_unref) struct policy *policy = parse(WHOLE);
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP_BUF struct buf encoded = BUF_INIT(65536);
    struct builder_notes notes;
    bool failed = true;
    unsigned n;

    ck_assert_int_eq(builder_build(&p, policy, &facts, &notes, NULL), 0);
    builder_notes_done(&notes);
    builtin_rules_unload();
    for (n = 1; failed; n++) {
        int r;

        buf_done(&encoded);
        alloc_failure_arm(n);
        r = profile_encode(p, &encoded);
        failed = alloc_failure_disarm();
        ck_assert_int_eq(r, failed ? -ENOMEM : 0);
    }
    for (n = 1; decode_with_failure(&encoded, n);)
        n++;
    ck_assert_uint_gt(n, 30);
}
END_TEST

static const struct msg_fact fact = {"lsm", "bpf"};
static const struct msg_enforcer_state state = {ENFORCER_BPF, true, ""};
static const struct msg_held held = {"varmor-a-b", {{1}}};
static const struct agent_message hello = {.kind = AGENT_HELLO,
                                           .hello = {.node = "n1",
                                                     .facts = &fact,
                                                     .n_facts = 1,
                                                     .enforcers = &state,
                                                     .n_enforcers = 1,
                                                     .held = &held,
                                                     .n_held = 1}};

START_TEST(want_of_memory_does_not_make_a_message_bad)
{
    CLEANUP_BUF struct buf encoded = BUF_INIT(65536);
    bool failed = true;

    ck_assert_int_eq(agent_message_encode(&hello, &encoded), 0);
    for (unsigned n = 1; failed; n++) {
        CLEANUP(error_free) struct error *e = NULL;
        struct agent_message m;
        int r;

        alloc_failure_arm(n);
        r = agent_message_decode(&m, encoded.data, encoded.len, &e);
        failed = alloc_failure_disarm();
        ck_assert_int_eq(r, failed ? -ENOMEM : 0);
        if (r == 0)
            agent_message_done(&m);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("profile_memory");
    TCase *t = tcase_create("profile_memory");

    tcase_add_loop_test(t, each_allocation_of_a_build_may_fail, 0, (int)ARRAY_SIZE(builds));
    tcase_add_test(t, each_allocation_of_a_rule_file_may_fail);
    tcase_add_test(t, some_allocations_of_an_unprivileged_build_fail);
    tcase_add_loop_test(t, some_allocations_of_reading_the_rules_fail, 0, (int)ARRAY_SIZE(builds));
    tcase_add_test(t, each_allocation_of_encoding_and_decoding_may_fail);
    tcase_add_test(t, want_of_memory_does_not_make_a_message_bad);
    suite_add_tcase(s, t);
    return s;
}
