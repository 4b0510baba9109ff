/* SPDX-License-Identifier: Apache-2.0 */
/* File and exec rules: two automata, and the verdict lines that their states name. */
#include "lib/ruleset/image.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/match/automaton.h"
#include "lib/match/id_list.h"
#include "lib/match/id_table.h"
#include "lib/match/pattern.h"

/* States that may go into naming the first rule: a few for each byte of the patterns, and some for
 * free. */
#define PATHS_FREE_STATES     1024
#define PATHS_STATES_PER_BYTE 2

struct path_inputs {
    struct automaton_input *items; /* owned, the patterns too; room for every rule of the profile */
    size_t n;
};

struct path_verdicts {
    const struct image *im;
    bool any_rule;                /* that denies or audits may be named, not just the first */
    struct varmor_verdict *items; /* owned; each once */
    size_t n, capacity;
    struct id_table table;
};

struct paths {
    struct path_inputs inputs[2]; /* forward, backward */
    struct path_verdicts verdicts;
    struct id_list lines; /* by verdict: its line, 0 while no automaton has named it */
};

static void paths_done(struct paths *p)
{
    for (size_t d = 0; d < ARRAY_SIZE(p->inputs); d++) {
        for (size_t i = 0; i < p->inputs[d].n; i++)
            pattern_free((struct pattern *)p->inputs[d].items[i].pattern);
        free(p->inputs[d].items);
    }
    free(p->verdicts.items);
    id_table_done(&p->verdicts.table);
    id_list_done(&p->lines);
}

unsigned ruleset_expand_permissions(unsigned path_permissions)
{
    unsigned bits = 0;

    if (path_permissions & PATH_EXEC)
        bits |= VARMOR_MAY_EXEC;
    if (path_permissions & PATH_READ)
        bits |= VARMOR_MAY_READ;
    if (path_permissions & PATH_APPEND)
        bits |= VARMOR_MAY_APPEND;
    if (path_permissions & PATH_WRITE)
        bits |= VARMOR_MAY_WRITE | VARMOR_MAY_APPEND | VARMOR_MAY_CREATE | VARMOR_MAY_DELETE |
                VARMOR_MAY_RENAME | VARMOR_MAY_LINK | VARMOR_MAY_TRUNCATE | VARMOR_MAY_CHMOD |
                VARMOR_MAY_CHOWN | VARMOR_MAY_SETATTR;
    return bits;
}

struct path_masks {
    unsigned deny, audit;
};

static struct path_masks path_rule_masks(const struct image *im, size_t rule)
{
    unsigned bits = ruleset_expand_permissions(im->profile->rules[rule].path.permissions);
    unsigned mode = image_rule_mode(im, rule);

    return (struct path_masks){.deny = mode & RULE_DENY ? bits : 0,
                               .audit = mode & RULE_AUDIT ? bits : 0};
}

/* Adds a rule to a verdict; rules come in ascending order. */
static void path_verdict_add(struct varmor_verdict *v, const struct path_masks *m, uint32_t rule)
{
    for (unsigned bit = 0; bit < VARMOR_MAY_BITS; bit++) {
        unsigned mask = 1u << bit;

        if ((m->deny & mask && !(v->deny & mask)) ||
            (m->audit & mask && v->rule[bit] == VARMOR_NO_RULE))
            v->rule[bit] = (varmor_u16)rule;
    }
    v->deny |= m->deny;
    v->audit |= m->audit;
}

struct path_verdict_key {
    const struct varmor_verdict *items, *wanted;
};

static bool path_verdict_same(const void *data, uint32_t id)
{
    const struct path_verdict_key *key = data;

    return memcmp(&key->items[id], key->wanted, sizeof(*key->wanted)) == 0;
}

static int path_verdict(void *data, const uint32_t *rules, size_t n_rules, uint32_t *ret)
{
    struct path_verdicts *vs = data;
    struct varmor_verdict v = {0};
    struct path_verdict_key key = {.wanted = &v};
    uint32_t hash, id;

    memset(v.rule, 0xff, sizeof(v.rule));
    for (size_t i = 0; i < n_rules; i++) {
        struct path_masks m = path_rule_masks(vs->im, rules[i]);

        path_verdict_add(&v, &m, rules[i]);
    }
    hash = id_table_hash(&v, sizeof(v));
    key.items = vs->items;
    id = id_table_find(&vs->table, hash, path_verdict_same, &key);
    if (id == ID_TABLE_NONE) {
        if (vs->n == vs->capacity) {
            size_t capacity = vs->capacity ? 2 * vs->capacity : 16;
            struct varmor_verdict *items = reallocarray(vs->items, capacity, sizeof(*items));

            if (!items)
                return -ENOMEM;
            vs->items = items;
            vs->capacity = capacity;
        }
        if (id_table_reserve(&vs->table, 1) < 0)
            return -ENOMEM;
        id = (uint32_t)vs->n++;
        vs->items[id] = v;
        id_table_put(&vs->table, hash, id);
    }
    *ret = id + 1;
    return 0;
}

/* A later rule that asks for nothing more than an earlier one changes nothing once that one has
 * matched. */
