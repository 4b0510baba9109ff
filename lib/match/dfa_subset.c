/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subset construction. A state of the dfa is the set of the program's steps that a text can have
 * led to, without splits, in ascending order.
 *
 * Once an ALWAYS step is in a set, steps of rules that it covers are taken out: they cannot change
 * a verdict any more. Without that, n patterns like "XX/a/XX" would need a state for each subset of
 * those seen.
 */
#include "lib/match/dfa.h"

#include <assert.h>
#include <string.h>

struct subset {
    const struct program *g;
    const uint8_t *classes;
    const struct automaton_meaning *meaning;
    struct dfa *dfa;
    struct pattern_set *set_classes; /* owned; by set: the classes in it, as bits */
    struct id_list items;            /* the sets of all states, one behind the other */
    struct id_list item_firsts;      /* by state, and one more */
    struct id_table table;           /* of states by set */
    struct id_list moves[256];       /* by class: where the state at hand leads */
    struct id_list common;           /* where it leads by every class */
    struct id_list always;           /* ALWAYS steps of the set under construction */
    uint32_t max_states;
    struct id_list stack; /* of steps that are still to be followed */
    struct id_list set;   /* the set under construction */
    struct id_list rules;
    uint32_t *marks; /* owned; by step: the turn in which it was last put into a set */
    uint32_t turn;
};

static void subset_done(struct subset *s)
{
    free(s->set_classes);
    free(s->marks);
    id_table_done(&s->table);
    id_list_done(&s->items);
    id_list_done(&s->item_firsts);
    id_list_done(&s->stack);
    id_list_done(&s->set);
    id_list_done(&s->rules);
    id_list_done(&s->common);
    id_list_done(&s->always);
    for (size_t i = 0; i < ARRAY_SIZE(s->moves); i++)
        id_list_done(&s->moves[i]);
}

static int subset_init(struct subset *s)
{
    s->marks = calloc(s->g->n_steps + 1, sizeof(*s->marks));
    s->set_classes = calloc(s->g->n_sets + 1, sizeof(*s->set_classes));
    if (!s->marks || !s->set_classes)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->g->n_sets; i++)
        for (unsigned b = 0; b < 256; b++)
            if (pattern_set_has(&s->g->sets[i], (uint8_t)b))
                s->set_classes[i].bits[s->classes[b] / 64] |= 1ULL << (s->classes[b] % 64);
    s->max_states = AUTOMATON_MAX_STATES;
    if (s->meaning->max_states)
        s->max_states = MIN(s->max_states, s->meaning->max_states);
    return id_list_add(&s->item_firsts, 0);
}

static bool subset_is_every_class(const struct subset *s, const struct pattern_set *classes)
{
    for (unsigned c = 0; c < s->dfa->n_classes; c++)
        if (!pattern_set_has(classes, (uint8_t)c))
            return false;
    return true;
}

static int subset_compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* True if an item makes no difference beside an ALWAYS item of the same set. */
static bool subset_is_pointless(const struct subset *s, uint32_t item, uint32_t always)
{
    const struct program_step *i = &s->g->steps[item], *a = &s->g->steps[always];
    const struct automaton_meaning *m = s->meaning;

    if (a->op != PROGRAM_ALWAYS || always == item)
        return false;
    if (i->rule == a->rule)
        return i->op != PROGRAM_ALWAYS || item > always;
    if (!m->covered || !m->covered(m->data, i->rule, a->rule))
        return false;
    return i->op != PROGRAM_ALWAYS || i->rule > a->rule || !m->covered(m->data, a->rule, i->rule);
}

/* Drops from the set what an ALWAYS item in it makes pointless. What is dropped covers nothing that
 * the one that made it so does not. */
static void subset_prune(struct subset *s)
{
    size_t n_kept = 0;

    for (size_t i = 0; i < s->set.n; i++) {
        bool kept = true;

        for (size_t j = 0; kept && j < s->always.n; j++)
            kept = !subset_is_pointless(s, s->set.items[i], s->always.items[j]);
        if (kept)
            s->set.items[n_kept++] = s->set.items[i];
    }
    s->set.n = n_kept;
}

