/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One violation, before it is text: what an enforcer saw. agent/violation_log.c turns it into a
 * line of violations.log (audit-and-modeling.md A) and agent/stream sends a short form to the
 * manager. Plain data that is valid for the length of the callback.
 */
#include "lib/base.h"

struct container;

enum violation_action { VIOLATION_DENIED, VIOLATION_AUDITED };

struct violation {
    const char *enforcer; /* "BPF" */
    enum violation_action action;
    uint64_t time_ns; /* CLOCK_REALTIME of the event */
    int pid;          /* thread group */
    uint64_t mnt_ns;
    const struct container *container; /* NULL: not known (any more) */
    const char *profile_name;          /* "" if not known */
    const char *rule;                  /* origin of the deciding rule; "" if none */
    int rule_number;                   /* -1 if none */
    const char *event_json;            /* the "event" object of A.6 with its braces */
    uint64_t lost;                     /* records lost since the last one */
};
