/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ttrpc, containerd's small RPC protocol for processes of one host, as far as unary calls go
 * (https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md): frames of ten bytes of header (length, stream, type,
 * flags, numbers big-endian) and a protobuf message, which is a request or a response around the message of a method.
 *
 * Bytes in, frames out, and back. Nothing is copied out of a frame, and nothing is believed about it. Pure.
 */
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/rpc/pb_fields.h"

#define TTRPC_HEADER_BYTES 10
#define TTRPC_DATA_MAX     (4u << 20) /* of a frame, as the protocol has it */
#define TTRPC_SENT_MAX     2048       /* of a frame of ours */

enum ttrpc_type { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2, TTRPC_DATA = 3 };

/* gRPC's codes; those that we need. */
enum ttrpc_code { TTRPC_OK = 0, TTRPC_INVALID_ARGUMENT = 3, TTRPC_UNIMPLEMENTED = 12 };

struct ttrpc_frame {
    uint32_t stream;
    uint8_t type;         /* an enum ttrpc_type, or what the other side has made up */
    struct pb_bytes data; /* borrowed until the reader is fed again */
};

/* One direction of one connection. */
struct ttrpc_reader {
    struct buf bytes; /* of a frame that is not whole */
};
void ttrpc_reader_init(struct ttrpc_reader *r);
void ttrpc_reader_done(struct ttrpc_reader *r);
/* Calls found() for each frame that is whole; a negative result of it ends the reading and is returned. 0, -EBADMSG
 * with *reterr (a frame is too large) or -ENOMEM: the connection is of no use any more. */
int ttrpc_reader_feed(struct ttrpc_reader *r, const uint8_t *data, size_t len,
                      int (*found)(const struct ttrpc_frame *frame, void *arg), void *arg,
                      struct error **reterr);

struct ttrpc_request {
    struct pb_bytes service, method, payload; /* borrowed from the frame */
    uint64_t timeout_ns;                      /* that the caller waits for; 0: it does not say */
};
struct ttrpc_response {
    int code;                /* TTRPC_OK, or why there is no payload */
    struct pb_bytes message; /* why, in words; borrowed from the frame, like the next */
    struct pb_bytes payload;
};
/* 0 or -EBADMSG. *ret is written on success only. */
int ttrpc_request_decode(struct ttrpc_request *ret, struct pb_bytes data);
int ttrpc_response_decode(struct ttrpc_response *ret, struct pb_bytes data);

/* Append a whole frame. 0, -E2BIG (TTRPC_SENT_MAX, or out's ceiling) or -ENOMEM; on failure out is as it was. */
int ttrpc_encode_request(struct buf *out, uint32_t stream, const char *service, const char *method,
                         struct pb_bytes payload) MUST_CHECK;
/* message: with a code other than TTRPC_OK. */
int ttrpc_encode_response(struct buf *out, uint32_t stream, enum ttrpc_code code,
                          const char *message, struct pb_bytes payload) MUST_CHECK;
