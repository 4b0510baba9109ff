/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/policy.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const mode_names[] = {
    [POLICY_MODE_NONE] = "",
    [POLICY_ALWAYS_ALLOW] = "AlwaysAllow",
    [POLICY_RUNTIME_DEFAULT] = "RuntimeDefault",
    [POLICY_ENHANCE_PROTECT] = "EnhanceProtect",
    [POLICY_BEHAVIOR_MODELING] = "BehaviorModeling",
    [POLICY_DEFENSE_IN_DEPTH] = "DefenseInDepth",
};
static_assert(ARRAY_SIZE(mode_names) == POLICY_MODES, "one name for each mode");

const char *policy_mode_name(enum policy_mode mode)
{
    return mode_names[mode];
}

struct policy *policy_new(void)
{
    struct policy *p = calloc(1, sizeof(*p));

    if (p)
        p->n_refs = 1;
    return p;
}

struct policy *policy_ref(struct policy *p)
{
    p->n_refs++;
    return p;
}

/* ---- Freeing: the reverse of the structs in policy.h ---- */

static void texts_done(struct policy_texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->items[i].text);
    free(t->items);
}

static void raw_rules_done(struct policy_raw_rules *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rules[i].rules.text);
        texts_done(&rules[i].targets);
    }
    free(rules);
}

static void syscall_rules_done(struct policy_syscall_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        texts_done(&rules[i].names);
        free(rules[i].action);
        for (size_t j = 0; j < rules[i].n_args; j++)
            free(rules[i].args[j].op);
        free(rules[i].args);
    }
    free(rules);
}

static void path_rules_done(struct policy_path_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(rules[i].pattern);
    free(rules);
}

static void egress_done(struct policy_bpf_rules *b)
{
    for (size_t i = 0; i < b->n_destinations; i++)
        free(b->destinations[i].ports.items);
    free(b->destinations);
    for (size_t i = 0; i < b->n_pods; i++) {
        selector_free(b->pods[i].pod_selector);
        free(b->pods[i].name_space);
        free(b->pods[i].ports.items);
    }
    free(b->pods);
    for (size_t i = 0; i < b->n_services; i++) {
        free(b->services[i].name_space);
        free(b->services[i].name);
        selector_free(b->services[i].service_selector);
    }
    free(b->services);
}

static void raw_bpf_rules_done(struct policy_bpf_rules *b)
{
    path_rules_done(b->files, b->n_files);
    path_rules_done(b->processes, b->n_processes);
    free(b->sockets);
    egress_done(b);
    for (size_t i = 0; i < b->n_mounts; i++) {
        free(b->mounts[i].source_pattern);
        free(b->mounts[i].fstype);
    }
    free(b->mounts);
}

static void enhance_done(struct policy_enhance_protect *e)
{
    texts_done(&e->hardening_rules);
    for (size_t i = 0; i < e->n_attack_rules; i++) {
        texts_done(&e->attack_rules[i].rules);
        texts_done(&e->attack_rules[i].targets);
    }
    free(e->attack_rules);
    texts_done(&e->mitigation_rules);
    raw_rules_done(e->apparmor_raw, e->n_apparmor_raw);
    raw_bpf_rules_done(&e->bpf);
    syscall_rules_done(e->syscalls, e->n_syscalls);
}

static void custom_done(struct policy_custom *c)
{
    free(c->custom_profile);
    raw_rules_done(c->apparmor_raw, c->n_apparmor_raw);
    syscall_rules_done(c->syscalls, c->n_syscalls);
}

struct policy *policy_unref(struct policy *p)
{
    if (!p || --p->n_refs > 0)
        return NULL;
    custom_done(&p->defense_seccomp);
    custom_done(&p->defense_apparmor);
    enhance_done(&p->enhance);
    free(p->enforcer_text);
    profile_target_done(&p->target);
    free(p->uid);
    labels_free(p->labels);
    free(p->name);
    free(p->name_space);
    free(p);
    return NULL;
}

/* ---- The profile's name ---- */

int policy_profile_name(const struct policy *p, const char *install_namespace, char **ret,
                        struct error **reterr)
{
    const char *front = p->cluster ? "varmor-cluster-" : "varmor-";
    const char *name_space = p->cluster ? install_namespace : p->name_space;
    size_t used = strlen(front) + strlen(name_space) + 1;
    char *name;

    if (used + strlen(p->name) > PROFILE_NAME_MAX) {
        size_t left = used < PROFILE_NAME_MAX ? PROFILE_NAME_MAX - used : 0;

        return error_set(
            reterr, -ENAMETOOLONG,
            "'%s' is too long for the profile's name '%s%s-...': at most %zu bytes, it has %zu",
            error_quote(p->name), front, error_quote(name_space), left, strlen(p->name));
    }
    if (asprintf(&name, "%s%s-%s", front, name_space, p->name) < 0)
        return error_oom(reterr);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *ret = name;
    return 0;
}
