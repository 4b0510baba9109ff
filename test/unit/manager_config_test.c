/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/base.h"
#include "manager/config.h"

#define MAX_ARGUMENTS 4

/* Parses up to MAX_ARGUMENTS options; the settings are the caller's. */
static int parse(struct config *c, const char *const options[MAX_ARGUMENTS], struct error **reterr)
{
    char *argv[MAX_ARGUMENTS + 1] = {(char *)"varmor-manager"};
    int n = 1;

    while (n <= MAX_ARGUMENTS && options[n - 1]) {
        argv[n] = (char *)options[n - 1];
        n++;
    }
    return config_parse(c, n, argv, reterr);
}

START_TEST(policies_come_from_a_folder_unless_kubernetes_is_asked_for)
{
    static const struct {
        const char *options[MAX_ARGUMENTS];
        const char *policies;
    } cases[] = {
        {{NULL}, "/etc/varmor/policies"},
        {{"--policies=/p"}, "/p"},
        {{"--kubernetes=false"}, "/etc/varmor/policies"},
        {{"--kubernetes"}, NULL},
        {{"--kubernetes", "--kubeconfig=/k", "--context=lab"}, NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *e = NULL;
        struct config c = {0};

        ck_assert_msg(parse(&c, cases[i].options, &e) == OPTIONS_RUN, "%s", error_message(e));
        ck_assert_pstr_eq(c.policies, cases[i].policies);
        ck_assert(c.kubernetes == !cases[i].policies);
        config_done(&c);
    }
}
END_TEST

START_TEST(options_that_do_not_go_together_are_refused_with_the_reason)
{
    static const struct {
        const char *options[MAX_ARGUMENTS];
        const char *message;
    } cases[] = {
        {{"--kubernetes", "--policies=/p"},
         "--kubernetes and --policies: policies come from one place"},
        {{"--kubeconfig=/k"}, "--kubeconfig needs --kubernetes"},
        {{"--kubernetes", "--context=lab"}, "--context needs --kubeconfig"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *e = NULL;
        struct config c = {0};

        ck_assert_int_eq(parse(&c, cases[i].options, &e), -EINVAL);
        ck_assert_str_eq(error_message(e), cases[i].message);
        config_done(&c);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("manager_config");
    TCase *t = tcase_create("manager_config");

    tcase_add_test(t, policies_come_from_a_folder_unless_kubernetes_is_asked_for);
    tcase_add_test(t, options_that_do_not_go_together_are_refused_with_the_reason);
    suite_add_tcase(s, t);
    return s;
}
