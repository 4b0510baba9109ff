/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A record of the kernel's ring buffer (struct varmor_event) as the "event" object of
 * violations.log.
 *
 * The object has the members of the newer format of audit-and-modeling.md A.6 (operation first),
 * then those of the older one whose names do not clash, then what only varmor knows
 * (docs/violations.md). Every member of a kind is always there. Pure: no I/O, no clock, no logging.
 */
#include "bpf/varmor_shared.h"
#include "lib/buf.h"

/* Bytes: a byte of text becomes six at most, and a mount tells its source twice. */
#define VIOLATION_BPF_JSON_MAX (12 * VARMOR_EVENT_TEXT + 1024)

/* Checks that size bytes at data are one whole record. NULL if they are not: the record is dropped.
 * data must be aligned to 8 bytes, as the ring's records are. */
const struct varmor_event *violation_bpf_check(const void *data, size_t size);

/* Appends the object of a record that passed the check. 0, -E2BIG or -ENOMEM. */
int violation_bpf_format(struct buf *b, const struct varmor_event *e) MUST_CHECK;
