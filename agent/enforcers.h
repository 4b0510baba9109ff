/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The enforcers of this node: at most one of each kind, with what its probe found. Plain data. */
#include "agent/enforcer.h"

#define ENFORCERS_KINDS 3

/* In the order in which a profile is committed and reported: BPF last, as it alone cannot take a
 * commit back. */
extern const enum enforcer_bit enforcers_kinds[ENFORCERS_KINDS];

struct node_enforcer { /* both borrowed for the life of the agent */
    struct enforcer *enforcer;
    const struct enforcer_facts *facts;
};

struct enforcers {
    struct node_enforcer items[ENFORCERS_KINDS];
    size_t n;
};

/* NULL: this agent has none of the kind. */
const struct node_enforcer *enforcers_find(const struct enforcers *all, enum enforcer_bit kind);
