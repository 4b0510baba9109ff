/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks laid over a profile, one system call at a time: what each rule lets the call do is a
 * region, from which the block's region is taken.
 */
#include "lib/seccomp/multiplexer.h"
#include "lib/seccomp/region.h"
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <string.h>

struct overlay {
    struct sc_profile *profile;
    const struct sc_rule *block;
    const char *name;               /* of the call */
    const struct sc_region *region; /* what the block covers */
    size_t n_before;                /* the profile's rules before this block */
};

static bool same_args(const struct sc_rule *r, const struct sc_arg *args, size_t n_args)
{
    if (r->n_args != n_args)
        return false;
    for (size_t i = 0; i < n_args; i++)
        if (r->args[i].index != args[i].index || r->args[i].op != args[i].op ||
            r->args[i].value != args[i].value || r->args[i].value_two != args[i].value_two)
            return false;
    return true;
}

static bool same_origin(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Adds the name under conditions, to a rule that this block has made already if there is one of the
 * same verdict, conditions and origin. */
static int put_name(struct overlay *o, const struct sc_rule *like, const struct sc_arg *args,
                    size_t n_args)
{
    struct sc_profile *p = o->profile;
    struct sc_rule *r = NULL;

    for (size_t i = o->n_before; i < p->n_rules && !r; i++)
        if (p->rules[i].n_names > 0 && p->rules[i].n_names < SC_MAX_NAMES &&
            sc_same_verdict(p->rules[i].action, p->rules[i].errno_ret, like->action,
                            like->errno_ret) &&
            same_args(&p->rules[i], args, n_args) && same_origin(p->rules[i].origin, like->origin))
            r = &p->rules[i];
    if (r && sc_rule_has_name(r, o->name))
        return 0;
    if (!r) {
        if (p->n_rules == SC_MAX_RULES)
            return -E2BIG;
        r = sc_profile_add_like(p, like, args, n_args);
    }
    return r ? sc_rule_add_name(r, o->name) : -ENOMEM;
}

static int put_region(struct overlay *o, const struct sc_rule *like, const struct sc_region *region)
{
    for (size_t i = 0; i < region->n; i++) {
        struct sc_arg args[SC_MAX_ARGS];
        size_t n_args = sc_cube_args(&region->cubes[i], args);
        int r = put_name(o, like, args, n_args);

        if (r < 0)
            return r;
    }
    return 0;
}

/* A verdict and an origin without names and conditions; the origin is borrowed. */
static struct sc_rule rule_like(const struct sc_rule *r)
{
    return (struct sc_rule){.action = r->action, .errno_ret = r->errno_ret, .origin = r->origin};
}

/* Takes out of region what other rules than number i say of the call with the same verdict. */
static int leave_to_others(const struct overlay *o, size_t i, struct sc_region *region)
{
    const struct sc_profile *p = o->profile;
    int r = 0;

    for (size_t k = 0; k < p->n_rules && r == 0; k++) {
        CLEANUP_REGION struct sc_region theirs = {0};
        const struct sc_rule *other = &p->rules[k];

        if (k == i || !sc_rule_has_name(other, o->name) ||
            !sc_same_verdict(other->action, other->errno_ret, p->rules[i].action,
                             p->rules[i].errno_ret))
            continue;
        r = sc_region_of(&theirs, other->args, other->n_args);
        if (r == 0 && sc_region_overlaps(region, &theirs))
            r = sc_region_subtract(region, &theirs);
    }
    return r;
}

/* Cuts the block out of one rule, and adds to *taken what the block takes. */
static int cut_rule(struct overlay *o, size_t i, struct sc_region *taken)
{
    CLEANUP_REGION struct sc_region kept = {0}, lost = {0};
    CLEANUP_FREE char *origin = NULL;
    struct sc_rule *rule = &o->profile->rules[i];
    struct sc_rule like = rule_like(rule);
    int r = sc_region_of(&kept, rule->args, rule->n_args);

    if (r == 0)
        r = sc_region_of(&lost, rule->args, rule->n_args);
    if (r == 0)
        r = sc_region_intersect(&lost, o->region);
    if (r < 0 || lost.n == 0)
        return r;
    r = sc_region_add(taken, &lost);
    if (r == 0)
        r = sc_region_subtract(&kept, o->region);
    if (r == 0)
        r = leave_to_others(o, i, &kept);
    if (r < 0)
        return r;
    if (rule->origin && !(origin = strdup(rule->origin)))
        return -ENOMEM;
    like.origin = origin;
    sc_rule_drop_name(rule, o->name);
    return put_region(o, &like, &kept);
}

/* From the rules that say of the call what is more lenient than the block. */
static int take_from_rules(struct overlay *o, struct sc_region *taken)
{
    const struct sc_profile *p = o->profile;
    int r = 0;

    for (size_t i = 0; i < o->n_before && r == 0; i++)
        if (p->rules[i].action < o->block->action && !sc_rule_is_default(p, &p->rules[i]) &&
            sc_rule_has_name(&p->rules[i], o->name))
            r = cut_rule(o, i, taken);
    return r;
}

/* What the rules, after their cuts, leave of the block's region to the default verdict. *ret_whole:
 * that is all of it. */
static int take_from_default(struct overlay *o, struct sc_region *taken, bool *ret_whole)
{
    int r = sc_region_of(taken, o->block->args, o->block->n_args);

    *ret_whole = true;
    for (size_t i = 0; i < o->profile->n_rules && r == 0; i++) {
        const struct sc_rule *rule = &o->profile->rules[i];
        CLEANUP_REGION struct sc_region theirs = {0};

        if (!sc_rule_has_name(rule, o->name) || sc_rule_is_default(o->profile, rule))
            continue;
        r = sc_region_of(&theirs, rule->args, rule->n_args);
        if (r < 0 || !sc_region_overlaps(taken, &theirs))
            continue;
        *ret_whole = false;
        r = sc_region_subtract(taken, &theirs);
    }
    return r;
}

/* Lays the block over one call. Its own rule has the conditions as they were written where it takes
 * all of them, or where the rest gets the same verdict by default; else those of what it takes. */
static int block_call(struct overlay *o)
{
    const struct sc_profile *p = o->profile;
    const struct sc_rule *b = o->block;
    const struct sc_rule like = rule_like(b);
    CLEANUP_REGION struct sc_region taken = {0};
    bool whole = sc_same_verdict(b->action, b->errno_ret, p->default_action, p->default_errno);
    int r = take_from_rules(o, &taken);

    if (r == 0 && p->default_action < b->action)
        r = take_from_default(o, &taken, &whole);
    if (r < 0 || taken.n == 0)
        return r;
    return whole ? put_name(o, &like, b->args, b->n_args) : put_region(o, &like, &taken);
}

static int block_named(struct sc_profile *p, const struct sc_rule *block, const char *name,
                       size_t n_before)
{
    CLEANUP_REGION struct sc_region region = {0};
    struct overlay o = {
        .profile = p, .block = block, .region = &region, .name = name, .n_before = n_before};
    int r = sc_region_of(&region, block->args, block->n_args);

    return r < 0 ? r : block_call(&o);
}

/* The same call made through a multiplexer. */
static int block_multiplexed(struct sc_profile *p, const struct sc_rule *block,
                             const struct sc_multiplexed *m)
{
    struct sc_rule through = rule_like(block);

    sc_rule_add_arg32(&through, 0, SC_MULTIPLEXER_MASK, m->number);
    return block_named(p, &through, m->through, p->n_rules);
}

static int block_calls(struct sc_profile *p, const struct sc_rule *block, struct error **reterr)
{
    size_t n_before = p->n_rules;

    for (size_t i = 0; i < block->n_names; i++) {
        const char *name = block->names[i];
        int r = block_named(p, block, name, n_before);

        if (r == -E2BIG)
            return error_set(reterr, r,
                             "system call '%s': what its conditions leave are more than %d rules, "
                             "or more than %d of the whole profile",
                             error_quote(name), SC_MAX_CUBES, SC_MAX_RULES);
        if (r < 0)
            return error_oom(reterr);
    }
    sc_profile_sweep(p);
    for (size_t i = 0; i < block->n_names; i++) {
        const struct sc_multiplexed *m = sc_multiplexed_find(block->names[i]);
        int r = m ? block_multiplexed(p, block, m) : 0;

        if (r == -E2BIG)
            return error_set(reterr, r, "system call '%s': more than %d rules", m->through,
                             SC_MAX_RULES);
        if (r < 0)
            return error_oom(reterr);
    }
    sc_profile_sweep(p);
    return 0;
}

int sc_profile_block(struct sc_profile *p, const struct sc_rule *blocks, size_t n_blocks,
                     struct error **reterr)
{
    int r = 0;

    for (size_t i = 0; i < n_blocks && r == 0; i++)
        if (blocks[i].action != SC_ALLOW)
            r = block_calls(p, &blocks[i], reterr);
    return r;
}
