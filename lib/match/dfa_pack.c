/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row displacement. A state's row becomes a fallback (its most frequent successor) and the cells
 * that differ; each row is laid where its record and its cells find free room, first fit, states in
 * the order of a walk in depth, so that the states of one path stand near each other.
 */
#include "lib/match/dfa.h"

#include <string.h>

#define PACK_DEAD      UINT32_MAX /* successor: the dead state */
#define PACK_MAX_TRIES 4096       /* places tried before a row goes behind all others */

struct pack_row {
    uint32_t fallback; /* state, or PACK_DEAD */
    uint32_t n_exceptions;
    uint32_t exceptions[256]; /* by n_exceptions: successors */
    uint8_t labels[256];      /* and their classes */
};

struct pack {
    const struct dfa *d;
    uint32_t *places; /* owned; by state: number of its record's cell, 0 while it has none */
    uint32_t *counts; /* owned; scratch by state, zero between uses */
    uint64_t *used;   /* owned; bits by cell */
    uint32_t lowest;  /* no free cell is below */
    uint32_t n_cells; /* one past the last used */
    struct id_list stack;
    struct varmor_cell *cells; /* owned */
};

static void pack_done(struct pack *k)
{
    free(k->places);
    free(k->counts);
    free(k->used);
    free(k->cells);
    id_list_done(&k->stack);
}

static bool pack_is_used(const struct pack *k, uint32_t cell)
{
    return k->used[cell / 64] >> (cell % 64) & 1;
}

static void pack_use(struct pack *k, uint32_t cell)
{
    k->used[cell / 64] |= 1ULL << (cell % 64);
    k->n_cells = MAX(k->n_cells, cell + 1);
}

/* The row of a state: the most frequent successor becomes the fallback; the dead state, if there is
 * a tie. */
static void pack_make_row(struct pack *k, uint32_t state, struct pack_row *row)
{
    uint32_t first = k->d->firsts.items[state], end = k->d->firsts.items[state + 1];
    uint32_t best = k->d->n_classes - (end - first);

    row->fallback = PACK_DEAD;
    row->n_exceptions = 0;
    for (uint32_t t = first; t < end; t++) {
        uint32_t target = k->d->targets.items[t];

        if (++k->counts[target] > best) {
            best = k->counts[target];
            row->fallback = target;
        }
    }
    for (uint32_t t = first, class = 0; class < k->d->n_classes; class ++) {
        bool listed = t < end && k->d->labels[t] == class;
        uint32_t target = listed ? k->d->targets.items[t] : PACK_DEAD;

        t += listed;
        if (listed)
            k->counts[target] = 0;
        if (target == row->fallback)
            continue;
        row->labels[row->n_exceptions] = (uint8_t) class;
        row->exceptions[row->n_exceptions++] = target;
    }
}

static bool pack_fits(const struct pack *k, uint32_t place, const struct pack_row *row)
{
    if (pack_is_used(k, place))
        return false;
    for (uint32_t i = 0; i < row->n_exceptions; i++)
        if (pack_is_used(k, place + 1 + row->labels[i]))
            return false;
    return true;
}

/* Finds room for a row and takes it. */
static int pack_place(struct pack *k, uint32_t state, const struct pack_row *row,
                      struct error **reterr)
{
    uint32_t place = k->lowest;

    for (uint32_t tries = 0; !pack_fits(k, place, row); tries++)
        place = tries < PACK_MAX_TRIES ? place + 1 : k->n_cells;
    if (place + 1 + k->d->n_classes > VARMOR_MAX_CELLS)
        return error_set(reterr, -E2BIG,
                         "the patterns together need more than %d cells of an automaton",
                         VARMOR_MAX_CELLS);
    k->places[state] = place;
    pack_use(k, place);
    for (uint32_t i = 0; i < row->n_exceptions; i++)
        pack_use(k, place + 1 + row->labels[i]);
    while (pack_is_used(k, k->lowest))
        k->lowest++;
    return 0;
}

