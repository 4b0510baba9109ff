/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/inbox.h"

#include <errno.h>

void inbox_init(struct inbox *in, const struct inbox_handler *handler, void *owner,
                size_t message_bytes, size_t window_bytes, struct budget *budget)
{
    *in = (struct inbox){
        .held = BUF_INIT(window_bytes),
        .handler = handler,
        .owner = owner,
    };
    message_reader_init(&in->reader, message_bytes, budget);
}

void inbox_done(struct inbox *in)
{
    message_reader_done(&in->reader);
    buf_done(&in->held);
}

static void inbox_fail(struct inbox *in, int code)
{
    in->is_dead = true;
    message_reader_done(&in->reader);
    in->handler->failed(in->owner, code);
}

/* Hands out messages until the bytes are used up, the gate is closed or the call is over. Returns
 * how many bytes were used. */
static size_t inbox_read(struct inbox *in, const uint8_t *data, size_t len)
{
    size_t left = len;

    while (!in->is_closed && !in->is_dead) {
        const uint8_t *message = NULL;
        size_t message_len = 0;
        int r = message_reader_feed(&in->reader, &data, &left, &message, &message_len);

        if (r < 0)
            inbox_fail(in, r);
        else if (r == MESSAGE_READER_MORE)
            break;
        else
            in->handler->message(in->owner, message, message_len);
    }
    return in->is_dead ? len : len - left;
}

static void inbox_tell_end(struct inbox *in)
{
    if (!in->has_end || in->is_closed || in->is_dead || in->held.len > 0)
        return;
    in->has_end = false;
    if (!message_reader_is_between(&in->reader))
        inbox_fail(in, -EBADMSG);
    else
        in->handler->end(in->owner);
}

void inbox_feed(struct inbox *in, const uint8_t *data, size_t len)
{
    size_t used;

    in->is_feeding = true;
    used = inbox_read(in, data,
                      len); /* nothing while the gate is closed, and so nothing past what is held */
    in->is_feeding = false;
    if (used < len) {
        int r = buf_add(&in->held, data + used, len - used);

        if (r < 0) { /* -E2BIG: it ignores its window, which nghttp2 does not let through */
            inbox_fail(in, r);
            used = len;
        }
    }
    if (used > 0)
        in->handler->consumed(in->owner, used);
}

void inbox_end(struct inbox *in)
{
    in->has_end = true;
    inbox_tell_end(in);
}

void inbox_close_gate(struct inbox *in)
{
    in->is_closed = true;
}

void inbox_open_gate(struct inbox *in)
{
    struct buf held = in->held;
    size_t used;

    in->is_closed = false;
    if (in->is_feeding)
        return;
    if (held.len > 0) {
        /* Out of the inbox while it is read, because message() may shut the inbox. */
        in->held = BUF_INIT(held.max);
        in->is_feeding = true;
        used = inbox_read(in, held.data, held.len);
        in->is_feeding = false;
        buf_consume(&held, used);
        if (held.len > 0 && !in->is_dead)
            in->held = held;
        else
            buf_done(&held);
        if (used > 0)
            in->handler->consumed(in->owner, used);
    }
    inbox_tell_end(in);
}

void inbox_shut(struct inbox *in)
{
    size_t held = in->held.len;

    if (in->is_dead)
        return;
    in->is_dead = true;
    buf_done(&in->held);
    if (held > 0)
        in->handler->consumed(in->owner, held);
}
