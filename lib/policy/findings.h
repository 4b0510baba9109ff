/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Everything that is wrong with a file, not only the first: each finding with its position.
 * Positions count from 1, columns in characters (Unicode code points) of the line.
 */
#include <stdarg.h>

#include "lib/error.h"

#define FINDINGS_MAX 1000 /* of a file; the last one says how many more there were */

enum finding_severity { FINDING_ERROR, FINDING_WARNING };

struct finding {
    enum finding_severity severity;
    unsigned line, column; /* 0: the file as a whole */
    size_t path_len;       /* so many bytes of the message are the field's path; 0: none */
    char *message;         /* owned; "spec.policy.mode: 'X' is not a mode: AlwaysAllow, ..." */
};

struct findings {
    struct finding *items; /* owned, in order of position */
    size_t n;
    size_t n_errors;  /* with FINDING_ERROR, those that were dropped included */
    size_t n_dropped; /* beyond FINDINGS_MAX, or for want of memory */
};

void findings_done(struct findings *f);
/* True if a further text would be dropped: no need to work for it. It still has to be counted. */
static inline bool findings_full(const struct findings *f)
{
    return f->n >= FINDINGS_MAX - 1;
}
/* Adds one; keeps going without memory (then counts it as dropped). */
void findings_add(struct findings *f, enum finding_severity severity, unsigned line,
                  unsigned column, const char *format, ...) PRINTF_FORMAT(5, 6);
/* The same for a field: the message begins with its path and ": " (nothing for an empty path). */
void findings_vadd_at(struct findings *f, enum finding_severity severity, unsigned line,
                      unsigned column, const char *path, const char *format, va_list args)
    PRINTF_FORMAT(6, 0);
/* Sorts, and adds a finding that says how many were dropped, if any. Once, when nothing follows. */
void findings_close(struct findings *f);
void findings_sort(struct findings *f); /* by position, stable */
