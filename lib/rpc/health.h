/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* grpc.health.v1.Health: the state of the server and its services, for probes (Check) and for
 * clients that stay (Watch: told now and at each change; a client that reads slowly is told the
 * newest state only). */
#include "lib/rpc/grpc_server.h"

struct health;

#define HEALTH_MAX_SERVICES  64
#define HEALTH_REQUEST_BYTES 1024

struct health *health_new(void); /* NULL when memory runs out */
struct health *
health_free(struct health *h); /* its calls must be gone; accepts NULL, returns NULL */
DEFINE_CLEANUP(struct health *, health_free)

/* 0, -E2BIG (HEALTH_MAX_SERVICES) or -ENOMEM. */
int health_set(struct health *h, const char *service, enum grpc_health state);

extern const struct grpc_method health_methods[2]; /* their service is the struct health */
