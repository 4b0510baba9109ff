/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A watched folder: inotify on a tree of folders, told as "this path" or "anything".
 *
 * Who uses it walks the tree itself and calls folder_watch_add() for each folder that it enters,
 * before it lists it: then nothing that happens later goes unseen. Events are collected during a
 * turn of the loop and handed over at its end, so that a file that is replaced by rename is one
 * change.
 *
 * The parent of the root is watched too, so that the root may vanish, be replaced and come back (a
 * symbolic link that is switched, a mount). Where the parent is missing, its nearest existing
 * ancestor is watched.
 *
 * Names that begin with one '.' are passed over, as nobody reads them; those that begin with two
 * are not: a Kubernetes volume hangs on a link of the name "..data".
 *
 * Does not read files, does not follow anything by itself, does not log.
 */
#include "lib/error.h"

struct folder_watch;
struct loop;

#define FOLDER_WATCH_MAX                                                                           \
    8192 /* folders and files watched; the kernel's default limit per user is 8192 */

enum folder_change {
    FOLDER_CHANGE_NONE,
    FOLDER_FILE_WRITTEN, /* a file was closed after writing */
    FOLDER_FILE_RENAMED, /* something has this name now: a file, or a link to anything */
    FOLDER_FILE_TOUCHED, /* its owner, mode or times changed; a writer may still be at it */
    FOLDER_FILE_CREATED, /* a name is new; a writer may still be at it */
    FOLDER_TREE_CHANGED, /* folders or names came or went: walk again */
    FOLDER_OVERFLOW,     /* events were lost: walk again and believe nothing */
};

struct folder_watch_handler {
    /* path is relative to the root, without a leading '/'; "" for the last two kinds. */
    void (*changed)(enum folder_change change, const char *path, void *data);
    /* All changes of this turn have been told. */
    void (*settled)(void *data);
};

/* Nothing is watched before the first walk. root may be missing. 0, or a negative errno with
 * *reterr. handler must outlive the watch. */
int folder_watch_new(struct folder_watch **ret, struct loop *loop, const char *root,
                     const struct folder_watch_handler *handler, void *data, struct error **reterr);
struct folder_watch *folder_watch_free(struct folder_watch *w); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct folder_watch *, folder_watch_free)

/* Watches a folder, or a single file that is reached by a symbolic link (path relative to the root,
 * "" for the root itself); links are followed. Adding again is cheap. 0, -ENOENT (it is gone: the
 * next walk will tell), or another negative errno with *reterr (-ENOSPC, -E2BIG: limits). */
int folder_watch_add(struct folder_watch *w, const char *path, struct error **reterr);

/* A walk begins: the way to the root is watched anew, as it may have changed. 0, or a negative
 * errno with *reterr. */
int folder_watch_begin_walk(struct folder_watch *w, struct error **reterr);
/* Forgets what was not added since then. */
void folder_watch_end_walk(struct folder_watch *w);
