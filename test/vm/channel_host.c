/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of the channel: runs one command in a virtual machine and
 * exits as the command did.
 *
 * Either through the first free one of a running machine's ports (--socket, may
 * be repeated), or in a machine that it starts itself and that ends with it
 * (--qemu).
 */
#include "test/vm/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX         64
#define ENV_MAX             256
#define QEMU_ARGS_MAX       512
#define QEMU_ARGS_BYTES_MAX 65536

/* Exit statuses of our own; see usage(). */
enum {
    EXIT_NOT_STARTED = 121,
    EXIT_DIED = 122,
    EXIT_TIMEOUT = 124,
    EXIT_FAILED = 125,
};

struct options {
    const char *sockets[SOCKETS_MAX];
    size_t n_sockets;
    const char *env[ENV_MAX];
    size_t n_env;
    const char *folder;
    const char *qemu_args; /* a file of strings that end in NUL; "%CHANNEL%"
                              stands for a descriptor */
    const char *qemu_log;
    long timeout_s; /* 0: none */
    bool input;     /* whether our standard input is the command's */
    char **argv;
};

struct session {
    struct channel ch;
    uint32_t id;
    pid_t qemu; /* 0: the machine is not ours */
    int64_t deadline_ms;
    bool started, input_open;
    uint32_t n_welcome; /* bytes of input that the guest has room for */
};

static void usage(FILE *to)
{
    fputs("usage: channel_host {--socket PATH... | --qemu FILE --qemu-log FILE} "
          "[--timeout SECONDS]\n"
          "                    [--env NAME=VALUE]... [--folder DIR] [--stdin] -- "
          "COMMAND [ARG]...\n"
          "exit status: the command's; 121 the machine ended before the command "
          "began, 122 while it ran,\n"
          "124 time is up, 125 the channel failed\n",
          to);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int failed(const char *what, const char *name)
{
    fprintf(stderr, "vm: %s '%s': %s\n", what, name, strerror(errno));
    return -1;
}

static int parse_seconds(const char *text, long *ret_s)
{
    char *end;
    long s = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || s < 0 || s > INT_MAX / 1000) {
        fprintf(stderr, "vm: '%s' is not a number of seconds\n", text);
        return -1;
    }
    *ret_s = s;
    return 0;
}

static int parse_options(struct options *o, int argc, char **argv)
{
    enum { SOCKET = 1, QEMU, QEMU_LOG, TIMEOUT, ENV, FOLDER, INPUT, HELP };
    static const struct option table[] = {
        {"socket", 1, NULL, SOCKET},   {"qemu", 1, NULL, QEMU}, {"qemu-log", 1, NULL, QEMU_LOG},
        {"timeout", 1, NULL, TIMEOUT}, {"env", 1, NULL, ENV},   {"folder", 1, NULL, FOLDER},
        {"stdin", 0, NULL, INPUT},     {"help", 0, NULL, HELP}, {}};
    int c;

    while ((c = getopt_long(argc, argv, "+", table, NULL)) != -1) {
        if (c == SOCKET && o->n_sockets < SOCKETS_MAX)
            o->sockets[o->n_sockets++] = optarg;
        else if (c == QEMU)
            o->qemu_args = optarg;
        else if (c == QEMU_LOG)
            o->qemu_log = optarg;
        else if (c == TIMEOUT && parse_seconds(optarg, &o->timeout_s) == 0)
            continue;
        else if (c == ENV && o->n_env < ENV_MAX && strchr(optarg, '='))
            o->env[o->n_env++] = optarg;
        else if (c == FOLDER)
            o->folder = optarg;
        else if (c == INPUT)
            o->input = true;
        else
            return -1;
    }
    o->argv = argv + optind;
    return *o->argv && (o->n_sockets > 0) != (o->qemu_args && o->qemu_log) ? 0 : -1;
}

