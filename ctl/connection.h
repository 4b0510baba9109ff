/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One conversation of varmorctl with the manager: a unary call, or a stream of events. Each call
 * has a loop of its own and blocks until it is over; varmorctl does one thing and ends.
 */
#include "lib/buf.h"
#include "lib/rpc/grpc.h"

#define CONNECTION_DEFAULT_MANAGER "unix:/run/varmor/manager.sock"
#define CONNECTION_MAX_ANSWER      (256u << 20) /* bytes of one answer */

struct connection_options {
    const char *manager;    /* address as in lib/rpc/grpc.h */
    struct grpc_tls tls;    /* for tls:// addresses */
    const char *token_file; /* shown as a bearer token; NULL: none */
    unsigned timeout_sec;   /* of a unary call, and of the time to connect */
};

/*
 * Calls path with the encoded request. The answer is appended to ret_answer. 0, or with *reterr:
 * -ECONNREFUSED (no manager answers there), -EIO (it says no: its status and text), -ETIMEDOUT, -EINTR (SIGINT
 * or SIGTERM), -E2BIG (CONNECTION_MAX_ANSWER), -EINVAL (a bad address), -ENOMEM, or what else kept
 * the connection from being made.
 */
int connection_call(const struct connection_options *options, const char *path,
                    const struct buf *request, struct buf *ret_answer, struct error **reterr);

/*
 * As connection_call() for a stream: message() is called for each answer and ends the stream with
 * false. Runs until then, or until SIGINT or SIGTERM (both 0), or until the manager ends the stream
 * (-EIO with *reterr) or goes away (-ECONNREFUSED).
 */
int connection_stream(const struct connection_options *options, const char *path,
                      const struct buf *request, uint64_t timeout_ns,
                      bool (*message)(const uint8_t *data, size_t len, void *data_arg),
                      void *data_arg, struct error **reterr);
