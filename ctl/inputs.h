/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files named on a command line: a file, "-" for standard input, or a folder, which stands for all
 * files in it and below that end in .yaml, .yml or .json, in the order of their names. As in the
 * manager's directory source, names that begin with '.' are passed over and symbolic links are
 * followed. Blocks; does not log.
 */
#include "lib/buf.h"
#include "lib/error.h"

#define INPUTS_MAX       10000 /* files */
#define INPUTS_MAX_DEPTH 16    /* folders within folders */

struct input {
    char *path;          /* owned; "-" is standard input */
    struct error *error; /* owned; not NULL: cannot be read, and why */
};

struct inputs {
    struct input *items; /* owned */
    size_t n;
};
void inputs_done(struct inputs *in);
#define CLEANUP_INPUTS __attribute__((cleanup(inputs_done)))

/* Adds what path stands for; what cannot be looked at is added with its error. 0, -ENOMEM, or
 * -E2BIG (INPUTS_MAX) with *reterr. */
int inputs_add(struct inputs *in, const char *path, struct error **reterr);

/* Appends a file's content to ret, up to its ceiling; more is cut off without a word, so that
 * whoever gives a ceiling one above what they accept can tell. 0, -ENOMEM or a negative errno with
 * *reterr. */
int input_read(const struct input *input, struct buf *ret, struct error **reterr);
