/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "test/apparmor/profile_cases.h"

#define GOLDEN "test/apparmor/golden/%s.profile" /* from the top of the tree, where tests run */

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "r");
    char block[4096];
    size_t n;

    if (!f)
        return; /* compares as empty */
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        ck_assert_int_eq(buf_add(out, block, n), 0);
    fclose(f);
}

/* With UPDATE_GOLDEN in the environment the files are written anew: read the difference. */
START_TEST(a_profile_is_written_as_its_golden_file_has_it)
{
    CLEANUP_BUF struct buf wanted = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    CLEANUP_BUF struct buf written = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    char path[256];

    snprintf(path, sizeof(path), GOLDEN, profile_case_name((size_t)_i));
    profile_case_write((size_t)_i, &written);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *f = fopen(path, "w");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(written.data, 1, written.len, f), written.len);
        ck_assert_int_eq(fclose(f), 0);
    }
    read_file(path, &wanted);
    ck_assert_str_eq(buf_text(&written), buf_text(&wanted));
}
END_TEST

static void name_of(size_t i, char *ret, size_t size)
{
    snprintf(ret, size, "varmor-test-%s", profile_case_name(i));
}

START_TEST(a_profile_of_ours_is_read_with_lines_and_origins)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    CLEANUP(error_free) struct error *e = NULL;
    struct aa_rules rules = {0};
    const char *line;
    char name[64];

    profile_case_write((size_t)_i, &text);
    name_of((size_t)_i, name, sizeof(name));
    ck_assert_msg(aa_profile_read(&rules, buf_text(&text), text.len, name, &e) == 0, "%s",
                  error_message(e));
    ck_assert_uint_ge(rules.n, 11);
    for (size_t i = 0; i < rules.n;
         i++) { /* each stands, with its origin, in the line that it names */
        CLEANUP_BUF struct buf again = BUF_INIT(AA_MAX_RULE_BYTES);
        const struct aa_rule *rule = &rules.items[i];

        ck_assert_ptr_nonnull(rule->origin);
        ck_assert_int_eq(aa_rule_write(rule, false, 0, rule->child > 0 ? 2 : 1, &again), 0);
        line = buf_text(&text);
        for (unsigned n = 1; n < rule->line; n++)
            line = strchr(line, '\n') + 1;
        ck_assert_int_eq(strncmp(line, buf_text(&again), again.len), 0);
    }
    aa_rules_done(&rules);
}
END_TEST

/* What is done to the text "targets": one place of it replaced. */
static const struct {
    const char *from, *to;
} tampered[] = {
    {"deny /etc/** w,", "deny /etc/** w,\n}\nprofile evil {\n    file,"},
    {"deny /etc/** w,", "deny /etc/** w, /x r,"},
    {"deny /etc/** w,", "deny  /etc/** w,"},
    {"deny /etc/** w,", "deny \"/etc/**\" w,"},
    {"deny /etc/** w,", "#include <abstractions/base>"},
    {"deny /etc/** w,", "/bin/x px -> unconfined,"},
    {"deny /etc/** w,", "/bin/x Ux,"},
    {"deny /etc/** w,", "/bin/x cx -> child_9"},
    {"deny /etc/** w,", "change_profile -> unconfined,"},
    {"deny /etc/** w,", "deny /etc/** w"},
    {"# base\n", "# base\n\n"},
    {"# varmor:", "profile evil { file, }\n# varmor:"},
    {"@{PROC}=/proc/", "@{PROC}=/tmp/"},
    {"@{PROC}=/proc/\n", ""},
    {"@{PROC}=/proc/", "@{PROC}=/proc/\n@{HOMEDIRS}=/home/"},
    {"attach_disconnected,mediate_deleted", "attach_disconnected,mediate_deleted,complain"},
    {"attach_disconnected,mediate_deleted", "unconfined"},
    {"profile child_0 ", "profile child_1 "},
    {"profile child_0 ", "profile /bin/sh "},
    {"profile child_0 ", "hat child_0 "},
    {"    }\n}\n", "    }\n}\n}\n"},
    {"    }\n}\n", "    }\n"},
    {"    }\n}\n", "    }\n}\nprofile b flags=(attach_disconnected,mediate_deleted) {\n}\n"},
    {"    }\n}\n", "    }\n    }\n}\n"},
    {"    }\n}\n", "    }\n}\n#include <x>\n"},
    {"varmor-test-targets flags", "varmor-test-other flags"},
    {"varmor-test-targets flags", "varmor-test-targets /bin/sh flags"},
};

START_TEST(a_profile_that_is_not_as_we_write_it_is_refused)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    CLEANUP_BUF struct buf bad = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    CLEANUP(error_free) struct error *e = NULL;
    struct aa_rules rules = {0};
    const char *at;

    for (size_t i = 0; i < profile_n_cases; i++)
        if (strcmp(profile_case_name(i), "targets") == 0)
            profile_case_write(i, &text);
    at = strstr(buf_text(&text), tampered[_i].from);
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(buf_format(&bad, "%.*s%s%s", (int)(at - buf_text(&text)), buf_text(&text),
                                tampered[_i].to, at + strlen(tampered[_i].from)),
                     0);
    ck_assert_int_eq(aa_profile_read(&rules, buf_text(&bad), bad.len, "varmor-test-targets", &e),
                     -EINVAL);
    ck_assert_ptr_null(rules.items);
    ck_assert_uint_gt(strlen(error_message(e)), 0);
}
END_TEST

