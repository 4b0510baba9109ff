/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacker: the program of a container under test. Static, so that any root file system can hold it.
 *
 *     attacker COMMANDS ANSWERS     two FIFOs
 *
 * A command is a line "ID<tab>ATTEMPT"; the answer is "ID<tab>OUTCOME": "succeeded", "EPERM 2 write" (what the second
 * step, write, failed with), or the signal that ended it ("SIGSYS"); then, behind a tab, the processes that it was, so
 * that records can be told by them. "ID<tab>keep NAME ATTEMPT" is done by the attacker itself: what
 * the last step opened is kept under the name, for later attempts ("kept NAME").
 */
#include "test/attacks/program/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MAX_KEPT      32
#define MAX_PROCESSES 16    /* of an attempt, itself included */
#define DEADLINE_MS   20000 /* of an attempt: programs start slowly under emulation */

static struct {
    char name[32];
    int fd;
} kept[MAX_KEPT];
static size_t n_kept;

/* Of the attempt that runs; shared with its process. */
static struct {
    _Atomic size_t n;
    pid_t pids[MAX_PROCESSES];
} * processes;

int attacker_kept(const char *name)
{
    for (size_t i = 0; i < n_kept; i++)
        if (strcmp(kept[i].name, name) == 0)
            return kept[i].fd;
    return -1;
}

static void keep(const char *name, int fd)
{
    if (fd < 0 || strcmp(name, "-") == 0 || n_kept == MAX_KEPT) {
        if (fd >= 0)
            close(fd);
        return;
    }
    snprintf(kept[n_kept].name, sizeof(kept[n_kept].name), "%s", name);
    kept[n_kept++].fd = fd;
}

/* ---- attempts ---- */

void attempt_undo(struct attempt *a, const char *format, ...)
{
    va_list args;

    if (a->undoing || a->n_undo == ATTEMPT_MAX_UNDO)
        return;
    va_start(args, format);
    if (vasprintf(&a->undo[a->n_undo], format, args) >= 0)
        a->n_undo++;
    va_end(args);
}

void attempt_process(pid_t pid)
{
    if (pid > 0 && processes->n < MAX_PROCESSES)
        processes->pids[processes->n++] = pid;
}

int attempt_result(long r)
{
    return r < 0 ? -errno : 0;
}

int attempt_keep(struct attempt *a, long fd)
{
    if (fd < 0)
        return -errno;
    if (a->fd >= 0)
        close(a->fd);
    a->fd = (int)fd;
    return 0;
}

unsigned long attempt_number(const char *text)
{
    return strtoul(text, NULL, 0);
}

static const struct verb *find_verb(const char *name)
{
    static const struct verb *const lists[] = {file_verbs,      mount_verbs, program_verbs,
                                               network_verbs,   task_verbs,  call_verbs,
                                               capability_verbs};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        for (const struct verb *v = lists[i]; v->name; v++)
            if (strcmp(v->name, name) == 0)
                return v;
    return NULL;
}

/* Runs one step; text is cut into words. *ret_verb is its name. */
static int run_step(struct attempt *a, char *text, const char **ret_verb)
{
    char *words[ATTEMPT_MAX_WORDS + 1] = {}, *rest = NULL;
    const struct verb *v;
    size_t n = 0;

    for (char *w = strtok_r(text, " ", &rest); w && n < ATTEMPT_MAX_WORDS;
         w = strtok_r(NULL, " ", &rest))
        words[n++] = w;
    v = n ? find_verb(words[0]) : NULL;
    *ret_verb = v ? v->name : "?";
    if (!v || n - 1 < v->n_args)
        return -ENOSYS; /* the case is wrong, not the kernel: no attempt answers this otherwise */
    return v->run(a, words);
}

static void run_undo(struct attempt *a)
{
    const char *verb;

    a->undoing = true;
    while (a->n_undo > 0)
        run_step(a, a->undo[--a->n_undo], &verb); /* what it undoes may not have happened */
}

/* Runs the steps; what the outcome is goes into outcome. */
static void run_steps(struct attempt *a, char *text, char *outcome, size_t size)
{
    char *rest = text;
    unsigned n = 0;

    while (rest) {
        char *step = rest, *end = strstr(rest, " ; ");
        const char *verb;
        int r;

        rest = end ? end + 3 : NULL;
        if (end)
            *end = '\0';
        n++;
        r = run_step(a, step, &verb);
        if (r < 0) {
            snprintf(outcome, size, "%s %u %s", strerrorname_np(-r) ? strerrorname_np(-r) : "?", n,
                     verb);
            return;
        }
    }
    snprintf(outcome, size, "succeeded");
}

static void child(const char *id, char *text, int out)
{
    struct attempt a = {.fd = -1};
    char outcome[128];

    setpgid(0, 0);                   /* so that what it leaves behind can be ended with it */
    prctl(PR_SET_NAME, id, 0, 0, 0); /* so that a record can be told by its comm */
    run_steps(&a, text, outcome, sizeof(outcome));
    if (write(out, outcome, strlen(outcome)) < 0)
        _exit(1);
    run_undo(&a);
    _exit(0);
}

static void attempt_in_child(const char *id, char *text, char *outcome, size_t size)
{
    struct pollfd answer = {.events = POLLIN};
    int fds[2], status = 0;
    ssize_t n = -1;
    pid_t pid;

    processes->n = 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return;
    pid = fork();
    if (pid == 0)
        child(id, text, fds[1]);
    attempt_process(pid);
    close(fds[1]);
    answer.fd = fds[0];
    if (poll(&answer, 1, DEADLINE_MS) == 1)
        n = read(fds[0], outcome, size - 1);
    close(fds[0]);
    if (n < 0)
        kill(-pid, SIGKILL);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        snprintf(outcome, size, "no process");
    else if (n < 0)
        snprintf(outcome, size, "no end");
    else if (n == 0)
        snprintf(outcome, size, "SIG%s",
                 WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "?");
    else
        outcome[n] = '\0';
    kill(-pid, SIGKILL); /* its own children, if it has left any */
}

/* "keep NAME ATTEMPT", by this very process. */
static void keep_here(char *text, char *outcome, size_t size)
{
    struct attempt a = {.fd = -1};
    char *name = text, *rest = strchr(text, ' ');

    if (!rest)
        return;
    *rest++ = '\0';
    run_steps(&a, rest, outcome, size);
    keep(name, a.fd);
}

static void obey(char *line, FILE *answers)
{
    char outcome[128] = "?", *text = strchr(line, '\t');

    if (!text)
        return;
    *text++ = '\0';
    if (strncmp(text, "keep ", 5) == 0)
        keep_here(text + 5, outcome, sizeof(outcome));
    else
        attempt_in_child(line, text, outcome, sizeof(outcome));
    fprintf(answers, "%s\t%s\t", line, outcome);
    for (size_t i = 0; i < processes->n; i++)
        fprintf(answers, "%d ", processes->pids[i]);
    fprintf(answers, "\n");
    fflush(answers);
}

int main(int argc, char **argv)
{
    char line[ATTEMPT_LINE];
    FILE *commands, *answers;

    if (argc != 3)
        return 2;
    /* For reading and writing: neither waits for the other side, nor sees an end when that goes away. */
    commands = fopen(argv[1], "r+e");
    answers = fopen(argv[2], "r+e");
    processes =
        mmap(NULL, sizeof(*processes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!commands || !answers || processes == MAP_FAILED) {
        perror("attacker");
        return 1;
    }
    while (fgets(line, sizeof(line), commands)) {
        line[strcspn(line, "\n")] = '\0';
        obey(line, answers);
    }
    return 0;
}
