/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "agent/apparmor_label.h"
#include "agent/enforcer.h"

#define NAME "varmor-shop-web"

static const struct {
    const char *label;
    bool complain, in_force, restart_needed;
    const char *mode, *reason;
} cases[] = {
    {NAME " (enforce)", false, true, false, "enforce", ""},
    {NAME " (complain)", true, true, false, "complain", ""},
    {NAME "//child_0 (enforce)", false, true, false, "enforce", ""},
    {NAME "//child_1 (enforce)", false, true, false, "enforce", ""},
    {NAME "//child_2 (enforce)", false, false, true, "enforce",
     "it runs under child profile 'child_2', which the profile had in an earlier version"},
    {NAME "//child_99999999999999999999 (enforce)", false, false, true, "enforce",
     "it runs under child profile 'child_99999999999999999999', which the profile had in an "
     "earlier version"},
    {NAME "//null-/bin/x (complain)", true, false, true, "complain",
     "it runs under child profile 'null-/bin/x', which the profile had in an earlier version"},
    {NAME " (complain)", false, false, false, "complain",
     "its profile is in complain mode, not in enforce mode"},
    {NAME " (enforce)", true, false, false, "enforce",
     "its profile is in enforce mode, not in complain mode"},
    {NAME " (kill)", false, false, false, "kill",
     "its profile is in kill mode, not in enforce mode"},
    {NAME, false, false, false, "", "its profile is in no mode, not in enforce mode"},
    {"unconfined", false, false, true, "",
     "it runs unconfined: it was started without this AppArmor profile"},
    {"cri-containerd.apparmor.d (enforce)", false, false, true, "",
     "it runs under AppArmor profile 'cri-containerd.apparmor.d (enforce)': it was started with "
     "that one"},
    {NAME "2 (enforce)", false, false, true, "",
     "it runs under AppArmor profile '" NAME "2 (enforce)': it was started with that one"},
    {NAME "/x (enforce)", false, false, true, "",
     "it runs under AppArmor profile '" NAME "/x (enforce)': it was started with that one"},
    {"other//" NAME " (enforce)", false, false, true, "",
     "it runs under AppArmor profile 'other//" NAME " (enforce)': it was started with that one"},
    {":ns:" NAME " (enforce)", false, false, true, "",
     "it runs under AppArmor profile ':ns:" NAME " (enforce)': it was started with that one"},
    {"other//&" NAME " (enforce)", false, true, false, "enforce", ""},
    {NAME "//&other (enforce)", false, true, false, "enforce", ""},
    {NAME "//child_0//&other (mixed)", false, true, false, "mixed", ""},
    {"a (enforce)//&" NAME " (complain)", false, false, false, "complain",
     "its profile is in complain mode, not in enforce mode"},
    {"", false, false, true, "", "it runs under AppArmor profile '': it was started with that one"},
    {" (enforce)", false, false, true, "",
     "it runs under AppArmor profile ' (enforce)': it was started with that one"},
    {")", false, false, true, "",
     "it runs under AppArmor profile ')': it was started with that one"},
    {"//&//&", false, false, true, "",
     "it runs under AppArmor profile '//&//&': it was started with that one"},
};

START_TEST(a_label_says_whether_the_profile_holds)
{
    struct enforcer_hold hold;

    apparmor_label_judge(cases[_i].label, NAME, cases[_i].complain, 2, &hold);
    ck_assert_str_eq(hold.reason, cases[_i].reason);
    ck_assert_str_eq(hold.mode, cases[_i].mode);
    ck_assert_int_eq(hold.in_force, cases[_i].in_force);
    ck_assert_int_eq(hold.restart_needed, cases[_i].restart_needed);
}
END_TEST

START_TEST(a_child_profile_of_a_profile_without_any_is_an_older_one)
{
    struct enforcer_hold hold;

    apparmor_label_judge(NAME "//child_0 (enforce)", NAME, false, 0, &hold);
    ck_assert(hold.restart_needed);
    ck_assert(!hold.in_force);
}
END_TEST

START_TEST(a_containers_own_setting_says_whether_a_new_start_mends_it)
{
    static const struct {
        const char *setting, *addition;
        bool restart_needed;
    } settings[] = {
        {NULL, "", true},
        {NAME, "; its own setting names this one: it needs a new start", true},
        {"", "; its own setting names none", false},
        {"cri-containerd.apparmor.d", "; its own setting names 'cri-containerd.apparmor.d'", false},
    };
    static const char start[] = "it runs unconfined: it was started without this AppArmor profile";

    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        struct enforcer_hold hold;

        apparmor_label_judge("unconfined", NAME, false, 0, &hold);
        apparmor_label_explain(settings[i].setting, NAME, &hold);
        ck_assert_int_eq(strncmp(hold.reason, start, sizeof(start) - 1), 0);
        ck_assert_str_eq(hold.reason + sizeof(start) - 1, settings[i].addition);
        ck_assert(hold.restart_needed == settings[i].restart_needed);
        apparmor_label_judge(NAME " (enforce)", NAME, false, 0, &hold);
        apparmor_label_explain(settings[i].setting, NAME, &hold);
        ck_assert(hold.in_force && hold.reason[0] == '\0');
    }
}
END_TEST

START_TEST(a_process_that_is_gone_has_no_label)
{
    static char label[APPARMOR_LABEL_MAX];
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(apparmor_label_read(pid, NULL, label, NULL), -ESRCH);
    ck_assert_int_eq(apparmor_label_read(0, NULL, label, NULL), -ESRCH);
    ck_assert_int_eq(apparmor_label_read(-1, NULL, label, NULL), -ESRCH);
}
END_TEST

START_TEST(a_process_of_another_cgroup_is_not_the_containers)
{
    static char label[APPARMOR_LABEL_MAX];
    int r = apparmor_label_read(getpid(), "/no/such/cgroup", label, NULL);

    /* This machine may have no cgroup v2 at all: then the process cannot be shown to be the one. */
    ck_assert(r == -ESRCH || r == -ENOENT || r == -EXDEV);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("apparmor_label");
    TCase *tcase = tcase_create("apparmor_label");

    tcase_add_loop_test(tcase, a_label_says_whether_the_profile_holds, 0, ARRAY_SIZE(cases));
    tcase_add_test(tcase, a_child_profile_of_a_profile_without_any_is_an_older_one);
    tcase_add_test(tcase, a_containers_own_setting_says_whether_a_new_start_mends_it);
    tcase_add_test(tcase, a_process_that_is_gone_has_no_label);
    tcase_add_test(tcase, a_process_of_another_cgroup_is_not_the_containers);
    suite_add_tcase(suite, tcase);
    return suite;
}
