/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/seccomp/seccomp.h"
#include "profiles/rules.h"
#include "test/unit/builder_policy.h"

#define HIGH_BIT 0x100000000ULL /* of an argument that the kernel takes as 32 bits */

/* What a call gets under a policy, as the kernel would say on x86-64. */
static struct sc_verdict judge(const char *yaml, enum sc_arch arch, const char *call,
                               const uint64_t args[6])
{
    CLEANUP(profile_unref) struct profile *p = profile_of(yaml);
    CLEANUP_SC_PROFILE struct sc_profile read = {0};
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    enum sc_arch arches[SC_ARCHES];
    struct sc_verdict verdict;
    size_t n_arches;
    int r;

    ck_assert_ptr_nonnull(p->seccomp_json);
    r = sc_profile_read_json(&read, p->seccomp_json, strlen(p->seccomp_json), &e);
    ck_assert_msg(r == 0, "%s", error_message(e));
    r = sc_profile_arches(&read, "x86_64", arches, &n_arches);
    ck_assert_int_eq(r, 0);
    r = sc_compile(&program, &read, arches, n_arches, NULL, NULL, &e);
    ck_assert_msg(r == 0, "%s", error_message(e));
    ck_assert_int_eq(sc_simulate(program, arch, sc_syscall_number(arch, call), args, &verdict), 0);
    builtin_rules_unload();
    return verdict;
}

/* Each rule with the calls that it blocks and their neighbours that it must not. */
static const struct {
    const char *rule; /* as it stands in its list */
    enum sc_arch arch;
    const char *call;
    uint64_t args[6];
    unsigned denied; /* the errno; 0: allowed */
} calls[] = {
    {"hardeningRules: [disallow-create-user-ns]", SC_X86_64, "unshare", {0x10000000}, EPERM},
    {"hardeningRules: [disallow-create-user-ns]", SC_X86_64, "unshare", {0x10020000}, EPERM},
    {"hardeningRules: [disallow-create-user-ns]",
     SC_X86_64,
     "unshare",
     {0x10000000 | HIGH_BIT},
     EPERM},
    {"hardeningRules: [disallow-create-user-ns]", SC_X86, "unshare", {0x10000000}, EPERM},
    {"hardeningRules: [disallow-create-user-ns]", SC_X86_64, "clone", {0x10000011}, EPERM},
    {"hardeningRules: [disallow-create-user-ns]", SC_X86_64, "clone3", {0}, ENOSYS},
    {"hardeningRules: [disallow-create-user-ns]", SC_X86_64, "clone", {0x11}, 0},
    {"hardeningRules: [disallow-load-all-bpf-prog]", SC_X86_64, "bpf", {5}, EPERM},
    {"hardeningRules: [disallow-load-all-bpf-prog]", SC_X86_64, "bpf", {5 | HIGH_BIT}, EPERM},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]",
     SC_X86_64,
     "setsockopt",
     {3, 1, 26},
     EPERM},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]",
     SC_X86_64,
     "setsockopt",
     {3, 1 | HIGH_BIT, 26},
     EPERM},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]",
     SC_X86_64,
     "setsockopt",
     {3, 1, 51},
     EPERM},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]",
     SC_X86_64,
     "setsockopt",
     {3, 1, 50},
     EPERM},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]",
     SC_X86_64,
     "setsockopt",
     {3, 1, 52},
     EPERM},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]",
     SC_X86_64,
     "setsockopt",
     {3, 263, 22},
     EPERM},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]", SC_X86_64, "setsockopt", {3, 1, 2}, 0},
    {"hardeningRules: [disallow-load-bpf-via-setsockopt]", SC_X86_64, "setsockopt", {3, 6, 26}, 0},
    {"hardeningRules: [disallow-userfaultfd-creation]", SC_X86_64, "userfaultfd", {0}, EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "chmod",
     {0, 0755},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "chmod",
     {0, 0645},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "fchmod",
     {0, 0100},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "fchmodat",
     {0, 0, 010},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "openat",
     {0, 0, 0x41, 0755},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "openat",
     {0, 0, 0x410002, 0700},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "open",
     {0, 0x41, 01},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "creat",
     {0, 0711},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "mknod",
     {0, 0100755},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]", SC_X86_64, "openat2", {0}, ENOSYS},
    /* without O_CREAT the mode is whatever is in the register */
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "openat",
     {0, 0, 0, 0777},
     0},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]",
     SC_X86_64,
     "openat",
     {0, 0, 0x41, 0666},
     0},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]", SC_X86_64, "chmod", {0, 0644}, 0},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]", SC_X86_64, "chmod", {0, 06644}, 0},
    {"attackProtectionRules: [{rules: [disable-chmod-x-bit]}]", SC_X86_64, "mkdir", {0, 0755}, 0},
    {"attackProtectionRules: [{rules: [disable-chmod-s-bit]}]",
     SC_X86_64,
     "chmod",
     {0, 04755},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-s-bit]}]",
     SC_X86_64,
     "fchmodat",
     {0, 0, 02644},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-s-bit]}]",
     SC_X86_64,
     "open",
     {0, 0x41, 04755},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-s-bit]}]",
     SC_X86_64,
     "mknodat",
     {0, 0, 0104755},
     EPERM},
    {"attackProtectionRules: [{rules: [disable-chmod-s-bit]}]", SC_X86_64, "chmod", {0, 01755}, 0},
    {"attackProtectionRules: [{rules: [disable-chmod-s-bit]}]",
     SC_X86_64,
     "openat",
     {0, 0, 0x41, 0755},
     0},
    {"vulMitigationRules: [dirty-pipe-mitigation]", SC_X86_64, "splice", {0}, EPERM},
    {"vulMitigationRules: [dirty-pipe-mitigation]", SC_X86_64, "tee", {0}, 0},
};

