/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text from outside on its way out: to a terminal, on which it must not draw, and into JSON, which
 * is UTF-8. Nothing is cut.
 */
#include <jansson.h>
#include <stdio.h>

/* A copy in which control characters, and bytes that are no UTF-8, stand as \xNN. NULL: no memory.
 */
char *text_escape(const char *text);
/* The same, printed. */
void text_print(const char *text, FILE *out);

/* A JSON string (a new reference) in which each byte that is no UTF-8 is a '?'; NULL is "".
 * NULL: no memory. */
json_t *text_json(const char *text);
