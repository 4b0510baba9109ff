/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The profiles of this node: what is in force, and how the last attempt to change it went.
 *
 * Invariants
 * 1. A profile is in force when every enforcer that it names has read its digest back from the
 * kernel.
 * 2. All of a profile's enforcers must be usable and accept it before any of them is changed; a
 * version that is refused leaves the old one in force, and its results say why.
 * 3. An enforcer may need time to prepare a version: the profile is then pending, with what was in
 * force before, and store_resume() goes on once the enforcer has told. A newer version takes the
 * place of a pending one; a removal ends it. Nothing is said of a version before it is done.
 * 4. A profile that the kernel holds from an earlier agent, and that is in no file of the state
 * folder, is opaque: it stays in force and keeps its bindings, but is not told as held, so that the
 *    manager sends it.
 *
 * Blocks for the enforcers and the state folder; no logging.
 */
#include "agent/enforcers.h"
#include "proto/messages.h"

struct state_dir;
struct store; /* opaque */

#define STORE_MAX_PROFILES 10000

/* enforcers is borrowed. dir may be NULL: nothing is kept for a restart. 0 or -ENOMEM. */
int store_new(struct store **ret, const struct enforcers *enforcers, struct state_dir *dir);
struct store *store_free(struct store *s); /* the kernel keeps what it has */
DEFINE_CLEANUP(struct store *, store_free)

/* Takes over what an earlier agent left in the kernel and in the state folder; what the folder has
 * and the kernel lacks (a reboot) is applied. trouble() is told what was of no use. 0, -ENOMEM or
 * another with *reterr. */
int store_restore(struct store *s, int64_t now_ns, void (*trouble)(const char *message, void *data),
                  void *data, struct error **reterr);

enum store_outcome {
    STORE_APPLIED,   /* in force now; *reterr may say what did not work beside it: the state folder,
                        or leaving an enforcer that it no longer names */
    STORE_UNCHANGED, /* this digest is in force already, as the kernel says; or nothing is to be done
                      */
    STORE_REFUSED,   /* *reterr says why; an earlier version stays in force */
    STORE_PENDING,   /* an enforcer prepares it; an earlier version stays in force */
};
/* Applies a version. An enum store_outcome, or -ENOMEM or -E2BIG (STORE_MAX_PROFILES). */
int store_apply(struct store *s, struct profile *p, int64_t now_ns, struct error **reterr);
/* An enforcer has told that it has prepared a profile: applies the version that is pending, if any.
 * An enum store_outcome or -ENOMEM. */
int store_resume(struct store *s, const char *profile, int64_t now_ns, struct error **reterr);
/* What a profile means on this node has changed (its disks): applies the same version once more. An
 * enum store_outcome (UNCHANGED: it is not known) or -ENOMEM. */
int store_apply_anew(struct store *s, const char *profile, int64_t now_ns, struct error **reterr);
bool store_is_pending(const struct store *s); /* some version is */
/* Some version in force was to be applied anew and was refused: it is as it was made before. */
bool store_is_stale(const struct store *s);

/* The profile is about to be removed: store_profiles() and store_find() no longer show it, so that
 * its containers can be given to another one before the kernel lets go. */
void store_begin_remove(struct store *s, const char *profile);
/* Takes a profile out of the kernel and the folder. 0, also if it was not there; else the first
 * error with *reterr: the profile stays known. */
int store_remove(struct store *s, const char *profile, struct error **reterr);

/* NULL if it is not in force, or opaque. */
const struct profile *store_find(const struct store *s, const char *profile);
/* The version that is pending, else the one in force; NULL if there is neither. Borrowed. */
struct profile *store_find_newest(const struct store *s, const char *profile);
bool store_is_opaque(const struct store *s, const char *profile);
size_t store_size(const struct store *s); /* known profiles, in force or not */
/* The profiles in force that are not opaque, in no order. Borrowed until the next change. */
const struct profile *const *store_profiles(const struct store *s, size_t *ret_n);
/* The profiles of which no version is in force, as they were refused last. Borrowed until the next
 * change. */
const struct profile *const *store_refused(const struct store *s, size_t *ret_n);
/* The name of each known profile; found() must not change the store. */
void store_each(const struct store *s, void (*found)(const char *profile, void *data), void *data);

/* Fills at most n with what is in force; returns how many. Texts are borrowed until the next
 * change. */
size_t store_fill_held(const struct store *s, struct msg_held *items, size_t n);
/* How the last attempt with this profile went; false if it is not known, or pending. The answer is borrowed
 * until the next question or change. */
bool store_fill_result(struct store *s, const char *profile, struct msg_result *ret);

/* A new exchange with the manager: what store_fill_held() told is wanted until it is removed,
 * anything else only once the manager names it (store_apply() does that). */
void store_begin_sync(struct store *s);
/* A profile that is known, but that the manager has not named and was not told as held; NULL if
 * there is none. */
const char *store_find_unwanted(const struct store *s);
