/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/apparmor/glob.h"

/* As apparmor.d(5) and apparmor_parser's automata have it. */
static const struct {
    const char *glob;
    const char *name;
    bool matches;
} globs[] = {
    {"/etc/passwd", "/etc/passwd", true},
    {"/etc/passwd", "/etc/passwd-", false},
    {"/etc/*", "/etc/x", true},
    {"/etc/*", "/etc/", false}, /* at least one character */
    {"/etc/*", "/etc/a/b", false},
    {"/etc/*", "/etc/a/", false},
    {"/etc/*/", "/etc/a/", true},
    {"/etc/**", "/etc/", false},
    {"/etc/**", "/etc/a/b", true},
    {"/etc/**", "/etc/a/", true},
    {"/etc**", "/etc", true},
    {"/etc**", "/etc/x", true},
    {"/e*c/x", "/etc/x", true},
    {"/e*c/x", "/ec/x", true},
    {"/**/sh", "/bin/sh", true},
    {"/**/sh", "/usr/bin/sh", true},
    {"/**/sh", "/sh", false},
    {"/**/sh", "/bin/bash", false},
    {"/a/**/b", "/a/b", false},
    {"/a/**/b", "/a/x/y/b", true},
    {"/x?z", "/xyz", true},
    {"/x?z", "/x/z", false},
    {"/x[ab]", "/xa", true},
    {"/x[^a]z", "/xbz", true},
    {"/x[^a]z", "/x/z", true}, /* a set may match '/' */
    {"/x[!a]z", "/x!z", true}, /* '!' is itself */
    {"/x[!a]z", "/xbz", false},
    {"/x[^/]z", "/x/z", false},
    {"/x[^/]z", "/xyz", true},
    {"/x[a/]z", "/x/z", true},
    {"/x[/]z", "/x/z", true},
    {"/{a,b/c}/d", "/b/c/d", true},
    {"/{a,b/c}/d", "/c/d", false},
    {"/a{,.bak}", "/a", true},
    {"/a\\*", "/a*", true},
    {"/a\\*", "/ab", false},
    {"/a b", "/a b", true},
    {"@{PROC}/kcore", "/proc/kcore", true},
    {"@{PROC}/@{pid}/mem", "/proc/4194304/mem", true},
    {"@{PROC}/@{pid}/mem", "/proc/1/mem", true},
    {"@{PROC}/@{pid}/mem", "/proc/self/mem", false},
    {"@{HOME}/.ssh/**", "/home/me/.ssh/id", true},
    {"@{HOME}/.ssh/**", "/root/.ssh/id", true},
    {"@{HOME}/.ssh/**", "/home/.ssh/id", false},
    {"@{run}/x", "/run/x", true},
    {"@{run}/x", "/var/run/x", true},
    {"@{securityfs}/x", "/sys/kernel/security/x", true},
    {"@{apparmorfs}/x", "/sys/kernel/security/apparmor/x", true},
    {"/usr/lib/@{multiarch}/x", "/usr/lib/x86_64-linux-gnu/x", true},
    {"@{varmor_disks}", "/dev/sda", false}, /* the node's, not known here */
    {"@{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/**",
     "/proc/irq/1/smp_affinity", true},
    {"@{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/**",
     "/proc/12/attr/current", false},
    {"@{PROC}/sys/kernel/{?,??,[^s][^h][^m]**}", "/proc/sys/kernel/core_pattern", true},
    {"@{PROC}/sys/kernel/{?,??,[^s][^h][^m]**}", "/proc/sys/kernel/shmmax", false},
};

START_TEST(a_glob_matches_what_apparmor_says)
{
    ck_assert_int_eq(glob_check(globs[_i].glob, AUTHOR_BUILT_IN, NULL), 0);
    ck_assert_msg(glob_matches(globs[_i].glob, globs[_i].name) == globs[_i].matches, "'%s' on '%s'",
                  globs[_i].glob, globs[_i].name);
}
END_TEST

