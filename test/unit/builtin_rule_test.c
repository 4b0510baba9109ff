/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "profiles/builtin_rule.h"
#include "profiles/embedded.h"

START_TEST(every_file_of_the_binary_can_be_read)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(builtin_rules_load(&e) == 0, "%s", error_message(e));
    ck_assert_uint_ge(n_embedded_files, 100);
    for (size_t i = 0; i < n_embedded_files; i++) {
        CLEANUP(builtin_rule_free) struct builtin_rule *r = NULL;
        const char *text = embedded_files[i].text, *slash = strrchr(embedded_files[i].name, '/');

        ck_assert_int_eq(builtin_rule_parse(&r, embedded_files[i].name, text, strlen(text), NULL),
                         0);
        ck_assert_msg(strncmp(slash + 1, r->name, strlen(r->name)) == 0 &&
                          strcmp(slash + 1 + strlen(r->name), ".yaml") == 0,
                      "%s holds %s", embedded_files[i].name, r->name);
    }
    builtin_rules_unload();
}
END_TEST

/* rules.md 2.1, 2.2, 2.3 */
static const struct {
    const char *name;
    uint64_t mask;
} capability_rules[] = {
    {"disable-cap-all", 0x1ffffffffff},
    {"disable-cap-all-except-net-bind-service", 0x1fffffffbff},
    {"disable-cap-privileged", 0x1ff57fbda04},
    {"disable-cap-chown", 1ULL << 0},
    {"disable-cap-net-raw", 1ULL << 13},
    {"disable-cap-checkpoint-restore", 1ULL << 40},
    {"disallow-load-bpf-prog", 0x8000200000},
    {"disallow-load-ebpf", 0x8000200000},
    {"disallow-insmod", 1ULL << 16},
    {"disallow-abuse-user-ns", 1ULL << 21},
};

START_TEST(a_capability_rule_has_the_mask_of_the_contract)
{
    const struct builtin_rule *r = builtin_rule_find(BUILTIN_HARDENING, capability_rules[_i].name);

    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->bpf->n_rules, 1);
    ck_assert_int_eq(r->bpf->rules[0].kind, RULE_CAPABILITY);
    ck_assert_uint_eq(r->bpf->rules[0].capability.mask, capability_rules[_i].mask);
    builtin_rules_unload();
}
END_TEST

START_TEST(each_capability_has_a_rule_of_its_own)
{
    uint64_t seen = 0;
    unsigned n = 0;

    for (size_t i = 0; i < n_embedded_files; i++) {
        CLEANUP(builtin_rule_free) struct builtin_rule *r = NULL;
        const char *text = embedded_files[i].text;

        ck_assert_int_eq(builtin_rule_parse(&r, "x", text, strlen(text), NULL), 0);
        if (strncmp(r->name, "disable-cap-", 12) != 0)
            continue;
        if (__builtin_popcountll(r->bpf->rules[0].capability.mask) == 1) {
            seen |= r->bpf->rules[0].capability.mask;
            n++;
        }
    }
    ck_assert_uint_eq(n, 41);
    ck_assert_uint_eq(seen, (1ULL << 41) - 1);
}
END_TEST

START_TEST(a_name_is_found_in_any_spelling)
{
    static const char *const spellings[] = {"disable-cap-net-raw", "DISABLE_CAP_NET_RAW",
                                            "disable_Cap-net_raw"};

    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
        ck_assert_str_eq(builtin_rule_name(builtin_rule_find(BUILTIN_HARDENING, spellings[i])),
                         "disable-cap-net-raw");
    ck_assert_ptr_null(builtin_rule_find(BUILTIN_ATTACK_PROTECTION, "disable-cap-net-raw"));
    ck_assert_ptr_null(builtin_rule_find(BUILTIN_HARDENING, ""));
    ck_assert_ptr_null(builtin_rule_find(BUILTIN_HARDENING, "runtime-default"));
    ck_assert_str_eq(
        builtin_rule_description(builtin_rule_find(BUILTIN_ATTACK_PROTECTION, "disable-ipv4")),
        "no IPv4 sockets");
    builtin_rules_unload();
}
END_TEST

static const struct {
    enum builtin_category category;
    const char *name, *message;
} unknown_names[] = {
    {BUILTIN_HARDENING, "disable-cap-net-rwa",
     "'disable-cap-net-rwa' is not a hardening rule (hardeningRules); did you mean "
     "'disable-cap-net-raw'?"},
    {BUILTIN_ATTACK_PROTECTION, "disable-shel",
     "'disable-shel' is not an attack protection rule (attackProtectionRules); did you mean "
     "'disable-shell'?"},
    {BUILTIN_HARDENING, "disable-shell",
     "'disable-shell' is not a hardening rule (hardeningRules); it is an attack protection rule "
     "(attackProtectionRules)"},
    {BUILTIN_MITIGATION, "something-else-altogether",
     "'something-else-altogether' is not a vulnerability mitigation rule (vulMitigationRules)"},
    {BUILTIN_MITIGATION, "", "'' is not a vulnerability mitigation rule (vulMitigationRules)"},
};

