/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An HTTP/2 peer without manners, for tests: sends whatever bytes and frames it is told to, whether
 * or not the protocol allows them, and reads what comes back. Included once by each test.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <nghttp2/nghttp2.h>

#include "test/unit/grpc_bed.h"

/* Bytes of a literal, its NUL left out. */
#define BYTES(text)   (text), sizeof(text) - 1

#define PREFACE       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS      "\0\0\0\x04\0\0\0\0\0"
#define SETTINGS_ACK  "\0\0\0\x04\x01\0\0\0\0"
#define PING          "\0\0\x08\x06\0\0\0\0\0abcdefgh"
#define END_STREAM    1
#define END_HEADERS   4
#define NO_CODE       UINT32_MAX
#define RAW_MAX_BYTES (1024 * 1024)

/* ---- A peer that sends whatever the test wants, and reads what comes back ---- */

struct raw {
    struct bed *bed;
    int fd;
    struct buf in;
    nghttp2_hd_inflater *inflater;
    uint32_t goaway;            /* the code of the last GOAWAY */
    uint32_t reset;             /* the code of the last RST_STREAM */
    unsigned n_resets, n_pings; /* answers to pings */
    bool is_eof;
    char fields[2048]; /* "name: value\n" of all header blocks */
    size_t fields_len;
};

/* Over a Unix socket or TCP, as the bed listens. */
UNUSED static void raw_connect(struct raw *r, struct bed *b)
{
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    bool is_tcp = b->address.kind == GRPC_TCP;
    int result;

    *r = (struct raw){.bed = b, .in = BUF_INIT(RAW_MAX_BYTES), .goaway = NO_CODE, .reset = NO_CODE};
    tcp.sin_port = htons(b->address.port);
    if (!is_tcp)
        memcpy(local.sun_path, b->address.host, strlen(b->address.host) + 1);
    r->fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(r->fd, 0);
    result = is_tcp ? connect(r->fd, (struct sockaddr *)&tcp, sizeof(tcp))
                    : connect(r->fd, (struct sockaddr *)&local, sizeof(local));
    ck_assert_int_eq(result, 0);
    ck_assert_int_eq(nghttp2_hd_inflate_new(&r->inflater), 0);
    ck_assert_int_eq(fcntl(r->fd, F_SETFL, O_NONBLOCK), 0);
}

UNUSED static void raw_done(struct raw *r)
{
    close(r->fd);
    buf_done(&r->in);
    nghttp2_hd_inflate_del(r->inflater);
}

static void raw_read_fields(struct raw *r, const uint8_t *data, size_t len)
{
    nghttp2_nv nv;
    int flags = 0;

    while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
        ssize_t n = nghttp2_hd_inflate_hd2(r->inflater, &nv, &flags, data, len, 1);

        ck_assert_int_ge(n, 0);
        data += n;
        len -= (size_t)n;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            r->fields_len +=
                (size_t)snprintf(r->fields + r->fields_len, sizeof(r->fields) - r->fields_len,
                                 "%s: %s\n", (const char *)nv.name, (const char *)nv.value);
    }
    nghttp2_hd_inflate_end_headers(r->inflater);
}

static uint32_t raw_u32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void raw_on_frame(struct raw *r, unsigned type, unsigned flags, const uint8_t *data,
                         size_t len)
{
    if (type == NGHTTP2_GOAWAY)
        r->goaway = raw_u32(data + 4);
    if (type == NGHTTP2_RST_STREAM) {
        r->reset = raw_u32(data);
        r->n_resets++;
    }
    if (type == NGHTTP2_PING && flags & NGHTTP2_FLAG_ACK)
        r->n_pings++;
    if (type == NGHTTP2_HEADERS)
        raw_read_fields(r, data, len);
}

/* Reads what has come, and takes the whole frames off it. */
UNUSED static void raw_read(struct raw *r)
{
    uint8_t data[65536];
    ssize_t n;

    while ((n = read(r->fd, data, sizeof(data))) > 0)
        ck_assert_int_eq(buf_add(&r->in, data, (size_t)n), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        r->is_eof = true;
    while (r->in.len >= 9) {
        size_t len = (size_t)r->in.data[0] << 16 | (size_t)r->in.data[1] << 8 | r->in.data[2];

        if (r->in.len < 9 + len)
            return;
        raw_on_frame(r, r->in.data[3], r->in.data[4], r->in.data + 9, len);
        buf_consume(&r->in, 9 + len);
    }
}

/* Sends all bytes, turning the loop when the socket is full; stops early when the server has
 * closed. */
UNUSED static void raw_send(struct raw *r, const void *bytes, size_t len)
{
    const uint8_t *data = bytes;

    while (len > 0 && !r->is_eof) {
        ssize_t n = send(r->fd, data, len, MSG_NOSIGNAL);

        if (n > 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        if (errno != EAGAIN) {
            r->is_eof = true;
            break;
        }
        bed_let_pass(r->bed, NS_PER_MSEC);
        raw_read(r);
    }
}

/* Turns the loop until the condition holds; the bed's watchdog ends a wait in vain. */
#define raw_wait(r, condition)                                                                     \
    do {                                                                                           \
        raw_read(r);                                                                               \
        while (!(condition)) {                                                                     \
            bed_let_pass((r)->bed, NS_PER_MSEC);                                                   \
            raw_read(r);                                                                           \
        }                                                                                          \
    } while (0)

UNUSED static void raw_frame(struct raw *r, unsigned type, unsigned flags, uint32_t stream,
                             const void *data, size_t len)
{
    uint8_t frame[9 + 65536] = {
        (uint8_t)(len >> 16),    (uint8_t)(len >> 8),    (uint8_t)len,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};

    if (len > 0)
        memcpy(frame + 9, data, len);
    raw_send(r, frame, 9 + len);
}

/* Header fields in HPACK's plainest form: literal, not indexed, not Huffman-coded; lengths below
 * 127. */
struct block {
    uint8_t data[16384];
    size_t len;
};

static void block_add(struct block *b, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);

    b->data[b->len++] = 0;
    b->data[b->len++] = (uint8_t)name_len;
    memcpy(b->data + b->len, name, name_len);
    b->len += name_len;
    b->data[b->len++] = (uint8_t)value_len;
    memcpy(b->data + b->len, value, value_len);
    b->len += value_len;
}

UNUSED static struct block block_request(const char *method, const char *path,
                                         const char *content_type)
{
    struct block b = {};

    block_add(&b, ":method", method);
    block_add(&b, ":scheme", "http");
    block_add(&b, ":path", path);
    block_add(&b, ":authority", "x");
    if (content_type)
        block_add(&b, "content-type", content_type);
    block_add(&b, "te", "trailers");
    return b;
}

UNUSED static void raw_request(struct raw *r, uint32_t stream, const char *path, unsigned flags)
{
    struct block b = block_request("POST", path, "application/grpc");

    raw_frame(r, NGHTTP2_HEADERS, END_HEADERS | flags, stream, b.data, b.len);
}

/* The other guests of the server are none the worse. */
UNUSED static void bed_is_well(struct bed *b)
{
    struct probe p;

    probe_start(&p, b, "/test.Echo/Echo", 0);
    probe_send(&p, "still here?");
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    ck_assert_str_eq(buf_text(&p.received), "still here?|");
    buf_done(&p.received);
}
