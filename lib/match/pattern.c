/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/match/pattern.h"

#include <errno.h>
#include <string.h>

#include "lib/match/pattern_tree.h"

struct pattern_parser {
    const char *text;
    size_t pos; /* of the next byte to read */
    size_t len;
    bool last_component; /* the pattern is compared with the last component: ** is * */
    struct pattern *p;   /* borrowed */
    struct error **reterr;
};

#define PATTERN_NODES_PER_BYTE 2 /* at most: '{' makes a choice and its first branch */
#define PATTERN_NODES_EXTRA                                                                        \
    4 /* the root, and what stands in front of a pattern for last components */

struct pattern *pattern_free(struct pattern *p)
{
    if (p) {
        free(p->sets);
        free(p->nodes);
        free(p);
    }
    return NULL;
}

static int pattern_refuse(const struct pattern_parser *ps, size_t pos, const char *why)
{
    return error_set(ps->reterr, -EINVAL, "byte %zu: %s", pos + 1, why);
}

/* The node array was made large enough for any text of this length, so that adding cannot fail. */
static uint32_t pattern_add_node(struct pattern_parser *ps, struct pattern_node node)
{
    ps->p->nodes[ps->p->n_nodes] = node;
    return ps->p->n_nodes++;
}

/* Children of a sequence or a choice under construction, in order. */
struct pattern_children {
    uint32_t parent;
    uint32_t last; /* 0: none yet */
};

static void pattern_append(struct pattern_parser *ps, struct pattern_children *c, uint32_t child)
{
    if (c->last)
        ps->p->nodes[c->last].sibling = child;
    else
        ps->p->nodes[c->parent].first_child = child;
    c->last = child;
}

static bool pattern_last_is_slash(const struct pattern_parser *ps, const struct pattern_children *c)
{
    const struct pattern_node *last = &ps->p->nodes[c->last];

    return c->last && last->kind == PATTERN_BYTE && last->byte == '/';
}

/* The next byte inside [], an escape resolved. */
static int pattern_parse_set_byte(struct pattern_parser *ps, size_t open, uint8_t *ret)
{
    uint8_t byte;

    if (ps->pos < ps->len && ps->text[ps->pos] == '\\')
        ps->pos++;
    if (ps->pos >= ps->len)
        return pattern_refuse(ps, open, "'[' is never closed");
    byte = (uint8_t)ps->text[ps->pos];
    if (byte == '/')
        return pattern_refuse(ps, ps->pos, "'/' inside [] can never match");
    if (byte >= 0x80)
        return pattern_refuse(ps, ps->pos, "only ASCII characters inside []; use {x,y} for others");
    ps->pos++;
    *ret = byte;
    return 0;
}

static int pattern_parse_set(struct pattern_parser *ps, struct pattern_children *c)
{
    struct pattern_set *set = &ps->p->sets[ps->p->n_sets];
    size_t open = ps->pos++;
    bool negated = ps->pos < ps->len && (ps->text[ps->pos] == '^' || ps->text[ps->pos] == '!');
    int r;

    ps->pos += negated;
    for (size_t first_pos = ps->pos;;) {
        size_t at = ps->pos;
        uint8_t first = 0, last;

        if (at < ps->len && ps->text[at] == ']' && at > first_pos)
            break;
        r = pattern_parse_set_byte(ps, open, &first);
        if (r < 0)
            return r;
        last = first;
        if (ps->pos + 1 < ps->len && ps->text[ps->pos] == '-' && ps->text[ps->pos + 1] != ']') {
            ps->pos++;
            r = pattern_parse_set_byte(ps, open, &last);
            if (r < 0)
                return r;
        }
        if (last < first)
            return pattern_refuse(ps, at, "the range's end comes before its beginning");
        for (unsigned b = first; b <= last; b++)
            set->bits[b / 64] |= 1ULL << (b % 64);
    }
    ps->pos++;
    if (negated)
        for (unsigned i = 0; i < ARRAY_SIZE(set->bits); i++)
            set->bits[i] = ~set->bits[i];
    set->bits['/' / 64] &= ~(1ULL << ('/' % 64));
    pattern_append(ps, c,
                   pattern_add_node(ps, (struct pattern_node){.kind = PATTERN_SET,
                                                              .characters = negated,
                                                              .set = ps->p->n_sets++}));
    return 0;
}

