/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The files of the seccomp enforcer, for its own sources (enforcer_seccomp.h says what they are). */
#include <limits.h>

#include "agent/enforcer.h"
#include "agent/seccomp_record.h"
#include "agent/seccomp_runtime.h"
#include "lib/seccomp/seccomp.h"

struct file_folder;
struct map;

/* A file of ours. */
struct seccomp_held {
    struct seccomp_content content; /* what was written, or found and recorded */
    struct digest meaning;          /* sc_profile_digest() of it; zero: it cannot be read */
};

/* The last commit, for as long as it may be reverted. */
struct seccomp_undo {
    char profile[PROFILE_NAME_MAX + 1]; /* "": there is nothing to revert */
    bool had_file;
    struct buf text; /* owned; of the file that was replaced */
    struct seccomp_held held;
};

struct enforcer_seccomp {
    struct enforcer base;
    char *folder_path, *state_folder, *runtime_path; /* owned; the latter two may be NULL */
    struct file_folder *folder;                      /* owned; NULL: not usable */
    struct file_folder *records;                     /* owned; NULL also without a state folder */
    struct map *held; /* profile name -> struct seccomp_held; owned */
    char machine[65]; /* of uname */
    struct seccomp_runtime runtime;
    struct seccomp_undo undo;
};

struct enforcer_version {
    struct profile *profile; /* counted */
    struct buf text;         /* owned */
    struct seccomp_held held;
};

/* Below the agent's state folder. 0 or -ENAMETOOLONG. */
int enforcer_seccomp_folder(const char *state_folder, char ret[static PATH_MAX]);
/* NULL: not ours. Borrowed. */
const struct seccomp_held *enforcer_seccomp_find(const struct enforcer_seccomp *e,
                                                 const char *profile);
/* Fills held from records and files; calls found() for each file of ours. One that somebody has
 * changed since is told with the digest of its bytes, which is no profile's. */
int enforcer_seccomp_adopt(struct enforcer_seccomp *e,
                           void (*found)(const struct enforcer_holding *h, void *data), void *data,
                           struct error **reterr);
/* Writes and reads back. 0, or a negative errno with *reterr: the old content is there, or *reterr
 * says that it could not be put back. */
int enforcer_seccomp_write(struct enforcer_seccomp *e, const struct enforcer_version *v,
                           struct error **reterr);
int enforcer_seccomp_revert(struct enforcer_seccomp *e, const char *profile, struct error **reterr);
/* A file that somebody has changed since stays, and is no longer ours. *ret_removed (may be NULL):
 * there was one. */
int enforcer_seccomp_remove(struct enforcer_seccomp *e, const char *profile, bool *ret_removed,
                            struct error **reterr);
/* -ENOENT: there is no file of ours. */
int enforcer_seccomp_describe(const struct enforcer_seccomp *e, const char *profile,
                              struct enforcer_holding *ret, struct error **reterr);
