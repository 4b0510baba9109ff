/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Containers of pods start when they are bound: what NRI tells of a start is held until the runtime's own module has
 * told the same container, and with it the binder, and let go then. A container whose start is held does not run an
 * instruction of its program; where NRI is not there, the runtime's events bind it as soon as they come.
 *
 * Logs what an operator should know.
 */
#include "lib/error.h"

struct container;
struct loop;
struct runtime;
struct start_gate; /* opaque */

/* settled() runs once, when it is known whether the runtime waits. socket_path and runtime are borrowed. 0, or -EINVAL or
 * -ENOMEM with *reterr. */
int start_gate_new(struct start_gate **ret, struct loop *loop, const char *socket_path,
                   struct runtime *runtime, void (*settled)(void *data), void *data,
                   struct error **reterr);
struct start_gate *start_gate_free(struct start_gate *g);
DEFINE_CLEANUP(struct start_gate *, start_gate_free)
void start_gate_start(struct start_gate *g);

/* The binder has dealt with this container. */
void start_gate_open(struct start_gate *g, const struct container *c);
/* Borrowed until the next callback. */
const char *start_gate_describe(const struct start_gate *g);
