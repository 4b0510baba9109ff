/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Audit records from a log file of auditd or of a syslog daemon, followed from its end.
 *
 * The file may not be there yet, be renamed and made anew, or be cut to nothing; inotify on its
 * folder and on itself tells. The old file is followed until there is a new one, and read to its end
 * before that is begun. A line is held until it is whole; one over AUDIT_FILE_LINE_MAX is no record of the kernel's, and skipped.
 * When a file becomes shorter than what was read of it, what was written before the cut and not read
 * is lost, and told as one.
 *
 * A file is as true as whoever may write it. The folder must be there when the agent begins. No
 * logging.
 */
#include "agent/audit_source.h"

struct audit_file; /* opaque */

#define AUDIT_FILE_LINE_MAX       (16 * 1024)  /* bytes; a record and its envelope */
#define AUDIT_FILE_BYTES_PER_TURN (256 * 1024) /* then others have their turn */

/* printed_too: take what a syslog daemon copied from the kernel's log as well; else only auditd's
 * own form. path is copied. 0, -ENOMEM, or an errno of inotify with *reterr. */
int audit_file_new(struct audit_file **ret, struct loop *loop, const char *path, bool printed_too,
                   const struct audit_events *events, struct error **reterr);
struct audit_file *audit_file_free(struct audit_file *f); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct audit_file *, audit_file_free)

const char *audit_file_path(const struct audit_file *f);
bool audit_file_is_there(const struct audit_file *f);
