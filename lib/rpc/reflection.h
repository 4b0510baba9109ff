/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* grpc.reflection.v1.ServerReflection: what generic clients ask to find out what can be called. */
#include "lib/rpc/grpc_server.h"
#include "lib/rpc/pb_fields.h"

struct map;
struct reflection;

#define REFLECTION_REQUEST_BYTES 4096 /* the longest question */

/* Takes no copy of set, which must outlive it, nor of methods: the server's, keyed by path. 0,
 * -EINVAL or -ENOMEM. */
int reflection_new(struct reflection **ret, struct pb_bytes set, const struct map *methods,
                   struct error **reterr);
struct reflection *reflection_free(struct reflection *r); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct reflection *, reflection_free)

/* Appends the encoded answer to one encoded question. 0, -EBADMSG (not a question), -E2BIG or
 * -ENOMEM. */
int reflection_answer(const struct reflection *r, struct pb_bytes request, struct buf *ret);

extern const struct grpc_method reflection_methods[1]; /* their service is the struct reflection */
