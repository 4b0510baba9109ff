/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress rules: the address trie and the port sets that its entries name.
 *
 * The blocks of all rules are sorted so that each comes behind those that cover it. One pass with a
 * stack of covering blocks gives every block the ports of its own rules and of all that cover it; a
 * block that adds nothing to the one around it needs no entry.
 */
#include "lib/ruleset/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/match/id_list.h"
#include "lib/match/id_table.h"
#include "lib/ruleset/port_set.h"

#define EGRESS_FAMILY_BITS     8 /* of a prefix: the family's byte */
#define EGRESS_MAX_NESTING     (EGRESS_FAMILY_BITS + 128 + 1)
#define EGRESS_RANGES_PER_LINE (sizeof(struct varmor_line) / sizeof(struct varmor_port_range))

struct egress_block { /* one rule's, or one family of a rule for every address */
    struct varmor_prefix key;
    uint32_t rule;
};

struct egress_level { /* a block around the one at hand */
    struct varmor_prefix key;
    struct port_set ports;
};

struct egress {
    struct image *im;
    struct egress_block *blocks; /* owned */
    size_t n_blocks;
    struct egress_level levels[EGRESS_MAX_NESTING]; /* the outermost first */
    size_t n_levels;
    struct id_table sets;     /* of port sets in the image */
    struct id_list set_lines; /* by port set: its line */
};

static void egress_done(struct egress *e)
{
    while (e->n_levels > 0)
        port_set_done(&e->levels[--e->n_levels].ports);
    free(e->blocks);
    id_table_done(&e->sets);
    id_list_done(&e->set_lines);
}

static struct varmor_prefix egress_prefix(unsigned family, const struct addr *block)
{
    struct varmor_prefix key = {.prefix_len = EGRESS_FAMILY_BITS, .family = (varmor_u8)family};

    if (block->family != ADDR_NONE) {
        key.prefix_len += block->prefix_len;
        memcpy(key.addr, block->bytes, sizeof(key.addr));
    }
    return key;
}

static int egress_collect(struct egress *e, struct error **reterr)
{
    const struct profile *p = e->im->profile;

    e->blocks = calloc(2 * p->n_rules + 1, sizeof(*e->blocks));
    if (!e->blocks)
        return error_oom(reterr);
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct addr *block = &p->rules[i].egress.block;

        if (p->rules[i].kind != RULE_EGRESS || !image_rule_mode(e->im, i))
            continue;
        if (block->family != ADDR_IPV6)
            e->blocks[e->n_blocks++] =
                (struct egress_block){egress_prefix(VARMOR_FAMILY_IPV4, block), (uint32_t)i};
        if (block->family != ADDR_IPV4)
            e->blocks[e->n_blocks++] =
                (struct egress_block){egress_prefix(VARMOR_FAMILY_IPV6, block), (uint32_t)i};
    }
    return 0;
}

/* By family, address, length, rule: a block stands behind all that cover it. */
static int egress_compare_blocks(const void *a, const void *b)
{
    const struct egress_block *x = a, *y = b;
    int order = (int)x->key.family - (int)y->key.family;

    if (order == 0)
        order = memcmp(x->key.addr, y->key.addr, sizeof(x->key.addr));
    if (order == 0)
        order = (int)x->key.prefix_len - (int)y->key.prefix_len;
    if (order == 0)
        order = x->rule < y->rule ? -1 : x->rule > y->rule;
    return order;
}

static bool egress_covers(const struct varmor_prefix *outer, const struct varmor_prefix *inner)
{
    unsigned bits = outer->prefix_len - EGRESS_FAMILY_BITS;
    unsigned n_bytes = bits / 8, rest = bits % 8;

    return outer->family == inner->family && outer->prefix_len <= inner->prefix_len &&
           memcmp(outer->addr, inner->addr, n_bytes) == 0 &&
           (rest == 0 || (outer->addr[n_bytes] ^ inner->addr[n_bytes]) >> (8 - rest) == 0);
}

/* Adds the ports of a rule to those of a block. */
static int egress_add_ports(struct egress *e, struct port_set *ports, uint32_t number,
                            struct error **reterr)
{
    const struct rule *rule = &e->im->profile->rules[number];
    unsigned mode = 0;
    int r = 0;

    if (image_rule_mode(e->im, number) & RULE_DENY)
        mode |= VARMOR_PORT_DENY;
    if (image_rule_mode(e->im, number) & RULE_AUDIT)
        mode |= VARMOR_PORT_AUDIT;
    if (rule->egress.n_ports == 0)
        r = port_set_add(ports, 0, UINT16_MAX, mode, (uint16_t)number);
    for (size_t i = 0; r == 0 && i < rule->egress.n_ports; i++) {
        const struct port_range *p = &rule->egress.ports[i];

        if (p->first > p->last)
            return error_set(reterr, -EINVAL, "%s: port %u is above end port %u", rule->origin,
                             p->first, p->last);
        r = port_set_add(ports, p->first, p->last, mode, (uint16_t)number);
    }
    if (r == -ENOMEM)
        return error_oom(reterr);
    if (r < 0)
        return error_set(reterr, r,
                         "%s: with this rule more than %d port ranges apply to one address",
                         rule->origin, VARMOR_MAX_PORTRANGES);
    return 0;
}

