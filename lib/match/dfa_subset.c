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
    struct id_list stack;            /* of steps that are still to be followed */
    struct id_list set;              /* the set under construction */
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
    return id_list_add(&s->item_firsts, 0);
}

static int subset_compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Drops from the set what an ALWAYS step in it makes pointless. */
static void subset_prune(struct subset *s)
{
    const struct program_step *steps = s->g->steps;
    size_t n_kept = 0;

    for (size_t i = 0; i < s->set.n; i++) {
        uint32_t item = s->set.items[i];
        bool kept = true;

        for (size_t j = 0; kept && j < s->set.n; j++) {
            uint32_t always = s->set.items[j];

            if (steps[always].op != PROGRAM_ALWAYS || always == item)
                continue;
            /* Of two that cover each other the first stays. */
            if (steps[item].rule == steps[always].rule)
                kept = steps[item].op == PROGRAM_ALWAYS && item < always;
            else
                kept = !s->meaning->covered ||
                       !s->meaning->covered(s->meaning->data, steps[item].rule, steps[always].rule);
        }
        s->marks[item] = kept ? s->turn : 0;
    }
    for (size_t i = 0; i < s->set.n; i++)
        if (s->marks[s->set.items[i]] == s->turn)
            s->set.items[n_kept++] = s->set.items[i];
    s->set.n = n_kept;
}

/* Makes s->set from what s->stack leads to: follows splits, sorts, prunes. */
static int subset_close(struct subset *s)
{
    const struct program_step *steps = s->g->steps;
    bool has_always = false;

    s->turn++;
    s->set.n = 0;
    while (s->stack.n > 0) {
        uint32_t step = s->stack.items[--s->stack.n];

        if (s->marks[step] == s->turn)
            continue;
        s->marks[step] = s->turn;
        has_always = has_always || steps[step].op == PROGRAM_ALWAYS;
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
    if (has_always && s->set.n > 1)
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
        if (state == AUTOMATON_MAX_STATES)
            return error_set(reterr, -E2BIG, "the patterns together need more than %d states",
                             AUTOMATON_MAX_STATES);
        if (s->items.n + s->set.n > AUTOMATON_MAX_ITEMS)
            return error_set(reterr, -E2BIG,
                             "the patterns together need more than %d members of state sets",
                             AUTOMATON_MAX_ITEMS);
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

/* Fills s->moves with the steps that each class leads to from a state. */
static int subset_collect_moves(struct subset *s, uint32_t state)
{
    int r = 0;

    for (unsigned c = 0; c < s->dfa->n_classes; c++)
        s->moves[c].n = 0;
    for (uint32_t i = s->item_firsts.items[state]; i < s->item_firsts.items[state + 1]; i++) {
        uint32_t item = s->items.items[i];
        const struct program_step *step = &s->g->steps[item];

        if (step->op == PROGRAM_BYTE) {
            r = id_list_add(&s->moves[s->classes[step->byte]], step->next);
        } else if (step->op == PROGRAM_SET || step->op == PROGRAM_ALWAYS) {
            for (unsigned c = 0; r == 0 && c < s->dfa->n_classes; c++)
                if (step->op == PROGRAM_ALWAYS)
                    r = id_list_add(&s->moves[c], item);
                else if (pattern_set_has(&s->set_classes[step->other], (uint8_t)c))
                    r = id_list_add(&s->moves[c], step->next);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static bool subset_same_moves(const struct id_list *a, const struct id_list *b)
{
    return a->n == b->n && memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0;
}

/* Adds a state's transitions to the dfa. Most classes lead where the class before them does. */
static int subset_expand(struct subset *s, uint32_t state, struct error **reterr)
{
    const struct id_list *before = NULL;
    uint32_t verdict, target = 0;
    int r;

    r = subset_verdict(s, state, &verdict, reterr);
    if (r < 0)
        return r;
    if (dfa_add_state(s->dfa, verdict) < 0 || subset_collect_moves(s, state) < 0)
        return error_oom(reterr);
    for (unsigned c = 0; c < s->dfa->n_classes; c++) {
        const struct id_list *moves = &s->moves[c];

        if (moves->n == 0)
            continue;
        if (!before || !subset_same_moves(moves, before)) {
            if (id_list_reserve(&s->stack, moves->n) < 0)
                return error_oom(reterr);
            memcpy(s->stack.items, moves->items, moves->n * sizeof(*moves->items));
            s->stack.n = moves->n;
            if (subset_close(s) < 0)
                return error_oom(reterr);
            r = subset_put_state(s, &target, reterr);
            if (r < 0)
                return r;
            before = moves;
        }
        if (dfa_add_transition(s->dfa, (uint8_t)c, target) < 0)
            return error_oom(reterr);
    }
    if (s->dfa->targets.n > AUTOMATON_MAX_TRANSITIONS)
        return error_set(reterr, -E2BIG, "the patterns together need more than %d transitions",
                         AUTOMATON_MAX_TRANSITIONS);
    return 0;
}

/* Which rules have steps in the most states. No memory: no blame. */
static void subset_blame(const struct subset *s, struct automaton_blame *ret)
{
    CLEANUP_FREE uint32_t *counts = NULL;
    uint32_t n_rules = 0;

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
