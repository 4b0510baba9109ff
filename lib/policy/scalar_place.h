/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where the text of a scalar stands in its file, so that who reads the text further can name lines
 * and columns of the file. That can be told where the text is in the file as it is: a plain or
 * quoted scalar of one line without escapes, and a literal block ("|").
 */
#include <yaml.h>

#include "lib/base.h"

/* Finds lines in a text, each search from where the one before ended. */
struct line_cursor {
    const uint8_t *data; /* borrowed */
    size_t len;
    size_t line, offset; /* both from 0: the line, and its first byte */
};

/* Line and column (from 1) of the scalar's first character; the further lines of its text follow,
 * each from the same column on. Both 0: this cannot be told. Scalars are asked for in the order of
 * the file. */
void scalar_place(struct line_cursor *c, const yaml_event_t *scalar, unsigned *ret_line,
                  unsigned *ret_column);
