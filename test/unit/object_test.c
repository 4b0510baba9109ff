/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/policy/object.h"
#include "test/unit/policy_text.h"

#define CORPUS_MAX_FILE (1u << 20)

static void read_file(const char *path, struct buf *ret)
{
    FILE *f = fopen(path, "re");
    char chunk[4096];
    size_t n;

    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        ck_assert_int_eq(buf_add(ret, chunk, n), 0);
    fclose(f);
}

/* "line:column: severity: message" a line, as in the .expected files. */
static void format_findings(const struct findings *f, struct buf *ret)
{
    for (size_t i = 0; i < f->n; i++)
        ck_assert_int_eq(buf_format(ret, "%u:%u: %s: %s\n", f->items[i].line, f->items[i].column,
                                    f->items[i].severity == FINDING_ERROR ? "error" : "warning",
                                    f->items[i].message),
                         0);
}

/* Parses text and gives back its findings in text. */
static void parse(const char *text, size_t len, struct objects *ret, struct buf *ret_findings)
{
    struct findings findings;

    ck_assert_int_eq(objects_parse(ret, text, len, &findings), 0);
    ck_assert_int_eq(findings.n_errors > 0 && ret->n > 0, 0);
    format_findings(&findings, ret_findings);
    findings_done(&findings);
}

/* ---- The corpus ---- */

static int is_document(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');

    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".json") == 0);
}

static void check_corpus_file(const char *folder, const char *name, bool good)
{
    CLEANUP_BUF struct buf text = BUF_INIT(CORPUS_MAX_FILE), expected = BUF_INIT(CORPUS_MAX_FILE),
                           found = BUF_INIT(CORPUS_MAX_FILE);
    struct objects objects;
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    read_file(path, &text);
    parse(buf_text(&text), text.len, &objects, &found);
    if (!good) {
        snprintf(path, sizeof(path), "%s/%s.expected", folder, name);
        read_file(path, &expected);
        ck_assert_uint_gt(expected.len, 0);
    }
    ck_assert_msg(strcmp(buf_text(&found), buf_text(&expected)) == 0,
                  "%s/%s:\nexpected:\n%sfound:\n%s", folder, name, buf_text(&expected),
                  buf_text(&found));
    ck_assert_int_eq(objects.n > 0, good);
    objects_done(&objects);
}

static void check_corpus(const char *folder, bool good)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, is_document, alphasort);

    ck_assert_int_gt(n, 0);
    for (int i = 0; i < n; i++) {
        check_corpus_file(folder, names[i]->d_name, good);
        free(names[i]);
    }
    free(names);
}

START_TEST(good_files_have_objects_and_no_findings)
{
    check_corpus("test/policies/good", true);
}
END_TEST

START_TEST(bad_files_have_exactly_the_expected_findings)
{
    check_corpus("test/policies/bad", false);
}
END_TEST

/* ---- Values ---- */

static void parse_file(const char *path, struct objects *ret)
{
    CLEANUP_BUF struct buf text = BUF_INIT(CORPUS_MAX_FILE), found = BUF_INIT(CORPUS_MAX_FILE);

    read_file(path, &text);
    parse(buf_text(&text), text.len, ret, &found);
    ck_assert_str_eq(buf_text(&found), "");
}

