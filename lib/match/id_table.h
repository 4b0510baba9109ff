/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A hash table of things that their owner keeps in an array and knows by number: it stores hashes
 * and numbers only, and asks the owner whether two things are the same. Open addressing; nothing is
 * ever removed.
 */
#include "lib/base.h"

#define ID_TABLE_NONE UINT32_MAX

struct id_table_slot {
    uint32_t hash;
    uint32_t id_plus_one; /* 0: free */
};
struct id_table {
    struct id_table_slot *slots; /* owned */
    uint32_t n_slots;            /* a power of two, or 0 */
    uint32_t n_used;
};

void id_table_done(struct id_table *t);

/* Makes room, so that the next more calls of id_table_put() need no memory. 0 or -ENOMEM. */
int id_table_reserve(struct id_table *t, uint32_t more);

/* The number of the thing for which same(data, id) is true; ID_TABLE_NONE if there is none. */
uint32_t id_table_find(const struct id_table *t, uint32_t hash,
                       bool (*same)(const void *data, uint32_t id), const void *data);
/* Adds a thing that is not there yet; room must have been reserved. */
void id_table_put(struct id_table *t, uint32_t hash, uint32_t id);

/* A hash of len bytes; equal on every machine of one byte order. Not for keys that an attacker
 * chooses to collide: pattern sets and state sets cost at most what their ceilings allow. */
uint32_t id_table_hash(const void *bytes, size_t len);
