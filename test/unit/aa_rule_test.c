/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/policy/findings.h"

/* What is read, and how it is written. */
static const struct {
    const char *text;
    const char *written;
} accepted[] = {
    {"/etc/passwd r,", "/etc/passwd r,\n"},
    {"r /etc/passwd,", "/etc/passwd r,\n"},
    {"file /x wr,", "/x rw,\n"},
    {"file rw /x,", "/x rw,\n"},
    {"file,", "file,\n"},
    {"owner file,", "owner file,\n"},
    {"audit deny owner /home/** mlkawr,", NULL}, /* w and a */
    {"audit deny owner /home/** xmlkwr,", "audit deny owner /home/** rwklmx,\n"},
    {"owner audit allow /x a,", "audit allow owner /x a,\n"},
    {"/bin/* rix,", "/bin/* rix,\n"},
    {"/{a,b,{c,d}}/[a-c]?[^x]*/** r,", "/{a,b,{c,d}}/[a-c]?[^x]*/** r,\n"},
    {"\"/a b\" r,", "\"/a b\" r,\n"},
    {"/a\\ b r,", "\"/a b\" r,\n"},
    {"\"/a\\\"b\" r,", "\"/a\\\"b\" r,\n"},
    {"\"/plain\" r,", "/plain r,\n"},
    {"/a\\*\\[b\\{ r,", "\"/a\\*\\[b\\{\" r,\n"},
    {"\"/a,b\" r,", "\"/a,b\" r,\n"},
    {"/{a,,b} r,", "\"/{a,,b}\" r,\n"}, /* apparmor_parser would end the rule at ",," */
    {"/x#y r, # a comment, /evil rwix,\n", "\"/x#y\" r,\n"},
    {"# first\n  # second\n/x r,", "/x r,\n"},
    {"/\xc3\xa9 r,", "\"/\xc3\xa9\" r,\n"},
    {"/x=y r,", "\"/x=y\" r,\n"},
    {"@{PROC}/@{pid}/mem r,", "@{PROC}/@{pid}/mem r,\n"},
    {"@{HOME}/.ssh/** rw,", "@{HOME}/.ssh/** rw,\n"},
    {"link /a -> /b,", "link /a -> /b,\n"},
    {"l /a -> /b,", "link /a -> /b,\n"},
    {"deny link subset /a -> /b,", "deny link subset /a -> /b,\n"},
    {"/a l,", "/a l,\n"},
    {"capability,", "capability,\n"},
    {"capability bpf chown bpf,", "capability chown bpf,\n"},
    {"deny capability checkpoint_restore,", "deny capability checkpoint_restore,\n"},
    {"network,", "network,\n"},
    {"network inet tcp,", "network inet tcp,\n"},
    {"network icmp,", "network icmp,\n"},
    {"network netlink raw,", "network netlink raw,\n"},
    {"mount,", "mount,\n"},
    {"mount fstype=proc,", "mount fstype=proc,\n"},
    {"mount options in (bind, rbind move) /proc** -> /**,",
     "mount options in (bind,rbind,move) /proc** -> /**,\n"},
    {"mount options = (remount) -> /x,", "mount options=(remount) -> /x,\n"},
    {"mount options in (ro,rw),", "mount options in (ro,rw),\n"},
    {"mount options=(private) -> /x,", "mount options=(private) -> /x,\n"},
    {"mount options=(bind,ro) fstype=x,", "mount options=(bind,ro) fstype=x,\n"},
    {"mount proc -> \"/a b/\",", "mount \"proc\" -> \"/a b/\",\n"},
    {"mount fstype=(a,\"b c\") fstype=d,", "mount fstype=(a,\"b c\") fstype=d,\n"},
    {"remount /x/,", "remount /x/,\n"},
    {"unmount /x/**,", "umount /x/**,\n"},
    {"pivot_root oldroot=/a/ /b/,", "pivot_root oldroot=/a/ /b/,\n"},
    {"ptrace read peer=unconfined,", "ptrace (read) peer=unconfined,\n"},
    {"signal (send receive) set=(kill, \"exists\" rtmin+32) peer=a//b,",
     "signal (send, receive) set=(kill,exists,rtmin+32) peer=a//b,\n"},
    {"dbus send bus=session peer=(label=b name=a),",
     "dbus (send) bus=session peer=(label=b, name=a),\n"},
    {"unix (create) type=stream addr=@x*,", "unix (create) type=stream addr=@x*,\n"},
    {"ptrace peer={a,b},", "ptrace peer=\"{a,b}\",\n"},
    {"unix type=(dgram),", "unix type=dgram,\n"},
    {"/[a\\-b] r,", "\"/[a\\-b]\" r,\n"},
    {"userns (create),", "userns create,\n"},
    {"deny userns create,", "deny userns create,\n"},
    {"io_uring (sqpoll) label=x,", "io_uring (sqpoll) label=x,\n"},
    {"mqueue (read) type=posix /q,", "mqueue (read) type=posix /q,\n"},
    {"set rlimit nofile <= 10,", "set rlimit nofile <= 10,\n"},
    {"set rlimit nice <= -20,", "set rlimit nice <= -20,\n"},
    {"set rlimit data <= 100M,", "set rlimit data <= 100M,\n"},
};

