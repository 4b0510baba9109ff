/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tables as kubectl prints them: columns as wide as their widest cell, three blanks between, no
 * blank at the end. Cells are copied as by text_escape(), so that a name can never draw on a
 * terminal.
 */
#include "lib/base.h"

#include <stdio.h>

struct table;

/* n_columns headings, copied. NULL: no memory. */
struct table *table_new(const char *const *headings, size_t n_columns);
struct table *table_free(struct table *t); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct table *, table_free)

/* Adds a row of n_columns cells; NULL and "" are shown as "<none>". 0 or -ENOMEM. */
int table_add(struct table *t, const char *const *cells);

/* Prints and forgets the rows; column widths never shrink, so that rows of a watch stay in line. */
void table_print(struct table *t, FILE *out, bool with_headings);

/* How long ago since_ns was at now_ns (both CLOCK_REALTIME), as kubectl says it: "45s", "3m20s",
 * "2d4h". */
#define TABLE_AGE_SIZE 48
const char *table_age(int64_t since_ns, int64_t now_ns, char text[static TABLE_AGE_SIZE]);