START_TEST(an_unknown_name_is_told_what_it_might_be)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(builtin_rule_unknown(unknown_names[_i].category, unknown_names[_i].name, &e),
                     -EINVAL);
    ck_assert_str_eq(error_message(e), unknown_names[_i].message);
    builtin_rules_unload();
}
END_TEST

START_TEST(a_name_longer_than_any_rule_is_only_refused)
{
    CLEANUP(error_free) struct error *e = NULL;
    char name[1000];

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_ptr_null(builtin_rule_find(BUILTIN_HARDENING, name));
    ck_assert_int_eq(builtin_rule_unknown(BUILTIN_HARDENING, name, &e), -EINVAL);
    ck_assert_uint_lt(strlen(error_message(e)), 250);
    builtin_rules_unload();
}
END_TEST

START_TEST(rules_come_in_the_order_of_their_names)
{
    const struct builtin_rule *before = builtin_rule_at(0), *r;
    size_t n = 1;

    ck_assert_ptr_nonnull(before);
    for (; (r = builtin_rule_at(n)); before = r, n++)
        ck_assert_int_lt(strcmp(before->name, r->name), 0);
    ck_assert_uint_eq(n, 99);
    builtin_rules_unload();
}
END_TEST

START_TEST(a_rule_tells_what_it_is_and_who_carries_it_out)
{
    const struct builtin_rule *r;

    r = builtin_rule_find(BUILTIN_HARDENING, "disallow-userfaultfd-creation");
    ck_assert_str_eq(r->since, "0.8.0");
    ck_assert_str_eq(r->references[0], "userfaultfd(2)");
    ck_assert_uint_eq(builtin_rule_enforcers(r), ENFORCER_SECCOMP);
    ck_assert_uint_eq(builtin_rule_contents(r), 7);
    ck_assert_str_eq(r->gaps[0].technique, "S6");
    ck_assert_uint_eq(r->gaps[0].enforcers, ENFORCER_SECCOMP);
    ck_assert_ptr_null(r->gaps[1].technique);
    ck_assert_uint_eq(r->gaps[1].enforcers, 7);
    ck_assert_str_eq(r->apparmor.items[0].text, "/dev/userfaultfd rw");
    ck_assert_str_eq(r->seccomp.rules[0].names[0], "userfaultfd");
    ck_assert_uint_eq(r->seccomp.rules[0].errno_ret, EPERM);

    r = builtin_rule_find(BUILTIN_HARDENING, "disallow-create-user-ns");
    ck_assert_uint_eq(r->seccomp.n_rules, 2);
    ck_assert_str_eq(r->seccomp.rules[0].names[1], "clone");
    ck_assert_uint_eq(r->seccomp.rules[0].args[0].value, 0x10000000);
    ck_assert_uint_eq(r->seccomp.rules[0].args[0].value_two, 0x10000000);
    ck_assert_str_eq(r->seccomp.rules[1].names[0], "clone3");
    ck_assert_uint_eq(r->seccomp.rules[1].errno_ret, ENOSYS);

    r = builtin_rule_find(BUILTIN_MITIGATION, "ingress-nightmare-mitigation");
    ck_assert_uint_eq(builtin_rule_enforcers(r), ENFORCER_BPF);
    ck_assert_str_eq(r->references[0], "CVE-2025-1974");
    ck_assert_uint_eq(r->n_services, 2);
    ck_assert_str_eq(r->services[1].name_space, "kube-system");
    ck_assert_str_eq(builtin_category_name(r->category), "vulnerability-mitigation");
    ck_assert_str_eq(builtin_category_list(r->category), "vulMitigationRules");
    builtin_rules_unload();
}
END_TEST

