/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/judges.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/ruleset/disk_list.h"
#include "lib/ruleset/ruleset.h"

#define APPARMOR_DISKS "@{varmor_disks}" /* lib/apparmor/apparmor.h */
#define MS_REMOUNT     0x20u             /* mount(2) */

struct judges {
    struct profile *full;    /* a reference: the profile with the node's disks in its BPF rules */
    struct ruleset *ruleset; /* owned; NULL: the profile has no BPF */
    bool has_apparmor, has_seccomp;
    struct aa_rules apparmor;
    struct sc_profile seccomp;
    struct sc_program *programs[SC_ARCHES]; /* owned; compiled when first asked */
};

const char *const arch_words[SC_ARCHES] = {
    [SC_X86_64] = "x86_64",   [SC_X86] = "x86", [SC_X32] = "x32",
    [SC_AARCH64] = "aarch64", [SC_ARM] = "arm",
};

/* The machine whose nodes run calls of an architecture. */
static const char *arch_machine(enum sc_arch arch)
{
    return arch == SC_AARCH64 || arch == SC_ARM ? "aarch64" : "x86_64";
}

int arch_parse(enum sc_arch *ret, const char *word, struct error **reterr)
{
    for (unsigned a = 0; a < SC_ARCHES; a++)
        if (strcmp(arch_words[a], word) == 0) {
            *ret = a;
            return 0;
        }
    return error_set(reterr, -EINVAL, "'%s' is not an architecture: x86_64, x86, x32, aarch64, arm",
                     error_quote(word));
}

void answer_done(struct answer *a)
{
    free(a->rule);
    free(a->note);
    *a = (struct answer){0};
}

struct judges *judges_free(struct judges *j)
{
    if (!j)
        return NULL;
    for (size_t i = 0; i < SC_ARCHES; i++)
        sc_program_free(j->programs[i]);
    sc_profile_done(&j->seccomp);
    aa_rules_done(&j->apparmor);
    ruleset_free(j->ruleset);
    profile_unref(j->full);
    free(j);
    return NULL;
}

/* "{/dev/sda,/dev/sda1}" in place of the variable that each node defines. */
static int expand_disks(struct aa_rule *rule, const struct disk_list *disks, struct error **reterr)
{
    CLEANUP_BUF struct buf path = BUF_INIT(DISK_LIST_MAX * (DISK_PATH_MAX + 1) + 2);
    int r = 0;

    if (rule->kind != AA_FILE || !rule->file.path || strcmp(rule->file.path, APPARMOR_DISKS) != 0)
        return 0;
    for (size_t i = 0; i < disks->n && r == 0; i++)
        r = buf_format(&path, "%s%s", i ? "," : "{", disks->paths[i]);
    if (r == 0)
        r = buf_add_text(&path, disks->n ? "}" : DISK_NONE);
    if (r < 0)
        return error_oom(reterr);
    free(rule->file.path);
    rule->file.path = strdup(buf_text(&path));
    return rule->file.path ? 0 : error_oom(reterr);
}

static int read_apparmor(struct judges *j, const struct profile *p, const struct disk_list *disks,
                         struct error **reterr)
{
    int r;

    if (!p->apparmor_text)
        return 0;
    r = aa_profile_read(&j->apparmor, p->apparmor_text, strlen(p->apparmor_text), p->name, reterr);
    j->has_apparmor = r == 0;
    for (size_t i = 0; i < j->apparmor.n && r == 0; i++)
        r = expand_disks(&j->apparmor.items[i], disks, reterr);
    return r < 0 ? error_wrap(reterr, r, "AppArmor") : 0;
}

static int read_seccomp(struct judges *j, const struct profile *p, struct error **reterr)
{
    int r;

    if (!p->seccomp_json)
        return 0;
    r = sc_profile_read_json(&j->seccomp, p->seccomp_json, strlen(p->seccomp_json), reterr);
    j->has_seccomp = r == 0;
    return r < 0 ? error_wrap(reterr, r, "Seccomp") : 0;
}

int judges_new(struct judges **ret, struct profile *p, const struct disk_list *disks,
               struct error **reterr)
{
    CLEANUP(judges_free) struct judges *j = calloc(1, sizeof(*j));
    int r;

