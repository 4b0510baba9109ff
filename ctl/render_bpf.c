/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/render_bpf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiles/rule_text.h"
#include "ctl/text.h"
#include "lib/ruleset/ruleset_dump.h"

#define RULE_TEXT_MAX   (1u << 20) /* one rule: a pattern, or the ports of an egress rule */
#define PREFIX_TEXT_MAX (1u << 20) /* one entry of the trie with VARMOR_MAX_PORTRANGES */

/* ---- Text ---- */

static int add_rule_line(struct buf *out, const struct rule *r, size_t number)
{
    int result =
        buf_format(out, "  #%zu %s %s ", number, rule_text_mode(r->mode), rule_kind_name(r->kind));

    if (result == 0)
        result = rule_text_add(out, r);
    return result < 0 ? result : buf_format(out, " (%s)\n", r->origin);
}

static int add_automaton(const struct ruleset *r, enum varmor_automaton_id id, bool states,
                         struct buf *out)
{
    struct ruleset_automaton m;
    int result = ruleset_measure(r, id, &m);

    if (result <= 0)
        return result;
    result = buf_format(out,
                        "%s automaton, from the %s: %u states, %u transitions (%u end the "
                        "walk), %u classes of bytes, %u cells (%zu bytes)\n",
                        m.name, m.backward ? "end" : "root", m.n_states, m.n_transitions, m.n_ends,
                        m.n_classes, m.n_cells, m.n_cells * sizeof(struct varmor_cell));
    return result < 0 || !states ? result : ruleset_write_states(r, id, out);
}

static int add_trie(const struct ruleset *r, struct buf *out)
{
    int result = 0;

    if (r->n_prefixes > 0)
        result = buf_format(out, "address trie: %zu %s\n", r->n_prefixes,
                            r->n_prefixes == 1 ? "entry" : "entries");
    for (size_t i = 0; i < r->n_prefixes && result == 0; i++) {
        result = buf_add_text(out, "  ");
        if (result == 0)
            result = ruleset_write_prefix(r, &r->prefixes[i], out);
        if (result == 0)
            result = buf_add_text(out, "\n");
    }
    return result;
}

int render_bpf_text(const struct profile *p, const struct ruleset *r, bool states, struct buf *out)
{
    char digest[DIGEST_TEXT_SIZE], image[DIGEST_TEXT_SIZE];
    int result = buf_format(out, "profile %s (%s), digest %s\nrules: %zu\n", p->name,
                            p->complain ? "complain" : "enforce", digest_format(&p->digest, digest),
                            p->n_rules);

    for (size_t i = 0; i < p->n_rules && result == 0; i++)
        result = add_rule_line(out, &p->rules[i], i);
    if (result == 0)
        result = buf_format(out, "image: %zu lines (%zu bytes), digest %s\n", r->n_lines,
                            r->n_lines * sizeof(*r->lines), digest_format(&r->digest, image));
    for (unsigned id = 0; id < VARMOR_N_AUTOMATA && result == 0; id++)
        result = add_automaton(r, id, states, out);
    return result < 0 ? result : add_trie(r, out);
}

/* ---- JSON ---- */

/* Appends what is taken from the caller; false: no memory. */
static bool append(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) == 0;
}

static json_t *rule_json(const struct rule *r, size_t number)
{
    CLEANUP_BUF struct buf text = BUF_INIT(RULE_TEXT_MAX);

    if (rule_text_add(&text, r) < 0)
        return NULL;
    return json_pack("{s:I, s:s, s:b, s:b, s:o, s:o}", "number", (json_int_t)number, "kind",
                     rule_kind_name(r->kind), "deny", (r->mode & RULE_DENY) != 0, "audit",
                     (r->mode & RULE_AUDIT) != 0, "origin", text_json(r->origin), "text",
                     text_json(buf_text(&text)));
}

static json_t *automaton_json(const struct ruleset_automaton *m)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "of", m->name, "from",
                     m->backward ? "end" : "root", "states", (json_int_t)m->n_states, "transitions",
                     (json_int_t)m->n_transitions, "ends", (json_int_t)m->n_ends, "classes",
                     (json_int_t)m->n_classes, "cells", (json_int_t)m->n_cells);
}

static bool append_automata(json_t *array, const struct ruleset *r)
{
    for (unsigned id = 0; id < VARMOR_N_AUTOMATA; id++) {
        struct ruleset_automaton m;
        int result = ruleset_measure(r, id, &m);

        if (result < 0 || (result > 0 && !append(array, automaton_json(&m))))
            return false;
    }
    return true;
}

static bool append_trie(json_t *array, const struct ruleset *r)
{
    CLEANUP_BUF struct buf text = BUF_INIT(PREFIX_TEXT_MAX);

    for (size_t i = 0; i < r->n_prefixes; i++) {
        buf_clear(&text);
        if (ruleset_write_prefix(r, &r->prefixes[i], &text) < 0 ||
            !append(array, json_string(buf_text(&text))))
            return false;
    }
    return true;
}

json_t *render_bpf_json(const struct profile *p, const struct ruleset *r)
{
    json_t *rules = json_array(), *automata = json_array(), *trie = json_array();
    json_int_t n_lines = (json_int_t)r->n_lines;
    char image[DIGEST_TEXT_SIZE];
    bool made = rules && automata && trie;

    for (size_t i = 0; i < p->n_rules && made; i++)
        made = append(rules, rule_json(&p->rules[i], i));
    if (!made || !append_automata(automata, r) || !append_trie(trie, r)) {
        json_decref(rules);
        json_decref(automata);
        json_decref(trie);
        return NULL;
    }
    return json_pack("{s:o, s:s, s:I, s:o, s:o}", "rules", rules, "imageDigest",
                     digest_format(&r->digest, image), "imageBytes",
                     n_lines * (json_int_t)sizeof(*r->lines), "automata", automata, "addresses",
                     trie);
}