/* Makes s->set from what s->stack leads to: follows splits, sorts, prunes. */
static int subset_close(struct subset *s)
{
    const struct program_step *steps = s->g->steps;

    s->turn++;
    s->set.n = 0;
    s->always.n = 0;
    while (s->stack.n > 0) {
        uint32_t step = s->stack.items[--s->stack.n];

        if (s->marks[step] == s->turn)
            continue;
        s->marks[step] = s->turn;
        if (steps[step].op == PROGRAM_ALWAYS && id_list_add(&s->always, step) < 0)
            return -ENOMEM;
        if (steps[step].op != PROGRAM_SPLIT) {
            if (id_list_add(&s->set, step) < 0)
                return -ENOMEM;
        } else if (id_list_add(&s->stack, steps[step].next) < 0 ||
                   id_list_add(&s->stack, steps[step].other) < 0) {
            return -ENOMEM;
        }
    }
    if (s->set.n > 1)
        qsort(s->set.items, s->set.n, sizeof(*s->set.items), subset_compare_ids);
    if (s->always.n > 0 && s->set.n > 1)
        subset_prune(s);
    return 0;
}

static bool subset_same(const void *data, uint32_t state)
{
    const struct subset *s = data;
    uint32_t first = s->item_firsts.items[state];
    size_t n = s->item_firsts.items[state + 1] - first;

    return n == s->set.n &&
           memcmp(s->items.items + first, s->set.items, n * sizeof(*s->set.items)) == 0;
}

/* The state whose set is s->set; a new one is queued behind those known. */
static int subset_put_state(struct subset *s, uint32_t *ret, struct error **reterr)
{
    uint32_t hash = id_table_hash(s->set.items, s->set.n * sizeof(*s->set.items));
    uint32_t state = id_table_find(&s->table, hash, subset_same, s);

    if (state == ID_TABLE_NONE) {
        state = (uint32_t)s->item_firsts.n - 1;
        if (state == s->max_states)
            return error_set(reterr, -E2BIG, "the patterns together need more than %u states",
                             s->max_states);
        if ((s->items.n + s->set.n) / AUTOMATON_ITEMS_PER_STATE > s->max_states)
            return error_set(reterr, -E2BIG,
                             "the patterns together need more than %u members of state sets",
                             AUTOMATON_ITEMS_PER_STATE * s->max_states);
        if (id_list_reserve(&s->items, s->set.n) < 0 || id_table_reserve(&s->table, 1) < 0)
            return error_oom(reterr);
        memcpy(s->items.items + s->items.n, s->set.items, s->set.n * sizeof(*s->set.items));
        s->items.n += s->set.n;
        id_table_put(&s->table, hash, state);
        if (id_list_add(&s->item_firsts, (uint32_t)s->items.n) < 0)
            return error_oom(reterr);
    }
    *ret = state;
    return 0;
}

static int subset_verdict(struct subset *s, uint32_t state, uint32_t *ret, struct error **reterr)
{
    int r;

    *ret = 0;
    s->rules.n = 0;
    for (uint32_t i = s->item_firsts.items[state]; i < s->item_firsts.items[state + 1]; i++) {
        const struct program_step *step = &s->g->steps[s->items.items[i]];

        if (step->op != PROGRAM_MATCH && step->op != PROGRAM_ALWAYS)
            continue;
        if (s->rules.n > 0 && s->rules.items[s->rules.n - 1] == step->rule)
            continue;
        if (id_list_add(&s->rules, step->rule) < 0)
            return error_oom(reterr);
    }
    if (s->rules.n == 0)
        return 0;
    r = s->meaning->verdict(s->meaning->data, s->rules.items, s->rules.n, ret);
    return r == -ENOMEM ? error_oom(reterr) : r;
}

/* Adds where a step leads to s->common or to s->moves. */
static int subset_add_moves(struct subset *s, uint32_t item)
{
    const struct program_step *step = &s->g->steps[item];
    const struct pattern_set *classes = &s->set_classes[step->op == PROGRAM_SET ? step->other : 0];
    int r = 0;

    switch (step->op) {
    case PROGRAM_BYTE:
        return id_list_add(&s->moves[s->classes[step->byte]], step->next);
    case PROGRAM_ALWAYS:
        return id_list_add(&s->common, item);
    case PROGRAM_SET:
        if (subset_is_every_class(s, classes))
            return id_list_add(&s->common, step->next);
        for (unsigned c = 0; r == 0 && c < s->dfa->n_classes; c++)
            if (pattern_set_has(classes, (uint8_t)c))
                r = id_list_add(&s->moves[c], step->next);
        return r;
    default:
        return 0;
    }
}

static int subset_collect_moves(struct subset *s, uint32_t state)
{
    int r = 0;

    s->common.n = 0;
    for (unsigned c = 0; c < s->dfa->n_classes; c++)
        s->moves[c].n = 0;
    for (uint32_t i = s->item_firsts.items[state]; r == 0 && i < s->item_firsts.items[state + 1];
         i++)
        r = subset_add_moves(s, s->items.items[i]);
    return r;
}

static bool subset_same_moves(const struct id_list *a, const struct id_list *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0);
}

