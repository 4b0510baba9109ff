/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The disks of this node, now: read from /proc/partitions, and again whenever the kernel says (by a uevent of its block
 * subsystem) that a disk or a partition came, went or changed.
 *
 * Invariants
 * 1. The subscription is older than the first reading: no change is lost between the two.
 * 2. Changes that come together are one: the file is read NODE_DEVICES_SETTLE_NS after the first of them, once. Events
 * that the kernel had to drop count as a change.
 * 3. A list that cannot be read leaves the last one in force, and is said in the log.
 *
 * Logs; does not block. One thread.
 */
#include "lib/ruleset/disk_list.h"
#include "lib/loop.h"

struct node_devices; /* opaque */

#define NODE_DEVICES_SETTLE_NS (100 * NS_PER_MSEC) /* a disk with partitions comes as many events */
#define NODE_DEVICES_EVENT_MAX                                                                     \
    8192 /* bytes; the kernel's uevents have at most 2 KiB and a header */

/* changed(data) follows each change of the names, never during this call. path is the file to read; NULL:
 * /proc/partitions. 0; -ENOMEM; -E2BIG (too many disks), or an errno of the file or socket, with *reterr. */
int node_devices_new(struct node_devices **ret, struct loop *loop, const char *path,
                     void (*changed)(void *data), void *data, struct error **reterr);
struct node_devices *node_devices_free(struct node_devices *d); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct node_devices *, node_devices_free)

/* Sorted paths ("/dev/sda"), for aa_write_preamble(). Borrowed until changed(). */
const char *const *node_devices_names(const struct node_devices *d, size_t *ret_n);
/* disk_list_expand() with this node's disks: one call before ruleset_build(). */
int node_devices_expand(const struct node_devices *d, struct profile *p, struct profile **ret,
                        struct error **reterr);

/* Whether a message from the kernel tells of a block device. Pure. */
bool node_devices_is_block_event(const char *message, size_t len);
