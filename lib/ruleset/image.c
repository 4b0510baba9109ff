/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ruleset/image.h"

#include <errno.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/match/automaton.h"

#define IMAGE_FIRST_LINES 64
#define IMAGE_BLAME_BYTES 2048 /* of a message that lists rules */

int image_add(struct image *im, size_t n_lines, uint32_t *ret, struct error **reterr)
{
    if (n_lines > VARMOR_MAX_LINES - im->n_lines)
        return error_set(reterr, -E2BIG, "the compiled rules need more than %d lines of 64 bytes",
                         VARMOR_MAX_LINES);
    if (n_lines > im->capacity - im->n_lines) {
        size_t capacity = im->capacity ? im->capacity : IMAGE_FIRST_LINES;
        struct varmor_line *lines;

        while (capacity - im->n_lines < n_lines)
            capacity *= 2;
        lines = reallocarray(im->lines, capacity, sizeof(*lines));
        if (!lines)
            return error_oom(reterr);
        im->lines = lines;
        im->capacity = capacity;
    }
    memset(im->lines + im->n_lines, 0, n_lines * sizeof(*im->lines));
    *ret = (uint32_t)im->n_lines;
    im->n_lines += n_lines;
    return 0;
}

unsigned image_rule_mode(const struct image *im, size_t rule)
{
    unsigned mode = im->profile->rules[rule].mode;

    if (im->profile->complain && (mode & RULE_DENY))
        mode = RULE_AUDIT;
    return mode & (RULE_DENY | RULE_AUDIT);
}

int image_blame(const struct image *im, const uint32_t *rules, size_t n_rules, int code,
                struct error **reterr)
{
    CLEANUP_BUF struct buf list = BUF_INIT(IMAGE_BLAME_BYTES);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n_rules; i++) {
        const struct rule *rule = &im->profile->rules[rules[i]];
        const char *pattern = NULL;

        if (rule->kind == RULE_FILE || rule->kind == RULE_EXEC)
            pattern = rule->path.pattern;
        else if (rule->kind == RULE_MOUNT)
            pattern = rule->mount.pattern;
        r = buf_format(&list, "%s%s", i ? ", " : "", rule->origin);
        if (r == 0 && pattern)
            r = buf_format(&list, " '%s'", error_quote(pattern));
    }
    return n_rules ? error_wrap(reterr, code, "%s", buf_text(&list)) : code;
}

int image_add_automaton(struct image *im, enum varmor_automaton_id id, const struct automaton *a,
                        const uint32_t *lines, struct error **reterr)
{
    uint32_t classes_line = 0, cells_line = 0;
    struct varmor_cell *cells;
    int r;

    r = image_add(im, sizeof(a->classes) / (sizeof(struct varmor_line)), &classes_line, reterr);
    if (r < 0)
        return r;
    memcpy(im->lines + classes_line, a->classes, sizeof(a->classes));
    r = image_add(im, a->n_cells / VARMOR_CELLS_PER_LINE, &cells_line, reterr);
    if (r < 0)
        return r;
    cells = (struct varmor_cell *)(im->lines + cells_line);
    memcpy(cells, a->cells, a->n_cells * sizeof(*cells));
    for (uint32_t i = 0; i < a->n_cells; i++)
        if ((cells[i].owner & VARMOR_CELL_RECORD) && cells[i].next)
            cells[i].next = lines[cells[i].next - 1];
    image_index(im)->automata[id] = (struct varmor_automaton){.n_cells = a->n_cells,
                                                              .n_classes = a->n_classes,
                                                              .start = a->start,
                                                              .classes_line = classes_line,
                                                              .cells_line = cells_line};
    return 0;
}
