/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "lib/buf.h"

#define CGROUP_FILE_MAX                                                                            \
    (64u << 10) /* /proc/PID/cgroup: a line for each of at most some 15 hierarchies */
#define DELETED_SUFFIX " (deleted)" /* what the kernel writes behind a removed cgroup's path */

static const struct cgroup_root root_candidates[] = {
    {.path = "/sys/fs/cgroup", .layout = "unified"},
    {.path = "/sys/fs/cgroup/unified", .layout = "hybrid"},
};

/* In a pod the agent begins in a cgroup namespace of its own, to which other pods' cgroups have no
 * names. Where it may not leave that, cgroup_parse() tells so of each container. */
static void join_cgroup_namespace_of_host(void)
{
    CLEANUP_CLOSE int here = open("/proc/self/ns/cgroup", O_RDONLY | O_CLOEXEC);
    CLEANUP_CLOSE int host = open("/proc/1/ns/cgroup", O_RDONLY | O_CLOEXEC);
    struct stat a, b;

    if (here >= 0 && host >= 0 && fstat(here, &a) == 0 && fstat(host, &b) == 0 &&
        a.st_ino != b.st_ino)
        setns(host, CLONE_NEWCGROUP);
}

int cgroup_root_open(struct cgroup_root *ret, struct error **reterr)
{
    join_cgroup_namespace_of_host();
    for (size_t i = 0; i < ARRAY_SIZE(root_candidates); i++) {
        CLEANUP_CLOSE int fd =
            open(root_candidates[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        struct statfs fs;

        if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
            continue;
        *ret = root_candidates[i];
        ret->fd = TAKE_FD(fd);
        return 0;
    }
    return error_set(
        reterr, -ENOENT,
        "there is no cgroup v2 hierarchy at /sys/fs/cgroup or /sys/fs/cgroup/unified; boot with "
        "systemd.unified_cgroup_hierarchy=1");
}

void cgroup_root_done(struct cgroup_root *root)
{
    if (root->fd >= 0)
        close(root->fd);
    *root = CGROUP_ROOT_NONE;
}

/* True if a component of path is "..": the kernel writes it for what lies above our cgroup
 * namespace. */
static bool leaves_namespace(const char *path, size_t len)
{
    for (size_t i = 0; i + 3 <= len; i++) {
        if (memcmp(path + i, "/..", 3) == 0 && (i + 3 == len || path[i + 3] == '/'))
            return true;
    }
    return false;
}

int cgroup_parse(char **ret, const char *text, size_t len, struct error **reterr)
{
    const size_t deleted_len = strlen(DELETED_SUFFIX);
    const char *end = text + len;

    for (const char *line = text, *next; line < end; line = next) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        const char *path = line + 3;
        size_t path_len;

        line_end = line_end ? line_end : end;
        next = line_end < end ? line_end + 1 : end;
        if (line_end - line < 3 || memcmp(line, "0::", 3) != 0)
            continue;
        path_len = (size_t)(line_end - path);
        if (path_len == 0 || path[0] != '/' || memchr(path, '\0', path_len))
            return error_set(reterr, -EBADMSG, "cgroup path '%s' is not absolute",
                             error_quote_n(path, path_len));
        if (path_len >= CGROUP_PATH_MAX)
            return error_set(reterr, -E2BIG, "a cgroup path of %zu bytes: at most %d", path_len,
                             CGROUP_PATH_MAX - 1);
        if (path_len >= deleted_len &&
            memcmp(path + path_len - deleted_len, DELETED_SUFFIX, deleted_len) == 0)
            return error_set(reterr, -ESTALE, "cgroup '%s' is removed",
                             error_quote_n(path, path_len));
        if (leaves_namespace(path, path_len))
            return error_set(reterr, -EXDEV,
                             "cgroup '%s' is outside of the agent's own cgroup namespace; "
                             "run the agent in the host's",
                             error_quote_n(path, path_len));
        *ret = strndup(path, path_len);
        return *ret ? 0 : error_oom(reterr);
    }
    return error_set(reterr, -ENOENT, "the process is in no cgroup of version 2");
}

/* Cuts path behind the first component that is name. True if there is one. */
static bool cut_behind(char *path, const char *name)
{
    size_t name_len = strlen(name);

    if (name_len == 0 || strchr(name, '/'))
        return false;
    for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
        size_t len = strcspn(p + 1, "/");

        if (len == name_len && memcmp(p + 1, name, len) == 0) {
            p[1 + len] = '\0';
            return true;
        }
    }
    return false;
}

