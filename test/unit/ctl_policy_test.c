/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that judge policies without a manager: render, test, explain, and get rules. */
#include "test/unit/unit.h"

#include <jansson.h>

#include "lib/json_number.h"
#include "profiles/rules.h"
#include "test/unit/ctl_run.h"

#define WEB            "test/policies/expect/web.yaml"
#define MET            "test/policies/expect/met.yaml"
#define MISSED         "test/policies/expect/missed.yaml"
#define WRONG          "test/policies/expect/wrong.yaml"
#define ALL            "test/policies/expect/all.yaml"
#define ALL_MET        "test/policies/expect/all-met.yaml"
#define ALL_UNANSWERED "test/policies/expect/all-unanswered.yaml"

#define POLICY(name, enforcer, mode)                                                               \
    "---\napiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: " name "}\n"    \
    "spec: {target: {kind: Pod, name: p}, policy: {enforcer: " enforcer ", mode: " mode "}}\n"

static char *out, *err; /* of the last run */

static int run(const char *command, const char *const *args, const char *input)
{
    CLEANUP_BUF struct buf out_buf = BUF_INIT(OUTPUT_MAX), err_buf = BUF_INIT(OUTPUT_MAX);
    int status = ctl_run(command, args, input, &out_buf, &err_buf);

    free(out);
    free(err);
    out = strdup(buf_text(&out_buf));
    err = strdup(buf_text(&err_buf));
    return status;
}
#define RUN(command, ...) run(command, (const char *const[MAX_ARGS]){__VA_ARGS__}, NULL)

static void forget(void)
{
    free(out);
    free(err);
    builtin_rules_unload();
}

static void expect_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in '%s'", part, text);
}

/* ---- test ---- */

static const struct {
    const char *args[MAX_ARGS];
    int status;
    const char *out, *err;
} tests[] = {
    {{"--policy", "web", "--read", "/etc/shadow", "--exec", "/bin/nc", WEB},
     0,
     "ACTION             ENFORCER   VERDICT      RULE                       NOTE\n"
     "read /etc/shadow   BPF        deny,audit   bpfRawRules.files[0]       <none>\n"
     "exec /bin/nc       BPF        audit        bpfRawRules.processes[0]   <none>\n",
     ""},
    {{WEB, "--policy", "shop/open", "--syscall", "unshare,1"},
     0,
     "ACTION              ENFORCER   VERDICT   RULE     NOTE\n"
     "syscall unshare,1   <none>     allow     <none>   no enforcer of the policy judges it\n",
     ""},
    {{"--expect", MET, WEB}, 0, "", "14 expectations, 0 differences\n"},
    {{"--expect", MISSED, WEB},
     1,
     MISSED
     ":3:3: error: read /etc/passwd: expected deny, got allow\n" MISSED
     ":4:3: error: read /etc/shadow: expected allow, got deny,audit by BPF's bpfRawRules.files[0]\n" MISSED
     ":5:3: error: write /etc/shadow: expected deny, got deny,audit by BPF's bpfRawRules.files[0]\n" MISSED
     ":6:3: error: write /etc/shadow: expected rule 'base', got deny,audit by BPF's bpfRawRules.files[0]\n" MISSED
     ":8:3: error: syscall unshare: no answer from Seccomp: it has no say in it\n" MISSED
     ":9:3: error: read /etc/shadow: no answer from AppArmor: it has no say in it\n",
     "7 expectations, 6 differences\n"},
    {{"--expect", WRONG, WEB},
     1,
     "",
     WRONG
     ":2:7: error: 'mips' is not an architecture: x86_64, x86, x32, aarch64, arm\n" WRONG
     ":3:1: error: 'expects' is not a field: policy, arch, expect\n" WRONG
     ":5:10: error: read: 'etc/passwd' is not an absolute path\n" WRONG
     ":6:4: error: 'raed' is not a question, nor verdict, audited, rule, enforcer, arch, program; did you mean 'read'?\n" WRONG
     ":7:14: error: a second question\n" WRONG
     ":8:3: error: verdict is missing: allow, deny\n" WRONG
     ":9:3: error: a question is missing\n" WRONG
     ":10:23: error: 'denied' is not a verdict: allow, deny\n" WRONG
     ":10:40: error: audited is true or false\n" WRONG
     ":10:55: error: 'BPFSeccomp' is not an enforcer: AppArmor, BPF, Seccomp\n" WRONG
     ":10:73: error: 'x' is not an architecture: x86_64, x86, x32, aarch64, arm\n" WRONG
     ":11:3: error: the text 'read' where a question with its verdict is expected\n" WRONG
     ":12:10: error: a list where a text is expected\n" WRONG
     ":13:38: error: 'nginx' is not an absolute path\n" WRONG
     ":15:1: error: field 'expect' is missing\n" WRONG
     ":17:1: error: a list where an object with policy and expect is expected\n"},
    {{"--read", "/x", WEB},
     1,
     "",
     "varmorctl test: 2 policies: choose one with --policy: shop/web, shop/open\n"},
    {{"--read", "/x", "--policy", "bank/web", WEB},
     1,
     "",
     "varmorctl test: there is no policy 'bank/web': shop/web, shop/open\n"},
    {{"--policy", "web", "--read", "x", WEB},
     2,
     "",
     "varmorctl test: read: 'x' is not an absolute path\n"},
    {{"--policy", "web", WEB}, 2, "", "varmorctl test: no question or --expect is given\n"},
    {{"--read", "/x"}, 2, "", "varmorctl test: no file, folder or - is given\n"},
    {{"--read", "/x", "-o", "xml", WEB},
     2,
     "",
     "varmorctl test: 'xml' is not an output format: text, json, junit\n"},
    {{"--syscall", "open", "--arch", "mips", WEB},
     2,
     "",
     "varmorctl test: 'mips' is not an architecture: x86_64, x86, x32, aarch64, arm\n"},
    {{"--read", "/x", "--disks", "sd a", WEB},
     2,
     "",
     "varmorctl test: --disks 'sd a': names as in /proc/partitions, between commas\n"},
    {{"--read", "/x", "test/policies/nowhere.yaml"},
     3,
     "",
     "varmorctl: test/policies/nowhere.yaml: No such file or directory\n"},
    {{"--expect", "test/policies/nowhere.yaml", WEB},
     3,
     "",
     "varmorctl test: test/policies/nowhere.yaml: No such file or directory\n"},
};

