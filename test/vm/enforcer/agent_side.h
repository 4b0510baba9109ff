/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the enforcer tests do as an agent: an enforcer on a loop, profiles made by hand, and the
 * violations that came in. Failures of what is only preparation end the test program with a
 * message.
 */
#include "agent/enforcer.h"

#define AGENT_SIDE_VIOLATIONS 64

struct seen_violation {
    char profile[PROFILE_NAME_MAX + 1];
    char rule[64];
    char json[512];
    char container[64];
    uint64_t time_ns, lost;
    int pid;
    bool denied;
};

struct agent_side {
    struct loop *loop;
    struct enforcer *enforcer;
    struct enforcer_facts facts;
    struct seen_violation violations[AGENT_SIDE_VIOLATIONS]; /* the first ones */
    unsigned n_violations;
    unsigned n_adopted; /* of the last agent_side_adopt() */
    struct enforcer_holding adopted[8];
    struct container *container; /* borrowed: what find_container answers */
};

/* An enforcer that was probed and has adopted. usable tells whether it should be. */
void agent_side_begin(struct agent_side *a);
void agent_side_end(struct agent_side *a);

/* A profile that denies (and reports) the reading of a path by a rule with this origin. salt makes
 * its digest. */
struct profile *agent_side_profile(const char *name, const char *path, const char *origin,
                                   unsigned salt);
/* Adds another such rule. */
void agent_side_add_rule(struct profile *p, const char *path, const char *origin);
/* Prepares and commits; takes the reference. 0 or the error, which is printed. */
int agent_side_commit(struct agent_side *a, struct profile *p);

int agent_side_bind(struct agent_side *a, uint64_t cgroup_id, const char *profile, bool running);
/* Runs the loop until so many violations were seen, or a second has passed. */
void agent_side_run(struct agent_side *a, unsigned n_violations);
/* Reads what earlier agents left unread in the ring, and forgets it. */
void agent_side_drain(struct agent_side *a);
unsigned agent_side_bindings(struct agent_side *a);
