/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers about a process, as Prometheus reads them: families of counters, gauges and histograms, and their text
 * (exposition format 0.0.4).
 *
 * Invariants
 * 1. A family has at most as many series as its spec says. A series that finds no room, or no memory, is left out and
 * counted; the family of those counts comes last in the text. So no update can fail, and nobody can make the text grow
 * by naming things.
 * 2. The text is always one that Prometheus takes: label values are cut to METRIC_LABEL_MAX bytes and escaped, and
 * what is not UTF-8 in them becomes question marks.
 *
 * No I/O, no clock, no logging.
 */
#include "lib/buf.h"

struct metric; /* a family; owned by its metrics */
struct metrics;

#define METRIC_MAX_LABELS 3
#define METRIC_MAX_BOUNDS 16
#define METRIC_LABEL_MAX  256 /* bytes of a value: a namespaced name of Kubernetes is shorter */
#define METRIC_LEFT_OUT   "varmor_metrics_left_out" /* the family that every registry has */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_TYPES };
const char *metric_type_name(enum metric_type type); /* static */

/* All texts are static. */
struct metric_spec {
    const char *name, *help;
    enum metric_type type;
    const char *labels[METRIC_MAX_LABELS]; /* NULL after the last */
    unsigned max_series;
    const double *bounds; /* of a histogram: upper bounds, rising, without infinity; static */
    unsigned n_bounds;
};

struct metrics *metrics_new(void);               /* NULL: no memory */
struct metrics *metrics_free(struct metrics *m); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct metrics *, metrics_free)

/* A family of a name that no other has; it stands in the text in the order of the calls. A family without labels has its
 * series from the start, at 0. Copies spec. 0 or -ENOMEM. */
int metrics_add(struct metrics *m, struct metric **ret, const struct metric_spec *spec) MUST_CHECK;

/* Updates of the series with these label values (as many as the spec has labels; NULL for none). */
void metric_add(struct metric *f, const char *const *values, double amount);
void metric_set(struct metric *f, const char *const *values,
                double value); /* also of a counter kept elsewhere */
void metric_observe(struct metric *f, const char *const *values, double value); /* of a histogram */
void metric_drop(struct metric *f, const char *const *values); /* what it is about is gone */
void metric_clear(struct metric *f); /* of labels: drops all, and forgets how many were left out */
void metric_left_out(struct metric *f, uint64_t n); /* series that were not even tried */

/* Appends the text. 0, -E2BIG or -ENOMEM. */
int metrics_format(const struct metrics *m, struct buf *out) MUST_CHECK;
