/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A ruleset in words, for people: how large its automata are, each state of them with where it leads
 * and what it says, the address trie with its ports, and the lists of mount rules. A rule is named
 * by its number ("#3"). The ruleset must have been built here, or have passed ruleset_check_image().
 * No I/O, no logging.
 */
#include "lib/buf.h"
#include "lib/ruleset/ruleset.h"

struct ruleset_automaton {
    const char *name; /* "file" ...; static */
    bool backward;    /* walked from the last byte of a path on */
    uint32_t start;
    uint32_t n_states;      /* that can be reached */
    uint32_t n_transitions; /* from a state by a class of bytes; not those to the dead state */
    uint32_t n_ends;        /* transitions with which a walk ends: nothing changes any more */
    uint32_t n_classes;     /* of bytes */
    uint32_t n_cells;
};

/* 1: *ret is set; 0: the ruleset has no such automaton; or -ENOMEM. */
int ruleset_measure(const struct ruleset *r, enum varmor_automaton_id id,
                    struct ruleset_automaton *ret);

/* Writes the classes and the states of an automaton. 0, -E2BIG (out's ceiling) or -ENOMEM. */
int ruleset_write_states(const struct ruleset *r, enum varmor_automaton_id id, struct buf *out);

/* Writes an entry of the trie: "10.0.0.0/8: 80-443 deny #4". 0, -E2BIG or -ENOMEM. */
int ruleset_write_prefix(const struct ruleset *r, const struct ruleset_prefix *prefix,
                         struct buf *out);
