/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Names of system calls in a policy that no architecture knows: runtimes pass them over, so that a typing
 * error weakens a policy in silence. */
#include "ctl/validate_report.h"

/* Adds a warning for each, with the nearest name. 0 or -ENOMEM. */
int syscall_check(struct report *report, const char *file, const struct policy *policy);
