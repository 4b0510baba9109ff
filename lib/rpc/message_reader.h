/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cuts the bytes of a call into gRPC messages: a flag byte, four bytes of length, the message.
 *
 * What is held grows with the bytes that have come, never with the length that was announced. A
 * message that lies whole in one piece of input is handed out in place. No I/O.
 */
#include "lib/buf.h"
#include "lib/rpc/budget.h"

#define MESSAGE_PREFIX_BYTES 5

struct message_reader {
    uint8_t prefix[MESSAGE_PREFIX_BYTES];
    unsigned n_prefix;     /* bytes of it that have come */
    size_t want;           /* the length in it, once it is whole */
    size_t max_bytes;      /* largest message taken */
    struct buf body;       /* the part of the message that has come; empty between messages */
    struct budget *budget; /* borrowed: pays for body; may be NULL */
    size_t charged;
    bool body_is_done; /* body was handed out by the last call and is freed by the next */
};

void message_reader_init(struct message_reader *r, size_t max_bytes, struct budget *budget);
void message_reader_done(struct message_reader *r);

enum { MESSAGE_READER_MORE = 0, MESSAGE_READER_MESSAGE = 1 };

/* Eats bytes from the front of (*data, *len), which it moves on. MESSAGE_READER_MESSAGE: *ret and
 * *ret_len are one message, borrowed until the next call. MESSAGE_READER_MORE: everything was
 * eaten. -EMSGSIZE: it is larger than max_bytes; -ENOBUFS: the budget is used up; -EOPNOTSUPP: it
 * is compressed; -EPROTO: unknown flag; -ENOMEM. After a failure the reader is of no more use. */
int message_reader_feed(struct message_reader *r, const uint8_t **data, size_t *len,
                        const uint8_t **ret, size_t *ret_len);

/* True between messages: a call that ends elsewhere has lost something. */
bool message_reader_is_between(const struct message_reader *r);

/* Writes the prefix of a message of len bytes, which must fit into 32 bits. */
void message_prefix(uint8_t prefix[static MESSAGE_PREFIX_BYTES], size_t len);
