/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_counter.h"

void audit_counter_put(struct audit_counter *c, uint32_t value)
{
    if (c->begun)
        c->sum += value >= c->last ? value - c->last : value;
    c->begun = true;
    c->last = value;
}