START_TEST(a_policy_keeps_its_identity_target_and_rules)
{
    struct objects o;
    const struct policy *p;
    const struct policy_enhance_protect *e;

    parse_file("test/policies/good/every-field.yaml", &o);
    ck_assert_uint_eq(o.n, 1);
    p = o.items[0].policy;
    ck_assert_str_eq(o.items[0].name_space, "shop");
    ck_assert_str_eq(p->name, "every-field");
    ck_assert(!p->cluster && p->update_existing_workloads);
    ck_assert_str_eq(labels_get(p->labels, "app.kubernetes.io/name"), "web");
    ck_assert_int_eq(p->target.kind, TARGET_DEPLOYMENT);
    ck_assert_str_eq(p->target.name_space, "shop");
    ck_assert_ptr_null(p->target.name);
    ck_assert_str_eq(
        selector_text(p->target.selector),
        "app=web,!legacy,owner,sandbox.varmor.org/enable=true,stage notin (test),tier in (back,front)");
    ck_assert_uint_eq(p->target.n_containers, 2);
    ck_assert_str_eq(p->target.containers[1], "sidecar-1");
    ck_assert_uint_eq(p->enforcers, ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP);
    ck_assert_str_eq(p->enforcer_text, "AppArmorBPFSeccomp");
    ck_assert_int_eq(p->mode, POLICY_ENHANCE_PROTECT);
    e = &p->enhance;
    ck_assert(e->present && e->privileged && e->audit_violations && !e->allow_violations);
    ck_assert_uint_eq(e->hardening_rules.n, 2);
    ck_assert_str_eq(e->hardening_rules.items[1].text, "DISABLE_CAP_NET_RAW");
    ck_assert_uint_eq(e->hardening_rules.items[1].at.line, 39);
    ck_assert_uint_eq(e->hardening_rules.items[1].at.column, 9);
    ck_assert_uint_eq(e->n_attack_rules, 2);
    ck_assert_str_eq(e->attack_rules[1].targets.items[0].text, "/usr/bin/nginx");
    ck_assert_uint_eq(e->n_apparmor_raw, 2);
    ck_assert_str_eq(e->apparmor_raw[0].rules.text, "deny /x/** w,\ndeny /y/** r,\n");
    ck_assert_uint_eq(e->n_syscalls, 2);
    ck_assert(e->syscalls[0].has_errno && e->syscalls[0].errno_ret == 1);
    ck_assert(!e->syscalls[1].has_errno);
    ck_assert_uint_eq(e->syscalls[0].args[1].value, UINT64_MAX);
    ck_assert_uint_eq(e->syscalls[0].args[1].value_two, 1);
    ck_assert_str_eq(e->syscalls[0].args[1].op, "SCMP_CMP_MASKED_EQ");
    objects_done(&o);
}
END_TEST

START_TEST(bpf_rules_become_bits_ranges_and_blocks)
{
    char text[ADDR_TEXT_SIZE];
    struct objects o;
    const struct policy_bpf_rules *b;

    parse_file("test/policies/good/every-field.yaml", &o);
    b = &o.items[0].policy->enhance.bpf;
    ck_assert(b->present);
    ck_assert_uint_eq(b->n_files, 4);
    ck_assert_uint_eq(b->files[0].permissions, PATH_READ | PATH_WRITE | PATH_APPEND | PATH_EXEC);
    ck_assert(!b->files[0].has_qualifiers);
    ck_assert(b->files[1].has_qualifiers);
    ck_assert_uint_eq(b->files[1].qualifiers, RULE_DENY | RULE_AUDIT);
    ck_assert_uint_eq(b->files[2].permissions, b->files[0].permissions);
    ck_assert_uint_eq(b->processes[0].permissions, PATH_EXEC);
    ck_assert_uint_eq(b->processes[0].qualifiers, RULE_AUDIT);
    ck_assert_uint_eq(b->n_sockets, 5);
    ck_assert_uint_eq(b->sockets[0].domains, ((1ULL << 46) - 1) & ~(1ULL << 0 | 1ULL << 12));
    ck_assert_uint_eq(b->sockets[0].types, 0x47e);
    ck_assert_uint_eq(b->sockets[1].domains, (1ULL << 46) - 1);
    ck_assert_uint_eq(b->sockets[1].protocols, SOCKET_ICMP | SOCKET_TCP | SOCKET_UDP);
    ck_assert_uint_eq(b->sockets[2].types, b->sockets[0].types);
    ck_assert_uint_eq(b->sockets[4].domains, 1ULL << 2);
    ck_assert_uint_eq(b->sockets[4].types | b->sockets[4].protocols, 0);
    ck_assert_uint_eq(b->n_destinations, 9);
    ck_assert_str_eq(addr_format(&b->destinations[0].block, text), "10.0.0.1");
    ck_assert_uint_eq(b->destinations[0].ports.n, 3);
    ck_assert_uint_eq(b->destinations[0].ports.items[0].last, 1);
    ck_assert_uint_eq(b->destinations[0].ports.items[2].first, 8000);
    ck_assert_uint_eq(b->destinations[0].ports.items[2].last, 65535);
    ck_assert_str_eq(addr_format(&b->destinations[2].block, text), "10.0.0.2");
    ck_assert_int_eq(b->destinations[3].entity, POLICY_POD_SELF);
    ck_assert_int_eq(b->destinations[4].entity, POLICY_UNSPECIFIED);
    ck_assert_int_eq(b->destinations[5].entity, POLICY_LOCALHOST);
    ck_assert_str_eq(addr_format(&b->destinations[6].block, text), "192.168.1.0/24");
    ck_assert_int_eq(b->destinations[8].block.family, ADDR_NONE);
    ck_assert_uint_eq(b->n_pods, 2);
    ck_assert_ptr_null(b->pods[0].name_space);
    ck_assert_str_eq(selector_text(b->pods[1].pod_selector), "app=db");
    ck_assert_uint_eq(b->n_services, 3);
    ck_assert_str_eq(b->services[0].name, "kubernetes");
    ck_assert_ptr_null(b->services[1].name);
    ck_assert(b->ptrace.present && b->ptrace.strict);
    ck_assert_uint_eq(b->ptrace.permissions, 15);
    ck_assert_uint_eq(b->n_mounts, 3);
    ck_assert_uint_eq(b->mounts[0].flags & b->mounts[0].reverse_flags, UINT32_MAX);
    ck_assert_uint_eq(b->files[0].at.line, 53);
    objects_done(&o);
}
END_TEST

