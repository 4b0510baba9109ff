/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ruleset/ruleset_dump.h"

#include <errno.h>
#include <string.h>

#include "lib/match/id_list.h"

static const char *const automaton_names[] = {
    [VARMOR_FILE_FORWARD] = "file",         [VARMOR_FILE_BACKWARD] = "file",
    [VARMOR_EXEC_FORWARD] = "exec",         [VARMOR_EXEC_BACKWARD] = "exec",
    [VARMOR_MOUNT_SOURCE] = "mount source",
};
_Static_assert(ARRAY_SIZE(automaton_names) == VARMOR_N_AUTOMATA, "each automaton has a name");

static const char *const may_names[] = {"exec",     "write",  "read",   "append",
                                        "create",   "delete", "rename", "link",
                                        "truncate", "chmod",  "chown",  "setattr"};

static const struct varmor_automaton *dump_automaton(const struct ruleset *r,
                                                     enum varmor_automaton_id id)
{
    return &((const struct varmor_index *)(r->lines + 1))->automata[id];
}

static const struct varmor_cell *dump_cells(const struct ruleset *r,
                                            const struct varmor_automaton *a)
{
    return (const struct varmor_cell *)(r->lines + a->cells_line);
}

static const uint8_t *dump_classes(const struct ruleset *r, const struct varmor_automaton *a)
{
    return (const uint8_t *)(r->lines + a->classes_line);
}

/* The word for the successor of a state by a class: a state, and perhaps VARMOR_CELL_STOP. */
static uint32_t dump_successor(const struct varmor_cell *cells, uint32_t state, uint32_t class)
{
    const struct varmor_cell *cell = &cells[state + 1 + class];

    return cell->owner == state ? cell->next : cells[state].owner & ~VARMOR_CELL_RECORD;
}

/* ---- States ---- */

/* Adds a state to those that are reached, unless it is dead or among them. */
static int dump_reach(struct id_list *states, uint8_t *seen, uint32_t state)
{
    if (state == 0 || seen[state])
        return 0;
    seen[state] = 1;
    return id_list_add(states, state);
}

/* The states in the order in which they are first reached from the start. 0 or -ENOMEM. */
static int dump_states(const struct ruleset *r, const struct varmor_automaton *a,
                       struct id_list *states)
{
    CLEANUP_FREE uint8_t *seen = calloc(a->n_cells, 1);
    const struct varmor_cell *cells = dump_cells(r, a);

    if (!seen || dump_reach(states, seen, a->start) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < states->n; i++)
        for (uint32_t c = 0; c < a->n_classes; c++)
            if (dump_reach(states, seen,
                           dump_successor(cells, states->items[i], c) & VARMOR_CELL_STATE) < 0)
                return -ENOMEM;
    return 0;
}

int ruleset_measure(const struct ruleset *r, enum varmor_automaton_id id,
                    struct ruleset_automaton *ret)
{
    const struct varmor_automaton *a = dump_automaton(r, id);
    const struct varmor_cell *cells = dump_cells(r, a);
    struct id_list states = {0};

    if (a->n_cells == 0)
        return 0;
    if (dump_states(r, a, &states) < 0) {
        id_list_done(&states);
        return -ENOMEM;
    }
    *ret = (struct ruleset_automaton){
        .name = automaton_names[id],
        .backward = id == VARMOR_FILE_BACKWARD || id == VARMOR_EXEC_BACKWARD,
        .start = a->start,
        .n_states = (uint32_t)states.n,
        .n_classes = a->n_classes,
        .n_cells = a->n_cells,
    };
    for (size_t i = 0; i < states.n; i++)
        for (uint32_t c = 0; c < a->n_classes; c++) {
            uint32_t word = dump_successor(cells, states.items[i], c);

            ret->n_transitions += (word & VARMOR_CELL_STATE) != 0;
            ret->n_ends += (word & VARMOR_CELL_STATE) != 0 && (word & VARMOR_CELL_STOP);
        }
    id_list_done(&states);
    return 1;
}

