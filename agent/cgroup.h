/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a process is in the cgroup v2 hierarchy, and which cgroup is a container's.
 *
 * Enforcers know a container by its cgroup's id. On a unified node the hierarchy is /sys/fs/cgroup,
 * on a hybrid one /sys/fs/cgroup/unified; a node with version 1 alone has no ids, and
 * cgroup_root_open() says so. A container's first process may have moved into a child of its
 * container's cgroup (an init system does): the container's own cgroup is found by the OCI spec's
 * cgroupsPath, never below it. The root cgroup is nobody's: a container that lives there cannot be
 * told from the host, and is refused. Blocks on procfs and cgroupfs only. No logging.
 */
#include "lib/error.h"

#define CGROUP_PATH_MAX 4096 /* of a path in the hierarchy, with its NUL */

struct cgroup_root {
    int fd;             /* owned; the top folder of the v2 hierarchy, O_PATH; -1: none */
    const char *path;   /* static */
    const char *layout; /* "unified" or "hybrid"; static */
};
#define CGROUP_ROOT_NONE ((struct cgroup_root){.fd = -1, .path = "", .layout = "none"})

/* Takes the process into the cgroup namespace of process 1 first, where it may. 0, or -ENOENT with
 * *reterr: this node has no cgroup v2 hierarchy. */
int cgroup_root_open(struct cgroup_root *ret, struct error **reterr);
void cgroup_root_done(struct cgroup_root *root);

/* The v2 path in the text of /proc/PID/cgroup. 0; -ENOENT (no v2 line); -EXDEV: the path is outside
 * of our own cgroup namespace; -ESTALE: the cgroup is being removed; -EBADMSG, -E2BIG or -ENOMEM.
 * *ret is the caller's. */
int cgroup_parse(char **ret, const char *text, size_t len, struct error **reterr);

/* Cuts path (of the container's first process) to the container's own cgroup, as cgroups_path of
 * its OCI spec names it: "/a/b" or "b" (cgroupfs), "x.slice:prefix:name" (systemd). Where neither
 * fits, path stays whole. */
void cgroup_trim(char *path, const char *cgroups_path);

/* The id of the cgroup at a path of the hierarchy. 0, or -errno with *reterr. */
int cgroup_id(const struct cgroup_root *root, const char *path, uint64_t *ret,
              struct error **reterr);

/* The v2 path of a process, however deep it is. *ret is the caller's. 0; -ESRCH: there is no such
 * process; or what cgroup_parse() returns; with *reterr. */
int cgroup_of_process(int pid, char **ret, struct error **reterr);

/* The cgroup of a container whose first process is pid; cgroups_path may be NULL. *ret_path is the
 * caller's. 0; -ESRCH: there is no such process; -EPERM: it is in the root cgroup; what
 * cgroup_parse() returns; or the errno of the look-up; all with *reterr. */
int cgroup_of_container(const struct cgroup_root *root, int pid, const char *cgroups_path,
                        char **ret_path, uint64_t *ret_id, struct error **reterr);

/* The inode number of a process's mount namespace. 0; -ESRCH or another errno with *reterr. */
int cgroup_mount_namespace(int pid, uint64_t *ret, struct error **reterr);
