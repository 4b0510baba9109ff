/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writing what jansson holds. Its own json_dumps() leaves out the name of a member when memory runs out in
 * the midst of it (2.14), and calls what it has written a success; here a text is whole or there is none.
 */
#include <jansson.h>

#include "lib/buf.h"

/* Appends the value as text; flags are those of json_dumps(). 0, -E2BIG or -ENOMEM; on failure the buffer
 * may hold a part of it. */
int json_value_add(struct buf *b, const json_t *value, size_t flags) MUST_CHECK;
