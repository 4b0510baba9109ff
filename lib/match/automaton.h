/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Automata: many patterns as one minimal deterministic automaton, in the form that the kernel walks
 * (struct varmor_cell, see bpf/varmor_shared.h). How long a walk takes depends on the text alone,
 * not on the number of patterns, and it ends at the first state from which nothing can change the
 * verdict.
 *
 * Steps: patterns -> program (non-deterministic) -> dfa (subset construction over byte classes) ->
 * minimal dfa (Hopcroft's partition refinement, verdicts as the first partition) -> cells (row
 * displacement). Each is deterministic: equal inputs give equal cells.
 *
 * A backward automaton reads a text from its last byte to its first and is for absolute paths only.
 *
 * Patterns of many stars can need exponentially many states. Ceilings bound the time and the memory
 * of a build; what would pass them is refused with the rules that cause it.
 */
#include "lib/error.h"
#include "bpf/varmor_shared.h"

struct pattern;

#define AUTOMATON_MAX_STATES 524288 /* explored: more would not fit VARMOR_MAX_CELLS either */
/* Of each state on average; with the ceiling of states they bound the memory of a build. */
#define AUTOMATON_ITEMS_PER_STATE       16 /* members of its set */
#define AUTOMATON_TRANSITIONS_PER_STATE 8

struct automaton_input {
    const struct pattern *pattern; /* borrowed */
    uint32_t rule;                 /* inputs are sorted by it; one rule may have several patterns */
};

/* What a set of matching rules means; lib/match only needs to know which sets mean the same. */
struct automaton_meaning {
    /* The number of the verdict for these rules (ascending, each once, at least one): equal
     * verdicts have equal numbers; 0 is the verdict of no rule. 0 or a negative errno. */
    int (*verdict)(void *data, const uint32_t *rules, size_t n_rules, uint32_t *ret);
    /* True if rule never makes a difference where other has matched (then states get fewer). Of two
     * that cover each other the lower stays. May be NULL: never. */
    bool (*covered)(void *data, uint32_t rule, uint32_t other);
    void *data;
    uint32_t max_states; /* a lower ceiling; 0: AUTOMATON_MAX_STATES */
};

#define AUTOMATON_MAX_BLAMED 3
struct automaton_blame { /* the rules that need most of the states, the worst first */
    uint32_t rules[AUTOMATON_MAX_BLAMED];
    size_t n_rules;
};

struct automaton {
    struct varmor_cell *cells; /* owned; next of a record is the verdict's number */
    uint32_t n_cells;          /* a multiple of VARMOR_CELLS_PER_LINE; 0 without inputs */
    uint32_t n_classes;
    uint32_t n_states;
    uint32_t start;
    uint8_t classes[256];
};

/* 0, -ENOMEM, what meaning->verdict returned, or -E2BIG with *reterr (a ceiling) and *ret_blame. */
int automaton_build(struct automaton **ret, const struct automaton_input *inputs, size_t n_inputs,
                    bool backward, const struct automaton_meaning *meaning,
                    struct automaton_blame *ret_blame, struct error **reterr);
struct automaton *automaton_free(struct automaton *a); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct automaton *, automaton_free)

/* Where a walk over cells is decided: the next word of the last state's record. cells and start
 * must be valid (as built, or checked). */
uint32_t automaton_walk(const struct varmor_cell *cells, const uint8_t classes[static 256],
                        uint32_t start, bool backward, const char *text, size_t len);

/* True if a pattern is better judged from the end: it begins with a wildcard (behind '/'). */
bool automaton_prefers_backward(const struct pattern *p);
