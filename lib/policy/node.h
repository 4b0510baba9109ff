/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A document as a tree: scalars, maps and lists, each with the position where it begins, and each
 * value of a map with its key. Nodes and texts live in the arena of the file that they were read
 * from, and nowhere longer.
 *
 * A plain (unquoted) scalar means what YAML 1.2's core schema says: null, a boolean, a number, else
 * a text. `yes` and `on` are texts. A quoted scalar is always a text.
 *
 * NODE_REFUSED stands where something was refused and reported (an alias, for example): who meets
 * it says nothing more.
 */
#include "lib/base.h"

enum node_kind { NODE_REFUSED, NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
    enum node_kind kind;
    bool plain;            /* scalars: unquoted */
    bool repeated;         /* keys: the same key stands in the map before */
    unsigned line, column; /* from 1; columns in characters */
    /* Scalars: where text[0] stands, its further lines following from the same column on. 0: not to
     * be told (escapes, folded lines). */
    unsigned text_line, text_column;
    const char *text; /* scalars: NUL-terminated, with no other NUL in it; else "" */
    struct node *key; /* of a map's value; NULL elsewhere */
    struct node *first, *last, *next; /* children of maps and lists, in their order */
    size_t n_children;
};

enum scalar_type { SCALAR_TEXT, SCALAR_NULL, SCALAR_BOOLEAN, SCALAR_NUMBER };

/* The type of a scalar by the core schema. */
enum scalar_type node_scalar_type(const struct node *scalar);

/* The value of a map's key; NULL if it has none, or if map is NULL or no map. */
const struct node *node_find(const struct node *map, const char *key);

/* "a list", "an object", "the number 7", "the text 'x'", "nothing": for messages. text is of the
 * caller. */
#define NODE_DESCRIPTION_SIZE 640
const char *node_describe(const struct node *n, char text[static NODE_DESCRIPTION_SIZE]);

#define NODE_FOREACH(child, parent)                                                                \
    for (const struct node *child = (parent)->first; child; child = child->next)
