/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A source of policies and manifests: what every source tells, whatever it reads from.
 *
 * A source calls the functions below on the loop's thread, in bursts: all changes of one turn, then
 * settled(). The first settled() means that the source has told everything that there was (it has
 * synced). The same identity (kind, namespace, name) is in force once at any time.
 *
 * Lifetime: an object that was put stays valid until the call that replaces it (put() of the same
 * identity) or withdraws it (dropped()) returns. The receiver may keep the pointer that long, and a
 * reference to its policy for longer.
 */
#include "lib/policy/object.h"

/* Problems of one file. A file with errors keeps what it said before in force. */
struct source_file {
    const char *name; /* as users will read it: relative to the source's folder */
    const struct findings *findings;
    unsigned n_in_force; /* objects of this file that are in force */
    /* Whose profiles it speaks for is known all the same (profile_store_spare()): agents need not keep what nobody
     * names while it has errors. */
    bool is_known;
};

struct source_handler {
    /* New, or changed. */
    void (*put)(const struct object *o, const char *file, void *data);
    void (*dropped)(const struct object *o, void *data);
    /* What is wrong with a file now; no findings: nothing any more (or the file is gone). */
    void (*file)(const struct source_file *f, void *data);
    void (*settled)(void *data);
};
