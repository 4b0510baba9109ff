/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/match/program.h"

#include <errno.h>
#include <string.h>

/* What one node can become at most: a set with characters is one step, chains of 2, 3 and 4, and
 * three splits; it uses one set of its own and four for characters. */
#define PROGRAM_STEPS_PER_NODE 13
#define PROGRAM_SETS_PER_NODE  5

void program_init(struct program *g, bool backward)
{
    *g = (struct program){.backward = backward};
}

void program_done(struct program *g)
{
    free(g->steps);
    free(g->sets);
    id_table_done(&g->set_table);
    id_list_done(&g->starts);
    id_list_done(&g->scratch);
    *g = (struct program){0};
}

/* Room for one more pattern, so that emitting its steps cannot fail. */
static int program_reserve(struct program *g, const struct pattern *p)
{
    uint32_t n_steps = g->n_steps + p->n_nodes * PROGRAM_STEPS_PER_NODE + 1;
    uint32_t n_sets = g->n_sets + p->n_nodes * PROGRAM_SETS_PER_NODE;

    if (n_steps > g->step_capacity) {
        uint32_t capacity = MAX(n_steps, g->step_capacity + g->step_capacity / 2);
        struct program_step *steps = reallocarray(g->steps, capacity, sizeof(*steps));

        if (!steps)
            return -ENOMEM;
        g->steps = steps;
        g->step_capacity = capacity;
    }
    if (n_sets > g->set_capacity) {
        uint32_t capacity = MAX(n_sets, g->set_capacity + g->set_capacity / 2);
        struct pattern_set *sets = reallocarray(g->sets, capacity, sizeof(*sets));

        if (!sets)
            return -ENOMEM;
        g->sets = sets;
        g->set_capacity = capacity;
    }
    return id_table_reserve(&g->set_table, n_sets - g->n_sets);
}

struct program_set_key {
    const struct program *g;
    const struct pattern_set *set;
};

static bool program_same_set(const void *data, uint32_t id)
{
    const struct program_set_key *key = data;

    return memcmp(&key->g->sets[id], key->set, sizeof(*key->set)) == 0;
}

static uint32_t program_put_set(struct program *g, const struct pattern_set *set)
{
    struct program_set_key key = {.g = g, .set = set};
    uint32_t hash = id_table_hash(set, sizeof(*set));
    uint32_t id = id_table_find(&g->set_table, hash, program_same_set, &key);

    if (id != ID_TABLE_NONE)
        return id;
    g->sets[g->n_sets] = *set;
    id_table_put(&g->set_table, hash, g->n_sets);
    return g->n_sets++;
}

static uint32_t emit(struct program *g, struct program_step step)
{
    if (step.op != PROGRAM_MATCH)
        step.rule = g->steps[step.next].rule;
    g->steps[g->n_steps] = step;
    return g->n_steps++;
}

static uint32_t emit_byte(struct program *g, uint8_t byte, uint32_t next)
{
    return emit(g, (struct program_step){.op = PROGRAM_BYTE, .byte = byte, .next = next});
}

static uint32_t emit_set(struct program *g, const struct pattern_set *set, uint32_t next)
{
    return emit(g, (struct program_step){
                       .op = PROGRAM_SET, .other = program_put_set(g, set), .next = next});
}

static uint32_t emit_range(struct program *g, unsigned first, unsigned last, uint32_t next)
{
    struct pattern_set set = {0};

    for (unsigned b = first; b <= last; b++)
        set.bits[b / 64] |= 1ULL << (b % 64);
    return emit_set(g, &set, next);
}

static uint32_t emit_split(struct program *g, uint32_t next, uint32_t other)
{
    return emit(g, (struct program_step){.op = PROGRAM_SPLIT, .next = next, .other = other});
}

/* Any run of bytes, then next. */
static uint32_t emit_star(struct program *g, bool crossing, uint32_t next)
{
    struct pattern_set set;
    uint32_t loop;

    if (crossing && g->steps[next].op == PROGRAM_MATCH)
        return emit(g, (struct program_step){.op = PROGRAM_ALWAYS, .next = next});
    if (crossing && g->steps[next].op == PROGRAM_ALWAYS)
        return next;
    memset(&set, 0xff, sizeof(set));
    if (!crossing)
        set.bits['/' / 64] &= ~(1ULL << ('/' % 64));
    loop = emit_split(g, next, next);
    g->steps[loop].next = emit_set(g, &set, loop);
    return loop;
}

/* A byte of the set, or (characters) one UTF-8 character of two to four bytes. */
static uint32_t emit_member(struct program *g, const struct pattern_set *set, bool characters,
                            uint32_t next)
{
    static const struct {
        uint8_t first, last;
        unsigned n_more;
    } leads[] = {{0xc2, 0xdf, 1}, {0xe0, 0xef, 2}, {0xf0, 0xf4, 3}};
    uint32_t entry = emit_set(g, set, next);

    for (size_t i = 0; characters && i < ARRAY_SIZE(leads); i++) {
        uint32_t chain = next;

        if (g->backward)
            chain = emit_range(g, leads[i].first, leads[i].last, chain);
        for (unsigned n = 0; n < leads[i].n_more; n++)
            chain = emit_range(g, 0x80, 0xbf, chain);
        if (!g->backward)
            chain = emit_range(g, leads[i].first, leads[i].last, chain);
        entry = emit_split(g, chain, entry);
    }
    return entry;
}

