/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The characters of a file before anything is made of them. Everybody must see the same lines and
 * the same text: so UTF-8 only, no control characters but tab and line feed (with a carriage return
 * before it, if wanted), and none of the line separators that some readers know and others do not.
 */
#include "lib/base.h"

struct findings;

/* Checks all of data and adds a finding for the first character that is refused. True if there is
 * none. */
bool source_text_check(const uint8_t *data, size_t len, struct findings *findings);

/* The code point at a position (both from 1); 0 if there is none. data has passed the check. */
uint32_t source_text_at(const uint8_t *data, size_t len, size_t line, size_t column);

/* The length of the byte order mark that data begins with: 0 or 3. */
size_t source_text_mark(const uint8_t *data, size_t len);