static void pattern_parse_question(struct pattern_parser *ps, struct pattern_children *c)
{
    struct pattern_set *set = &ps->p->sets[ps->p->n_sets];

    ps->pos++;
    memset(set, 0xff, sizeof(*set));
    set->bits['/' / 64] &= ~(1ULL << ('/' % 64));
    pattern_append(ps, c,
                   pattern_add_node(ps, (struct pattern_node){.kind = PATTERN_SET,
                                                              .characters = true,
                                                              .set = ps->p->n_sets++}));
}

static void pattern_parse_stars(struct pattern_parser *ps, struct pattern_children *c)
{
    size_t n = strspn(ps->text + ps->pos, "*");
    bool crossing = n > 1 && !ps->last_component;
    struct pattern_node node = {.kind = PATTERN_STAR, .crossing = crossing};

    ps->pos += n;
    if (crossing && ps->text[ps->pos] == '/' && pattern_last_is_slash(ps, c)) {
        /* What follows sees this node's '/' as its own predecessor, or the one before it: both are
         * there. */
        node = (struct pattern_node){.kind = PATTERN_FOLDERS};
        ps->pos++;
        while (strncmp(ps->text + ps->pos, "**", 2) == 0) { /* a second "**" + "/" adds nothing */
            size_t more = strspn(ps->text + ps->pos, "*");

            if (ps->text[ps->pos + more] != '/')
                break;
            ps->pos += more + 1;
        }
    }
    pattern_append(ps, c, pattern_add_node(ps, node));
}

static void pattern_parse_byte(struct pattern_parser *ps, struct pattern_children *c)
{
    uint8_t byte = (uint8_t)ps->text[ps->pos++];

    pattern_append(ps, c,
                   pattern_add_node(ps, (struct pattern_node){.kind = PATTERN_BYTE, .byte = byte}));
}

static int pattern_parse_sequence(struct pattern_parser *ps, uint32_t node, unsigned depth,
                                  unsigned *ret_branches);

static int pattern_parse_choice(struct pattern_parser *ps, struct pattern_children *outer,
                                unsigned depth, unsigned *ret_branches)
{
    struct pattern_children inner = {0};
    size_t open = ps->pos++;
    unsigned n_branches = 0;
    int r;

    if (depth >= PATTERN_MAX_NESTING)
        return error_set(ps->reterr, -EINVAL, "byte %zu: {} is nested more than %d deep", open + 1,
                         PATTERN_MAX_NESTING);
    inner.parent = pattern_add_node(ps, (struct pattern_node){.kind = PATTERN_CHOICE});
    pattern_append(ps, outer, inner.parent);
    for (;;) {
        uint32_t branch = pattern_add_node(ps, (struct pattern_node){.kind = PATTERN_SEQUENCE});
        unsigned n = 0;

        pattern_append(ps, &inner, branch);
        r = pattern_parse_sequence(ps, branch, depth + 1, &n);
        if (r < 0)
            return r;
        n_branches += n;
        if (n_branches > PATTERN_MAX_BRANCHES)
            break; /* refused by the sequence that holds this choice */
        if (ps->pos >= ps->len)
            return pattern_refuse(ps, open, "'{' is never closed");
        if (ps->text[ps->pos++] == '}')
            break;
    }
    *ret_branches = n_branches;
    return 0;
}

/* Parses up to the end of the text or, inside {}, up to the ',' or '}' that ends the branch (left
 * unread). */
