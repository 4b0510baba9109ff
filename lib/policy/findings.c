/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FINDINGS_FIRST_CAPACITY 16

void findings_done(struct findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->items[i].message);
    free(f->items);
    *f = (struct findings){0};
}

/* Room for one more; the array's length is a power of two times the first capacity. */
static bool findings_grow(struct findings *f)
{
    size_t cap = FINDINGS_FIRST_CAPACITY;
    struct finding *items;

    while (cap < f->n)
        cap *= 2;
    if (f->items && f->n < cap)
        return true;
    items = reallocarray(f->items, f->items ? cap * 2 : cap, sizeof(*items));
    if (!items)
        return false;
    f->items = items;
    return true;
}

static char *finding_message(const char *path, const char *text)
{
    char *message;

    if (!*path)
        return strdup(text);
    return asprintf(&message, "%s: %s", path, text) < 0 ? NULL : message;
}

/* Adds one with its text known; text may be NULL for "no memory". */
static void findings_put(struct findings *f, enum finding_severity severity, unsigned line,
                         unsigned column, const char *path, const char *text)
{
    char *message;

    if (severity == FINDING_ERROR)
        f->n_errors++;
    message = text && !findings_full(f) ? finding_message(path, text) : NULL;
    if (!message || !findings_grow(f)) {
        free(message);
        f->n_dropped++;
        return;
    }
    f->items[f->n++] = (struct finding){.severity = severity,
                                        .line = line,
                                        .column = column,
                                        .message = message,
                                        .path_len = strlen(path)};
}

void findings_add(struct findings *f, enum finding_severity severity, unsigned line,
                  unsigned column, const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    findings_put(f, severity, line, column, "", text);
}

void findings_vadd_at(struct findings *f, enum finding_severity severity, unsigned line,
                      unsigned column, const char *path, const char *format, va_list args)
{
    CLEANUP_FREE char *text = NULL;

    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    findings_put(f, severity, line, column, path, text);
}

struct ordered_finding {
    struct finding finding;
    size_t place; /* as it was added: qsort() is not stable by contract */
};

static int compare_findings(const void *a, const void *b)
{
    const struct ordered_finding *x = a, *y = b;

    if (x->finding.line != y->finding.line)
        return x->finding.line < y->finding.line ? -1 : 1;
    if (x->finding.column != y->finding.column)
        return x->finding.column < y->finding.column ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

void findings_sort(struct findings *f)
{
    CLEANUP_FREE struct ordered_finding *ordered = NULL;

    if (f->n < 2)
        return;
    ordered = calloc(f->n, sizeof(*ordered));
    if (!ordered)
        return; /* unsorted findings are better than none */
    for (size_t i = 0; i < f->n; i++)
        ordered[i] = (struct ordered_finding){f->items[i], i};
    qsort(ordered, f->n, sizeof(*ordered), compare_findings);
    for (size_t i = 0; i < f->n; i++)
        f->items[i] = ordered[i].finding;
}

void findings_close(struct findings *f)
{
    CLEANUP_FREE char *message = NULL;

    findings_sort(f);
    if (f->n_dropped == 0 || !findings_grow(f))
        return;
    if (asprintf(&message, "%zu more finding%s not shown", f->n_dropped,
                 f->n_dropped == 1 ? " is" : "s are") < 0) {
        message = NULL;
        return;
    }
    f->items[f->n++] = (struct finding){.severity = f->n_errors ? FINDING_ERROR : FINDING_WARNING,
                                        .message = TAKE(message)};
}