/* A policy with one rule list in place of %s. */
static const char rule_frame[] =
    "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a},\n"
    " spec: {target: {kind: Pod, name: a}, policy: {enforcer: BPF, mode: EnhanceProtect,\n"
    "  enhanceProtect: {bpfRawRules: {%s}}}}}\n";

static void parse_rule(const char *rule, struct objects *ret)
{
    CLEANUP_BUF struct buf found = BUF_INIT(CORPUS_MAX_FILE);
    CLEANUP_FREE char *text = NULL;
    int n = asprintf(&text, rule_frame, rule);

    ck_assert_int_gt(n, 0);
    parse(text, (size_t)n, ret, &found);
    ck_assert_str_eq(buf_text(&found), "");
    ck_assert_uint_eq(ret->n, 1);
}

static const struct {
    const char *words;
    uint32_t flags, reverse;
} mount_cases[] = {
    {"ro", 1, 0},
    {"r", 1, 0},
    {"R", 0x5000, 0},
    {"B", 0x1000, 0},
    {"M", 0x2000, 0},
    {"RO", 1, 0},
    {"read-only", 1, 0},
    {"rw", 0, 1},
    {"W", 0, 1},
    {"nosuid, dev", 2, 4},
    {"noexec, async", 8, 16},
    {"mand", 64, 0},
    {"dirsync", 128, 0},
    {"remount", 32, 0},
    {"noatime, diratime", 1024, 2048},
    {"silent, relatime", 32768 | 1 << 21, 0},
    {"iversion, strictatime", 1 << 23 | 1 << 24, 0},
    {"bind, move", 4096 | 8192, 0},
    {"rbind", 4096 + 16384, 0},
    {"make-unbindable, make-private", 1 << 17 | 1 << 18, 0},
    {"make-slave, shared", 1 << 19 | 1 << 20, 0},
    {"make-rprivate", 4096 + 16384 + (1 << 18), 0},
    {"rslave", 4096 + 16384 + (1 << 19), 0},
    {"umount", 0x200, 0},
    {"all", UINT32_MAX, UINT32_MAX},
};

START_TEST(mount_flags_are_those_of_the_specification)
{
    CLEANUP_FREE char *rule = NULL;
    struct objects o;

    ck_assert_int_gt(asprintf(&rule, "mounts: [{sourcePattern: /a, fstype: none, flags: [%s]}]",
                              mount_cases[_i].words),
                     0);
    parse_rule(rule, &o);
    ck_assert_uint_eq(o.items[0].policy->enhance.bpf.mounts[0].flags, mount_cases[_i].flags);
    ck_assert_uint_eq(o.items[0].policy->enhance.bpf.mounts[0].reverse_flags,
                      mount_cases[_i].reverse);
    objects_done(&o);
}
END_TEST

