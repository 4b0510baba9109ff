/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Audit records from the kernel's log, /dev/kmsg.
 *
 * They are there only while no auditd is connected, cut at about 1 KB, and the kernel writes no
 * more than kernel.printk_ratelimit allows; so it is a fallback, and a lossy one. What the log
 * itself overwrote before it was read is known (the device says so, and its records have numbers);
 * what the rate limit held back shows as holes in the records' serials. Needs CAP_SYSLOG to begin.
 * No logging.
 */
#include "agent/audit_source.h"

struct audit_kmsg; /* opaque */

#define AUDIT_KMSG_PATH "/dev/kmsg"

/* From the present end of the log on. 0, -ENOMEM, or an errno of the device with *reterr. */
int audit_kmsg_new(struct audit_kmsg **ret, struct loop *loop, const struct audit_events *events,
                   struct error **reterr);
struct audit_kmsg *audit_kmsg_free(struct audit_kmsg *k); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct audit_kmsg *, audit_kmsg_free)
