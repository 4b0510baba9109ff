/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * NRI's multiplexer: several connections over one socket, each piece of one behind eight bytes that say which, and how
 * long the piece is (big-endian). A piece is any part of a connection's bytes; nothing is held back here. Pure.
 */
#include "lib/buf.h"

#define NRI_MUX_HEADER_BYTES 8
#define NRI_MUX_PIECE_MAX    (16u << 20) /* what containerd itself lets through */

enum nri_connection {
    NRI_CONNECTION_NONE,
    NRI_CONNECTION_PLUGIN,  /* the runtime calls the plugin */
    NRI_CONNECTION_RUNTIME, /* the plugin calls the runtime */
};

struct nri_mux { /* starts zeroed */
    uint8_t header[NRI_MUX_HEADER_BYTES];
    size_t n_header;
    size_t n_left; /* of the present piece */
};

/* Calls found() with the bytes of each connection as they come; a negative result of it ends the reading and is
 * returned. 0, or -EBADMSG (a piece is too large). */
int nri_mux_feed(struct nri_mux *m, const uint8_t *data, size_t len,
                 int (*found)(uint32_t connection, const uint8_t *data, size_t len, void *arg),
                 void *arg);
/* Appends one piece. 0, -E2BIG or -ENOMEM; on failure out is as it was. */
int nri_mux_encode(struct buf *out, enum nri_connection connection, const uint8_t *data,
                   size_t len) MUST_CHECK;
