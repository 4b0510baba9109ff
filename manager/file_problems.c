/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/file_problems.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "manager/source.h"

struct file_problems {
    struct map *by_file; /* owned */
};

static void file_problem_free(void *value)
{
    struct file_problem *p = value;

    for (size_t i = 0; i < p->n_lines; i++)
        free(p->lines[i]);
    free(p->lines);
    free(p->file);
    free(p);
}

struct file_problems *file_problems_new(void)
{
    CLEANUP(file_problems_free) struct file_problems *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->by_file = map_new(file_problem_free, 0);
    return p->by_file ? TAKE(p) : NULL;
}

struct file_problems *file_problems_free(struct file_problems *p)
{
    if (!p)
        return NULL;
    map_free(p->by_file);
    free(p);
    return NULL;
}

static char *problem_line(const char *file, const struct finding *f)
{
    const char *severity = f->severity == FINDING_WARNING ? "warning: " : "";
    char *line = NULL;
    int n = f->line
                ? asprintf(&line, "%s:%u:%u: %s%s", file, f->line, f->column, severity, f->message)
                : asprintf(&line, "%s: %s%s", file, severity, f->message);

    return n < 0 ? NULL : line;
}

static struct file_problem *problem_new(const struct source_file *f)
{
    struct file_problem *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->file = strdup(f->name);
    p->lines = calloc(f->findings->n, sizeof(*p->lines));
    if (!p->file || !p->lines)
        goto no_memory;
    for (; p->n_lines < f->findings->n; p->n_lines++) {
        const struct finding *finding = &f->findings->items[p->n_lines];

        p->lines[p->n_lines] = problem_line(f->name, finding);
        if (!p->lines[p->n_lines])
            goto no_memory;
        p->n_errors += finding->severity == FINDING_ERROR;
    }
    p->is_blind = p->n_errors > 0 && f->n_in_force == 0 && !f->is_known;
    return p;
no_memory:
    file_problem_free(p);
    return NULL;
}

static bool problem_equal(const struct file_problem *a, const struct file_problem *b)
{
    if (a->n_lines != b->n_lines || a->is_blind != b->is_blind)
        return false;
    for (size_t i = 0; i < a->n_lines; i++)
        if (strcmp(a->lines[i], b->lines[i]) != 0)
            return false;
    return true;
}

int file_problems_put(struct file_problems *p, const struct source_file *f)
{
    const struct file_problem *before = map_find(p->by_file, f->name);
    struct file_problem *now;

    if (f->findings->n == 0)
        return map_drop(p->by_file, f->name) ? 1 : 0;
    now = problem_new(f);
    if (!now)
        return -ENOMEM;
    if (before && problem_equal(before, now)) {
        file_problem_free(now);
        return 0;
    }
    if (map_put(p->by_file, f->name, now) < 0) {
        file_problem_free(now);
        return -ENOMEM;
    }
    return 1;
}

bool file_problems_blind(const struct file_problems *p)
{
    MAP_FOREACH (e, p->by_file) {
        const struct file_problem *problem = map_value(e);

        if (problem->is_blind)
            return true;
    }
    return false;
}

const struct file_problem *file_problems_find(const struct file_problems *p, const char *file)
{
    return map_find(p->by_file, file);
}

const struct map *file_problems_all(const struct file_problems *p)
{
    return p->by_file;
}
