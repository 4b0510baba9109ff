/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The schemas of VarmorPolicy and VarmorClusterPolicy, spread over four files as their fields are:
 *
 *   policy_schema.c      the object, its target, its mode and the checks across them
 *   enhance_schema.c     enhanceProtect, and what defenseInDepth shares with it
 *   bpf_rules_schema.c   bpfRawRules
 *   policy_words.c       the words
 *
 * A field of contract.md 1.3 that has no row in a table is refused as unknown: nothing is ignored
 * by omission.
 */
#include "lib/policy/decoder.h"
#include "lib/policy/policy.h"

/* Ceilings of lists within lists, which keep an API server's estimate of what the rules cost within
 * its budget. */
#define POLICY_MAX_PORTS        64   /* of one egress rule */
#define POLICY_MAX_SELECTED     1024 /* toPods, toServices: each has selectors of its own */
#define POLICY_MAX_SYSCALL_ARGS 32   /* of one rule; an index may stand twice */

/* Reads a policy's document into *p, which is new. Adds findings; 0 or -ENOMEM. cluster tells the
 * kind. */
int policy_decode(struct policy *p, const struct node *root, bool cluster, struct decoder *d);

extern const struct schema policy_spec_schema;     /* struct policy: spec of both kinds */
extern const struct schema policy_target_schema;   /* struct profile_target: spec.target */
extern const struct schema enhance_protect_schema; /* struct policy_enhance_protect */
extern const struct schema
    custom_apparmor_schema; /* struct policy_custom: defenseInDepth.appArmor */
extern const struct schema custom_seccomp_schema; /* struct policy_custom: defenseInDepth.seccomp */
extern const struct schema bpf_rules_schema;      /* struct policy_bpf_rules */