static struct sc_verdict judge_case(size_t i, const char *switches)
{
    char yaml[1024];

    snprintf(yaml, sizeof(yaml), ENHANCE_WITH("Seccomp", "      %s\n      %s"), calls[i].rule,
             switches);
    return judge(yaml, calls[i].arch, calls[i].call, calls[i].args);
}

START_TEST(a_rule_blocks_its_calls_and_not_their_neighbours)
{
    static const char *const switches[] = {"privileged: false\n", "privileged: true\n",
                                           "auditViolations: true\n"};

    for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
        struct sc_verdict v = judge_case(_i, switches[i]);

        ck_assert_msg(v.action == (calls[_i].denied ? SC_ERRNO : SC_ALLOW), "%s: %s", switches[i],
                      sc_action_name(v.action));
        if (calls[_i].denied)
            ck_assert_uint_eq(v.data, calls[_i].denied);
    }
}
END_TEST

START_TEST(what_is_allowed_is_at_most_logged)
{
    struct sc_verdict v;

    v = judge_case(_i, "allowViolations: true\n      auditViolations: true\n");
    ck_assert_int_eq(v.action, calls[_i].denied ? SC_LOG : SC_ALLOW);
    v = judge_case(_i, "allowViolations: true\n");
    ck_assert_int_eq(v.action, SC_ALLOW);
}
END_TEST

/* Modes and raw rules, by what single calls get. */
static const struct {
    const char *policy, *call;
    uint64_t args[6];
    enum sc_action action;
} verdicts[] = {
    {MODE_WITH("Seccomp", "AlwaysAllow"), "kexec_load", {0}, SC_ALLOW},
    {MODE_WITH("Seccomp", "RuntimeDefault"), "kexec_load", {0}, SC_ERRNO},
    {MODE_WITH("Seccomp", "RuntimeDefault"), "openat", {0}, SC_ALLOW},
    /* choosing a rule loosens nothing (W38) */
    {ENHANCE_WITH("Seccomp", "      vulMitigationRules: [dirty-pipe-mitigation]\n"),
     "kexec_load",
     {0},
     SC_ERRNO},
    {ENHANCE_WITH("Seccomp", "      privileged: true\n"), "kexec_load", {0}, SC_ALLOW},
    /* a raw rule beside a built-in one of the same call makes neither narrower (W39) */
    {ENHANCE_WITH(
         "Seccomp",
         "      privileged: true\n      hardeningRules: [disallow-create-user-ns]\n"
         "      syscallRawRules:\n      - names: [unshare]\n        action: SCMP_ACT_ERRNO\n"
         "        args: [{index: 1, op: SCMP_CMP_EQ, value: 7}]\n"),
     "unshare",
     {0x10000000, 0},
     SC_ERRNO},
    {ENHANCE_WITH(
         "Seccomp",
         "      privileged: true\n      hardeningRules: [disallow-create-user-ns]\n"
         "      syscallRawRules:\n      - names: [unshare]\n        action: SCMP_ACT_ERRNO\n"
         "        args: [{index: 1, op: SCMP_CMP_EQ, value: 7}]\n"),
     "unshare",
     {0, 7},
     SC_ERRNO},
    {ENHANCE_WITH(
         "Seccomp",
         "      privileged: true\n      hardeningRules: [disallow-create-user-ns]\n"
         "      syscallRawRules:\n      - names: [unshare]\n        action: SCMP_ACT_ERRNO\n"
         "        args: [{index: 1, op: SCMP_CMP_EQ, value: 7}]\n"),
     "unshare",
     {0, 6},
     SC_ALLOW},
    /* a raw rule may open what the base denies, even with a number of its own, but no built-in rule */
    {ENHANCE_WITH("Seccomp",
                  "      syscallRawRules: [{names: [keyctl], action: SCMP_ACT_ALLOW}]\n"),
     "keyctl",
     {0},
     SC_ALLOW},
    {ENHANCE_WITH("Seccomp", "      syscallRawRules: [{names: [keyctl], action: SCMP_ACT_LOG}]\n"),
     "keyctl",
     {0},
     SC_LOG},
    {ENHANCE_WITH("Seccomp",
                  "      syscallRawRules: [{names: [clone3], action: SCMP_ACT_ALLOW}]\n"),
     "clone3",
     {0},
     SC_ALLOW},
    {ENHANCE_WITH("Seccomp",
                  "      hardeningRules: [disallow-create-user-ns]\n"
                  "      syscallRawRules: [{names: [clone3], action: SCMP_ACT_ALLOW}]\n"),
     "clone3",
     {0},
     SC_ERRNO},
    /* the stricter of two raw rules */
    {ENHANCE_WITH("Seccomp", "      privileged: true\n      syscallRawRules:\n"
                             "      - {names: [chroot], action: SCMP_ACT_KILL_PROCESS}\n"
                             "      - {names: [chroot], action: SCMP_ACT_ERRNO}\n"),
     "chroot",
     {0},
     SC_KILL_PROCESS},
    /* raw rules carry their own action, whatever the switches */
    {ENHANCE_WITH("Seccomp",
                  "      allowViolations: true\n"
                  "      syscallRawRules: [{names: [chroot], action: SCMP_ACT_ERRNO}]\n"),
     "chroot",
     {0},
     SC_ERRNO},
};

