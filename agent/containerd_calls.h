/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Calls to containerd over one gRPC channel: which method, in which of containerd's namespaces,
 * about which container. A call remembers what was asked, so that its answer can be told apart from
 * one of an earlier connection (attempt). No retries, no logging.
 */
#include "lib/error.h"
#include "lib/rpc/grpc.h"
#include "proto/containerd_codec.h"

struct loop;
struct containerd_calls; /* opaque */

enum containerd_method {
    CONTAINERD_VERSION,
    CONTAINERD_NAMESPACES_LIST,
    CONTAINERD_SUBSCRIBE, /* a stream without end */
    CONTAINERD_PUBLISH,
    CONTAINERD_CONTAINERS_LIST, /* a stream: one container a message */
    CONTAINERD_CONTAINERS_GET,
    CONTAINERD_TASKS_LIST,
    CONTAINERD_TASKS_GET,
    CONTAINERD_METHODS,
};

/* What was asked. */
struct containerd_question {
    enum containerd_method method;
    char name_space[CONTAINERD_ID_SIZE];
    char id[CONTAINERD_ID_SIZE]; /* the container, or the topic of CONTAINERD_PUBLISH; "" for lists
                                  */
    unsigned attempt;            /* the owner's number of the connection */
};

struct containerd_calls_handler {
    void (*message)(const struct containerd_question *q, const uint8_t *data, size_t len,
                    void *data_arg);
    /* Exactly once for each question; text is never NULL. */
    void (*closed)(const struct containerd_question *q, enum grpc_status status, const char *text,
                   void *data_arg);
};

/* handler must outlive the calls. 0, -EINVAL or -ENOMEM with *reterr. */
int containerd_calls_new(struct containerd_calls **ret, struct loop *loop, const char *socket_path,
                         const struct containerd_calls_handler *handler, void *data_arg,
                         struct error **reterr);
/* Ends what is open; no callback runs any more. */
struct containerd_calls *containerd_calls_free(struct containerd_calls *calls);
DEFINE_CLEANUP(struct containerd_calls *, containerd_calls_free)

/* Asks; id may be NULL. 0, -ENOMEM or -E2BIG (a text is too long, or too many calls are open): then
 * no callback comes. */
int containerd_calls_ask(struct containerd_calls *calls, enum containerd_method method,
                         const char *name_space, const char *id, unsigned attempt);
/* Cancels all that is open; closed() of each runs, now or later in the turn. */
void containerd_calls_cancel(struct containerd_calls *calls);
