/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is common to the TLS connections of one server or channel: keys, whom to believe, and the
 * policy: TLS 1.3 only, ALPN is "h2" or nothing, no session tickets; who must show a certificate is
 * said with struct grpc_tls.
 *
 * Key material can be replaced at any time: connections keep what they began with.
 */
#include "lib/error.h"

struct grpc_tls;
struct tls_context;
struct ssl_st;

#define TLS_FILE_MAX_BYTES (1u << 20) /* of each file or text */

/* Reads the files. 0, -EINVAL (something is missing, unreadable or wrong, with *reterr) or -ENOMEM. */
int tls_context_new(struct tls_context **ret, const struct grpc_tls *tls, bool is_client,
                    struct error **reterr);
struct tls_context *tls_context_free(struct tls_context *t); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct tls_context *, tls_context_free)

/* Other material for new connections. As tls_context_new(); on failure the old stays. */
int tls_context_set(struct tls_context *t, const struct grpc_tls *tls, struct error **reterr);
/* Reads the files again if one of them is another than before, and tells reloaded(). */
void tls_context_refresh(struct tls_context *t);
bool tls_context_is_ready(const struct tls_context *t); /* false: what it needs is awaited */

/* A connection on fd that is verified against server_name (a client's; a DNS name or an address).
 * 0, -EINVAL (also of a context that is not ready, which says why) or -ENOMEM. */
int tls_context_connection(struct tls_context *t, struct ssl_st **ret, int fd,
                           const char *server_name, struct error **reterr);

/* Moves what OpenSSL has to say about the last failure into *reterr; returns code. */
int tls_error(struct error **reterr, int code, const char *what);
