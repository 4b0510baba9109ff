/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Processes that have ended: in which cgroups they were. The kernel notes the last VARMOR_EXITS_MAX
 * of the host (bpf/exits.bpf.c) for as long as this object is there; needs CAP_BPF and CAP_PERFMON
 * to begin. No logging.
 */
#include "bpf/exits.h"
#include "lib/error.h"

struct exited_processes; /* opaque */

/* 0; -ENOMEM; or what the kernel says of the program, with *reterr. */
int exited_processes_new(struct exited_processes **ret, struct error **reterr);
struct exited_processes *exited_processes_free(struct exited_processes *e); /* accepts NULL */
DEFINE_CLEANUP(struct exited_processes *, exited_processes_free)

/* The ids of the cgroups of the process that had this number at time_ns (CLOCK_REALTIME) and has
 * ended, its own first; how many they are. 0: it is not known. */
size_t exited_processes_find(const struct exited_processes *e, int pid, uint64_t time_ns,
                             uint64_t ret[static VARMOR_EXIT_CGROUPS]);