static bool path_covered(void *data, uint32_t rule, uint32_t other)
{
    const struct path_verdicts *vs = data;
    struct path_masks m = path_rule_masks(vs->im, rule), o = path_rule_masks(vs->im, other);

    return (other < rule || vs->any_rule) && !(m.deny & ~o.deny) && !(m.audit & ~o.audit);
}

/* Parses the patterns of a kind and tells them apart by direction. */
static int paths_collect(struct paths *p, struct image *im, enum rule_kind kind,
                         struct error **reterr)
{
    int r;

    for (size_t d = 0; d < ARRAY_SIZE(p->inputs); d++) {
        p->inputs[d].items = calloc(im->profile->n_rules, sizeof(*p->inputs[d].items));
        if (!p->inputs[d].items)
            return error_oom(reterr);
    }
    for (size_t i = 0; i < im->profile->n_rules; i++) {
        const struct rule *rule = &im->profile->rules[i];
        uint32_t number = (uint32_t)i;
        CLEANUP(pattern_free) struct pattern *pattern = NULL;
        struct path_masks m = {0};
        struct path_inputs *in;

        if (rule->kind != kind)
            continue;
        r = pattern_parse(&pattern, rule->path.pattern, reterr);
        if (r < 0)
            return r == -ENOMEM ? r : image_blame(im, &number, 1, r, reterr);
        m = path_rule_masks(im, i);
        if (!(m.deny | m.audit))
            continue;
        if (kind == RULE_EXEC)
            image_front(im)->concern |= VARMOR_CONCERN_EXEC;
        else
            image_front(im)->file_concern |= m.deny | m.audit;
        in = automaton_prefers_backward(pattern) ? &p->inputs[1] : &p->inputs[0];
        in->items[in->n++] = (struct automaton_input){TAKE(pattern), number};
    }
    return 0;
}

/* Appends the verdicts that an automaton names and that have no line yet. */
static int paths_add_lines(struct paths *p, struct image *im, const struct automaton *a,
                           struct error **reterr)
{
    if (id_list_reserve(&p->lines, p->verdicts.n - p->lines.n) < 0)
        return error_oom(reterr);
    while (p->lines.n < p->verdicts.n)
        p->lines.items[p->lines.n++] = 0;
    assert(p->lines.items); /* each automaton names a verdict */
    for (uint32_t i = 0; i < a->n_cells; i++) {
        uint32_t verdict = a->cells[i].owner & VARMOR_CELL_RECORD ? a->cells[i].next : 0;
        uint32_t line;
        int r;

        if (verdict == 0 || p->lines.items[verdict - 1])
            continue;
        r = image_add(im, 1, &line, reterr);
        if (r < 0)
            return r;
        memcpy(im->lines + line, &p->verdicts.items[verdict - 1], sizeof(*p->verdicts.items));
        p->lines.items[verdict - 1] = line;
    }
    return 0;
}

/* Naming the first of all rules that match can need many more states than judging: n patterns like
 * "XX/a/XX" have to remember, for each part of a name that has been read, which of them matched so
 * far. Where that gets out of hand, the rule that is named is the first that was found to match for
 * good. */
static int paths_build(struct paths *p, const struct image *im, bool backward,
                       struct automaton **ret, struct error **reterr)
{
    const struct path_inputs *in = &p->inputs[backward];
    struct automaton_meaning meaning = {path_verdict, path_covered, &p->verdicts, 0};
    struct automaton_blame blame;
    size_t n_bytes = 0;
    int r;

    for (size_t i = 0; i < in->n; i++)
        n_bytes += strlen(im->profile->rules[in->items[i].rule].path.pattern);
    p->verdicts.any_rule = false;
    meaning.max_states = (uint32_t)MIN(PATHS_FREE_STATES + PATHS_STATES_PER_BYTE * n_bytes,
                                       (size_t)AUTOMATON_MAX_STATES);
    r = automaton_build(ret, in->items, in->n, backward, &meaning, &blame, NULL);
    if (r == -E2BIG) {
        p->verdicts.any_rule = true;
        meaning.max_states = AUTOMATON_MAX_STATES;
        r = automaton_build(ret, in->items, in->n, backward, &meaning, &blame, reterr);
    }
    if (r == -E2BIG)
        return image_blame(im, blame.rules, blame.n_rules, r, reterr);
    return r == -ENOMEM ? error_oom(reterr) : r;
}

static int paths_run(struct paths *p, struct image *im, enum rule_kind kind, struct error **reterr)
{
    unsigned first = kind == RULE_EXEC ? VARMOR_EXEC_FORWARD : VARMOR_FILE_FORWARD;
    int r = paths_collect(p, im, kind, reterr);

    for (unsigned d = 0; r == 0 && d < ARRAY_SIZE(p->inputs); d++) {
        CLEANUP(automaton_free) struct automaton *a = NULL;

        if (p->inputs[d].n == 0)
            continue;
        r = paths_build(p, im, d == 1, &a, reterr);
        if (r == 0)
            r = paths_add_lines(p, im, a, reterr);
        if (r == 0)
            r = image_add_automaton(im, first + d, a, p->lines.items, reterr);
    }
    return r;
}

int image_add_paths(struct image *im, enum rule_kind kind, struct error **reterr)
{
    struct paths p = {.verdicts.im = im};
    int r = 0;

    if (im->profile->n_rules > 0)
        r = paths_run(&p, im, kind, reterr);
    paths_done(&p);
    return r;
}
