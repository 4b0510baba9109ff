/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ports that egress rules concern at one address: ascending, disjoint ranges, each with what is
 * to be done and the rule that decides. Sets are merged so that denials win over audits, and lower
 * rules over higher ones. For lib/ruleset alone.
 */
#include "lib/error.h"
#include "bpf/varmor_shared.h"

struct port_set {
    struct varmor_port_range *ranges; /* owned */
    size_t n;
};

void port_set_done(struct port_set *s);

/* Adds ports first to last to a set, as one rule's. 0, -ENOMEM, or -E2BIG (VARMOR_MAX_PORTRANGES);
 * on failure the set is as it was. */
int port_set_add(struct port_set *s, uint16_t first, uint16_t last, unsigned mode, uint16_t rule);
/* Adds all of other. Same codes. */
int port_set_merge(struct port_set *s, const struct port_set *other);
bool port_set_equal(const struct port_set *a, const struct port_set *b);
