/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Audit records that were made while no agent read them: a restart, an upgrade, a crash.
 *
 * Netlink keeps nothing for who was away, so they are looked for where the kernel or auditd put
 * them: in the kernel's log (while no auditd is connected; rate-limited), and in the last
 * AUDIT_MISSED_FILE_BYTES of auditd's file. What is found is told once, with late set; what is not
 * found is counted as lost. A bounded time a turn. No logging.
 */
#include "agent/audit_source.h"

struct audit_missed; /* opaque */
struct audit_serials;

#define AUDIT_MISSED_FILE_BYTES (1024 * 1024) /* from the end of each file */

struct audit_missed_range {
    uint64_t after;     /* the serial that was told last */
    uint64_t before;    /* the first that comes live; 0: not known, then the next two decide */
    uint64_t before_ns; /* CLOCK_REALTIME at which the live source began */
    const struct audit_serials *live; /* what it has brought; borrowed */
    const char *log_paths;            /* as in audit_source_settings; borrowed */
};

/* Opens the kernel's log, which may need rights that are given up afterwards (CAP_SYSLOG). events is
 * copied. 0 or -ENOMEM. */
int audit_missed_new(struct audit_missed **ret, struct loop *loop,
                     const struct audit_missed_range *range, const struct audit_events *events,
                     void (*done)(void *data));
/* Begins with the next turn; once. done() comes last, and may free it. */
void audit_missed_start(struct audit_missed *m);
struct audit_missed *audit_missed_free(struct audit_missed *m); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct audit_missed *, audit_missed_free)