static const struct {
    const char *words;
    unsigned permissions;
} permission_cases[] = {
    {"r", PATH_READ},
    {"READ", PATH_READ},
    {"w", PATH_WRITE | PATH_APPEND},
    {"a", PATH_APPEND},
    {"X, read", PATH_EXEC | PATH_READ},
    {"all", PATH_READ | PATH_WRITE | PATH_APPEND | PATH_EXEC},
};

START_TEST(permissions_are_words_in_any_case)
{
    CLEANUP_FREE char *rule = NULL;
    struct objects o;

    ck_assert_int_gt(
        asprintf(&rule, "files: [{pattern: /a, permissions: [%s]}]", permission_cases[_i].words),
        0);
    parse_rule(rule, &o);
    ck_assert_uint_eq(o.items[0].policy->enhance.bpf.files[0].permissions,
                      permission_cases[_i].permissions);
    objects_done(&o);
}
END_TEST

static const struct {
    const char *text;
    unsigned enforcers;
} enforcer_cases[] = {
    {"AppArmor", 1},
    {"BPF", 2},
    {"Seccomp", 4},
    {"AppArmorBPF", 3},
    {"BPFAppArmor", 3},
    {"AppArmorSeccomp", 5},
    {"SeccompAppArmor", 5},
    {"BPFSeccomp", 6},
    {"SeccompBPF", 6},
    {"AppArmorBPFSeccomp", 7},
    {"AppArmorSeccompBPF", 7},
    {"BPFAppArmorSeccomp", 7},
    {"BPFSeccompAppArmor", 7},
    {"SeccompAppArmorBPF", 7},
    {"SeccompBPFAppArmor", 7},
    {"sEcCoMpbpfAPPARMOR", 7},
};

START_TEST(fifteen_spellings_of_enforcers_are_known_in_any_case)
{
    CLEANUP_BUF struct buf found = BUF_INIT(CORPUS_MAX_FILE);
    CLEANUP_FREE char *text = NULL;
    struct objects o;
    int n = asprintf(
        &text,
        "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a},"
        " spec: {target: {kind: Pod, name: a}, policy: {enforcer: %s, mode: AlwaysAllow}}}",
        enforcer_cases[_i].text);

    parse(text, (size_t)n, &o, &found);
    ck_assert_str_eq(buf_text(&found), "");
    ck_assert_uint_eq(o.items[0].policy->enforcers, enforcer_cases[_i].enforcers);
    objects_done(&o);
}
END_TEST

START_TEST(manifests_give_labels_selectors_addresses_and_ports)
{
    char text[ADDR_TEXT_SIZE];
    const struct manifest *m;
    struct objects o;

    parse_file("test/policies/good/manifests.yaml", &o);
    ck_assert_uint_eq(o.n, 9);
    ck_assert_str_eq(o.items[0].name_space, "");
    ck_assert_str_eq(labels_get(o.items[0].manifest->labels, "team"), "web");
    m = o.items[1].manifest; /* the pod: podIP is not counted beside podIPs */
    ck_assert_uint_eq(m->n_addresses, 2);
    ck_assert_str_eq(addr_format(&m->addresses[1], text), "fd00::1");
    m = o.items[2].manifest; /* the service */
    ck_assert_str_eq(selector_text(m->selector), "app=web");
    ck_assert_uint_eq(m->n_addresses, 1);
    ck_assert_uint_eq(m->n_ports, 2);
    ck_assert_uint_eq(m->ports[1].last, 443);
    ck_assert_uint_eq(o.items[3].manifest->n_addresses, 0); /* headless */
    m = o.items[4].manifest;                                /* the slice */
    ck_assert_str_eq(labels_get(m->labels, "kubernetes.io/service-name"), "web");
    ck_assert_uint_eq(m->n_addresses, 2);
    ck_assert_uint_eq(m->n_ports, 1);
    ck_assert_uint_eq(o.items[5].manifest->n_addresses, 0); /* names, not addresses */
    m = o.items[6].manifest;
    ck_assert_str_eq(selector_text(m->selector), "app=web");
    ck_assert_str_eq(labels_get(m->template_labels, "tier"), "front");
    ck_assert_str_eq(o.items[7].name_space, "default");
    ck_assert_uint_eq(labels_size(o.items[8].manifest->template_labels), 0);
    objects_done(&o);
}
END_TEST

