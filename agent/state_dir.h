/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The folder in which the agent keeps the profiles that are in force, so that after a restart it
 * knows which containers they are for even while the manager is away (targets are not in the
 * kernel).
 *
 *   DIR/<profile>.profile       the ArmorProfile message of the version in force
 *   DIR/<profile>.profile.new   a version that was about to be committed to the kernel
 *   DIR/bindings                since when each binding holds (binder.h)
 *   DIR/disks                   the node's disks that profiles in force were made for
 *   DIR/health                  how the agent is (health.h)
 *   DIR/audit-position          how far audit records have been told (audit_position.h)
 *
 * A version is staged before its commit and published (renamed) after it. What a crash leaves
 * behind is therefore either the old file, or both: state_dir_load() hands out both, and the kernel
 * says which one is true. A file whose content does not match its own digest, or its name, is
 * removed and reported. The folder has mode 0700, files 0600; links are not followed. Blocks for
 * the file system; no logging.
 */
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/profile.h"

struct state_dir; /* opaque */

#define STATE_DIR_MAX_FILES 10000 /* further ones are an error of the load */

/* Creates the folder and its parents, with mode 0700, where they are not there. 0, -EINVAL (no
 * absolute path, or too long) or an errno with *reterr. */
int state_dir_make(const char *path, struct error **reterr);
/* Creates the folder and its parents if need be. 0, -ENOMEM, or an errno of the file system with
 * *reterr. */
int state_dir_new(struct state_dir **ret, const char *path, struct error **reterr);
struct state_dir *state_dir_free(struct state_dir *d); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct state_dir *, state_dir_free)
/* The path of the file that audit_position.h keeps there; owned by the caller. NULL: no memory. */
char *state_dir_audit_position(const struct state_dir *d);

struct state_dir_visitor {
    /* A whole profile; borrowed. staged: it was about to be committed. */
    void (*found)(struct profile *p, bool staged, void *data);
    void (*trouble)(const char *message, void *data); /* a file was of no use, and why */
    void *data;
};
/* Visits every file, published ones before staged ones. 0, -ENOMEM, -E2BIG or an errno with
 * *reterr. */
int state_dir_load(struct state_dir *d, const struct state_dir_visitor *visitor,
                   struct error **reterr);

/* 0, -ENOMEM, or an errno of the file system with *reterr. drop: also if it was not there. */
int state_dir_stage(struct state_dir *d, const struct profile *p, struct error **reterr);
int state_dir_publish(struct state_dir *d, const char *profile, struct error **reterr);
int state_dir_unstage(struct state_dir *d, const char *profile, struct error **reterr);
int state_dir_drop(struct state_dir *d, const char *profile, struct error **reterr);

/* Texts for what the kernel does not keep: since when bindings hold, as the binder writes it; and
 * disks. save replaces the file whole, and does not wait for the disk; load appends to out, which
 * stays empty if there is no file. 0, -ENOMEM, -E2BIG (out's ceiling), or an errno with *reterr. */
enum state_note { STATE_NOTE_BINDINGS, STATE_NOTE_DISKS, STATE_NOTES };
int state_dir_save_note(struct state_dir *d, enum state_note note, const struct buf *text,
                        struct error **reterr);
int state_dir_load_note(struct state_dir *d, enum state_note note, struct buf *out,
                        struct error **reterr);

/* Removes every file of ours and the folder; told() is called with each path. */
int state_dir_remove(const char *path, void (*told)(const char *what, void *data), void *data,
                     struct error **reterr);
