/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One violation, before it is text: what an enforcer saw. agent/violation_log.c turns it into a
 * line of violations.log (audit-and-modeling.md A) and agent/stream sends a short form to the
 * manager. Plain data that is valid for the length of the callback.
 */
#include "lib/base.h"

struct container;

enum violation_action {
    VIOLATION_DENIED,
    VIOLATION_AUDITED,            /* let through by a rule that says to report it */
    VIOLATION_ALLOWED,            /* let through since the profile's mode is complain */
    VIOLATION_AUDITED_OR_ALLOWED, /* let through; the record does not say which of the two */
    VIOLATION_ACTIONS,
};
const char *violation_action_name(enum violation_action a); /* "AUDIT|ALLOWED"; static */

struct violation {
    const char *enforcer; /* "BPF", "AppArmor", "Seccomp" */
    enum violation_action action;
    uint64_t time_ns; /* CLOCK_REALTIME of the event */
    int pid;          /* thread group */
    uint64_t mnt_ns;
    const struct container *container; /* NULL: not known (any more) */
    const char *profile_name;          /* "" if not known */
    const char *rule;                  /* origin of the deciding rule; "" if none */
    int rule_number;                   /* -1 if none */
    const char *event_json;            /* the "event" object of A.6 with its braces */
    const char *event_kind; /* the same without what only this one event has (its process, its
                               record's id): equal events are told apart by it; NULL: event_json */
    bool late;              /* it happened while no agent was there, and was found afterwards */
    uint64_t lost;          /* records lost since the last one */
};
