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
    ck_assert_uint_eq(r->content->n_rules, 1);
    ck_assert_int_eq(r->content->rules[0].kind, RULE_CAPABILITY);
    ck_assert_uint_eq(r->content->rules[0].capability.mask, capability_rules[_i].mask);
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
        if (__builtin_popcountll(r->content->rules[0].capability.mask) == 1) {
            seen |= r->content->rules[0].capability.mask;
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

#define FRONT "name: x\ncategory: hardening\ndescription: d\n"

static const struct {
    const char *text, *message;
} bad_files[] = {
    {"", "f: the file is empty"},
    {"- a\n", "f:1: a map is wanted"},
    {FRONT, "f:1: name, category, description and one of bpf, unsupported are wanted"},
    {FRONT "bpf: []\nunsupported: y\n",
     "f:1: name, category, description and one of bpf, unsupported are wanted"},
    {FRONT "bpf: []\n", "f:4: the list is empty"},
    {FRONT "colour: red\nunsupported: y\n", "f:4: this key is unknown here"},
    {"name: x\ncategory: soft\ndescription: d\nunsupported: y\n", "f:2: this category is unknown"},
    {FRONT "bpf:\n  - fil: /x\n", "f:5: no key says what kind of entry this is"},
    {FRONT "bpf:\n  - file: /x\n", "f:5: permissions are missing"},
    {FRONT "bpf:\n  - file: /x\n    permissions: [wriet]\n", "f:6: this word is unknown here"},
    {FRONT "bpf:\n  - file: /x\n    permissions: [read]\n    mode: x\n",
     "f:7: this key is unknown here"},
    {FRONT "bpf:\n  - capabilities: [net_row]\n", "f:5: this word is unknown here"},
    {FRONT "bpf:\n  - egress: 1.2.3\n", "f:5: an address or a block is wanted"},
    {FRONT "bpf:\n  - mount: x\n    fstype: y\n    flags: 12\n",
     "f:7: a hexadecimal number of 32 bits is wanted"},
    {FRONT "bpf:\n  - mount: x\n    fstype: y\n    flags: 0x100000000\n",
     "f:7: a hexadecimal number of 32 bits is wanted"},
    {FRONT "bpf:\n  - mount: x\n    fstype: y\n    flags: 0x1\n    privileged_only: no\n",
     "f:8: only true is wanted here"},
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
    ck_assert_uint_eq(privileged->n_rules, 2);
    ck_assert_uint_eq(privileged->rules[0].mount.flags, 0xFFE1CDDF);
    ck_assert_uint_eq(privileged->rules[0].mount.reverse_flags, 0xFFFFFFFF);
    ck_assert_int_eq(privileged->rules[0].mode, RULE_DENY);
    ck_assert_uint_eq(other->n_rules, 1);
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
    tcase_add_loop_test(t, a_mistake_in_a_rule_file_is_an_error, 0, ARRAY_SIZE(bad_files));
    tcase_add_test(t, what_is_for_privileged_policies_is_left_out_of_others);
    suite_add_tcase(s, t);
    return s;
}
