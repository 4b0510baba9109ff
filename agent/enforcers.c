/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/enforcers.h"

const enum enforcer_bit enforcers_kinds[ENFORCERS_KINDS] = {ENFORCER_APPARMOR, ENFORCER_SECCOMP,
                                                            ENFORCER_BPF};

const struct node_enforcer *enforcers_find(const struct enforcers *all, enum enforcer_bit kind)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->items[i].enforcer->ops->bit == kind)
            return &all->items[i];
    }
    return NULL;
}
