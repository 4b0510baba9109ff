/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A Status object: what an API server answers instead of the object when something is wrong, as JSON or, to whoever
 * accepts it, as protobuf. Read down to what varmor acts on or shows. Pure.
 */
#include "lib/base.h"

#define KUBE_STATUS_MAX_BYTES                                                                      \
    (64u << 10) /* of the encoded object; a longer one is read as if it ended there */
#define KUBE_STATUS_MESSAGE_MAX 1023 /* bytes; a longer message is cut at a character */
#define KUBE_STATUS_REASON_MAX  63
#define KUBE_RETRY_AFTER_MAX_S  3600 /* a server that asks for more is asked again after this */

/* A value: texts are kept in place. */
struct kube_status {
    char message[KUBE_STATUS_MESSAGE_MAX + 1]; /* "" if it says nothing */
    char reason[KUBE_STATUS_REASON_MAX + 1];   /* "NotFound", "Conflict", "Expired"; "" if none */
    int code;                                  /* HTTP's; 0: not said */
    unsigned retry_after_s;                    /* details.retryAfterSeconds; 0: not said */
};

/* True if data is a Status object. Anything else gives false, and *ret with as much of data as a person can read:
 * proxies and load balancers answer in HTML or plain text. */
bool kube_status_parse(struct kube_status *ret, const uint8_t *data, size_t len);
