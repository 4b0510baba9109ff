/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A container of a test: a cgroup, and a task in it with a mount namespace and a root directory of
 * its own (a tmpfs made by container_root_make()) that runs the commands of test/vm/bpf/inside.c.
 * Made as a runtime makes one: join the cgroup, set up with the host's root directory, pivot, then
 * the exec of the program.
 */
#include "lib/base.h"

#include <sys/types.h>

#define CONTAINER_ROOT "/container" /* the root directory as the host sees it */

struct vm_container {
    pid_t pid;
    int commands, answers; /* pipes */
    uint64_t cgroup;       /* id */
    char cgroup_path[64];
    const char *root; /* static; as the host sees it; NULL: CONTAINER_ROOT */
};

/* Mounts the root directory's tmpfs, /proc and /sys in it, and puts the program there. 0 or -errno.
 */
int container_root_make(const char *program);

/* Makes CONTAINER_OVERLAY, an overlay of CONTAINER_ROOT and an empty upper folder: a root directory
 * as runtimes make it. 0 or -errno. */
int container_overlay_make(void);
#define CONTAINER_OVERLAY "/overlay/merged"

/* Makes the cgroup /cgroup2/NAME (or finds it). 0 or -errno. */
int container_cgroup_make(struct vm_container *c, const char *name);
/* Starts the program; returns when it is there. With is_host_like the task keeps the host's root
 * directory and namespaces. 0 or -errno. */
int container_start(struct vm_container *c, bool is_host_like);
/* The same in two steps: after container_prepare() its task is in the cgroup and has its root
 * directory, as a runtime's has before the exec of the program, which container_go() lets it do,
 * through a script (so that files are opened in the middle of it). 0 or -errno. */
int container_prepare(struct vm_container *c);
int container_go(struct vm_container *c);
/* One command, one answer: 0 or -errno; -EPIPE if the program is gone. Words are apart by tabs. */
int container_do(struct vm_container *c, const char *format, ...) PRINTF_FORMAT(2, 3);
void container_stop(struct vm_container *c);

/* Makes the folders above path, and a file there if none is; path is as the container sees it. 0 or
 * -errno. */
int container_file_make(const char *path);
