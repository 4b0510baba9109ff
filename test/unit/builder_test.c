/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "profiles/builder.h"
#include "profiles/rules.h"
#include "test/unit/policy_text.h"

#define CLEANUP_NOTES __attribute__((cleanup(builder_notes_done)))

/* ---- A profile's rules as text, one line each ---- */

static void format_ports(struct buf *out, const struct rule *r)
{
    for (size_t i = 0; i < r->egress.n_ports; i++)
        ck_assert_int_eq(
            buf_format(out, " %u-%u", r->egress.ports[i].first, r->egress.ports[i].last), 0);
}

static void format_content(struct buf *out, const struct rule *r)
{
    char text[ADDR_TEXT_SIZE];
    int n = 0;

    switch (r->kind) {
    case RULE_FILE:
    case RULE_EXEC:
        n = buf_format(out, "%s %u", r->path.pattern, r->path.permissions);
        break;
    case RULE_CAPABILITY:
        n = buf_format(out, "0x%" PRIx64, r->capability.mask);
        break;
    case RULE_SOCKET:
        n = buf_format(out, "0x%" PRIx64 " 0x%x 0x%x", r->socket.domains, r->socket.types,
                       r->socket.protocols);
        break;
    case RULE_EGRESS:
        n = buf_format(out, "%s",
                       r->egress.block.family == ADDR_NONE ? "any"
                                                           : addr_format(&r->egress.block, text));
        format_ports(out, r);
        break;
    case RULE_PTRACE:
        n = buf_format(out, "%u%s", r->ptrace.permissions, r->ptrace.strict ? " strict" : "");
        break;
    case RULE_MOUNT:
        n = buf_format(out, "%s %s 0x%x 0x%x", r->mount.pattern, r->mount.fstype, r->mount.flags,
                       r->mount.reverse_flags);
        break;
    case RULE_NONE:
    case RULE_KINDS:
        ck_abort_msg("a rule without a kind");
    }
    ck_assert_int_eq(n, 0);
}

static void format_rules(struct buf *out, const struct profile *p)
{
    static const char *const modes[] = {"never", "deny", "audit", "deny+audit"};

    for (size_t i = 0; i < p->n_rules; i++) {
        const struct rule *r = &p->rules[i];

        ck_assert_int_eq(
            buf_format(out, "%s %s [%s] ", modes[r->mode], rule_kind_name(r->kind), r->origin), 0);
        format_content(out, r);
        ck_assert_int_eq(buf_add_text(out, "\n"), 0);
    }
}

/* ---- Policies ---- */

#define POLICY(mode, rest)                                                                         \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: web, namespace: shop}\n"                                                     \
    "spec:\n  target: {kind: Pod, name: p}\n  policy:\n    enforcer: BPF\n    mode: " mode         \
    "\n" rest
/* The same for all three enforcers. */
#define ALL_ENFORCERS(rest)                                                                        \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: web, namespace: shop}\n"                                                     \
    "spec:\n  target: {kind: Pod, name: p}\n  policy:\n    enforcer: AppArmorBPFSeccomp\n"         \
    "    mode: EnhanceProtect\n    enhanceProtect:\n" rest
#define APPARMOR(rest)                                                                             \
    "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\n"                                     \
    "metadata: {name: web, namespace: shop}\n"                                                     \
    "spec:\n  target: {kind: Pod, name: p}\n  policy:\n    enforcer: AppArmor\n"                   \
    "    mode: EnhanceProtect\n    enhanceProtect:\n" rest
#define ENHANCE(rest) POLICY("EnhanceProtect", "    enhanceProtect:\n" rest)

#define BASE(mode)                                                                                 \
    mode " file [base] /proc/sysrq-trigger 14\n" mode " file [base] /proc/**/mem 14\n" mode        \
         " file [base] /proc/kmem 14\n" mode " file [base] /proc/kcore 14\n" mode                  \
         " file [base] /sys/firmware/** 14\n" mode                                                 \
         " file [base] /sys/devices/virtual/powercap/** 14\n" mode                                 \
         " file [base] /sys/kernel/security/** 14\n" mode                                          \
         " mount [base] ** * 0xfffffdff 0xffffffff\n" mode " ptrace [base] 3\n"

