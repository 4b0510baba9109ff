/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Events of events.k8s.io/v1 on policies: what `kubectl describe` shows below a policy, in the order in which it came.
 *
 * What is told follows from the status that stood at the API server and the one that stands there now, so that each
 * step is told once, by whichever manager has written it, and a manager that starts anew repeats nothing. The same
 * words about the same object are one Event with a count: its name is made from them, so that this holds across
 * managers too. At most KUBE_EVENTS_KEPT Events are remembered or waiting; the oldest gives way.
 */
#include "manager/kube_text.h"

struct kube_events; /* opaque */
struct kube_writer;

#define KUBE_EVENTS_KEPT     1024
#define KUBE_EVENTS_A_CHANGE 8
#define KUBE_EVENT_MAX_NOTE  1024 /* bytes; the server's ceiling */

struct kube_event {
    bool is_warning;
    const char *reason; /* "Protecting"; static */
    const char *action; /* static */
    json_t *note;       /* a text; owned */
};

/* What there is to tell when a policy's status before (NULL: none) has become after; pure. Returns how many of ret are
 * set (each note is to be given back), or -ENOMEM. */
int kube_events_of_change(const json_t *before, const json_t *after,
                          struct kube_event ret[static KUBE_EVENTS_A_CHANGE]);

/* The object that an Event is about. */
struct kube_event_subject {
    const char *kind, *name_space /* "": cluster-scoped */, *name, *uid;
};

/* Writes by the writer, as kind 'e'. reporter: who tells, at most 128 bytes; copied. 0 or -ENOMEM. */
int kube_events_new(struct kube_events **ret, struct kube_writer *writer, const char *reporter);
struct kube_events *kube_events_free(struct kube_events *e); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct kube_events *, kube_events_free)

/* Tells the change. Without memory an Event is left out: status says the same. */
void kube_events_tell(struct kube_events *e, const struct kube_event_subject *subject,
                      const json_t *before, const json_t *after);
