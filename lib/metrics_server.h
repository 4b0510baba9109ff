/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Answers `GET /metrics` in plain HTTP, on the loop: 200 with the text that collect() makes, 404 for another path, 405
 * for another method, 400 for what is no request, 431 for a head of more than METRICS_SERVER_HEAD_BYTES, 500 without
 * memory. One request a connection, which is closed after the answer.
 *
 * Whoever can reach the address can ask, so connections are few and short: when there are as many as there may be, the
 * oldest makes room, and one that has not got its answer in time is closed. That is why the few lines of HTTP are our
 * own: libevent's evhttp (2.1) does not say when a connection without TLS ends, so that they could not be counted.
 *
 * No logging.
 */
#include "lib/error.h"

struct buf;
struct loop;
struct metrics_server;

#define METRICS_SERVER_CONNECTIONS 16
#define METRICS_SERVER_DEADLINE_NS                                                                 \
    (10 * NS_PER_SEC) /* from the connection to the end of the answer */
#define METRICS_SERVER_HEAD_BYTES 8192
#define METRICS_SERVER_TEXT_BYTES (8u << 20)

struct metrics_server_limits { /* zero: the default */
    unsigned connections;
    uint64_t deadline_ns;
};

/* Listens at "ADDRESS:PORT" (an IP address, an IPv6 one in brackets; port 0: one that is free). collect() appends the
 * text and returns 0 or a negative errno. limits may be NULL. 0, -ENOMEM, or -EINVAL or an errno of the socket with
 * *reterr. */
int metrics_server_new(struct metrics_server **ret, struct loop *loop, const char *listen,
                       const struct metrics_server_limits *limits,
                       int (*collect)(struct buf *out, void *data), void *data,
                       struct error **reterr);
/* Ends all connections. Accepts NULL, returns NULL. */
struct metrics_server *metrics_server_free(struct metrics_server *s);
DEFINE_CLEANUP(struct metrics_server *, metrics_server_free)

uint16_t metrics_server_port(const struct metrics_server *s);