/* What the two halves of a rule say of capabilities must be the same. */
START_TEST(apparmor_and_bpf_deny_the_same_capabilities)
{
    const struct builtin_rule *r;

    for (size_t i = 0; (r = builtin_rule_at(i)); i++) {
        uint64_t apparmor = 0, bpf = 0;

        for (size_t k = 0; k < r->apparmor.n; k++) {
            const struct aa_rule *a = &r->apparmor.items[k];

            if (a->kind == AA_CAPABILITY)
                apparmor |= a->capabilities ? a->capabilities : (1ULL << 41) - 1;
        }
        for (size_t k = 0; k < r->bpf->n_rules; k++)
            if (r->bpf->rules[k].kind == RULE_CAPABILITY)
                bpf |= r->bpf->rules[k].capability.mask;
        ck_assert_msg(apparmor == bpf, "%s: %llx, %llx", r->name, (unsigned long long)apparmor,
                      (unsigned long long)bpf);
    }
    builtin_rules_unload();
}
END_TEST

#define FRONT   "name: x\ncategory: hardening\nsince: a\ndescription: d\n"
#define CONTENT "apparmor: [capability]\n"

static const struct {
    const char *text, *message;
} bad_files[] = {
    {"", "f: the file is empty"},
    {"- a\n", "f:1: a map is wanted"},
    {"name: x\n" CONTENT, "f:1: name, category, since and description are wanted"},
    {FRONT, "f:1: no enforcer has content for the rule"},
    {FRONT "bpf: []\n", "f:5: the list is empty"},
    {FRONT "bpf: x\n", "f:5: a list is wanted"},
    {FRONT CONTENT "colour: red\n", "f:6: this key is unknown here"},
    {FRONT CONTENT "apparmor: [network]\n", "f:6: this key is here twice"},
    {FRONT "bpf:\n  - file: /x\n    permissions: [read]\n    permissions: [write]\n",
     "f:8: this key is here twice"},
    {FRONT CONTENT "---\nbpf:\n  - exec: /x\n", "f:7: a second document"},
    {FRONT CONTENT "---\n\t-", "f:7: found character that cannot start any token"},
    {"name: x\ncategory: soft\nsince: a\ndescription: d\n" CONTENT,
     "f:2: this category is unknown"},
    {"name: x\ncategory: base\nsince: a\ndescription: \n" CONTENT, "f:4: a text is wanted"},
    {FRONT CONTENT "aliases: [[a]]\n", "f:6: a text is wanted"},
    {FRONT CONTENT "aliases: [a, a, a, a, a, a, a, a, a]\n", "f:6: too many entries"},
    {FRONT CONTENT "gaps:\n  - enforcers: [BPF]\n", "f:7: enforcers or text is missing"},
    {FRONT CONTENT "gaps:\n  - {enforcers: [bpf], text: y}\n", "f:7: this word is unknown here"},
    {FRONT CONTENT "gaps:\n  - {enforcers: [BPF], text: y, id: F1}\n",
     "f:7: this key is unknown here"},
    {FRONT CONTENT "supplements: [BPF]\n", "f:6: one of these has no content"},
    {FRONT CONTENT "supplements: [AppArmor]\n", "f:1: no enforcer has content for the rule"},
    {FRONT "services:\n  - {namespace: a}\n", "f:6: namespace or name is missing"},
    /* AppArmor */
    {FRONT "apparmor: [[a]]\n", "f:5: a text is wanted"},
    /* BPF */
    {FRONT "bpf:\n  - fil: /x\n", "f:6: no key says what kind of entry this is"},
    {FRONT "bpf:\n  - file: /x\n", "f:6: permissions are missing"},
    {FRONT "bpf:\n  - file: /x\n    permissions: [wriet]\n", "f:7: this word is unknown here"},
    {FRONT "bpf:\n  - file: /x\n    permissions: [read]\n    mode: x\n",
     "f:8: this key is unknown here"},
    {FRONT "bpf:\n  - capabilities: [net_row]\n", "f:6: this word is unknown here"},
    {FRONT "bpf:\n  - egress: 1.2.3\n", "f:6: an address or a block is wanted"},
    {FRONT "bpf:\n  - mount: x\n    fstype: y\n    flags: 12\n",
     "f:8: a hexadecimal number of 32 bits is wanted"},
    {FRONT "bpf:\n  - mount: x\n    fstype: y\n    flags: 0x100000000\n",
     "f:8: a hexadecimal number of 32 bits is wanted"},
    {FRONT "bpf:\n  - mount: x\n    fstype: y\n    flags: 0x\n",
     "f:8: a hexadecimal number of 32 bits is wanted"},
    {FRONT "bpf:\n  - mount: x\n    fstype: y\n    flags: 0x1\n    privileged_only: no\n",
     "f:9: only true is wanted here"},
    /* seccomp */
    {FRONT "seccomp:\n  - {errno: EPERM}\n", "f:6: syscalls are missing"},
    {FRONT "seccomp:\n  - {syscalls: []}\n", "f:6: the list is empty"},
    {FRONT "seccomp:\n  - {syscalls: [\"\"]}\n", "f:6: the name of a system call is wanted"},
    {FRONT "seccomp:\n  - {syscalls: [bpf, Chmod]}\n", "f:6: the name of a system call is wanted"},
    {FRONT "seccomp:\n  - {syscalls: [bpf], errno: EACCES}\n", "f:6: EPERM or ENOSYS is wanted"},
    {FRONT "seccomp:\n  - {syscalls: [bpf], action: x}\n", "f:6: this key is unknown here"},
    {FRONT "seccomp:\n  - {syscalls: [bpf], args: [{index: 6, mask: 0x1, value: 0x1}]}\n",
     "f:6: an index from 0 to 5 is wanted"},
    {FRONT "seccomp:\n  - {syscalls: [bpf], args: [{index: 0, value: 0x1}]}\n",
     "f:6: mask or value is missing"},
    {FRONT "seccomp:\n  - {syscalls: [bpf], args: [{index: 0, mask: 1, value: 0x1}]}\n",
     "f:6: a hexadecimal number of 32 bits is wanted"},
    {FRONT "seccomp:\n  - {syscalls: [bpf], args: [{index: 0, mask: 0x1, value: 0x2}]}\n",
     "f:6: the value has bits that the mask has not"},
    {FRONT "seccomp:\n  - {syscalls: [bpf], args: [{index: 0, mask: 0x1, value: 0x1}, "
           "{index: 0, mask: 0x1, value: 0x1}]}\n",
     "f:6: this argument has a condition already"},
};

