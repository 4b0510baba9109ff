/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The rules of profiles as values, for telling which of them decided an event.
 *
 * AppArmor and seccomp do not say in their records which rule it was; it is found again by looking
 * for the access in the rules that the kernel was given. Reading a profile's text takes a
 * millisecond or so, thus the last VIOLATION_RULES_KEPT profiles are kept, by their digests. A
 * profile that cannot be read has no rules here, and its events no origin. No I/O, no logging.
 */
#include "lib/base.h"

struct aa_rules;
struct profile;
struct sc_profile;
struct violation_rules; /* opaque */

#define VIOLATION_RULES_KEPT 32

struct violation_rules *violation_rules_new(void); /* NULL: no memory */
struct violation_rules *violation_rules_free(struct violation_rules *v);
DEFINE_CLEANUP(struct violation_rules *, violation_rules_free)

/* Borrowed until the next call of either; NULL: the profile has none, or they cannot be read. */
const struct aa_rules *violation_rules_apparmor(struct violation_rules *v, const struct profile *p);
const struct sc_profile *violation_rules_seccomp(struct violation_rules *v,
                                                 const struct profile *p);
