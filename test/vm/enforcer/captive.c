/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/enforcer/captive.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CGROUP_FOLDER "/sys/fs/cgroup"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    printf("captive: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    _exit(1);
}

void captive_make(struct captive *c, const char *name)
{
    struct stat st;

    *c = (struct captive){.to = -1, .from = -1};
    snprintf(c->cgroup, sizeof(c->cgroup), CGROUP_FOLDER "/%s", name);
    must(mkdir(c->cgroup, 0755) == 0, c->cgroup);
    must(stat(c->cgroup, &st) == 0, c->cgroup);
    c->cgroup_id = st.st_ino;
}

static void file_write(const char *folder, const char *name, const char *text)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    must(fd >= 0, path);
    must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    close(fd);
}

static void file_copy(const char *from, const char *folder, const char *name)
{
    char path[128], chunk[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out;
    ssize_t n;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    must(in >= 0, from);
    must(out >= 0, path);
    while ((n = read(in, chunk, sizeof(chunk))) > 0)
        must(write(out, chunk, (size_t)n) == n, path);
    close(in);
    close(out);
}

/* In the child: a root of its own, then its program. */
static void become(const struct captive *c, const char *program)
{
    static const char root[] = "/tmp/captive-root";
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", getpid());
    file_write(c->cgroup, "cgroup.procs", pid);
    must(unshare(CLONE_NEWNS) == 0, "unshare");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
    must(mkdir(root, 0755) == 0 || errno == EEXIST, root);
    must(mount("tmpfs", root, "tmpfs", 0, NULL) == 0, "mount of the root");
    file_copy(program, root, "program");
    file_write(root, "secret", "secret\n");
    file_write(root, "public", "public\n");
    must(chdir(root) == 0, root);
    must(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
    must(umount2(".", MNT_DETACH) == 0, "umount of the old root");
    must(chdir("/") == 0, "/");
    execl("/program", "/program", NULL);
    must(false, "exec of /program");
}

void captive_start(struct captive *c, const char *program)
{
    int in[2], out[2];

    must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
    fflush(stdout);
    c->pid = fork();
    must(c->pid >= 0, "fork");
    if (c->pid == 0) {
        must(dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1, "dup2");
        become(c, program);
    }
    close(in[0]);
    close(out[1]);
    c->to = in[1];
    c->from = out[0];
    must(captive_open(c, "/public") == 0, "the captive's program does not answer");
}

void captive_end(struct captive *c)
{
    if (c->pid > 0) {
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
        close(c->to);
        close(c->from);
    }
    must(rmdir(c->cgroup) == 0, c->cgroup);
    c->pid = 0;
}

static void command(struct captive *c, char verb, const char *path)
{
    char line[256];
    int n = snprintf(line, sizeof(line), "%c%s\n", verb, path);

    must(write(c->to, line, (size_t)n) == n, "writing to the captive");
}

static void answer(struct captive *c, char line[64])
{
    size_t n = 0;

    do
        must(n < 63 && read(c->from, line + n, 1) == 1, "reading from the captive");
    while (line[n++] != '\n');
    line[n] = '\0';
}

int captive_open(struct captive *c, const char *path)
{
    char line[64];

    command(c, 'o', path);
    answer(c, line);
    return (int)strtol(line, NULL, 10);
}

void captive_loop(struct captive *c, const char *path)
{
    command(c, 'l', path);
}

void captive_stop(struct captive *c, unsigned long *ret_tries, unsigned long *ret_successes)
{
    char line[64];

    command(c, 's', "");
    answer(c, line);
    must(sscanf(line, "%lu %lu", ret_tries, ret_successes) == 2, "the captive's count");
}