START_TEST(test_says_what_an_action_gets_and_what_differs)
{
    ck_assert_int_eq(run("test", tests[_i].args, NULL), tests[_i].status);
    ck_assert_str_eq(out, tests[_i].out);
    ck_assert_str_eq(err, tests[_i].err);
    forget();
}
END_TEST

START_TEST(every_enforcer_answers)
{
    ck_assert_int_eq(RUN("test", "--disks", "vda,vda1", "--expect", ALL_MET, ALL), 0);
    ck_assert_str_eq(out, "");
    expect_in(err, "33 expectations, 0 differences\n");
    ck_assert_int_eq(RUN("test", "--expect", ALL_UNANSWERED, ALL), 1);
    ck_assert_str_eq(
        out, ALL_UNANSWERED
        ":2:3: error: mount tmpfs,tmpfs: no answer from AppArmor: it has rules about sources, targets or options of mounts\n" ALL_UNANSWERED
        ":3:3: error: ptrace trace: no answer from AppArmor: its rules are about labels of peers\n" ALL_UNANSWERED
        ":4:3: error: syscall open: 'open' is not a system call of aarch64\n" ALL_UNANSWERED
        ":5:3: error: read /x: no answer from Seccomp: it has no say in it\n");
    ck_assert_int_eq(RUN("test", ALL, "--mount", "tmpfs,tmpfs", "--syscall", "ioctl,0,21522"), 0);
    expect_in(out,
              "mount tmpfs,tmpfs       AppArmor   unknown      <none>               it has rules "
              "about sources, targets or options of mounts\n");
    expect_in(out, "syscall ioctl,0,21522   Seccomp    deny,audit   syscallRawRules[0]   "
                   "SCMP_ACT_ERRNO 22\n");
    ck_assert_int_eq(RUN("test", ALL, "--arch", "aarch64", "--syscall", "open"), 1);
    expect_in(err, "varmorctl test: syscall open: 'open' is not a system call of aarch64\n");
    forget();
}
END_TEST

