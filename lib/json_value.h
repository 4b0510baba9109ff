/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading and writing what jansson holds, whole or not at all. Where memory runs out in the midst of it, its own reader
 * drops a byte of a text and goes on, so that one name becomes another, and its json_dumps() leaves out the name of a
 * member (both 2.14); either calls that a success.
 */
#include <jansson.h>

#include "lib/buf.h"

DEFINE_CLEANUP(json_t *, json_decref)

/* Taken while one text is read, for ever or for a moment. A value can need eighty times the bytes of its text ("{},{},..."),
 * and who sends it need not be anybody's friend: an admission request of 8 MiB would take all that a manager may have. */
#define JSON_VALUE_MAX_BYTES ((size_t)128 << 20)

/* Appends the value as text; flags are those of json_dumps(). 0, -E2BIG or -ENOMEM; on failure the buffer
 * may hold a part of it. */
int json_value_add(struct buf *b, const json_t *value, size_t flags) MUST_CHECK;

/* Reads a whole text, as json_loadb(); flags are its own. NULL with *ret_error (which may be NULL): it is no JSON, or
 * there is no memory, or it would take more than JSON_VALUE_MAX_BYTES; json_value_is_oom() tells the latter two apart. Not for several threads at a time. */
json_t *json_value_read(const void *text, size_t len, size_t flags, json_error_t *ret_error);
bool json_value_is_oom(const json_error_t *error);
