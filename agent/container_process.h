/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A container's first process, in /proc. The runtime told its number some time ago: the process that
 * has the number now need not be the container's. So its folder is opened once, which stays this
 * process's whatever comes, and its cgroup is read through it and must be the container's. Blocks
 * for procfs, no logging.
 */
#include "lib/error.h"

/* cgroup_path may be NULL: not compared. A descriptor of the folder; -ESRCH: the process is gone, or
 * is another one now; -ENOMEM or another errno; each with *reterr. */
int container_process_open(int pid, const char *cgroup_path, struct error **reterr);
