/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference matcher: each node maps the set of places in the text where it may begin to the set
 * of places where it may end. No backtracking, hence no text that takes exponential time, and
 * nothing in common with the automata that it judges.
 */
#include "lib/match/pattern.h"

#include <string.h>

#include "lib/match/pattern_tree.h"

#define PLACES_WORDS (PATTERN_MAX_TEXT / 64 + 1)

struct places { /* bit i: before byte i of the text */
    uint64_t words[PLACES_WORDS];
};

struct pattern_matching {
    const struct pattern *p;
    const uint8_t *text;
    size_t len;
};

static bool places_has(const struct places *set, size_t place)
{
    return set->words[place / 64] >> (place % 64) & 1;
}

static void places_add(struct places *set, size_t place)
{
    set->words[place / 64] |= 1ULL << (place % 64);
}

static void match_node(const struct pattern_matching *m, uint32_t node, const struct places *from,
                       struct places *to);

static void match_sequence(const struct pattern_matching *m, uint32_t first,
                           const struct places *from, struct places *to)
{
    *to = *from;
    for (uint32_t child = first; child; child = m->p->nodes[child].sibling) {
        struct places next;

        match_node(m, child, to, &next);
        *to = next;
    }
}

static void match_choice(const struct pattern_matching *m, uint32_t first,
                         const struct places *from, struct places *to)
{
    memset(to, 0, sizeof(*to));
    for (uint32_t child = first; child; child = m->p->nodes[child].sibling) {
        struct places branch;

        match_node(m, child, from, &branch);
        for (size_t i = 0; i < PLACES_WORDS; i++)
            to->words[i] |= branch.words[i];
    }
}

/* True if a whole UTF-8 character beyond ASCII begins at place; *ret_bytes is its length. */
static bool match_character(const struct pattern_matching *m, size_t place, size_t *ret_bytes)
{
    size_t n = pattern_character_bytes(m->text[place]);

    if (n == 0 || n > m->len - place)
        return false;
    for (size_t i = 1; i < n; i++)
        if ((m->text[place + i] & 0xc0) != 0x80)
            return false;
    *ret_bytes = n;
    return true;
}

/* One byte, or one member of a set, from each place. */
static void match_one(const struct pattern_matching *m, const struct pattern_node *n,
                      const struct places *from, struct places *to)
{
    memset(to, 0, sizeof(*to));
    for (size_t place = 0; place < m->len; place++) {
        size_t n_bytes;

        if (!places_has(from, place))
            continue;
        if (n->kind == PATTERN_BYTE ? m->text[place] == n->byte
                                    : pattern_set_has(&m->p->sets[n->set], m->text[place]))
            places_add(to, place + 1);
        if (n->characters && match_character(m, place, &n_bytes))
            places_add(to, place + n_bytes);
    }
}

static void match_star(const struct pattern_matching *m, bool crossing, const struct places *from,
                       struct places *to)
{
    *to = *from;
    for (size_t place = 0; place < m->len; place++)
        if (places_has(to, place) && (crossing || m->text[place] != '/'))
            places_add(to, place + 1);
}

static void match_folders(const struct pattern_matching *m, const struct places *from,
                          struct places *to)
{
    bool begun = false;

    *to = *from;
    for (size_t place = 0; place < m->len; place++) {
        begun = begun || places_has(from, place);
        if (begun && m->text[place] == '/')
            places_add(to, place + 1);
    }
}

static void match_node(const struct pattern_matching *m, uint32_t node, const struct places *from,
                       struct places *to)
{
    const struct pattern_node *n = &m->p->nodes[node];

    switch (n->kind) {
    case PATTERN_SEQUENCE:
        match_sequence(m, n->first_child, from, to);
        break;
    case PATTERN_CHOICE:
        match_choice(m, n->first_child, from, to);
        break;
    case PATTERN_BYTE:
    case PATTERN_SET:
        match_one(m, n, from, to);
        break;
    case PATTERN_STAR:
        match_star(m, n->crossing, from, to);
        break;
    case PATTERN_FOLDERS:
        match_folders(m, from, to);
        break;
    }
}

bool pattern_matches(const struct pattern *p, const char *path, size_t len)
{
    struct pattern_matching m = {.p = p, .text = (const uint8_t *)path, .len = len};
    struct places from = {0}, to;

    if (len > PATTERN_MAX_TEXT)
        return false;
    places_add(&from, 0);
    match_node(&m, 0, &from, &to);
    return places_has(&to, len);
}
