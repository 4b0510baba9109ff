/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The records of test/audit/records.tbl, for the tests and fuzzers that read them.
 */
#include "lib/base.h"

#define RECORD_FILE       "test/audit/records.tbl"
#define RECORD_FILE_CASES 128

struct record_case {
    char name[32];
    char *line;     /* owned; the record as a source brings it */
    char *expected; /* owned; JSON, "none" or "unparsed" */
};
struct record_file {
    struct record_case items[RECORD_FILE_CASES];
    size_t n;
};

/* Reads the file; ends the process with a message if that does not work. */
void record_file_read(struct record_file *ret);
void record_file_done(struct record_file *f);
