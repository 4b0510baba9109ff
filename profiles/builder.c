/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/builder.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/profile_codec.h"
#include "profiles/builtin_rule.h"

#define ENHANCE "spec.policy.enhanceProtect"

/* A cluster policy wins over a namespaced one (contract.md 3.9). */
enum { BUILDER_PRIORITY_NAMESPACED = 0, BUILDER_PRIORITY_CLUSTER = 1 };

/* One build under way. */
struct builder {
    const struct policy *policy;
    struct profile *profile;
    unsigned mode; /* enum rule_mode_bit, of all rules without qualifiers of their own */
    struct builder_unsupported *unsupported;
    struct error **reterr;
};

void builder_unsupported_done(struct builder_unsupported *u)
{
    for (size_t i = 0; i < u->n; i++)
        free(u->items[i]);
    free(u->items);
    free(u->at);
    *u = (struct builder_unsupported){0};
}

/* Notes something that cannot be carried out, with its position. 0 or -ENOMEM with *reterr. */
static int PRINTF_FORMAT(3, 4)
    add_unsupported(struct builder *b, struct policy_position at, const char *format, ...)
{
    CLEANUP_FREE char *what = NULL;
    struct builder_unsupported *u = b->unsupported;
    struct policy_position *positions;
    char **items, *text;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&what, format, args);
    va_end(args);
    if (n < 0) {
        what = NULL;
        return error_oom(b->reterr);
    }
    items = reallocarray(u->items, u->n + 1, sizeof(*items));
    if (!items)
        return error_oom(b->reterr);
    u->items = items;
    positions = reallocarray(u->at, u->n + 1, sizeof(*positions));
    if (!positions)
        return error_oom(b->reterr);
    u->at = positions;
    if (at.line)
        n = asprintf(&text, "%s (line %u, column %u)", what, at.line, at.column);
    else
        n = asprintf(&text, "%s", what);
    if (n < 0)
        return error_oom(b->reterr);
    positions[u->n] = at;
    items[u->n++] = text;
    return 0;
}

/* Puts the place of what is wrong in front of *reterr. */
static int wrong_at(struct builder *b, int r, struct policy_position at, const char *path)
{
    if (at.line)
        return error_wrap(b->reterr, r, "%s (line %u, column %u)", path, at.line, at.column);
    return error_wrap(b->reterr, r, "%s", path);
}

static int new_rule(struct builder *b, struct rule **ret, enum rule_kind kind, unsigned mode,
                    const char *origin)
{
    struct rule *rule;

    if (b->profile->n_rules == PROFILE_MAX_RULES)
        return error_set(b->reterr, -E2BIG, "%s: more than %d rules", origin, PROFILE_MAX_RULES);
    rule = profile_add_rule(b->profile, kind, mode, origin);
    if (!rule)
        return error_oom(b->reterr);
    *ret = rule;
    return 0;
}

static int copy_text(struct builder *b, char **ret, const char *text)
{
    *ret = strdup(text);
    return *ret ? 0 : error_oom(b->reterr);
}

/* ---- Built-in rules ---- */

static int add_builtin(struct builder *b, enum builtin_category category,
                       const struct policy_text *name, const char *list, const char *path)
{
    const struct builtin_rule *rule = builtin_rule_find(category, name->text);
    CLEANUP_FREE char *origin = NULL;

    if (!rule)
        return wrong_at(b, builtin_rule_unknown(category, name->text, b->reterr), name->at, path);
    if (!rule->bpf->n_rules)
        return add_unsupported(b, name->at, "%s: built-in rule '%s' needs the %s enforcer", path,
                               rule->name, enforcer_set_name(builtin_rule_enforcers(rule)));
    if (asprintf(&origin, "%s: %s", list, rule->name) < 0) {
        origin = NULL;
        return error_oom(b->reterr);
    }
    return builtin_rule_append(rule, b->profile, b->mode, origin, b->policy->enhance.privileged,
                               b->reterr);
}

