/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is to be done about the certificates that all managers share: from what stands in two Secrets,
 * the time, and who leads, to the next write. Pure: no I/O, the clocks are arguments.
 *
 * One Secret holds the pair that everybody serves, and the authority that signed it; the other holds
 * what is believed, the bundle.
 *
 * Invariants
 * 1. A pair is served only if the bundle and its own authority bear it out under every name at
 *    present; what was served before stays until then, and what was served last where nothing is left.
 * 2. Whoever finds no pair makes one, and whoever finds no bundle makes it from the pair: to create
 *    is to win, and who loses reads what the winner made. Everything else is the leader's.
 * 3. The leader renews when a third of the pair's life is left: first the bundle learns the new
 *    authority, and only CERTIFICATE_OVERLAP_NS later, when everybody has read it, the pair changes.
 * 4. A pair that is wrong is replaced after CERTIFICATE_MEND_NS: who changes both Secrets by hand
 *    has that long between the two.
 */
#include "manager/certificate_pair.h"

/* The kubelet brings a changed Secret into a pod within a minute and a half; agents read it then. */
#define CERTIFICATE_OVERLAP_NS (300 * NS_PER_SEC)
#define CERTIFICATE_MEND_NS    (30 * NS_PER_SEC)
#define CERTIFICATE_LOOK_NS    (3600 * NS_PER_SEC) /* at least so often: wall clocks jump */

struct certificate_time {
    int64_t real_s;   /* since 1970 */
    uint64_t mono_ns; /* never goes back */
};

enum certificate_step {
    CERTIFICATE_WAIT,
    CERTIFICATE_CREATE_PAIR,
    CERTIFICATE_CREATE_BUNDLE,
    CERTIFICATE_WRITE_PAIR,
    CERTIFICATE_WRITE_BUNDLE,
};

/* Everything is owned by the plan but names. */
struct certificate_plan {
    struct certificate_names names;
    bool leads;
    bool pair_known, bundle_known;  /* the Secrets have been looked for */
    struct certificate_pair pair;   /* as it stands there; authority may be ""; key NULL: none */
    char *bundle;                   /* as it stands there; NULL: none */
    struct certificate_pair in_use; /* authority: all that is believed; key NULL: none yet */
    struct certificate_pair next;   /* waits for its turn; key NULL: none */
    bool next_counts;
    uint64_t next_from_ns; /* when it may be served, if next_counts */
    bool is_wrong;
    uint64_t wrong_since_ns; /* if is_wrong */
};
void certificate_plan_done(struct certificate_plan *p);

/* What the Secrets hold now. Take the texts; NULL: there is no such Secret. */
void certificate_plan_set_pair(struct certificate_plan *p, char *certificate, char *key,
                               char *authority);
void certificate_plan_set_bundle(struct certificate_plan *p, char *bundle);

struct certificate_advice {
    enum certificate_step step;
    const struct certificate_pair *pair; /* of the steps that write one; the plan's */
    char *bundle;                        /* owned; of the steps that write one */
    uint64_t wait_ns;                    /* then ask again, unless something changes before */
    bool changed;                        /* in_use is another now */
};
void certificate_advice_done(struct certificate_advice *a);

/* 0, or a negative errno with *reterr (-ENOMEM; -EINVAL: no certificate can be made for these
 * names). *ret_problem says what is wrong with the pair that stands there; it stays NULL if nothing
 * is. On failure ret->changed alone is written: the pair may have been taken before something else
 * failed. */
int certificate_plan_next(struct certificate_plan *p, const struct certificate_time *now,
                          struct certificate_advice *ret, struct error **ret_problem,
                          struct error **reterr);
