/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The image under construction and the steps that fill it, one file a kind of rule. For lib/ruleset
 * alone.
 *
 * Each step looks at the rules of its kind and leaves the image as it was if there are none. Lines
 * move when the image grows: a pointer into it is good until the next image_add(). Errors name the
 * rule by its origin.
 */
#include "lib/ruleset/ruleset.h"

struct image {
    const struct profile *profile; /* borrowed */
    struct varmor_line *lines;     /* owned */
    size_t n_lines, capacity;
    struct ruleset_prefix *prefixes; /* owned */
    size_t n_prefixes;
};

/* Appends zeroed lines; *ret is the number of the first. 0, -ENOMEM, or -E2BIG (VARMOR_MAX_LINES)
 * with *reterr. */
int image_add(struct image *im, size_t n_lines, uint32_t *ret, struct error **reterr);

static inline struct varmor_front *image_front(struct image *im)
{
    return (struct varmor_front *)im->lines;
}

static inline struct varmor_index *image_index(struct image *im)
{
    return (struct varmor_index *)(im->lines + 1);
}

/* What a rule does in this profile: enum rule_mode_bit, 0 for nothing. Complain only audits. */
unsigned image_rule_mode(const struct image *im, size_t rule);

/* Puts "RULE 'PATTERN', RULE ...: " in front of an error. Returns code. */
int image_blame(const struct image *im, const uint32_t *rules, size_t n_rules, int code,
                struct error **reterr);

/* The steps. 0, -ENOMEM, -E2BIG or -EINVAL, the latter two with *reterr. */
int image_add_paths(struct image *im, enum rule_kind kind, struct error **reterr);
int image_add_capabilities(struct image *im, struct error **reterr);
int image_add_sockets(struct image *im, struct error **reterr);
int image_add_egress(struct image *im, struct error **reterr);
int image_add_ptrace(struct image *im, struct error **reterr);
int image_add_mounts(struct image *im, struct error **reterr);

/* Appends an automaton: its verdicts' numbers become line numbers, lines[verdict - 1]. */
struct automaton;
int image_add_automaton(struct image *im, enum varmor_automaton_id id, const struct automaton *a,
                        const uint32_t *lines, struct error **reterr);