START_TEST(the_disks_that_are_given_are_the_nodes)
{
    ck_assert_int_eq(RUN("test", "--policy", "web", "--disks", "vda,vda1", "--read", "/dev/vda1",
                         "--read", "/dev/sda", WEB),
                     0);
    expect_in(out, "read /dev/vda1   BPF        deny,audit   hardeningRules: "
                   "disallow-debug-disk-device   <none>\n");
    expect_in(out, "read /dev/sda    BPF        allow ");
    forget();
}
END_TEST

START_TEST(test_prints_json_and_junit)
{
    const char *action, *rule, *difference;
    int deny, line, n, different;
    json_t *json;

    ck_assert_int_eq(RUN("test", "-o", "json", "--expect", MISSED, WEB), 1);
    json = json_loads(out, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(json_unpack(json, "{s:i, s:i, s:[{}, {s:s, s:b, s:{s:{s:s}}, s:i, s:s}]}",
                                 "expectations", &n, "differences", &different, "cases", "action",
                                 &action, "deny", &deny, "answers", "BPF", "rule", &rule, "line",
                                 &line, "difference", &difference),
                     0);
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(different, 6);
    ck_assert_str_eq(action, "read /etc/shadow");
    ck_assert(deny);
    ck_assert_str_eq(rule, "bpfRawRules.files[0]");
    ck_assert_int_eq(line, 4);
    expect_in(difference, "expected allow, got deny,audit");
    json_decref(json);
    ck_assert_int_eq(RUN("test", "-o", "junit", "--expect", MISSED, WEB), 1);
    expect_in(out, "<testsuite name=\"varmorctl test\" tests=\"7\" failures=\"6\" errors=\"0\">\n");
    expect_in(out, "  <testcase classname=\"" MISSED "\" name=\"read /etc/passwd\" line=\"3\">\n"
                   "    <failure message=\"expected deny, got allow\"/>\n  </testcase>\n");
    expect_in(out, "  <testcase classname=\"" MISSED "\" name=\"read /etc/shadow\" line=\"7\"/>\n");
    forget();
}
END_TEST

/* ---- render ---- */

START_TEST(render_dumps_rules_and_automata)
{
    ck_assert_int_eq(RUN("render", "--policy", "web", "--disks", "sda", WEB), 0);
    ck_assert_str_eq(err, "");
    expect_in(out, "profile varmor-shop-web (enforce), digest ");
    expect_in(out, "  #9 deny,audit capability net_raw (hardeningRules: disable-cap-net-raw)\n");
    expect_in(out, "  #10 deny,audit file read,write /dev/{sda} (hardeningRules: "
                   "disallow-debug-disk-device)\n");
    expect_in(out, " audit exec exec **/nc (bpfRawRules.processes[0])\n");
    expect_in(out, " deny,audit socket domains packet (bpfRawRules.network.sockets[0])\n");
    expect_in(out, "\nexec automaton, from the end: 4 states, 7 transitions (5 end the walk), 4 "
                   "classes of bytes, ");
    expect_in(out, "\naddress trie: 1 entry\n  10.0.0.0/8: 80-443 deny audit #");
    ck_assert_ptr_null(strstr(out, "  state "));
    ck_assert_int_eq(RUN("render", "--policy", "web", "--states", WEB), 0);
    expect_in(out, "  says audit exec #");
    forget();
}
END_TEST

START_TEST(render_prints_json)
{
    const char *name, *text;
    int number, deny;
    json_t *json;

    ck_assert_int_eq(RUN("render", "--policy", "web", "-o", "json", WEB), 0);
    json = json_loads(out, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(json_unpack(json, "{s:s, s:{s:[{s:i, s:b, s:s}]}}", "name", &name, "bpf",
                                 "rules", "number", &number, "deny", &deny, "text", &text),
                     0);
    ck_assert_str_eq(name, "varmor-shop-web");
    ck_assert_int_eq(number, 0);
    ck_assert(deny);
    ck_assert_str_eq(text, "read,write /proc/sysrq-trigger");
    json_decref(json);
    forget();
}
END_TEST

START_TEST(expectations_may_stand_beside_their_policy)
{
    char folder[] = "/tmp/ctl-policy-test-XXXXXX", command[256], expect[64];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(expect, sizeof(expect), "%s/web.expect", folder);
    snprintf(command, sizeof(command), "cp %s %s/web.yaml && cp %s %s", WEB, folder, MET, expect);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(RUN("test", "--expect", expect, folder), 0);
    expect_in(err, ", 0 differences");
    ck_assert_int_eq(RUN("validate", folder), 0);
    forget();
    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* jansson has no integers of 64 bits without a sign, and a seccomp profile has. */
START_TEST(render_prints_large_numbers_of_seccomp_as_they_are)
{
    static const char policy[] =
        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: a}\n"
        "spec: {target: {kind: Pod, name: p}, policy: {enforcer: BPFSeccomp, mode: EnhanceProtect, "
        "enhanceProtect: {privileged: true, syscallRawRules: [{names: [ioctl], action: "
        "SCMP_ACT_ERRNO, args: [{index: 1, value: 18446744073709551615, op: SCMP_CMP_EQ}]}]}}}\n";
    static const char *const enforcers[] = {"BPFSeccomp", "BPF", "Seccomp"};

    for (size_t i = 0; i < ARRAY_SIZE(enforcers); i++) {
        const char *const chosen[] = {"--enforcer", enforcers[i], "-o", "json", "-", NULL};
        bool has_seccomp = strstr(enforcers[i], "Seccomp") != NULL;
        const char *const *args = i ? chosen : chosen + 2;
        CLEANUP_BUF struct buf wrapped = BUF_INIT(OUTPUT_MAX);
        json_t *json;

        ck_assert_int_eq(run("render", args, policy), 0);
        ck_assert_str_eq(err, "");
        ck_assert_int_eq(json_number_wrap(&wrapped, out, strlen(out), NULL), 0);
        json = json_loads(buf_text(&wrapped), 0, NULL);
        ck_assert_ptr_nonnull(json);
        ck_assert_int_eq(json_is_object(json_object_get(json, "seccomp")), has_seccomp);
        ck_assert_int_eq(strstr(out, "18446744073709551615") != NULL, has_seccomp);
        json_decref(json);
    }
    forget();
}
END_TEST

static const struct {
    const char *args[MAX_ARGS];
    const char *input;
    int status;
    const char *err;
} refused[] = {
    {{"--enforcer", "AppArmor", "-"},
     POLICY("a", "BPF", "AlwaysAllow"),
     1,
     "varmorctl render: the policy's enforcer is BPF\n"},
    {{"-"},
     POLICY("a", "AppArmor",
            "DefenseInDepth, defenseInDepth: {appArmor: {profileType: BehaviorModel}}"),
     1,
     "<stdin>:5:73: error: not supported by this version: spec.policy.mode 'DefenseInDepth' (line 5, column 73)\n"},
    {{"-"}, "kind: x\n", 1, NULL},
    {{"-"}, "", 1, "varmorctl render: there is no policy in what was given\n"},
    {{"--enforcer", "BPFSeccomp", "-"},
     "",
     2,
     "varmorctl render: 'BPFSeccomp' is not an enforcer: AppArmor, BPF, Seccomp\n"},
    {{"--arch", "mips", "-"},
     "",
     2,
     "varmorctl render: 'mips' is not a machine: x86_64, aarch64\n"},
    {{"-o", "yaml", "-"}, "", 2, "varmorctl render: 'yaml' is not an output format: text, json\n"},
    {{NULL}, NULL, 2, "varmorctl render: no file, folder or - is given\n"},
    {{"test/policies/nowhere.yaml"},
     NULL,
     3,
     "varmorctl: test/policies/nowhere.yaml: No such file or directory\n"},
};

START_TEST(what_cannot_be_rendered_is_said)
{
    ck_assert_int_eq(run("render", refused[_i].args, refused[_i].input), refused[_i].status);
    ck_assert_str_eq(out, "");
    if (refused[_i].err)
        ck_assert_str_eq(err, refused[_i].err);
    forget();
}
END_TEST

START_TEST(render_prints_what_each_enforcer_loads)
{
    json_t *json;

    ck_assert_int_eq(RUN("render", "--enforcer", "apparmor", "--disks", "vda", ALL), 0);
    ck_assert_int_eq(strncmp(out, "@{varmor_disks}=/dev/vda\n", 25), 0);
    expect_in(out, "\nprofile varmor-shop-all ");
    expect_in(out, "    deny network raw, # appArmorRawRules[0].rules, rule 2\n");
    expect_in(err, "warning: ");
    ck_assert_int_eq(RUN("render", "--enforcer", "Seccomp", ALL), 0);
    ck_assert_ptr_null(strstr(out, "architectures"));
    ck_assert_int_eq(RUN("render", "--enforcer", "Seccomp", "--arch", "x86_64", ALL), 0);
    json = json_loads(out, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "architectures")), 2);
    json_decref(json);
    ck_assert_int_eq(RUN("render", ALL), 0);
    expect_in(out, "# ---- AppArmor ----\n");
    expect_in(out, "# ---- BPF ----\nprofile varmor-shop-all ");
    expect_in(out, "# ---- Seccomp ----\n{\n");
    ck_assert_int_eq(RUN("render", "-o", "json", ALL), 0);
    json = json_loads(out, 0, NULL);
    ck_assert(json_is_string(json_object_get(json, "appArmor")));
    ck_assert(json_is_object(json_object_get(json, "bpf")));
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(json, "seccomp"), "defaultAction")),
        "SCMP_ACT_ALLOW");
    json_decref(json);
    forget();
}
END_TEST

