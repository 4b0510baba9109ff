/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/apparmor_features.h"
#include "agent/whole_file.h"
#include "lib/apparmor/apparmor.h"
#include "test/unit/apparmor_parser_run.h"

#define KERNEL                                                                                     \
    "file {mask {create read\n}\n}\nio_uring {mask {sqpoll\n}\n}\n"                                \
    "namespaces {mask {userns_create\n}\nprofile {yes\n}\npivot_root {no\n}\n}\n"                  \
    "network_v9 {af_mask {unix\n}\n}\nmount {mask {mount\n}\nmove_mount {detached\n}\n}\n"

static const struct {
    const char *kernel;
    bool newer;
    int r;
    const char *selected;
} selections[] = {
    {KERNEL, false, 0,
     "file {mask {create read\n}\n}\nnamespaces {profile {yes\n}\npivot_root {no\n}\n}\n"
     "mount {mask {mount\n}\nmove_mount {detached\n}\n}\n"},
    {KERNEL, true, 0, KERNEL},
    {"", false, 0, ""},
    {" \n", true, 0, ""},
    {"filer {x\n}\nfil {x\n}\n", false, 0, ""},
    {"capability {0xffffff\n}\n", false, 0, "capability {0xffffff\n}\n"},
    {"file {mask {create", false, -EBADMSG, NULL},
    {"file", false, -EBADMSG, NULL},
    {"}", false, -EBADMSG, NULL},
    {"file {}\n}", false, -EBADMSG, NULL},
};

START_TEST(a_profile_is_compiled_for_the_classes_that_its_base_speaks_of)
{
    struct buf out CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);

    ck_assert_int_eq(apparmor_features_select(selections[_i].kernel, selections[_i].newer, &out),
                     selections[_i].r);
    if (selections[_i].selected)
        ck_assert_str_eq(buf_text(&out), selections[_i].selected);
}
END_TEST

START_TEST(all_of_a_known_release_is_kept)
{
    struct buf text CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
    struct buf out CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);

    ck_assert_int_eq(whole_file_read_kernel(AT_FDCWD, TEST_FEATURES, &text), 0);
    ck_assert_int_eq(apparmor_features_select(buf_text(&text), false, &out), 0);
    /* Blocks between which nothing is lost, whatever the space between them. */
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "network_v8 {"));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "dbus {"));
    ck_assert_uint_ge(out.len + 8, text.len);
}
END_TEST

START_TEST(the_text_must_fit)
{
    struct buf out CLEANUP_BUF = BUF_INIT(10);

    ck_assert_int_eq(apparmor_features_select(KERNEL, true, &out), -E2BIG);
}
END_TEST

static struct aa_rule rule_of(enum aa_class kind, unsigned qualifiers, const char *text)
{
    struct aa_rule rule = {.kind = kind, .qualifiers = qualifiers};

    rule.text = strdup(text);
    return rule;
}

static const struct {
    const char *kernel;
    enum aa_class kind;
    unsigned qualifiers;
    bool newer;
    const char *message; /* NULL: mediated */
} checks[] = {
    {KERNEL, AA_USERNS, AA_DENY, true, NULL},
    {KERNEL, AA_IO_URING, AA_AUDIT, true, NULL},
    {KERNEL, AA_MQUEUE, AA_DENY, true,
     "base: rule 'x': this kernel's AppArmor does not mediate 'mqueue'"},
    {"file {x\n}\n", AA_USERNS, AA_AUDIT, true,
     "base: rule 'x': this kernel's AppArmor does not mediate 'userns'"},
    {"namespaces {profile {yes\n}\n}\n", AA_USERNS, AA_DENY, true,
     "base: rule 'x': this kernel's AppArmor does not mediate 'userns'"},
    {"file {x\n}\n", AA_USERNS, 0, true, NULL}, /* allowing what is not mediated loses nothing */
    {"file {x\n}\n", AA_FILE, AA_DENY, false, NULL},
};

START_TEST(a_denial_that_the_kernel_does_not_know_is_refused)
{
    struct aa_rule rule = rule_of(checks[_i].kind, checks[_i].qualifiers, "x");
    const struct aa_rules rules = {.items = &rule, .n = 1};
    CLEANUP(error_free) struct error *problem = NULL;

    ck_assert_int_eq(apparmor_features_need_newer(&rules), checks[_i].newer);
    ck_assert_int_eq(apparmor_features_check(checks[_i].kernel, &rules, &problem),
                     checks[_i].message ? -EOPNOTSUPP : 0);
    if (checks[_i].message)
        ck_assert_str_eq(error_message(problem), checks[_i].message);
    free(rule.text);
}
END_TEST

START_TEST(the_file_cannot_be_changed)
{
    struct buf text CLEANUP_BUF = BUF_INIT(64), back CLEANUP_BUF = BUF_INIT(64);
    CLEANUP_CLOSE int fd = -1;
    char path[32];

    ck_assert_int_eq(buf_add_text(&text, "file {x\n}\n"), 0);
    fd = apparmor_features_file(&text);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "y", 1, 0), -1);
    ck_assert_int_eq(errno, EPERM);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ck_assert_int_eq(whole_file_read_kernel(AT_FDCWD, path, &back), 0);
    ck_assert_str_eq(buf_text(&back), "file {x\n}\n");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("apparmor_features");
    TCase *tcase = tcase_create("apparmor_features");

    tcase_add_loop_test(tcase, a_profile_is_compiled_for_the_classes_that_its_base_speaks_of, 0,
                        ARRAY_SIZE(selections));
    tcase_add_test(tcase, all_of_a_known_release_is_kept);
    tcase_add_test(tcase, the_text_must_fit);
    tcase_add_loop_test(tcase, a_denial_that_the_kernel_does_not_know_is_refused, 0,
                        ARRAY_SIZE(checks));
    tcase_add_test(tcase, the_file_cannot_be_changed);
    suite_add_tcase(suite, tcase);
    return suite;
}
