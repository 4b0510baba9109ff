/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/validate_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/text.h"

#define JSON_INDENT_WIDTH 2

void report_done(struct report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->rows[i].file);
        free(r->rows[i].finding.message);
    }
    free(r->rows);
    *r = (struct report){0};
}

/* Takes the message on success. */
static int report_put(struct report *r, const char *file, const struct finding *finding,
                      bool unreadable)
{
    struct report_row *rows;
    char *copy;

    rows = r->n & (r->n - 1) ? r->rows /* grows at each power of two */
                             : reallocarray(r->rows, r->n ? r->n * 2 : 1, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    r->rows = rows;
    copy = strdup(file);
    if (!copy)
        return -ENOMEM;
    r->rows[r->n] = (struct report_row){.file = copy,
                                        .file_number = r->file_number,
                                        .number = r->n,
                                        .unreadable = unreadable,
                                        .finding = *finding};
    r->n++;
    return 0;
}

static int order_of(size_t a, size_t b)
{
    return a == b ? 0 : a < b ? -1 : 1;
}

static int row_order(const void *a, const void *b)
{
    const struct report_row *x = a, *y = b;
    int order = order_of(x->file_number, y->file_number);

    if (order == 0)
        order = order_of(x->finding.line, y->finding.line);
    if (order == 0)
        order = order_of(x->finding.column, y->finding.column);
    return order ? order : order_of(x->number, y->number);
}

void report_sort(struct report *r)
{
    if (r->n > 1)
        qsort(r->rows, r->n, sizeof(*r->rows), row_order);
}

int report_add_findings(struct report *r, const char *file, struct findings *findings)
{
    int result = 0;

    r->n_errors += findings->n_errors;
    for (size_t i = 0; i < findings->n; i++) {
        struct finding *f = &findings->items[i];

        if (f->severity == FINDING_WARNING)
            r->n_warnings++;
        if (r->n >= REPORT_MAX_ROWS) {
            r->n_dropped++;
        } else if (result == 0) {
            result = report_put(r, file, f, false);
            if (result == 0)
                f->message = NULL;
        }
    }
    findings_done(findings);
    return result;
}

int report_add(struct report *r, enum finding_severity severity, const char *file,
               struct policy_position at, const char *format, ...)
{
    struct finding f = {.severity = severity, .line = at.line, .column = at.column};
    va_list args;
    int n;

    if (severity == FINDING_ERROR)
        r->n_errors++;
    else
        r->n_warnings++;
    if (r->n >= REPORT_MAX_ROWS) {
        r->n_dropped++;
        return 0;
    }
    va_start(args, format);
    n = vasprintf(&f.message, format, args);
    va_end(args);
    if (n < 0)
        return -ENOMEM;
    if (report_put(r, file, &f, false) < 0) {
        free(f.message);
        return -ENOMEM;
    }
    return 0;
}

int report_add_unreadable(struct report *r, const char *file, const char *reason)
{
    struct finding f = {.severity = FINDING_ERROR, .message = strdup(reason)};

    r->n_unreadable++;
    if (!f.message || report_put(r, file, &f, true) < 0) {
        free(f.message);
        return -ENOMEM;
    }
    return 0;
}

/* ---- Text ---- */

struct colours {
    const char *bold, *red, *yellow, *off;
};

static void print_row(const struct report_row *row, FILE *out, const struct colours *c)
{
    const struct finding *f = &row->finding;
    bool error = f->severity == FINDING_ERROR;

    fprintf(out, "%s%s:", c->bold, row->file);
    if (f->line)
        fprintf(out, "%u:%u:", f->line, f->column);
    fprintf(out, "%s %s%s:%s %s\n", c->off, error ? c->red : c->yellow, error ? "error" : "warning",
            c->off, f->message);
}

void report_print_text(const struct report *r, FILE *out, bool colour)
{
    static const struct colours none = {"", "", "", ""};
    static const struct colours ansi = {"\033[1m", "\033[1;31m", "\033[1;33m", "\033[0m"};

    for (size_t i = 0; i < r->n; i++) {
        const struct report_row *row = &r->rows[i];

        if (row->unreadable)
            fprintf(stderr, "varmorctl: %s: %s\n", row->file, row->finding.message);
        else
            print_row(row, out, colour ? &ansi : &none);
    }
    if (r->n_dropped)
        fprintf(out, "%zu more finding%s not shown\n", r->n_dropped,
                r->n_dropped == 1 ? " is" : "s are");
}

static void print_count(const char *before, size_t n, const char *one, const char *many)
{
    fprintf(stderr, "%s%zu %s", before, n, n == 1 ? one : many);
}

void report_print_summary(const struct report *r)
{
    print_count("", r->n_files, "file", "files");
    print_count(", ", r->n_policies, "policy", "policies");
    print_count(", ", r->n_errors, "error", "errors");
    if (r->n_warnings)
        print_count(", ", r->n_warnings, "warning", "warnings");
    if (r->n_unreadable)
        fprintf(stderr, ", %zu unreadable", r->n_unreadable);
    fputc('\n', stderr);
}

/* ---- JSON ---- */

static json_t *row_json(const struct report_row *row)
{
    const struct finding *f = &row->finding;
    const char *message = f->message + (f->path_len ? f->path_len + strlen(": ") : 0);
    json_t *json = json_pack("{s:o, s:i, s:i, s:s, s:o}", "file", text_json(row->file), "line",
                             (int)f->line, "column", (int)f->column, "severity",
                             f->severity == FINDING_ERROR ? "error" : "warning", "message",
                             text_json(message));

    if (json && f->path_len &&
        json_object_set_new(json, "path", json_stringn(f->message, f->path_len)) < 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *report_json(const struct report *r)
{
    json_t *findings = json_array(), *unreadable = json_array();
    bool failed = !findings || !unreadable;

    for (size_t i = 0; i < r->n && !failed; i++) {
        const struct report_row *row = &r->rows[i];

        if (row->unreadable)
            failed = json_array_append_new(
                         unreadable, json_pack("{s:o, s:o}", "file", text_json(row->file),
                                               "message", text_json(row->finding.message))) < 0;
        else
            failed = json_array_append_new(findings, row_json(row)) < 0;
    }
    if (failed) {
        json_decref(findings);
        json_decref(unreadable);
        return NULL;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "files", (json_int_t)r->n_files,
                     "policies", (json_int_t)r->n_policies, "errors", (json_int_t)r->n_errors,
                     "warnings", (json_int_t)r->n_warnings, "notShown", (json_int_t)r->n_dropped,
                     "findings", findings, "unreadable", unreadable);
}

int report_print_json(const struct report *r)
{
    json_t *json = report_json(r);
    int result;

    if (!json)
        return -ENOMEM;
    result = json_dumpf(json, stdout, JSON_INDENT(JSON_INDENT_WIDTH));
    json_decref(json);
    putchar('\n');
    return result < 0 && !ferror(stdout) ? -ENOMEM : 0; /* main() looks after failed writes */
}
