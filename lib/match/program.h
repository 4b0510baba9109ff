/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A program: the patterns of one automaton as a non-deterministic automaton, in Thompson's form:
 * steps that consume a byte, and splits that do not. For lib/match alone.
 *
 * A backward program reads texts from their last byte to their first, and only absolute paths:
 * since these begin with '/', a pattern that begins with any run of folders is satisfied as soon as
 * the '/' in front of its last parts has been seen, and the walk may end there.
 *
 * Invariants: next and other of a step name existing steps; only splits form loops, and each loop
 * holds a step that consumes; from every step a MATCH or ALWAYS can be reached.
 */
#include "lib/error.h"
#include "lib/match/id_list.h"
#include "lib/match/id_table.h"
#include "lib/match/pattern_tree.h"

#define PROGRAM_MAX_STEPS 2097152 /* 32 MiB; some 65,535 patterns of 30 bytes */

enum program_op {
    PROGRAM_BYTE,   /* consumes this byte, goes to next */
    PROGRAM_SET,    /* consumes a byte of the set, goes to next */
    PROGRAM_SPLIT,  /* consumes nothing, goes to next and to other */
    PROGRAM_MATCH,  /* the pattern matches if the text ends here */
    PROGRAM_ALWAYS, /* the pattern matches whatever follows */
};
struct program_step {
    uint8_t op;
    uint8_t byte;
    uint32_t next;
    uint32_t other; /* SPLIT: the other way; SET: place in sets */
    uint32_t rule;
};

struct program {
    struct program_step *steps; /* owned */
    uint32_t n_steps, step_capacity;
    struct pattern_set *sets; /* owned; each once */
    uint32_t n_sets, set_capacity;
    struct id_table set_table;
    struct id_list starts; /* first step of each pattern */
    struct id_list scratch;
    bool backward;
};

void program_init(struct program *g, bool backward);
void program_done(struct program *g);

/* Adds a pattern, whose rule a verdict will name. 0, -ENOMEM, or -E2BIG (PROGRAM_MAX_STEPS) with
 * *reterr. */
int program_add(struct program *g, const struct pattern *p, uint32_t rule, struct error **reterr);

/* Bytes that no step tells apart share a class: classes[byte] is 0 to *ret - 1 (at most 256). */
unsigned program_classes(const struct program *g, uint8_t classes[static 256]);