static const struct {
    const char *policy, *rules;
} golden[] = {
    {POLICY("AlwaysAllow", ""), ""},
    {POLICY("RuntimeDefault", ""), BASE("deny")},
    /* the switches live in enhanceProtect and mean nothing to other modes */
    {POLICY("RuntimeDefault",
            "    enhanceProtect: {auditViolations: true, allowViolations: true}\n"),
     BASE("deny")},
    {ENHANCE("      auditViolations: false\n"), BASE("deny")},
    {ENHANCE("      auditViolations: true\n"), BASE("deny+audit")},
    {ENHANCE("      {auditViolations: true, allowViolations: true}\n"), BASE("audit")},
    {ENHANCE("      allowViolations: true\n"), BASE("never")},
    {ENHANCE("      privileged: true\n"), ""},
    /* base, hardening, mitigation, attack protection, raw, whatever the order in the file */
    {ENHANCE("      bpfRawRules:\n"
             "        processes: [{pattern: /bin/x, permissions: [exec]}]\n"
             "        files: [{pattern: /a, permissions: [write]}]\n"
             "      attackProtectionRules: [{rules: [disable-wget]}]\n"
             "      vulMitigationRules: [runc-override-mitigation]\n"
             "      hardeningRules: [DISABLE_CAP_NET_RAW]\n"),
     BASE("deny") "deny capability [hardeningRules: disable-cap-net-raw] 0x2000\n"
                  "deny file [vulMitigationRules: runc-override-mitigation] /**/runc 10\n"
                  "deny exec [attackProtectionRules: disable-wget] /**/wget 1\n"
                  "deny file [bpfRawRules.files[0]] /a 10\n"
                  "deny exec [bpfRawRules.processes[0]] /bin/x 1\n"},
    /* what is for privileged policies only */
    {ENHANCE("      hardeningRules: [disallow-mount-procfs, disallow-mount]\n"),
     BASE("deny") "deny mount [hardeningRules: disallow-mount-procfs] /proc** none 0x7220 0x0\n"
                  "deny mount [hardeningRules: disallow-mount-procfs] / none 0x4000 0x0\n"},
    {ENHANCE("      privileged: true\n      hardeningRules: [disallow-mount-procfs]\n"),
     "deny mount [hardeningRules: disallow-mount-procfs] ** proc 0xffe1cddf 0xffffffff\n"
     "deny mount [hardeningRules: disallow-mount-procfs] /proc** none 0x7220 0x0\n"
     "deny mount [hardeningRules: disallow-mount-procfs] / none 0x4000 0x0\n"},
    /* one entry may be a file rule, an exec rule or both; both lists are alike */
    {ENHANCE("      privileged: true\n      bpfRawRules:\n"
             "        files:\n        - {pattern: /a, permissions: [all]}\n"
             "        - {pattern: /b, permissions: [exec]}\n"
             "        processes:\n        - {pattern: /c, permissions: [read]}\n"),
     "deny file [bpfRawRules.files[0]] /a 14\n"
     "deny exec [bpfRawRules.files[0]] /a 1\n"
     "deny exec [bpfRawRules.files[1]] /b 1\n"
     "deny file [bpfRawRules.processes[0]] /c 4\n"},
    /* qualifiers of a rule win over the policy's switches */
    {ENHANCE("      privileged: true\n      auditViolations: true\n      bpfRawRules:\n"
             "        files:\n        - {pattern: /a, permissions: [read]}\n"
             "        - {pattern: /b, permissions: [read], qualifiers: [deny]}\n"
             "        - {pattern: /c, permissions: [read], qualifiers: [audit]}\n"
             "        - {pattern: /d, permissions: [read], qualifiers: [audit, deny]}\n"),
     "deny+audit file [bpfRawRules.files[0]] /a 4\n"
     "deny file [bpfRawRules.files[1]] /b 4\n"
     "audit file [bpfRawRules.files[2]] /c 4\n"
     "deny+audit file [bpfRawRules.files[3]] /d 4\n"},
    /* network */
    {ENHANCE("      privileged: true\n      bpfRawRules:\n        network:\n"
             "          sockets: [{domains: [inet, inet6], types: [raw]}]\n"
             "          egress:\n            toDestinations:\n"
             "            - {ip: 10.0.0.1, ports: [{port: 80}, {port: 8000, endPort: 8080}]}\n"
             "            - {cidr: 192.168.1.1/24}\n"
             "            - {ip: \"::ffff:10.0.0.2\"}\n"
             "            - {ip: localhost, ports: [{port: 22}]}\n"
             "            - {ip: unspecified}\n"
             "            - {ports: [{port: 25}]}\n"),
     "deny socket [bpfRawRules.network.sockets[0]] 0x404 0x8 0x0\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[0]] 10.0.0.1 80-80 8000-8080\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[1]] 192.168.1.0/24\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[2]] 10.0.0.2\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[3]] 127.0.0.0/8 22-22\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[3]] ::1 22-22\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[4]] 0.0.0.0\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[4]] ::\n"
     "deny egress [bpfRawRules.network.egress.toDestinations[5]] any 25-25\n"},
    {ENHANCE("      privileged: true\n      bpfRawRules:\n"
             "        ptrace: {strictMode: true, permissions: [trace, readby]}\n"
             "        mounts: [{sourcePattern: /dev/sda, fstype: ext4, flags: [rw, remount]}]\n"),
     "deny ptrace [bpfRawRules.ptrace] 9 strict\n"
     "deny mount [bpfRawRules.mounts[0]] /dev/sda ext4 0x20 0x1\n"},
};

