/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which AppArmor profile a container's first process runs under, as the kernel says, and whether
 * that is what it should be.
 *
 * The runtime told the process's number some time ago: what is read is of the process that has it
 * now, so its cgroup is read through the same descriptor and must be the container's. A label is
 * one profile with its mode ("varmor-shop-web (enforce)"), a child of it ("...//child_0"), several
 * stacked ("a//&b"), or "unconfined". A stack of ours with another profile only takes away more.
 * apparmor_label_judge() is pure; nothing here logs.
 */
#include "lib/error.h"

struct enforcer_hold;

#define APPARMOR_LABEL_MAX 8192 /* bytes with the NUL; the kernel's own ceiling is a page */

/* cgroup_path may be NULL: not compared. 0; -ESRCH: the process is gone, or is another one now;
 * -ENOMEM or another errno with *reterr. */
int apparmor_label_read(int pid, const char *cgroup_path, char ret[static APPARMOR_LABEL_MAX],
                        struct error **reterr);

/* profile should be in complain mode, else in enforce mode, and has n_children children (child_0
 * ...). */
void apparmor_label_judge(const char *label, const char *profile, bool complain,
                          unsigned n_children, struct enforcer_hold *ret);
/* Says of a container that does not run under the profile what its own setting names ("": nothing;
 * NULL: not known), and thereby whether a new start would mend it. */
void apparmor_label_explain(const char *setting, const char *profile, struct enforcer_hold *hold);
