/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * Paths: collecting a file's path as pointers, and feeding it to an automaton.
 *
 * varmor_collect() notes the dentries from a file up to the root of its mount namespace (no name is
 * read). varmor_run() then feeds names to one automaton, from the root on or from the leaf back,
 * and ends as soon as the automaton says that nothing can change any more, which is usually after
 * one or two names.
 *
 * All of these are functions that are verified on their own, so that the work of the verifier is
 * the sum of their loops and not the product. They share the task's struct varmor_walk. Each
 * returns 0, or an enum varmor_stat that says why the path cannot be judged.
 */
#include "bpf/subject.h"

/* Fills walk.dentries from walk.request. */
int varmor_collect(void);
/* Replaces the dentries above the first mount's root by those of the file system itself. Returns 0
 * also if that gives no other path: then walk.n_dentries is 0. */
int varmor_collect_inside(void);
/* Feeds the first n of walk.dentries to an automaton of a version's image, and adds what it says to
 * the verdict; or the request's text. VARMOR_MOUNT_SOURCE leaves walk.mount_list instead of a
 * verdict. */
int varmor_run(u32 version, u32 automaton, u32 n);
int varmor_run_text(u32 version, u32 automaton);

/* ---- their parts ---- */

/* Reads an automaton's place from a version's image into walk.places. */
int varmor_place(u32 version, u32 automaton);

/* Goes on from a mount's root to where it is mounted, or ends the climb. */
int varmor_cross(void);
#define CLIMB_IS_OVER (-1)

/* Feeds up to FEED_BYTES of the name of a collected dentry, of walk.name as it is (WALK_NAME), or
 * of what is left of it (WALK_MORE), in the order that backward says. Most names are one call long.
 */
int varmor_feed(u32 version, u32 at, u32 backward);
#define WALK_NAME  0xffffffffu
#define WALK_MORE  0xfffffffeu
#define FEED_BYTES 64
/* All of a name. Non-zero if the walk may end. */
int varmor_feed_name(u32 version, u32 at, u32 backward);
enum feed_result {
    FEED_ALL,     /* the name is at its end */
    FEED_MAY_END, /* nothing that follows can change the verdict; or walk.cause says why not to go
                     on */
    FEED_MORE,
};

/* Reads the name of a collected dentry into walk.name and its length, with the '/' in front, into
 * walk.name_len; 0 if it cannot be read. */
int varmor_read_name(u32 at);

/* True if the walk knows where an automaton of the request's image is. */
static __always_inline bool place_is_of(const struct varmor_walk *w, u32 version, u32 automaton)
{
    const struct varmor_place *place = &w->places[automaton & 1];

    return place->version == version && place->automaton == automaton &&
           place->digest == w->request.digest;
}
