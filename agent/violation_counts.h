/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How often each rule of a profile was violated, for the enforcers whose verdicts the kernel does
 * not count (AppArmor, seccomp): one count for each enforcer and origin, since this agent started.
 * BPF's verdicts are counted in the kernel (enforcer.h, counts()). Every event that a record tells
 * of is counted before anything else is done with it. Pure: no I/O, no clock, no logging.
 */
#include "proto/messages.h"

struct violation_counts; /* opaque */

/* Origins of one profile that are told apart; events of further ones are counted under
 * MESSAGE_ORIGIN_OTHER. Each enforcer's place for that is kept in what a message may carry. */
#define VIOLATION_COUNTS_MAX          (MESSAGE_MAX_EVENT_COUNTS - MESSAGE_MAX_ENFORCERS)
#define VIOLATION_COUNTS_MAX_PROFILES 10000

int violation_counts_new(struct violation_counts **ret); /* 0 or -ENOMEM */
struct violation_counts *violation_counts_free(struct violation_counts *v);
DEFINE_CLEANUP(struct violation_counts *, violation_counts_free)

/* Counts one event. origin: of the deciding rule, "" where it is not known; one longer than
 * MESSAGE_MAX_ORIGIN is cut. 0, -E2BIG (too many
 * profiles) or -ENOMEM: then it is not counted. */
int violation_counts_add(struct violation_counts *v, const char *profile,
                         enum enforcer_bit enforcer, const char *origin) MUST_CHECK;
/* The counts of a profile, in no order; NULL: none. Borrowed until the next change. */
const struct msg_event_count *violation_counts_get(const struct violation_counts *v,
                                                   const char *profile, size_t *ret_n);
void violation_counts_drop(struct violation_counts *v, const char *profile);
