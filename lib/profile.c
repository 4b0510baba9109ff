/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/profile.h"

#include <errno.h>
#include <string.h>

#include "lib/policy/selector.h"
#include "lib/counted_text.h"

struct profile *profile_new(void)
{
    struct profile *p = calloc(1, sizeof(*p));

    if (p)
        p->n_refs = 1;
    return p;
}

struct profile *profile_ref(struct profile *p)
{
    p->n_refs++;
    return p;
}

static void profile_rule_done(struct rule *r)
{
    free(r->origin);
    switch (r->kind) {
    case RULE_FILE:
    case RULE_EXEC:
        free(r->path.pattern);
        break;
    case RULE_EGRESS:
        free(r->egress.ports);
        break;
    case RULE_MOUNT:
        free(r->mount.pattern);
        free(r->mount.fstype);
        break;
    case RULE_NONE:
    case RULE_CAPABILITY:
    case RULE_SOCKET:
    case RULE_PTRACE:
    case RULE_KINDS:
        break;
    }
}

void profile_target_done(struct profile_target *t)
{
    free(t->name_space);
    free(t->name);
    selector_free(t->selector);
    for (size_t i = 0; i < t->n_containers; i++)
        free(t->containers[i]);
    free(t->containers);
    *t = (struct profile_target){0};
}

struct profile *profile_unref(struct profile *p)
{
    if (!p || --p->n_refs > 0)
        return NULL;
    counted_text_unref(p->seccomp_json);
    free(p->apparmor_text);
    for (size_t i = 0; i < p->n_rules; i++)
        profile_rule_done(&p->rules[i]);
    free(p->rules);
    for (size_t i = 0; i < p->n_targets; i++)
        profile_target_done(&p->targets[i]);
    free(p->targets);
    free(p->policy_name);
    free(p->policy_namespace);
    free(p->policy_kind);
    free(p->name_space);
    free(p->name);
    free(p);
    return NULL;
}

/* Makes room for one more item behind n: the room doubles whenever n is a power of two, so that no
 * list has to keep its capacity. NULL: no memory; the list is then as it was. */
static void *profile_grow(void *items, size_t n, size_t item_size)
{
    if (n & (n - 1))
        return items;
    return reallocarray(items, n ? 2 * n : 1, item_size);
}

struct rule *profile_add_rule(struct profile *p, enum rule_kind kind, unsigned mode,
                              const char *origin)
{
    CLEANUP_FREE char *copy = NULL;
    struct rule *rules, *added;

    if (p->n_rules == PROFILE_MAX_RULES)
        return NULL;
    copy = strdup(origin);
    if (!copy)
        return NULL;
    rules = profile_grow(p->rules, p->n_rules, sizeof(*rules));
    if (!rules)
        return NULL;
    p->rules = rules;
    added = &rules[p->n_rules++];
    *added = (struct rule){.kind = kind, .mode = mode, .origin = TAKE(copy)};
    return added;
}

/* What stands in the union; of text and lists a copy. 0 or -ENOMEM. */
static int profile_copy_content(struct rule *to, const struct rule *from)
{
    switch (from->kind) {
    case RULE_FILE:
    case RULE_EXEC:
        to->path.permissions = from->path.permissions;
        to->path.pattern = strdup(from->path.pattern);
        return to->path.pattern ? 0 : -ENOMEM;
    case RULE_EGRESS:
        to->egress.block = from->egress.block;
        to->egress.ports = calloc(from->egress.n_ports + 1, sizeof(*to->egress.ports));
        if (!to->egress.ports)
            return -ENOMEM;
        to->egress.n_ports = from->egress.n_ports;
        if (from->egress.n_ports)
            memcpy(to->egress.ports, from->egress.ports,
                   from->egress.n_ports * sizeof(*to->egress.ports));
        return 0;
    case RULE_MOUNT:
        to->mount.flags = from->mount.flags;
        to->mount.reverse_flags = from->mount.reverse_flags;
        to->mount.pattern = strdup(from->mount.pattern);
        to->mount.fstype = strdup(from->mount.fstype);
        return to->mount.pattern && to->mount.fstype ? 0 : -ENOMEM;
    case RULE_CAPABILITY:
        to->capability = from->capability;
        return 0;
    case RULE_SOCKET:
        to->socket = from->socket;
        return 0;
    case RULE_PTRACE:
        to->ptrace = from->ptrace;
        return 0;
    case RULE_NONE:
    case RULE_KINDS:
        return 0;
    }
    return 0;
}

struct rule *profile_copy_rule(struct profile *p, const struct rule *from)
{
    struct rule *to = profile_add_rule(p, from->kind, from->mode, from->origin);

    return to && profile_copy_content(to, from) == 0 ? to : NULL;
}

struct profile_target *profile_add_target(struct profile *p, enum target_kind kind)
{
    struct profile_target *targets, *added;

    if (p->n_targets == PROFILE_MAX_TARGETS)
        return NULL;
    targets = profile_grow(p->targets, p->n_targets, sizeof(*targets));
    if (!targets)
        return NULL;
    p->targets = targets;
    added = &targets[p->n_targets++];
    *added = (struct profile_target){.kind = kind};
    return added;
}

const char *rule_kind_name(enum rule_kind kind)
{
    static const char *const names[] = {
        [RULE_NONE] = "none",     [RULE_FILE] = "file",
        [RULE_EXEC] = "exec",     [RULE_CAPABILITY] = "capability",
        [RULE_SOCKET] = "socket", [RULE_EGRESS] = "egress",
        [RULE_PTRACE] = "ptrace", [RULE_MOUNT] = "mount",
    };

    _Static_assert(ARRAY_SIZE(names) == RULE_KINDS, "each rule kind has a name");
    return names[kind];
}

const char *target_kind_name(enum target_kind kind)
{
    static const char *const names[] = {
        [TARGET_NONE] = "none",
        [TARGET_POD] = "Pod",
        [TARGET_DEPLOYMENT] = "Deployment",
        [TARGET_STATEFULSET] = "StatefulSet",
        [TARGET_DAEMONSET] = "DaemonSet",
    };

    _Static_assert(ARRAY_SIZE(names) == TARGET_KINDS, "each target kind has a name");
    return names[kind];
}

const char *enforcer_set_name(unsigned enforcers)
{
    static const char *const names[] = {
        [0] = "",
        [ENFORCER_APPARMOR] = "AppArmor",
        [ENFORCER_BPF] = "BPF",
        [ENFORCER_APPARMOR | ENFORCER_BPF] = "AppArmorBPF",
        [ENFORCER_SECCOMP] = "Seccomp",
        [ENFORCER_APPARMOR | ENFORCER_SECCOMP] = "AppArmorSeccomp",
        [ENFORCER_BPF | ENFORCER_SECCOMP] = "BPFSeccomp",
        [ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP] = "AppArmorBPFSeccomp",
    };

    return names[enforcers & (ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP)];
}
