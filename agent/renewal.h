/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Profiles that are to be applied anew although their version is the same: since this node's disks
 * changed, or somebody else touched what the kernel held. One a turn of the loop, as compiling
 * takes time.
 *
 * The disks that all profiles in force were made for are kept in the state folder: an agent that is
 * restarted among the same disks has nothing to do. They are forgotten before the first profile is
 * applied anew and written once everything is done, so that whatever is interrupted is done again,
 * also among the disks of before, and whatever is refused is tried again by the next agent. Logs; one
 * thread.
 */
#include "lib/error.h"

struct loop;
struct renewal; /* opaque */
struct state_dir;
struct store;

/* apply() applies a profile anew (store_apply_anew()). store is borrowed, and dir, which may be
 * NULL: then every start applies all that concerns disks. 0 or -ENOMEM. */
int renewal_new(struct renewal **ret, struct loop *loop, const struct store *store,
                struct state_dir *dir, void (*apply)(const char *profile, void *data), void *data);
struct renewal *renewal_free(struct renewal *r);
DEFINE_CLEANUP(struct renewal *, renewal_free)

void renewal_put(struct renewal *r, const char *profile);
/* The node's disks, at the start and after each change: profiles that concern them are put if they
 * are others than before. */
void renewal_set_disks(struct renewal *r, const char *const *paths, size_t n);
/* A version that was pending may be done. */
void renewal_check(struct renewal *r);
