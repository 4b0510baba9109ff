/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/* Processes that have ended, as exits.bpf.c notes them for the agent (agent/exited_processes.h). */
#include <linux/types.h>

#define VARMOR_EXITS_MAX    8192 /* the ones that ended last */
#define VARMOR_EXIT_CGROUPS 8    /* nearest first */

struct varmor_exit {          /* value of varmor_exits; the key is the thread group, __u32 */
    __u64 began_ns, ended_ns; /* CLOCK_BOOTTIME */
    __u64 cgroups[VARMOR_EXIT_CGROUPS]; /* ids, from its own upwards; 0: there are no more */
};
