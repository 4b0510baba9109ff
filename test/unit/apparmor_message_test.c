/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>

#include "agent/apparmor_message.h"
#include "lib/apparmor/apparmor.h"

static char raw_origin[] = "appArmorRawRules[0] (line 3, column 5)", raw_text[] = "/etc/[x r";
static char mount_text[] = "mount fstype=foo";
static char userns_text[] = "userns", userns_origin[] = "appArmorRawRules[1] (line 9, column 1)";
static struct aa_rule items[] = {
    {.line = 4, .text = raw_text, .origin = raw_origin},
    {.line = 7, .text = mount_text}, /* of the base: no origin */
    {.line = 8, .kind = AA_USERNS, .text = userns_text},
    {.line = 9, .kind = AA_USERNS, .text = userns_text, .origin = userns_origin},
};
static const struct aa_rules rules = {.items = items, .n = ARRAY_SIZE(items)};

static const struct {
    const char *said, *message;
} cases[] = {
    {"AppArmor parser error at line 6: Invalid capability foo.\n",
     "appArmorRawRules[0] (line 3, column 5): rule '/etc/[x r': apparmor_parser: Invalid "
     "capability foo."},
    {"AppArmor parser error at line 9: syntax error\n",
     "base: rule 'mount fstype=foo': apparmor_parser: syntax error"},
    {"AppArmor parser error for stdin at line 6: unknown signal \"foo\"\n\n",
     "appArmorRawRules[0] (line 3, column 5): rule '/etc/[x r': apparmor_parser: unknown signal "
     "\"foo\""},
    {"AppArmor parser error at line 8: syntax error\n",
     "line 6 of the profile: apparmor_parser: syntax error"},
    {"AppArmor parser error at line 10: syntax error\n",
     "appArmorRawRules[1] (line 9, column 1): rule 'userns': apparmor_parser: syntax error"},
    {"AppArmor parser error at line 11: syntax error\n",
     "appArmorRawRules[1] (line 9, column 1): rule 'userns': apparmor_parser: syntax error"},
    {"AppArmor parser error at line 2: Lexer found unexpected character\n",
     "apparmor_parser, at the disks of this node: Lexer found unexpected character"},
    {"Warning: line 9: odd\nAppArmor parser error at line 6: bad\n",
     "appArmorRawRules[0] (line 3, column 5): rule '/etc/[x r': apparmor_parser: bad"},
    {"profile a: has merged rule /x** with conflicting x modifiers\nERROR merging rules\n",
     "apparmor_parser: profile a: has merged rule /x** with conflicting x modifiers"},
    {"", "apparmor_parser: "},
    {"error at line ", "apparmor_parser: error at line "},
    {"error at line 99999999999999999999: x",
     "line 99999997 of the profile: apparmor_parser: 999999999999: x"},
    {"an 'odd'\x01 error", "apparmor_parser: an \\x27odd\\x27\\x01 error"},
};

START_TEST(the_parsers_words_are_told_with_the_rules_origin)
{
    CLEANUP(error_free) struct error *problem = NULL;

    ck_assert_int_eq(apparmor_message_explain(cases[_i].said, 2, &rules, &problem), -EINVAL);
    ck_assert_str_eq(error_message(problem), cases[_i].message);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("apparmor_message");
    TCase *tcase = tcase_create("apparmor_message");

    tcase_add_loop_test(tcase, the_parsers_words_are_told_with_the_rules_origin, 0,
                        ARRAY_SIZE(cases));
    suite_add_tcase(suite, tcase);
    return suite;
}