/* ---- Bytes ---- */

static int dump_byte(struct buf *out, unsigned byte)
{
    if (byte > ' ' && byte < 0x7f)
        return buf_format(out, "%c", (char)byte);
    return buf_format(out, "\\x%02x", byte);
}

/* "a-z /": the bytes of a class; "the others" for the one with the most. */
static int dump_class(struct buf *out, const uint8_t *classes, unsigned class, unsigned others)
{
    int r = 0;

    if (class == others)
        return buf_add_text(out, "the others");
    for (unsigned b = 0, first = 1; b < 256 && r == 0; b++) {
        unsigned end = b;

        if (classes[b] != class)
            continue;
        while (end < 255 && classes[end + 1] == class)
            end++;
        r = first ? 0 : buf_add_text(out, " ");
        if (r == 0)
            r = dump_byte(out, b);
        if (r == 0 && end > b)
            r = buf_add_text(out, "-");
        if (r == 0 && end > b)
            r = dump_byte(out, end);
        first = 0;
        b = end;
    }
    return r;
}

/* The class with the most bytes. */
static unsigned dump_largest_class(const uint8_t *classes)
{
    unsigned counts[256] = {0}, largest = 0;

    for (unsigned b = 0; b < 256; b++)
        counts[classes[b]]++;
    for (unsigned c = 1; c < 256; c++)
        if (counts[c] > counts[largest])
            largest = c;
    return largest;
}

/* ---- What a state says ---- */

static int dump_mode(struct buf *out, bool deny, bool audit)
{
    return buf_add_text(out, deny && audit ? "deny audit" : deny ? "deny" : "audit");
}

/* "deny write append #3, audit read #5": permissions with equal modes and rules stand together. */
static int dump_verdict(struct buf *out, const struct varmor_verdict *v)
{
    unsigned left = v->deny | v->audit;
    const char *comma = "";
    int r = 0;

    while (left && r == 0) {
        unsigned lowest = (unsigned)__builtin_ctz(left);
        bool deny = v->deny >> lowest & 1, audit = v->audit >> lowest & 1;

        r = buf_add_text(out, comma);
        if (r == 0)
            r = dump_mode(out, deny, audit);
        for (unsigned b = lowest; b < ARRAY_SIZE(may_names) && r == 0; b++) {
            if (!(left >> b & 1) || v->rule[b] != v->rule[lowest] || (v->deny >> b & 1) != deny ||
                (v->audit >> b & 1) != audit)
                continue;
            left &= ~(1u << b);
            r = buf_format(out, " %s", may_names[b]);
        }
        if (r == 0)
            r = buf_format(out, " #%u", v->rule[lowest]);
        comma = ", ";
    }
    return r;
}

static int dump_mount_list(struct buf *out, const struct varmor_line *line)
{
    const struct varmor_mount_rule *rules = (const struct varmor_mount_rule *)(line + 1);
    uint32_t n = ((const struct varmor_mount_list *)line)->n_rules;
    int r = 0;

    for (uint32_t i = 0; i < n && r == 0; i++) {
        r = buf_add_text(out, i ? ", " : "");
        if (r == 0)
            r = dump_mode(out, rules[i].mode & VARMOR_PORT_DENY, rules[i].mode & VARMOR_PORT_AUDIT);
        if (r == 0)
            r = buf_format(out, " type %s flags 0x%x without 0x%x #%u", rules[i].fstype,
                           rules[i].set, rules[i].clear, rules[i].rule);
    }
    return r;
}

static int dump_says(const struct ruleset *r, enum varmor_automaton_id id, uint32_t line,
                     struct buf *out)
{
    int result;

    if (line == 0)
        return 0;
    result = buf_add_text(out, "  says ");
    if (result < 0)
        return result;
    return id == VARMOR_MOUNT_SOURCE
               ? dump_mount_list(out, r->lines + line)
               : dump_verdict(out, (const struct varmor_verdict *)(r->lines + line));
}

