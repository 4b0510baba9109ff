/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The Watch method of the StatusService; status_service.h says what it does. */
#include "lib/error.h"

struct grpc_server;
struct loop;
struct status;
struct status_watches;

/* As status_service_new(). */
int status_watches_new(struct status_watches **ret, struct loop *loop, struct grpc_server *server,
                       const struct status *status, struct error **reterr);
struct status_watches *status_watches_free(struct status_watches *w);
DEFINE_CLEANUP(struct status_watches *, status_watches_free)

void status_watches_changed(struct status_watches *w, unsigned resources);
void status_watches_close(struct status_watches *w);
