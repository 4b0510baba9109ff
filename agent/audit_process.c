/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit_process.h"

#include "agent/boot_clock.h"
#include "agent/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define STAT_BYTES      1024
#define FIELDS_TO_BEGIN 20 /* of /proc/PID/stat, from the one behind the name to the start time */

/* When a process began, in clock ticks since boot. False: there is none. */
static bool start_ticks(int pid, uint64_t *ret)
{
    char path[64], text[STAT_BYTES];
    CLEANUP_CLOSE int fd = -1;
    const char *at;
    char *end = NULL;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    at = strrchr(text, ')'); /* the name before it may hold anything */
    for (int i = 0; at && i < FIELDS_TO_BEGIN; i++)
        at = strchr(at + 1, ' ');
    if (!at)
        return false;
    errno = 0;
    *ret = strtoull(at + 1, &end, 10);
    return errno == 0 && end > at + 1;
}

bool audit_process_is_of(int pid, uint64_t time_ns)
{
    int64_t booted_ns = boot_clock_to_real_ns();
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    uint64_t ticks;

    if (pid <= 0 || ticks_per_second <= 0 || !start_ticks(pid, &ticks))
        return false;
    return booted_ns + (int64_t)(ticks * (NS_PER_SEC / (uint64_t)ticks_per_second)) <=
           (int64_t)(time_ns + AUDIT_PROCESS_SLACK_NS);
}

const struct container *
audit_process_container(int pid, const struct cgroup_root *root,
                        const struct container *(*find)(uint64_t cgroup_id, void *data), void *data)
{
    CLEANUP_FREE char *path = NULL;

    if (root->fd < 0 || cgroup_of_process(pid, &path, NULL) < 0 || !path)
        return NULL;
    for (int i = 0; i < AUDIT_PROCESS_MAX_DEPTH && path[0] == '/' && path[1]; i++) {
        const struct container *c = NULL;
        uint64_t id;

        if (cgroup_id(root, path, &id, NULL) == 0)
            c = find(id, data);
        if (c)
            return c;
        *strrchr(path, '/') = '\0';
    }
    return NULL;
}
