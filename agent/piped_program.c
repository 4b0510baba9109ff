/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/piped_program.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/loop.h"

#define READ_CHUNK      (16u << 10) /* bytes a turn and stream; a pipe holds 64 KiB */
#define READS_AT_END    65          /* of a stream; a program may enlarge its pipe to 1 MiB */
#define CHILD_MAX_FILES 64

enum stream { STREAM_INPUT, STREAM_OUTPUT, STREAM_ERRORS, STREAMS };

struct piped_program {
    pid_t pid;        /* 0: reaped */
    int pidfd;        /* owned, like all below; -1: none */
    int fds[STREAMS]; /* our ends */
    struct loop_io *ios[STREAMS];
    struct loop_io *exit_io;
    struct loop_timer *deadline;
    struct loop_task *done_task;
    struct buf input;
    size_t n_written;
    struct buf output, errors;
    enum piped_outcome outcome;
    int status;
    void (*done)(struct piped_program *p, void *data);
    void *data;
};

/* ---- the child: only calls that are safe after fork() ---- */

static void child_fail(const char *text)
{
    const char *why = strerrordesc_np(errno);

    if (write(STDERR_FILENO, text, strlen(text)) > 0 && why &&
        write(STDERR_FILENO, why, strlen(why)) < 0)
        _exit(PIPED_NOT_STARTED);
    _exit(PIPED_NOT_STARTED);
}

static void child_limit(int resource, rlim_t value)
{
    const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    if (setrlimit(resource, &limit) < 0)
        child_fail("a limit cannot be set: ");
}

/* The program has no business with privileges: it gets none, and can gain none. */
static void child_give_up_privileges(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0)
        child_fail("privileges cannot be given up: ");
}

/* Puts them to their places: first out of the way of those, which may be among them. */
static void child_take_descriptors(const struct piped_settings *s, int ends[static STREAMS])
{
    int from[STREAMS + 1] = {ends[STREAM_INPUT], ends[STREAM_OUTPUT], ends[STREAM_ERRORS],
                             s->extra_fd};
    int n = s->has_extra ? STREAMS + 1 : STREAMS;

    static_assert(PIPED_EXTRA_FD == STREAMS, "the extra descriptor stands behind the streams");
    for (int i = 0; i < n; i++) {
        from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, STREAMS + 1);
        if (from[i] < 0)
            _exit(PIPED_NOT_STARTED);
    }
    for (int i = 0; i < n; i++) {
        if (dup2(from[i], i) < 0)
            _exit(PIPED_NOT_STARTED);
    }
}

_Noreturn static void child_run(const struct piped_settings *s, int ends[static STREAMS])
{
    static char *const no_environment[] = {NULL};
    sigset_t none;

    child_take_descriptors(s, ends);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setpgid(0, 0) < 0 ||
        close_range(s->has_extra ? PIPED_EXTRA_FD + 1 : PIPED_EXTRA_FD, ~0U, 0) < 0)
        child_fail("the child cannot be set apart: ");
    child_limit(RLIMIT_CORE, 0);
    child_limit(RLIMIT_FSIZE, s->max_file);
    child_limit(RLIMIT_NOFILE, CHILD_MAX_FILES);
    if (s->max_memory > 0)
        child_limit(RLIMIT_AS, s->max_memory);
    child_give_up_privileges();
    execve(s->path, (char *const *)s->argv, no_environment);
    child_fail("the program cannot be started: ");
    _exit(PIPED_NOT_STARTED);
}

/* ---- our side ---- */

static void close_stream(struct piped_program *p, enum stream s)
{
    p->ios[s] = loop_io_free(p->ios[s]);
    if (p->fds[s] >= 0)
        close(p->fds[s]);
    p->fds[s] = -1;
}

static void kill_group(struct piped_program *p)
{
    if (p->pid > 0 && kill(-p->pid, SIGKILL) < 0)
        kill(p->pid, SIGKILL); /* it has not set itself apart yet */
}

static void end(struct piped_program *p, enum piped_outcome outcome)
{
    if (p->outcome == PIPED_EXITED)
        p->outcome = outcome;
    kill_group(p);
}

