/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The syntax tree of a pattern, for lib/match alone: the parser makes it, the reference matcher
 * walks it, the program (the non-deterministic automaton) is generated from it.
 *
 * Nodes stand in one array and name each other by index. Index 0 is the root, a sequence, and is
 * never a child or sibling, so 0 also means "none". A tree has no form that matches nothing: every
 * node can be satisfied.
 */
#include "lib/match/pattern.h"

enum pattern_kind {
    PATTERN_SEQUENCE, /* its children one after the other; none: the empty text */
    PATTERN_CHOICE,   /* one of its children */
    PATTERN_BYTE,     /* this byte */
    PATTERN_SET,      /* one byte of the set; characters: or one UTF-8 character beyond ASCII */
    PATTERN_STAR,     /* any run of bytes; crossing: '/' included */
    PATTERN_FOLDERS,  /* nothing, or any run of bytes that ends in '/' */
};

struct pattern_set {
    uint64_t bits[4]; /* by byte; '/' is never in */
};

struct pattern_node {
    enum pattern_kind kind;
    uint8_t byte;
    bool characters;
    bool crossing;
    uint32_t set;         /* place in pattern.sets */
    uint32_t first_child; /* 0: none */
    uint32_t sibling;     /* the next child of the same parent; 0: none */
};

struct pattern {
    struct pattern_node *nodes; /* owned */
    uint32_t n_nodes;
    struct pattern_set *sets; /* owned */
    uint32_t n_sets;
};

static inline bool pattern_set_has(const struct pattern_set *s, uint8_t byte)
{
    return s->bits[byte / 64] >> (byte % 64) & 1;
}

/* How many bytes a UTF-8 character has that begins with byte (RFC 3629): 2 to 4, else 0. */
static inline unsigned pattern_character_bytes(uint8_t byte)
{
    if (byte >= 0xc2 && byte <= 0xdf)
        return 2;
    if (byte >= 0xe0 && byte <= 0xef)
        return 3;
    return byte >= 0xf0 && byte <= 0xf4 ? 4 : 0;
}
