/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/builder.h"
#include "profiles/builtin_rule.h"

static bool names_services(enum builtin_category category, const struct policy_texts *names)
{
    for (size_t i = 0; i < names->n; i++) {
        const struct builtin_rule *rule = builtin_rule_find(category, names->items[i].text);

        if (rule && rule->n_services)
            return true;
    }
    return false;
}

bool builder_names_peers(const struct policy *policy)
{
    const struct policy_enhance_protect *e = &policy->enhance;

    if (policy->mode != POLICY_ENHANCE_PROTECT || !(policy->enforcers & ENFORCER_BPF))
        return false;
    if (e->bpf.n_services > 0 || e->bpf.n_pods > 0 ||
        names_services(BUILTIN_HARDENING, &e->hardening_rules) ||
        names_services(BUILTIN_MITIGATION, &e->mitigation_rules))
        return true;
    for (size_t i = 0; i < e->n_attack_rules; i++)
        if (names_services(BUILTIN_ATTACK_PROTECTION, &e->attack_rules[i].rules))
            return true;
    return false;
}
