/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From bytes to trees: reads a file of YAML documents, or JSON, which is YAML in flow style.
 *
 * The only place that knows libyaml. What libyaml leaves to its caller is done here: the text must
 * be UTF-8 without control characters and with one kind of line break; aliases, anchors, merge
 * keys, tags beyond the core schema's, keys that are no texts and keys given twice are findings;
 * bytes, depth, nodes and documents have ceilings (object.h). A finding of these kinds does not
 * hide what is wrong elsewhere; a syntax error or a passed ceiling ends the reading, and what stood
 * before it is kept. No I/O, no logging.
 */
#include "lib/policy/findings.h"
#include "lib/policy/node.h"

struct arena;

struct document {
    struct node *root;     /* never NULL; of the arena */
    unsigned line, column; /* where the document begins */
};

struct documents {
    struct arena *arena;    /* owned; holds everything below */
    struct document *items; /* in order; those without content are left out */
    size_t n;
};

#define DOCUMENTS_INIT ((struct documents){0})
void documents_done(struct documents *ds);
#define CLEANUP_DOCUMENTS __attribute__((cleanup(documents_done)))

/* Reads all of data. Returns 0 or -ENOMEM; what is wrong with the text becomes findings. *ret holds
 * what could be read, and is to be given back in both cases. */
int documents_read(struct documents *ret, const void *data, size_t len, struct findings *findings);