static int build_with(const char *yaml, const struct builder_facts *facts, struct profile **ret,
                      struct builder_notes *notes, struct error **reterr)
{
    struct objects objects = objects_of(yaml);
    int r = builder_build(ret, objects.items[0].policy, facts, notes, reterr);

    objects_done(&objects);
    builtin_rules_unload();
    return r;
}

static int build(const char *yaml, struct profile **ret, struct builder_notes *notes,
                 struct error **reterr)
{
    return build_with(yaml, &(struct builder_facts){.install_namespace = "varmor"}, ret, notes,
                      reterr);
}

START_TEST(a_policy_becomes_these_rules_in_this_order)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    CLEANUP_NOTES struct builder_notes u = {0};

    ck_assert_msg(build(golden[_i].policy, &p, &u, &e) == 0, "%s%s", error_message(e),
                  u.n ? u.items[0].text : "");
    ck_assert_uint_eq(u.n, 0);
    format_rules(&text, p);
    ck_assert_str_eq(buf_text(&text), golden[_i].rules);
    ck_assert(!digest_is_zero(&p->digest));
}
END_TEST

/* Every note of a policy, a line each. */
static const struct {
    const char *policy;
    int result;
    const char *notes;
} noted[] = {
    /* what is not there yet */
    {"apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: w, namespace: s}\n"
     "spec:\n  target: {kind: Pod, name: p}\n  policy:\n    enforcer: AppArmor\n"
     "    mode: BehaviorModeling\n    modelingOptions: {duration: 5}\n",
     BUILDER_REFUSED, "unsupported: spec.policy.mode 'BehaviorModeling' (line 8, column 11)\n"},
    {ENHANCE("      bpfRawRules: {network: {egress: {toDestinations: [{ip: pod-self}]}}}\n"),
     BUILDER_REFUSED,
     "unsupported: spec.policy.enhanceProtect.bpfRawRules.network.egress.toDestinations[0]: "
     "'pod-self' (line 10, column 57)\n"},
    /* what nobody would carry out */
    {ENHANCE("      hardeningRules: [disallow-create-user-ns]\n"), BUILDER_REFUSED,
     "wrong: spec.policy.enhanceProtect.hardeningRules[0]: built-in rule "
     "'disallow-create-user-ns' needs the Seccomp enforcer (line 10, column 24)\n"},
    /* content for BPF is not the rule by itself */
    {ENHANCE("      hardeningRules: [disallow-userfaultfd-creation]\n"), BUILDER_REFUSED,
     "wrong: spec.policy.enhanceProtect.hardeningRules[0]: built-in rule "
     "'disallow-userfaultfd-creation' needs the Seccomp enforcer (line 10, column 24)\n"},
    {ALL_ENFORCERS(
         "      attackProtectionRules: [{rules: [disable-chmod-x-bit], targets: [/x]}]\n"),
     BUILDER_REFUSED,
     "warning: spec.policy.enhanceProtect.attackProtectionRules[0].targets: rules for single "
     "executables act in AppArmor alone, not in BPFSeccomp (line 10, column 72)\n"
     "wrong: spec.policy.enhanceProtect.attackProtectionRules[0].rules[0]: built-in rule "
     "'disable-chmod-x-bit' has no content for AppArmor, which alone judges single executables "
     "(line 10, column 40)\n"},
    /* what no node could make a filter of */
    {ALL_ENFORCERS("      syscallRawRules: [{names: [bpf], action: SCMP_ACT_NOTIFY}]\n"),
     BUILDER_REFUSED,
     "wrong: spec.policy.enhanceProtect.syscallRawRules[0].action: SCMP_ACT_NOTIFY needs a "
     "listener, which nobody starts (line 10, column 25)\n"},
    {ALL_ENFORCERS("      syscallRawRules: [{names: [bpf, Chmod], action: SCMP_ACT_LOG}]\n"),
     BUILDER_REFUSED,
     "wrong: spec.policy.enhanceProtect.syscallRawRules[0].names[1]: 'Chmod' is not the name of a "
     "system call (lower-case letters, digits, '_'; at most 63 bytes) (line 10, column 39)\n"},
    /* what some carry out, and others not */
    {ALL_ENFORCERS("      hardeningRules: [disallow-insmod, disallow-create-user-ns,\n"
                   "                       disallow-userfaultfd-creation]\n"),
     0,
     "warning: spec.policy.enhanceProtect.hardeningRules[0]: built-in rule 'disallow-insmod' is "
     "carried out by AppArmorBPF alone: it has no content for Seccomp (line 10, column 24)\n"
     "warning: spec.policy.enhanceProtect.hardeningRules[1]: built-in rule "
     "'disallow-create-user-ns' is carried out by Seccomp alone: it has no content for "
     "AppArmorBPF (line 10, column 41)\n"},
    {ENHANCE("      attackProtectionRules: [{rules: [block-access-to-kube-apiserver]}]\n"), 0,
     "warning: spec.policy.enhanceProtect.attackProtectionRules[0].rules[0]: there is no service "
     "'default/kubernetes' yet: 'block-access-to-kube-apiserver' blocks nothing until it is known "
     "(line 10, column 40)\n"},
    {ENHANCE("      bpfRawRules:\n        network:\n          egress:\n"
             "            toServices: [{namespace: a, name: b}]\n"),
     0,
     "warning: spec.policy.enhanceProtect.bpfRawRules.network.egress.toServices[0]: no service is "
     "known that it names: it blocks nothing yet (line 13, column 26)\n"},
};