START_TEST(a_mistake_in_a_rule_file_is_an_error)
{
    CLEANUP(builtin_rule_free) struct builtin_rule *r = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    const char *text = bad_files[_i].text;

    ck_assert_int_eq(builtin_rule_parse(&r, "f", text, strlen(text), &e), -EINVAL);
    ck_assert_str_eq(error_message(e), bad_files[_i].message);
    ck_assert_ptr_null(r);
}
END_TEST

START_TEST(what_is_for_privileged_policies_is_left_out_of_others)
{
    const struct builtin_rule *r = builtin_rule_find(BUILTIN_HARDENING, "disallow-mount-procfs");
    CLEANUP(profile_unref) struct profile *privileged = profile_new(), *other = profile_new();

    ck_assert_int_eq(builtin_rule_append(r, privileged, RULE_DENY, "o", true, NULL), 0);
    ck_assert_int_eq(builtin_rule_append(r, other, RULE_AUDIT, "o", false, NULL), 0);
    ck_assert_uint_eq(privileged->n_rules, 3);
    ck_assert_uint_eq(privileged->rules[0].mount.flags, 0xFFE1CDDF);
    ck_assert_uint_eq(privileged->rules[0].mount.reverse_flags, 0xFFFFFFFF);
    ck_assert_int_eq(privileged->rules[0].mode, RULE_DENY);
    ck_assert_uint_eq(other->n_rules, 2);
    ck_assert_str_eq(other->rules[0].mount.pattern, "/proc**");
    ck_assert_str_eq(other->rules[0].mount.fstype, "none");
    ck_assert_uint_eq(other->rules[0].mount.flags, 0x7220);
    ck_assert_uint_eq(other->rules[0].mount.reverse_flags, 0);
    ck_assert_int_eq(other->rules[0].mode, RULE_AUDIT);
    ck_assert_str_eq(other->rules[0].origin, "o");
    builtin_rules_unload();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("builtin_rule");
    TCase *t = tcase_create("builtin_rule");

    tcase_add_test(t, every_file_of_the_binary_can_be_read);
    tcase_add_loop_test(t, a_capability_rule_has_the_mask_of_the_contract, 0,
                        ARRAY_SIZE(capability_rules));
    tcase_add_test(t, each_capability_has_a_rule_of_its_own);
    tcase_add_test(t, a_name_is_found_in_any_spelling);
    tcase_add_loop_test(t, an_unknown_name_is_told_what_it_might_be, 0, ARRAY_SIZE(unknown_names));
    tcase_add_test(t, a_name_longer_than_any_rule_is_only_refused);
    tcase_add_test(t, rules_come_in_the_order_of_their_names);
    tcase_add_test(t, a_rule_tells_what_it_is_and_who_carries_it_out);
    tcase_add_test(t, apparmor_and_bpf_deny_the_same_capabilities);
    tcase_add_loop_test(t, a_mistake_in_a_rule_file_is_an_error, 0, ARRAY_SIZE(bad_files));
    tcase_add_test(t, what_is_for_privileged_policies_is_left_out_of_others);
    suite_add_tcase(s, t);
    return s;
}
