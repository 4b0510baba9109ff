/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The objects of one kind as the API server has them, for a receiver as source.h describes it. An object that changed
 * in nothing that we read (a pod's conditions, a Deployment's replicas) is not told again.
 *
 * No I/O, no logging.
 */
#include "lib/error.h"
#include "lib/policy/labels_pool.h"
#include "lib/policy/object.h"
#include "lib/policy/object_table.h"

struct source_handler;

struct watched_objects {
    enum object_kind kind;
    const char *file; /* static; what the receiver is told as the file: "pods" */
    const struct source_handler *handler;
    void *data;
    struct object_table table; /* owned, with its objects */
    struct labels_pool labels; /* those of the objects */
};

void watched_objects_done(struct watched_objects *os); /* tells nothing */

/* The object of a watch's key as the server encoded it. True if it was told; false if it means what it meant before, or
 * if it could not be read, which is told in *reterr: what was known of it stays. */
bool watched_objects_put(struct watched_objects *os, const uint8_t *data, size_t len,
                         struct error **reterr);
/* True if it was there, and was told. */
bool watched_objects_drop(struct watched_objects *os, const char *watch_key);
