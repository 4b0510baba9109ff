/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The incoming half of a call: bytes in, whole messages out, and a gate between them.
 *
 * While the gate is closed, what comes is held unread; it cannot be more than the stream's
 * flow-control window, because the window is opened again only for bytes that passed the gate
 * (consumed()). The gate may be closed and opened inside message(). The end of the stream is told
 * after the last message.
 */
#include "lib/rpc/message_reader.h"

struct inbox_handler {
    void (*message)(void *owner, const uint8_t *data, size_t len);
    void (*consumed)(void *owner, size_t len); /* so many bytes of the window may be used again */
    void (*end)(void *owner);                  /* the peer has sent all */
    void (*failed)(void *owner, int code);     /* as message_reader_feed(); -EBADMSG: cut off */
};

struct inbox {
    struct message_reader reader;
    struct buf held; /* came while the gate was closed */
    const struct inbox_handler *handler;
    void *owner;
    bool is_closed;  /* the gate */
    bool is_dead;    /* failed or shut: what comes is thrown away */
    bool has_end;    /* the end has come, and waits behind what is held */
    bool is_feeding; /* inside inbox_feed(): opening the gate needs no work there */
};

void inbox_init(struct inbox *in, const struct inbox_handler *handler, void *owner,
                size_t message_bytes, size_t window_bytes, struct budget *budget);
void inbox_done(struct inbox *in);

void inbox_feed(struct inbox *in, const uint8_t *data, size_t len);
void inbox_end(struct inbox *in);
void inbox_close_gate(struct inbox *in);
void inbox_open_gate(struct inbox *in);

/* No more messages are wanted: what is held and what still comes is consumed and thrown away. */
void inbox_shut(struct inbox *in);