/* Reads one rule of a user's text and writes it; NULL: it was refused. */
static char *rewritten(const char *text)
{
    struct findings findings = {0};
    struct aa_rules rules = {0};
    struct buf out = BUF_INIT(AA_MAX_TEXT);
    int r = aa_rules_parse(&rules, text, strlen(text), 1, 1, &findings);

    ck_assert_int_eq(r, findings.n_errors > 0 ? -EINVAL : 0);
    findings_done(&findings);
    if (r < 0)
        return NULL;
    ck_assert_uint_eq(rules.n, 1);
    ck_assert_int_eq(aa_rule_write(&rules.items[0], false, 0, 0, &out), 0);
    aa_rules_done(&rules);
    return (char *)out.data;
}

START_TEST(a_rule_is_written_in_its_canonical_form)
{
    CLEANUP_FREE char *once = rewritten(accepted[_i].text);
    CLEANUP_FREE char *twice = NULL;

    if (!accepted[_i].written) {
        ck_assert_ptr_null(once);
        return;
    }
    ck_assert_msg(once != NULL, "'%s' was refused", accepted[_i].text);
    ck_assert_str_eq(once, accepted[_i].written);
    twice = rewritten(once);
    ck_assert_ptr_nonnull(twice);
    ck_assert_str_eq(twice, once);
}
END_TEST