    if (!j)
        return error_oom(reterr);
    r = disk_list_expand(disks, p, &j->full, reterr);
    if (r == 0 && (p->enforcers & ENFORCER_BPF))
        r = ruleset_build(&j->ruleset, j->full, reterr);
    if (r == 0)
        r = read_apparmor(j, p, disks, reterr);
    if (r == 0)
        r = read_seccomp(j, p, reterr);
    if (r < 0)
        return r;
    *ret = TAKE(j);
    return 0;
}

static int copy_text(char **ret, const char *text, struct error **reterr)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? error_oom(reterr) : 0;
}

/* ---- BPF ---- */

static struct ruleset_verdict judge_bpf(const struct ruleset *r, const struct question *q)
{
    switch (q->kind) {
    case QUESTION_PATH:
        return ruleset_judge_path(r, q->path.path, strlen(q->path.path), q->path.may);
    case QUESTION_CAPABILITY:
        return ruleset_judge_capability(r, q->capability.number);
    case QUESTION_CONNECT:
        return ruleset_judge_connect(r, &q->connect.addr, q->connect.port);
    case QUESTION_SOCKET:
        return ruleset_judge_socket(r, q->socket.numbers[0], q->socket.numbers[1],
                                    q->socket.numbers[2]);
    case QUESTION_MOUNT:
        return ruleset_judge_mount(r, q->mount.source, q->mount.fstype, q->mount.flags);
    case QUESTION_PTRACE:
        return ruleset_judge_ptrace(r, q->ptrace.permission, q->ptrace.external);
    case QUESTION_SYSCALL:
        break;
    }
    return (struct ruleset_verdict){.rule = VARMOR_NO_RULE};
}

static int ask_bpf(const struct judges *j, const struct question *q, struct answer *ret,
                   struct error **reterr)
{
    struct ruleset_verdict v;

    if (!j->ruleset || q->kind == QUESTION_SYSCALL)
        return 0;
    v = judge_bpf(j->ruleset, q);
    ret->kind = ANSWER_GIVEN;
    ret->deny = v.deny;
    ret->audit = v.audit;
    return copy_text(&ret->rule, v.rule < j->full->n_rules ? j->full->rules[v.rule].origin : NULL,
                     reterr);
}

/* ---- AppArmor ---- */

/* What an action is to AppArmor. False: it has no say in it. */
static bool apparmor_access(const struct question *q, struct aa_access *ret)
{
    *ret = (struct aa_access){0};
    switch (q->kind) {
    case QUESTION_PATH:
        *ret =
            (struct aa_access){.kind = AA_FILE, .name = q->path.path, .permissions = q->path.asks};
        return true;
    case QUESTION_CAPABILITY:
        *ret = (struct aa_access){.kind = AA_CAPABILITY, .name = q->capability.name};
        return true;
    case QUESTION_CONNECT:
        *ret = (struct aa_access){.kind = AA_NETWORK,
                                  .family = q->connect.addr.family == ADDR_IPV4 ? "inet" : "inet6",
                                  .type = "stream",
                                  .protocol = "tcp"};
        return true;
    case QUESTION_SOCKET:
        *ret = (struct aa_access){.kind = AA_NETWORK,
                                  .family = q->socket.domain,
                                  .type = q->socket.type,
                                  .protocol = *q->socket.protocol ? q->socket.protocol : NULL};
        return *q->socket.domain != '\0';
    case QUESTION_MOUNT:
        if (q->mount.flags & VARMOR_MOUNT_UMOUNT)
            *ret = (struct aa_access){.kind = AA_UMOUNT, .name = q->mount.source};
        else
            *ret = (struct aa_access){.kind = q->mount.flags & MS_REMOUNT ? AA_REMOUNT : AA_MOUNT,
                                      .fstype = q->mount.fstype};
        return true;
    case QUESTION_PTRACE:
    case QUESTION_SYSCALL:
        break;
    }
    return false;
}

/* True if a rule is about every mount, or every one of a type: nothing but fstype is said. */
static bool is_plain_mount(const struct aa_rule *rule)
{
    const char *word = strchr(rule->text, ' ');

    for (; word; word = strchr(word + 1, ' '))
        if (strncmp(word, " fstype", strlen(" fstype")) != 0)
            return false;
    return true;
}

