/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/connection.h"

#include <errno.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/rpc/h2.h"
#include "lib/rpc/transport.h"

#define CONNECTION_READS_PER_TURN  4     /* of TRANSPORT_READ_BYTES; then others have their turn */
#define CONNECTION_WRITE_BYTES     16384 /* gathered for one write; a TLS record holds no more */
#define CONNECTION_WRITES_PER_TURN 16
#define CONNECTION_LAST_WORDS_NS   NS_PER_SEC /* to say why a peer is cut off */

struct connection {
    struct loop *loop;
    struct h2 *h2;               /* owned, like the ones below */
    struct transport *transport; /* NULL until it is attached, like io */
    struct loop_io *io;
    struct loop_timer *timer;
    struct loop_task *task;
    const struct connection_handler *handler;
    void *owner;
    struct buf unsent;   /* what the socket did not take */
    uint64_t give_up_ns; /* end of the handshake, or of our last words */
    uint64_t timer_ns;   /* what the timer is set to; UINT64_MAX: unset */
    struct error *why;   /* owned: what ended it */
    int code;
    bool is_open;          /* the transport */
    bool is_ending;        /* nothing more is read; closes when all is written */
    bool is_over;          /* lost() is due */
    bool write_wants_read; /* TLS: what the blocked write waits for */
    bool read_wants_write;
};

static void connection_end(struct connection *c, int code, struct error **why)
{
    if (c->is_over)
        return;
    c->is_over = true;
    if (!c->is_ending) {
        c->code = code;
        c->why = TAKE(*why);
    }
    loop_task_set(c->task);
}

/* The peer broke the protocol: what is pending says so to it, and then it is over. */
static void connection_end_after_writing(struct connection *c, int code, const char *text)
{
    if (c->is_ending)
        return;
    c->is_ending = true;
    c->code = code;
    c->give_up_ns = loop_now_ns(c->loop) + CONNECTION_LAST_WORDS_NS;
    error_set(&c->why, code, "%s", text);
    loop_task_set(c->task);
}

static void connection_watch(struct connection *c)
{
    unsigned events = LOOP_READ;

    if (!c->io)
        return;
    if (!c->is_open) {
        events = transport_wants(c->transport);
    } else {
        if (c->is_ending)
            events = 0;
        if ((c->unsent.len > 0 && !c->write_wants_read) || c->read_wants_write)
            events |= LOOP_WRITE;
        if (c->unsent.len > 0 && c->write_wants_read)
            events |= LOOP_READ;
    }
    if (loop_io_set_events(c->io, events) < 0) {
        struct error *why = NULL;

        error_oom(&why);
        connection_end(c, -ENOMEM, &why);
        error_free(why);
    }
}

static void connection_set_timer(struct connection *c)
{
    uint64_t at = h2_deadline_ns(c->h2);
    uint64_t now;

    if (!h2_is_ready(c->h2) || c->is_ending)
        at = MIN(at, c->give_up_ns);
    if (at == c->timer_ns)
        return;
    c->timer_ns = at;
    if (at == UINT64_MAX) {
        loop_timer_unset(c->timer);
        return;
    }
    now = loop_now_ns(c->loop);
    loop_timer_set(c->timer, at > now ? at - now : 0);
}

/* Writes bytes, behind what is waiting already, and keeps what the socket does not take. Returns
 * false when something waits then, or when the connection has ended. */
static bool connection_write(struct connection *c, const uint8_t *data, size_t len)
{
    CLEANUP(error_free) struct error *why = NULL;
    size_t sent = 0;

    while (sent < len && c->unsent.len == 0) {
        ssize_t n = transport_write(c->transport, data + sent, len - sent, &why);

        if (n == -EAGAIN) {
            c->write_wants_read = transport_wants(c->transport) == LOOP_READ;
            break;
        }
        if (n < 0) {
            connection_end(c, (int)n, &why);
            return false;
        }
        sent += (size_t)n;
    }
    if (sent < len && buf_add(&c->unsent, data + sent, len - sent) < 0) {
        error_oom(&why);
        connection_end(c, -ENOMEM, &why);
    }
    return c->unsent.len == 0 && !c->is_over;
}

/* Gathers frames up to a good size for one write. Returns how many bytes, 0 when there are none;
 * big frames are handed out in place by *ret. */
static size_t connection_gather(struct connection *c, uint8_t *room, size_t size)
{
    size_t len = 0;

    while (len + TRANSPORT_READ_BYTES + 9 <= size) {
        const uint8_t *data = NULL;
        ssize_t n = h2_pending(c->h2, &data);

        if (n < 0) {
            CLEANUP(error_free) struct error *why = NULL;

            error_oom(&why);
            connection_end(c, -ENOMEM, &why);
            return 0;
        }
        if (n == 0)
            break;
        if ((size_t)n > size - len) { /* header blocks can be larger than a data frame */
            connection_write(c, room, len);
            if (!connection_write(c, data, (size_t)n))
                return 0;
            len = 0;
            continue;
        }
        memcpy(room + len, data, (size_t)n);
        len += (size_t)n;
    }
    return len;
}

static void connection_flush(struct connection *c)
{
    uint8_t room[CONNECTION_WRITE_BYTES + TRANSPORT_READ_BYTES + 9];

    if (c->unsent.len > 0) {
        struct buf unsent = c->unsent;
        bool is_through;

        c->unsent = BUF_INIT(unsent.max);
        is_through = connection_write(c, unsent.data, unsent.len);
        buf_done(&unsent);
        if (!is_through)
            return;
    }
    for (unsigned i = 0; i < CONNECTION_WRITES_PER_TURN; i++) {
        size_t len = connection_gather(c, room, sizeof(room));

        if (len == 0 || !connection_write(c, room, len))
            return;
    }
    loop_task_set(c->task); /* there may be more, but others have their turn first */
}

