/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/table.h"

#include <errno.h>
#include <string.h>

#include "ctl/text.h"

#define TABLE_GAP 3 /* blanks between columns */

struct table {
    size_t n_columns;
    size_t *widths;  /* owned; in characters */
    char **headings; /* owned, n_columns of them */
    char **cells;    /* owned, rows of n_columns */
    size_t n_rows, cap_rows;
};

static const char table_none[] = "<none>";

static char *table_cell(const char *text)
{
    return text && *text ? text_escape(text) : strdup(table_none);
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t table_width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

struct table *table_new(const char *const *headings, size_t n_columns)
{
    CLEANUP(table_free) struct table *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->n_columns = n_columns;
    t->widths = calloc(n_columns, sizeof(*t->widths));
    t->headings = calloc(n_columns, sizeof(*t->headings));
    if (!t->widths || !t->headings)
        return NULL;
    for (size_t i = 0; i < n_columns; i++) {
        t->headings[i] = strdup(headings[i]);
        if (!t->headings[i])
            return NULL;
        t->widths[i] = table_width(headings[i]);
    }
    return TAKE(t);
}

static void table_clear(struct table *t)
{
    for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
        free(t->cells[i]);
    t->n_rows = 0;
}

struct table *table_free(struct table *t)
{
    if (!t)
        return NULL;
    table_clear(t);
    for (size_t i = 0; t->headings && i < t->n_columns; i++)
        free(t->headings[i]);
    free(t->headings);
    free(t->widths);
    free(t->cells);
    free(t);
    return NULL;
}

int table_add(struct table *t, const char *const *cells)
{
    char **row;

    if (t->n_rows == t->cap_rows) {
        size_t cap = t->cap_rows ? t->cap_rows * 2 : 16;
        char **grown = reallocarray(t->cells, cap * t->n_columns, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        t->cells = grown;
        t->cap_rows = cap;
    }
    row = t->cells + t->n_rows * t->n_columns;
    for (size_t i = 0; i < t->n_columns; i++) {
        row[i] = table_cell(cells[i]);
        if (!row[i]) {
            while (i-- > 0)
                free(row[i]);
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < t->n_columns; i++)
        t->widths[i] = MAX(t->widths[i], table_width(row[i]));
    t->n_rows++;
    return 0;
}

static void table_print_row(const struct table *t, FILE *out, char *const *cells)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        fputs(cells[i], out);
        if (i + 1 < t->n_columns)
            fprintf(out, "%*s", (int)(t->widths[i] - table_width(cells[i]) + TABLE_GAP), "");
    }
    fputc('\n', out);
}

void table_print(struct table *t, FILE *out, bool with_headings)
{
    if (with_headings)
        table_print_row(t, out, t->headings);
    for (size_t i = 0; i < t->n_rows; i++)
        table_print_row(t, out, t->cells + i * t->n_columns);
    table_clear(t);
}

/* Two units at most, the second only while it still says something (kubectl's
 * duration.HumanDuration). */
const char *table_age(int64_t since_ns, int64_t now_ns, char text[static TABLE_AGE_SIZE])
{
    static const struct {
        int64_t from, unit, second_until;
        char name, second_name;
        int64_t second;
    } steps[] = {
        {365 * 86400 * 2, 365 * 86400, 365 * 86400 * 8, 'y', 'd', 86400},
        {2 * 86400, 86400, 8 * 86400, 'd', 'h', 3600},
        {3 * 3600, 3600, 8 * 3600, 'h', 'm', 60},
        {120, 60, 600, 'm', 's', 1},
    };
    int64_t s = (now_ns - since_ns) / (int64_t)NS_PER_SEC;

    if (since_ns == 0) {
        snprintf(text, TABLE_AGE_SIZE, "<unknown>");
        return text;
    }
    s = MAX(s, 0);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int64_t rest;

        if (s < steps[i].from)
            continue;
        rest = s % steps[i].unit / steps[i].second;
        if (s < steps[i].second_until && rest)
            snprintf(text, TABLE_AGE_SIZE, "%lld%c%lld%c", (long long)(s / steps[i].unit),
                     steps[i].name, (long long)rest, steps[i].second_name);
        else
            snprintf(text, TABLE_AGE_SIZE, "%lld%c", (long long)(s / steps[i].unit), steps[i].name);
        return text;
    }
    snprintf(text, TABLE_AGE_SIZE, "%llds", (long long)s);
    return text;
}
