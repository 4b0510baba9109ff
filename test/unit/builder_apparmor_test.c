/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "profiles/builtin_rule.h"
#include "test/unit/apparmor_parser_run.h"
#include "test/unit/builder_policy.h"

/* The rules of the text that are not of the base, a line each: "child qualifiers text [origin]". */
static void format_own_rules(struct buf *out, const struct profile *p)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct aa_rules rules = {0};
    int r = aa_profile_read(&rules, p->apparmor_text, strlen(p->apparmor_text), p->name, &e);

    ck_assert_msg(r == 0, "%s", error_message(e));
    for (size_t i = 0; i < rules.n; i++) {
        const struct aa_rule *rule = &rules.items[i];

        if (strcmp(rule->origin, "base") == 0)
            continue;
        ck_assert_int_eq(buf_format(out, "%u %s%s%s [%s]\n", rule->child,
                                    rule->qualifiers & AA_AUDIT ? "audit " : "",
                                    rule->qualifiers & AA_DENY ? "deny " : "", rule->text,
                                    rule->origin),
                         0);
    }
    aa_rules_done(&rules);
}

static const struct {
    const char *policy, *rules;
} own_rules[] = {
    {MODE_WITH("AppArmor", "AlwaysAllow"), ""},
    {MODE_WITH("AppArmor", "RuntimeDefault"), ""},
    /* hardening, attack protection, mitigation, raw, whatever the order in the file */
    {ENHANCE_WITH("AppArmor", "      appArmorRawRules: [{rules: \"deny /a w, audit /b r,\"}]\n"
                              "      vulMitigationRules: [runc-override-mitigation]\n"
                              "      attackProtectionRules: [{rules: [disable-wget]}]\n"
                              "      hardeningRules: [disallow-insmod]\n"),
     "0 deny capability sys_module [hardeningRules: disallow-insmod]\n"
     "0 deny /**/wget rx [attackProtectionRules: disable-wget]\n"
     "0 deny /**/runc w [vulMitigationRules: runc-override-mitigation]\n"
     "0 deny /a w [appArmorRawRules[0].rules, rule 1]\n"
     "0 audit /b r [appArmorRawRules[0].rules, rule 2]\n"},
    /* the switches are for built-in rules; raw ones keep their qualifiers */
    {ENHANCE_WITH("AppArmor",
                  "      auditViolations: true\n      hardeningRules: [disallow-insmod]\n"
                  "      appArmorRawRules: [{rules: \"deny /a w,\"}]\n"),
     "0 audit deny capability sys_module [hardeningRules: disallow-insmod]\n"
     "0 deny /a w [appArmorRawRules[0].rules, rule 1]\n"},
    {ENHANCE_WITH("AppArmor",
                  "      {auditViolations: true, allowViolations: true, hardeningRules: "
                  "[disallow-insmod]}\n"),
     "0 audit capability sys_module [hardeningRules: disallow-insmod]\n"},
    {ENHANCE_WITH("AppArmor", "      {allowViolations: true, attackProtectionRules: [{rules: "
                              "[disable-wget]}]}\n"),
     "0 /**/wget rix [attackProtectionRules: disable-wget]\n"},
    /* what other enforcers have content for */
    {ENHANCE_WITH("AppArmorSeccomp", "      hardeningRules: [disallow-userfaultfd-creation]\n"),
     "0 deny /dev/userfaultfd rw [hardeningRules: disallow-userfaultfd-creation]\n"},
    /* targets: each has the rules of all entries that name it; those of the same rules share a child */
    {ENHANCE_WITH("AppArmor",
                  "      privileged: true\n      attackProtectionRules:\n"
                  "      - {rules: [disable-wget], targets: [/bin/a, /bin/b, /bin/c]}\n"
                  "      - {rules: [disable-curl], targets: [/bin/b]}\n"
                  "      appArmorRawRules: [{rules: \"deny /x r,\", targets: [/bin/d]}]\n"),
     "0 /bin/a cx -> child_0 [targets]\n0 /bin/c cx -> child_0 [targets]\n"
     "0 /bin/b cx -> child_1 [targets]\n0 /bin/d cx -> child_2 [targets]\n"
     "1 /bin/a rix [targets]\n1 /bin/c rix [targets]\n"
     "1 deny /**/wget rx [attackProtectionRules: disable-wget]\n"
     "2 /bin/b rix [targets]\n"
     "2 deny /**/wget rx [attackProtectionRules: disable-wget]\n"
     "2 deny /**/curl rx [attackProtectionRules: disable-curl]\n"
     "3 /bin/d rix [targets]\n3 deny /x r [appArmorRawRules[0].rules, rule 1]\n"},
    /* a child has what holds for the whole profile too */
    {ENHANCE_WITH("AppArmor",
                  "      privileged: true\n      hardeningRules: [disallow-insmod]\n"
                  "      attackProtectionRules: [{rules: [disable-wget], targets: [/a]}]\n"),
     "0 deny capability sys_module [hardeningRules: disallow-insmod]\n"
     "0 /a cx -> child_0 [targets]\n1 /a rix [targets]\n"
     "1 deny capability sys_module [hardeningRules: disallow-insmod]\n"
     "1 deny /**/wget rx [attackProtectionRules: disable-wget]\n"},
};

