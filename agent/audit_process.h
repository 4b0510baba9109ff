/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The process of an audit record, looked up after the fact: its container and mount namespace.
 *
 * A record names a process by its number alone, and the process may have ended, or another one have
 * got its number, when the record is read. A process that began after the record was made is
 * therefore another one, and nothing is said about it: empty is better than wrong. A container is
 * found from the process's cgroup upwards, so that cgroups and namespaces that it made inside do not
 * hide it. Blocks for procfs and cgroupfs only. No logging.
 */
#include "lib/base.h"

struct cgroup_root;
struct container;

/* How much older than a record a process must seem: the kernel tells when it began in hundredths of
 * a second, and the two clocks are read one after the other. */
#define AUDIT_PROCESS_SLACK_NS  (30 * NS_PER_MSEC)
#define AUDIT_PROCESS_MAX_DEPTH 64 /* cgroups above a process that are looked at */

/* True if the process with this number is there and began before time_ns (CLOCK_REALTIME). */
bool audit_process_is_of(int pid, uint64_t time_ns);

/* The container of a process: the first that find() knows by the id of a cgroup, from the process's
 * own upwards. NULL: none, or the process is gone. */
const struct container *audit_process_container(int pid, const struct cgroup_root *root,
                                                const struct container *(*find)(uint64_t cgroup_id,
                                                                                void *data),
                                                void *data);
