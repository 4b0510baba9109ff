/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "manager/kube_version.h"

static const struct {
    const char *answer;
    int result;
    unsigned major, minor;
} cases[] = {
    {"{\"major\": \"1\", \"minor\": \"30\", \"gitVersion\": \"v1.30.2\"}", 0, 1, 30},
    {"{\"major\": \"1\", \"minor\": \"29+\"}", 0, 1, 29},
    {"{\"major\": \"1\", \"minor\": \"27+eks\"}", 0, 1, 27},
    {"{\"major\": \"2\", \"minor\": \"0\"}", 0, 2, 0},
    {"{\"major\": \"1\", \"minor\": \"\"}", -EBADMSG, 0, 0},
    {"{\"major\": \"1\", \"minor\": \"30a\"}", -EBADMSG, 0, 0},
    {"{\"major\": \"1\", \"minor\": \"-1\"}", -EBADMSG, 0, 0},
    {"{\"major\": \"1\", \"minor\": \"99999999999999999999\"}", -EBADMSG, 0, 0},
    {"{\"major\": 1, \"minor\": 30}", -EBADMSG, 0, 0},
    {"{\"major\": \"1\"}", -EBADMSG, 0, 0},
    {"<html>", -EBADMSG, 0, 0},
    {"", -EBADMSG, 0, 0},
};

START_TEST(a_version_is_two_numbers)
{
    unsigned major = 0, minor = 0;

    ck_assert_int_eq(kube_version_parse(cases[_i].answer, strlen(cases[_i].answer), &major, &minor),
                     cases[_i].result);
    ck_assert_uint_eq(major, cases[_i].major);
    ck_assert_uint_eq(minor, cases[_i].minor);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("kube_version");
    TCase *t = tcase_create("kube_version");

    tcase_add_loop_test(t, a_version_is_two_numbers, 0, ARRAY_SIZE(cases));
    suite_add_tcase(s, t);
    return s;
}
