/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * libcurl's multi interface on the event loop: sockets and the timer that libcurl asks for become the loop's.
 *
 * Transfers are added and taken out between turns of libcurl only (it cannot bear it inside its callbacks); so is
 * finished() called, at the end of a turn of the loop. Does not block (names are resolved by a thread of libcurl's).
 */
#include <curl/curl.h>

#include "lib/error.h"

struct curl_loop; /* opaque */
struct loop;

/* finished() is told of each transfer that has ended by itself; it is to take it out. Borrows loop. 0 or -ENOMEM. */
int curl_loop_new(struct curl_loop **ret, struct loop *loop,
                  void (*finished)(CURL *transfer, CURLcode code, void *data), void *data);
/* All transfers must have been taken out. Not inside finished(). */
struct curl_loop *curl_loop_free(struct curl_loop *c);
DEFINE_CLEANUP(struct curl_loop *, curl_loop_free)

int curl_loop_add(struct curl_loop *c, CURL *transfer); /* 0 or -ENOMEM */
void curl_loop_drop(struct curl_loop *c, CURL *transfer);