/* ---- Names of built-in rules ---- */

static int only_known(enum policy_rule_list list, const char *name, struct error **reterr)
{
    if (list == POLICY_HARDENING_RULES && strcmp(name, "known") == 0)
        return 0;
    return error_set(reterr, -EINVAL, "'%s' is not in list %d", name, (int)list);
}

START_TEST(names_of_built_in_rules_are_checked_in_their_lists)
{
    static const char text[] =
        "{apiVersion: crd.varmor.org/v1beta1, kind: VarmorPolicy, metadata: {name: a},\n"
        "spec: {target: {kind: Pod, name: a}, policy: {enforcer: BPF, mode: EnhanceProtect,\n"
        "enhanceProtect: {hardeningRules: [known, x],\n"
        "attackProtectionRules: [{rules: [known]}], vulMitigationRules: [known]}}}}\n";
    static const struct object_checks checks = {.builtin_rule = only_known};
    CLEANUP_BUF struct buf found = BUF_INIT(CORPUS_MAX_FILE);
    struct findings findings;
    struct objects o;

    ck_assert_int_eq(objects_parse_checked(&o, text, strlen(text), &checks, &findings), 0);
    format_findings(&findings, &found);
    ck_assert_str_eq(
        buf_text(&found),
        "3:42: error: spec.policy.enhanceProtect.hardeningRules[1]: 'x' is not in list 0\n"
        "4:34: error: spec.policy.enhanceProtect.attackProtectionRules[0].rules[0]: 'known' is not in list 1\n"
        "4:65: error: spec.policy.enhanceProtect.vulMitigationRules[0]: 'known' is not in list 2\n");
    findings_done(&findings);
    objects_done(&o);
}
END_TEST

/* ---- Limits ---- */

static void expect_first(const struct buf *text, const char *expected)
{
    CLEANUP_BUF struct buf found = BUF_INIT(CORPUS_MAX_FILE);
    struct objects o;
    const char *end;

    parse(buf_text(text), text->len, &o, &found);
    objects_done(&o);
    end = strchr(buf_text(&found), '\n');
    if (!expected) {
        ck_assert_str_eq(buf_text(&found), "");
        return;
    }
    ck_assert_ptr_nonnull(end);
    found.data[end - buf_text(&found)] = '\0';
    ck_assert_str_eq(buf_text(&found), expected);
}

static const char namespace_text[] =
    "{apiVersion: v1, kind: Namespace, metadata: {name: a}, spec: ";

START_TEST(nesting_ends_at_its_ceiling)
{
    for (int depth = OBJECT_MAX_DEPTH; depth <= OBJECT_MAX_DEPTH + 1; depth++) {
        CLEANUP_BUF struct buf text = BUF_INIT(CORPUS_MAX_FILE);

        ck_assert_int_eq(buf_add_text(&text, namespace_text), 0);
        for (int i = 1; i < depth; i++)
            ck_assert_int_eq(buf_add_text(&text, "["), 0);
        for (int i = 1; i < depth; i++)
            ck_assert_int_eq(buf_add_text(&text, "]"), 0);
        ck_assert_int_eq(buf_add_text(&text, "}"), 0);
        expect_first(&text,
                     depth == OBJECT_MAX_DEPTH
                         ? NULL
                         : "1:125: error: nested more than 64 levels deep: the rest is not read");
    }
}
END_TEST

START_TEST(values_end_at_their_ceiling)
{
    /* the object, its four pairs, and the name's pair and list: 1 + 8 + 2 nodes beside the elements
     */
    for (int more = 0; more <= 1; more++) {
        CLEANUP_BUF struct buf text = BUF_INIT(OBJECT_FILE_MAX_BYTES);

        ck_assert_int_eq(buf_add_text(&text, namespace_text), 0);
        ck_assert_int_eq(buf_add_text(&text, "[\n"), 0);
        for (int i = 0; i < OBJECT_MAX_NODES - 11 + more; i++)
            ck_assert_int_eq(buf_add_text(&text, "a,\n"), 0);
        ck_assert_int_eq(buf_add_text(&text, "]}"), 0);
        expect_first(
            &text,
            more ? "499991:1: error: more than 500000 values in one file: the rest is not read"
                 : NULL);
    }
}
END_TEST

