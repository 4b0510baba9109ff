/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The folder of pins: what keeps varmor's programs and maps alive in the kernel when no process
 * does.
 *
 *   ROOT/layout-1/varmor_slots ...        the maps, one pin each
 *   ROOT/layout-1/links-<build>/file_open the attached programs of one build, one pin each
 *   ROOT/staging/...                      what is being made, or being taken away
 *
 * A pin is one of three owners of a kernel object, beside a descriptor and (for a program) its
 * link; an object lives as long as any. Freeing a struct pins gives up the lock alone: no pin goes
 * with it. pins_drop() removes pins, and so detaches the programs whose links nobody else holds.
 *
 * Invariants
 * 1. One process at a time holds ROOT: an exclusive flock on the folder itself, from pins_open() to
 *    pins_free(). The folder lies in the kernel's one BPF file system, so the lock reaches across
 * mount namespaces and containers, which a file in /run would not. It ends with its process,
 * however that ends.
 * 2. A folder outside ROOT/staging is whole: it got its name by rename(), after everything was in
 * it, and it loses its name by rename() into staging before anything is taken out.
 * 3. Whatever lies in ROOT/staging when the lock is taken is the leftover of a crash, and is
 * removed then.
 *
 * Names in the BPF file system hold no dots. Works on any file system, which is how it is tested.
 * Blocks for file system calls only; does not log. Not thread-safe.
 */
#include "lib/error.h"

struct pins; /* opaque */

#define PINS_PATH_SIZE 256 /* the longest path below ROOT, with its NUL */
#define PINS_MAX_DEPTH 4   /* folders below ROOT; deeper ones are not ours and stop a removal */

/* Told of each pin that goes: "link file_open", "map varmor_slots". */
typedef void (*pins_told)(const char *what, void *data);

/* Makes sure that a BPF file system is mounted at mount_point: mounts one where there is none.
 * 0, -EPERM, -ENOENT or another errno of mount(2), with *reterr. */
int pins_mount(const char *mount_point, struct error **reterr);

/* Creates root if need be, locks it and sweeps its staging folder. 0, -EBUSY (another process holds
 * it), -ENAMETOOLONG, -ENOMEM or an errno of the file system, with *reterr. */
int pins_open(struct pins **ret, const char *root, struct error **reterr);
struct pins *pins_free(struct pins *p); /* accepts NULL, returns NULL; all pins stay */
DEFINE_CLEANUP(struct pins *, pins_free)

/* The full path of a name below the root; returns path. below is at most PINS_PATH_SIZE bytes
 * together with the root (asserted: names are ours). */
const char *pins_path(const struct pins *p, const char *below, char path[static PINS_PATH_SIZE]);
bool pins_has(const struct pins *p, const char *below);

/* Calls found() for each entry of a folder below the root, in no order. 0, also if there is no such
 * folder; else what found() returned if that was not 0 (which ends the walk), or an errno with
 * *reterr. The entry may be dropped inside found(). */
int pins_list(const struct pins *p, const char *below,
              int (*found)(const char *name, bool is_folder, void *data), void *data,
              struct error **reterr);

/* Makes the empty folder "staging", after removing one that is there. 0 or an errno with *reterr.
 */
int pins_stage(struct pins *p, struct error **reterr);
/* Gives the staging folder its name for good. 0, -EEXIST (a non-empty folder has that name) or an
 * errno. */
int pins_publish(struct pins *p, const char *below, struct error **reterr);
/* Takes a folder and everything in it away; told may be NULL. 0, also if it was not there, or an
 * errno with *reterr: what is left then lies in staging. */
int pins_drop(struct pins *p, const char *below, pins_told told, void *data, struct error **reterr);
/* Removes the root, which must be empty. The lock stays until pins_free(). 0 or an errno with
 * *reterr. */
int pins_remove_root(struct pins *p, struct error **reterr);

#define PINS_STAGING "staging"