/* The profile of the cases below; a rule's origin is its text. */
static const struct {
    const char *text;
    unsigned qualifiers;
    unsigned child;
} profile[] = {
    {"/tmp/** rw", 0, 0},
    {"/etc/shadow rw", AA_DENY, 0},
    {"/etc/** w", AA_DENY | AA_AUDIT, 0},
    {"/var/log/** w", AA_AUDIT, 0},
    {"capability sys_admin bpf", AA_DENY, 0},
    {"capability", AA_AUDIT, 0},
    {"network inet tcp", AA_DENY, 0},
    {"network alg", AA_DENY, 0},
    {"network icmp", AA_DENY, 0},
    {"network netlink raw", AA_DENY, 0},
    {"mount fstype=(proc,cgroup*)", AA_DENY, 0},
    {"mount options in (remount,bind) -> /sys/**", AA_DENY, 0},
    {"umount", AA_DENY, 0},
    {"ptrace (read)", AA_DENY, 0},
    {"/etc/** w", AA_DENY, 1},
    {"/srv/** r", AA_DENY, 1},
    {"/var/spool/** a", AA_DENY, 0},
    {"network unix stream", AA_DENY, 0},
    {"remount", AA_DENY, 0},
    {"@{varmor_disks} rw", AA_DENY, 2},
    {"mount @{varmor_disks}", AA_DENY, 2},
    {"mount fstype=securityfs", AA_DENY, 2},
    {"mount options in (bind,rbind,move) /proc** -> /**", AA_DENY, 2},
    {"network unix", AA_DENY, 2},
    {"/**/chmod rx", AA_DENY, 2},
};

static const char *const disks[] = {"/dev/vda", "/dev/vda1"};