/* The first finding, without its list of what is allowed. */
static const struct {
    const char *text;
    unsigned line, column;
    const char *message;
} refused[] = {
    {"/etc/passwd r\n}\n", 2, 1, "'}': blocks are refused; rules follow each other"},
    {"/x r,\n} profile evil { /** rwix,", 2, 1, "'}': blocks are refused"},
    {"/x r } ,", 1, 6, "'}': blocks are refused"},
    {"/x {", 1, 4, "'{' is no access to a file"},
    {"profile evil { file, }", 1, 1, "a rule may not open a profile"},
    {"hat x {}", 1, 1, "hats are refused"},
    {"^x {}", 1, 1, "hats are refused"},
    {"change_profile -> unconfined,", 1, 1, "change_profile is refused"},
    {"deny change_profile,", 1, 6, "change_profile is refused"},
    {"#include <abstractions/base>\n", 1, 1, "includes are refused"},
    {"/x r, #include <abstractions/base>\n", 1, 7, "includes are refused"},
    {"include \"/etc/shadow\"", 1, 1, "includes are refused"},
    {"include if exists <x>,", 1, 1, "includes are refused"},
    {"alias /a -> /b,", 1, 1, "aliases are refused"},
    {"abi <abi/3.0>,", 1, 1, "abi is refused"},
    {"@{X}=/a /b\n", 1, 1, "'@{X}=/a': '@{X}' is no variable that is known"},
    {"$X = true\n", 1, 1, "'$X' begins no rule"},
    {"audit { /x r, }", 1, 7, "'{': blocks are refused"},
    {"all,", 1, 1, "'all' is refused"},
    {"priority=5 /x r,", 1, 1, "priorities are refused"},
    {"/bin/x px,", 1, 8, "'px' would lead to another profile"},
    {"/bin/x Ux,", 1, 8, "'Ux' would lead to another profile"},
    {"/bin/x cx -> child_0,", 1, 8, "'cx' would lead to another profile"},
    {"/bin/x ix -> other,", 1, 11, "'->' is refused here"},
    {"pivot_root /x/ -> other,", 1, 16, "'->' is refused here"},
    {"/bin/x x,", 1, 8, "'x' wants 'deny' in front of the rule"},
    {"deny /bin/x ix,", 1, 13, "a rule with 'deny' says 'x', not 'ix'"},
    {"deny file,", 1, 10, "'deny file' is nothing that AppArmor knows"},
    {"/x wa,", 1, 4, "'wa': 'w' holds 'a'"},
    {"/x rz,", 1, 4, "'rz' is no access to a file"},
    {"/x,", 1, 3, "',' is no access to a file"},
    {"/a b r,", 1, 4, "'b' is no access to a file"},
    {"/x r", 1, 1, "the rule does not end with a comma"},
    {"/x r\n/y r,", 2, 1, "'/y' stands where a comma belongs"},
    {"relative r,", 1, 1, "'relative' begins no rule"},
    {"\"relative\" r,", 1, 1, "'relative' is no absolute path"},
    {"@{pid}/x r,", 1, 1, "'@{pid}/x' is no absolute path"},
    {"@{varmor_disks} r,", 1, 1,
     "'@{varmor_disks}': '@{varmor_disks}' is no variable that is known"},
    {"@{proc}/x r,", 1, 1, "'@{proc}/x': '@{proc}' is no variable that is known"},
    {"/{{.DiskDevices}} r,", 1, 1, "'/{{.DiskDevices}}': {} wants at least two alternatives"},
    {"/a{b r,", 1, 1, "'/a{b': '{' is never closed"},
    {"/a}b r,", 1, 1, "'/a}b': '}' without '{'"},
    {"/a[b r,", 1, 1, "'/a[b': '[' is never closed"},
    {"/a[]b r,", 1, 1, "'/a[]b': [] has no characters in it"},
    {"/a[z-a] r,", 1, 1, "'/a[z-a]': the range's end in '[z-a' comes before its beginning"},
    {"/a]b r,", 1, 1, "'/a]b': ']' without '['"},
    {"/a\\000b r,", 1, 3, "'\\' may stand before one of"},
    {"/a\\", 1, 3, "'\\' may stand before one of"},
    {"\"/unclosed r,\n/x r,", 1, 1, "the quote is not closed in its line"},
    {"  /\xff r,", 1, 4, "byte 0xff is no UTF-8"},
    {"\n /\xc3\xa9\x01 r,", 2, 4, "byte 0x01 is a control character"},
    {"capability sys_admn,", 1, 12, "'sys_admn' is not a capability"},
    {"capability sys_admin sys_admn,", 1, 22, "'sys_admn' is not a capability"},
    {"capabilty chown,", 1, 1, "'capabilty' begins no rule"},
    {"network inet icmp tcp,", 1, 19, "'tcp' stands where a comma belongs"},
    {"network inet6 icmp,", 1, 15, "family 'inet6' has no protocol 'icmp'"},
    {"network ine,", 1, 9, "'ine' is no type"},
    {"mount fstyp=proc,", 1, 7, "'fstyp=' is no condition of this rule"},
    {"mount options=(ro,bnd),", 1, 19, "'bnd' is not a mount option"},
    {"mount options=(ro,rw),", 1, 19, "'rw' and its opposite never hold together"},
    {"mount options=(private) /x,", 1, 27, "remount, private and the like have no source"},
    {"mount fstype=x options in (bind,move),", 1, 38, "bind, move, remount, private and the like"},
    {"remount fstype=proc /x/,", 1, 24, "a remount has no file system type"},
    {"mount options=lazytime,", 1, 15, "'lazytime' is not a mount option"},
    {"mount fstype proc,", 1, 14, "'proc' stands where '=' belongs"},
    {"mount -> /x -> /y,", 1, 13, "'->' stands where a comma belongs"},
    {"mount -> x,", 1, 10, "'x' is no absolute path"},
    {"signal (sned),", 1, 9, "'sned' is not an access of signal"},
    {"signal set=(kil),", 1, 13, "'kil' is not a signal"},
    {"signal set=rtmin+33,", 1, 12, "'rtmin+33' is not a signal"},
    {"signal peer=a peer=b,", 1, 15, "'peer=' stands here a second time"},
    {"userns (create create),", 1, 16, "more than 1 accesses"},
    {"ptrace (),", 1, 9, "() holds no access"},
    {"unix (bind) peer=(label=x),", 1, 27, "a unix rule with peer= may not say 'bind'"},
    {"unix peer=(name=x),", 1, 12, "'name=' is no condition of this rule"},
    {"unix type=(stream dgram),", 1, 19, "'type=' takes at most 1"},
    {"unix peer=(),", 1, 12, "peer=() says nothing"},
    {"dbus name=x path=/y,", 1, 20, "a dbus rule with name= (a service) may not say"},
    {"dbus bind path=/y,", 1, 18, "'bind' is for services"},
    {"owner capability chown,", 1, 1, "'owner' is for files"},
    {"audit set rlimit core <= 0,", 1, 1, "'set rlimit' takes no qualifier"},
    {"set rlimit core <= ten,", 1, 20, "'ten' is no value of 'core'"},
    {"set rlimit core < 1,", 1, 17, "'<' stands where '<=' belongs"},
    {"set x,", 1, 5, "'x' stands where 'rlimit' belongs"},
    {"deny allow /x r,", 1, 6, "'allow' and 'deny' exclude each other"},
    {"deny deny /x r,", 1, 6, "'deny' stands here a second time"},
    {",", 1, 1, "',' begins no rule"},
    {"-> /x,", 1, 1, "'->' begins no rule"},
    {"link /a,", 1, 8, "',' stands where '->' and the link's target belong"},
};

