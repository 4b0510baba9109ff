/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "profiles/builder.h"
#include "profiles/builtin_rule.h"

/* The one Service in question; name NULL: any. */
struct service_name {
    const char *name_space, *name;
};

static bool names_service(enum builtin_category category, const struct policy_texts *names,
                          const struct service_name *wanted)
{
    for (size_t i = 0; i < names->n; i++) {
        const struct builtin_rule *rule = builtin_rule_find(category, names->items[i].text);

        for (size_t k = 0; rule && k < rule->n_services; k++)
            if (!wanted->name || (strcmp(rule->services[k].name_space, wanted->name_space) == 0 &&
                                  strcmp(rule->services[k].name, wanted->name) == 0))
                return true;
    }
    return false;
}

/* A built-in rule of the policy does. */
static bool builtins_name(const struct policy_enhance_protect *e, const struct service_name *wanted)
{
    if (names_service(BUILTIN_HARDENING, &e->hardening_rules, wanted) ||
        names_service(BUILTIN_MITIGATION, &e->mitigation_rules, wanted))
        return true;
    for (size_t i = 0; i < e->n_attack_rules; i++)
        if (names_service(BUILTIN_ATTACK_PROTECTION, &e->attack_rules[i].rules, wanted))
            return true;
    return false;
}

static bool has_egress(const struct policy *policy)
{
    return policy->mode == POLICY_ENHANCE_PROTECT && (policy->enforcers & ENFORCER_BPF);
}

/* No namespace means all. */
static bool is_in(const char *wanted, const char *name_space)
{
    return !wanted || !*wanted || strcmp(wanted, name_space) == 0;
}

bool builder_names_peers(const struct policy *policy)
{
    const struct policy_enhance_protect *e = &policy->enhance;

    if (!has_egress(policy))
        return false;
    return e->bpf.n_services > 0 || e->bpf.n_pods > 0 ||
           builtins_name(e, &(struct service_name){0});
}

bool builder_names_pod(const struct policy *policy, const char *name_space,
                       const struct labels *labels)
{
    const struct policy_bpf_rules *bpf = &policy->enhance.bpf;

    if (!has_egress(policy))
        return false;
    for (size_t i = 0; i < bpf->n_pods; i++)
        if (is_in(bpf->pods[i].name_space, name_space) &&
            selector_match(bpf->pods[i].pod_selector, labels))
            return true;
    return false;
}

bool builder_names_service(const struct policy *policy, const char *name_space, const char *name)
{
    const struct policy_bpf_rules *bpf = &policy->enhance.bpf;

    if (!has_egress(policy))
        return false;
    for (size_t i = 0; i < bpf->n_services; i++) {
        const struct policy_to_service *s = &bpf->services[i];

        if (is_in(s->name_space, name_space) &&
            (s->service_selector || (s->name && strcmp(s->name, name) == 0)))
            return true;
    }
    return builtins_name(&policy->enhance, &(struct service_name){name_space, name});
}