/* Finds the rule that decides a mount. A remount is a rule of its own, and "mount" means both. What
 * has a source, a target or options may mean the mount or not: *ret_unsure, if it denies. */
static int find_mount_rule(const struct aa_rules *all, const struct aa_access *access,
                           const struct aa_rule **ret, bool *ret_unsure)
{
    CLEANUP_FREE struct aa_rule *plain = calloc(all->n + 1, sizeof(*plain)); /* borrows */
    const struct aa_rule *found;
    size_t n = 0;

    *ret = NULL;
    *ret_unsure = false;
    if (!plain)
        return -ENOMEM;
    for (size_t i = 0; i < all->n; i++) {
        const struct aa_rule *rule = &all->items[i];
        bool about =
            rule->child == access->child &&
            (rule->kind == AA_MOUNT || (rule->kind == AA_REMOUNT && access->kind == AA_REMOUNT));

        if (about && is_plain_mount(rule))
            plain[n++] = *rule;
        else if (about && (rule->qualifiers & AA_DENY))
            *ret_unsure = true;
    }
    found = aa_rules_find(&(const struct aa_rules){.items = plain, .n = n}, access);
    for (size_t i = 0; i < all->n && found; i++)
        if (all->items[i].text == found->text)
            *ret = &all->items[i];
    return 0;
}

/* The child profile that an executable runs in, as aa_rule.child; 0: the profile's own. The name of
 * child_N is that of our own profile text. */
static unsigned find_child(const struct aa_rules *all, const char *program)
{
    static const char prefix[] = "child_";

    for (size_t i = 0; i < all->n && program; i++) {
        const struct aa_rule *rule = &all->items[i];
        const char *child = rule->file.link_target;

        if (rule->kind == AA_FILE && rule->child == 0 && strcmp(rule->file.exec, "cx") == 0 &&
            rule->file.path && strcmp(rule->file.path, program) == 0 && child &&
            strncmp(child, prefix, strlen(prefix)) == 0)
            return (unsigned)strtoul(child + strlen(prefix), NULL, 10) + 1;
    }
    return 0;
}

static int answer_unknown(struct answer *a, const char *why, struct error **reterr)
{
    a->kind = ANSWER_UNKNOWN;
    return copy_text(&a->note, why, reterr);
}

static int ask_apparmor(const struct judges *j, const struct question *q, const char *program,
                        struct answer *ret, struct error **reterr)
{
    const struct aa_rule *rule;
    struct aa_access access;
    bool unsure = false;

    if (!j->has_apparmor)
        return 0;
    if (q->kind == QUESTION_PTRACE)
        return answer_unknown(ret, "its rules are about labels of peers", reterr);
    if (!apparmor_access(q, &access))
        return 0;
    access.child = find_child(&j->apparmor, program);
    if (access.kind != AA_MOUNT && access.kind != AA_REMOUNT)
        rule = aa_rules_find(&j->apparmor, &access);
    else if (find_mount_rule(&j->apparmor, &access, &rule, &unsure) < 0)
        return error_oom(reterr);
    if (unsure && !(rule && rule->qualifiers & AA_DENY))
        return answer_unknown(ret, "it has rules about sources, targets or options of mounts",
                              reterr);
    ret->kind = ANSWER_GIVEN;
    if (!rule)
        return 0;
    ret->deny = rule->qualifiers & AA_DENY;
    ret->audit = rule->qualifiers & AA_AUDIT;
    return copy_text(&ret->rule, rule->origin, reterr);
}

/* ---- Seccomp ---- */

static bool condition_holds(const struct sc_arg *a, const uint64_t args[SC_MAX_ARGS])
{
    uint64_t arg = args[a->index];

    switch (a->op) {
    case SC_NE:
        return arg != a->value;
    case SC_LT:
        return arg < a->value;
    case SC_LE:
        return arg <= a->value;
    case SC_EQ:
        return arg == a->value;
    case SC_GE:
        return arg >= a->value;
    case SC_GT:
        return arg > a->value;
    case SC_MASKED_EQ:
        return (arg & a->value) == a->value_two;
    case SC_COMPARES:
        break;
    }
    return false;
}