void cgroup_trim(char *path, const char *cgroups_path)
{
    const char *first = strchr(cgroups_path, ':');
    const char *second = first ? strchr(first + 1, ':') : NULL;
    size_t len = strlen(cgroups_path);
    char unit[CGROUP_PATH_MAX];
    const char *base;

    if (second && cgroups_path[0] != '/') {
        /* systemd: "slice:prefix:name" is the unit prefix-name.scope, or the slice that is named */
        const char *name = second + 1;
        size_t prefix_len = (size_t)(second - first - 1);
        const char *suffix = strrchr(name, '.');

        if (suffix && strcmp(suffix, ".slice") == 0)
            cut_behind(path, name);
        else if (snprintf(unit, sizeof(unit), "%.*s%s%s.scope", (int)prefix_len, first + 1,
                          prefix_len > 0 ? "-" : "", name) < (int)sizeof(unit))
            cut_behind(path, unit);
        return;
    }
    if (len > 1 && cgroups_path[0] == '/' && strncmp(path, cgroups_path, len) == 0 &&
        (path[len] == '/' || path[len] == '\0')) {
        path[len] = '\0';
        return;
    }
    base = strrchr(cgroups_path, '/');
    cut_behind(path, base ? base + 1 : cgroups_path);
}

/* Reads a file of procfs whole. */
static int read_proc(struct buf *b, int pid, const char *name, struct error **reterr)
{
    char path[64];
    CLEANUP_CLOSE int fd = -1;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(reterr, errno == ENOENT ? ESRCH : errno, "process %d", pid);
    for (;;) {
        int r = buf_reserve(b, 4096);

        if (r < 0)
            return r == -ENOMEM
                       ? error_oom(reterr)
                       : error_set(reterr, r, "%s is larger than %u bytes", path, CGROUP_FILE_MAX);
        n = read(fd, b->data + b->len, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(reterr, errno, "process %d", pid);
        if (n == 0)
            return 0;
        b->len += (size_t)n;
        b->data[b->len] = '\0';
    }
}

/* The kernfs file handle of a cgroup is its 64-bit id: what the kernel's
 * bpf_get_current_cgroup_id() says. */
int cgroup_id(const struct cgroup_root *root, const char *path, uint64_t *ret,
              struct error **reterr)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } h = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount_id;

    if (name_to_handle_at(root->fd, path + 1, &h.handle, &mount_id, 0) < 0)
        return error_errno(reterr, errno, "cgroup '%s'", error_quote(path));
    if (h.handle.handle_bytes != sizeof(*ret))
        return error_set(reterr, -EOPNOTSUPP, "cgroup '%s': its file handle has %u bytes, not 8",
                         error_quote(path), h.handle.handle_bytes);
    memcpy(ret, h.handle.f_handle, sizeof(*ret));
    return 0;
}

int cgroup_of_process(int pid, char **ret, struct error **reterr)
{
    CLEANUP_BUF struct buf text = BUF_INIT(CGROUP_FILE_MAX);
    int r = read_proc(&text, pid, "cgroup", reterr);

    if (r == 0)
        r = cgroup_parse(ret, buf_text(&text), text.len, reterr);
    return r < 0 ? error_wrap(reterr, r, "process %d", pid) : 0;
}

int cgroup_of_container(const struct cgroup_root *root, int pid, const char *cgroups_path,
                        char **ret_path, uint64_t *ret_id, struct error **reterr)
{
    CLEANUP_FREE char *path = NULL;
    int r;

    if (root->fd < 0)
        return error_set(reterr, -ENOENT, "this node has no cgroup v2 hierarchy");
    r = cgroup_of_process(pid, &path, reterr);
    if (!path) /* r says why */
        return r;
    if (cgroups_path)
        cgroup_trim(path, cgroups_path);
    if (strcmp(path, "/") == 0)
        return error_set(
            reterr, -EPERM,
            "process %d is in the root cgroup: it cannot be told from the host's processes", pid);
    r = cgroup_id(root, path, ret_id, reterr);
    if (r < 0)
        return r;
    *ret_path = TAKE(path);
    return 0;
}

int cgroup_mount_namespace(int pid, uint64_t *ret, struct error **reterr)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
    if (stat(path, &st) < 0)
        return error_errno(reterr, errno == ENOENT ? ESRCH : errno, "mount namespace of process %d",
                           pid);
    *ret = st.st_ino;
    return 0;
}
