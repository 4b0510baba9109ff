/* SPDX-License-Identifier: Apache-2.0 */
#include "test/apparmor/profile_cases.h"

#include <stdio.h>
#include <string.h>

#include "lib/policy/findings.h"

#define MAX_TEXTS 64

/* Built-in rules of every class that they use. */
#define BUILT_IN                                                                                   \
    {                                                                                              \
        "/proc/sys/kernel/core_pattern w", "mount fstype=securityfs",                              \
            "mount options in (bind,rbind,move) /proc** -> /**",                                   \
            "mount options in (remount,bind,rbind) -> /proc**", "@{varmor_disks} rw",              \
            "mount @{varmor_disks}", "umount", "capability sys_module", "capability",              \
            "ptrace (read)", "/proc/**/mountinfo r", "/**/.ssh/** rw", "/**/sh rx", "network",     \
            "network inet6", "network icmp", "network tcp", "network alg",                         \
            "/**/containerd.sock rw", "/**/devices/**/tasks w"                                     \
    }
#define RAW                                                                                        \
    "# comments go, rules stay\n"                                                                  \
    "deny /etc/shadow rw, audit /etc/** w,\n"                                                      \
    "owner @{HOME}/.ssh/** rw,\n"                                                                  \
    "\"/srv/two words/**\" rwkl,\n"                                                                \
    "/opt/{a,b}/bin/* rix,\n"                                                                      \
    "deny /opt/x rwklx,\n"                                                                         \
    "link subset /srv/a -> /srv/b,\n"                                                              \
    "audit deny capability sys_admin bpf,\n"                                                       \
    "deny network netlink raw,\n"                                                                  \
    "deny mount fstype=(proc, sysfs) options in (ro, nosuid) -> /mnt/**,\n"                        \
    "remount /mnt/, deny umount /proc/**,\n"                                                       \
    "pivot_root oldroot=/old/ /new/,\n"                                                            \
    "ptrace (trace) peer=unconfined,\n"                                                            \
    "signal (send) set=(term, rtmin+1) peer=@{profile_name},\n"                                    \
    "dbus (send) bus=session path=/a interface=b.c member=D peer=(name=e.f),\n"                    \
    "unix (send, receive) type=stream addr=@x peer=(label=unconfined),\n"                          \
    "set rlimit nofile <= 1024,\n"

static const struct {
    const char *name;
    enum aa_template base;
    unsigned qualifiers;
    const char *rules[MAX_TEXTS];
    const char *raw;
    const char *targets[4]; /* of the one child; its raw rules are child_raw */
    const char *child_rules[4];
    const char *child_raw;
} cases[] = {
    {.name = "always-allow", .base = AA_TEMPLATE_ALLOW_ALL, .qualifiers = AA_DENY},
    {.name = "runtime-default", .base = AA_TEMPLATE_RUNTIME_DEFAULT, .qualifiers = AA_DENY},
    {.name = "deny", .base = AA_TEMPLATE_RUNTIME_DEFAULT, .qualifiers = AA_DENY, .rules = BUILT_IN},
    {.name = "audit-deny",
     .base = AA_TEMPLATE_RUNTIME_DEFAULT,
     .qualifiers = AA_DENY | AA_AUDIT,
     .rules = BUILT_IN},
    {.name = "audit",
     .base = AA_TEMPLATE_RUNTIME_DEFAULT,
     .qualifiers = AA_AUDIT,
     .rules = BUILT_IN},
    {.name = "neither", .base = AA_TEMPLATE_RUNTIME_DEFAULT, .qualifiers = 0, .rules = BUILT_IN},
    {.name = "privileged",
     .base = AA_TEMPLATE_ALLOW_ALL,
     .qualifiers = AA_DENY,
     .rules = BUILT_IN,
     .raw = RAW},
    {.name = "raw", .base = AA_TEMPLATE_RUNTIME_DEFAULT, .qualifiers = AA_DENY, .raw = RAW},
    {.name = "targets",
     .base = AA_TEMPLATE_RUNTIME_DEFAULT,
     .qualifiers = AA_DENY | AA_AUDIT,
     .rules = {"/**/wget rx"},
     .raw = "deny /etc/** w,",
     .targets = {"/bin/bash", "/usr/bin/two words"},
     .child_rules = {"/run/secrets/kubernetes.io/serviceaccount/** r"},
     .child_raw = "audit deny /tmp/** w,"},
    {.name = "privileged-targets",
     .base = AA_TEMPLATE_ALLOW_ALL,
     .qualifiers = AA_AUDIT,
     .rules = {"/**/wget rx"},
     .targets = {"/bin/bash"},
     .child_rules = {"network"}},
};
const size_t profile_n_cases = ARRAY_SIZE(cases);

const char *profile_case_name(size_t i)
{
    return cases[i].name;
}

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "profile case: %s\n", what);
    exit(2);
}

void profile_case_rules(struct aa_rules *ret, const char *const *texts, size_t n,
                        const char *origin)
{
    char text[128];

    *ret = (struct aa_rules){calloc(n + 1, sizeof(*ret->items)), n};
    demand(ret->items, "no memory");
    for (size_t i = 0; i < n; i++) {
        demand(aa_rule_parse(&ret->items[i], texts[i], NULL) == 0, texts[i]);
        snprintf(text, sizeof(text), "%s[%zu]", origin, i);
        ret->items[i].origin = strdup(text);
    }
}

static void read_raw(struct aa_rules *ret, const char *text, const char *field)
{
    struct findings findings = {0};
    char origin[128];

    *ret = (struct aa_rules){0};
    if (!text)
        return;
    demand(aa_rules_parse(ret, text, strlen(text), 1, 1, &findings) == 0,
           findings.n > 0 ? findings.items[0].message : text);
    for (size_t i = 0; i < ret->n; i++) {
        snprintf(origin, sizeof(origin), "%s (line %u, column %u)", field, ret->items[i].line,
                 ret->items[i].column);
        ret->items[i].origin = strdup(origin);
    }
    findings_done(&findings);
}

static size_t count(const char *const *texts, size_t max)
{
    size_t n = 0;

    while (n < max && texts[n])
        n++;
    return n;
}

void profile_case_write(size_t i, struct buf *out)
{
    struct aa_rules rules, raw, child_rules, child_raw;
    char name[64];
    struct aa_child child = {cases[i].targets, count(cases[i].targets, 4), &child_rules,
                             &child_raw};
    struct aa_profile p = {
        .name = name,
        .base = cases[i].base,
        .qualifiers = cases[i].qualifiers,
        .rules = &rules,
        .raw = &raw,
        .children = &child,
        .n_children = child.n_targets > 0,
    };

    snprintf(name, sizeof(name), "varmor-test-%s", cases[i].name);
    profile_case_rules(&rules, cases[i].rules, count(cases[i].rules, MAX_TEXTS), "rules");
    profile_case_rules(&child_rules, cases[i].child_rules, count(cases[i].child_rules, 4),
                       "attackProtectionRules");
    read_raw(&raw, cases[i].raw, "appArmorRawRules[0]");
    read_raw(&child_raw, cases[i].child_raw, "appArmorRawRules[1]");
    demand(aa_profile_write(&p, out) == 0, cases[i].name);
    aa_rules_done(&rules);
    aa_rules_done(&raw);
    aa_rules_done(&child_rules);
    aa_rules_done(&child_raw);
}
