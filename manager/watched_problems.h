/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is wrong with a resource of the API server at present: that it cannot be read, and which of its objects could
 * not. No I/O, no logging.
 */
#include "lib/error.h"

struct findings;
struct map;

#define WATCHED_PROBLEMS_MAX 100 /* objects of a resource that are told; of more, how many */

struct watched_problems {
    char *trouble;      /* owned; why the resource cannot be read; NULL: it can */
    struct map *of_key; /* owned; "namespace/name" -> text, owned */
    size_t n_more;      /* objects beyond WATCHED_PROBLEMS_MAX since there was room */
    bool changed;       /* since it was told */
};

/* *p must be zeroed. 0 or -ENOMEM. */
int watched_problems_init(struct watched_problems *p);
void watched_problems_done(struct watched_problems *p);

/* Copies reason; NULL: there is none any more. */
void watched_problems_set_trouble(struct watched_problems *p, const char *reason);
/* Something is wrong with the object of this key. Without memory it is counted only. */
void watched_problems_put(struct watched_problems *p, const char *key, const char *text);
/* Nothing is, or it is gone. */
void watched_problems_drop(struct watched_problems *p, const char *key);

/* Adds them to findings, as errors of the file as a whole; they have been told then. */
void watched_problems_tell(struct watched_problems *p, struct findings *findings);
