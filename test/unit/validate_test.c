/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/inputs.h"
#include "ctl/validate.h"
#include "test/unit/ctl_run.h"

#define GOOD                                                                                       \
    "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a}, spec: {target: {kind: Pod, name: a}, policy: {enforcer: BPF, mode: AlwaysAllow}}}"
#define SERVICES                                                                                                           \
    "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a}, spec: {target: {kind: Pod, name: a},\n" \
    "policy: {enforcer: BPF, mode: EnhanceProtect, enhanceProtect: {vulMitigationRules: [ingress-nightmare-mitigation]}}}}\n"
#define SYSCALLS(name)                                                                                                     \
    "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a}, spec: {target: {kind: Pod, name: a},\n" \
    "policy: {enforcer: Seccomp, mode: EnhanceProtect, enhanceProtect: {syscallRawRules: [{names: [" name                  \
    "], action: SCMP_ACT_ERRNO}]}}}}\n"
#define MODES  "test/policies/good/modes.yaml"
#define ACROSS "test/policies/across"

static const struct {
    const char *args[MAX_ARGS];
    const char *input;
    int status;
    const char *out, *err;
} cases[] = {
    {{"-"}, GOOD, 0, "", "1 file, 1 policy, 0 errors\n"},
    {{"-"}, "", 0, "", "1 file, 0 policies, 0 errors\n"},
    {{"-"},
     "kind: Pod\n",
     1,
     "<stdin>:1:1: error: field 'apiVersion' is missing\n"
     "<stdin>:1:1: error: field 'metadata' is missing\n",
     "1 file, 0 policies, 2 errors\n"},
    {{"-q", "-"}, "kind: Pod\n", 1, "", ""},
    {{"test/policies/good/modes.yaml", "-"},
     GOOD,
     1,
     MODES
     ":13:11: error: not supported by this version: spec.policy.mode 'BehaviorModeling' (line 13, column 11)\n" MODES
     ":23:11: error: not supported by this version: spec.policy.mode 'DefenseInDepth' (line 23, column 11)\n",
     "2 files, 4 policies, 2 errors\n"},
    {{"-", "test/policies/nowhere.yaml"},
     GOOD,
     3,
     "",
     "varmorctl: test/policies/nowhere.yaml: No such file or directory\n"
     "1 file, 1 policy, 0 errors, 1 unreadable\n"},
    {{"test/policies/nowhere.yaml", "-", "-q"},
     "kind: Pod\n",
     3,
     "",
     "varmorctl: test/policies/nowhere.yaml: No such file or directory\n"},
    {{"test/policies/across/.hidden/../sub/../notes.txt", ACROSS "/a.yaml"},
     NULL,
     1,
     "test/policies/across/.hidden/../sub/../notes.txt:1:1: error: field 'kind' is missing\n"
     "test/policies/across/.hidden/../sub/../notes.txt:1:1: error: field 'apiVersion' is missing\n",
     "2 files, 2 policies, 2 errors\n"},
    {{ACROSS, "--output=text"},
     NULL,
     1,
     ACROSS
     "/sub/b.yml:1:1: error: its profile would be called 'varmor-a-b-c', as that of VarmorPolicy 'a/b-c' in " ACROSS
     "/a.yaml:7:1\n" ACROSS
     "/sub/b.yml:6:1: error: VarmorPolicy 'shop/web' is defined twice: first in " ACROSS
     "/a.yaml:2:1\n" ACROSS
     "/sub/b.yml:11:1: error: 'x23456789012345678901234567890123456789012' is too long for the profile's name 'varmor-cluster-varmor-...': at most 41 bytes, it has 42\n" ACROSS
     "/sub/rules.json:3:41: error: spec.policy.enhanceProtect.hardeningRules[0]: 'disable-shell' is not a hardening rule (hardeningRules); it is an attack protection rule (attackProtectionRules)\n" ACROSS
     "/sub/rules.json:3:58: error: spec.policy.enhanceProtect.hardeningRules[1]: 'disallow-umout' is not a hardening rule (hardeningRules); did you mean 'disallow-umount'?\n",
     "3 files, 6 policies, 5 errors\n"},
    {{"--install-namespace", "v", ACROSS "/sub/b.yml"},
     NULL,
     0,
     "",
     "1 file, 3 policies, 0 errors\n"},
    {{ACROSS "/a.yaml", ACROSS "/a.yaml"},
     NULL,
     1,
     ACROSS "/a.yaml:2:1: error: VarmorPolicy 'shop/web' is defined twice: first in " ACROSS
            "/a.yaml:2:1\n" ACROSS
            "/a.yaml:7:1: error: VarmorPolicy 'a/b-c' is defined twice: first in " ACROSS
            "/a.yaml:7:1\n",
     "2 files, 4 policies, 2 errors\n"},
    /* services are missed if any is defined, system calls always */
    {{"-"}, SERVICES, 0, "", "1 file, 1 policy, 0 errors\n"},
    {{"-"},
     SERVICES "---\n{apiVersion: v1, kind: Service, metadata: {name: other}, spec: {}}\n",
     0,
     "<stdin>:2:85: warning: spec.policy.enhanceProtect.vulMitigationRules[0]: there is no service 'ingress-nginx/ingress-nginx-controller-admission' yet: 'ingress-nightmare-mitigation' blocks nothing until it is known (line 2, column 85)\n",
     "1 file, 1 policy, 0 errors, 1 warning\n"},
    {{"-"},
     SYSCALLS("unshar"),
     0,
     "<stdin>:2:95: warning: no architecture has a system call 'unshar': runtimes pass it over; did you mean 'unshare'?\n",
     "1 file, 1 policy, 0 errors, 1 warning\n"},
    {{"-"}, SYSCALLS("arm_fadvise64_64"), 0, "", "1 file, 1 policy, 0 errors\n"},
    {{"-"},
     "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a}, spec: {target: {kind: Pod, name: a},\n"
     "policy: {enforcer: AppArmor, mode: EnhanceProtect, enhanceProtect: {\n"
     "appArmorRawRules: [{rules: 'deny /x w, px /bin/sh,'}]}}}}\n",
     1,
     "<stdin>:3:40: error: spec.policy.enhanceProtect.appArmorRawRules[0].rules: 'px' would lead to another profile, which a rule may not do: write 'ix' to run under this one, or 'deny ... x' (line 3, column 40)\n",
     "1 file, 1 policy, 1 error\n"},
    {{NULL}, NULL, 2, "", "varmorctl validate: no file, folder or - is given\n"},
    {{"-o", "xml", "-"},
     NULL,
     2,
     "",
     "varmorctl validate: 'xml' is not an output format: text, json\n"},
    {{"--frob"}, NULL, 2, "", "varmorctl validate: unrecognized option '--frob'\n"},
};