/* Becomes QEMU. Never returns. */
static void become_qemu(const struct options *o, int channel_fd, pid_t parent)
{
    static char text[QEMU_ARGS_BYTES_MAX], number[16];
    static char *args[QEMU_ARGS_MAX + 1];
    int fd = open(o->qemu_args, O_RDONLY | O_CLOEXEC);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open(o->qemu_log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    size_t n = 0;

    for (char *s = text; len > 0 && s < text + len && n < QEMU_ARGS_MAX; s += strlen(s) + 1)
        args[n++] = s;
    if (n == 0 || null < 0 || log < 0)
        _exit(127);
    /* The one placeholder is an argument's end: "...,fd=%CHANNEL%". */
    snprintf(number, sizeof(number), "%d", channel_fd);
    for (size_t i = 0; i < n; i++) {
        char *at = strstr(args[i], "%CHANNEL%");

        if (at)
            memcpy(at, number, strlen(number) + 1);
    }
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    execvp(args[0], args);
    dprintf(2, "%s: %s\n", args[0], strerror(errno));
    _exit(127);
}

static int start_qemu(struct session *s, const struct options *o)
{
    pid_t parent = getpid();
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return failed("socket for", "qemu");
    fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    s->qemu = fork();
    if (s->qemu < 0)
        return failed("fork", "qemu");
    if (s->qemu == 0)
        become_qemu(o, pair[1], parent);
    close(pair[1]);
    s->ch.fd = pair[0];
    return 0;
}

/* Locks the socket's port for this process; the lock ends with it. Returns 1, 0
 * (in use) or -1. */
static int lock_port(const char *path, bool wait)
{
    char name[PATH_MAX];
    int fd;

    if ((size_t)snprintf(name, sizeof(name), "%s.lock", path) >= sizeof(name))
        return -1;
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return failed("lock", name);
    if (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) == 0)
        return 1;
    close(fd);
    return errno == EWOULDBLOCK ? 0 : failed("lock", name);
}

static int connect_port(struct session *s, const struct options *o)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t port = 0;
    int r = 0;

    for (size_t i = 0; i < o->n_sockets && r == 0; i++) {
        port = i;
        r = lock_port(o->sockets[i], false);
    }
    if (r == 0) {
        port = (size_t)getpid() % o->n_sockets;
        r = lock_port(o->sockets[port], true);
    }
    if (r < 0)
        return -1;
    if (strlen(o->sockets[port]) >= sizeof(addr.sun_path)) {
        errno = ENAMETOOLONG;
        return failed("socket", o->sockets[port]);
    }
    memcpy(addr.sun_path, o->sockets[port], strlen(o->sockets[port]) + 1);
    s->ch.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->ch.fd < 0 || connect(s->ch.fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        return failed("socket", o->sockets[port]);
    return 0;
}

static int add_text(char *buf, size_t *len, const char *text)
{
    size_t n = strlen(text) + 1;

    if (n > CHANNEL_PAYLOAD_MAX - *len) {
        fprintf(stderr, "vm: the command line is longer than %u bytes\n", CHANNEL_PAYLOAD_MAX);
        return -1;
    }
    memcpy(buf + *len, text, n);
    *len += n;
    return 0;
}

/* Puts the request into buf. Returns 0, or -1 after a message. */
static int build_request(const struct options *o, char *buf, size_t *ret_len)
{
    char n_env[24];
    size_t len = 0;
    int r;

    snprintf(n_env, sizeof(n_env), "%zu", o->n_env);
    r = add_text(buf, &len, o->folder ? o->folder : "");
    if (r == 0)
        r = add_text(buf, &len, n_env);
    for (size_t i = 0; i < o->n_env && r == 0; i++)
        r = add_text(buf, &len, o->env[i]);
    for (size_t i = 0; o->argv[i] && r == 0; i++)
        r = add_text(buf, &len, o->argv[i]);
    *ret_len = len;
    return r;
}

/* Returns 0, or a negative errno when the machine has gone. */
static int send_request(struct session *s, const struct options *o, const char *request, size_t len)
{
    int r;

    s->id = (uint32_t)getpid() ^ (uint32_t)now_ms() << 16;
    s->input_open = o->input;
    r = channel_begin(&s->ch);
    if (r == 0)
        r = channel_write(&s->ch, s->id, CHANNEL_REQUEST, request, len);
    if (r == 0 && !o->input)
        r = channel_write(&s->ch, s->id, CHANNEL_INPUT_DONE, NULL, 0);
    return r;
}

