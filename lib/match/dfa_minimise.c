/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hopcroft's partition refinement, in the form for incomplete automata (A. Valmari, "Fast brief
 * practical DFA minimization", 2012): states and transitions are refined in turn, the smaller half
 * of each split is looked at again. O(m log m) for m transitions.
 */
#include "lib/match/dfa.h"

#include <string.h>

/* A set of elements cut into blocks. Block b holds elements[first[b]] to elements[end[b] - 1], of
 * which the first marked[b] are marked. Nothing but the lists is owned. */
struct partition {
    uint32_t n_blocks;
    uint32_t *elements;
    uint32_t *places;   /* by element: where it stands in elements */
    uint32_t *block_of; /* by element */
    uint32_t *first, *end, *marked;
    uint32_t *touched; /* blocks with marks */
    uint32_t n_touched;
};

static void partition_done(struct partition *p)
{
    free(p->elements);
    free(p->places);
    free(p->block_of);
    free(p->first);
    free(p->end);
    free(p->marked);
    free(p->touched);
}

/* One block (none for n == 0) that holds 0 to n - 1. */
static int partition_init(struct partition *p, uint32_t n)
{
    size_t room = (size_t)n + 1;

    p->elements = calloc(room, sizeof(uint32_t));
    p->places = calloc(room, sizeof(uint32_t));
    p->block_of = calloc(room, sizeof(uint32_t));
    p->first = calloc(room, sizeof(uint32_t));
    p->end = calloc(room, sizeof(uint32_t));
    p->marked = calloc(room, sizeof(uint32_t));
    p->touched = calloc(room, sizeof(uint32_t));
    if (!p->elements || !p->places || !p->block_of || !p->first || !p->end || !p->marked ||
        !p->touched)
        return -ENOMEM;
    p->n_blocks = n > 0;
    p->end[0] = n;
    for (uint32_t i = 0; i < n; i++)
        p->elements[i] = p->places[i] = i;
    return 0;
}

/* Cuts the one block by a key of each element (below n_keys), in the order of the keys. */
static int partition_by_key(struct partition *p, uint32_t n, const uint32_t *keys, uint32_t n_keys)
{
    CLEANUP_FREE uint32_t *next = calloc((size_t)n_keys + 1, sizeof(*next));
    uint32_t before = UINT32_MAX;

    if (!next)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        next[keys[i] + 1]++;
    for (uint32_t k = 0; k < n_keys; k++)
        next[k + 1] += next[k];
    for (uint32_t i = 0; i < n; i++)
        p->elements[next[keys[i]]++] = i;
    p->n_blocks = 0;
    for (uint32_t at = 0; at < n; at++) {
        uint32_t i = p->elements[at];

        if (keys[i] != before)
            p->first[p->n_blocks++] = at;
        before = keys[i];
        p->places[i] = at;
        p->block_of[i] = p->n_blocks - 1;
        p->end[p->n_blocks - 1] = at + 1;
    }
    return 0;
}

static void partition_mark(struct partition *p, uint32_t element)
{
    uint32_t b = p->block_of[element];
    uint32_t here = p->places[element];
    uint32_t there = p->first[b] + p->marked[b];

    if (here < there)
        return; /* marked already */
    p->elements[here] = p->elements[there];
    p->places[p->elements[here]] = here;
    p->elements[there] = element;
    p->places[element] = there;
    if (p->marked[b]++ == 0)
        p->touched[p->n_touched++] = b;
}

/* Cuts each touched block into its marked and unmarked part; the smaller becomes a new block. */
static void partition_split(struct partition *p)
{
    while (p->n_touched > 0) {
        uint32_t b = p->touched[--p->n_touched];
        uint32_t cut = p->first[b] + p->marked[b];
        uint32_t new = p->n_blocks;

        if (cut < p->end[b]) {
            if (p->marked[b] <= p->end[b] - cut) {
                p->first[new] = p->first[b];
                p->end[new] = p->first[b] = cut;
            } else {
                p->end[new] = p->end[b];
                p->first[new] = p->end[b] = cut;
            }
            for (uint32_t i = p->first[new]; i < p->end[new]; i++)
                p->block_of[p->elements[i]] = new;
            p->n_blocks++;
        }
        p->marked[b] = 0;
    }
}

