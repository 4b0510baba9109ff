/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/match/automaton.h"

#include "lib/match/dfa.h"

struct automaton *automaton_free(struct automaton *a)
{
    if (a) {
        free(a->cells);
        free(a);
    }
    return NULL;
}

struct automaton_parts { /* what a build needs on its way */
    struct program program;
    struct dfa subsets, minimal;
};

static int automaton_assemble(struct automaton *a, struct automaton_parts *parts,
                              const struct automaton_input *inputs, size_t n_inputs,
                              const struct automaton_meaning *meaning,
                              struct automaton_blame *ret_blame, struct error **reterr)
{
    unsigned n_classes;
    int r;

    for (size_t i = 0; i < n_inputs; i++) {
        r = program_add(&parts->program, inputs[i].pattern, inputs[i].rule, reterr);
        if (r < 0)
            return r;
    }
    n_classes = program_classes(&parts->program, a->classes);
    r = dfa_from_program(&parts->subsets, &parts->program, a->classes, n_classes, meaning,
                         ret_blame, reterr);
    if (r < 0)
        return r;
    if (dfa_minimise(&parts->minimal, &parts->subsets) < 0)
        return error_oom(reterr);
    a->n_states = dfa_n_states(&parts->minimal);
    return dfa_pack(a, &parts->minimal, reterr);
}

int automaton_build(struct automaton **ret, const struct automaton_input *inputs, size_t n_inputs,
                    bool backward, const struct automaton_meaning *meaning,
                    struct automaton_blame *ret_blame, struct error **reterr)
{
    CLEANUP(automaton_free) struct automaton *a = calloc(1, sizeof(*a));
    struct automaton_parts parts = {0};
    int r = 0;

    if (!a)
        return error_oom(reterr);
    *ret_blame = (struct automaton_blame){0};
    program_init(&parts.program, backward);
    if (n_inputs > 0)
        r = automaton_assemble(a, &parts, inputs, n_inputs, meaning, ret_blame, reterr);
    dfa_done(&parts.minimal);
    dfa_done(&parts.subsets);
    program_done(&parts.program);
    if (r < 0)
        return r;
    *ret = TAKE(a);
    return 0;
}

uint32_t automaton_walk(const struct varmor_cell *cells, const uint8_t classes[static 256],
                        uint32_t start, bool backward, const char *text, size_t len)
{
    uint32_t state = start, next, fallback = 0, fallback_of = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)text[backward ? len - 1 - i : i];
        const struct varmor_cell *cell = &cells[state + 1 + classes[byte]];

        if (cell->owner == state) {
            next = cell->next;
        } else {
            if (fallback_of != state)
                fallback = cells[state].owner;
            fallback_of = state;
            next = fallback;
        }
        state = next & VARMOR_CELL_STATE;
        if (next & VARMOR_CELL_STOP)
            break;
    }
    return cells[state].next;
}

/* True if some text of the node begins with a wildcard; *ret_empty: some text of it is empty. */
static bool automaton_begins_wild(const struct pattern *p, uint32_t node, bool *ret_empty)
{
    const struct pattern_node *n = &p->nodes[node];
    bool wild = false, any_empty = false, empty = true;

    *ret_empty = false;
    switch (n->kind) {
    case PATTERN_BYTE:
    case PATTERN_SET:
        return false;
    case PATTERN_STAR:
    case PATTERN_FOLDERS:
        return true;
    case PATTERN_CHOICE:
        for (uint32_t child = n->first_child; child; child = p->nodes[child].sibling) {
            wild = automaton_begins_wild(p, child, &empty) || wild;
            any_empty = any_empty || empty;
        }
        *ret_empty = any_empty;
        return wild;
    case PATTERN_SEQUENCE:
        for (uint32_t child = n->first_child; child && empty && !wild;
             child = p->nodes[child].sibling)
            wild = automaton_begins_wild(p, child, &empty);
        *ret_empty = empty && !wild;
        return wild;
    }
    return false;
}

bool automaton_prefers_backward(const struct pattern *p)
{
    uint32_t first = p->nodes[0].first_child;
    const struct pattern_node *n = &p->nodes[first];
    bool empty = true;

    if (first && n->kind == PATTERN_BYTE && n->byte == '/')
        first = n->sibling;
    for (; first && empty; first = p->nodes[first].sibling)
        if (automaton_begins_wild(p, first, &empty))
            return true;
    return false;
}