START_TEST(a_call_gets_what_mode_and_raw_rules_say)
{
    struct sc_verdict v =
        judge(verdicts[_i].policy, SC_X86_64, verdicts[_i].call, verdicts[_i].args);

    ck_assert_msg(v.action == verdicts[_i].action, "%s", sc_action_name(v.action));
}
END_TEST

START_TEST(denials_are_audited_where_the_policy_asks_for_it)
{
    static const struct {
        const char *policy;
        bool log;
    } cases[] = {
        {MODE_WITH("Seccomp", "RuntimeDefault"), false},
        {ENHANCE_WITH("Seccomp", "      privileged: false\n"), false},
        {ENHANCE_WITH("Seccomp", "      auditViolations: true\n"), true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(profile_unref) struct profile *p = profile_of(cases[i].policy);
        CLEANUP_SC_PROFILE struct sc_profile read = {0};

        ck_assert_int_eq(
            sc_profile_read_json(&read, p->seccomp_json, strlen(p->seccomp_json), NULL), 0);
        ck_assert_int_eq(read.log, cases[i].log);
    }
    builtin_rules_unload();
}
END_TEST

START_TEST(a_denial_can_be_told_the_rule_that_wanted_it)
{
    CLEANUP(profile_unref)
    struct profile *p = profile_of(ENHANCE_WITH(
        "Seccomp", "      vulMitigationRules: [dirty-pipe-mitigation]\n"
                   "      syscallRawRules: [{names: [chroot], action: SCMP_ACT_ERRNO}]\n"));
    CLEANUP_SC_PROFILE struct sc_profile read = {0};

    ck_assert_int_eq(sc_profile_read_json(&read, p->seccomp_json, strlen(p->seccomp_json), NULL),
                     0);
    ck_assert_str_eq(sc_profile_find(&read, "splice", SC_ERRNO)->origin,
                     "vulMitigationRules: dirty-pipe-mitigation");
    ck_assert_str_eq(sc_profile_find(&read, "chroot", SC_ERRNO)->origin, "syscallRawRules[0]");
    builtin_rules_unload();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("builder_seccomp");
    TCase *t = tcase_create("builder_seccomp");

    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_rule_blocks_its_calls_and_not_their_neighbours, 0, ARRAY_SIZE(calls));
    tcase_add_loop_test(t, what_is_allowed_is_at_most_logged, 0, ARRAY_SIZE(calls));
    tcase_add_loop_test(t, a_call_gets_what_mode_and_raw_rules_say, 0, ARRAY_SIZE(verdicts));
    tcase_add_test(t, denials_are_audited_where_the_policy_asks_for_it);
    tcase_add_test(t, a_denial_can_be_told_the_rule_that_wanted_it);
    suite_add_tcase(s, t);
    return s;
}
