/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/metrics.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"
#include "lib/utf8.h"

#define NUMBER_SIZE 32
#define EXACT_MAX   1e15 /* whole numbers below it are written without an exponent */
#define KEY_MAX                                                                                    \
    (METRIC_MAX_LABELS * (2 * METRIC_LABEL_MAX + 128)) /* every byte escaped, and the names */

struct series {
    double value; /* of a histogram: the sum */
    uint64_t n_observed;
    uint64_t buckets[]; /* as many as the family has bounds; not cumulative */
};

struct metric {
    struct metric_spec spec;
    unsigned n_labels;
    struct map *series; /* owned; 'a="x",b="y"' -> struct series */
    uint64_t n_left_out;
};

struct metrics {
    struct map *families; /* name -> struct metric */
};

const char *metric_type_name(enum metric_type type)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};

    static_assert(ARRAY_SIZE(names) == METRIC_TYPES, "a name for each type");
    return names[type];
}

/* ---- Series ---- */

/* Escapes a label's value, or a help text (where quotes are plain). */
static int add_escaped(struct buf *out, const char *text, size_t len, bool quotes)
{
    int r = 0;

    for (size_t i = 0, n; r == 0 && i < len; i += MAX(n, (size_t)1)) {
        n = utf8_decode((const uint8_t *)text + i, len - i, NULL);
        if (n == 0)
            r = buf_add_text(out, "?");
        else if (text[i] == '\n')
            r = buf_add_text(out, "\\n");
        else if (text[i] == '\\' || (quotes && text[i] == '"'))
            r = buf_format(out, "\\%c", text[i]);
        else
            r = buf_add(out, text + i, n);
    }
    return r;
}

/* Bytes of the value that are written: whole characters, up to the limit. */
static size_t value_len(const char *value)
{
    size_t len = strnlen(value, METRIC_LABEL_MAX + 1);

    if (len <= METRIC_LABEL_MAX)
        return len;
    for (len = METRIC_LABEL_MAX; len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

static int format_key(const struct metric *f, const char *const *values, struct buf *key)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < f->n_labels; i++) {
        const char *value = values[i] ? values[i] : "";
        size_t len = value_len(value);

        r = buf_format(key, "%s%s=\"", i ? "," : "", f->spec.labels[i]);
        if (r == 0)
            r = add_escaped(key, value, len, true);
        if (r == 0)
            r = buf_add_text(key, "\"");
    }
    return r;
}

/* NULL: it is left out. */
static struct series *series_of(struct metric *f, const char *const *values)
{
    CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
    CLEANUP_FREE struct series *new = NULL;
    struct series *s;

    if (format_key(f, values, &key) < 0) {
        f->n_left_out++;
        return NULL;
    }
    s = map_find(f->series, buf_text(&key));
    if (s)
        return s;
    new = calloc(1, sizeof(*new) + f->spec.n_bounds * sizeof(new->buckets[0]));
    if (!new || map_put(f->series, buf_text(&key), new) < 0) {
        f->n_left_out++;
        return NULL;
    }
    return TAKE(new);
}

void metric_add(struct metric *f, const char *const *values, double amount)
{
    struct series *s = series_of(f, values);

    assert(f->spec.type != METRIC_HISTOGRAM);
    if (s)
        s->value += amount;
}

void metric_set(struct metric *f, const char *const *values, double value)
{
    struct series *s = series_of(f, values);

    assert(f->spec.type != METRIC_HISTOGRAM);
    if (s)
        s->value = value;
}

void metric_observe(struct metric *f, const char *const *values, double value)
{
    struct series *s = series_of(f, values);

    assert(f->spec.type == METRIC_HISTOGRAM);
    if (!s)
        return;
    s->value += value;
    s->n_observed++;
    for (unsigned i = 0; i < f->spec.n_bounds; i++) {
        if (value <= f->spec.bounds[i]) {
            s->buckets[i]++;
            return;
        }
    }
}

void metric_drop(struct metric *f, const char *const *values)
{
    CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);

    if (format_key(f, values, &key) == 0)
        map_drop(f->series, buf_text(&key));
}

void metric_clear(struct metric *f)
{
    assert(f->n_labels > 0);
    MAP_FOREACH (e, f->series)
        map_drop(f->series, map_key(e));
    f->n_left_out = 0;
}

void metric_left_out(struct metric *f, uint64_t n)
{
    f->n_left_out += n;
}

/* ---- Text ---- */