/* Raw AppArmor rules that are wrong, with the place of the mistake in the user's file. */
static const struct {
    const char *policy, *place;
} misplaced[] = {
    {APPARMOR(
         "      appArmorRawRules:\n      - rules: |\n          deny /a w,\n          change_profile,\n"),
     "(line 13, column 11)"},
    /* empty lines, comments and an indentation of the text's own count */
    {APPARMOR("      appArmorRawRules:\n      - rules: |-\n\n          deny /a w,\n"
              "            # a comment\n            change_profile,\n"),
     "(line 15, column 13)"},
    {APPARMOR("      appArmorRawRules: [{rules: \"deny /a w, change_profile,\"}]\n"),
     "(line 10, column 46)"},
    {APPARMOR("      appArmorRawRules: [{rules: 'deny /a w, change_profile,'}]\n"),
     "(line 10, column 46)"},
    {APPARMOR("      appArmorRawRules:\n      - rules: deny /a w, change_profile,\n"),
     "(line 11, column 27)"},
    /* the second of two blocks */
    {APPARMOR("      appArmorRawRules:\n      - rules: |\n          deny /a w,\n      - rules: |\n"
              "         change_profile,\n"),
     "(line 14, column 10)"},
    /* where lines are not those of the file: the place of the text */
    {APPARMOR(
         "      appArmorRawRules:\n      - rules: >\n          deny /a w,\n          change_profile,\n"),
     "(line 11, column 16)"},
    {APPARMOR("      appArmorRawRules: [{rules: \"deny /a w,\\nchange_profile,\"}]\n"),
     "(line 10, column 34)"},
    {APPARMOR("      appArmorRawRules:\n      - rules: |2\n          change_profile,\n"),
     "(line 11, column 16)"},
};

