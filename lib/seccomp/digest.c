/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile means, in a form in which everything that means the same is the same. */
#include "lib/seccomp/rule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEANING_MAX_BYTES (8 * SC_MAX_JSON) /* each name is a line with its rule's conditions */
#define CONDITIONS_SIZE   (SC_MAX_ARGS * 64)

/* A line for each name of each rule: "chmod 4:1 1&73=0\n". The lines are kept as offsets, to sort. */
struct meaning {
    struct buf text;
    size_t *lines; /* owned */
    size_t n_lines;
};

static int compare_args(const void *a, const void *b)
{
    const struct sc_arg *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

/* Conditions in the order of their indexes, which differ. */
static void format_conditions(char ret[static CONDITIONS_SIZE], const struct sc_rule *rule)
{
    struct sc_arg args[SC_MAX_ARGS];
    size_t len = 0;

    memcpy(args, rule->args, sizeof(args));
    qsort(args, rule->n_args, sizeof(*args), compare_args);
    ret[0] = 0;
    for (size_t i = 0; i < rule->n_args; i++)
        len += (size_t)snprintf(ret + len, CONDITIONS_SIZE - len, " %u:%d:%" PRIx64 ":%" PRIx64,
                                args[i].index, (int)args[i].op, args[i].value,
                                args[i].op == SC_MASKED_EQ ? args[i].value_two : 0);
}

static int add_rule(struct meaning *m, const struct sc_rule *rule)
{
    unsigned number = sc_action_has_number(rule->action) ? rule->errno_ret : 0;
    char conditions[CONDITIONS_SIZE];

    format_conditions(conditions, rule);
    for (size_t i = 0; i < rule->n_names; i++) {
        int r;

        m->lines[m->n_lines++] = m->text.len;
        r = buf_format(&m->text, "%s %d:%u%s", rule->names[i], (int)rule->action, number,
                       conditions);
        if (r == 0)
            r = buf_add(&m->text, "", 1); /* each line is a C string */
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare_lines(const void *a, const void *b, void *text)
{
    const char *base = text;

    return strcmp(base + *(const size_t *)a, base + *(const size_t *)b);
}

/* The lines in order, each of them once. */
static int sort_lines(struct meaning *m, struct buf *out)
{
    const char *previous = NULL, *base = buf_text(&m->text);

    if (m->n_lines > 0)
        qsort_r(m->lines, m->n_lines, sizeof(*m->lines), compare_lines, (char *)base);
    for (size_t i = 0; i < m->n_lines; i++) {
        const char *line = base + m->lines[i];
        int r;

        if (previous && strcmp(previous, line) == 0)
            continue;
        r = buf_format(out, "%s\n", line);
        if (r < 0)
            return r;
        previous = line;
    }
    return 0;
}

int sc_profile_digest(const struct sc_profile *p, struct digest *ret)
{
    CLEANUP_BUF struct buf out = BUF_INIT(MEANING_MAX_BYTES);
    CLEANUP_FREE size_t *lines = NULL;
    struct meaning m = {.text = BUF_INIT(MEANING_MAX_BYTES)};
    unsigned number = sc_action_has_number(p->default_action) ? p->default_errno : 0;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < p->n_rules; i++)
        n += p->rules[i].n_names;
    m.lines = lines = calloc(n + 1, sizeof(*lines));
    if (!lines)
        return -ENOMEM;
    r = buf_format(&out, "%d:%u %d\n", (int)p->default_action, number, p->log);
    for (size_t i = 0; i < p->n_rules && r == 0; i++)
        if (!sc_rule_is_default(p, &p->rules[i]))
            r = add_rule(&m, &p->rules[i]);
    if (r == 0)
        r = sort_lines(&m, &out);
    buf_done(&m.text);
    return r < 0 ? r : digest_of(ret, out.data, out.len);
}