START_TEST(a_bad_rule_is_refused_with_the_place_and_the_reason)
{
    const char *text = refused[_i].text, *wanted = refused[_i].message;
    struct findings findings = {0};
    struct aa_rules rules = {0};

    ck_assert_int_eq(aa_rules_parse(&rules, text, strlen(text), 1, 1, &findings), -EINVAL);
    ck_assert_ptr_null(rules.items);
    ck_assert_uint_ge(findings.n, 1);
    ck_assert_msg(strncmp(findings.items[0].message, wanted, strlen(wanted)) == 0, "'%s': %s", text,
                  findings.items[0].message);
    ck_assert_msg(findings.items[0].line == refused[_i].line &&
                      findings.items[0].column == refused[_i].column,
                  "'%s': at %u:%u", text, findings.items[0].line, findings.items[0].column);
    findings_done(&findings);
}
END_TEST

START_TEST(every_bad_rule_of_a_text_is_told_once)
{
    static const char text[] = "/good r,\ncapability foo bar baz,\n/x rz,\n/also/good w,\nmoutn,\n";
    static const unsigned lines[] = {2, 3, 5};
    struct findings findings = {0};
    struct aa_rules rules = {0};

    ck_assert_int_eq(aa_rules_parse(&rules, text, strlen(text), 1, 1, &findings), -EINVAL);
    ck_assert_uint_eq(findings.n, ARRAY_SIZE(lines));
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        ck_assert_uint_eq(findings.items[i].line, lines[i]);
    ck_assert_ptr_nonnull(strstr(findings.items[2].message, "did you mean 'mount'?"));
    findings_done(&findings);
}
END_TEST

START_TEST(positions_are_those_of_the_users_file)
{
    static const char text[] = "/a r,\n  /\xc3\xa9 r, /b rz,";
    struct findings findings = {0};
    struct aa_rules rules = {0};

    ck_assert_int_eq(aa_rules_parse(&rules, text, strlen(text), 10, 7, &findings), -EINVAL);
    ck_assert_uint_eq(findings.items[0].line, 11);
    ck_assert_uint_eq(findings.items[0].column, 12); /* in characters */
    findings_done(&findings);
    ck_assert_int_eq(aa_rules_parse(&rules, "/a r, /b r,", 11, 10, 7, &findings), 0);
    ck_assert_uint_eq(rules.items[0].line, 10);
    ck_assert_uint_eq(rules.items[0].column, 7);
    ck_assert_uint_eq(rules.items[1].column, 13);
    aa_rules_done(&rules);
    findings_done(&findings);
}
END_TEST

