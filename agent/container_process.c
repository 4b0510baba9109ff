/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/container_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/cgroup.h"
#include "agent/whole_file.h"

#define PROC_TEXT_MAX (64u << 10) /* of /proc/PID/cgroup: a line for each version 1 hierarchy */

/* 0, or -ESRCH: it is in another container's cgroup, or in none. */
static int check_cgroup(int proc_fd, const char *cgroup_path, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PROC_TEXT_MAX);
    CLEANUP_FREE char *path = NULL;
    size_t len = strlen(cgroup_path);
    int r = whole_file_read_kernel(proc_fd, "cgroup", &text);

    if (r < 0)
        return error_errno(reterr, r, "the cgroup of a process");
    r = cgroup_parse(&path, buf_text(&text), text.len, reterr);
    if (r < 0)
        return r;
    if (strncmp(path, cgroup_path, len) != 0 || (path[len] != '\0' && path[len] != '/'))
        return error_set(reterr, -ESRCH, "the process is no longer the container's");
    return 0;
}

int container_process_open(int pid, const char *cgroup_path, struct error **reterr)
{
    CLEANUP_CLOSE int fd = -1;
    char path[32];
    int r;

    if (pid <= 0)
        return error_set(reterr, -ESRCH, "the container has no process");
    snprintf(path, sizeof(path), "/proc/%d", pid);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(reterr, errno == ENOENT ? ESRCH : errno, "process %d", pid);
    r = cgroup_path ? check_cgroup(fd, cgroup_path, reterr) : 0;
    return r < 0 ? r : TAKE_FD(fd);
}