/* Nothing, or any run that ends in '/'; backward: nothing, or '/' and then any run. */
static uint32_t emit_folders(struct program *g, uint32_t next)
{
    uint32_t some;

    if (g->backward)
        some = emit_byte(g, '/', emit_star(g, true, next));
    else
        some = emit_star(g, true, emit_byte(g, '/', next));
    return emit_split(g, some, next);
}

static uint32_t emit_node(struct program *g, const struct pattern *p, uint32_t node, uint32_t next);

/* The children from first on, in the order of the text. What is consumed last is emitted first. */
static uint32_t emit_sequence(struct program *g, const struct pattern *p, uint32_t first,
                              uint32_t next)
{
    size_t bottom = g->scratch.n;

    for (uint32_t child = first; child; child = p->nodes[child].sibling) {
        if (g->backward)
            next = emit_node(g, p, child, next);
        else
            g->scratch.items[g->scratch.n++] = child;
    }
    while (g->scratch.n > bottom)
        next = emit_node(g, p, g->scratch.items[--g->scratch.n], next);
    return next;
}

static uint32_t emit_choice(struct program *g, const struct pattern *p, uint32_t first,
                            uint32_t next)
{
    uint32_t entry = emit_node(g, p, first, next);

    for (uint32_t child = p->nodes[first].sibling; child; child = p->nodes[child].sibling)
        entry = emit_split(g, emit_node(g, p, child, next), entry);
    return entry;
}

static uint32_t emit_node(struct program *g, const struct pattern *p, uint32_t node, uint32_t next)
{
    const struct pattern_node *n = &p->nodes[node];

    switch (n->kind) {
    case PATTERN_SEQUENCE:
        return emit_sequence(g, p, n->first_child, next);
    case PATTERN_CHOICE:
        return emit_choice(g, p, n->first_child, next);
    case PATTERN_BYTE:
        return emit_byte(g, n->byte, next);
    case PATTERN_SET:
        return emit_member(g, &p->sets[n->set], n->characters, next);
    case PATTERN_STAR:
        return emit_star(g, n->crossing, next);
    case PATTERN_FOLDERS:
        return emit_folders(g, next);
    }
    return next;
}

/* The front of a pattern in a backward program: on absolute paths "any folders" at the front, with
 * or without a '/' before it, is any run and '/'; and "/" with any run behind it is any run, where
 * no '/' can follow. Returns the node to go on with. */
static uint32_t emit_front(struct program *g, const struct pattern *p, uint32_t *next)
{
    uint32_t first = p->nodes[0].first_child;
    const struct pattern_node *n = &p->nodes[first], *after;

    if (first && n->kind == PATTERN_BYTE && n->byte == '/' && n->sibling) {
        n = &p->nodes[n->sibling];
        after = &p->nodes[n->sibling];
        if (n->kind == PATTERN_STAR && n->crossing &&
            (!n->sibling || (after->kind == PATTERN_BYTE && after->byte != '/'))) {
            *next = emit_star(g, true, *next);
            return n->sibling;
        }
    }
    if (first && n->kind == PATTERN_FOLDERS) {
        *next = emit_byte(g, '/', emit_star(g, true, *next));
        return n->sibling;
    }
    return first;
}

int program_add(struct program *g, const struct pattern *p, uint32_t rule, struct error **reterr)
{
    uint32_t match, first = p->nodes[0].first_child;

    if (program_reserve(g, p) < 0 || id_list_reserve(&g->starts, 1) < 0 ||
        id_list_reserve(&g->scratch, p->n_nodes) < 0)
        return error_oom(reterr);
    match = emit(g, (struct program_step){.op = PROGRAM_MATCH, .rule = rule});
    if (g->backward)
        first = emit_front(g, p, &match);
    g->starts.items[g->starts.n++] = emit_sequence(g, p, first, match);
    if (g->n_steps > PROGRAM_MAX_STEPS)
        return error_set(reterr, -E2BIG, "the patterns need more than %d steps", PROGRAM_MAX_STEPS);
    return 0;
}

/* Splits each class into the bytes that are in the set and those that are not. */
static unsigned program_refine(uint8_t classes[static 256], const struct pattern_set *set)
{
    uint16_t inside[256], outside[256];
    uint8_t old[256];
    unsigned n = 0;

    memset(inside, 0xff, sizeof(inside));
    memset(outside, 0xff, sizeof(outside));
    memcpy(old, classes, sizeof(old));
    for (unsigned b = 0; b < 256; b++) {
        uint16_t *class = pattern_set_has(set, (uint8_t)b) ? &inside[old[b]] : &outside[old[b]];

        if (*class == UINT16_MAX)
            *class = (uint16_t)n++;
        classes[b] = (uint8_t) * class;
    }
    return n;
}

unsigned program_classes(const struct program *g, uint8_t classes[static 256])
{
    bool alone[256] = {false};
    unsigned n_classes = 1;

    memset(classes, 0, 256);
    for (uint32_t i = 0; i < g->n_steps; i++)
        if (g->steps[i].op == PROGRAM_BYTE)
            alone[g->steps[i].byte] = true;
    for (unsigned b = 0; b < 256; b++) {
        struct pattern_set set = {0};

        set.bits[b / 64] |= 1ULL << (b % 64);
        if (alone[b])
            n_classes = program_refine(classes, &set);
    }
    for (uint32_t i = 0; i < g->n_sets; i++)
        n_classes = program_refine(classes, &g->sets[i]);
    return n_classes;
}
