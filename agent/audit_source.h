/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where the kernel's audit records come from, whatever the node has.
 *
 * 1. The audit system's multicast group of netlink (audit_netlink.h): whole records, forgeable by
 *    nobody, side by side with auditd and journald, with every loss known.
 * 2. Where that does not work: the kernel's log (audit_kmsg.h), which has the records when no
 *    auditd is connected, and the files of auditd and syslog daemons (audit_file.h). A record stands
 *    in one of them only: what a syslog daemon copied from the kernel's log is not read when the
 *    log itself is. These lose records without the count being known for certain, and say so.
 *
 * Lost records are counted: what the socket dropped, what the kernel says that it dropped itself,
 * and holes in the serials that neither explains. They are of any type, not only ours, and where
 * auditd itself stalls the kernel counts as lost what reached us; so the number is an upper bound.
 *
 * What was missed while no agent was there is looked for once (audit_missed.h), if the agent before
 * left its position in this boot (audit_position.h).
 *
 * The constructor blocks for the self-test, at most AUDIT_NETLINK_TEST_MS. Callbacks come on the
 * loop, a bounded number a turn. No logging.
 */
#include "lib/buf.h"
#include "lib/error.h"

struct audit_record;
struct audit_source; /* opaque */
struct loop;

#define AUDIT_SOURCE_MAX_PATHS 8          /* of log files */
#define AUDIT_SOURCE_QUIET_NS  NS_PER_SEC /* without a record: then holes are not merely late */

/* What a source tells, and what audit_source tells of all of them. */
struct audit_events {
    /* outcome is what audit_record.h says of the record: AUDIT_OTHER, AUDIT_READ or -EBADMSG.
     * Borrowed for the call. */
    void (*record)(int outcome, const struct audit_record *r, void *data);
    /* n records were lost since the last call. */
    void (*lost)(uint64_t n, void *data);
    void *data;
};

struct audit_source_settings {
    const char *log_paths; /* "/var/log/audit/audit.log|/var/log/kern.log"; copied; NULL: none */
    bool no_netlink;       /* for tests of the fallback */
    bool no_kmsg;          /* for tests of files, which the host's own records would disturb */
    unsigned backlog;      /* as in audit_netlink_settings */
    const char *position_path; /* of the file that says how far was told; NULL: nobody knows */
};

/* events is copied. 0, also if there is no source at all (audit_source_describe() says so), or
 * -ENOMEM, -E2BIG (AUDIT_SOURCE_MAX_PATHS), -EINVAL (a path is not absolute) with *reterr. Without
 * a position that can be kept it goes on, and audit_source_describe() says so. */
int audit_source_new(struct audit_source **ret, struct loop *loop,
                     const struct audit_source_settings *settings,
                     const struct audit_events *events, struct error **reterr);
struct audit_source *audit_source_free(struct audit_source *s); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct audit_source *, audit_source_free)

/* Looks for what was missed, from the next turn on. Until it has been found the position stays where
 * it was, so that nothing is skipped if the agent ends before. Only the first call does something. */
void audit_source_catch_up(struct audit_source *s);

/* "netlink", "kmsg", "file", "kmsg+file" or "none"; static. */
const char *audit_source_name(const struct audit_source *s);
/* For node status: what is in use, whether it loses records unseen, and why nothing better is. 0,
 * -E2BIG or -ENOMEM. */
int audit_source_describe(const struct audit_source *s, struct buf *out);
bool audit_source_is_lossy(const struct audit_source *s);
uint64_t audit_source_n_lost(const struct audit_source *s); /* since it began */