START_TEST(many_policies_are_not_all_named)
{
    CLEANUP_BUF struct buf text = BUF_INIT(1 << 20);
    static const char *const args[] = {"-", NULL};

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(
            buf_format(
                &text,
                "---\napiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: "
                "policy-%d}\nspec: {target: {kind: Pod, name: p}, policy: {enforcer: BPF, mode: "
                "AlwaysAllow}}\n",
                i),
            0);
    ck_assert_int_eq(run("render", args, buf_text(&text)), 1);
    expect_in(err, "100 policies: choose one with --policy: default/policy-0, default/policy-1, ");
    expect_in(err, ", ...\n");
    ck_assert_uint_lt(strlen(err), 700);
    forget();
}
END_TEST

/* ---- explain, get rules ---- */

START_TEST(explain_tells_all_of_a_rule)
{
    ck_assert_int_eq(RUN("explain", "rule", "Disallow_Access_Kallsyms"), 0);
    expect_in(out, "Name:             disallow-access-kallsyms\n"
                   "Category:         hardening (hardeningRules)\n"
                   "Defends against:  ");
    expect_in(out, "\nSince:            0.8.0\n");
    expect_in(out, "\nAppArmor:\n  /proc/kallsyms r\n");
    expect_in(out, "\nBPF:\n  file read /proc/kallsyms\n");
    expect_in(out, "\nSeccomp:\n  <nothing>\n");
    ck_assert_int_eq(RUN("explain", "rule", "disallow-create-user-ns"), 0);
    expect_in(out, "  unshare, clone if (arg0 & 0x10000000) == 0x10000000: errno 1\n"
                   "  clone3: errno 38\n");
    ck_assert_int_eq(RUN("explain", "rule", "block-access-to-kube-apiserver"), 0);
    expect_in(out, "  egress service default/kubernetes (addresses by the manager)\n");
    forget();
}
END_TEST