static const struct {
    const char *text;
    unsigned qualifiers;
    const char *written;
} switched[] = {
    {"/bin/sh rx", AA_DENY, "deny /bin/sh rx,\n"},
    {"/bin/sh rx", AA_DENY | AA_AUDIT, "audit deny /bin/sh rx,\n"},
    {"/bin/sh rx", AA_AUDIT, "audit /bin/sh rix,\n"},
    {"/bin/sh rx", 0, "/bin/sh rix,\n"},
    {"owner /x rwklx", 0, "owner /x rwklix,\n"},
    {"mount fstype=proc", AA_DENY, "deny mount fstype=proc,\n"},
    {"mount fstype=proc", 0, "mount fstype=proc,\n"},
    {"@{varmor_disks} rw", AA_DENY, "deny @{varmor_disks} rw,\n"},
    {"mount @{varmor_disks}", AA_DENY, "deny mount @{varmor_disks},\n"},
};

START_TEST(the_switches_of_a_policy_replace_deny_and_audit)
{
    CLEANUP_BUF struct buf out = BUF_INIT(AA_MAX_RULE_BYTES);
    struct aa_rule rule = {0};

    ck_assert_int_eq(aa_rule_parse(&rule, switched[_i].text, NULL), 0);
    ck_assert_int_eq(aa_rule_write(&rule, true, switched[_i].qualifiers, 0, &out), 0);
    ck_assert_str_eq(buf_text(&out), switched[_i].written);
    aa_rule_done(&rule);
}
END_TEST

START_TEST(a_rule_file_names_one_rule_of_its_own_kind)
{
    CLEANUP(error_free) struct error *two = NULL, *every = NULL, *bad = NULL;
    struct aa_rule rule = {0};

    ck_assert_int_eq(aa_rule_parse(&rule, "/x r, /y r", &two), -EINVAL);
    ck_assert_str_eq(error_message(two),
                     "rule '/x r, /y r', column 7: '/y' follows the rule: one rule only");
    ck_assert_int_eq(aa_rule_parse(&rule, "file", &every), -EINVAL);
    ck_assert_int_eq(aa_rule_parse(&rule, "/x rz", &bad), -EINVAL);
    ck_assert_str_eq(error_message(bad), "rule '/x rz', column 4: 'rz' is no access to a file: "
                                         "letters of r, w, a, k, l, m, ix");
}
END_TEST

START_TEST(a_rule_keeps_what_it_says_as_values)
{
    struct aa_rule rule = {0}, copy = {0};

    ck_assert_int_eq(aa_rule_parse(&rule, "owner /a/** rwl", NULL), 0);
    ck_assert_int_eq(rule.kind, AA_FILE);
    ck_assert_uint_eq(rule.qualifiers, AA_OWNER);
    ck_assert_uint_eq(rule.file.permissions, AA_READ | AA_WRITE | AA_LINK);
    ck_assert_str_eq(rule.file.path, "/a/**");
    ck_assert_str_eq(rule.text, "/a/** rwl");
    aa_rule_done(&rule);

    ck_assert_int_eq(aa_rule_parse(&rule, "mount fstype in (proc, sysfs) -> /x/", NULL), 0);
    ck_assert_int_eq(aa_rule_copy(&copy, &rule), 0);
    aa_rule_done(&rule);
    ck_assert_int_eq(copy.kind, AA_MOUNT);
    ck_assert_str_eq(copy.mount.fstypes, "proc\nsysfs");
    ck_assert_str_eq(copy.mount.point, "/x/");
    aa_rule_done(&copy);

    ck_assert_int_eq(aa_rule_parse(&rule, "capability checkpoint_restore chown", NULL), 0);
    ck_assert_uint_eq(rule.capabilities, (1ULL << 40) | 1);
    aa_rule_done(&rule);

    ck_assert_int_eq(aa_rule_parse(&rule, "network ieee802154 seqpacket", NULL), 0);
    ck_assert_str_eq(rule.network.family, "ieee802154");
    ck_assert_str_eq(rule.network.type, "seqpacket");
    ck_assert_str_eq(rule.network.protocol, "");
    aa_rule_done(&rule);
}
END_TEST

START_TEST(an_origin_stays_on_its_line)
{
    CLEANUP_BUF struct buf out = BUF_INIT(AA_MAX_RULE_BYTES);
    struct aa_rule rule = {0};

    ck_assert_int_eq(aa_rule_parse(&rule, "/x r", NULL), 0);
    rule.origin = strdup("a\n} profile evil { file,\xff");
    ck_assert_int_eq(aa_rule_write(&rule, false, 0, 1, &out), 0);
    ck_assert_str_eq(buf_text(&out), "    /x r, # a?} profile evil { file,?\n");
    aa_rule_done(&rule);
}
END_TEST

