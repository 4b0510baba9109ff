/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/message_reader.h"

#include <errno.h>
#include <string.h>

void message_reader_init(struct message_reader *r, size_t max_bytes, struct budget *budget)
{
    *r = (struct message_reader){.max_bytes = max_bytes, .budget = budget};
}

static void message_reader_free_body(struct message_reader *r)
{
    buf_done(&r->body);
    budget_give(r->budget, r->charged);
    r->charged = 0;
    r->body_is_done = false;
}

void message_reader_done(struct message_reader *r)
{
    message_reader_free_body(r);
}

/* Eats the prefix. MESSAGE_READER_MORE as long as it is not whole. */
static int message_reader_eat_prefix(struct message_reader *r, const uint8_t **data, size_t *len)
{
    size_t n = MIN(*len, (size_t)(MESSAGE_PREFIX_BYTES - r->n_prefix));

    if (n > 0)
        memcpy(r->prefix + r->n_prefix, *data, n);
    r->n_prefix += (unsigned)n;
    *data += n;
    *len -= n;
    if (r->n_prefix < MESSAGE_PREFIX_BYTES)
        return MESSAGE_READER_MORE;
    if (r->prefix[0] == 1)
        return -EOPNOTSUPP;
    if (r->prefix[0] != 0)
        return -EPROTO;
    r->want = (size_t)r->prefix[1] << 24 | (size_t)r->prefix[2] << 16 | (size_t)r->prefix[3] << 8 |
              (size_t)r->prefix[4];
    if (r->want > r->max_bytes)
        return -EMSGSIZE;
    r->body = BUF_INIT(r->want);
    return MESSAGE_READER_MESSAGE;
}

/* Adds the piece to the part of the message that is held. 0, -ENOBUFS or -ENOMEM. */
static int message_reader_hold(struct message_reader *r, const uint8_t *data, size_t len)
{
    if (!budget_take(r->budget, len))
        return -ENOBUFS;
    r->charged += len;
    return buf_add(&r->body, data, len);
}

int message_reader_feed(struct message_reader *r, const uint8_t **data, size_t *len,
                        const uint8_t **ret, size_t *ret_len)
{
    const uint8_t *piece;
    size_t n;
    int err;

    if (r->body_is_done)
        message_reader_free_body(r);
    if (r->n_prefix < MESSAGE_PREFIX_BYTES) {
        err = message_reader_eat_prefix(r, data, len);
        if (err != MESSAGE_READER_MESSAGE)
            return err;
    }
    piece = *data;
    n = MIN(*len, r->want - r->body.len);
    *data += n;
    *len -= n;
    if (n < r->want) { /* it does not lie in this piece as a whole */
        err = n > 0 ? message_reader_hold(r, piece, n) : 0;
        if (err < 0)
            return err;
        if (r->body.len < r->want)
            return MESSAGE_READER_MORE;
        piece = r->body.data;
        r->body_is_done = true;
    }
    *ret = piece;
    *ret_len = r->want;
    r->n_prefix = 0;
    return MESSAGE_READER_MESSAGE;
}

bool message_reader_is_between(const struct message_reader *r)
{
    return r->n_prefix == 0;
}

void message_prefix(uint8_t prefix[static MESSAGE_PREFIX_BYTES], size_t len)
{
    prefix[0] = 0;
    prefix[1] = (uint8_t)(len >> 24);
    prefix[2] = (uint8_t)(len >> 16);
    prefix[3] = (uint8_t)(len >> 8);
    prefix[4] = (uint8_t)len;
}
