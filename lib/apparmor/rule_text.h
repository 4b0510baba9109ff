/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The text of rules as words and signs, each with its position.
 *
 * The reader stands on one token; rule_text_next() moves on. A word may hold a comma or blank only inside {} and []
 * (comma) or quotes (both), as apparmor.h says. Comments are skipped, except "#include", which is a word as
 * "include" is. The first problem of a rule is told, then the reader skips to the rule's end: what follows from a
 * mistake is not told as another one.
 */
#include "lib/buf.h"

struct findings;

#define MAX_SHOWN 256 /* bytes of a token in a message */

enum token_kind {
    TOKEN_END,  /* of the text */
    TOKEN_WORD, /* value: the word, unquoted; backslashes stand before special characters only */
    TOKEN_CONDITION, /* "fstype=": value without the sign */
    TOKEN_ARROW,     /* -> */
    TOKEN_AT_MOST,   /* <= */
    TOKEN_OPEN,      /* ( */
    TOKEN_CLOSE,     /* ) */
    TOKEN_COMMA,
    TOKEN_BLOCK, /* { or } where a word would begin */
};

/* Who wrote the rules decides what they may say. */
enum rule_author {
    AUTHOR_USER,     /* raw rules */
    AUTHOR_BUILT_IN, /* our rule files: x without deny (it comes with the switches), @{varmor_disks} */
    AUTHOR_WRITER, /* a profile that we wrote: children as well */
};

struct rule_text {
    const char *text; /* borrowed */
    size_t len, pos;
    unsigned line, column; /* of pos */
    enum rule_author author;
    struct findings *findings; /* borrowed */
    bool broken;               /* the rule at hand has a problem that was told */

    enum token_kind kind; /* the token that the reader stands on */
    bool quoted;
    bool token_bad; /* a problem of the token itself was told */
    unsigned token_line, token_column;
    struct buf value; /* owned */
    const char
        *comment; /* the last comment that was skipped, without "# "; NULL: none since the token */
    size_t comment_len;
    int failure; /* -ENOMEM, for good */
    char shown[MAX_SHOWN];
};

/* Checks that the text is UTF-8 without control characters and stands on its first token. findings get what is not.
 * 0, -EINVAL or -ENOMEM. */
int rule_text_init(struct rule_text *t, const char *text, size_t len, unsigned line,
                   unsigned column, enum rule_author author, struct findings *findings);
void rule_text_done(struct rule_text *t);
void rule_text_next(struct rule_text *t);
/* True if the reader stands on this unquoted word. */
bool rule_text_is(const struct rule_text *t, const char *word);
/* Tells a problem of the token at hand (once a rule); always -EINVAL. */
int rule_text_problem(struct rule_text *t, const char *format, ...) PRINTF_FORMAT(2, 3);
/* The same, at a position. */
int rule_text_problem_at(struct rule_text *t, unsigned line, unsigned column, const char *format,
                         ...) PRINTF_FORMAT(4, 5);
/* The token as a person sees it, in quotes, for messages. Borrowed until the next call. */
const char *rule_text_shown(struct rule_text *t);
/* Moves behind the comma that ends the rule at hand, or behind a brace, which no rule goes beyond, or to the end. */
void rule_text_skip_rule(struct rule_text *t);

/* Writes a word so that it is read again as the same word: in quotes where it must be. 0, -E2BIG or -ENOMEM. */
int rule_text_write_word(struct buf *out, const char *word) MUST_CHECK;
