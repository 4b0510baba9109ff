/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the AppArmor tests do as an agent: an enforcer on a loop, profiles made by lib/apparmor, and
 * what the kernel lists. Failures of what is only preparation end the test program with a message.
 */
#include "agent/enforcer.h"

#define AGENT_SIDE_STATE "/run/varmor-test/state"

struct agent_side {
    struct loop *loop;
    struct enforcer *enforcer;
    struct enforcer_facts facts;
    unsigned n_adopted, n_prepared; /* n_prepared: events */
    struct enforcer_holding adopted[8];
};

/* An enforcer that was probed and has adopted; state_folder may be NULL. */
void agent_side_begin(struct agent_side *a, const char *state_folder);
void agent_side_end(struct agent_side *a);

/* A profile of the runtime default that denies the reading of path, with so many children. salt
 * makes its digest. */
struct profile *agent_side_profile(const char *name, const char *path, unsigned n_children,
                                   unsigned salt);
/* One that allows all, with a text of raw rules. */
struct profile *agent_side_raw(const char *name, const char *raw, unsigned salt);

/* Prepares, running the loop while the parser works. 0 or the error; *reterr may be NULL. */
int agent_side_prepare(struct agent_side *a, struct profile *p, struct enforcer_version **ret,
                       struct error **reterr);
/* Prepares and commits; takes the reference. 0 or the error, which is printed. */
int agent_side_commit(struct agent_side *a, struct profile *p);

/* What the kernel's list says: "enforce", "complain", "" if it is not there. Static. */
const char *agent_side_listed(const char *profile);
/* Loads a text by apparmor_parser itself, as an administrator would. */
void agent_side_load_by_hand(const char *text);
void agent_side_remove_by_hand(const char *profile);