static int write_all(int fd, const unsigned char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed("output", fd == 1 ? "standard output" : "standard error");
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Handles one frame. Returns an exit status, or -1 to go on. */
static int take_frame(struct session *s, const struct channel_header *header)
{
    const unsigned char *data = channel_payload(&s->ch);
    uint32_t n_taken;
    int32_t status;
    int r = 0;

    if (header->id != s->id)
        return -1;
    if (header->type == CHANNEL_STARTED) {
        s->started = true;
        s->n_welcome = CHANNEL_WINDOW;
    } else if (header->type == CHANNEL_TAKEN && header->length == sizeof(n_taken)) {
        memcpy(&n_taken, data, sizeof(n_taken));
        s->n_welcome += n_taken;
    } else if (header->type == CHANNEL_OUTPUT) {
        r = write_all(1, data, header->length);
    } else if (header->type == CHANNEL_ERRORS) {
        r = write_all(2, data, header->length);
    } else if (header->type == CHANNEL_EXIT && header->length == sizeof(status)) {
        memcpy(&status, data, sizeof(status));
        return status;
    }
    return r < 0 ? EXIT_FAILED : -1;
}

/* Handles all frames that are there. Returns an exit status, or -1 to go on. */
static int take_frames(struct session *s)
{
    struct channel_header header;
    int r;

    while ((r = channel_read(&s->ch, &header)) == CHANNEL_FRAME) {
        int status = take_frame(s, &header);

        channel_next(&s->ch);
        if (status >= 0)
            return status;
    }
    if (r == CHANNEL_AGAIN)
        return -1;
    return s->started ? EXIT_DIED : EXIT_NOT_STARTED;
}

/* Carries one piece of our standard input to the command. Returns 0 or -1. */
static int carry_input(struct session *s)
{
    unsigned char data[CHANNEL_PAYLOAD_MAX];
    ssize_t n = read(0, data, s->n_welcome < sizeof(data) ? s->n_welcome : sizeof(data));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n > 0) {
        s->n_welcome -= (uint32_t)n;
        return channel_write(&s->ch, s->id, CHANNEL_INPUT, data, (size_t)n);
    }
    s->input_open = false;
    return channel_write(&s->ch, s->id, CHANNEL_INPUT_DONE, NULL, 0);
}

/* Milliseconds for poll() until the deadline: -1 for none. */
static int time_left(const struct session *s)
{
    int64_t left;

    if (s->deadline_ms == 0)
        return -1;
    left = s->deadline_ms - now_ms();
    return left < 0 ? 0 : (int)left;
}

/* Carries bytes both ways until the command has ended. Returns the exit status.
 */
static int converse(struct session *s)
{
    for (;;) {
        struct pollfd p[] = {{s->ch.fd, POLLIN, 0},
                             {s->input_open && s->n_welcome > 0 ? 0 : -1, POLLIN, 0}};
        int n = poll(p, 2, time_left(s));
        int status;

        if (n == 0)
            return EXIT_TIMEOUT;
        if (n < 0 && errno != EINTR)
            return EXIT_FAILED;
        if (n < 0)
            continue;
        if (p[0].revents) {
            status = take_frames(s);
            if (status >= 0)
                return status;
        }
        if (p[1].revents && carry_input(s) < 0)
            s->input_open = false; /* the reading side tells how the machine ended */
    }
}

int main(int argc, char **argv)
{
    static struct options o;
    static struct session s;
    static char request[CHANNEL_PAYLOAD_MAX];
    size_t len;
    int status;

    if (parse_options(&o, argc, argv) < 0) {
        usage(stderr);
        return EXIT_FAILED;
    }
    if (build_request(&o, request, &len) < 0)
        return EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN);
    if (o.timeout_s > 0)
        s.deadline_ms = now_ms() + o.timeout_s * 1000;
    if ((o.qemu_args ? start_qemu(&s, &o) : connect_port(&s, &o)) < 0)
        return EXIT_FAILED;
    fcntl(s.ch.fd, F_SETFL, O_NONBLOCK);
    status = send_request(&s, &o, request, len) < 0 ? EXIT_NOT_STARTED : converse(&s);
    if (s.qemu > 0) {
        kill(s.qemu, SIGKILL);
        waitpid(s.qemu, NULL, 0);
    }
    return status;
}
