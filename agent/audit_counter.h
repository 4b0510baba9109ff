/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A counter of the kernel's, as the sum of what it has counted since it was first read.
 *
 * The counter has 32 bits, and somebody may set it back to 0 at any time (auditctl --reset-lost). So
 * a value below the one before is a new beginning, and not a run through all of 2^32; what was
 * counted between the last reading and the reset is not known. Pure.
 */
#include "lib/base.h"

struct audit_counter { /* starts zeroed */
    bool begun;
    uint32_t last;
    uint64_t sum; /* only grows */
};

void audit_counter_put(struct audit_counter *c, uint32_t value);