/* Gives each state its place, from the start on in depth. */
static int pack_place_all(struct pack *k, struct error **reterr)
{
    struct pack_row row;
    int r;

    if (id_list_add(&k->stack, k->d->start) < 0)
        return error_oom(reterr);
    while (k->stack.n > 0) {
        uint32_t state = k->stack.items[--k->stack.n];

        if (k->places[state])
            continue;
        pack_make_row(k, state, &row);
        r = pack_place(k, state, &row, reterr);
        if (r < 0)
            return r;
        for (uint32_t t = k->d->firsts.items[state]; t < k->d->firsts.items[state + 1]; t++)
            if (!k->places[k->d->targets.items[t]] &&
                id_list_add(&k->stack, k->d->targets.items[t]) < 0)
                return error_oom(reterr);
    }
    return 0;
}

/* The word for a successor. It stops the walk if the state leads to itself whatever comes. */
static uint32_t pack_successor(const struct pack *k, uint32_t target)
{
    uint32_t first, end;
    bool stops = true;

    if (target == PACK_DEAD)
        return VARMOR_CELL_STOP;
    first = k->d->firsts.items[target];
    end = k->d->firsts.items[target + 1];
    stops = end - first == k->d->n_classes;
    for (uint32_t t = first; stops && t < end; t++)
        stops = k->d->targets.items[t] == target;
    return k->places[target] | (stops ? VARMOR_CELL_STOP : 0);
}

static void pack_write(struct pack *k)
{
    struct pack_row row;

    k->cells[0] = (struct varmor_cell){.owner = VARMOR_CELL_RECORD | VARMOR_CELL_STOP};
    for (uint32_t state = 0; state < dfa_n_states(k->d); state++) {
        uint32_t place = k->places[state];

        pack_make_row(k, state, &row);
        k->cells[place].owner = VARMOR_CELL_RECORD | pack_successor(k, row.fallback);
        k->cells[place].next = k->d->verdicts.items[state];
        for (uint32_t i = 0; i < row.n_exceptions; i++)
            k->cells[place + 1 + row.labels[i]] =
                (struct varmor_cell){.owner = place, .next = pack_successor(k, row.exceptions[i])};
    }
}

static int pack_run(struct pack *k, struct automaton *ret, struct error **reterr)
{
    uint32_t n_states = dfa_n_states(k->d);
    uint32_t last_place = 0;
    int r;

    k->places = calloc(n_states, sizeof(*k->places));
    k->counts = calloc(n_states, sizeof(*k->counts));
    /* A row that goes behind all others, and is then refused, still has its bits. */
    k->used = calloc((VARMOR_MAX_CELLS + 2 * (256 + 1)) / 64 + 1, sizeof(*k->used));
    if (!k->places || !k->counts || !k->used)
        return error_oom(reterr);
    pack_use(k, 0);
    k->lowest = 1;
    r = pack_place_all(k, reterr);
    if (r < 0)
        return r;
    for (uint32_t state = 0; state < n_states; state++)
        last_place = MAX(last_place, k->places[state]);
    k->n_cells = last_place + 1 + k->d->n_classes;
    k->n_cells +=
        (VARMOR_CELLS_PER_LINE - k->n_cells % VARMOR_CELLS_PER_LINE) % VARMOR_CELLS_PER_LINE;
    k->cells = calloc(k->n_cells, sizeof(*k->cells));
    if (!k->cells)
        return error_oom(reterr);
    pack_write(k);
    ret->cells = TAKE(k->cells);
    ret->n_cells = k->n_cells;
    ret->n_classes = k->d->n_classes;
    ret->start = k->places[k->d->start];
    return 0;
}

int dfa_pack(struct automaton *ret, const struct dfa *d, struct error **reterr)
{
    struct pack k = {.d = d};
    int r = pack_run(&k, ret, reterr);

    pack_done(&k);
    return r;
}
