/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the API server says about a bearer token (TokenReview, authentication.k8s.io/v1), and what its user may do
 * (SubjectAccessReview, authorization.k8s.io/v1): requests as JSON out, answers in.
 *
 * A token is worth something here only if it was made for our audience. It is an agent's if its user is the agents'
 * service account, and it speaks for the node that the API server says its pod runs on: kubelet's projected tokens
 * are bound to a pod, and since Kubernetes 1.30 the review says the pod's node.
 *
 * Pure: no I/O, no clock, no logging. Answers are from outside and are not trusted to be well-formed.
 */
#include "lib/buf.h"
#include "lib/error.h"

#define TOKEN_MAX_BYTES         (8u << 10)  /* kubelet's have 1 to 2 KiB */
#define TOKEN_REVIEW_MAX_BYTES  (64u << 10) /* of an answer */
#define TOKEN_REQUEST_MAX_BYTES (64u << 10)

struct token_review {
    bool is_authenticated;
    char *problem; /* owned; why not; "" if it is */
    char *user;    /* owned; "system:serviceaccount:varmor:varmor-agent"; "" if there is none */
    char *node;    /* owned; that its pod runs on; "" if the API server does not say */
    char
        *access_request; /* owned; the body of a SubjectAccessReview: may this user get policies? */
};
void token_review_done(struct token_review *r);

/* May this text be a token (RFC 6750: b64token), of at most TOKEN_MAX_BYTES? */
bool token_is_well_formed(const char *token);
/* When a token (a JWT) says that it ends, in seconds since 1970; 0 if it does not say. Says nothing about whether it is
 * genuine. */
int64_t token_ends_s(const char *token);

/* The body of a TokenReview. 0, -E2BIG or -ENOMEM. */
int token_review_request(struct buf *out, const char *token, const char *audience) MUST_CHECK;
/* Reads the answer to it. *ret is written on success only. 0, -ENOMEM, or -EBADMSG with *reterr (no TokenReview, or no memory to read it). */
int token_review_read(struct token_review *ret, const uint8_t *data, size_t len,
                      const char *audience, struct error **reterr);

/* Is it a token of account (as the API server names users) that is bound to a node? 0, or -EACCES (another user) or
 * -ENODATA (no node) with *reterr. */
int token_review_check_agent(const struct token_review *r, const char *account,
                             struct error **reterr);

/* Reads the answer to access_request: 1 (allowed), 0 (not), or -EBADMSG with *reterr. */
int access_review_read(const uint8_t *data, size_t len, struct error **reterr);