START_TEST(a_profile_of_another_name_is_refused)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    CLEANUP(error_free) struct error *other = NULL, *empty = NULL, *line = NULL;
    struct aa_rules rules = {0};

    profile_case_write(0, &text);
    ck_assert_int_eq(aa_profile_read(&rules, buf_text(&text), text.len, "varmor-x", &other),
                     -EINVAL);
    ck_assert_str_eq(error_message(other), "the text holds no profile 'varmor-x' of ours");
    ck_assert_int_eq(aa_profile_read(&rules, "", 0, "varmor-x", &empty), -EINVAL);
    ck_assert_int_eq(buf_add_text(&text, "# more\n"), 0);
    ck_assert_int_eq(
        aa_profile_read(&rules, buf_text(&text), text.len, "varmor-test-always-allow", &line),
        -EINVAL);
    ck_assert_str_eq(error_message(line), "line 15 is not written as varmor writes it");
}
END_TEST

START_TEST(a_name_that_would_need_quotes_makes_no_profile)
{
    static const char *const names[] = {"",   "a b",  "a{b",  "a\nb", "/usr/bin/x",
                                        "-x", "a//b", "a\"b", "@{x}"};
    CLEANUP_BUF struct buf out = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    struct aa_profile p = {.base = AA_TEMPLATE_ALLOW_ALL, .qualifiers = AA_DENY};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        p.name = names[i];
        ck_assert_int_eq(aa_profile_write(&p, &out), -EINVAL);
    }
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(a_rule_of_a_newer_class_makes_the_base_allow_the_rest_of_them)
{
    static const char *const texts[] = {"userns"};
    CLEANUP_BUF struct buf out = BUF_INIT(PROFILE_CASE_MAX_BYTES);
    struct aa_rules rules;
    struct aa_profile p = {
        .name = "x", .base = AA_TEMPLATE_ALLOW_ALL, .qualifiers = AA_DENY, .rules = &rules};

    profile_case_rules(&rules, texts, 1, "rules");
    ck_assert_int_eq(aa_profile_write(&p, &out), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "    io_uring, # base\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "    deny userns, # rules[0]\n"));
    aa_rules_done(&rules);
}
END_TEST

START_TEST(a_profile_beyond_its_ceiling_is_not_written)
{
    CLEANUP_BUF struct buf out = BUF_INIT(600);
    struct aa_profile p = {.name = "x", .base = AA_TEMPLATE_RUNTIME_DEFAULT, .qualifiers = AA_DENY};

    ck_assert_int_eq(aa_profile_write(&p, &out), -E2BIG);
}
END_TEST

START_TEST(the_preamble_names_the_disks_of_a_node)
{
    static const char *const disks[] = {"/dev/sda", "/dev/sda1", "/dev/cciss/c0d0", "/dev/dm-0"};
    static const char *const bad[] = {"/dev/sd{a,b}", "sda",      "/dev/",
                                      "/dev/a b",     "/dev/a\n", "/etc/x"};
    CLEANUP_BUF struct buf some = BUF_INIT(1024), none = BUF_INIT(1024), nothing = BUF_INIT(1024);

    ck_assert_int_eq(aa_write_preamble(disks, ARRAY_SIZE(disks), &some, NULL), 0);
    ck_assert_str_eq(buf_text(&some),
                     "@{varmor_disks}=/dev/sda /dev/sda1 /dev/cciss/c0d0 /dev/dm-0\n");
    ck_assert_int_eq(aa_write_preamble(NULL, 0, &none, NULL), 0);
    ck_assert_str_eq(buf_text(&none), "@{varmor_disks}=/dev/.varmor-no-disk\n");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(error_free) struct error *e = NULL;

        ck_assert_int_eq(aa_write_preamble(&bad[i], 1, &nothing, &e), -EINVAL);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("aa_profile");
    TCase *c = tcase_create("aa_profile");

    tcase_add_loop_test(c, a_profile_is_written_as_its_golden_file_has_it, 0, (int)profile_n_cases);
    tcase_add_loop_test(c, a_profile_of_ours_is_read_with_lines_and_origins, 0,
                        (int)profile_n_cases);
    tcase_add_loop_test(c, a_profile_that_is_not_as_we_write_it_is_refused, 0,
                        ARRAY_SIZE(tampered));
    tcase_add_test(c, a_profile_of_another_name_is_refused);
    tcase_add_test(c, a_name_that_would_need_quotes_makes_no_profile);
    tcase_add_test(c, a_rule_of_a_newer_class_makes_the_base_allow_the_rest_of_them);
    tcase_add_test(c, a_profile_beyond_its_ceiling_is_not_written);
    tcase_add_test(c, the_preamble_names_the_disks_of_a_node);
    suite_add_tcase(s, c);
    return s;
}
