/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/nri.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "agent/nri_session.h"
#include "lib/backoff.h"
#include "lib/loop.h"

#define READ_BYTES   (16u << 10)
#define READS_A_TURN 16

struct nri {
    struct loop *loop;
    struct nri_events events;
    struct nri_session *session;
    struct sockaddr_un address;
    int fd; /* owned; -1: not connected */
    struct loop_io *io;
    struct loop_timer *timer; /* connects again, or lets start what has waited for long enough */
    struct loop_task *flush;  /* what there is to send is sent at the end of the turn */
    struct backoff backoff;
    bool is_lost; /* the end of the turn takes the connection down */
    char reason[160];
    char description[512];
};

/* ---- The connection ---- */

/* Nothing more is read or written; the rest is done when no callback of the socket runs. */
static void lose(struct nri *n, const char *reason)
{
    if (n->is_lost)
        return;
    n->is_lost = true;
    snprintf(n->reason, sizeof(n->reason), "%s", reason);
    if (n->io)
        loop_io_set_events(n->io, 0);
    loop_task_set(n->flush);
}

static void take_down(struct nri *n)
{
    n->is_lost = false;
    n->io = loop_io_free(n->io);
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
    loop_timer_set(n->timer, backoff_next_ns(&n->backoff));
    snprintf(n->description, sizeof(n->description), "the runtime does not wait: NRI at '%s': %s",
             n->address.sun_path, n->reason);
    n->events.connected(n->reason, n->events.data);
}

static void lose_by(struct nri *n, const struct error *problem, int r)
{
    lose(n, problem ? error_message(problem) : strerror(-r));
}

static void set_deadline(struct nri *n)
{
    uint64_t at_ns = nri_session_deadline_ns(n->session), now_ns = loop_now_ns(n->loop);

    if (at_ns == 0)
        loop_timer_unset(n->timer);
    else
        loop_timer_set(n->timer, at_ns > now_ns ? at_ns - now_ns : 0);
}

/* Writes what the socket takes. */
static void write_output(struct nri *n)
{
    struct buf *output = nri_session_output(n->session);

    while (output->len > 0) {
        ssize_t sent = send(n->fd, output->data, output->len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0) {
            lose(n, strerror(errno));
            return;
        }
        buf_consume(output, (size_t)sent);
    }
    loop_io_set_events(n->io, output->len > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
    set_deadline(n);
}

static void on_flush(void *data)
{
    struct nri *n = data;

    if (!n->is_lost && n->fd >= 0)
        write_output(n);
    if (n->is_lost)
        take_down(n);
}

/* 1: there may be more; 0: not now; or the connection is lost, and a negative errno. */
static int read_once(struct nri *n)
{
    CLEANUP(error_free) struct error *problem = NULL;
    uint8_t bytes[READ_BYTES];
    ssize_t got = recv(n->fd, bytes, sizeof(bytes), 0);
    int r;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        lose(n, got < 0 ? strerror(errno) : "the runtime has closed it");
        return -ECONNRESET;
    }
    r = nri_session_feed(n->session, bytes, (size_t)got, loop_now_ns(n->loop), &problem);
    if (r < 0)
        lose_by(n, problem, r);
    return r < 0 ? r : 1;
}

static void on_ready(int fd UNUSED, unsigned events, void *data)
{
    struct nri *n = data;
    int r = 1;

    for (unsigned i = 0; r > 0 && i < READS_A_TURN && (events & LOOP_READ); i++)
        r = read_once(n);
    if (r >= 0)
        loop_task_set(n->flush);
}

/* A Unix socket connects at once or not at all. */
static int connect_now(struct nri *n)
{
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r;

    if (fd < 0 || connect(fd, (const struct sockaddr *)&n->address, sizeof(n->address)) < 0)
        return -errno;
    r = loop_io_new(n->loop, &n->io, fd, LOOP_READ, on_ready, n);
    if (r < 0)
        return r;
    n->fd = TAKE_FD(fd);
    r = nri_session_open(n->session, loop_now_ns(n->loop));
    loop_task_set(n->flush);
    return r;
}

static void on_timer(void *data)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct nri *n = data;
    int r =
        n->fd < 0 ? connect_now(n) : nri_session_expire(n->session, loop_now_ns(n->loop), &problem);

    if (r < 0)
        lose_by(n, problem, r);
    else
        loop_task_set(n->flush);
}

/* ---- What the session tells ---- */

static void on_session_ready(const char *runtime, void *data)
{
    struct nri *n = data;

    backoff_reset(&n->backoff);
    snprintf(n->description, sizeof(n->description),
             "%s waits with each container until it is bound", error_quote(runtime));
    n->events.connected(NULL, n->events.data);
}

static void on_session_starting(const char *container_id, void *data)
{
    struct nri *n = data;

    n->events.starting(container_id, n->events.data);
}

static void on_session_overdue(const char *container_id, void *data)
{
    struct nri *n = data;

    n->events.overdue(container_id, n->events.data);
}

static const struct nri_session_owner session_owner = {
    .ready = on_session_ready, .starting = on_session_starting, .overdue = on_session_overdue};

/* ---- Life ---- */

int nri_new(struct nri **ret, struct loop *loop, const char *socket_path,
            const struct nri_events *events, struct error **reterr)
{
    CLEANUP(nri_free) struct nri *n = calloc(1, sizeof(*n));
    struct timespec now;

    if (!n)
        return error_oom(reterr);
    n->fd = -1;
    n->loop = loop;
    n->events = *events;
    n->address.sun_family = AF_UNIX;
    if (strlen(socket_path) >= sizeof(n->address.sun_path))
        return error_set(reterr, -EINVAL, "NRI's socket '%s': the path has more than %zu bytes",
                         error_quote(socket_path), sizeof(n->address.sun_path) - 1);
    memcpy(n->address.sun_path, socket_path, strlen(socket_path) + 1);
    clock_gettime(CLOCK_MONOTONIC, &now);
    n->backoff = (struct backoff){.first_ns = NRI_RECONNECT_FIRST_NS,
                                  .max_ns = NRI_RECONNECT_MAX_NS,
                                  .random_state = (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32};
    snprintf(n->description, sizeof(n->description), "the runtime was not asked yet");
    if (nri_session_new(&n->session, &session_owner, n) < 0 ||
        loop_timer_new(loop, &n->timer, on_timer, n) < 0 ||
        loop_task_new(loop, &n->flush, on_flush, n) < 0)
        return error_oom(reterr);
    *ret = TAKE(n);
    return 0;
}

struct nri *nri_free(struct nri *n)
{
    if (!n)
        return NULL;
    loop_io_free(n->io);
    if (n->fd >= 0)
        close(n->fd);
    loop_timer_free(n->timer);
    loop_task_free(n->flush);
    nri_session_free(n->session);
    free(n);
    return NULL;
}

void nri_start(struct nri *n)
{
    loop_timer_set(n->timer, 0);
}

void nri_let_start(struct nri *n, const char *container_id)
{
    nri_session_let_start(n->session, container_id);
    loop_task_set(n->flush);
}

const char *nri_describe(const struct nri *n)
{
    return n->description;
}
