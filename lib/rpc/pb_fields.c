/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/pb_fields.h"

#include <errno.h>

enum pb_wire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

#define PB_VARINT_MAX_BYTES 10

static int pb_read_varint(struct pb_bytes *rest, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < PB_VARINT_MAX_BYTES && i < rest->len; i++) {
        uint64_t bits = rest->data[i] & 0x7f;

        if (i == PB_VARINT_MAX_BYTES - 1 && rest->data[i] > 1)
            return -EBADMSG; /* more than 64 bits */
        value |= bits << (7 * i);
        if (!(rest->data[i] & 0x80)) {
            rest->data += i + 1;
            rest->len -= i + 1;
            *ret = value;
            return 0;
        }
    }
    return -EBADMSG;
}

static int pb_read_fixed(struct pb_bytes *rest, unsigned n_bytes, uint64_t *ret)
{
    uint64_t value = 0;

    if (rest->len < n_bytes)
        return -EBADMSG;
    for (unsigned i = 0; i < n_bytes; i++)
        value |= (uint64_t)rest->data[i] << (8 * i);
    rest->data += n_bytes;
    rest->len -= n_bytes;
    *ret = value;
    return 0;
}

int pb_fields_next(struct pb_bytes *rest, struct pb_field *ret)
{
    uint64_t key = 0, len = 0;

    if (rest->len == 0)
        return PB_FIELDS_END;
    *ret = (struct pb_field){};
    if (pb_read_varint(rest, &key) < 0 || key >> 3 == 0 || key >> 3 > 0x1fffffff)
        return -EBADMSG;
    ret->number = (uint32_t)(key >> 3);
    switch (key & 7) {
    case PB_VARINT:
        return pb_read_varint(rest, &ret->value) < 0 ? -EBADMSG : PB_FIELDS_ONE;
    case PB_FIXED64:
        return pb_read_fixed(rest, 8, &ret->value) < 0 ? -EBADMSG : PB_FIELDS_ONE;
    case PB_FIXED32:
        return pb_read_fixed(rest, 4, &ret->value) < 0 ? -EBADMSG : PB_FIELDS_ONE;
    case PB_BYTES:
        if (pb_read_varint(rest, &len) < 0 || len > rest->len)
            return -EBADMSG;
        ret->is_bytes = true;
        ret->bytes = (struct pb_bytes){rest->data, (size_t)len};
        rest->data += len;
        rest->len -= (size_t)len;
        return PB_FIELDS_ONE;
    default:
        return -EBADMSG;
    }
}

static int pb_write_varint(struct buf *b, uint64_t value)
{
    uint8_t bytes[PB_VARINT_MAX_BYTES];
    size_t n = 0;

    do {
        bytes[n] = (uint8_t)(value & 0x7f);
        value >>= 7;
        if (value)
            bytes[n] |= 0x80;
        n++;
    } while (value);
    return buf_add(b, bytes, n);
}

int pb_add_varint(struct buf *b, uint32_t number, uint64_t value)
{
    int r = pb_write_varint(b, (uint64_t)number << 3 | PB_VARINT);

    return r < 0 ? r : pb_write_varint(b, value);
}

int pb_add_bytes(struct buf *b, uint32_t number, const void *data, size_t len)
{
    int r = pb_write_varint(b, (uint64_t)number << 3 | PB_BYTES);

    if (r == 0)
        r = pb_write_varint(b, len);
    return r < 0 ? r : buf_add(b, data, len);
}
