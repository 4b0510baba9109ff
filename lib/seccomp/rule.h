/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the sources of this folder need of rules beside seccomp.h. */
#include "lib/seccomp/seccomp.h"

/* Does a verdict have a number: that of an error, or for the tracer? */
static inline bool sc_action_has_number(enum sc_action a)
{
    return a == SC_ERRNO || a == SC_TRACE;
}

/* Are the verdicts of a rule and of another, or of a profile's default, the same? */
bool sc_same_verdict(enum sc_action a, unsigned errno_a, enum sc_action b, unsigned errno_b);
static inline bool sc_rule_is_default(const struct sc_profile *p, const struct sc_rule *r)
{
    return sc_same_verdict(r->action, r->errno_ret, p->default_action, p->default_errno);
}

/* A new rule with another one's verdict and origin, and with the conditions given, which are of
 * indexes that differ. NULL as sc_profile_add(). like may be a rule of p. */
struct sc_rule *sc_profile_add_like(struct sc_profile *p, const struct sc_rule *like,
                                    const struct sc_arg *args, size_t n_args);
void sc_rule_done(struct sc_rule *r); /* frees what a rule owns, not the struct */
bool sc_rule_has_name(const struct sc_rule *r, const char *name);
/* Takes a name out of a rule, which may have none left then. */
void sc_rule_drop_name(struct sc_rule *r, const char *name);
/* Frees the rules without names. */
void sc_profile_sweep(struct sc_profile *p);
