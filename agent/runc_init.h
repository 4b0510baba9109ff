/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Has a container's program begun? As long as runc's init process waits for the start order it
 * holds a descriptor of the container's "exec.fifo", which runc made in its own state folder
 * outside of every container. The descriptor is close-on-exec, so whoever holds it has not executed
 * the container's program: this proves it, and nothing that a container does can feign it. No proof
 * (another runtime, another state folder) means "not known", never "it has begun".
 */
#include "lib/base.h"

#define RUNC_STATE_FOLDER "/run/containerd/runc" /* containerd's, with a folder a namespace */

/* True if it is certain that the program of container id has not begun; pid is its first process.
 * Reads procfs. */
bool runc_init_waits(const char *state_folder, const char *name_space, const char *id, int pid);