START_TEST(every_rule_is_explained_in_every_format)
{
    const struct builtin_rule *rule;

    for (size_t i = 0; (rule = builtin_rule_at(i)); i++) {
        json_t *json;

        ck_assert_int_eq(RUN("explain", "rule", builtin_rule_name(rule)), 0);
        expect_in(out, builtin_rule_description(rule));
        ck_assert_int_eq(RUN("explain", "-o", "json", "rule", builtin_rule_name(rule)), 0);
        json = json_loads(out, 0, NULL);
        ck_assert_str_eq(json_string_value(json_object_get(json, "name")), builtin_rule_name(rule));
        ck_assert(json_array_size(json_object_get(json, "enforcers")) > 0);
        json_decref(json);
    }
    ck_assert_int_eq(RUN("explain", "-o", "yaml", "rule", "disable-shell"), 0);
    expect_in(out, "name: disable-shell\n");
    forget();
}
END_TEST

START_TEST(an_unknown_rule_has_a_near_one)
{
    ck_assert_int_eq(RUN("explain", "rule", "disallow-umout"), 1);
    ck_assert_str_eq(err, "varmorctl explain: 'disallow-umout' is not a built-in rule; did you "
                          "mean 'disallow-umount'?\n");
    ck_assert_int_eq(RUN("explain", "rule", "x\x1b"), 1);
    ck_assert_str_eq(err, "varmorctl explain: 'x\\x1b' is not a built-in rule\n");
    ck_assert_int_eq(RUN("explain", "policy", "x"), 2);
    ck_assert_str_eq(err, "varmorctl explain: takes the path of a field, or the word rule and the "
                          "name of one\n");
    ck_assert_int_eq(RUN("explain"), 2);
    ck_assert_int_eq(RUN("explain", "rule"), 2);
    ck_assert_str_eq(err, "varmorctl explain: takes the word rule and the name of one\n");
    ck_assert_int_eq(RUN("explain", "-o", "xml", "rule", "x"), 2);
    forget();
}
END_TEST