struct egress_set_key {
    const struct egress *e;
    const struct port_set *ports;
};

static bool egress_same_set(const void *data, uint32_t id)
{
    const struct egress_set_key *key = data;
    const struct varmor_line *line = &key->e->im->lines[key->e->set_lines.items[id]];

    return ((const struct varmor_port_set *)line)->n_ranges == key->ports->n &&
           memcmp(line + 1, key->ports->ranges, key->ports->n * sizeof(*key->ports->ranges)) == 0;
}

/* The line of a port set, appended if the image has none like it. */
static int egress_put_set(struct egress *e, const struct port_set *ports, uint32_t *ret,
                          struct error **reterr)
{
    struct egress_set_key key = {.e = e, .ports = ports};
    uint32_t hash = id_table_hash(ports->ranges, ports->n * sizeof(*ports->ranges));
    uint32_t id = id_table_find(&e->sets, hash, egress_same_set, &key), line;
    int r;

    if (id != ID_TABLE_NONE) {
        *ret = e->set_lines.items[id];
        return 0;
    }
    r = image_add(e->im, 1 + (ports->n + EGRESS_RANGES_PER_LINE - 1) / EGRESS_RANGES_PER_LINE,
                  &line, reterr);
    if (r < 0)
        return r;
    ((struct varmor_port_set *)(e->im->lines + line))->n_ranges = (uint32_t)ports->n;
    memcpy(e->im->lines + line + 1, ports->ranges, ports->n * sizeof(*ports->ranges));
    if (id_table_reserve(&e->sets, 1) < 0 || id_list_reserve(&e->set_lines, 1) < 0)
        return error_oom(reterr);
    id_table_put(&e->sets, hash, (uint32_t)e->set_lines.n);
    e->set_lines.items[e->set_lines.n++] = line;
    *ret = line;
    return 0;
}

/* Gives the block at hand, whose rules are blocks[first] to blocks[end - 1], its entry. */
static int egress_add_entry(struct egress *e, size_t first, size_t end, struct error **reterr)
{
    const struct varmor_prefix *key = &e->blocks[first].key;
    struct egress_level *level;
    const struct port_set *around;
    struct ruleset_prefix *entry;
    int r = 0;

    while (e->n_levels > 0 && !egress_covers(&e->levels[e->n_levels - 1].key, key))
        port_set_done(&e->levels[--e->n_levels].ports);
    around = e->n_levels ? &e->levels[e->n_levels - 1].ports : &(struct port_set){0};
    level = &e->levels[e->n_levels++];
    *level = (struct egress_level){.key = *key};
    if (port_set_merge(&level->ports, around) < 0)
        return error_oom(reterr);
    for (size_t i = first; r == 0 && i < end; i++)
        r = egress_add_ports(e, &level->ports, e->blocks[i].rule, reterr);
    if (r < 0 || port_set_equal(&level->ports, around))
        return r;
    if (e->im->n_prefixes == VARMOR_MAX_PREFIXES)
        return error_set(reterr, -E2BIG,
                         "the egress rules need more than %d entries of the address trie",
                         VARMOR_MAX_PREFIXES);
    entry = &e->im->prefixes[e->im->n_prefixes];
    entry->key = *key;
    r = egress_put_set(e, &level->ports, &entry->leaf.ports_line, reterr);
    if (r == 0)
        e->im->n_prefixes++;
    return r;
}

static int egress_run(struct egress *e, struct error **reterr)
{
    int r = egress_collect(e, reterr);

    if (r < 0 || e->n_blocks == 0)
        return r;
    e->im->prefixes =
        calloc(MIN(e->n_blocks, (size_t)VARMOR_MAX_PREFIXES), sizeof(*e->im->prefixes));
    if (!e->im->prefixes)
        return error_oom(reterr);
    image_front(e->im)->concern |= VARMOR_CONCERN_EGRESS;
    qsort(e->blocks, e->n_blocks, sizeof(*e->blocks), egress_compare_blocks);
    for (size_t first = 0, end; r == 0 && first < e->n_blocks; first = end) {
        for (end = first + 1; end < e->n_blocks; end++)
            if (memcmp(&e->blocks[end].key, &e->blocks[first].key, sizeof(e->blocks[end].key)) != 0)
                break;
        r = egress_add_entry(e, first, end, reterr);
    }
    return r;
}

int image_add_egress(struct image *im, struct error **reterr)
{
    struct egress e = {.im = im};
    int r = egress_run(&e, reterr);

    egress_done(&e);
    return r;
}
