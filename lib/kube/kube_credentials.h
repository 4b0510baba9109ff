/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a request shows of itself and whom it believes: TLS material and the bearer token of a struct kube_config, given
 * to libcurl's transfers.
 *
 * A token's file is read again when it is another one than before (inode, size or time: the kubelet renames a new one
 * over it), and when the server did not take what it was given. A file that cannot be read for a moment changes
 * nothing: the token that was read before is used until the server refuses it. Certificates in files are read by
 * libcurl for each new connection. Reads small local files, does not log.
 */
#include <curl/curl.h>

#include "lib/error.h"

#define KUBE_TOKEN_MAX_BYTES (64u << 10)

struct kube_config;
struct kube_credentials; /* opaque */

/* Copies config. 0, -ENOMEM, or -EINVAL with *reterr: material that is no certificate or key, a certificate without
 * its key, a file that cannot be read. */
int kube_credentials_new(struct kube_credentials **ret, const struct kube_config *config,
                         struct error **reterr);
struct kube_credentials *kube_credentials_free(struct kube_credentials *c);
DEFINE_CLEANUP(struct kube_credentials *, kube_credentials_free)

/* Sets a transfer's URL ("https://server" + path), TLS and proxy. What libcurl does not copy stays with c, which must
 * outlive the transfer. 0 or -ENOMEM. *ret_connect_to (may become NULL) must live as long as the transfer. */
int kube_credentials_apply(const struct kube_credentials *c, CURL *transfer, const char *path,
                           struct curl_slist **ret_connect_to);
/* The token for the next request, borrowed until the next call: NULL if none is needed. 0, -ENOMEM, or -EACCES with
 * *reterr: there should be one, but it cannot be read. */
int kube_credentials_token(struct kube_credentials *c, const char **ret, struct error **reterr);
/* The server refused the token: whatever the file looks like, it is read again next time. False: the token does not come
 * from a file, so asking again would be in vain. */
bool kube_credentials_token_refused(struct kube_credentials *c);
/* "https://10.0.0.1:6443"; for messages. */
const char *kube_credentials_server(const struct kube_credentials *c);