START_TEST(a_wrong_raw_rule_is_told_where_it_stands_in_the_file)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_NOTES struct builder_notes notes = {0};
    const char *place;

    ck_assert_int_eq(build(misplaced[_i].policy, &p, &notes, &e), BUILDER_REFUSED);
    ck_assert(notes.wrong);
    ck_assert_uint_eq(notes.n, 1);
    place = strrchr(notes.items[0].text, '(');
    ck_assert_msg(place && strcmp(place, misplaced[_i].place) == 0, "%s", notes.items[0].text);
}
END_TEST

static void format_notes(struct buf *out, const struct builder_notes *notes)
{
    static const char *const kinds[] = {[BUILDER_WARNING] = "warning",
                                        [BUILDER_UNSUPPORTED] = "unsupported",
                                        [BUILDER_WRONG] = "wrong"};

    for (size_t i = 0; i < notes->n; i++)
        ck_assert_int_eq(
            buf_format(out, "%s: %s\n", kinds[notes->items[i].kind], notes->items[i].text), 0);
}

START_TEST(what_is_not_carried_out_as_one_might_think_is_noted_with_its_place)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_NOTES struct builder_notes notes = {0};
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    int r = build(noted[_i].policy, &p, &notes, &e);

    ck_assert_msg(r == noted[_i].result, "%d %s", r, error_message(e));
    format_notes(&text, &notes);
    ck_assert_str_eq(buf_text(&text), noted[_i].notes);
    ck_assert_int_eq(p != NULL, r == 0);
    ck_assert_int_eq(notes.refused, r != 0);
}
END_TEST

static const struct {
    const char *policy, *message;
} wrong[] = {
    {ENHANCE("      hardeningRules: [disable-cap-net-rwa]\n"),
     "spec.policy.enhanceProtect.hardeningRules[0] (line 10, column 24): 'disable-cap-net-rwa' is "
     "not a hardening rule (hardeningRules); did you mean 'disable-cap-net-raw'?"},
    {ENHANCE("      attackProtectionRules: [{rules: [disable-wget]}, {rules: [runc]}]\n"),
     "spec.policy.enhanceProtect.attackProtectionRules[1].rules[0] (line 10, column 65): 'runc' is "
     "not an attack protection rule (attackProtectionRules)"},
    {ENHANCE("      bpfRawRules:\n"
             "        mounts: [{sourcePattern: /x, fstype: ext4, flags: [rw]}]\n"),
     "spec.policy.enhanceProtect.bpfRawRules.mounts[0] (line 11, column 18): raw mount rules need "
     "spec.policy.enhanceProtect.privileged: true; without it every mount is denied already"},
};

START_TEST(notes_end_at_their_ceiling)
{
    for (unsigned more = 0; more <= 1; more++) {
        CLEANUP(profile_unref) struct profile *p = NULL;
        CLEANUP_NOTES struct builder_notes notes = {0};
        CLEANUP_BUF struct buf yaml = BUF_INIT(1 << 20);

        ck_assert_int_eq(buf_add_text(&yaml, ENHANCE("      hardeningRules: [")), 0);
        for (unsigned i = 0; i < BUILDER_MAX_NOTES + more; i++)
            ck_assert_int_eq(buf_add_text(&yaml, "disallow-create-user-ns,\n        "), 0);
        ck_assert_int_eq(buf_add_text(&yaml, "]\n"), 0);
        ck_assert_int_eq(build(buf_text(&yaml), &p, &notes, NULL), BUILDER_REFUSED);
        ck_assert_uint_eq(notes.n, BUILDER_MAX_NOTES + more);
        ck_assert_uint_eq(notes.n_dropped, more);
        if (more)
            ck_assert_str_eq(notes.items[BUILDER_MAX_NOTES].text, "1 more are not listed");
    }
}
END_TEST