struct refinement {
    const struct dfa *d;
    struct partition states, transitions;
    uint32_t *tails;           /* owned; by transition: the state it leaves */
    uint32_t *incoming;        /* owned; transitions, grouped by the state they reach */
    uint32_t *incoming_firsts; /* owned; by state, and one more */
};

static void refinement_done(struct refinement *f)
{
    partition_done(&f->states);
    partition_done(&f->transitions);
    free(f->tails);
    free(f->incoming);
    free(f->incoming_firsts);
}

static int refinement_init(struct refinement *f)
{
    const struct dfa *d = f->d;
    uint32_t n_states = dfa_n_states(d), n_transitions = (uint32_t)d->targets.n, n_verdicts = 0;
    CLEANUP_FREE uint32_t *labels = calloc((size_t)n_transitions + 1, sizeof(*labels));

    f->tails = calloc((size_t)n_transitions + 1, sizeof(*f->tails));
    f->incoming = calloc((size_t)n_transitions + 1, sizeof(*f->incoming));
    f->incoming_firsts = calloc((size_t)n_states + 2, sizeof(*f->incoming_firsts));
    if (!labels || !f->tails || !f->incoming || !f->incoming_firsts ||
        partition_init(&f->states, n_states) < 0 ||
        partition_init(&f->transitions, n_transitions) < 0)
        return -ENOMEM;
    for (uint32_t state = 0; state < n_states; state++) {
        n_verdicts = MAX(n_verdicts, d->verdicts.items[state] + 1);
        for (uint32_t t = d->firsts.items[state]; t < d->firsts.items[state + 1]; t++) {
            f->tails[t] = state;
            labels[t] = d->labels[t];
            f->incoming_firsts[d->targets.items[t] + 2]++;
        }
    }
    /* Shifted by one, so that filling the groups leaves each first where it belongs. */
    for (uint32_t state = 0; state < n_states; state++)
        f->incoming_firsts[state + 1] += f->incoming_firsts[state];
    for (uint32_t t = 0; t < n_transitions; t++)
        f->incoming[f->incoming_firsts[d->targets.items[t] + 1]++] = t;
    if (partition_by_key(&f->states, n_states, d->verdicts.items, n_verdicts) < 0 ||
        partition_by_key(&f->transitions, n_transitions, labels, d->n_classes) < 0)
        return -ENOMEM;
    return 0;
}

static void refinement_run(struct refinement *f)
{
    struct partition *states = &f->states, *transitions = &f->transitions;
    uint32_t state_block = 1; /* of the first blocks one need not be looked at */

    for (uint32_t label_block = 0; label_block < transitions->n_blocks; label_block++) {
        for (uint32_t i = transitions->first[label_block]; i < transitions->end[label_block]; i++)
            partition_mark(states, f->tails[transitions->elements[i]]);
        partition_split(states);
        for (; state_block < states->n_blocks; state_block++) {
            for (uint32_t i = states->first[state_block]; i < states->end[state_block]; i++) {
                uint32_t state = states->elements[i];

                for (uint32_t j = f->incoming_firsts[state]; j < f->incoming_firsts[state + 1]; j++)
                    partition_mark(transitions, f->incoming[j]);
            }
            partition_split(transitions);
        }
    }
}

/* Writes the automaton of the blocks, each by its first element. */
static int refinement_quotient(const struct refinement *f, struct dfa *ret)
{
    const struct dfa *d = f->d;
    const struct partition *states = &f->states;

    ret->n_classes = d->n_classes;
    ret->start = states->block_of[d->start];
    for (uint32_t b = 0; b < states->n_blocks; b++) {
        uint32_t state = states->elements[states->first[b]];

        if (dfa_add_state(ret, d->verdicts.items[state]) < 0)
            return -ENOMEM;
        for (uint32_t t = d->firsts.items[state]; t < d->firsts.items[state + 1]; t++)
            if (dfa_add_transition(ret, d->labels[t], states->block_of[d->targets.items[t]]) < 0)
                return -ENOMEM;
    }
    return dfa_end(ret);
}

int dfa_minimise(struct dfa *ret, const struct dfa *d)
{
    struct refinement f = {.d = d};
    int r = refinement_init(&f);

    if (r == 0) {
        refinement_run(&f);
        r = refinement_quotient(&f, ret);
    }
    refinement_done(&f);
    return r;
}
