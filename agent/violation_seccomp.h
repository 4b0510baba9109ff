/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Seccomp's audit records as events of violations.log (audit-and-modeling.md A.6, B.6).
 *
 * Whether a call was stopped is in the record's code: an errno, a trap, a kill is DENIED; a call
 * that was let through and logged is AUDIT|ALLOWED, since the record does not say why the filter let
 * it through. The name is from the table of the record's own architecture. After the incumbent's
 * members follow code (how it was stopped), errno, and arch for a call of another kind than the
 * machine's own (i386, arm, x32); each only where it applies.
 *
 * Pure: no I/O, no clock, no logging.
 */
#include "agent/audit_record.h"
#include "agent/violation.h"
#include "lib/buf.h"
#include "lib/seccomp/seccomp.h"

struct violation_seccomp {
    enum violation_action action;
    enum sc_action verdict; /* of the filter */
    const char *code;       /* "kill_process"; static */
    unsigned errno_ret;     /* of SC_ERRNO; 0: kernels up to now do not tell it */
    const char *arch;       /* static; NULL: the machine's own */
    char call[64];          /* "unshare", or its number */
};

/* 0, or -EBADMSG: the record's numbers are not numbers. */
int violation_seccomp_read(const struct audit_record *r, struct violation_seccomp *ret);

/* Appends the object; without what only this one record has (pid, audit id) if kind is true. 0,
 * -E2BIG or -ENOMEM. */
int violation_seccomp_format(struct buf *b, const struct audit_record *r,
                             const struct violation_seccomp *v, bool kind) MUST_CHECK;