static void connection_read(struct connection *c)
{
    CLEANUP(error_free) struct error *why = NULL;
    uint8_t data[TRANSPORT_READ_BYTES];

    c->read_wants_write = false;
    for (unsigned i = 0; i < CONNECTION_READS_PER_TURN && !c->is_ending && !c->is_over; i++) {
        ssize_t n = transport_read(c->transport, data, sizeof(data), &why);
        int r;

        if (n == -EAGAIN) {
            c->read_wants_write = transport_wants(c->transport) == LOOP_WRITE;
            break;
        }
        if (n <= 0) {
            if (n == 0)
                error_set(&why, -ECONNRESET, "the peer closed the connection");
            connection_end(c, n == 0 ? 0 : (int)n, &why);
            break;
        }
        r = h2_feed(c->h2, data, (size_t)n, loop_now_ns(c->loop));
        if (r < 0)
            connection_end_after_writing(
                c, r,
                r == -ENOMEM ? "out of memory" : "the peer broke the HTTP/2 protocol or a limit");
    }
    loop_task_set(c->task);
}

static void connection_go_on_opening(struct connection *c)
{
    CLEANUP(error_free) struct error *why = NULL;
    int r = transport_open(c->transport, &why);

    if (r == -EAGAIN)
        return;
    if (r < 0) {
        connection_end(c, r, &why);
        return;
    }
    c->is_open = true;
    if (c->handler->opened)
        c->handler->opened(c->owner, c->transport);
}

static void connection_on_io(int fd UNUSED, unsigned events, void *data)
{
    struct connection *c = data;

    if (c->is_over)
        return;
    loop_task_set(c->task);
    if (c->is_open && (events & LOOP_READ || c->read_wants_write))
        connection_read(c);
}

static void connection_on_timer(void *data)
{
    struct connection *c = data;
    CLEANUP(error_free) struct error *why = NULL;
    uint64_t now = loop_now_ns(c->loop);

    c->timer_ns = UINT64_MAX;
    loop_task_set(c->task);
    if (h2_tick(c->h2, now) < 0) {
        error_set(&why, -ETIMEDOUT, "the peer no longer answers");
        connection_end(c, -ETIMEDOUT, &why);
    } else if ((!h2_is_ready(c->h2) || c->is_ending) && now >= c->give_up_ns) {
        error_set(&why, -ETIMEDOUT, "the peer did not finish its handshake in time");
        connection_end(c, -ETIMEDOUT, &why);
    }
}

/* The end of a turn: everything that the turn has caused leaves together. */
static void connection_settle(void *data)
{
    struct connection *c = data;
    CLEANUP(error_free) struct error *why = NULL;

    if (!c->is_over && c->transport && !c->is_open)
        connection_go_on_opening(c);
    if (!c->is_over) {
        h2_settle(c->h2);
        if (c->is_open)
            connection_flush(c);
        if (c->is_open && c->unsent.len == 0 && (c->is_ending || h2_is_over(c->h2)))
            connection_end(c, h2_is_broken(c->h2) ? -EPROTO : 0, &why);
    }
    if (!c->is_over) {
        connection_watch(c);
        connection_set_timer(c);
        return;
    }
    if (c->io)
        loop_io_set_events(c->io, 0);
    loop_timer_unset(c->timer);
    if (c->code == 0 && c->transport)
        transport_shutdown(c->transport);
    c->handler->lost(c->owner, c->code,
                     c->why ? error_message(c->why) : "the connection was closed");
}

int connection_new(struct connection **ret, struct loop *loop, struct h2 **h2,
                   uint64_t handshake_ns, const struct connection_handler *handler, void *owner)
{
    CLEANUP(connection_free) struct connection *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    *c = (struct connection){
        .loop = loop,
        .handler = handler,
        .owner = owner,
        .unsent = BUF_INIT(H2_CONNECTION_WINDOW),
        .give_up_ns = loop_now_ns(loop) + handshake_ns,
        .timer_ns = UINT64_MAX,
    };
    if (loop_timer_new(loop, &c->timer, connection_on_timer, c) < 0 ||
        loop_task_new(loop, &c->task, connection_settle, c) < 0)
        return -ENOMEM;
    c->h2 = TAKE(*h2);
    loop_task_set(c->task);
    *ret = TAKE(c);
    return 0;
}

int connection_attach(struct connection *c, struct transport **transport)
{
    int r = loop_io_new(c->loop, &c->io, transport_fd(*transport), 0, connection_on_io, c);

    if (r < 0)
        return r;
    c->transport = TAKE(*transport);
    loop_task_set(c->task);
    return 0;
}

void connection_fail(struct connection *c, int code, const char *text)
{
    CLEANUP(error_free) struct error *why = NULL;

    error_set(&why, code, "%s", text);
    connection_end(c, code, &why);
}

struct connection *connection_free(struct connection *c)
{
    if (!c)
        return NULL;
    loop_io_free(c->io);
    loop_timer_free(c->timer);
    loop_task_free(c->task);
    h2_free(c->h2);
    transport_free(c->transport);
    buf_done(&c->unsent);
    error_free(c->why);
    free(c);
    return NULL;
}

void connection_wake(struct connection *c)
{
    loop_task_set(c->task);
}

struct h2 *connection_h2(struct connection *c)
{
    return c->h2;
}
