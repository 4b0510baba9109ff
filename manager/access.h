/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Access: who may call the manager's gRPC services with a token; asked about each call before its method is opened.
 *
 * A Unix socket, loopback and a certificate that TLS has verified prove by themselves who calls, and the services say
 * what that is worth (agents.h, status_service.h). A TLS peer without a certificate brings "authorization: Bearer
 * TOKEN", and the API server is asked about it (token_review.h):
 *
 *     AgentService   the agents' service account, for the node that its pod runs on and no other
 *     Health         anybody
 *     all others     whose user may get varmorpolicies in all namespaces (SubjectAccessReview)
 *
 * Answers are kept by the SHA-256 of the token for ACCESS_KNOWN_NS at most and never past its end, refusals for
 * ACCESS_REFUSED_NS; calls with one token that come meanwhile wait for one review. While the API server does not
 * answer, calls end with UNAVAILABLE: who holds a stream keeps it, agents go on enforcing and come back.
 *
 * A call lives until its token ends, at most ACCESS_CALL_MAX_NS, and then ends with UNAUTHENTICATED: the agent comes
 * back at once with what kubelet has put in its place. The last tenth of that time is drawn from the token, so that
 * agents that were started together do not come back together.
 */
#include "lib/error.h"

struct access; /* opaque */
struct grpc_server;
struct kube_client;
struct loop;

#define ACCESS_MAX_TOKENS  16384 /* known or waited for; the oldest go first */
#define ACCESS_MAX_REVIEWS 64    /* requests at a time; more tokens wait in line */
#define ACCESS_REVIEW_NS   (5 * NS_PER_SEC)
#define ACCESS_KNOWN_NS    (600 * NS_PER_SEC)
#define ACCESS_REFUSED_NS  (10 * NS_PER_SEC)
#define ACCESS_CALL_MAX_NS (24 * 3600 * NS_PER_SEC)

struct access_settings {
    const char *audience; /* that tokens must have been made for */
    const char *account;  /* of the agents: "system:serviceaccount:NAMESPACE:NAME" */
    size_t max_tokens;    /* 0: ACCESS_MAX_TOKENS */
};

/* Sets the server's gate. Copies the settings, borrows the rest. 0 or -ENOMEM. */
int access_new(struct access **ret, struct loop *loop, struct kube_client *client,
               struct grpc_server *server, const struct access_settings *settings);
/* From now on calls of varmor's own services end with UNAVAILABLE and this text: another manager has what there is to
 * tell. NULL: it is here. Static. Calls that are open stay so. */
void access_set_elsewhere(struct access *a, const char *why);
/* The server and with it all calls must be gone, the client must not. Accepts NULL, returns NULL. */
struct access *access_free(struct access *a);
DEFINE_CLEANUP(struct access *, access_free)