/* The state that the moves of one class and those of every class lead to. */
static int subset_follow(struct subset *s, const struct id_list *moves, uint32_t *ret,
                         struct error **reterr)
{
    const struct id_list *lists[] = {&s->common, moves};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        if (lists[i]->n == 0)
            continue;
        if (id_list_reserve(&s->stack, lists[i]->n) < 0)
            return error_oom(reterr);
        memcpy(s->stack.items + s->stack.n, lists[i]->items, lists[i]->n * sizeof(uint32_t));
        s->stack.n += lists[i]->n;
    }
    if (subset_close(s) < 0)
        return error_oom(reterr);
    return subset_put_state(s, ret, reterr);
}

/* Adds a state's transitions to the dfa. Classes without moves of their own lead to one state, and
 * most others lead where the class before them does. */
static int subset_expand(struct subset *s, uint32_t state, struct error **reterr)
{
    const struct id_list *before = NULL;
    uint32_t verdict, target = 0, common_target = ID_TABLE_NONE;
    int r;

    r = subset_verdict(s, state, &verdict, reterr);
    if (r < 0)
        return r;
    if (dfa_add_state(s->dfa, verdict) < 0 || subset_collect_moves(s, state) < 0)
        return error_oom(reterr);
    for (unsigned c = 0; c < s->dfa->n_classes; c++) {
        const struct id_list *moves = &s->moves[c];

        if (moves->n == 0 && s->common.n == 0)
            continue;
        if (moves->n == 0 && common_target == ID_TABLE_NONE)
            r = subset_follow(s, moves, &common_target, reterr);
        else if (moves->n > 0 && (!before || !subset_same_moves(moves, before)))
            r = subset_follow(s, moves, &target, reterr);
        if (r < 0)
            return r;
        before = moves->n > 0 ? moves : before;
        if (dfa_add_transition(s->dfa, (uint8_t)c, moves->n > 0 ? target : common_target) < 0)
            return error_oom(reterr);
    }
    if (s->dfa->targets.n / AUTOMATON_TRANSITIONS_PER_STATE > s->max_states)
        return error_set(reterr, -E2BIG, "the patterns together need more than %u transitions",
                         AUTOMATON_TRANSITIONS_PER_STATE * s->max_states);
    return 0;
}

/* Which rules have steps in the most states. No memory: no blame. */
static void subset_blame(const struct subset *s, struct automaton_blame *ret)
{
    CLEANUP_FREE uint32_t *counts = NULL;
    uint32_t n_rules = 1;

    *ret = (struct automaton_blame){0};
    for (uint32_t i = 0; i < s->g->n_steps; i++)
        n_rules = MAX(n_rules, s->g->steps[i].rule + 1);
    counts = calloc(n_rules, sizeof(*counts));
    if (!counts)
        return;
    for (size_t i = 0; i < s->items.n; i++)
        counts[s->g->steps[s->items.items[i]].rule]++;
    while (ret->n_rules < AUTOMATON_MAX_BLAMED) {
        uint32_t worst = 0;

        for (uint32_t rule = 1; rule < n_rules; rule++)
            if (counts[rule] > counts[worst])
                worst = rule;
        if (counts[worst] == 0)
            break;
        counts[worst] = 0;
        ret->rules[ret->n_rules++] = worst;
    }
}

static int subset_run(struct subset *s, struct error **reterr)
{
    uint32_t start;
    int r;

    assert(s->g->starts.n > 0);
    if (subset_init(s) < 0 || id_list_reserve(&s->stack, s->g->starts.n) < 0)
        return error_oom(reterr);
    memcpy(s->stack.items, s->g->starts.items, s->g->starts.n * sizeof(*s->stack.items));
    s->stack.n = s->g->starts.n;
    if (subset_close(s) < 0)
        return error_oom(reterr);
    r = subset_put_state(s, &start, reterr);
    for (uint32_t state = 0; r == 0 && state < s->item_firsts.n - 1; state++)
        r = subset_expand(s, state, reterr);
    if (r == 0 && dfa_end(s->dfa) < 0)
        return error_oom(reterr);
    return r;
}

int dfa_from_program(struct dfa *ret, const struct program *g, const uint8_t classes[static 256],
                     unsigned n_classes, const struct automaton_meaning *meaning,
                     struct automaton_blame *ret_blame, struct error **reterr)
{
    struct subset s = {.g = g, .classes = classes, .meaning = meaning, .dfa = ret};
    int r;

    ret->n_classes = n_classes;
    r = subset_run(&s, reterr);
    if (r == -E2BIG)
        subset_blame(&s, ret_blame);
    subset_done(&s);
    return r;
}
