/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/enforcer.h"
#include "agent/kernel_features.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A kernel that has everything. */
static const struct kernel_features able = {
    .release = "6.12.0",
    .lsm = "lockdown,capability,yama,apparmor,bpf",
    .lockdown = "none",
    .ring_buffer = true,
    .task_storage = true,
};

static const struct {
    const char *list, *name;
    bool has;
} lsm_cases[] = {
    {"lockdown,yama,bpf", "bpf", true},
    {"bpf", "bpf", true},
    {"bpf,yama", "bpf", true},
    {"lockdown,yama", "bpf", false},
    {"", "bpf", false},
    {"xbpf,bpfx", "bpf", false},
    {"lockdown,,bpf", "bpf", true},
    {"lockdown", "lock", false},
    {"apparmor,", "apparmor", true},
};

START_TEST(an_lsm_is_found_as_a_whole_word)
{
    struct kernel_features f = {};

    snprintf(f.lsm, sizeof(f.lsm), "%s", lsm_cases[_i].list);
    ck_assert_int_eq(kernel_features_has_lsm(&f, lsm_cases[_i].name), lsm_cases[_i].has);
}
END_TEST

static const struct {
    const char *text, *word;
} lockdown_cases[] = {
    {"[none] integrity confidentiality", "none"},
    {"none [integrity] confidentiality", "integrity"},
    {"none integrity [confidentiality]", "confidentiality"},
    {"none integrity", ""},
    {"none [integrity", ""},
    {"] [", ""},
    {"[]", ""},
    {"[a word that is far too long for its place]", ""},
};

START_TEST(the_lockdown_mode_is_the_word_in_brackets)
{
    char word[24] = "untouched";

    kernel_features_parse_lockdown(lockdown_cases[_i].text, word, sizeof(word));
    ck_assert_str_eq(word, lockdown_cases[_i].word);
}
END_TEST

static const char *value(const struct enforcer_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->n; i++)
        if (strcmp(facts->items[i].name, name) == 0)
            return facts->items[i].value;
    ck_abort_msg("no fact %s", name);
}

START_TEST(an_able_kernel_is_not_ruled_out)
{
    struct enforcer_facts facts = {.usable = true};

    kernel_features_tell(&able, &facts);
    ck_assert(facts.usable);
    ck_assert_str_eq(facts.reason, "");
    ck_assert_str_eq(value(&facts, "kernel"), "6.12.0");
    ck_assert_str_eq(value(&facts, "lsm"), able.lsm);
    ck_assert_str_eq(value(&facts, "task_storage"), "yes");
    ck_assert_str_eq(value(&facts, "bpf_permitted"), "yes");
}
END_TEST

START_TEST(a_kernel_without_task_storage_is_usable_and_says_so)
{
    struct kernel_features f = able;
    struct enforcer_facts facts = {.usable = true};

    f.task_storage = false;
    kernel_features_tell(&f, &facts);
    ck_assert(facts.usable);
    ck_assert_str_eq(value(&facts, "task_storage"), "no");
}
END_TEST

static void without_lsm(struct kernel_features *f)
{
    snprintf(f->lsm, sizeof(f->lsm), "%s", "lockdown,yama,apparmor");
}
static void without_securityfs(struct kernel_features *f)
{
    f->lsm[0] = '\0';
    f->lsm_errno = -ENOENT;
}
static void locked_down(struct kernel_features *f)
{
    snprintf(f->lockdown, sizeof(f->lockdown), "%s", "confidentiality");
}
static void not_permitted(struct kernel_features *f)
{
    f->map_errno = -EPERM;
}
static void without_btf(struct kernel_features *f)
{
    f->btf_errno = -ENOENT;
}
static void without_ring_buffer(struct kernel_features *f)
{
    f->ring_buffer = false;
}

static const struct {
    void (*change)(struct kernel_features *f);
    const char *reason;
    const char *fact, *value;
} reason_cases[] = {
    {without_lsm,
     "'bpf' is not in the kernel's LSM list (lockdown,yama,apparmor); add it with lsm= on the kernel "
     "command line",
     "lsm", "lockdown,yama,apparmor"},
    {without_securityfs,
     "the kernel's LSM list cannot be read from /sys/kernel/security/lsm: No such file or directory; "
     "mount securityfs there",
     "lsm", "no: No such file or directory"},
    {locked_down,
     "kernel lockdown is in confidentiality mode, which forbids BPF programs to read kernel memory; "
     "integrity mode allows it",
     "lockdown", "confidentiality"},
    {not_permitted,
     "BPF objects cannot be made: Operation not permitted; the agent needs root or CAP_BPF, CAP_PERFMON "
     "and CAP_SYS_ADMIN",
     "bpf_permitted", "no: Operation not permitted"},
    {without_btf,
     "the kernel does not describe its types (/sys/kernel/btf/vmlinux): No such file or directory",
     "btf", "no: No such file or directory"},
    {without_ring_buffer, "the kernel has no BPF ring buffer (it came with Linux 5.8)",
     "ring_buffer", "no"},
};

START_TEST(a_kernel_that_cannot_says_why_and_what_to_do)
{
    struct kernel_features f = able;
    struct enforcer_facts facts = {.usable = true};

    reason_cases[_i].change(&f);
    kernel_features_tell(&f, &facts);
    ck_assert(!facts.usable);
    ck_assert_str_eq(facts.reason, reason_cases[_i].reason);
    ck_assert_str_eq(value(&facts, reason_cases[_i].fact), reason_cases[_i].value);
}
END_TEST

START_TEST(facts_never_outgrow_their_list)
{
    struct enforcer_facts facts = {.n = ENFORCER_FACTS_MAX - 1};

    kernel_features_tell(&able, &facts);
    ck_assert_uint_eq(facts.n, ENFORCER_FACTS_MAX);
}
END_TEST

START_TEST(this_kernel_can_be_asked)
{
    struct kernel_features f;

    kernel_features_read(&f);
    ck_assert_str_ne(f.release, "");
    ck_assert_int_le(f.lsm_errno, 0);
    ck_assert((f.lsm_errno == 0) == (f.lsm[0] != '\0'));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kernel_features");
    TCase *t = tcase_create("kernel_features");

    tcase_add_loop_test(t, an_lsm_is_found_as_a_whole_word, 0, (int)ARRAY_SIZE(lsm_cases));
    tcase_add_loop_test(t, the_lockdown_mode_is_the_word_in_brackets, 0,
                        (int)ARRAY_SIZE(lockdown_cases));
    tcase_add_test(t, an_able_kernel_is_not_ruled_out);
    tcase_add_test(t, a_kernel_without_task_storage_is_usable_and_says_so);
    tcase_add_loop_test(t, a_kernel_that_cannot_says_why_and_what_to_do, 0,
                        (int)ARRAY_SIZE(reason_cases));
    tcase_add_test(t, facts_never_outgrow_their_list);
    tcase_add_test(t, this_kernel_can_be_asked);
    suite_add_tcase(s, t);
    return s;
}
