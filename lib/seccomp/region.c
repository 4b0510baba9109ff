/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/seccomp/region.h"

#include <errno.h>

#define ARG_BITS 64

void sc_region_done(struct sc_region *r)
{
    free(r->cubes);
    *r = (struct sc_region){0};
}

static int cube_add(struct sc_region *r, const struct sc_cube *c)
{
    if (r->n == SC_MAX_CUBES)
        return -E2BIG;
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 4;
        struct sc_cube *cubes = reallocarray(r->cubes, cap, sizeof(*cubes));

        if (!cubes)
            return -ENOMEM;
        r->cubes = cubes;
        r->cap = cap;
    }
    r->cubes[r->n++] = *c;
    return 0;
}

static void region_replace(struct sc_region *r, struct sc_region *by)
{
    sc_region_done(r);
    *r = *by;
    *by = (struct sc_region){0};
}

static bool cubes_overlap(const struct sc_cube *a, const struct sc_cube *b)
{
    for (unsigned i = 0; i < SC_MAX_ARGS; i++)
        if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
            return false;
    return true;
}

static void cube_fix(struct sc_cube *c, unsigned arg, uint64_t bit, bool set)
{
    c->mask[arg] |= bit;
    c->value[arg] = set ? c->value[arg] | bit : c->value[arg] & ~bit;
}

/* Adds a without b: for each bit that b fixes and a leaves open, the part of a in which this bit is
 * not as b wants it, and those before it are. The highest bit goes first, as in comparisons by
 * order: what follows from those then meets in few cubes. */
static int add_difference(struct sc_region *r, const struct sc_cube *a, const struct sc_cube *b)
{
    struct sc_cube rest = *a;

    if (!cubes_overlap(a, b))
        return cube_add(r, a);
    for (unsigned i = 0; i < SC_MAX_ARGS; i++) {
        uint64_t open = b->mask[i] & ~a->mask[i];

        while (open) {
            uint64_t bit = 1ULL << (ARG_BITS - 1 - __builtin_clzll(open));
            bool set = b->value[i] & bit;
            struct sc_cube part = rest;
            int ret;

            cube_fix(&part, i, bit, !set);
            ret = cube_add(r, &part);
            if (ret < 0)
                return ret;
            cube_fix(&rest, i, bit, set);
            open &= ~bit;
        }
    }
    return 0;
}

static int subtract_cube(struct sc_region *a, const struct sc_cube *b)
{
    CLEANUP_REGION struct sc_region left = {0};

    for (size_t i = 0; i < a->n; i++) {
        int r = add_difference(&left, &a->cubes[i], b);

        if (r < 0)
            return r;
    }
    region_replace(a, &left);
    return 0;
}

int sc_region_add(struct sc_region *a, const struct sc_region *b)
{
    size_t n = a->n;
    int r = 0;

    for (size_t i = 0; i < b->n && r == 0; i++)
        r = cube_add(a, &b->cubes[i]);
    if (r < 0)
        a->n = n;
    return r;
}

int sc_region_subtract(struct sc_region *a, const struct sc_region *b)
{
    CLEANUP_REGION struct sc_region left = {0};
    int r = sc_region_add(&left, a);

    for (size_t i = 0; i < b->n && r == 0; i++)
        r = subtract_cube(&left, &b->cubes[i]);
    if (r == 0)
        region_replace(a, &left);
    return r;
}

int sc_region_intersect(struct sc_region *a, const struct sc_region *b)
{
    CLEANUP_REGION struct sc_region both = {0};

    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++) {
            struct sc_cube c = a->cubes[i];
            int r;

            if (!cubes_overlap(&c, &b->cubes[k]))
                continue;
            for (unsigned arg = 0; arg < SC_MAX_ARGS; arg++) {
                c.mask[arg] |= b->cubes[k].mask[arg];
                c.value[arg] |= b->cubes[k].value[arg];
            }
            r = cube_add(&both, &c);
            if (r < 0)
                return r;
        }
    region_replace(a, &both);
    return 0;
}

bool sc_region_overlaps(const struct sc_region *a, const struct sc_region *b)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++)
            if (cubes_overlap(&a->cubes[i], &b->cubes[k]))
                return true;
    return false;
}

static int add_fixed(struct sc_region *r, unsigned arg, uint64_t mask, uint64_t value)
{
    struct sc_cube c = {0};

    c.mask[arg] = mask;
    c.value[arg] = value;
    return cube_add(r, &c);
}

/* The values that first differ from value, from the highest bit down, at a bit that is set there
 * (they are below it) or clear there (above it). */
static int add_differing(struct sc_region *r, unsigned arg, uint64_t value, bool below, bool above)
{
    for (unsigned i = ARG_BITS; i-- > 0;) {
        uint64_t bit = 1ULL << i;
        uint64_t from_here = ~(bit - 1);
        int ret;

        if (!(value & bit ? below : above))
            continue;
        ret = add_fixed(r, arg, from_here, (value ^ bit) & from_here);
        if (ret < 0)
            return ret;
    }
    return 0;
}

static int add_comparison(struct sc_region *r, const struct sc_arg *a)
{
    static const struct {
        bool below, equal, above;
    } parts[] = {
        [SC_NE] = {true, false, true},          [SC_LT] = {true, false, false},
        [SC_LE] = {true, true, false},          [SC_EQ] = {false, true, false},
        [SC_GE] = {false, true, true},          [SC_GT] = {false, false, true},
        [SC_MASKED_EQ] = {false, false, false},
    };
    _Static_assert(ARRAY_SIZE(parts) == SC_COMPARES, "a row for each comparison");
    int ret;

    if (a->op == SC_MASKED_EQ) /* of a value beyond the mask: never holds */
        return a->value_two & ~a->value ? 0 : add_fixed(r, a->index, a->value, a->value_two);
    ret = add_differing(r, a->index, a->value, parts[a->op].below, parts[a->op].above);
    return ret < 0 || !parts[a->op].equal ? ret : add_fixed(r, a->index, ~0ULL, a->value);
}

int sc_region_of(struct sc_region *ret, const struct sc_arg *args, size_t n_args)
{
    CLEANUP_REGION struct sc_region all = {0};
    int r = cube_add(&all, &(struct sc_cube){0});

    for (size_t i = 0; i < n_args && r == 0; i++) {
        CLEANUP_REGION struct sc_region one = {0};

        r = add_comparison(&one, &args[i]);
        if (r == 0)
            r = sc_region_intersect(&all, &one);
    }
    if (r == 0)
        region_replace(ret, &all);
    return r;
}

size_t sc_cube_args(const struct sc_cube *c, struct sc_arg ret[static SC_MAX_ARGS])
{
    size_t n = 0;

    for (unsigned i = 0; i < SC_MAX_ARGS; i++) {
        if (!c->mask[i])
            continue;
        if (c->mask[i] == ~0ULL)
            ret[n++] = (struct sc_arg){.index = i, .op = SC_EQ, .value = c->value[i]};
        else
            ret[n++] = (struct sc_arg){
                .index = i, .op = SC_MASKED_EQ, .value = c->mask[i], .value_two = c->value[i]};
    }
    return n;
}
