/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A server of 127.0.0.1 for what no API server can be made to show: answers that break off, garbage, silence. It gives
 * the answers of a list, one for each request in the order in which they come, byte by byte as they stand there. What it
 * was asked is kept.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/buf.h"
#include "lib/loop.h"

enum { HTTP_BED_MAX_PEERS = 600, HTTP_BED_MAX_REQUEST = 65536 };

struct http_answer {
    const char *text;           /* NULL: nothing ever comes */
    size_t len;                 /* 0: strlen(text) */
    bool keeps;                 /* the connection stays open behind it */
    void (*before)(void *data); /* NULL, or what is done when the request is there */
};

struct http_peer {
    struct http_bed *bed;
    int fd;
    struct loop_io *io;
    struct buf request;
};

struct http_bed {
    struct loop *loop;
    const struct http_answer *answers; /* the last one is given again and again */
    size_t n_answers;
    void *data; /* of before() */
    int fd;
    unsigned port;
    struct loop_io *io;
    struct http_peer peers[HTTP_BED_MAX_PEERS];
    size_t n_peers;
    size_t n_requests;
    struct buf requests; /* all that was asked, headers and bodies */
};

static inline void http_peer_close(struct http_peer *p)
{
    p->io = loop_io_free(p->io);
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

/* The bytes of the request that has come, or 0. */
static inline size_t http_request_len(const struct buf *request)
{
    const char *text = buf_text(request);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    size_t len;

    if (!end)
        return 0;
    len = (size_t)(end + 4 - text);
    if (length && length < end)
        len += strtoul(length + 16, NULL, 10);
    return request->len >= len ? len : 0;
}

static inline void http_peer_answer(struct http_peer *p)
{
    struct http_bed *bed = p->bed;
    const size_t i = bed->n_requests < bed->n_answers ? bed->n_requests : bed->n_answers - 1;
    const struct http_answer *a = &bed->answers[i];
    const size_t len = !a->text ? 0 : a->len ? a->len : strlen(a->text);

    bed->n_requests++;
    if (a->before)
        a->before(bed->data);
    if (len > 0)
        ck_assert_int_eq(send(p->fd, a->text, len, MSG_NOSIGNAL), (ssize_t)len);
    if (a->text && !a->keeps)
        http_peer_close(p);
}

static inline void http_on_readable(int fd, unsigned events UNUSED, void *data)
{
    struct http_peer *p = data;
    char chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
    size_t len;

    if (n <= 0) {
        http_peer_close(p);
        return;
    }
    ck_assert_int_eq(buf_add(&p->request, chunk, (size_t)n), 0);
    while (p->fd >= 0 && (len = http_request_len(&p->request)) > 0) {
        ck_assert_int_eq(buf_add(&p->bed->requests, p->request.data, len), 0);
        buf_consume(&p->request, len);
        http_peer_answer(p);
    }
}

static inline void http_on_peer(int fd, unsigned events UNUSED, void *data)
{
    struct http_bed *bed = data;
    struct http_peer *p = &bed->peers[bed->n_peers];

    ck_assert_uint_lt(bed->n_peers, HTTP_BED_MAX_PEERS);
    p->bed = bed;
    p->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(p->fd, 0);
    p->request = BUF_INIT(HTTP_BED_MAX_REQUEST);
    ck_assert_int_eq(loop_io_new(bed->loop, &p->io, p->fd, LOOP_READ, http_on_readable, p), 0);
    bed->n_peers++;
}

static inline void http_bed_init(struct http_bed *bed, struct loop *loop,
                                 const struct http_answer *answers, size_t n_answers)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    memset(bed, 0, sizeof(*bed));
    bed->loop = loop;
    bed->answers = answers;
    bed->n_answers = n_answers;
    bed->requests = BUF_INIT(16u << 20);
    bed->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(bed->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(bed->fd, HTTP_BED_MAX_PEERS), 0);
    ck_assert_int_eq(getsockname(bed->fd, (struct sockaddr *)&address, &size), 0);
    bed->port = ntohs(address.sin_port);
    ck_assert_int_eq(loop_io_new(loop, &bed->io, bed->fd, LOOP_READ, http_on_peer, bed), 0);
}

static inline void http_bed_done(struct http_bed *bed)
{
    for (size_t i = 0; i < bed->n_peers; i++) {
        http_peer_close(&bed->peers[i]);
        buf_done(&bed->peers[i].request);
    }
    bed->io = loop_io_free(bed->io);
    close(bed->fd);
    buf_done(&bed->requests);
}