static void on_writable(int fd, unsigned events UNUSED, void *data)
{
    struct piped_program *p = data;
    ssize_t n = write(fd, p->input.data + p->n_written, p->input.len - p->n_written);

    if (n > 0)
        p->n_written += (size_t)n;
    /* A program that does not read all of it (EPIPE) says in its own way what it thinks of it. */
    if (p->n_written == p->input.len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_stream(p, STREAM_INPUT);
        buf_done(&p->input);
    }
}

/* Reads once. True if there may be more. */
static bool read_stream(struct piped_program *p, enum stream s)
{
    struct buf *to = s == STREAM_OUTPUT ? &p->output : &p->errors;
    uint8_t chunk[READ_CHUNK];
    ssize_t n = read(p->fds[s], chunk, sizeof(chunk));
    int r;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_stream(p, s);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    r = buf_add(to, chunk, s == STREAM_ERRORS ? MIN((size_t)n, to->max - to->len) : (size_t)n);
    if (r < 0)
        end(p, r == -ENOMEM ? PIPED_NO_MEMORY : PIPED_TOO_MUCH);
    return r == 0;
}

static void on_output(int fd UNUSED, unsigned events UNUSED, void *data)
{
    read_stream(data, STREAM_OUTPUT);
}

static void on_errors(int fd UNUSED, unsigned events UNUSED, void *data)
{
    read_stream(data, STREAM_ERRORS);
}

