/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A deterministic automaton between its construction and its packing. For lib/match alone.
 *
 * Transitions that are not listed lead to the dead state, which is none of the states: from each
 * state some verdict other than 0 can still be reached.
 */
#include "lib/match/automaton.h"
#include "lib/match/id_list.h"
#include "lib/match/program.h"

struct dfa {
    struct id_list verdicts; /* by state: number of its verdict, 0 for none */
    struct id_list
        firsts; /* by state, and one more: where its transitions begin in the two below */
    struct id_list targets; /* in ascending order of their classes */
    uint8_t *labels;        /* owned; the class of each transition; as long as targets' capacity */
    size_t label_capacity;
    uint32_t start;
    unsigned n_classes;
};

static inline uint32_t dfa_n_states(const struct dfa *d)
{
    return (uint32_t)d->verdicts.n;
}

void dfa_done(struct dfa *d);

/* Opens the next state, whose transitions follow; the last one is closed by dfa_end(). 0 or
 * -ENOMEM. */
int dfa_add_state(struct dfa *d, uint32_t verdict);
int dfa_add_transition(struct dfa *d, uint8_t class, uint32_t target);
int dfa_end(struct dfa *d);

/* Subset construction of a program of at least one pattern. *ret must be zeroed; it is to be freed
 * in any case. Codes as automaton_build(). */
int dfa_from_program(struct dfa *ret, const struct program *g, const uint8_t classes[static 256],
                     unsigned n_classes, const struct automaton_meaning *meaning,
                     struct automaton_blame *ret_blame, struct error **reterr);

/* The smallest automaton with the same verdicts. *ret as above. 0 or -ENOMEM. */
int dfa_minimise(struct dfa *ret, const struct dfa *d);

/* Row displacement into cells. classes and n_states are not filled in. 0, -ENOMEM, or -E2BIG with
 * *reterr. */
int dfa_pack(struct automaton *ret, const struct dfa *d, struct error **reterr);
