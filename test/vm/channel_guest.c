/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's end of the channel: channel_guest PORT...
 *
 * One process a port; each waits for a request, runs the command in a session
 * of its own, and carries its bytes. A command ends when its first process
 * ends: what it leaves running in the background lives on, and writes into a
 * closed pipe unless it was given another output. When the host goes away, the
 * command's process group is killed.
 */
#include "test/vm/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX   4096 /* strings in a request; its bytes are bounded by the frame */
#define PIPE_READS 4    /* reads of a payload's size that empty a full pipe of 64 KiB */

struct command {
    pid_t pid; /* 0 once it has ended */
    uint32_t id;
    int pidfd;
    int in, out, err; /* our ends of the command's pipes, -1 once closed */
    bool input_done;  /* the host has no more than what is in input */
    size_t n_input;   /* bytes in input, which wait for the command */
    unsigned char input[CHANNEL_WINDOW];
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Splits a request in place into folder, environment and arguments. Returns
 * argv (static, ends in NULL) or NULL when the request is malformed. */
static char **take_request(char *text, size_t len, char **ret_folder)
{
    static char *args[ARGS_MAX + 1];
    size_t n = 0, at = 0;
    unsigned long n_env;

    if (len == 0 || text[len - 1] != '\0')
        return NULL;
    for (; at < len && n < ARGS_MAX; at += strlen(text + at) + 1)
        args[n++] = text + at;
    args[n] = NULL;
    if (at < len || n < 3)
        return NULL;
    n_env = strtoul(args[1], NULL, 10);
    if (n_env > n - 3)
        return NULL;
    for (unsigned long i = 0; i < n_env; i++)
        putenv(args[2 + i]);
    *ret_folder = args[0];
    return args + 2 + n_env;
}

/* The child's side of the fork. Never returns. */
static void become(char *text, size_t len, const int fds[3])
{
    char *folder = NULL, **argv = take_request(text, len, &folder);

    setsid();
    for (int i = 0; i < 3; i++)
        dup2(fds[i], i);
    signal(SIGPIPE, SIG_DFL);
    if (!argv) {
        dprintf(2, "channel: malformed request\n");
        _exit(126);
    }
    if (*folder && chdir(folder) < 0) {
        dprintf(2, "channel: folder '%s': %s\n", folder, strerror(errno));
        _exit(126);
    }
    execvp(argv[0], argv);
    dprintf(2, "channel: command '%s': %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static int command_start(struct command *cmd, uint32_t id, const unsigned char *request, size_t len)
{
    static char text[CHANNEL_PAYLOAD_MAX];
    int p[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int r = 0;

    memcpy(text, request, len);
    *cmd = (struct command){.id = id, .pidfd = -1, .in = -1, .out = -1, .err = -1};
    for (int i = 0; i < 3 && r == 0; i++)
        r = pipe2(p[i], O_CLOEXEC);
    if (r == 0) {
        cmd->pid = fork();
        if (cmd->pid == 0)
            become(text, len, (int[]){p[0][0], p[1][1], p[2][1]});
        r = cmd->pid < 0 ? -1 : 0;
    }
    r = r < 0 ? -errno : 0;
    close_fd(&p[0][0]);
    close_fd(&p[1][1]);
    close_fd(&p[2][1]);
    cmd->in = p[0][1];
    cmd->out = p[1][0];
    cmd->err = p[2][0];
    if (r < 0)
        return r;
    fcntl(cmd->in, F_SETFL, O_NONBLOCK);
    fcntl(cmd->out, F_SETFL, O_NONBLOCK);
    fcntl(cmd->err, F_SETFL, O_NONBLOCK);
    cmd->pidfd = (int)syscall(SYS_pidfd_open, cmd->pid, 0);
    return cmd->pidfd < 0 ? -errno : 0;
}

static void command_done(struct command *cmd)
{
    close_fd(&cmd->in);
    close_fd(&cmd->out);
    close_fd(&cmd->err);
    close_fd(&cmd->pidfd);
}

/* Carries what the command has written so far, at most a full pipe. Returns 0
 * or a negative errno.
 */
static int carry_output(struct channel *ch, uint32_t id, int *fd, enum channel_type type)
{
    unsigned char data[CHANNEL_PAYLOAD_MAX];

    for (int i = 0; i < PIPE_READS && *fd >= 0; i++) {
        ssize_t n = read(*fd, data, sizeof(data));
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0) {
            close_fd(fd);
            return 0;
        }
        r = channel_write(ch, id, type, data, (size_t)n);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Gives the command as much of the waiting input as it takes, and tells the
 * host. Returns 0 or a negative errno. */
static int carry_input(struct channel *ch, struct command *cmd)
{
    size_t taken = 0;
    uint32_t n_taken;

    while (cmd->in >= 0 && taken < cmd->n_input) {
        ssize_t n = write(cmd->in, cmd->input + taken, cmd->n_input - taken);

        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0 && errno != EINTR)
            close_fd(&cmd->in);
        if (n > 0)
            taken += (size_t)n;
    }
    if (cmd->in < 0)
        taken = cmd->n_input; /* nobody reads it */
    cmd->n_input -= taken;
    memmove(cmd->input, cmd->input + taken, cmd->n_input);
    if (cmd->n_input == 0 && cmd->input_done)
        close_fd(&cmd->in);
    n_taken = (uint32_t)taken;
    return taken > 0 ? channel_write(ch, cmd->id, CHANNEL_TAKEN, &n_taken, sizeof(n_taken)) : 0;
}

/* Takes the frames that are there. Returns 0 or a negative errno. */
static int take_frames(struct channel *ch, struct command *cmd)
{
    struct channel_header header;
    int r;

    while ((r = channel_read(ch, &header)) == CHANNEL_FRAME) {
        if (header.type == CHANNEL_REQUEST)
            return -EPIPE; /* another client: ours has gone. The frame stays for
                              next_request() */
        if (header.id == cmd->id && header.type == CHANNEL_INPUT &&
            header.length <= sizeof(cmd->input) - cmd->n_input) {
            memcpy(cmd->input + cmd->n_input, channel_payload(ch), header.length);
            cmd->n_input += header.length;
        }
        if (header.id == cmd->id && header.type == CHANNEL_INPUT_DONE)
            cmd->input_done = true;
        channel_next(ch);
    }
    return r < 0 ? r : 0;
}

static bool host_gone(const struct channel *ch)
{
    struct pollfd p = {.fd = ch->fd};

    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

/* Whether the command has ended; then *ret_status is as a shell gives it, and
 * the pid is no longer ours. */
static bool command_ended(struct command *cmd, int32_t *ret_status)
{
    int status;

    if (waitpid(cmd->pid, &status, WNOHANG) != cmd->pid)
        return false;
    cmd->pid = 0;
    *ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

/* Waits until the command, its pipes or the port have news. Returns 1, 0 (time
 * is up) or a negative errno. */
static int wait_for_news(const struct command *cmd, int port_events, int timeout_ms)
{
    struct pollfd p[] = {{port_events, POLLIN, 0},
                         {cmd->pidfd, POLLIN, 0},
                         {cmd->out, POLLIN, 0},
                         {cmd->err, POLLIN, 0},
                         {cmd->n_input > 0 ? cmd->in : -1, POLLOUT, 0}};
    int n = poll(p, sizeof(p) / sizeof(*p), timeout_ms);

    if (n < 0 && errno != EINTR)
        return -errno;
    epoll_wait(port_events, &(struct epoll_event){}, 1, 0); /* takes the edge */
    return n == 0 ? 0 : 1;
}

/* Carries what there is to carry. Returns 1 when the command has ended and the
 * host knows how, 0, or a negative errno. */
static int carry_all(struct channel *ch, struct command *cmd)
{
    int32_t status = 0;
    bool ended = command_ended(cmd, &status);
    int r = carry_output(ch, cmd->id, &cmd->out, CHANNEL_OUTPUT);

    if (r >= 0)
        r = carry_output(ch, cmd->id, &cmd->err, CHANNEL_ERRORS);
    if (r >= 0 && ended)
        r = channel_write(ch, cmd->id, CHANNEL_EXIT, &status, sizeof(status));
    if (r < 0 || ended)
        return r < 0 ? r : 1;
    r = take_frames(ch, cmd);
    return r < 0 ? r : carry_input(ch, cmd);
}

/* Serves one command to its end. Returns when it has ended, or the host has
 * gone and it was killed.
 */
static void serve(struct channel *ch, int port_events, struct command *cmd)
{
    int r = channel_write(ch, cmd->id, CHANNEL_STARTED, NULL, 0);

    while (r == 0) {
        bool gone = host_gone(ch);

        r = wait_for_news(cmd, port_events, gone ? CHANNEL_GRACE_MS : -1);
        if (r == 0 && host_gone(ch))
            r = -EPIPE;
        if (r >= 0)
            r = carry_all(ch, cmd);
    }
    if (cmd->pid == 0)
        return;
    kill(-cmd->pid, SIGKILL);
    kill(cmd->pid, SIGKILL); /* it may not have a session of its own yet */
    waitpid(cmd->pid, NULL, 0);
}

/* Waits for the next request and serves it. Returns 0 or a negative errno that
 * ends the port. */
static int next_request(struct channel *ch, int port_events)
{
    static struct command cmd;
    struct channel_header header;
    int r = channel_read(ch, &header);

    if (r < 0)
        return r;
    if (r != CHANNEL_FRAME) {
        bool rest = r == CHANNEL_GONE && ch->n_read > 0;

        /* Edge-triggered: a port whose host is away is "hung up" all the time, and
         * would spin. */
        r = epoll_wait(port_events, &(struct epoll_event){}, 1, rest ? CHANNEL_GRACE_MS : -1);
        if (r == 0)
            ch->n_read = 0; /* of a client that has gone */
        return r < 0 && errno != EINTR ? -errno : 0;
    }
    channel_next(ch);
    if (header.type != CHANNEL_REQUEST)
        return 0;
    r = command_start(&cmd, header.id, channel_payload(ch), header.length);
    if (r >= 0)
        serve(ch, port_events, &cmd);
    command_done(&cmd);
    return r;
}

static int serve_port(const char *path)
{
    static struct channel ch;
    struct epoll_event event = {.events = EPOLLIN | EPOLLHUP | EPOLLET};
    int port_events = epoll_create1(EPOLL_CLOEXEC), r = 0;

    ch.fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (ch.fd < 0 || port_events < 0 || epoll_ctl(port_events, EPOLL_CTL_ADD, ch.fd, &event) < 0)
        r = -errno;
    while (r >= 0)
        r = next_request(&ch, port_events);
    fprintf(stderr, "channel_guest: port '%s': %s\n", path, strerror(-r));
    return 1;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: channel_guest PORT...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        pid_t pid = fork();

        if (pid == 0)
            return serve_port(argv[i]);
        if (pid < 0)
            return 1;
    }
    while (wait(&status) > 0)
        ;
    return 1; /* a port is served for ever; that all have ended is a failure */
}