START_TEST(documents_end_at_their_ceiling)
{
    CLEANUP_BUF struct buf text = BUF_INIT(OBJECT_FILE_MAX_BYTES);

    for (int i = 0; i < OBJECT_FILE_MAX_DOCUMENTS; i++)
        ck_assert_int_eq(
            buf_format(&text, "--- {apiVersion: v1, kind: Namespace, metadata: {name: n%d}}\n", i),
            0);
    expect_first(&text, NULL);
    ck_assert_int_eq(buf_add_text(&text, "---\n"), 0);
    expect_first(&text,
                 "10001:1: error: more than 10000 documents in one file: the rest is not read");
}
END_TEST

START_TEST(bytes_end_at_their_ceiling)
{
    CLEANUP_BUF struct buf text = BUF_INIT(OBJECT_FILE_MAX_BYTES + 1);
    CLEANUP_FREE char *comment = malloc(OBJECT_FILE_MAX_BYTES);

    ck_assert_ptr_nonnull(comment);
    memset(comment, 'c', OBJECT_FILE_MAX_BYTES);
    ck_assert_int_eq(buf_add_text(&text, namespace_text), 0);
    ck_assert_int_eq(buf_add_text(&text, "x}\n#"), 0);
    ck_assert_int_eq(buf_add(&text, comment, OBJECT_FILE_MAX_BYTES - text.len), 0);
    expect_first(&text, NULL);
    ck_assert_int_eq(buf_add_text(&text, "c"), 0);
    expect_first(&text, "0:0: error: 4194305 bytes are too many for one file: at most 4194304");
}
END_TEST

START_TEST(findings_end_at_their_ceiling_and_say_how_many_there_were)
{
    CLEANUP_BUF struct buf text = BUF_INIT(CORPUS_MAX_FILE);
    struct findings findings;
    struct objects o;

    for (int i = 0; i < FINDINGS_MAX + 1; i++)
        ck_assert_int_eq(buf_add_text(&text, "--- x\n"), 0);
    ck_assert_int_eq(objects_parse(&o, buf_text(&text), text.len, &findings), 0);
    ck_assert_uint_eq(findings.n_errors, FINDINGS_MAX + 1);
    ck_assert_uint_eq(findings.n, FINDINGS_MAX);
    ck_assert_str_eq(findings.items[FINDINGS_MAX - 1].message, "2 more findings are not shown");
    findings_done(&findings);
    objects_done(&o);
}
END_TEST

/* ---- Time ---- */