static const struct {
    unsigned n_names, n_targets;
    int result;
    const char *message;
} ceilings[] = {
    {BUILDER_MAX_BUILTINS, 0, 0, "no error"},
    {BUILDER_MAX_BUILTINS + 1, 0, -E2BIG,
     "spec.policy.enhanceProtect.hardeningRules[4096]: more than 4096 built-in rules"},
    {0, BUILDER_MAX_TARGETS, 0, "no error"},
    {0, BUILDER_MAX_TARGETS + 1, -E2BIG,
     "spec.policy.enhanceProtect: more than 256 different targets"},
};

START_TEST(rules_and_targets_end_at_their_ceilings)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_NOTES struct builder_notes notes = {0};
    CLEANUP_BUF struct buf yaml = BUF_INIT(1 << 20);

    ck_assert_int_eq(
        buf_format(&yaml, "%s",
                   ceilings[_i].n_names
                       ? ENHANCE("      privileged: true\n      hardeningRules: [")
                       : APPARMOR("      privileged: true\n      attackProtectionRules: "
                                  "[{rules: [disable-wget], targets: [")),
        0);
    for (unsigned i = 0; i < ceilings[_i].n_names; i++)
        ck_assert_int_eq(buf_add_text(&yaml, "disallow-insmod,\n        "), 0);
    for (unsigned i = 0; i < ceilings[_i].n_targets; i++)
        ck_assert_int_eq(buf_format(&yaml, "/bin/p%u,\n        ", i), 0);
    ck_assert_int_eq(buf_add_text(&yaml, ceilings[_i].n_names ? "]\n" : "]}]\n"), 0);
    ck_assert_int_eq(build(buf_text(&yaml), &p, &notes, &e), ceilings[_i].result);
    ck_assert_str_eq(error_message(e), ceilings[_i].message);
}
END_TEST

/* ---- Services and pods ---- */

/* The Services and Pods of a small cluster, sorted as the manager tells them. */
struct cluster {
    struct addr addresses[8];
    struct port_range https;
    struct labels *front, *none; /* owned; app=front, and none */
    struct builder_endpoints slices[2];
    struct builder_service services[3];
    struct builder_pod pods[2];
    struct builder_facts facts;
};

static void cluster_init(struct cluster *c)
{
    static const char *const texts[] = {"10.96.0.1", "192.0.2.1",  "10.96.0.9",
                                        "fd00::9",   "10.244.0.5", "10.244.0.6"};

    *c = (struct cluster){.https = {6443, 6443}, .front = labels_new(), .none = labels_new()};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        ck_assert_int_eq(addr_parse(&c->addresses[i], texts[i]), 0);
    ck_assert_int_eq(labels_put(c->front, "app", "front"), 0);
    c->slices[0] = (struct builder_endpoints){&c->addresses[1], 1, &c->https, 1};
    c->slices[1] = (struct builder_endpoints){&c->addresses[4], 2, NULL, 0}; /* no port is known */
    c->services[0] = (struct builder_service){"default", "kubernetes", c->none, &c->addresses[0],
                                              1,         c->slices,    1};
    c->services[1] =
        (struct builder_service){"shop", "front", c->front, &c->addresses[2], 2, NULL, 0};
    c->services[2] =
        (struct builder_service){"shop", "headless", c->none, NULL, 0, &c->slices[1], 1};
    c->pods[0] = (struct builder_pod){"shop", "a", c->front, &c->addresses[4], 1};
    c->pods[1] = (struct builder_pod){"test", "b", c->front, &c->addresses[5], 1};
    c->facts = (struct builder_facts){.install_namespace = "varmor",
                                      .services = c->services,
                                      .n_services = ARRAY_SIZE(c->services),
                                      .pods = c->pods,
                                      .n_pods = ARRAY_SIZE(c->pods)};
}

