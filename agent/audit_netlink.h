/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Audit records from the kernel's multicast group (NETLINK_AUDIT, AUDIT_NLGRP_READLOG).
 *
 * The kernel sends only to sockets of the initial network namespace, and says nothing to others, so
 * the socket is made there (that of process 1, whom an agent with the host's processes sees), and a
 * self-test shows that records arrive: a child process puts itself under a filter that lets one
 * system call through and logs it, makes the call, and its record must come back. That shows that
 * the audit system is on, that this socket hears it, and that seccomp's log action is not switched
 * off; a rule of auditctl that excludes AppArmor's records would pass it.
 *
 * Needs CAP_AUDIT_READ to begin, CAP_SYS_ADMIN if the agent has a network namespace of its own, and
 * CAP_AUDIT_CONTROL whenever the kernel is asked for the number of records that it dropped itself
 * (a full backlog); without that one these losses are not known, and described so. Does not
 * register as auditd: the host's keeps its stream. No logging.
 */
#include "agent/audit_source.h"

struct audit_netlink; /* opaque */

#define AUDIT_NETLINK_BUFFER_BYTES (8 * 1024 * 1024) /* of the socket; ~8000 records in a burst */
#define AUDIT_NETLINK_TEST_MS      2000

struct audit_netlink_settings {
    size_t buffer_bytes; /* of the socket; 0: AUDIT_NETLINK_BUFFER_BYTES */
    /* The kernel keeps at least so many records until they are read: its own 64 are full after 64
     * denials in a row, as AppArmor does not wait. Is only ever raised, for the whole host, and stays
     * so; needs CAP_AUDIT_CONTROL in the initial PID namespace. 0: left as it is. */
    unsigned backlog;
};

/* settings may be NULL. events->lost is not called: the
 * counters below tell. 0, -ENOMEM; or with *reterr: -EPROTONOSUPPORT (the audit system is off),
 * -EPERM, -ETIMEDOUT (the self-test's record did not come), or another errno. */
int audit_netlink_new(struct audit_netlink **ret, struct loop *loop,
                      const struct audit_netlink_settings *settings,
                      const struct audit_events *events, struct error **reterr);
struct audit_netlink *audit_netlink_free(struct audit_netlink *n);
DEFINE_CLEANUP(struct audit_netlink *, audit_netlink_free)

/* The serial of the self-test's record: what comes is told from there on. */
uint64_t audit_netlink_began(const struct audit_netlink *n);
/* Asks the kernel for its count; the answer comes with the records. */
void audit_netlink_ask(struct audit_netlink *n);
/* Records that the socket had no room for, since it was made. */
uint64_t audit_netlink_n_dropped(struct audit_netlink *n);
/* Records that the kernel dropped before anyone saw them, since the first answer; false: it does
 * not tell us. */
bool audit_netlink_kernel_lost(const struct audit_netlink *n, uint64_t *ret);