START_TEST(get_rules_lists_them)
{
    size_t n = 0, lines = 0;
    json_t *json;

    ck_assert_int_eq(RUN("get", "rules", "-o", "name"), 0);
    for (const char *c = out; *c; c++)
        lines += *c == '\n';
    while (builtin_rule_at(n))
        n++;
    ck_assert_uint_eq(lines, n);
    ck_assert_int_eq(RUN("get", "rules", "--category", "vulnerability-mitigation"), 0);
    expect_in(
        out,
        "NAME                              CATEGORY                   ENFORCERS       SINCE\n");
    expect_in(
        out,
        "\ndirty-pipe-mitigation             vulnerability-mitigation   Seccomp         0.8.0\n");
    ck_assert_ptr_null(strstr(out, "disable-"));
    ck_assert_int_eq(RUN("get", "rules", "disable_ipv4", "-o", "wide", "--no-headers"), 0);
    expect_in(out, "disable-inet   attack-protection   AppArmor, BPF   0.8.0   disable-ipv4 ");
    ck_assert_int_eq(RUN("get", "rules", "--category", "hardeningRules", "-o", "json"), 0);
    json = json_loads(out, 0, NULL);
    ck_assert(json_array_size(json_object_get(json, "items")) > 40);
    json_decref(json);
    ck_assert_int_eq(RUN("get", "rules", "disable-shel"), 1);
    ck_assert_str_eq(err, "varmorctl: 'disable-shel' is not a built-in rule; did you mean "
                          "'disable-shell'?\n");
    forget();
}
END_TEST

START_TEST(help_is_given)
{
    static const char *const names[] = {"render", "test", "explain", "get"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        ck_assert_int_eq(RUN(names[i], "--help"), 0);
        expect_in(out, "Usage: varmorctl ");
        expect_in(out, "Exit status: 0");
    }
    forget();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("ctl_policy");
    TCase *t = tcase_create("ctl_policy");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_says_what_an_action_gets_and_what_differs, 0, ARRAY_SIZE(tests));
    tcase_add_test(t, every_enforcer_answers);
    tcase_add_test(t, render_prints_what_each_enforcer_loads);
    tcase_add_test(t, the_disks_that_are_given_are_the_nodes);
    tcase_add_test(t, test_prints_json_and_junit);
    tcase_add_test(t, render_dumps_rules_and_automata);
    tcase_add_test(t, render_prints_json);
    tcase_add_test(t, expectations_may_stand_beside_their_policy);
    tcase_add_test(t, render_prints_large_numbers_of_seccomp_as_they_are);
    tcase_add_loop_test(t, what_cannot_be_rendered_is_said, 0, ARRAY_SIZE(refused));
    tcase_add_test(t, many_policies_are_not_all_named);
    tcase_add_test(t, explain_tells_all_of_a_rule);
    tcase_add_test(t, every_rule_is_explained_in_every_format);
    tcase_add_test(t, an_unknown_rule_has_a_near_one);
    tcase_add_test(t, get_rules_lists_them);
    tcase_add_test(t, help_is_given);
    suite_add_tcase(s, t);
    return s;
}
