/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One exchange with the API server by libcurl: a request as it goes over the wire, and what is known of its answer.
 * A request that is sent twice (kube_client.h) is two of these.
 */
#include <curl/curl.h>

#include "lib/error.h"

struct curl_loop;
struct kube_call;
struct kube_credentials;
struct kube_transfer; /* opaque */

/* What a transfer is made from; all borrowed, and outlives it. */
struct kube_transfer_plan {
    struct curl_loop *loop;
    struct kube_credentials *credentials;
    const char *user_agent;
    const struct kube_call *call;
    curl_write_callback
        received; /* gets data; inside libcurl: nothing may be added or dropped there */
    curl_write_callback
        header; /* gets each line of the headers, the empty one at their end included */
    void *data; /* kube_transfer_data() of it */
};

/* Starts it. 0, -ENOMEM, or -EACCES with *reterr (no token). */
int kube_transfer_new(struct kube_transfer **ret, const struct kube_transfer_plan *plan,
                      struct error **reterr);
/* Breaks it off if it has not ended. Not inside received(). */
struct kube_transfer *kube_transfer_free(struct kube_transfer *t); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_transfer *, kube_transfer_free)

void *kube_transfer_data(CURL *handle);                  /* plan's data */
int kube_transfer_status(const struct kube_transfer *t); /* HTTP; 0: none yet */
unsigned kube_transfer_retry_after_s(const struct kube_transfer *t);
/* Why it has ended so, for a person: "https://10.0.0.1:6443: Connection refused". Borrowed. */
void kube_transfer_problem(const struct kube_transfer *t, CURLcode code, char *text, size_t size);