static int add_builtins(struct builder *b, enum builtin_category category,
                        const struct policy_texts *names, const char *list, const char *path)
{
    for (size_t i = 0; i < names->n; i++) {
        char item[128];
        int r;

        snprintf(item, sizeof(item), "%s[%zu]", path, i);
        r = add_builtin(b, category, &names->items[i], list, item);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_attack_rules(struct builder *b)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;

    for (size_t i = 0; i < e->n_attack_rules; i++) {
        const struct policy_attack_rules *entry = &e->attack_rules[i];
        char path[128];
        int r;

        if (entry->targets.n > 0) {
            r = add_unsupported(b, entry->targets.items[0].at,
                                ENHANCE ".attackProtectionRules[%zu].targets: rules for single "
                                        "executables need the AppArmor enforcer",
                                i);
            if (r < 0)
                return r;
        }
        snprintf(path, sizeof(path), ENHANCE ".attackProtectionRules[%zu].rules", i);
        r = add_builtins(b, BUILTIN_ATTACK_PROTECTION, &entry->rules, "attackProtectionRules",
                         path);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The rules with which EnhanceProtect and RuntimeDefault begin. */
static int add_base(struct builder *b, unsigned mode)
{
    const struct builtin_rule *base = builtin_rule_base();

    if (!base)
        return builtin_rules_load(b->reterr);
    return builtin_rule_append(base, b->profile, mode, "base", true, b->reterr);
}

/* ---- Raw rules ---- */

static unsigned raw_mode(const struct builder *b, bool has_qualifiers, unsigned qualifiers)
{
    return has_qualifiers ? qualifiers : b->mode;
}

/* One entry of files[] or processes[]: what changes or reads becomes a file rule, what executes an
 * exec rule. */
static int add_path_rule(struct builder *b, const struct policy_path_rule *raw, const char *origin)
{
    unsigned mode = raw_mode(b, raw->has_qualifiers, raw->qualifiers);
    struct rule *rule;
    int r = 0;

    if (raw->permissions & ~PATH_EXEC) {
        r = new_rule(b, &rule, RULE_FILE, mode, origin);
        if (r < 0)
            return r;
        rule->path.permissions = raw->permissions & ~PATH_EXEC;
        r = copy_text(b, &rule->path.pattern, raw->pattern);
    }
    if (r == 0 && (raw->permissions & PATH_EXEC)) {
        r = new_rule(b, &rule, RULE_EXEC, mode, origin);
        if (r < 0)
            return r;
        rule->path.permissions = PATH_EXEC;
        r = copy_text(b, &rule->path.pattern, raw->pattern);
    }
    return r;
}

static int add_path_rules(struct builder *b, const struct policy_path_rule *raw, size_t n,
                          const char *list)
{
    for (size_t i = 0; i < n; i++) {
        char origin[64];
        int r;

        snprintf(origin, sizeof(origin), "bpfRawRules.%s[%zu]", list, i);
        r = add_path_rule(b, &raw[i], origin);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_sockets(struct builder *b, const struct policy_bpf_rules *bpf)
{
    for (size_t i = 0; i < bpf->n_sockets; i++) {
        const struct policy_socket_rule *raw = &bpf->sockets[i];
        char origin[64];
        struct rule *rule;
        int r;

        snprintf(origin, sizeof(origin), "bpfRawRules.network.sockets[%zu]", i);
        r = new_rule(b, &rule, RULE_SOCKET, raw_mode(b, raw->has_qualifiers, raw->qualifiers),
                     origin);
        if (r < 0)
            return r;
        rule->socket.domains = raw->domains;
        rule->socket.types = raw->types;
        rule->socket.protocols = raw->protocols;
    }
    return 0;
}

static int add_egress_rule(struct builder *b, const struct policy_destination *raw,
                           const struct addr *block, const char *origin)
{
    struct rule *rule;
    int r =
        new_rule(b, &rule, RULE_EGRESS, raw_mode(b, raw->has_qualifiers, raw->qualifiers), origin);

    if (r < 0)
        return r;
    rule->egress.block = *block;
    if (raw->ports.n == 0)
        return 0;
    rule->egress.ports = calloc(raw->ports.n, sizeof(*rule->egress.ports));
    if (!rule->egress.ports)
        return error_oom(b->reterr);
    memcpy(rule->egress.ports, raw->ports.items, raw->ports.n * sizeof(*rule->egress.ports));
    rule->egress.n_ports = raw->ports.n;
    return 0;
}

/* The blocks that an entity stands for; loopback is all of 127/8, as the kernel has it. */
static const char *const entity_blocks[][2] = {
    [POLICY_LOCALHOST] = {"127.0.0.0/8", "::1/128"},
    [POLICY_UNSPECIFIED] = {"0.0.0.0/32", "::/128"},
};

static int add_entity_rules(struct builder *b, const struct policy_destination *raw,
                            const char *origin)
{
    for (size_t i = 0; i < ARRAY_SIZE(entity_blocks[0]); i++) {
        struct addr block;
        int r = addr_parse_block(&block, entity_blocks[raw->entity][i]);

        assert(r == 0);
        r = add_egress_rule(b, raw, &block, origin);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_destinations(struct builder *b, const struct policy_bpf_rules *bpf)
{
    for (size_t i = 0; i < bpf->n_destinations; i++) {
        const struct policy_destination *raw = &bpf->destinations[i];
        char origin[64];
        int r;

        snprintf(origin, sizeof(origin), "bpfRawRules.network.egress.toDestinations[%zu]", i);
        if (raw->entity == POLICY_POD_SELF)
            r = add_unsupported(b, raw->at, ENHANCE ".%s: 'pod-self'", origin);
        else if (raw->entity != POLICY_ENTITY_NONE)
            r = add_entity_rules(b, raw, origin);
        else
            r = add_egress_rule(b, raw, &raw->block, origin);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_pods_and_services(struct builder *b, const struct policy_bpf_rules *bpf)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < bpf->n_pods; i++)
        r = add_unsupported(b, bpf->pods[i].at, ENHANCE ".bpfRawRules.network.egress.toPods[%zu]",
                            i);
    for (size_t i = 0; r == 0 && i < bpf->n_services; i++)
        r = add_unsupported(b, bpf->services[i].at,
                            ENHANCE ".bpfRawRules.network.egress.toServices[%zu]", i);
    return r;
}

static int add_ptrace(struct builder *b, const struct policy_ptrace *raw)
{
    struct rule *rule;
    int r;

    if (!raw->present)
        return 0;
    r = new_rule(b, &rule, RULE_PTRACE, raw_mode(b, raw->has_qualifiers, raw->qualifiers),
                 "bpfRawRules.ptrace");
    if (r < 0)
        return r;
    rule->ptrace.permissions = raw->permissions;
    rule->ptrace.strict = raw->strict;
    return 0;
}

static int add_mounts(struct builder *b, const struct policy_bpf_rules *bpf)
{
    for (size_t i = 0; i < bpf->n_mounts; i++) {
        const struct policy_mount_rule *raw = &bpf->mounts[i];
        char origin[64];
        struct rule *rule;
        int r;

        snprintf(origin, sizeof(origin), "bpfRawRules.mounts[%zu]", i);
        if (!b->policy->enhance.privileged) {
            char path[128];

            snprintf(path, sizeof(path), ENHANCE ".%s", origin);
            error_set(b->reterr, -EINVAL,
                      "raw mount rules need " ENHANCE
                      ".privileged: true; without it every mount is denied already");
            return wrong_at(b, -EINVAL, raw->at, path);
        }
        r = new_rule(b, &rule, RULE_MOUNT, raw_mode(b, raw->has_qualifiers, raw->qualifiers),
                     origin);
        if (r < 0)
            return r;
        rule->mount.flags = raw->flags;
        rule->mount.reverse_flags = raw->reverse_flags;
        r = copy_text(b, &rule->mount.pattern, raw->source_pattern);
        if (r == 0)
            r = copy_text(b, &rule->mount.fstype, raw->fstype);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_raw_rules(struct builder *b)
{
    const struct policy_bpf_rules *bpf = &b->policy->enhance.bpf;
    int r = add_path_rules(b, bpf->files, bpf->n_files, "files");

    if (r == 0)
        r = add_path_rules(b, bpf->processes, bpf->n_processes, "processes");
    if (r == 0)
        r = add_sockets(b, bpf);
    if (r == 0)
        r = add_destinations(b, bpf);
    if (r == 0)
        r = add_pods_and_services(b, bpf);
    if (r == 0)
        r = add_ptrace(b, &bpf->ptrace);
    if (r == 0)
        r = add_mounts(b, bpf);
    return r;
}

/* ---- Modes ---- */

static int refuse_other_enforcers_rules(struct builder *b)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;
    int r = 0;

    if (e->n_apparmor_raw > 0)
        r = add_unsupported(b, e->apparmor_raw[0].at, ENHANCE ".appArmorRawRules");
    if (r == 0 && e->n_syscalls > 0)
        r = add_unsupported(b, e->syscalls[0].at, ENHANCE ".syscallRawRules");
    return r;
}

static int build_enhance_protect(struct builder *b)
{
    const struct policy_enhance_protect *e = &b->policy->enhance;
    int r;

    if (!e->present) {
        error_set(b->reterr, -EINVAL, "mode EnhanceProtect needs " ENHANCE);
        return wrong_at(b, -EINVAL, b->policy->mode_at, "spec.policy.mode");
    }
    b->mode = (e->allow_violations ? 0 : RULE_DENY) | (e->audit_violations ? RULE_AUDIT : 0);
    r = e->privileged ? 0 : add_base(b, b->mode);
    if (r == 0)
        r = add_builtins(b, BUILTIN_HARDENING, &e->hardening_rules, "hardeningRules",
                         ENHANCE ".hardeningRules");
    if (r == 0)
        r = add_builtins(b, BUILTIN_MITIGATION, &e->mitigation_rules, "vulMitigationRules",
                         ENHANCE ".vulMitigationRules");
    if (r == 0)
        r = add_attack_rules(b);
    if (r == 0)
        r = add_raw_rules(b);
    return r < 0 ? r : refuse_other_enforcers_rules(b);
}

static int build_rules(struct builder *b)
{
    const struct policy *p = b->policy;
    int r = 0;

    if (p->enforcers != ENFORCER_BPF) {
        r = add_unsupported(b, p->enforcer_at, "spec.policy.enforcer '%s'",
                            error_quote(p->enforcer_text));
        if (r < 0)
            return r;
    }
    switch (p->mode) {
    case POLICY_ALWAYS_ALLOW:
        return 0;
    case POLICY_RUNTIME_DEFAULT:
        return add_base(b, RULE_DENY);
    case POLICY_ENHANCE_PROTECT:
        return build_enhance_protect(b);
    case POLICY_BEHAVIOR_MODELING:
    case POLICY_DEFENSE_IN_DEPTH:
    case POLICY_MODE_NONE:
    case POLICY_MODES:
        break;
    }
    return add_unsupported(b, p->mode_at, "spec.policy.mode '%s'", policy_mode_name(p->mode));
}

/* ---- Names and targets ---- */

static int copy_target(struct builder *b, const struct profile_target *from)
{
    struct profile_target *to;
    int r = 0;

    if (b->profile->n_targets == PROFILE_MAX_TARGETS)
        return error_set(b->reterr, -E2BIG, "more than %d targets", PROFILE_MAX_TARGETS);
    to = profile_add_target(b->profile, from->kind);
    if (!to)
        return error_oom(b->reterr);
    if (from->name_space)
        r = copy_text(b, &to->name_space, from->name_space);
    if (r == 0 && from->name)
        r = copy_text(b, &to->name, from->name);
    if (r < 0)
        return r;
    if (from->selector) {
        to->selector = selector_copy(from->selector);
        if (!to->selector)
            return error_oom(b->reterr);
    }
    if (from->n_containers == 0)
        return 0;
    to->containers = calloc(from->n_containers, sizeof(*to->containers));
    if (!to->containers)
        return error_oom(b->reterr);
    for (; r == 0 && to->n_containers < from->n_containers; to->n_containers++)
        r = copy_text(b, &to->containers[to->n_containers], from->containers[to->n_containers]);
    return r;
}

static int describe(struct builder *b, const struct builder_facts *facts)
{
    const struct policy *policy = b->policy;
    struct profile *p = b->profile;
    int r;

    r = policy_profile_name(policy, facts->install_namespace, &p->name, b->reterr);
    if (r < 0)
        return r;
    r = copy_text(b, &p->name_space,
                  policy->cluster ? facts->install_namespace : policy->name_space);
    if (r == 0)
        r = copy_text(b, &p->policy_kind, policy->cluster ? "VarmorClusterPolicy" : "VarmorPolicy");
    if (r == 0)
        r = copy_text(b, &p->policy_namespace, policy->cluster ? "" : policy->name_space);
    if (r == 0)
        r = copy_text(b, &p->policy_name, policy->name);
    if (r < 0)
        return r;
    p->policy_generation = facts->generation;
    p->enforcers = policy->enforcers;
    p->priority = policy->cluster ? BUILDER_PRIORITY_CLUSTER : BUILDER_PRIORITY_NAMESPACED;
    if (facts->n_targets == 0)
        return copy_target(b, &policy->target);
    for (size_t i = 0; r == 0 && i < facts->n_targets; i++)
        r = copy_target(b, &facts->targets[i]);
    return r;
}

int builder_build(struct profile **ret, const struct policy *policy,
                  const struct builder_facts *facts, struct builder_unsupported *ret_unsupported,
                  struct error **reterr)
{
    CLEANUP(profile_unref) struct profile *profile = profile_new();
    struct builder b = {
        .policy = policy, .profile = profile, .unsupported = ret_unsupported, .reterr = reterr};
    int r;

    *ret_unsupported = (struct builder_unsupported){0};
    if (!profile)
        return error_oom(reterr);
    r = describe(&b, facts);
    if (r == 0)
        r = build_rules(&b);
    if (r == 0 && ret_unsupported->n > 0)
        return BUILDER_UNSUPPORTED;
    if (r == 0)
        r = profile_seal(profile, reterr);
    if (r < 0) {
        builder_unsupported_done(ret_unsupported);
        return r;
    }
    *ret = TAKE(profile);
    return 0;
}
