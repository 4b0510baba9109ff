/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What validate found, as lines ("file:line:column: error: message") or as one JSON object. */
#include <stdio.h>

#include "lib/policy/findings.h"
#include "lib/policy/policy.h"

struct report_row {
    char *file;                 /* owned */
    size_t file_number, number; /* of the row: the order of report_sort() */
    bool unreadable;
    struct finding finding; /* its message is owned by the row */
};

#define REPORT_MAX_ROWS 100000 /* of all files; the counts go on */

struct report {
    struct report_row *rows; /* owned; as they came, until report_sort() */
    size_t n;
    size_t file_number; /* of the file that what comes next is about; its owner sets it */
    size_t n_files, n_policies, n_errors, n_warnings, n_unreadable, n_dropped;
};
void report_done(struct report *r);
#define CLEANUP_REPORT __attribute__((cleanup(report_done)))

/* Takes over a file's findings, which are empty afterwards; counts them. 0 or -ENOMEM. */
int report_add_findings(struct report *r, const char *file, struct findings *findings) MUST_CHECK;
/* Adds and counts one finding. A position of 0, 0 is the file as a whole. 0 or -ENOMEM. */
int report_add(struct report *r, enum finding_severity severity, const char *file,
               struct policy_position at, const char *format, ...) PRINTF_FORMAT(5, 6) MUST_CHECK;
/* A file that could not be read, with the reason. 0 or -ENOMEM. */
int report_add_unreadable(struct report *r, const char *file, const char *reason) MUST_CHECK;

/* Brings the rows into the order of their files, then of position; else they stay as they came. */
void report_sort(struct report *r);

/* Prints findings on out and what is unreadable on standard error. */
void report_print_text(const struct report *r, FILE *out, bool colour);
/* "3 files, 5 policies, 2 errors" on standard error. */
void report_print_summary(const struct report *r);
/* Prints all on standard output. 0 or -ENOMEM. */
int report_print_json(const struct report *r) MUST_CHECK;
