/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that no reference in an image leads out of it, so that the judges may follow them all. */
#include "lib/ruleset/ruleset.h"

#include <errno.h>
#include <string.h>

#define CAPABILITY_LINES 2 /* of cap_rules_line: 64 rule numbers */

struct check {
    const struct varmor_line *lines;
    size_t n_lines;
    const struct varmor_front *front;
    struct error **reterr;
};

/* True if n lines from line on are in the image and behind its head. */
static bool check_has_lines(const struct check *c, uint64_t line, uint64_t n)
{
    uint64_t head =
        (sizeof(struct varmor_front) + sizeof(struct varmor_index) + sizeof(struct varmor_name)) /
        sizeof(struct varmor_line);

    return line >= head && line + n <= c->n_lines;
}

static bool check_rules(const struct check *c, const varmor_u16 *rules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rules[i] != VARMOR_NO_RULE && rules[i] >= c->front->n_rules)
            return false;
    return true;
}

static bool check_verdict(const struct check *c, uint32_t line)
{
    const struct varmor_verdict *v;

    if (!check_has_lines(c, line, 1))
        return false;
    v = (const struct varmor_verdict *)(c->lines + line);
    return check_rules(c, v->rule, ARRAY_SIZE(v->rule));
}

static bool check_mount_list(const struct check *c, uint32_t line)
{
    const struct varmor_mount_rule *rules;
    uint32_t n;

    if (!check_has_lines(c, line, 1))
        return false;
    n = ((const struct varmor_mount_list *)(c->lines + line))->n_rules;
    rules = (const struct varmor_mount_rule *)(c->lines + line + 1);
    if (n > VARMOR_MAX_MOUNTRULES || !check_has_lines(c, line, 1 + (uint64_t)n))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!check_rules(c, &rules[i].rule, 1) ||
            !memchr(rules[i].fstype, '\0', sizeof(rules[i].fstype)))
            return false;
    return true;
}

/* True if a word names a state: a cell that is a record, with room for its row behind it. */
static bool check_state(const struct varmor_automaton *a, const struct varmor_cell *cells,
                        uint32_t word)
{
    uint32_t state = word & VARMOR_CELL_STATE;

    return (uint64_t)state + a->n_classes < a->n_cells && (cells[state].owner & VARMOR_CELL_RECORD);
}

static bool check_cells(const struct check *c, const struct varmor_automaton *a, bool mounts)
{
    const struct varmor_cell *cells = (const struct varmor_cell *)(c->lines + a->cells_line);

    for (uint32_t i = 0; i < a->n_cells; i++) {
        const struct varmor_cell *cell = &cells[i];

        if (!(cell->owner & VARMOR_CELL_RECORD)) {
            if (!check_state(a, cells, cell->next))
                return false;
            continue;
        }
        if (!check_state(a, cells, cell->owner))
            return false;
        if (cell->next &&
            !(mounts ? check_mount_list(c, cell->next) : check_verdict(c, cell->next)))
            return false;
    }
    return a->start <= VARMOR_CELL_STATE && check_state(a, cells, a->start);
}

static int check_automaton(const struct check *c, unsigned id)
{
    const struct varmor_index *index = (const struct varmor_index *)(c->lines + 1);
    const struct varmor_automaton *a = &index->automata[id];
    const uint8_t *classes;

    if (a->n_cells == 0)
        return 0;
    if (a->n_cells > VARMOR_MAX_CELLS || a->n_cells % VARMOR_CELLS_PER_LINE ||
        !check_has_lines(c, a->cells_line, a->n_cells / VARMOR_CELLS_PER_LINE))
        return error_set(c->reterr, -EINVAL,
                         "automaton %u: %u cells at line %u are not in the image", id, a->n_cells,
                         a->cells_line);
    if (!check_has_lines(c, a->classes_line, 256 / sizeof(struct varmor_line)))
        return error_set(c->reterr, -EINVAL,
                         "automaton %u: line %u of its classes is not in the image", id,
                         a->classes_line);
    classes = (const uint8_t *)(c->lines + a->classes_line);
    for (unsigned b = 0; b < 256; b++)
        if (classes[b] >= a->n_classes)
            return error_set(c->reterr, -EINVAL, "automaton %u: byte %u has class %u of %u", id, b,
                             classes[b], a->n_classes);
    if (!check_cells(c, a, id == VARMOR_MOUNT_SOURCE))
        return error_set(c->reterr, -EINVAL, "automaton %u: a cell leads out of the image", id);
    return 0;
}

static int check_tables(const struct check *c)
{
    const struct varmor_front *f = c->front;
    uint32_t sockets_line = ((const struct varmor_index *)(c->lines + 1))->sockets_line;
    const struct varmor_socket_cell *cell;

    if (f->cap_deny | f->cap_audit) {
        if (!check_has_lines(c, f->cap_rules_line, CAPABILITY_LINES) ||
            !check_rules(c, (const varmor_u16 *)(c->lines + f->cap_rules_line), 64))
            return error_set(c->reterr, -EINVAL, "line %u holds no rules of capabilities",
                             f->cap_rules_line);
    }
    if (!check_rules(c, f->ptrace_rule, ARRAY_SIZE(f->ptrace_rule)))
        return error_set(c->reterr, -EINVAL, "the front names a ptrace rule that is not there");
    if (sockets_line == 0)
        return 0;
    if (!check_has_lines(c, sockets_line, VARMOR_SOCKET_DOMAINS))
        return error_set(c->reterr, -EINVAL, "line %u holds no socket table", sockets_line);
    cell = (const struct varmor_socket_cell *)(c->lines + sockets_line);
    for (unsigned i = 0; i < VARMOR_SOCKET_DOMAINS; i++)
        if (!check_rules(c, cell[i].type_rule, ARRAY_SIZE(cell[i].type_rule)) ||
            !check_rules(c, cell[i].proto_rule, ARRAY_SIZE(cell[i].proto_rule)))
            return error_set(c->reterr, -EINVAL, "address family %u names a rule that is not there",
                             i);
    return 0;
}

int ruleset_check_image(const struct varmor_line *lines, size_t n_lines, struct error **reterr)
{
    struct check c = {.lines = lines, .n_lines = n_lines, .reterr = reterr};
    int r;

    if (n_lines < 1 || n_lines > VARMOR_MAX_LINES)
        return error_set(reterr, -EINVAL, "%zu lines are not an image", n_lines);
    c.front = (const struct varmor_front *)lines;
    if (c.front->magic != VARMOR_MAGIC)
        return error_set(reterr, -EINVAL, "no image: it begins with %08x", c.front->magic);
    if (c.front->n_lines != n_lines || !check_has_lines(&c, n_lines, 0))
        return error_set(reterr, -EINVAL, "an image of %u lines is %zu lines long",
                         c.front->n_lines, n_lines);
    if (c.front->n_rules < 1 || c.front->n_rules > VARMOR_MAX_RULES)
        return error_set(reterr, -EINVAL, "%u rules: 1 to %d", c.front->n_rules, VARMOR_MAX_RULES);
    for (unsigned id = 0; id < VARMOR_N_AUTOMATA; id++) {
        r = check_automaton(&c, id);
        if (r < 0)
            return r;
    }
    return check_tables(&c);
}
