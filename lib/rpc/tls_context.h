/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is common to the TLS connections of one server or channel: keys, whom to believe, and the
 * policy: TLS 1.3 only, both sides show a certificate, ALPN is "h2" or nothing, no session tickets.
 */
#include "lib/error.h"

struct grpc_tls;
struct tls_context;
struct ssl_st;

/* Reads the files. 0, -EINVAL (a file is unreadable or wrong, with *reterr) or -ENOMEM. */
int tls_context_new(struct tls_context **ret, const struct grpc_tls *tls, bool is_client,
                    struct error **reterr);
struct tls_context *tls_context_free(struct tls_context *t); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct tls_context *, tls_context_free)

/* A connection on fd that is verified against server_name (a client's; a DNS name or an address).
 * 0, -EINVAL or -ENOMEM. */
int tls_context_connection(struct tls_context *t, struct ssl_st **ret, int fd,
                           const char *server_name, struct error **reterr);

/* Moves what OpenSSL has to say about the last failure into *reterr; returns code. */
int tls_error(struct error **reterr, int code, const char *what);