static void reap(struct piped_program *p)
{
    siginfo_t info = {0};

    if (p->pid == 0)
        return;
    /* While the first process is not reaped its number, and so its group's, is nobody else's. */
    kill_group(p);
    while (waitid(P_PID, (id_t)p->pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
    p->pid = 0;
    p->status = info.si_status;
    if (p->outcome == PIPED_EXITED && info.si_code != CLD_EXITED)
        p->outcome = PIPED_SIGNALLED;
}

static void on_exit_of_child(int fd UNUSED, unsigned events UNUSED, void *data)
{
    struct piped_program *p = data;

    reap(p);
    p->exit_io = loop_io_free(p->exit_io);
    loop_timer_unset(p->deadline);
    close_stream(p, STREAM_INPUT);
    /* What is still in the pipes, and no more: a process that left the group could go on writing. */
    for (enum stream s = STREAM_OUTPUT; s < STREAMS; s++) {
        for (unsigned n = 0; n < READS_AT_END && p->fds[s] >= 0 && read_stream(p, s); n++)
            ;
        close_stream(p, s);
    }
    loop_task_set(p->done_task);
}

static void on_deadline(void *data)
{
    end(data, PIPED_LATE);
}

static void on_done(void *data)
{
    struct piped_program *p = data;

    p->done(p, p->data);
}

/* ---- start ---- */

static void close_ends(int ends[static STREAMS])
{
    for (int i = 0; i < STREAMS; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
        ends[i] = -1;
    }
}

/* Three pipes: our ends, which do not block, in p; the child's in ends. */
static int make_pipes(struct piped_program *p, int ends[static STREAMS], struct error **reterr)
{
    for (int i = 0; i < STREAMS; i++) {
        bool child_reads = i == STREAM_INPUT;
        int pair[2] = {-1, -1};

        if (pipe2(pair, O_CLOEXEC) < 0)
            return error_errno(reterr, errno, "pipe");
        p->fds[i] = pair[child_reads ? 1 : 0];
        ends[i] = pair[child_reads ? 0 : 1];
        if (fcntl(p->fds[i], F_SETFL, O_NONBLOCK) < 0)
            return error_errno(reterr, errno, "pipe");
    }
    return 0;
}

static int spawn(struct piped_program *p, const struct piped_settings *s, struct error **reterr)
{
    int ends[STREAMS] = {-1, -1, -1};
    int r = make_pipes(p, ends, reterr);

    if (r == 0) {
        p->pid = fork();
        if (p->pid == 0)
            child_run(s, ends);
        if (p->pid < 0) {
            r = error_errno(reterr, errno, "fork");
            p->pid = 0;
        }
    }
    close_ends(ends);
    if (r < 0)
        return r;
    /* The child does the same: whoever comes first. It fails once the child has executed. */
    setpgid(p->pid, p->pid);
    p->pidfd = pidfd_open(p->pid, 0);
    return p->pidfd < 0 ? error_errno(reterr, errno, "pidfd_open") : 0;
}

static int watch(struct piped_program *p, struct loop *loop, struct error **reterr)
{
    if (loop_io_new(loop, &p->ios[STREAM_INPUT], p->fds[STREAM_INPUT], LOOP_WRITE, on_writable, p) <
            0 ||
        loop_io_new(loop, &p->ios[STREAM_OUTPUT], p->fds[STREAM_OUTPUT], LOOP_READ, on_output, p) <
            0 ||
        loop_io_new(loop, &p->ios[STREAM_ERRORS], p->fds[STREAM_ERRORS], LOOP_READ, on_errors, p) <
            0 ||
        loop_io_new(loop, &p->exit_io, p->pidfd, LOOP_READ, on_exit_of_child, p) < 0)
        return error_oom(reterr);
    return 0;
}

static struct piped_program *program_new(struct loop *loop, const struct piped_settings *settings)
{
    struct piped_program *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->pidfd = -1;
    memset(p->fds, -1, sizeof(p->fds));
    p->output = BUF_INIT(settings->max_output);
    p->errors = BUF_INIT(settings->max_errors);
    p->done = settings->done;
    p->data = settings->data;
    if (loop_timer_new(loop, &p->deadline, on_deadline, p) < 0 ||
        loop_task_new(loop, &p->done_task, on_done, p) < 0)
        return piped_program_free(p);
    return p;
}

int piped_program_start(struct piped_program **ret, struct loop *loop,
                        const struct piped_settings *settings, struct buf *input,
                        struct error **reterr)
{
    CLEANUP(piped_program_free) struct piped_program *p = program_new(loop, settings);
    int r;

    if (!p)
        return error_oom(reterr);
    r = spawn(p, settings, reterr);
    if (r == 0)
        r = watch(p, loop, reterr);
    if (r < 0)
        return error_wrap(reterr, r, "program '%s'", settings->path);
    loop_timer_set(p->deadline, settings->deadline_ns);
    p->input = *input;
    *input = BUF_INIT(input->max);
    *ret = TAKE(p);
    return 0;
}

static void on_run_done(struct piped_program *p UNUSED, void *data)
{
    loop_stop(data);
}

int piped_program_run(const struct piped_settings *settings, struct buf *out, struct error **reterr)
{
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(piped_program_free) struct piped_program *p = NULL; /* goes before its loop */
    CLEANUP_BUF struct buf nothing = BUF_INIT(0);
    struct piped_settings own = *settings;
    int r = loop_new(&loop, reterr);

    if (r < 0)
        return r;
    own.done = on_run_done;
    own.data = loop;
    r = piped_program_start(&p, loop, &own, &nothing, reterr);
    if (r < 0)
        return r;
    r = loop_run(loop);
    if (r < 0)
        return error_errno(reterr, r, "program '%s'", settings->path);
    if (p->outcome != PIPED_EXITED || p->status != 0)
        return error_set(reterr, -EIO, "program '%s' does not work: %s", settings->path,
                         error_quote(piped_program_errors(p)));
    r = buf_add(out, p->output.data, p->output.len);
    return r < 0 ? error_errno(reterr, r, "program '%s'", settings->path) : 0;
}

struct piped_program *piped_program_free(struct piped_program *p)
{
    if (!p)
        return NULL;
    reap(p);
    loop_io_free(p->exit_io);
    for (enum stream s = STREAM_INPUT; s < STREAMS; s++)
        close_stream(p, s);
    if (p->pidfd >= 0)
        close(p->pidfd);
    loop_timer_free(p->deadline);
    loop_task_free(p->done_task);
    buf_done(&p->input);
    buf_done(&p->output);
    buf_done(&p->errors);
    free(p);
    return NULL;
}

enum piped_outcome piped_program_outcome(const struct piped_program *p)
{
    return p->outcome;
}

int piped_program_status(const struct piped_program *p)
{
    return p->status;
}

struct buf *piped_program_output(struct piped_program *p)
{
    return &p->output;
}

const char *piped_program_errors(const struct piped_program *p)
{
    return buf_text(&p->errors);
}