static const struct {
    struct aa_access access;
    int rule; /* in profile; -1: none */
} accesses[] = {
    {{.kind = AA_FILE, .name = "/etc/shadow", .permissions = AA_READ}, 1},
    {{.kind = AA_FILE, .name = "/etc/shadow", .permissions = AA_WRITE}, 1},
    {{.kind = AA_FILE, .name = "/etc/passwd", .permissions = AA_WRITE | AA_READ}, 2},
    {{.kind = AA_FILE, .name = "/etc/passwd", .permissions = AA_READ}, -1},
    {{.kind = AA_FILE, .name = "/tmp/x", .permissions = AA_WRITE}, -1},
    {{.kind = AA_FILE, .name = "/var/log/x", .permissions = AA_WRITE}, 3},
    {{.kind = AA_FILE, .name = "/etc/passwd", .permissions = AA_WRITE, .child = 1}, 14},
    {{.kind = AA_FILE, .name = "/srv/x", .permissions = AA_READ}, -1},
    {{.kind = AA_FILE, .name = "/srv/x", .permissions = AA_READ, .child = 1}, 15},
    {{.kind = AA_FILE, .name = "/etc/passwd", .permissions = AA_WRITE, .child = 2}, -1},
    {{.kind = AA_FILE, .name = "/etc/passwd", .permissions = AA_APPEND}, 2},
    {{.kind = AA_FILE, .name = "/var/spool/x", .permissions = AA_APPEND}, 16},
    {{.kind = AA_FILE, .name = "/var/spool/x", .permissions = AA_WRITE}, -1},
    {{.kind = AA_CAPABILITY, .name = "sys_admin"}, 4},
    {{.kind = AA_CAPABILITY, .name = "bpf"}, 4},
    {{.kind = AA_CAPABILITY, .name = "chown"}, 5},
    {{.kind = AA_NETWORK, .family = "inet", .type = "stream", .protocol = "6"}, 6},
    {{.kind = AA_NETWORK, .family = "inet6", .type = "stream"}, -1},
    {{.kind = AA_NETWORK, .family = "alg", .type = "seqpacket"}, 7},
    {{.kind = AA_NETWORK, .family = "inet", .type = "raw"}, 8},
    {{.kind = AA_NETWORK, .family = "inet6", .type = "raw"}, -1},
    {{.kind = AA_NETWORK, .family = "netlink", .type = "raw"}, 9},
    {{.kind = AA_NETWORK, .family = "netlink", .type = "dgram"}, -1},
    {{.kind = AA_MOUNT, .name = "/mnt/", .fstype = "proc"}, 10},
    {{.kind = AA_MOUNT, .name = "/mnt/", .fstype = "cgroup2"}, 10},
    {{.kind = AA_MOUNT, .name = "/mnt/", .fstype = "tmpfs"}, -1},
    {{.kind = AA_MOUNT, .name = "/sys/fs/", .fstype = "tmpfs"}, 11},
    {{.kind = AA_UMOUNT, .name = "/proc/"}, 12},
    {{.kind = AA_PTRACE}, 13},
    {{.kind = AA_SIGNAL}, -1},
    {{.kind = AA_UNIX, .family = "unix", .type = "stream"}, 17},
    {{.kind = AA_UNIX, .family = "unix", .type = "dgram"}, -1},
    {{.kind = AA_MOUNT, .name = "/mnt/", .fstype = "ext4"}, -1}, /* no remount */
    {{.kind = AA_REMOUNT, .name = "/mnt/", .fstype = "ext4"}, 18},
    {{.kind = AA_REMOUNT, .name = "/mnt/", .fstype = "proc"}, 10},
    {{.kind = AA_FILE, .name = "/x", .target = "/etc/shadow", .permissions = AA_EXEC}, 1},
    {{.kind = AA_FILE, .name = "/x", .target = "/bin/chmod", .permissions = AA_LINK, .child = 2},
     24},
    {{.kind = AA_FILE, .name = "/dev/vda1", .permissions = AA_READ, .child = 2}, 19},
    {{.kind = AA_FILE, .name = "/dev/vdb", .permissions = AA_READ, .child = 2}, -1},
    {{.kind = AA_MOUNT, .source = "/dev/vda", .fstype = "ext4", .name = "/m/", .child = 2}, 20},
    {{.kind = AA_MOUNT, .source = "/dev/vdb", .fstype = "ext4", .name = "/m/", .child = 2}, -1},
    {{.kind = AA_MOUNT, .source = "none", .fstype = "securityfs", .name = "/m/", .child = 2}, 21},
    {{.kind = AA_MOUNT, .source = "/proc/", .name = "/m/", .child = 2}, 22},
    {{.kind = AA_UNIX, .family = "unix", .type = "stream", .child = 2}, 23},
};

START_TEST(an_access_leads_to_the_rule_that_decided)
{
    struct aa_rule items[ARRAY_SIZE(profile)] = {{0}};
    struct aa_rules rules = {items, ARRAY_SIZE(profile)};
    struct aa_access access = accesses[_i].access;
    const struct aa_rule *found;
    int wanted = accesses[_i].rule;

    access.disks = disks;
    access.n_disks = ARRAY_SIZE(disks);
    for (size_t i = 0; i < rules.n; i++) {
        ck_assert_int_eq(aa_rule_parse(&items[i], profile[i].text, NULL), 0);
        items[i].qualifiers = profile[i].qualifiers;
        items[i].child = profile[i].child;
    }
    found = aa_rules_find(&rules, &access);
    ck_assert_msg(found == (wanted < 0 ? NULL : &items[wanted]), "found '%s'",
                  found ? found->text : "none");
    for (size_t i = 0; i < rules.n; i++)
        aa_rule_done(&items[i]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("aa_rules_find");
    TCase *c = tcase_create("aa_rules_find");

    tcase_add_loop_test(c, a_glob_matches_what_apparmor_says, 0, ARRAY_SIZE(globs));
    tcase_add_loop_test(c, an_access_leads_to_the_rule_that_decided, 0, ARRAY_SIZE(accesses));
    suite_add_tcase(s, c);
    return s;
}