/* ---- Writing ---- */

/* "    by a-z to 17, which ends it\n": one line a successor, with all classes that lead there. */
static int dump_row(const struct ruleset *r, const struct varmor_automaton *a, uint32_t state,
                    unsigned others, struct buf *out)
{
    const struct varmor_cell *cells = dump_cells(r, a);
    int result = 0;

    for (uint32_t c = 0; c < a->n_classes && result == 0; c++) {
        uint32_t word = dump_successor(cells, state, c), before = 0;
        const char *comma = "";

        while (before < c && dump_successor(cells, state, before) != word)
            before++;
        if (before < c || !(word & VARMOR_CELL_STATE))
            continue; /* written already, or dead */
        result = buf_add_text(out, "    by ");
        for (uint32_t k = c; k < a->n_classes && result == 0; k++) {
            if (dump_successor(cells, state, k) != word)
                continue;
            result = buf_add_text(out, comma);
            if (result == 0)
                result = dump_class(out, dump_classes(r, a), k, others);
            comma = ", ";
        }
        if (result == 0)
            result = buf_format(out, " to %u%s\n", word & VARMOR_CELL_STATE,
                                word & VARMOR_CELL_STOP ? ", and ends" : "");
    }
    return result;
}

int ruleset_write_states(const struct ruleset *r, enum varmor_automaton_id id, struct buf *out)
{
    const struct varmor_automaton *a = dump_automaton(r, id);
    struct id_list states = {0};
    unsigned others;
    int result;

    if (a->n_cells == 0)
        return 0;
    others = dump_largest_class(dump_classes(r, a));
    result = dump_states(r, a, &states);
    for (size_t i = 0; i < states.n && result == 0; i++) {
        uint32_t state = states.items[i];

        result = buf_format(out, "  state %u%s", state, state == a->start ? " (start)" : "");
        if (result == 0)
            result = dump_says(r, id, dump_cells(r, a)[state].next, out);
        if (result == 0)
            result = buf_add_text(out, "\n");
        if (result == 0)
            result = dump_row(r, a, state, others, out);
    }
    id_list_done(&states);
    return result;
}

static struct addr dump_block(const struct varmor_prefix *key)
{
    struct addr a = {.family = key->family == VARMOR_FAMILY_IPV4 ? ADDR_IPV4 : ADDR_IPV6,
                     .prefix_len = (uint8_t)(key->prefix_len - 8)};

    memcpy(a.bytes, key->addr, sizeof(a.bytes));
    return a;
}

int ruleset_write_prefix(const struct ruleset *r, const struct ruleset_prefix *prefix,
                         struct buf *out)
{
    const struct varmor_port_set *set =
        (const struct varmor_port_set *)(r->lines + prefix->leaf.ports_line);
    const struct varmor_port_range *ranges = (const struct varmor_port_range *)(set + 1);
    struct addr block = dump_block(&prefix->key);
    char text[ADDR_TEXT_SIZE];
    int result = buf_format(out, "%s:", addr_format(&block, text));

    for (uint32_t i = 0; i < set->n_ranges && result == 0; i++) {
        const struct varmor_port_range *range = &ranges[i];

        if (range->first == 0 && range->last == UINT16_MAX)
            result = buf_format(out, "%s every port ", i ? "," : "");
        else if (range->first == range->last)
            result = buf_format(out, "%s %u ", i ? "," : "", range->first);
        else
            result = buf_format(out, "%s %u-%u ", i ? "," : "", range->first, range->last);
        if (result == 0)
            result =
                dump_mode(out, range->mode & VARMOR_PORT_DENY, range->mode & VARMOR_PORT_AUDIT);
        if (result == 0)
            result = buf_format(out, " #%u", range->rule);
    }
    return result;
}