static bool rule_holds(const struct sc_rule *r, const struct question *q)
{
    bool named = false;

    for (size_t i = 0; i < r->n_names && !named; i++)
        named = strcmp(r->names[i], q->syscall.name) == 0;
    for (size_t i = 0; i < r->n_args && named; i++)
        named = condition_holds(&r->args[i], q->syscall.args);
    return named;
}

/* The origin of the rule that gives a call its verdict; NULL: none has one. */
static const char *find_origin(const struct sc_profile *p, const struct question *q,
                               enum sc_action action)
{
    for (size_t i = 0; i < p->n_rules; i++)
        if (p->rules[i].origin && p->rules[i].action == action && rule_holds(&p->rules[i], q))
            return p->rules[i].origin;
    return NULL;
}

/* The filter as a node that runs calls of this architecture would have it. Borrowed. */
static int program_of(struct judges *j, enum sc_arch arch, const struct sc_program **ret,
                      struct error **reterr)
{
    enum sc_arch of_machine[SC_ARCHES];
    size_t n;
    int r = 0;

    if (!j->programs[arch]) {
        r = sc_profile_arches(&j->seccomp, arch_machine(arch), of_machine, &n);
        if (r == 0)
            r = sc_compile(&j->programs[arch], &j->seccomp, of_machine, n, NULL, NULL, reterr);
        else
            error_set(reterr, r, "the architectures of the seccomp profile: %s", strerror(-r));
    }
    *ret = j->programs[arch];
    return r;
}

/* "SCMP_ACT_ERRNO 1, by default" */
static int format_action(struct answer *a, const struct sc_profile *p, const struct sc_verdict *v,
                         struct error **reterr)
{
    bool by_default = !a->rule && v->action == p->default_action;
    char number[16] = "";

    if (v->action == SC_ERRNO)
        snprintf(number, sizeof(number), " %u", v->data);
    if (asprintf(&a->note, "%s%s%s", sc_action_name(v->action), number,
                 by_default ? ", by default" : "") < 0) {
        a->note = NULL;
        return error_oom(reterr);
    }
    return 0;
}

static int ask_seccomp(struct judges *j, const struct question *q, enum sc_arch arch,
                       struct answer *ret, struct error **reterr)
{
    const struct sc_program *program;
    struct sc_verdict v = {0};
    int nr, r;

    if (!j->has_seccomp || q->kind != QUESTION_SYSCALL)
        return 0;
    nr = sc_syscall_number(arch, q->syscall.name);
    if (nr < 0)
        return error_set(reterr, -EINVAL, "'%s' is not a system call of %s",
                         error_quote(q->syscall.name), arch_words[arch]);
    r = program_of(j, arch, &program, reterr);
    if (r == 0)
        r = sc_simulate(program, arch, nr, q->syscall.args, &v);
    if (r < 0)
        return r;
    ret->kind = ANSWER_GIVEN;
    ret->deny = v.action != SC_ALLOW && v.action != SC_LOG;
    ret->audit = v.action == SC_LOG || (ret->deny && j->seccomp.log);
    if (v.action != SC_ALLOW)
        r = copy_text(&ret->rule, find_origin(&j->seccomp, q, v.action), reterr);
    return r < 0 ? r : format_action(ret, &j->seccomp, &v, reterr);
}

int judges_ask(struct judges *j, enum enforcer_bit enforcer, const struct question *q,
               const struct asker *asker, struct answer *ret, struct error **reterr)
{
    struct answer a = {0};
    int r = 0;

    switch (enforcer) {
    case ENFORCER_BPF:
        r = ask_bpf(j, q, &a, reterr);
        break;
    case ENFORCER_APPARMOR:
        r = ask_apparmor(j, q, asker->program, &a, reterr);
        break;
    case ENFORCER_SECCOMP:
        r = ask_seccomp(j, q, asker->arch, &a, reterr);
        break;
    }
    if (r < 0) {
        answer_done(&a);
        return r == -ENOMEM ? error_oom(reterr) : r;
    }
    *ret = a;
    return 0;
}