/* n times one rule. */
static struct buf repeated(const char *text, size_t n)
{
    struct buf b = BUF_INIT(2 * AA_MAX_TEXT);

    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(buf_add_text(&b, text), 0);
    return b;
}

static void check_limit(const char *text, size_t n, int wanted, const char *message)
{
    CLEANUP_BUF struct buf b = repeated(text, n);
    struct findings findings = {0};
    struct aa_rules rules = {0};

    ck_assert_int_eq(aa_rules_parse(&rules, (const char *)b.data, b.len, 1, 1, &findings), wanted);
    if (message) {
        ck_assert_uint_eq(findings.n, 1);
        ck_assert_str_eq(findings.items[0].message, message);
    }
    aa_rules_done(&rules);
    findings_done(&findings);
}

START_TEST(the_limits_of_a_text_hold_at_the_ceiling_and_one_past_it)
{
    check_limit("/a r,\n", AA_MAX_RULES, 0, NULL);
    check_limit("/a r,\n", AA_MAX_RULES + 1, -EINVAL, "more than 4096 rules");
    check_limit(" ", AA_MAX_TEXT, 0, NULL);
    check_limit(" ", AA_MAX_TEXT + 1, -EINVAL, "the text has 262145 bytes, more than 262144");
}
END_TEST

START_TEST(a_long_rule_is_refused)
{
    struct findings findings = {0};
    struct aa_rules rules = {0};
    CLEANUP_BUF struct buf path = repeated("/aaaaaaaaa", AA_MAX_RULE_BYTES / 10 + 1);

    ck_assert_int_eq(buf_add_text(&path, " r,"), 0);
    ck_assert_int_eq(aa_rules_parse(&rules, buf_text(&path), path.len, 1, 1, &findings), -EINVAL);
    ck_assert_uint_eq(findings.n, 1);
    ck_assert_str_eq(findings.items[0].message, "a word is longer than 8192 bytes");
    findings_done(&findings);
}
END_TEST

static const struct {
    const char *path;
    const char *message; /* NULL: fine */
} targets[] = {
    {"/bin/sh", NULL},
    {"/usr/bin/a program", NULL},
    {"/usr/bin/\xc3\xa9", NULL},
    {"bin/sh", "target 'bin/sh' is no absolute path"},
    {"", "target '' is no absolute path"},
    {"/bin/", "target '/bin/' is a folder: name a program"},
    {"/bin/*", "target '/bin/*': '*' at byte 6: a target is one program, without patterns, "
               "variables and quotes"},
    {"/bin/{a,b}", "target '/bin/{a,b}': '{' at byte 6: a target is one program, without patterns, "
                   "variables and quotes"},
    {"@{HOME}/x", "target '@{HOME}/x' is no absolute path"},
    {"/bin/\n", "target '/bin/\\x0a': byte 6 is a control character or no UTF-8"},
};

START_TEST(a_target_is_one_program)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(aa_check_target(targets[_i].path, &e), targets[_i].message ? -EINVAL : 0);
    if (targets[_i].message)
        ck_assert_str_eq(error_message(e), targets[_i].message);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("aa_rule");
    TCase *c = tcase_create("aa_rule");

    tcase_add_loop_test(c, a_rule_is_written_in_its_canonical_form, 0, ARRAY_SIZE(accepted));
    tcase_add_loop_test(c, a_bad_rule_is_refused_with_the_place_and_the_reason, 0,
                        ARRAY_SIZE(refused));
    tcase_add_test(c, every_bad_rule_of_a_text_is_told_once);
    tcase_add_test(c, positions_are_those_of_the_users_file);
    tcase_add_loop_test(c, the_switches_of_a_policy_replace_deny_and_audit, 0,
                        ARRAY_SIZE(switched));
    tcase_add_test(c, a_rule_file_names_one_rule_of_its_own_kind);
    tcase_add_test(c, a_rule_keeps_what_it_says_as_values);
    tcase_add_test(c, an_origin_stays_on_its_line);
    tcase_add_test(c, the_limits_of_a_text_hold_at_the_ceiling_and_one_past_it);
    tcase_add_test(c, a_long_rule_is_refused);
    tcase_add_loop_test(c, a_target_is_one_program, 0, ARRAY_SIZE(targets));
    suite_add_tcase(s, c);
    return s;
}