static double parse_seconds(const struct buf *text)
{
    struct timespec start, end;
    struct findings findings;
    struct objects o;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    ck_assert_int_eq(objects_parse(&o, buf_text(text), text->len, &findings), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    findings_done(&findings);
    objects_done(&o);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* A quadratic check of 100,000 keys would take minutes with sanitizers. */
START_TEST(a_hundred_thousand_keys_are_compared_in_no_time)
{
    CLEANUP_BUF struct buf text = BUF_INIT(OBJECT_FILE_MAX_BYTES);

    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(buf_format(&text, "key-%d: x\n", i), 0);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(buf_add_text(&text, "kind: x\n"), 0);
    ck_assert_double_lt(parse_seconds(&text), 10);
}
END_TEST

static const struct {
    const char *metadata, *uid;
    int64_t generation;
} served[] = {
    {"uid: 5f1c-a, generation: 7", "5f1c-a", 7},
    {"uid: \"1234\", generation: 9007199254740993", "1234", 9007199254740993},
    {"resourceVersion: \"8\"", NULL, 0},
    {"uid: [x], generation: {}", NULL, 0},
    {"uid: null, generation: \"7\"", NULL, 0},
    {"uid: 7, generation: -7", NULL, 0},
    {"generation: 1.5", NULL, 0},
    {"generation: 99999999999999999999", NULL, 0},
};

START_TEST(what_an_api_server_counts_is_kept_and_what_else_stands_there_says_nothing)
{
    char yaml[512];
    struct objects objects;

    snprintf(
        yaml, sizeof(yaml),
        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorPolicy\nmetadata: {name: a, %s}\n"
        "spec:\n  target: {kind: Pod, name: p}\n  policy: {enforcer: BPF, mode: AlwaysAllow}\n",
        served[_i].metadata);
    objects = objects_of(yaml);
    if (served[_i].uid)
        ck_assert_str_eq(objects.items[0].policy->uid, served[_i].uid);
    else
        ck_assert_ptr_null(objects.items[0].policy->uid);
    ck_assert_int_eq(objects.items[0].policy->generation, served[_i].generation);
    objects_done(&objects);
}
END_TEST

START_TEST(an_api_servers_text_is_told_by_paths_alone)
{
    static const struct object_checks checks = {.without_positions = true};
    static const char text[] =
        "{\"apiVersion\": \"crd.varmor.org/v1beta1\", \"kind\": \"VarmorPolicy\",\n"
        " \"metadata\": {\"name\": \"p\"}, \"spec\": {\"target\": {\"kind\": \"Pod\", \"name\": \"w\"},\n"
        " \"policy\": {\"enforcer\": \"BPF\", \"mode\": \"%s\"}}}";
    CLEANUP_BUF struct buf right = BUF_INIT(4096), wrong = BUF_INIT(4096);
    struct findings findings;
    struct objects objects;

    ck_assert_int_eq(buf_format(&right, text, "AlwaysAllow"), 0);
    ck_assert_int_eq(objects_parse_checked(&objects, right.data, right.len, &checks, &findings), 0);
    ck_assert_uint_eq(objects.n, 1);
    ck_assert_uint_eq(objects.items[0].at.line, 0);
    ck_assert_uint_eq(objects.items[0].policy->mode_at.line, 0);
    ck_assert_uint_eq(objects.items[0].policy->mode_at.column, 0);
    findings_done(&findings);
    objects_done(&objects);

    ck_assert_int_eq(buf_format(&wrong, text, "Allow"), 0);
    ck_assert_int_eq(objects_parse_checked(&objects, wrong.data, wrong.len, &checks, &findings), 0);
    ck_assert_uint_eq(findings.n_errors, 1);
    ck_assert_uint_eq(findings.items[0].line, 0);
    ck_assert_int_eq(strncmp(findings.items[0].message, "spec.policy.mode: 'Allow'", 25), 0);
    findings_done(&findings);
    objects_done(&objects);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("object");
    TCase *t = tcase_create("object");

    tcase_add_test(t, good_files_have_objects_and_no_findings);
    tcase_add_test(t, bad_files_have_exactly_the_expected_findings);
    tcase_add_test(t, a_policy_keeps_its_identity_target_and_rules);
    tcase_add_loop_test(t,
                        what_an_api_server_counts_is_kept_and_what_else_stands_there_says_nothing,
                        0, (int)ARRAY_SIZE(served));
    tcase_add_test(t, bpf_rules_become_bits_ranges_and_blocks);
    tcase_add_loop_test(t, mount_flags_are_those_of_the_specification, 0,
                        (int)ARRAY_SIZE(mount_cases));
    tcase_add_loop_test(t, permissions_are_words_in_any_case, 0, (int)ARRAY_SIZE(permission_cases));
    tcase_add_loop_test(t, fifteen_spellings_of_enforcers_are_known_in_any_case, 0,
                        (int)ARRAY_SIZE(enforcer_cases));
    tcase_add_test(t, manifests_give_labels_selectors_addresses_and_ports);
    tcase_add_test(t, names_of_built_in_rules_are_checked_in_their_lists);
    tcase_add_test(t, nesting_ends_at_its_ceiling);
    tcase_add_test(t, values_end_at_their_ceiling);
    tcase_add_test(t, documents_end_at_their_ceiling);
    tcase_add_test(t, bytes_end_at_their_ceiling);
    tcase_add_test(t, findings_end_at_their_ceiling_and_say_how_many_there_were);
    tcase_add_test(t, a_hundred_thousand_keys_are_compared_in_no_time);
    tcase_add_test(t, an_api_servers_text_is_told_by_paths_alone);
    suite_add_tcase(s, t);
    return s;
}