static const char *format_number(double value, char text[static NUMBER_SIZE])
{
    if (isnan(value))
        snprintf(text, NUMBER_SIZE, "NaN");
    else if (isinf(value))
        snprintf(text, NUMBER_SIZE, value > 0 ? "+Inf" : "-Inf");
    else if (fabs(value) < EXACT_MAX && (double)(int64_t)value == value)
        snprintf(text, NUMBER_SIZE, "%.0f", value);
    else
        snprintf(text, NUMBER_SIZE, "%.15g", value);
    return text;
}

static int format_head(const char *name, const char *help, enum metric_type type, struct buf *out)
{
    int r = buf_format(out, "# HELP %s ", name);

    if (r == 0)
        r = add_escaped(out, help, strlen(help), false);
    if (r == 0)
        r = buf_format(out, "\n# TYPE %s %s\n", name, metric_type_name(type));
    return r;
}

static int format_histogram(const struct metric *f, const char *key, const struct series *s,
                            struct buf *out)
{
    const char *name = f->spec.name, *comma = *key ? "," : "";
    const char *open = *key ? "{" : "", *shut = *key ? "}" : "";
    char text[NUMBER_SIZE];
    uint64_t n = 0;
    int r = 0;

    for (unsigned i = 0; r == 0 && i < f->spec.n_bounds; i++) {
        n += s->buckets[i];
        r = buf_format(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", name, key, comma,
                       format_number(f->spec.bounds[i], text), (unsigned long long)n);
    }
    if (r == 0)
        r = buf_format(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, key, comma,
                       (unsigned long long)s->n_observed);
    if (r == 0)
        r = buf_format(out, "%s_sum%s%s%s %s\n", name, open, key, shut,
                       format_number(s->value, text));
    if (r == 0)
        r = buf_format(out, "%s_count%s%s%s %llu\n", name, open, key, shut,
                       (unsigned long long)s->n_observed);
    return r;
}

static int format_family(const struct metric *f, struct buf *out)
{
    int r = format_head(f->spec.name, f->spec.help, f->spec.type, out);

    MAP_FOREACH (e, f->series) {
        const struct series *s = map_value(e);
        const char *key = map_key(e);
        char text[NUMBER_SIZE];

        if (r == 0 && f->spec.type == METRIC_HISTOGRAM)
            r = format_histogram(f, key, s, out);
        else if (r == 0)
            r = buf_format(out, "%s%s%s%s %s\n", f->spec.name, *key ? "{" : "", key,
                           *key ? "}" : "", format_number(s->value, text));
    }
    return r;
}

int metrics_format(const struct metrics *m, struct buf *out)
{
    int r = 0;

    MAP_FOREACH (e, m->families)
        r = r < 0 ? r : format_family(map_value(e), out);
    if (r == 0)
        r = format_head(METRIC_LEFT_OUT, "Series and updates of a metric that found no room.",
                        METRIC_GAUGE, out);
    MAP_FOREACH (e, m->families) {
        const struct metric *f = map_value(e);

        if (r == 0 && f->n_left_out > 0)
            r = buf_format(out, METRIC_LEFT_OUT "{metric=\"%s\"} %llu\n", f->spec.name,
                           (unsigned long long)f->n_left_out);
    }
    return r;
}

/* ---- Life ---- */

static struct metric *metric_free(struct metric *f)
{
    if (!f)
        return NULL;
    map_free(f->series);
    free(f);
    return NULL;
}
DEFINE_CLEANUP(struct metric *, metric_free)

static void family_value_free(void *value)
{
    metric_free(value);
}

struct metrics *metrics_new(void)
{
    CLEANUP(metrics_free) struct metrics *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->families = map_new(family_value_free, 0); /* the program's own, as many as it adds */
    return m->families ? TAKE(m) : NULL;
}

struct metrics *metrics_free(struct metrics *m)
{
    if (!m)
        return NULL;
    map_free(m->families);
    free(m);
    return NULL;
}

int metrics_add(struct metrics *m, struct metric **ret, const struct metric_spec *spec)
{
    CLEANUP(metric_free) struct metric *f = calloc(1, sizeof(*f));

    assert(!map_find(m->families, spec->name) && strcmp(spec->name, METRIC_LEFT_OUT) != 0);
    assert(spec->n_bounds <= METRIC_MAX_BOUNDS && spec->max_series > 0);
    assert(!spec->n_bounds == (spec->type != METRIC_HISTOGRAM));
    if (!f)
        return -ENOMEM;
    f->spec = *spec;
    while (f->n_labels < METRIC_MAX_LABELS && spec->labels[f->n_labels])
        f->n_labels++;
    f->series = map_new(free, spec->max_series);
    if (!f->series || (f->n_labels == 0 && !series_of(f, NULL)) ||
        map_put(m->families, spec->name, f) < 0)
        return -ENOMEM;
    *ret = TAKE(f);
    return 0;
}
