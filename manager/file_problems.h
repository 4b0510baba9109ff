/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is wrong with the source's files at present, as lines that users read: "shop.yaml:41:21:
 * message". Bounded by the source: FILE_CLAIMS_MAX_FILES files of FINDINGS_MAX findings. No I/O, no
 * logging.
 */
#include "lib/error.h"

struct file_problems;
struct map;
struct source_file;

struct file_problem {
    char *file;
    char **lines; /* owned */
    size_t n_lines;
    size_t n_errors; /* the other lines are warnings */
    bool
        is_blind; /* it has errors, nothing of it is in force, and what it speaks for is not known */
};

struct file_problems *file_problems_new(void); /* NULL: no memory */
struct file_problems *file_problems_free(struct file_problems *p);
DEFINE_CLEANUP(struct file_problems *, file_problems_free)

/* What a source told of a file. 1: the problems are others than before, 0: they are not, -ENOMEM:
 * as before. */
int file_problems_put(struct file_problems *p, const struct source_file *f);

/* Some file has errors and nothing in force: what it means is not known. */
bool file_problems_blind(const struct file_problems *p);

const struct file_problem *file_problems_find(const struct file_problems *p,
                                              const char *file); /* or NULL */
const struct map *
file_problems_all(const struct file_problems *p); /* file -> struct file_problem */
