/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Lists of words with a fixed meaning, compared whole, and the word that was probably meant. */
#include "lib/buf.h"

struct word {
    const char *text;
    uint64_t value;
    uint64_t reverse; /* mount flags: bits that must be absent; else 0 */
    bool exact_case;  /* also where the list is compared without regard to case */
};

struct words {
    const char *what; /* "a mode", "a socket type": for messages */
    const struct word *items;
    size_t n;
    bool any_case;
};

const struct word *words_find(const struct words *w, const char *text); /* NULL: not one of them */

/* Tells what is allowed, and which is near: "one, two, three; did you mean 'two'?". text is what
 * was given. 0, or -ENOMEM. */
int words_explain(const struct words *w, const char *text, struct buf *ret) MUST_CHECK;

/* The nearest of n texts, at most two edits away (one for short words); NULL if there is none.
 * texts points to the first text, the others follow in steps of stride bytes. Letters of either
 * case are near. */
const char *words_nearest(const char *text, const char *const *texts, size_t n, size_t stride);