START_TEST(a_run_prints_what_is_wrong_and_returns_its_status)
{
    CLEANUP_BUF struct buf out = BUF_INIT(OUTPUT_MAX), err = BUF_INIT(OUTPUT_MAX);
    int status = ctl_run("validate", cases[_i].args, cases[_i].input, &out, &err);

    ck_assert_str_eq(buf_text(&out), cases[_i].out);
    ck_assert_str_eq(buf_text(&err), cases[_i].err);
    ck_assert_int_eq(status, cases[_i].status);
}
END_TEST

START_TEST(json_has_the_parts_of_each_finding)
{
    static const char *const args[] = {"-o", "json", "-", "/nowhere", NULL};
    CLEANUP_BUF struct buf out = BUF_INIT(OUTPUT_MAX), err = BUF_INIT(OUTPUT_MAX);
    const char *file, *severity, *message, *path, *unreadable;
    int line, column, files, policies, errors, warnings;
    json_t *json;

    ck_assert_int_eq(
        ctl_run(
            "validate", args,
            "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: A}\n"
            "spec: {target: {kind: Pod, name: a}, policy: {enforcer: BPF, mode: AlwaysAllow}}\n",
            &out, &err),
        VALIDATE_UNREADABLE);
    ck_assert_str_eq(buf_text(&err), "");
    json = json_loads(buf_text(&out), 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(
        json_unpack(json,
                    "{s:i, s:i, s:i, s:i, s:[{s:s, s:i, s:i, s:s, s:s, s:s}], s:[{s:s, s:s}]}",
                    "files", &files, "policies", &policies, "errors", &errors, "warnings",
                    &warnings, "findings", "file", &file, "line", &line, "column", &column,
                    "severity", &severity, "path", &path, "message", &message, "unreadable", "file",
                    &unreadable, "message", &unreadable),
        0);
    ck_assert_int_eq(files, 1);
    ck_assert_int_eq(policies, 1);
    ck_assert_int_eq(errors, 1);
    ck_assert_int_eq(warnings, 0);
    ck_assert_str_eq(file, "<stdin>");
    ck_assert_int_eq(line, 3);
    ck_assert_int_eq(column, 18);
    ck_assert_str_eq(severity, "error");
    ck_assert_str_eq(path, "metadata.name");
    ck_assert_int_eq(strncmp(message, "'A' is not a name", 17), 0);
    ck_assert_str_eq(unreadable, "No such file or directory");
    json_decref(json);
}
END_TEST

START_TEST(a_warning_is_told_and_is_no_error)
{
    static const char *const args[] = {"-", NULL};
    CLEANUP_BUF struct buf out = BUF_INIT(OUTPUT_MAX), err = BUF_INIT(OUTPUT_MAX);

    ck_assert_int_eq(
        ctl_run(
            "validate", args,
            "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a}, spec: {target: {kind: Pod, name: a},\n"
            "policy: {enforcer: BPF, mode: AlwaysAllow, enhanceProtect: {}}}}\n",
            &out, &err),
        VALIDATE_CLEAN);
    ck_assert_str_eq(
        buf_text(&out),
        "<stdin>:2:44: warning: spec.policy: 'enhanceProtect' has no effect in mode AlwaysAllow\n");
    ck_assert_str_eq(buf_text(&err), "1 file, 1 policy, 0 errors, 1 warning\n");
}
END_TEST

/* ---- Files and folders ---- */

static char folder[] = "/tmp/validate-test-XXXXXX"; /* of this test's process */

/* A new empty folder becomes the current one. */
static void enter_new_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

/* Removes it; it must be empty again. */
static void leave_folder(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_tree(const char *const *paths)
{
    for (; *paths; paths++)
        ck_assert_int_eq(remove(*paths), 0);
}

START_TEST(a_folder_stands_for_the_visible_files_below_it)
{
    static const char *const made[] = {"d/b.yaml", "d/a/z.yml", "d/a/link.json", "d/a",
                                       "d/c.txt",  "d/.h.yaml", "d/loop.yaml",   "d/gone.yaml",
                                       "d",        NULL};
    CLEANUP_INPUTS struct inputs in = {0};

    enter_new_folder();
    ck_assert(mkdir("d", 0700) == 0 && mkdir("d/a", 0700) == 0);
    make_file("d/b.yaml");
    make_file("d/a/z.yml");
    make_file("d/c.txt");
    make_file("d/.h.yaml");
    ck_assert_int_eq(symlink("../b.yaml", "d/a/link.json"), 0);
    ck_assert_int_eq(symlink("../d", "d/loop.yaml"), 0);
    ck_assert_int_eq(symlink("nowhere", "d/gone.yaml"), 0);
    ck_assert_int_eq(inputs_add(&in, "d/", NULL), 0);
    remove_tree(made);
    leave_folder();
    ck_assert_uint_eq(in.n, 5);
    ck_assert_str_eq(in.items[0].path, "d/a/link.json");
    ck_assert_str_eq(in.items[1].path, "d/a/z.yml");
    ck_assert_str_eq(in.items[2].path, "d/b.yaml");
    ck_assert_str_eq(in.items[3].path, "d/gone.yaml");
    ck_assert_int_eq(error_code(in.items[3].error), -ENOENT);
    ck_assert_str_eq(in.items[4].path, "d/loop.yaml");
    ck_assert_int_eq(error_code(in.items[4].error), -ELOOP);
}
END_TEST

START_TEST(a_folder_without_a_file_to_read_is_not_clean)
{
    CLEANUP_INPUTS struct inputs in = {0};

    enter_new_folder();
    ck_assert_int_eq(inputs_add(&in, ".", NULL), 0);
    leave_folder();
    ck_assert_uint_eq(in.n, 1);
    ck_assert_str_eq(error_message(in.items[0].error),
                     "no file in it ends in .yaml, .yml or .json");
}
END_TEST

START_TEST(folders_and_files_have_ceilings)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_INPUTS struct inputs in = {0};
    char path[INPUTS_MAX_DEPTH * 2 + 8] = "d";

    enter_new_folder();
    ck_assert_int_eq(mkdir(path, 0700), 0);
    for (int i = 0; i < INPUTS_MAX_DEPTH; i++) {
        strncat(path, "/d", sizeof(path) - strlen(path) - 1);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    ck_assert_int_eq(inputs_add(&in, "d", NULL), 0);
    ck_assert_str_eq(error_message(in.items[0].error),
                     "no file in it ends in .yaml, .yml or .json");
    strncat(path, "/d", sizeof(path) - strlen(path) - 1);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(inputs_add(&in, "d", NULL), 0);
    ck_assert_str_eq(error_message(in.items[1].error), "more than 16 folders deep");
    while (in.n < INPUTS_MAX)
        ck_assert_int_eq(inputs_add(&in, "-", NULL), 0);
    ck_assert_int_eq(inputs_add(&in, "-", &e), -E2BIG);
    ck_assert_str_eq(error_message(e), "more than 10000 files");
    for (char *end; (end = strrchr(path, 'd')); *(end > path ? end - 1 : end) = '\0')
        ck_assert_int_eq(rmdir(path), 0);
    leave_folder();
}
END_TEST

/* ---- The table of commands ---- */

START_TEST(each_command_is_found_by_its_name)
{
    for (size_t i = 0; i < n_commands; i++) {
        ck_assert_ptr_eq(command_find(commands[i].name), &commands[i]);
        ck_assert_ptr_null(strchr(commands[i].summary, '\'')); /* the scripts quote it */
    }
    ck_assert_ptr_null(command_find("frob"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("validate");
    TCase *t = tcase_create("validate");

    tcase_add_loop_test(t, a_run_prints_what_is_wrong_and_returns_its_status, 0,
                        (int)ARRAY_SIZE(cases));
    tcase_add_test(t, json_has_the_parts_of_each_finding);
    tcase_add_test(t, a_warning_is_told_and_is_no_error);
    tcase_add_test(t, a_folder_stands_for_the_visible_files_below_it);
    tcase_add_test(t, a_folder_without_a_file_to_read_is_not_clean);
    tcase_add_test(t, folders_and_files_have_ceilings);
    tcase_add_test(t, each_command_is_found_by_its_name);
    suite_add_tcase(s, t);
    return s;
}
