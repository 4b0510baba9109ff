/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "lib/profile.h"

START_TEST(a_profile_lives_until_its_last_reference_goes)
{
    struct profile *p = profile_new();

    ck_assert_ptr_nonnull(p);
    p->name = strdup("varmor-shop-web");
    ck_assert_ptr_eq(profile_ref(p), p);
    ck_assert_ptr_null(profile_unref(p));
    ck_assert_str_eq(p->name, "varmor-shop-web"); /* the address sanitizer would tell */
    ck_assert_ptr_null(profile_unref(p));
    ck_assert_ptr_null(profile_unref(NULL));
}
END_TEST

/* Everything that a rule or a target can own is given to the profile; the leak checker is the
 * judge. */
START_TEST(a_profile_frees_what_its_rules_and_targets_own)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    struct profile_target *target;
    struct rule *r;

    ck_assert_ptr_nonnull(p);
    r = profile_add_rule(p, RULE_FILE, RULE_DENY, "bpfRawRules.files[0]");
    r->path.pattern = strdup("/etc/**");
    r = profile_add_rule(p, RULE_EXEC, RULE_DENY, "bpfRawRules.processes[0]");
    r->path.pattern = strdup("/bin/sh");
    r = profile_add_rule(p, RULE_EGRESS, RULE_AUDIT,
                         "bpfRawRules.network.egress.toDestinations[0]");
    r->egress.ports = calloc(3, sizeof(*r->egress.ports));
    r->egress.n_ports = 3;
    r = profile_add_rule(p, RULE_MOUNT, RULE_DENY, "base");
    r->mount.pattern = strdup("**");
    r->mount.fstype = strdup("*");
    target = profile_add_target(p, TARGET_DEPLOYMENT);
    target->name = strdup("web");
    target->name_space = strdup("shop");
    target->selector = selector_new();
    target->containers = calloc(1, sizeof(*target->containers));
    target->containers[0] = strdup("app");
    target->n_containers = 1;
    ck_assert_uint_eq(p->n_rules, 4);
    ck_assert_uint_eq(p->n_targets, 1);
}
END_TEST

START_TEST(a_rule_starts_zeroed_and_its_number_is_its_place)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    for (unsigned i = 0; i < 100; i++) {
        char origin[32];
        struct rule *r;

        snprintf(origin, sizeof(origin), "bpfRawRules.files[%u]", i);
        r = profile_add_rule(p, RULE_FILE, RULE_DENY | RULE_AUDIT, origin);
        ck_assert_ptr_eq(r, &p->rules[i]);
        ck_assert_str_eq(r->origin, origin);
        ck_assert_ptr_null(r->path.pattern);
        ck_assert_uint_eq(r->path.permissions, 0);
    }
}
END_TEST

START_TEST(a_full_profile_takes_no_further_rule)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();

    for (unsigned i = 0; i < PROFILE_MAX_RULES; i++)
        ck_assert_ptr_nonnull(profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "base"));
    ck_assert_ptr_null(profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "base"));
    ck_assert_uint_eq(p->n_rules, PROFILE_MAX_RULES);
    for (unsigned i = 0; i < PROFILE_MAX_TARGETS; i++)
        ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    ck_assert_ptr_null(profile_add_target(p, TARGET_POD));
}
END_TEST

START_TEST(each_kind_has_a_name_of_its_own)
{
    for (unsigned i = 0; i < RULE_KINDS; i++)
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(rule_kind_name(i), rule_kind_name(j));
    for (unsigned i = 0; i < TARGET_KINDS; i++)
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(target_kind_name(i), target_kind_name(j));
    ck_assert_str_eq(rule_kind_name(RULE_EGRESS), "egress");
    ck_assert_str_eq(target_kind_name(TARGET_STATEFULSET), "StatefulSet");
}
END_TEST

START_TEST(a_set_of_enforcers_is_named_in_one_word)
{
    ck_assert_str_eq(enforcer_set_name(0), "");
    ck_assert_str_eq(enforcer_set_name(ENFORCER_BPF), "BPF");
    ck_assert_str_eq(enforcer_set_name(ENFORCER_APPARMOR | ENFORCER_SECCOMP), "AppArmorSeccomp");
    ck_assert_str_eq(enforcer_set_name(ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP),
                     "AppArmorBPFSeccomp");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("profile");
    TCase *t = tcase_create("profile");

    tcase_add_test(t, a_profile_lives_until_its_last_reference_goes);
    tcase_add_test(t, a_profile_frees_what_its_rules_and_targets_own);
    tcase_add_test(t, a_rule_starts_zeroed_and_its_number_is_its_place);
    tcase_add_test(t, a_full_profile_takes_no_further_rule);
    tcase_add_test(t, each_kind_has_a_name_of_its_own);
    tcase_add_test(t, a_set_of_enforcers_is_named_in_one_word);
    suite_add_tcase(s, t);
    return s;
}
