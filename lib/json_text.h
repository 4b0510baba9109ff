/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writing JSON strings byte by byte (RFC 8259), for the log and for violations.log: each invalid
 * UTF-8 byte becomes U+FFFD, control characters are escaped, so that one event is always one line.
 */
#include "lib/buf.h"

/* Appends text, quoted. 0, -E2BIG or -ENOMEM; on failure the buffer may hold a part of it. */
int json_text_add(struct buf *b, const char *text, size_t len) MUST_CHECK;
