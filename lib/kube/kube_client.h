/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Requests to a Kubernetes API server, by libcurl's multi interface on the event loop.
 *
 * One client, one server, HTTP/2 where the server has it. A request ends exactly once, by done(), unless it is
 * cancelled, after which nothing is called. A 401 makes the token file be read again and the request be sent once
 * more. Answers of more than max_bytes are cut off and fail with -E2BIG; a stream (watch) is bounded by what its
 * receiver keeps.
 */
#include "lib/error.h"
#include "lib/kube/kube_config.h"

struct kube_client; /* opaque */
struct kube_request;
struct loop;

#define KUBE_MAX_REQUESTS 256 /* at a time; more wait in line */
#define KUBE_MAX_WAITING  65536

/* Borrows loop; copies config. 0, -ENOMEM, or -EINVAL with *reterr (material that cannot be used). */
int kube_client_new(struct kube_client **ret, struct loop *loop, const struct kube_config *config,
                    const char *user_agent, struct error **reterr);
/* Cancels what is under way. Not inside a callback of one of its requests. */
struct kube_client *kube_client_free(struct kube_client *c);
DEFINE_CLEANUP(struct kube_client *, kube_client_free)

struct kube_answer {
    int status; /* HTTP; 0: there was none, or it broke off */
    int error; /* status 0: -ECONNABORTED (no connection, or it broke), -ETIMEDOUT, -E2BIG, -EACCES (no token),
                   -ENOMEM, or what received() returned; else 0 */
    const char
        *problem; /* why there was none, or what the API server's Status object says; "" if 2xx */
    const char *
        reason; /* of a Status object: "NotFound", "Conflict", "AlreadyExists", "Expired"; "" if none */
    uint64_t retry_after_ns; /* of a 429 or 503 that says so; 0 */
    const uint8_t *body;     /* borrowed; of requests without received() */
    size_t len;
};
struct kube_call {
    const char *method; /* "GET", "PATCH" ... */
    const char *path;   /* with its query, "/api/v1/pods?limit=500"; the caller has escaped it */
    const char *content_type, *accept; /* NULL: application/json */
    const void *body;                  /* copied; NULL: none */
    size_t len;
    uint64_t deadline_ns; /* from now; 0: none (streams) */
    uint64_t idle_ns;     /* a stream without a byte for so long has ended; 0: none */
    size_t max_bytes;     /* of the answer; of requests without received() */
    /* The server has agreed (2xx): a stream's first byte may come much later. NULL: of no interest. */
    void (*started)(void *data_of_caller);
    /* A stream's bytes as they come. A negative result ends the request with that error. NULL: the body is gathered. */
    int (*received)(const uint8_t *data, size_t len, void *data_of_caller);
    void (*done)(const struct kube_answer *a, void *data_of_caller);
    void *data;
};
/* Starts a request; all texts are copied. 0, -ENOMEM or -EBUSY (KUBE_MAX_WAITING). done() is never called inside.
 * *ret (ret may be NULL) is good until done() or kube_request_cancel(). */
int kube_client_call(struct kube_client *c, struct kube_request **ret,
                     const struct kube_call *call);
/* Since the client was made, for metrics. */
struct kube_client_stats {
    uint64_t answers[6]; /* of requests that have ended, by the status' hundreds; 0: no answer */
    uint64_t lists, watches; /* that watchers (kube_watch.h) have begun */
};
void kube_client_stats(const struct kube_client *c, struct kube_client_stats *ret);
void kube_client_count_begun(struct kube_client *c, bool is_list); /* a watcher's */

/* Accepts NULL, returns NULL. Allowed in every callback; inside the request's own done() it changes nothing. */
struct kube_request *kube_request_cancel(struct kube_request *r);
