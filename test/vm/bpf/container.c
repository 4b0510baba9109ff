/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/bpf/container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CGROUPS          "/cgroup2"
#define CONTAINER_SCRIPT "/begin"

static int copy_file(const char *from, const char *to)
{
    CLEANUP_CLOSE int in = open(from, O_RDONLY | O_CLOEXEC);
    CLEANUP_CLOSE int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    char chunk[65536];
    ssize_t n;

    if (in < 0 || out < 0)
        return -errno;
    while ((n = read(in, chunk, sizeof(chunk))) > 0)
        if (write(out, chunk, (size_t)n) != n)
            return -EIO;
    return n < 0 ? -errno : 0;
}

int container_root_make(const char *program)
{
    static const char *const folders[] = {"/proc", "/sys", "/dev", "/etc", "/tmp", "/mnt"};
    char path[256];
    int r;

    mkdir(CONTAINER_ROOT, 0755);
    mkdir(CGROUPS, 0755);
    if (mount("tmpfs", CONTAINER_ROOT, "tmpfs", 0, NULL) < 0)
        return -errno;
    if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        snprintf(path, sizeof(path), CONTAINER_ROOT "%s", folders[i]);
        mkdir(path, 0755);
    }
    if (mount("proc", CONTAINER_ROOT "/proc", "proc", 0, NULL) < 0 ||
        mount("sysfs", CONTAINER_ROOT "/sys", "sysfs", 0, NULL) < 0)
        return -errno;
    r = copy_file(program, CONTAINER_ROOT "/inside");
    if (r == 0)
        r = container_file_make("/scratch");
    return r;
}

int container_overlay_make(void)
{
    static const char options[] =
        "lowerdir=" CONTAINER_ROOT ",upperdir=/overlay/upper,workdir=/overlay/work";

    mkdir("/overlay", 0755);
    if (mount("tmpfs", "/overlay", "tmpfs", 0, NULL) < 0)
        return -errno;
    mkdir("/overlay/upper", 0755);
    mkdir("/overlay/work", 0755);
    mkdir(CONTAINER_OVERLAY, 0755);
    if (mount("overlay", CONTAINER_OVERLAY, "overlay", 0, options) < 0)
        return -errno;
    return 0;
}

int container_cgroup_make(struct vm_container *c, const char *name)
{
    struct stat st;

    *c = (struct vm_container){.commands = -1, .answers = -1};
    snprintf(c->cgroup_path, sizeof(c->cgroup_path), CGROUPS "/%s", name);
    if (mkdir(c->cgroup_path, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (stat(c->cgroup_path, &st) < 0)
        return -errno;
    c->cgroup = st.st_ino;
    return 0;
}

static int join(const struct vm_container *c)
{
    char path[128];
    CLEANUP_CLOSE int fd = -1;

    snprintf(path, sizeof(path), "%s/cgroup.procs", c->cgroup_path);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) < 0)
        return -errno;
    return 0;
}

enum becoming { AS_CONTAINER, AS_HOST, IN_TWO_STEPS };

/* Says that all is ready, and waits for the order to begin. */
static void await_order(void)
{
    char order;

    if (write(1, "0\n", 2) != 2 || read(0, &order, 1) != 1)
        _exit(95);
}

static void become(const struct vm_container *c, enum becoming how)
{
    char *args[] = {(char *)"/inside", NULL};

    if (join(c) < 0)
        _exit(90);
    if (how == AS_HOST) {
        execv(CONTAINER_ROOT "/inside", args);
        _exit(91);
    }
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(92);
    if (chdir(c->root ? c->root : CONTAINER_ROOT) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        _exit(93);
    if (how == IN_TWO_STEPS)
        await_order();
    execv(how == IN_TWO_STEPS ? CONTAINER_SCRIPT : "/inside", args);
    _exit(94);
}

static int read_answer(struct vm_container *c)
{
    char text[16];

    for (size_t n = 0; n < sizeof(text); n++) {
        if (read(c->answers, text + n, 1) != 1)
            return -EPIPE;
        if (text[n] == '\n')
            return (int)strtol(text, NULL, 10);
    }
    return -EPIPE;
}

static int start(struct vm_container *c, enum becoming how)
{
    int commands[2], answers[2];

    if (pipe2(commands, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0)
        return -errno;
    c->pid = fork();
    if (c->pid < 0)
        return -errno;
    if (c->pid == 0) {
        dup2(commands[0], 0);
        dup2(answers[1], 1);
        become(c, how);
    }
    close(commands[0]);
    close(answers[1]);
    c->commands = commands[1];
    c->answers = answers[0];
    return read_answer(c);
}

int container_start(struct vm_container *c, bool is_host_like)
{
    return start(c, is_host_like ? AS_HOST : AS_CONTAINER);
}

static int script_make(void)
{
    static const char text[] = "#!/inside\n";
    CLEANUP_CLOSE int fd =
        open(CONTAINER_ROOT CONTAINER_SCRIPT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

    if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
        return -errno;
    return 0;
}

int container_prepare(struct vm_container *c)
{
    int r = script_make();

    return r < 0 ? r : start(c, IN_TWO_STEPS);
}

int container_go(struct vm_container *c)
{
    return write(c->commands, "\n", 1) == 1 ? read_answer(c) : -EPIPE;
}

int container_do(struct vm_container *c, const char *format, ...)
{
    char line[8192];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    line[n++] = '\n';
    if (write(c->commands, line, (size_t)n) != n)
        return -EPIPE;
    return read_answer(c);
}

void container_stop(struct vm_container *c)
{
    int status;

    close(c->commands);
    close(c->answers);
    c->commands = c->answers = -1;
    if (c->pid > 0)
        waitpid(c->pid, &status, 0);
    c->pid = 0;
}

int container_file_make(const char *path)
{
    char full[PATH_MAX];
    int fd;

    if (snprintf(full, sizeof(full), CONTAINER_ROOT "%s", path) >= (int)sizeof(full))
        return -ENAMETOOLONG;
    for (char *slash = full + sizeof(CONTAINER_ROOT); (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(full, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    if (fd < 0)
        return errno == EISDIR ? 0 : -errno;
    close(fd);
    return 0;
}