#define EGRESS(rest)                                                                               \
    ENHANCE("      privileged: true\n      bpfRawRules: {network: {egress: {" rest "}}}\n")
#define TO_SERVICE "[bpfRawRules.network.egress.toServices[0]] "
#define TO_POD     "[bpfRawRules.network.egress.toPods[0]] "

static const struct {
    const char *policy, *rules;
} peers[] = {
    /* its own address on every port, what is behind it on its ports */
    {ENHANCE("      privileged: true\n"
             "      attackProtectionRules: [{rules: [block-access-to-kube-apiserver]}]\n"),
     "deny egress [attackProtectionRules: block-access-to-kube-apiserver] 10.96.0.1\n"
     "deny egress [attackProtectionRules: block-access-to-kube-apiserver] 192.0.2.1 6443-6443\n"},
    {EGRESS("toServices: [{namespace: shop, name: front}]"),
     "deny egress " TO_SERVICE "10.96.0.9\ndeny egress " TO_SERVICE "fd00::9\n"},
    {EGRESS("toServices: [{namespace: shop, name: headless}]"),
     "deny egress " TO_SERVICE "10.244.0.5\ndeny egress " TO_SERVICE "10.244.0.6\n"},
    {EGRESS("toServices: [{serviceSelector: {matchLabels: {app: front}}}]"),
     "deny egress " TO_SERVICE "10.96.0.9\ndeny egress " TO_SERVICE "fd00::9\n"},
    {EGRESS("toServices: [{namespace: test, serviceSelector: {matchLabels: {app: front}}}]"), ""},
    {EGRESS("toServices: [{namespace: test, name: front}]"), ""},
    {EGRESS("toPods: [{podSelector: {matchLabels: {app: front}}, ports: [{port: 80}]}]"),
     "deny egress " TO_POD "10.244.0.5 80-80\ndeny egress " TO_POD "10.244.0.6 80-80\n"},
    {EGRESS("toPods: [{namespace: test, podSelector: {matchLabels: {app: front}}}]"),
     "deny egress " TO_POD "10.244.0.6\n"},
    {EGRESS("toPods: [{podSelector: {matchLabels: {app: back}}}]"), ""},
};

START_TEST(services_and_pods_become_their_addresses)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_NOTES struct builder_notes notes = {0};
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    struct objects objects = objects_of(peers[_i].policy);
    struct cluster c;

    cluster_init(&c);
    ck_assert(builder_names_peers(objects.items[0].policy));
    objects_done(&objects);
    ck_assert_msg(build_with(peers[_i].policy, &c.facts, &p, &notes, &e) == 0, "%s",
                  error_message(e));
    format_rules(&text, p);
    ck_assert_str_eq(buf_text(&text), peers[_i].rules);
    labels_free(c.front);
    labels_free(c.none);
}
END_TEST

