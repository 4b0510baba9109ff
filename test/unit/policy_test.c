/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts of lib/policy: names, words, findings. Whole files are object_test.c's. */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy/findings.h"
#include "lib/policy/object.h"
#include "lib/policy/policy.h"
#include "lib/policy/policy_words.h"
#include "lib/utf8.h"

#define NAME_47 "a2345678901234567890123456789012345678901234567"
#define NAME_51 NAME_47 "8901"

static const struct {
    const char *name_space; /* NULL: a cluster policy */
    const char *name;
    const char *install_namespace;
    const char *expected; /* NULL: refused */
    const char *message;
} name_cases[] = {
    {"shop", "web", "varmor", "varmor-shop-web", NULL},
    {NULL, "web", "varmor", "varmor-cluster-varmor-web", NULL},
    {"shop", NAME_51, "varmor", "varmor-shop-" NAME_51, NULL},
    {"shop", NAME_51 "x", "varmor", NULL,
     "'" NAME_51
     "x' is too long for the profile's name 'varmor-shop-...': at most 51 bytes, it has 52"},
    {NULL, NAME_47, "", "varmor-cluster--" NAME_47, NULL},
    {NULL, NAME_47 "x", "", NULL,
     "'" NAME_47
     "x' is too long for the profile's name 'varmor-cluster--...': at most 47 bytes, it has 48"},
    {NAME_51 "0123456789", "w", "", NULL,
     "'w' is too long for the profile's name 'varmor-" NAME_51
     "0123456789-...': at most 0 bytes, it has 1"},
};

START_TEST(a_profiles_name_has_the_policys_and_a_ceiling)
{
    CLEANUP(policy_unref) struct policy *p = policy_new();
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_FREE char *name = NULL;
    int r;

    p->cluster = !name_cases[_i].name_space;
    p->name_space = strdup(p->cluster ? "" : name_cases[_i].name_space);
    p->name = strdup(name_cases[_i].name);
    r = policy_profile_name(p, name_cases[_i].install_namespace, &name, &e);
    if (name_cases[_i].expected) {
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(name, name_cases[_i].expected);
        return;
    }
    ck_assert_int_eq(r, -ENAMETOOLONG);
    ck_assert_str_eq(error_message(e), name_cases[_i].message);
}
END_TEST

START_TEST(a_policy_lives_as_long_as_its_last_reference)
{
    struct policy *p = policy_new();

    ck_assert_ptr_eq(policy_ref(p), p);
    ck_assert_ptr_null(policy_unref(p));
    ck_assert_uint_eq(p->n_refs, 1);
    ck_assert_ptr_null(policy_unref(p));
    ck_assert_ptr_null(policy_unref(NULL));
}
END_TEST

START_TEST(modes_and_kinds_have_names_that_are_read_again)
{
    for (unsigned mode = POLICY_MODE_NONE + 1; mode < POLICY_MODES; mode++) {
        const struct word *w = words_find(&mode_words, policy_mode_name((enum policy_mode)mode));

        ck_assert_ptr_nonnull(w);
        ck_assert_uint_eq(w->value, mode);
    }
    for (unsigned kind = TARGET_NONE + 1; kind < TARGET_KINDS; kind++) {
        const struct word *w =
            words_find(&target_kind_words, target_kind_name((enum target_kind)kind));

        ck_assert_ptr_nonnull(w);
        ck_assert_uint_eq(w->value, kind);
    }
    for (unsigned set = 1; set < 8; set++) {
        const struct word *w = words_find(&enforcer_words, enforcer_set_name(set));

        ck_assert_ptr_nonnull(w);
        ck_assert_uint_eq(w->value, set);
    }
    ck_assert_str_eq(object_kind_name(OBJECT_VARMOR_CLUSTER_POLICY), "VarmorClusterPolicy");
}
END_TEST

static const struct words *const all_words[] = {
    &target_kind_words,
    &mode_words,
    &enforcer_words,
    &profile_type_words,
    &selector_operator_words,
    &path_permission_words,
    &ptrace_permission_words,
    &socket_domain_words,
    &socket_type_words,
    &socket_protocol_words,
    &mount_flag_words,
    &qualifier_words,
    &entity_words,
    &syscall_action_words,
    &syscall_operator_words,
};

