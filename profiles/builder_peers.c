/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/builder.h"

bool builder_names_peers(const struct policy *policy)
{
    const struct policy_bpf_rules *raw = &policy->enhance.bpf;

    if (policy->mode != POLICY_ENHANCE_PROTECT || !(policy->enforcers & ENFORCER_BPF))
        return false;
    return raw->n_services > 0 || raw->n_pods > 0;
}