START_TEST(only_policies_that_name_peers_depend_on_them)
{
    static const struct {
        const char *policy;
        bool names;
    } cases[] = {
        {POLICY("RuntimeDefault", ""), false},
        {ENHANCE("      hardeningRules: [disallow-insmod]\n"), false},
        {ENHANCE("      vulMitigationRules: [ingress-nightmare-mitigation]\n"), true},
        {APPARMOR("      hardeningRules: [disallow-insmod]\n"), false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct objects objects = objects_of(cases[i].policy);

        ck_assert_int_eq(builder_names_peers(objects.items[0].policy), cases[i].names);
        objects_done(&objects);
    }
    builtin_rules_unload();
}
END_TEST

START_TEST(a_wrong_rule_name_refuses_the_whole_policy)
{
    CLEANUP(profile_unref) struct profile *p = NULL;
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_NOTES struct builder_notes u = {0};

    ck_assert_int_eq(build(wrong[_i].policy, &p, &u, &e), -EINVAL);
    ck_assert_str_eq(error_message(e), wrong[_i].message);
    ck_assert_ptr_null(p);
    ck_assert_uint_eq(u.n, 0);
}
END_TEST

START_TEST(the_profile_says_whose_it_is)
{
    static const char yaml[] =
        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: web}\n"
        "spec:\n  target: {kind: Deployment, name: w, containers: [a, b]}\n"
        "  policy: {enforcer: BPF, mode: AlwaysAllow}\n";
    CLEANUP(profile_unref) struct profile *cluster = NULL, *namespaced = NULL;
    CLEANUP_NOTES struct builder_notes u = {0};

    ck_assert_int_eq(build(POLICY("AlwaysAllow", ""), &namespaced, &u, NULL), 0);
    ck_assert_str_eq(namespaced->name, "varmor-shop-web");
    ck_assert_str_eq(namespaced->name_space, "shop");
    ck_assert_str_eq(namespaced->policy_kind, "VarmorPolicy");
    ck_assert_str_eq(namespaced->policy_namespace, "shop");
    ck_assert_str_eq(namespaced->policy_name, "web");
    ck_assert_uint_eq(namespaced->enforcers, ENFORCER_BPF);
    ck_assert_uint_eq(namespaced->n_targets, 1);
    ck_assert_str_eq(namespaced->targets[0].name_space, "shop");
    ck_assert_str_eq(namespaced->targets[0].name, "p");

    ck_assert_int_eq(build(yaml, &cluster, &u, NULL), 0);
    ck_assert_str_eq(cluster->name, "varmor-cluster-varmor-web");
    ck_assert_str_eq(cluster->name_space, "varmor");
    ck_assert_str_eq(cluster->policy_kind, "VarmorClusterPolicy");
    ck_assert_str_eq(cluster->policy_namespace, "");
    ck_assert_ptr_null(cluster->targets[0].name_space);
    ck_assert_int_eq(cluster->targets[0].kind, TARGET_DEPLOYMENT);
    ck_assert_uint_eq(cluster->targets[0].n_containers, 2);
    ck_assert_str_eq(cluster->targets[0].containers[1], "b");
    ck_assert_int_gt(cluster->priority, namespaced->priority);
}
END_TEST

START_TEST(equal_policies_have_equal_digests)
{
    CLEANUP(profile_unref) struct profile *a = NULL, *b = NULL, *c = NULL;
    CLEANUP_NOTES struct builder_notes u = {0};

    ck_assert_int_eq(build(ENHANCE("      privileged: true\n"), &a, &u, NULL), 0);
    ck_assert_int_eq(build(ENHANCE("      # the same\n      privileged: true\n"), &b, &u, NULL), 0);
    ck_assert_int_eq(build(ENHANCE("      privileged: false\n"), &c, &u, NULL), 0);
    ck_assert(digest_equal(&a->digest, &b->digest));
    ck_assert(!digest_equal(&a->digest, &c->digest));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("builder");
    TCase *t = tcase_create("builder");

    tcase_add_loop_test(t, a_policy_becomes_these_rules_in_this_order, 0, ARRAY_SIZE(golden));
    tcase_add_loop_test(t, a_wrong_raw_rule_is_told_where_it_stands_in_the_file, 0,
                        ARRAY_SIZE(misplaced));
    tcase_add_loop_test(t, what_is_not_carried_out_as_one_might_think_is_noted_with_its_place, 0,
                        ARRAY_SIZE(noted));
    tcase_add_test(t, notes_end_at_their_ceiling);
    tcase_add_loop_test(t, rules_and_targets_end_at_their_ceilings, 0, ARRAY_SIZE(ceilings));
    tcase_add_loop_test(t, services_and_pods_become_their_addresses, 0, ARRAY_SIZE(peers));
    tcase_add_test(t, only_policies_that_name_peers_depend_on_them);
    tcase_add_loop_test(t, a_wrong_rule_name_refuses_the_whole_policy, 0, ARRAY_SIZE(wrong));
    tcase_add_test(t, the_profile_says_whose_it_is);
    tcase_add_test(t, equal_policies_have_equal_digests);
    suite_add_tcase(s, t);
    return s;
}