START_TEST(each_word_of_a_list_is_found_as_itself)
{
    const struct words *w = all_words[_i];

    for (size_t i = 0; i < w->n; i++)
        ck_assert_ptr_eq(words_find(w, w->items[i].text), &w->items[i]);
    ck_assert_ptr_null(words_find(w, ""));
    ck_assert_ptr_null(words_find(w, "no such word"));
}
END_TEST

static const struct {
    const char *text, *nearest; /* among the words of socket domains; NULL: none is near */
} near_cases[] = {
    {"inte", "inet"},
    {"INET", "inet"},
    {"inett", "inet"},
    {"net", "inet"},
    {"netlnik", "netlink"},
    {"nettlinkk", "netlink"},
    {"nettlinkkk", NULL},
    {"zzz", NULL},
    {"", NULL},
    {"x", NULL},
    {"ieee80215", "ieee802154"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
};

START_TEST(a_word_is_near_at_two_edits_and_a_short_one_at_one)
{
    const struct words *w = &socket_domain_words;
    const char *nearest =
        words_nearest(near_cases[_i].text, &w->items[0].text, w->n, sizeof(w->items[0]));

    if (!near_cases[_i].nearest)
        ck_assert_ptr_null(nearest);
    else
        ck_assert_str_eq(nearest, near_cases[_i].nearest);
}
END_TEST

START_TEST(findings_are_sorted_by_position_and_stay_in_order_at_one)
{
    struct findings f = {0};

    findings_add(&f, FINDING_ERROR, 2, 1, "c");
    findings_add(&f, FINDING_WARNING, 1, 5, "b");
    findings_add(&f, FINDING_ERROR, 1, 2, "a %d", 1);
    findings_add(&f, FINDING_ERROR, 1, 2, "a %d", 2);
    findings_close(&f);
    ck_assert_uint_eq(f.n, 4);
    ck_assert_uint_eq(f.n_errors, 3);
    ck_assert_str_eq(f.items[0].message, "a 1");
    ck_assert_str_eq(f.items[1].message, "a 2");
    ck_assert_str_eq(f.items[2].message, "b");
    ck_assert_str_eq(f.items[3].message, "c");
    findings_done(&f);
    ck_assert_uint_eq(f.n, 0);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len; /* of the sequence; 0: none */
    uint32_t code_point;
} utf8_cases[] = {
    {"a", 1, 'a'},
    {"\xc3\xa9", 2, 0xe9},
    {"\xe2\x82\xac", 3, 0x20ac},
    {"\xf0\x9f\x98\x80", 4, 0x1f600},
    {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    {"\x80", 0, 0},             /* a continuation alone */
    {"\xc1\xbf", 0, 0},         /* overlong */
    {"\xe0\x9f\xbf", 0, 0},     /* overlong */
    {"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong */
    {"\xed\xa0\x80", 0, 0},     /* a surrogate */
    {"\xf4\x90\x80\x80", 0, 0}, /* above U+10FFFF */
    {"\xe2\x82", 0, 0},         /* cut off */
    {"\xe2\x82x", 0, 0},
};

START_TEST(utf8_is_that_of_rfc_3629)
{
    uint32_t c = 0;
    size_t n = utf8_decode((const uint8_t *)utf8_cases[_i].bytes, strlen(utf8_cases[_i].bytes), &c);

    ck_assert_uint_eq(n, utf8_cases[_i].len);
    ck_assert_uint_eq(c, utf8_cases[_i].code_point);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("policy");
    TCase *t = tcase_create("policy");

    tcase_add_loop_test(t, a_profiles_name_has_the_policys_and_a_ceiling, 0,
                        (int)ARRAY_SIZE(name_cases));
    tcase_add_test(t, a_policy_lives_as_long_as_its_last_reference);
    tcase_add_test(t, modes_and_kinds_have_names_that_are_read_again);
    tcase_add_loop_test(t, each_word_of_a_list_is_found_as_itself, 0, (int)ARRAY_SIZE(all_words));
    tcase_add_loop_test(t, a_word_is_near_at_two_edits_and_a_short_one_at_one, 0,
                        (int)ARRAY_SIZE(near_cases));
    tcase_add_test(t, findings_are_sorted_by_position_and_stay_in_order_at_one);
    tcase_add_loop_test(t, utf8_is_that_of_rfc_3629, 0, (int)ARRAY_SIZE(utf8_cases));
    suite_add_tcase(s, t);
    return s;
}
