/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * AppArmor's audit records as events of violations.log (audit-and-modeling.md A.6).
 *
 * The object has the members that libapparmor's parser has, under the names that the incumbent
 * gives them, and all of them in each event: numbers 0 and texts "" when a record has no such field.
 * The owner's and the task's user are left out when absent, since no number could say so. Members of
 * our own follow where they apply: class, options, addr, peerAddr, extra (fields that we do not
 * know, by their own keys, as text) and undecoded (keys of texts that should have been hexadecimal).
 *
 * Pure: no I/O, no clock, no logging.
 */
#include "agent/audit_record.h"
#include "agent/violation.h"
#include "lib/apparmor/apparmor.h"
#include "lib/profile.h"

/* Bytes of an event: each byte of a record becomes six at most. */
#define VIOLATION_AUDIT_JSON_MAX (6 * AUDIT_RECORD_MAX + 4096)

/* What was done. False: the record is of no access (a profile was loaded, a hint, an error). */
bool violation_apparmor_action(const struct audit_record *r, enum violation_action *ret);

/* Appends the object; without what only this one record has (pid, audit id) if kind is true. 0,
 * -E2BIG or -ENOMEM. */
int violation_apparmor_format(struct buf *b, const struct audit_record *r, bool kind) MUST_CHECK;

/* The name of the profile in a security label: what is before the first "/" and the first space
 * ("varmor-x//child_0", "varmor-x (enforce)"); "" for none, a path, or a name too long to be ours. */
void violation_label_profile(struct audit_text label, char ret[static PROFILE_NAME_MAX + 1]);

/* What was asked, for aa_rules_find(); its texts point into itself. */
struct violation_apparmor_access {
    struct aa_access access;
    char name[AUDIT_RECORD_MAX + 1], target[AUDIT_RECORD_MAX + 1], source[AUDIT_RECORD_MAX + 1];
    char family[16], type[16], protocol[16], fstype[32];
};
/* False: no rule can be looked for (a kind of access that rules do not have, a child that is not ours). */
bool violation_apparmor_access(const struct audit_record *r, struct violation_apparmor_access *ret);
