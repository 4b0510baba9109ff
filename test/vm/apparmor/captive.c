/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/apparmor/captive.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/apparmor.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_NAME "/captive"

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "captive: %s: %s\n", what, strerror(errno));
    exit(125);
}

static void make_cgroup(struct captive *c)
{
    char path[128];

    snprintf(c->cgroup, sizeof(c->cgroup), CGROUP_NAME);
    snprintf(path, sizeof(path), CGROUP_ROOT "%s", c->cgroup);
    if (access(CGROUP_ROOT "/cgroup.procs", F_OK) < 0) {
        mkdir(CGROUP_ROOT, 0755);
        if (mount("cgroup2", CGROUP_ROOT, "cgroup2", 0, NULL) < 0)
            die("cgroup2");
    }
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        die(path);
}

static void join_cgroup(const struct captive *c)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), CGROUP_ROOT "%s/cgroup.procs", c->cgroup);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        die(path);
    close(fd);
}

/* Its answer to one question, or to its start: an errno. */
static int read_answer(struct captive *c)
{
    char line[16] = "";

    for (size_t n = 0; n < sizeof(line) - 1; n++) {
        if (read(c->from, line + n, 1) != 1)
            return ECONNRESET;
        if (line[n] == '\n')
            break;
    }
    return (int)strtol(line, NULL, 10);
}

int captive_start(struct captive *c, const char *profile)
{
    int in[2], out[2];

    *c = (struct captive){.to = -1, .from = -1};
    make_cgroup(c);
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        die("pipe");
    c->pid = fork();
    if (c->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        join_cgroup(c);
        if (profile && aa_change_onexec(profile) < 0) {
            printf("%d\n", errno);
            exit(1);
        }
        execl("/proc/self/exe", "captive", "captive", (char *)NULL);
        die("exec");
    }
    close(in[0]);
    close(out[1]);
    c->to = in[1];
    c->from = out[0];
    return read_answer(c);
}

void captive_end(struct captive *c)
{
    char path[128];

    if (c->to >= 0)
        close(c->to);
    if (c->pid > 0)
        waitpid(c->pid, NULL, 0);
    if (c->from >= 0)
        close(c->from);
    snprintf(path, sizeof(path), CGROUP_ROOT "%s", c->cgroup);
    rmdir(path);
    *c = (struct captive){.to = -1, .from = -1};
}

static int ask(struct captive *c, const char *question)
{
    if (write(c->to, question, strlen(question)) < 0)
        return errno;
    return read_answer(c);
}

int captive_open(struct captive *c, const char *path)
{
    char question[256];

    snprintf(question, sizeof(question), "open %s\n", path);
    return ask(c, question);
}

int captive_mount(struct captive *c)
{
    return ask(c, "mount\n");
}

int captive_userns(struct captive *c)
{
    return ask(c, "userns\n");
}

/* ---- inside ---- */

static int do_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int do_mount(void)
{
    if (mount("none", "/mnt", "tmpfs", 0, NULL) < 0)
        return errno;
    umount("/mnt");
    return 0;
}

/* In a child of its own, which ends with it. */
static int do_userns(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) < 0 ? errno : 0);
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

int captive_serve(void)
{
    char line[256];

    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("0");
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "open ", 5) == 0)
            printf("%d\n", do_open(line + 5));
        else if (strcmp(line, "mount") == 0)
            printf("%d\n", do_mount());
        else
            printf("%d\n", do_userns());
    }
    return 0;
}
