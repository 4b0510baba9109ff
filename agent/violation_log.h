/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * violations.log: a product with a fixed format (docs/violations.md), not a log for operators.
 *
 * One event is one JSON object on one line, written by one write(2) to a file opened for appending,
 * so that lines never mix. Before each write the file is looked up by its path: when someone else
 * has renamed or removed it a new one is made, and no event goes to a file that nobody reads. A
 * file that would grow over VIOLATION_LOG_MAX_BYTES is renamed to its time of rotation, and the
 * oldest of more than VIOLATION_LOG_KEPT such files is removed.
 *
 * An event that cannot be written (a full disk) is lost and counted: the next line says how many in
 * "lost", and a half line is taken back. Every line has "seq", which has no holes among the lines
 * of one writer.
 *
 * Equal events are folded (violation_fold.h): whoever owns the log calls violation_log_flush() at
 * violation_log_deadline_ns(), and "count" says for how many events a line stands. Metadata that are
 * no JSON object are left out, so that a mistake in them costs no event. Blocks for the file system;
 * does not log. Not thread-safe.
 */
#include "lib/error.h"

struct profile;
struct violation;
struct violation_log; /* opaque */

#define VIOLATION_LOG_PATH      "/var/log/varmor/violations.log"
#define VIOLATION_LOG_MAX_BYTES (10 * 1024 * 1024)
#define VIOLATION_LOG_KEPT      3
#define VIOLATION_LINE_MAX                                                                         \
    (128 * 1024) /* bytes of a line; the longest BPF event needs half of it */
#define VIOLATION_LOG_FOLD_NS  NS_PER_SEC
#define VIOLATION_METADATA_MAX (16 * 1024) /* bytes of the metadata in JSON */

struct violation_log_settings {
    const char *path; /* copied, like all texts here */
    const char *node_name;
    const char *metadata; /* JSON object as text (AUDIT_EVENT_METADATA); NULL or "": none */
    const char *install_namespace; /* told as metadata.varmorNamespace; NULL: not told */
    uint64_t max_bytes;            /* 0: VIOLATION_LOG_MAX_BYTES */
    uint64_t fold_ns;              /* 0: equal events are not folded */
};

/* Makes the folder (but not its parents) and opens the file. 0; -ENAMETOOLONG, -ENOMEM or an errno
 * of the file system, with *reterr. */
int violation_log_new(struct violation_log **ret, const struct violation_log_settings *settings,
                      struct error **reterr);
struct violation_log *
violation_log_free(struct violation_log *log); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct violation_log *, violation_log_free)

/* Why the metadata are left out; NULL: they are told. Borrowed. */
const char *violation_log_problem(const struct violation_log *log);

/* Writes one event, or holds it, and writes what was held long enough. profile tells the policy;
 * NULL: not known, its three members are "". 0, or the errno of what failed, -E2BIG (the line) or
 * -ENOMEM: the event is lost then, and counted. */
int violation_log_write(struct violation_log *log, const struct violation *v,
                        const struct profile *profile);

/* Writes the events that are held and whose time has come by now_ns (CLOCK_MONOTONIC). 0, or the
 * errno of what failed: the events of that line are lost, and counted. */
int violation_log_flush(struct violation_log *log, uint64_t now_ns);
/* When it is to be called next (CLOCK_MONOTONIC); UINT64_MAX: nothing is held. */
uint64_t violation_log_deadline_ns(const struct violation_log *log);

uint64_t violation_log_n_written(const struct violation_log *log); /* lines */
uint64_t violation_log_n_lost(const struct violation_log *log); /* by this writer, since it began */
