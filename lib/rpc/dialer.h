/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One attempt to connect to an address: finds the addresses of a name, tries one after the other,
 * and answers with a connected descriptor or the reason of the last failure. Never blocks; has no
 * time limit of its own.
 */
#include "lib/error.h"

struct dialer;
struct grpc_address;
struct loop;

/* dialed() runs once, never inside this call; fd is non-blocking, closed on exec and the
 * receiver's, or -1 with the reason in why, which is borrowed; the receiver frees the dialer in it
 * or later. address is borrowed for the dialer's life. 0 or -ENOMEM. */
int dialer_new(struct dialer **ret, struct loop *loop, const struct grpc_address *address,
               void (*dialed)(void *data, int fd, const char *why), void *data);
struct dialer *dialer_free(struct dialer *d); /* gives up; accepts NULL, returns NULL */
DEFINE_CLEANUP(struct dialer *, dialer_free)
