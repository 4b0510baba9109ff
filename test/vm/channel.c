/* SPDX-License-Identifier: Apache-2.0 */
#include "test/vm/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Drops bytes from the front until what is left begins with the magic number,
 * or may come to. */
static void resynchronise(struct channel *ch)
{
    const uint32_t magic = CHANNEL_MAGIC;
    size_t at = 0;

    for (; at < ch->n_read; at++) {
        size_t n = ch->n_read - at;

        if (memcmp(ch->buf + at, &magic, n < sizeof(magic) ? n : sizeof(magic)) == 0)
            break;
    }
    memmove(ch->buf, ch->buf + at, ch->n_read - at);
    ch->n_read -= at;
}

/* How many more bytes the frame in buf needs, as far as can be told. 0: it is
 * whole. */
static size_t n_missing(struct channel *ch, struct channel_header *ret_header)
{
    resynchronise(ch);
    if (ch->n_read < sizeof(*ret_header))
        return sizeof(*ret_header) - ch->n_read;
    memcpy(ret_header, ch->buf, sizeof(*ret_header));
    if (ret_header->length > CHANNEL_PAYLOAD_MAX || ret_header->type >= CHANNEL_TYPES) {
        ch->buf[0] = 0; /* not a header after all */
        return n_missing(ch, ret_header);
    }
    return sizeof(*ret_header) + ret_header->length - ch->n_read;
}

int channel_read(struct channel *ch, struct channel_header *ret_header)
{
    for (;;) {
        size_t wanted = n_missing(ch, ret_header);
        ssize_t n;

        if (wanted == 0)
            return CHANNEL_FRAME;
        n = read(ch->fd, ch->buf + ch->n_read, wanted);
        if (n == 0)
            return CHANNEL_GONE;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return CHANNEL_AGAIN;
        if (n < 0 && (errno == ECONNRESET || errno == EPIPE))
            return CHANNEL_GONE;
        if (n < 0)
            return -errno;
        ch->n_read += (size_t)n;
    }
}

const unsigned char *channel_payload(const struct channel *ch)
{
    return ch->buf + sizeof(struct channel_header);
}

void channel_next(struct channel *ch)
{
    ch->n_read = 0; /* channel_read() never reads past the end of a frame */
}

/* Waits until fd can be written. Returns 0, -EPIPE or the negative errno of
 * epoll. */
static int wait_writable(int fd)
{
    struct epoll_event event = {.events = EPOLLOUT | EPOLLHUP | EPOLLERR | EPOLLET};
    int r = 0, n = 1, events = epoll_create1(EPOLL_CLOEXEC);

    if (events < 0 || epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) < 0)
        r = -errno;
    event.events = 0;
    while (r == 0 && n > 0 && (event.events & (EPOLLOUT | EPOLLHUP)) != EPOLLOUT) {
        /* Edge-triggered: after the first answer, only a change is news. */
        n = epoll_wait(events, &event, 1, (event.events & EPOLLHUP) ? CHANNEL_GRACE_MS : -1);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            r = -errno;
    }
    if (events >= 0)
        close(events);
    return n == 0 ? -EPIPE : r;
}

int channel_write(struct channel *ch, uint32_t id, enum channel_type type, const void *data,
                  size_t len)
{
    struct channel_header header = {CHANNEL_MAGIC, id, type, (uint32_t)len};
    unsigned char frame[sizeof(header) + CHANNEL_PAYLOAD_MAX];
    size_t done = 0, size = sizeof(header) + len;

    if (len > CHANNEL_PAYLOAD_MAX)
        return -EMSGSIZE;
    memcpy(frame, &header, sizeof(header));
    if (len > 0)
        memcpy(frame + sizeof(header), data, len);

    while (done < size) {
        ssize_t n = write(ch->fd, frame + done, size - done);
        int r;

        if (n >= 0) {
            done += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        r = wait_writable(ch->fd);
        if (r < 0)
            return r;
    }
    return 0;
}

int channel_begin(struct channel *ch)
{
    static const unsigned char nothing[CHANNEL_PAYLOAD_MAX];

    return channel_write(ch, 0, CHANNEL_NONE, nothing, sizeof(nothing));
}
