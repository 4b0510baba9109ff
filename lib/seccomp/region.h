/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The calls that conditions hold for, as sets: a region is a union of cubes, and a cube fixes some
 * bits of some arguments. Every comparison of the OCI specification is a region, and regions are
 * closed under the operations here, with which one rule can be cut out of another exactly. The
 * cubes of a region do not overlap, unless sc_region_add() brought them together.
 *
 * A region of more than SC_MAX_CUBES cubes is refused with -E2BIG: in the worst case each
 * subtraction of a condition of n bits makes n cubes of one.
 */
#include "lib/seccomp/seccomp.h"

struct sc_cube { /* (arg & mask) == value, for each argument; value is within mask */
    uint64_t mask[SC_MAX_ARGS], value[SC_MAX_ARGS];
};
struct sc_region {
    struct sc_cube *cubes; /* owned */
    size_t n, cap;
};
void sc_region_done(struct sc_region *r);
#define CLEANUP_REGION __attribute__((cleanup(sc_region_done)))

/* *ret, whatever it held, becomes the calls for which all conditions hold. 0, -E2BIG or -ENOMEM. */
int sc_region_of(struct sc_region *ret, const struct sc_arg *args, size_t n_args);
/* a loses what b has. 0, -E2BIG or -ENOMEM; on failure a is as it was. */
int sc_region_subtract(struct sc_region *a, const struct sc_region *b);
/* a loses what b has not. The same. */
int sc_region_intersect(struct sc_region *a, const struct sc_region *b);
/* a gets the cubes of b as well. The same. */
int sc_region_add(struct sc_region *a, const struct sc_region *b);
bool sc_region_overlaps(const struct sc_region *a, const struct sc_region *b);

/* A cube as conditions; returns their number. */
size_t sc_cube_args(const struct sc_cube *c, struct sc_arg ret[static SC_MAX_ARGS]);