static int pattern_parse_sequence(struct pattern_parser *ps, uint32_t node, unsigned depth,
                                  unsigned *ret_branches)
{
    struct pattern_children c = {.parent = node};
    unsigned n_branches = 1, n;
    int r = 0;

    while (ps->pos < ps->len) {
        char next = ps->text[ps->pos];
        size_t at = ps->pos;

        n = 1;
        if (depth > 0 && (next == ',' || next == '}'))
            break;
        if (next == '}')
            return pattern_refuse(ps, at, "'}' without '{'; write \\} for the character itself");
        if (next == '@' && ps->pos + 1 < ps->len && ps->text[ps->pos + 1] == '{')
            return pattern_refuse(ps, at,
                                  "patterns have no variables; write \\@ for the character itself");
        if (next == '*') {
            pattern_parse_stars(ps, &c);
        } else if (next == '?') {
            pattern_parse_question(ps, &c);
        } else if (next == '[') {
            r = pattern_parse_set(ps, &c);
        } else if (next == '{') {
            r = pattern_parse_choice(ps, &c, depth, &n);
        } else {
            if (next == '\\' && ++ps->pos == ps->len)
                return pattern_refuse(ps, at, "'\\' at the end escapes nothing");
            pattern_parse_byte(ps, &c);
        }
        if (r < 0)
            return r;
        n_branches *= n;
        if (n_branches > PATTERN_MAX_BRANCHES)
            return error_set(ps->reterr, -EINVAL,
                             "byte %zu: {} multiply to more than %d alternatives", at + 1,
                             PATTERN_MAX_BRANCHES);
    }
    *ret_branches = n_branches;
    return 0;
}

/* An empty tree with room for whatever a text of len bytes can make. */
static struct pattern *pattern_new(size_t len)
{
    CLEANUP(pattern_free) struct pattern *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->nodes = calloc(PATTERN_NODES_PER_BYTE * len + PATTERN_NODES_EXTRA, sizeof(*p->nodes));
    p->sets = calloc(len + 1, sizeof(*p->sets));
    if (!p->nodes || !p->sets)
        return NULL;
    return TAKE(p);
}

/* The root, and what the kind of pattern puts in front of its text. Returns the node that the
 * text's own sequence fills. */
static uint32_t pattern_add_front(struct pattern_parser *ps)
{
    struct pattern_children root = {0};
    bool everything = ps->len == 0 || (ps->len == 1 && ps->text[0] == '*');
    struct pattern_node front = {.kind = PATTERN_FOLDERS};
    uint32_t body;

    pattern_add_node(ps, (struct pattern_node){.kind = PATTERN_SEQUENCE});
    if (!everything && !ps->last_component)
        return root.parent;
    if (everything) {
        front = (struct pattern_node){.kind = PATTERN_STAR, .crossing = true};
        ps->pos = ps->len;
    }
    pattern_append(ps, &root, pattern_add_node(ps, front));
    body = pattern_add_node(ps, (struct pattern_node){.kind = PATTERN_SEQUENCE});
    pattern_append(ps, &root, body);
    return body;
}

int pattern_parse(struct pattern **ret, const char *text, struct error **reterr)
{
    size_t len = strnlen(text, PATTERN_MAX_BYTES + 1);
    CLEANUP(pattern_free) struct pattern *p = NULL;
    struct pattern_parser ps = {.text = text, .len = len, .reterr = reterr};
    unsigned n_branches;
    int r;

    if (len > PATTERN_MAX_BYTES)
        return error_set(reterr, -EINVAL, "the pattern is longer than %d bytes", PATTERN_MAX_BYTES);
    p = pattern_new(len);
    if (!p)
        return error_oom(reterr);
    ps.p = p;
    ps.last_component = !strchr(text, '/') && strncmp(text, "**", 2) != 0;
    r = pattern_parse_sequence(&ps, pattern_add_front(&ps), 0, &n_branches);
    if (r < 0)
        return r;
    *ret = TAKE(p);
    return 0;
}

int pattern_check(const char *text, struct error **reterr)
{
    CLEANUP(pattern_free) struct pattern *p = NULL;

    return pattern_parse(&p, text, reterr);
}
