/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ttrpc.h"

#include <errno.h>
#include <string.h>

enum { REQUEST_SERVICE = 1, REQUEST_METHOD = 2, REQUEST_PAYLOAD = 3, REQUEST_TIMEOUT = 4 };
enum { RESPONSE_STATUS = 1, RESPONSE_PAYLOAD = 2 };
enum { STATUS_CODE = 1, STATUS_MESSAGE = 2 };

static uint32_t read_number(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

/* ---- Frames in ---- */

void ttrpc_reader_init(struct ttrpc_reader *r)
{
    r->bytes = BUF_INIT(TTRPC_HEADER_BYTES + TTRPC_DATA_MAX);
}

void ttrpc_reader_done(struct ttrpc_reader *r)
{
    buf_done(&r->bytes);
}

/* The length of the frame that the bytes begin with, as far as they tell: at least a header's. */
static int frame_size(const struct buf *bytes, size_t *ret, struct error **reterr)
{
    uint32_t len = bytes->len >= TTRPC_HEADER_BYTES ? read_number(bytes->data) : 0;

    if (len > TTRPC_DATA_MAX)
        return error_set(reterr, -EBADMSG, "a frame of %u bytes, more than %u", len,
                         TTRPC_DATA_MAX);
    *ret = TTRPC_HEADER_BYTES + len;
    return 0;
}

int ttrpc_reader_feed(struct ttrpc_reader *r, const uint8_t *data, size_t len,
                      int (*found)(const struct ttrpc_frame *frame, void *arg), void *arg,
                      struct error **reterr)
{
    for (;;) {
        size_t size = 0, n;
        int result = frame_size(&r->bytes, &size, reterr);

        if (result < 0)
            return result;
        if (r->bytes.len >= TTRPC_HEADER_BYTES && r->bytes.len == size) {
            const struct ttrpc_frame frame = {
                .stream = read_number(r->bytes.data + 4),
                .type = r->bytes.data[8],
                .data = {r->bytes.data + TTRPC_HEADER_BYTES, size - TTRPC_HEADER_BYTES},
            };

            result = found(&frame, arg);
            buf_done(&r->bytes); /* a large one is rare: its memory is not kept */
            if (result < 0)
                return result;
            continue;
        }
        if (len == 0)
            return 0;
        n = MIN(size - r->bytes.len, len);
        if (buf_add(&r->bytes, data, n) < 0)
            return error_oom(reterr);
        data += n;
        len -= n;
    }
}

/* ---- Messages in ---- */

int ttrpc_request_decode(struct ttrpc_request *ret, struct pb_bytes data)
{
    struct ttrpc_request q = {0};
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE) {
        if (f.number == REQUEST_SERVICE && f.is_bytes)
            q.service = f.bytes;
        else if (f.number == REQUEST_METHOD && f.is_bytes)
            q.method = f.bytes;
        else if (f.number == REQUEST_PAYLOAD && f.is_bytes)
            q.payload = f.bytes;
        else if (f.number == REQUEST_TIMEOUT && !f.is_bytes && f.value <= INT64_MAX)
            q.timeout_ns = f.value;
    }
    if (r < 0)
        return r;
    *ret = q;
    return 0;
}

static int decode_status(struct ttrpc_response *ret, struct pb_bytes data)
{
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE) {
        if (f.number == STATUS_CODE && !f.is_bytes)
            ret->code = (int)(uint32_t)f.value;
        else if (f.number == STATUS_MESSAGE && f.is_bytes)
            ret->message = f.bytes;
    }
    return r;
}

int ttrpc_response_decode(struct ttrpc_response *ret, struct pb_bytes data)
{
    struct ttrpc_response a = {.code = TTRPC_OK};
    struct pb_field f;
    int r;

    while ((r = pb_fields_next(&data, &f)) == PB_FIELDS_ONE) {
        if (f.number == RESPONSE_STATUS && f.is_bytes)
            r = decode_status(&a, f.bytes);
        else if (f.number == RESPONSE_PAYLOAD && f.is_bytes)
            a.payload = f.bytes;
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = a;
    return 0;
}

/* ---- Out ---- */

static int add_text(struct buf *b, uint32_t number, const char *text)
{
    return pb_add_bytes(b, number, text, strlen(text));
}

static int add_frame(struct buf *out, uint32_t stream, enum ttrpc_type type, const struct buf *data)
{
    const uint8_t header[TTRPC_HEADER_BYTES] = {
        (uint8_t)(data->len >> 24),
        (uint8_t)(data->len >> 16),
        (uint8_t)(data->len >> 8),
        (uint8_t)data->len,
        (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16),
        (uint8_t)(stream >> 8),
        (uint8_t)stream,
        (uint8_t)type,
        0, /* flags: unary */
    };
    int r = buf_reserve(out, sizeof(header) + data->len);

    if (r == 0)
        r = buf_add(out, header, sizeof(header));
    if (r == 0 && data->len > 0)
        r = buf_add(out, data->data, data->len);
    return r;
}

int ttrpc_encode_request(struct buf *out, uint32_t stream, const char *service, const char *method,
                         struct pb_bytes payload)
{
    CLEANUP_BUF struct buf data = BUF_INIT(TTRPC_SENT_MAX);
    int r = add_text(&data, REQUEST_SERVICE, service);

    if (r == 0)
        r = add_text(&data, REQUEST_METHOD, method);
    if (r == 0)
        r = pb_add_bytes(&data, REQUEST_PAYLOAD, payload.data, payload.len);
    return r < 0 ? r : add_frame(out, stream, TTRPC_REQUEST, &data);
}

int ttrpc_encode_response(struct buf *out, uint32_t stream, enum ttrpc_code code,
                          const char *message, struct pb_bytes payload)
{
    CLEANUP_BUF struct buf data = BUF_INIT(TTRPC_SENT_MAX), status = BUF_INIT(TTRPC_SENT_MAX);
    int r = 0;

    if (code != TTRPC_OK) {
        r = pb_add_varint(&status, STATUS_CODE, code);
        if (r == 0)
            r = add_text(&status, STATUS_MESSAGE, message);
        if (r == 0)
            r = pb_add_bytes(&data, RESPONSE_STATUS, status.data, status.len);
    }
    if (r == 0)
        r = pb_add_bytes(&data, RESPONSE_PAYLOAD, payload.data, payload.len);
    return r < 0 ? r : add_frame(out, stream, TTRPC_RESPONSE, &data);
}
