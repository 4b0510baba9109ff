/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A connected socket, with TLS on it or not: non-blocking bytes in and out.
 *
 * A transport begins by opening (the TLS handshake) and is then read and written.
 * -EAGAIN means: come back when the descriptor is ready for transport_wants(). Errors carry
 * OpenSSL's reason as text. The caller unregisters the descriptor from its loop before it frees the
 * transport.
 */
#include "lib/error.h"

#include <sys/types.h>

struct transport;
struct tls_context;

#define TRANSPORT_READ_BYTES 16384 /* the largest TLS record: one read takes all of it */

/* Takes *fd, and sets it to -1, on success only; it must be non-blocking. tls may be NULL;
 * server_name is for clients with TLS. The context must outlive the transport. 0 or -ENOMEM. */
int transport_new(struct transport **ret, int *fd, struct tls_context *tls, const char *server_name,
                  struct error **reterr);
struct transport *transport_free(struct transport *t); /* closes; accepts NULL, returns NULL */
DEFINE_CLEANUP(struct transport *, transport_free)

/* Goes on with opening. 0: open; -EAGAIN; or a negative errno with *reterr. */
int transport_open(struct transport *t, struct error **reterr);
/* Bytes read, 0 at the end, -EAGAIN or a negative errno with *reterr. */
ssize_t transport_read(struct transport *t, uint8_t *data, size_t len, struct error **reterr);
/* Bytes written (may be fewer than len), -EAGAIN or a negative errno with *reterr. */
ssize_t transport_write(struct transport *t, const uint8_t *data, size_t len,
                        struct error **reterr);
/* Tells the peer that we are done, as far as that goes without waiting. */
void transport_shutdown(struct transport *t);

int transport_fd(const struct transport *t);
unsigned transport_wants(const struct transport *t); /* LOOP_READ, LOOP_WRITE after -EAGAIN */

/* The subject's common name of the peer's verified certificate, or NULL. Owned by the transport. */
const char *transport_peer_name(struct transport *t);
