/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What gRPC client and server share: status codes, limits, where to listen and connect.
 *
 * Wire: gRPC over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) by
 * nghttp2; messages are opaque bytes here. Plain HTTP/2 over Unix sockets (peer credentials say who
 * it is) and HTTP/2 over TLS 1.3 with ALPN "h2" over TCP; plain TCP only when asked for by name
 * (tests, loopback).
 */
#include "lib/error.h"

enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
};
const char *
grpc_status_name(enum grpc_status status); /* "NOT_FOUND"; "UNKNOWN" for others; static */

/* Where a server listens or a client connects. Text forms (grpc_address_parse):
 *   unix:/run/varmor/agent.sock     a Unix socket
 *   tls://host:port                 TCP with TLS (needs struct grpc_tls)
 *   tcp://host:port                 TCP in the clear: refused for hosts other than loopback
 * addresses */
struct grpc_address {
    enum { GRPC_UNIX, GRPC_TLS, GRPC_TCP } kind;
    char *host; /* owned; the path for GRPC_UNIX */
    uint16_t port;
};
/* 0, -EINVAL (with *reterr) or -ENOMEM. */
int grpc_address_parse(struct grpc_address *ret, const char *text, struct error **reterr);
void grpc_address_done(struct grpc_address *a);

/*
 * Who we are on a TLS connection, and whom we believe (PEM). Each of the three is a file or a text; a file counts if
 * both are given. All of it is borrowed until the call that takes it returns.
 *
 * Files are looked at for each new connection (a server's) or attempt to connect (a client's), and read again if one
 * of them is another than before; connections that are open keep what they began with. Files that cannot be used
 * change nothing: reloaded() says why, once for each time that they change.
 *
 * A server needs a certificate with its key; of a client it asks for a certificate that the authority has signed,
 * unless is_client_free. A client needs the authority; a certificate with its key goes along if it is given.
 */
struct grpc_tls {
    const char *ca_file;          /* whom to believe */
    const char *certificate_file; /* who we are, chain included */
    const char *key_file;
    const char
        *server_name; /* client: the name that the server's certificate must carry; NULL: host */
    const char *ca_text, *certificate_text, *key_text;
    bool is_client_free; /* server: clients may come without a certificate */
    /* A server: there is no certificate yet, see grpc_server_set_tls(). A client: its files may come later, and it cannot
     * connect until then. */
    bool is_awaited;
    /* problem is NULL when what the files say is in use. Runs within the loop's handlers. NULL: as it was before. */
    void (*reloaded)(const char *problem, void *data);
    void *data;
};

#define GRPC_DEFAULT_MESSAGE_BYTES  (4UL * 1024 * 1024)
#define GRPC_DEFAULT_QUEUE_BYTES    (4UL * 1024 * 1024)
#define GRPC_DEFAULT_CALLS          100
#define GRPC_DEFAULT_CONNECTIONS    8192
#define GRPC_DEFAULT_METADATA_BYTES (8 * 1024)
#define GRPC_DEFAULT_KEEPALIVE_NS   (30 * NS_PER_SEC)
#define GRPC_DEFAULT_HANDSHAKE_NS   (10 * NS_PER_SEC)
#define GRPC_NEVER                  UINT64_MAX /* as keepalive_ns: do not ping */

/* Limits; zero means the default above. Every one is enforced with the fitting gRPC or HTTP/2
 * error. */
struct grpc_limits {
    size_t message_bytes;    /* largest message taken or sent (the agents' stream has its own) */
    size_t queue_bytes;      /* bytes waiting to be sent on one call */
    unsigned calls;          /* concurrent calls of one connection; a client: of one channel */
    unsigned connections;    /* server only */
    unsigned metadata_bytes; /* header list of one call */
    uint64_t
        keepalive_ns; /* ping a silent peer after this long and close when it does not answer for as
                         long again. A client pings only while it has calls, and over a Unix socket
                         only when this is set: the kernel tells of a dead peer there, and servers
                         like containerd's end connections that ping more than every five minutes */
    uint64_t handshake_ns; /* connect, TLS and HTTP/2 preface must be through by then */
};