START_TEST(a_policy_becomes_these_rules_beside_the_base)
{
    CLEANUP(profile_unref) struct profile *p = profile_of(own_rules[_i].policy);
    CLEANUP_BUF struct buf text = BUF_INIT(65536);

    format_own_rules(&text, p);
    ck_assert_str_eq(buf_text(&text), own_rules[_i].rules);
    builtin_rules_unload();
}
END_TEST

START_TEST(the_mode_says_how_much_the_base_denies)
{
    static const struct {
        const char *policy;
        const char *has, *has_not;
    } cases[] = {
        {MODE_WITH("AppArmor", "AlwaysAllow"), "    mount, # base", "deny mount"},
        {MODE_WITH("AppArmor", "RuntimeDefault"), "    deny mount, # base", "    mount, # base"},
        {ENHANCE_WITH("AppArmor", "      privileged: true\n"), "    mount, # base", "deny mount"},
        {ENHANCE_WITH("AppArmor", "      auditViolations: true\n"), "    audit deny mount, # base",
         "    deny mount"},
        {ENHANCE_WITH("AppArmor", "      allowViolations: true\n"), "    mount, # base", "deny"},
        {ENHANCE_WITH("BPF", "      allowViolations: true\n"), NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(profile_unref) struct profile *p = profile_of(cases[i].policy);

        ck_assert_int_eq(p->apparmor_text != NULL, cases[i].has != NULL);
        if (!cases[i].has)
            continue;
        ck_assert_msg(strstr(p->apparmor_text, cases[i].has) != NULL, "%s", p->apparmor_text);
        ck_assert_msg(strstr(p->apparmor_text, cases[i].has_not) == NULL, "%s", p->apparmor_text);
    }
    builtin_rules_unload();
}
END_TEST

/* ---- apparmor_parser ---- */

/* "a, b": every rule of a category with content for AppArmor. */
static void list_rules(struct buf *out, enum builtin_category category)
{
    const struct builtin_rule *rule;
    const char *comma = "";

    for (size_t i = 0; (rule = builtin_rule_at(i)); i++) {
        if (rule->category != category || !(builtin_rule_enforcers(rule) & ENFORCER_APPARMOR))
            continue;
        ck_assert_int_eq(buf_format(out, "%s%s", comma, rule->name), 0);
        comma = ", ";
    }
}

START_TEST(apparmor_parser_accepts_every_rule_with_any_switches)
{
    CLEANUP_BUF struct buf hardening = BUF_INIT(8192), attack = BUF_INIT(8192);
    CLEANUP_BUF struct buf mitigation = BUF_INIT(8192), yaml = BUF_INIT(65536);
    CLEANUP_BUF struct buf text = BUF_INIT(1 << 20), said = BUF_INIT(1 << 24);
    CLEANUP(profile_unref) struct profile *p = NULL;
    static const char *const disks[] = {"/dev/sda", "/dev/sda1"};

    if (access(TEST_PARSER, X_OK) < 0)
        return; /* test/setup installs it */
    list_rules(&hardening, BUILTIN_HARDENING);
    list_rules(&attack, BUILTIN_ATTACK_PROTECTION);
    list_rules(&mitigation, BUILTIN_MITIGATION);
    ck_assert_int_eq(
        buf_format(
            &yaml,
            ENHANCE_WITH("AppArmor", "      privileged: %s\n      auditViolations: %s\n"
                                     "      allowViolations: %s\n      hardeningRules: [%s]\n"
                                     "      attackProtectionRules:\n      - rules: [%s]\n"
                                     "      - {rules: [%s], targets: [/bin/a, /bin/sh]}\n"
                                     "      vulMitigationRules: [%s]\n"),
            _i & 1 ? "true" : "false", _i & 2 ? "true" : "false", _i & 4 ? "true" : "false",
            buf_text(&hardening), buf_text(&attack), buf_text(&attack), buf_text(&mitigation)),
        0);
    p = profile_of(buf_text(&yaml));
    ck_assert_int_eq(aa_write_preamble(disks, ARRAY_SIZE(disks), &text, NULL), 0);
    ck_assert_int_eq(buf_add_text(&text, p->apparmor_text), 0);
    parser_run(buf_text(&text), &said);
    ck_assert_uint_gt(said.len, 1000);
    builtin_rules_unload();
}
END_TEST

/* ---- Policies at random ---- */

/* Some rules of a category, each with a chance of one in n. */
static void pick_rules(struct buf *out, enum builtin_category category, unsigned *seed, int n)
{
    const struct builtin_rule *rule;
    const char *comma = "";

    for (size_t i = 0; (rule = builtin_rule_at(i)); i++) {
        if (rule->category != category || !(builtin_rule_enforcers(rule) & ENFORCER_APPARMOR) ||
            rand_r(seed) % n)
            continue;
        ck_assert_int_eq(buf_format(out, "%s%s", comma, rule->name), 0);
        comma = ", ";
    }
}

/* Each line may stand for itself; some depend on the disks, some on what the parser makes of globs. */
static const char *const raw_lines[] = {
    "deny /srv/{a,b}/** rwklx,",
    "audit deny capability net_raw,",
    "deny network inet stream,",
    "deny mount options=(ro,bind) /x -> /y,",
    "deny @{PROC}/[0-9]*/environ r,",
    "deny ptrace (trace) peer=unconfined,",
    "deny owner /home/*/.cache/** w,",
    "deny signal (send) set=(kill),",
    "deny link /a -> /b,",
    "deny \"/with space/*\" w,",
};

static void pick_policy(struct buf *yaml, unsigned seed)
{
    unsigned switches = (unsigned)rand_r(&seed) % 8;

    ck_assert_int_eq(buf_format(yaml,
                                ENHANCE_WITH("AppArmor", "      privileged: %s\n"
                                                         "      auditViolations: %s\n"
                                                         "      allowViolations: %s\n"
                                                         "      hardeningRules: ["),
                                switches & 1 ? "true" : "false", switches & 2 ? "true" : "false",
                                switches & 4 ? "true" : "false"),
                     0);
    pick_rules(yaml, BUILTIN_HARDENING, &seed, 6);
    ck_assert_int_eq(buf_add_text(yaml, "]\n      attackProtectionRules:\n"), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(buf_add_text(yaml, "      - rules: [disable-wget, "), 0);
        pick_rules(yaml, BUILTIN_ATTACK_PROTECTION, &seed, 4);
        ck_assert_int_eq(buf_format(yaml, "]\n        targets: [/bin/t%d, /bin/t%d]\n",
                                    rand_r(&seed) % 4, 4 + rand_r(&seed) % 4),
                         0);
    }
    ck_assert_int_eq(buf_add_text(yaml, "      appArmorRawRules:\n      - rules: |\n"), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(buf_format(yaml, "          %s\n",
                                    raw_lines[(unsigned)rand_r(&seed) % ARRAY_SIZE(raw_lines)]),
                         0);
}

/* VARMOR_GENERATED=1000 makes as many policies. */
START_TEST(apparmor_parser_accepts_policies_at_random)
{
    const char *wanted = getenv("VARMOR_GENERATED");
    unsigned long n = wanted ? strtoul(wanted, NULL, 10) : 12;

    for (unsigned long i = 0; i < n && access(TEST_PARSER, X_OK) == 0; i++) {
        CLEANUP_BUF struct buf yaml = BUF_INIT(65536), text = BUF_INIT(1 << 20);
        CLEANUP_BUF struct buf said = BUF_INIT(1 << 24), own = BUF_INIT(1 << 20);
        CLEANUP(profile_unref) struct profile *p = NULL;

        pick_policy(&yaml, (unsigned)i);
        p = profile_of(buf_text(&yaml));
        format_own_rules(&own, p);
        ck_assert_int_eq(aa_write_preamble(NULL, 0, &text, NULL), 0);
        ck_assert_int_eq(buf_add_text(&text, p->apparmor_text), 0);
        parser_run(buf_text(&text), &said);
        ck_assert_uint_gt(said.len, 1000);
    }
    builtin_rules_unload();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("builder_apparmor");
    TCase *t = tcase_create("builder_apparmor");

    tcase_set_timeout(t, 600); /* for VARMOR_GENERATED=1000 */
    tcase_add_loop_test(t, a_policy_becomes_these_rules_beside_the_base, 0, ARRAY_SIZE(own_rules));
    tcase_add_test(t, the_mode_says_how_much_the_base_denies);
    tcase_add_loop_test(t, apparmor_parser_accepts_every_rule_with_any_switches, 0, 8);
    tcase_add_test(t, apparmor_parser_accepts_policies_at_random);
    suite_add_tcase(s, t);
    return s;
}
