/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The webhook's server: HTTPS (TLS 1.3, HTTP/1.1) by libevent on the process's loop.
 *
 *     POST /mutate, /validate    an AdmissionReview (admission_review.h): 200; 400 empty, 413 too
 *                                large, 415 not application/json, 417 undecodable, 500 no memory
 *     GET  /health/liveness      200
 *     GET  /health/readiness     200; 503 while the policies are not all known
 *
 * Anybody in the cluster can connect, so connections are few and have deadlines: when there are as
 * many as there may be, the one that has been of no use for the longest time makes room, and one
 * that has not asked anything in time is closed. Without a certificate nobody is let in; a new one
 * is for the connections to come.
 *
 * Logs what was patched (debug) and refused (info).
 */
#include "lib/error.h"
#include "manager/admission_review.h"

struct admission_server;
struct loop;

struct admission_server_limits { /* zero: the default */
    unsigned connections;
    uint64_t first_ns; /* from the connection to the first answer */
    uint64_t idle_ns;  /* from one answer to the next */
};
#define ADMISSION_DEFAULT_CONNECTIONS 128
#define ADMISSION_DEFAULT_FIRST_NS    (15 * NS_PER_SEC)
#define ADMISSION_DEFAULT_IDLE_NS     (200 * NS_PER_SEC) /* an API server keeps them for 90 s */
#define ADMISSION_MAX_HEADER_BYTES    (16u << 10)

struct admission_server_handler {
    /* What is to be answered from, now. */
    void (*facts)(struct admission_facts *ret, void *data);
    bool (*is_ready)(void *data);
    /* A review has been answered. NULL: of no interest. */
    void (*answered)(enum admission_question question, const struct admission_outcome *outcome,
                     uint64_t took_ns, void *data);
};

/* Listens at "HOST:PORT" (port 0: one that is free). limits may be NULL; handler must outlive the
 * server. 0, or a negative errno with *reterr. */
int admission_server_new(struct admission_server **ret, struct loop *loop, const char *listen,
                         const struct admission_server_limits *limits,
                         const struct admission_server_handler *handler, void *data,
                         struct error **reterr);
struct admission_server *admission_server_free(struct admission_server *s);
DEFINE_CLEANUP(struct admission_server *, admission_server_free)

/* PEM texts, of the connections to come. 0, -ENOMEM, or -EINVAL with *reterr; on failure the old
 * stays. */
int admission_server_set_certificate(struct admission_server *s, const char *certificate,
                                     const char *key, struct error **reterr);
uint16_t admission_server_port(const struct admission_server *s);
