/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiles/builder_state.h"

int builder_new_rule(struct builder *b, struct rule **ret, enum rule_kind kind, unsigned mode,
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

unsigned builder_raw_mode(const struct builder *b, bool has_qualifiers, unsigned qualifiers)
{
    return has_qualifiers ? qualifiers : b->mode;
}

/* The rules with which EnhanceProtect and RuntimeDefault begin. */
static int add_base(struct builder *b)
{
    const struct builtin_rule *base = builtin_rule_base();

    if (!base)
        return builtin_rules_load(b->reterr);
    return builtin_rule_append(base, b->profile, b->mode, "base", true, b->reterr);
}

static int add_chosen(struct builder *b)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < b->n_chosen; i++) {
        const struct chosen_rule *c = &b->chosen[i];

        if (c->entry != BUILDER_WHOLE_PROFILE)
            continue;
        r = builtin_rule_append(c->rule, b->profile, b->mode, c->origin,
                                b->policy->enhance.privileged, b->reterr);
        if (r == 0)
            r = builder_add_services(b, c);
    }
    return r;
}

/* ---- Raw rules ---- */

/* One entry of files[] or processes[]: what changes or reads becomes a file rule, what executes an
 * exec rule. */
static int add_path_rule(struct builder *b, const struct policy_path_rule *raw, const char *origin)
{
    unsigned mode = builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers);
    struct rule *rule;
    int r = 0;

    if (raw->permissions & ~PATH_EXEC) {
        r = builder_new_rule(b, &rule, RULE_FILE, mode, origin);
        if (r < 0)
            return r;
        rule->path.permissions = raw->permissions & ~PATH_EXEC;
        r = builder_copy_text(b, &rule->path.pattern, raw->pattern);
    }
    if (r == 0 && (raw->permissions & PATH_EXEC)) {
        r = builder_new_rule(b, &rule, RULE_EXEC, mode, origin);
        if (r < 0)
            return r;
        rule->path.permissions = PATH_EXEC;
        r = builder_copy_text(b, &rule->path.pattern, raw->pattern);
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
        r = builder_new_rule(b, &rule, RULE_SOCKET,
                             builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers), origin);
        if (r < 0)
            return r;
        rule->socket.domains = raw->domains;
        rule->socket.types = raw->types;
        rule->socket.protocols = raw->protocols;
    }
    return 0;
}

static int add_ptrace(struct builder *b, const struct policy_ptrace *raw)
{
    struct rule *rule;
    int r;

    if (!raw->present)
        return 0;
    r = builder_new_rule(b, &rule, RULE_PTRACE,
                         builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers),
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
            return builder_wrong_at(b, -EINVAL, raw->at, path);
        }
        r = builder_new_rule(b, &rule, RULE_MOUNT,
                             builder_raw_mode(b, raw->has_qualifiers, raw->qualifiers), origin);
        if (r < 0)
            return r;
        rule->mount.flags = raw->flags;
        rule->mount.reverse_flags = raw->reverse_flags;
        r = builder_copy_text(b, &rule->mount.pattern, raw->source_pattern);
        if (r == 0)
            r = builder_copy_text(b, &rule->mount.fstype, raw->fstype);
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
        r = builder_add_egress(b);
    if (r == 0)
        r = add_ptrace(b, &bpf->ptrace);
    if (r == 0)
        r = add_mounts(b, bpf);
    return r;
}

int builder_add_bpf(struct builder *b)
{
    const struct policy *p = b->policy;
    int r = 0;

    if (p->mode == POLICY_ALWAYS_ALLOW)
        return 0;
    if (p->mode == POLICY_RUNTIME_DEFAULT || !p->enhance.privileged)
        r = add_base(b);
    if (r == 0 && p->mode == POLICY_ENHANCE_PROTECT)
        r = add_chosen(b);
    if (r == 0 && p->mode == POLICY_ENHANCE_PROTECT)
        r = add_raw_rules(b);
    return r;
}
