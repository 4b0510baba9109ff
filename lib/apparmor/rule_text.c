/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/apparmor/rule_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/apparmor/apparmor.h"
#include "lib/policy/findings.h"
#include "lib/utf8.h"

#define MAX_PROBLEM_BYTES 2048 /* of one message; longer lists of words are cut */

/* What a backslash may stand before, in a word: these keep it, since it takes their special meaning away. */
#define ESCAPED "*?[]{}^,-\\"
/* And these lose it: the backslash was only there for the reader. */
#define ESCAPED_FOR_READER "\" \t!@="

int rule_text_problem_at(struct rule_text *t, unsigned line, unsigned column, const char *format,
                         ...)
{
    char message[MAX_PROBLEM_BYTES];
    va_list args;

    if (t->broken || t->failure < 0)
        return -EINVAL;
    t->broken = true;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    findings_add(t->findings, FINDING_ERROR, line, column, "%s", message);
    return -EINVAL;
}

int rule_text_problem(struct rule_text *t, const char *format, ...)
{
    char message[MAX_PROBLEM_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return rule_text_problem_at(t, t->token_line, t->token_column, "%s", message);
}

const char *rule_text_shown(struct rule_text *t)
{
    static const char *const signs[] = {
        [TOKEN_END] = "the end of the text",
        [TOKEN_ARROW] = "'->'",
        [TOKEN_AT_MOST] = "'<='",
        [TOKEN_OPEN] = "'('",
        [TOKEN_CLOSE] = "')'",
        [TOKEN_COMMA] = "','",
    };

    switch (t->kind) {
    case TOKEN_WORD:
    case TOKEN_BLOCK:
    case TOKEN_CONDITION:
        snprintf(t->shown, sizeof(t->shown), "'%s%s'", error_quote(buf_text(&t->value)),
                 t->kind == TOKEN_CONDITION ? "=" : "");
        return t->shown;
    default:
        return signs[t->kind];
    }
}

bool rule_text_is(const struct rule_text *t, const char *word)
{
    return t->kind == TOKEN_WORD && !t->quoted && strcmp(buf_text(&t->value), word) == 0;
}

/* ---- moving over the text ---- */

static void advance(struct rule_text *t, size_t n)
{
    for (size_t i = 0; i < n; i++, t->pos++) {
        unsigned char c = (unsigned char)t->text[t->pos];

        if (c == '\n') {
            t->line++;
            t->column = 1;
        } else if ((c & 0xc0) != 0x80) { /* the first byte of a character */
            t->column++;
        }
    }
}

static bool at_end(const struct rule_text *t)
{
    return t->pos >= t->len;
}

static char peek(const struct rule_text *t, size_t ahead)
{
    return t->pos + ahead < t->len ? t->text[t->pos + ahead] : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool begins_include(const struct rule_text *t)
{
    static const char word[] = "#include";

    return t->len - t->pos >= sizeof(word) - 1 &&
           memcmp(t->text + t->pos, word, sizeof(word) - 1) == 0;
}

static void skip_blanks_and_comments(struct rule_text *t)
{
    for (;;) {
        while (!at_end(t) && is_blank(peek(t, 0)))
            advance(t, 1);
        if (at_end(t) || peek(t, 0) != '#' || begins_include(t))
            return;
        advance(t, peek(t, 1) == ' ' ? 2 : 1);
        t->comment = t->text + t->pos;
        while (!at_end(t) && peek(t, 0) != '\n')
            advance(t, 1);
        t->comment_len = (size_t)(t->text + t->pos - t->comment);
    }
}

/* ---- words ---- */

static void keep(struct rule_text *t, const char *bytes, size_t n)
{
    int r = buf_add(&t->value, bytes, n);

    if (r == -E2BIG)
        rule_text_problem(t, "a word is longer than %d bytes", AA_MAX_RULE_BYTES);
    else if (r < 0)
        t->failure = r;
}

/* A backslash and what it stands before. */
static void read_escape(struct rule_text *t)
{
    char c = peek(t, 1);

    if (c != '\0' && strchr(ESCAPED, c))
        keep(t, t->text + t->pos, 2);
    else if (c != '\0' && strchr(ESCAPED_FOR_READER, c))
        keep(t, t->text + t->pos + 1, 1);
    else
        rule_text_problem_at(t, t->line, t->column,
                             "'\\' may stand before one of %s or a quote only; write the character "
                             "itself, in quotes if need be",
                             "* ? [ ] { } ^ , - \\");
    advance(t, c == '\0' || c == '\n' ? 1 : 2);
}

static void read_quoted(struct rule_text *t)
{
    t->kind = TOKEN_WORD;
    t->quoted = true;
    advance(t, 1);
    while (!at_end(t) && peek(t, 0) != '"' && peek(t, 0) != '\n') {
        if (peek(t, 0) == '\\') {
            read_escape(t);
            continue;
        }
        keep(t, t->text + t->pos, 1);
        advance(t, 1);
    }
    if (peek(t, 0) != '"')
        rule_text_problem(t, "the quote is not closed in its line");
    else
        advance(t, 1);
}

/* True if the word at hand may end in front of '=': "fstype", not "/x" or "@x". */
static bool is_condition_name(const struct buf *word)
{
    if (word->len == 0)
        return false;
    for (size_t i = 0; i < word->len; i++)
        if ((word->data[i] < 'a' || word->data[i] > 'z') && word->data[i] != '_')
            return false;
    return true;
}

static void read_word(struct rule_text *t)
{
    unsigned braces = 0;
    bool in_set = false;

    t->kind = TOKEN_WORD;
    while (!at_end(t)) {
        char c = peek(t, 0);

        if (is_blank(c) || c == '"' || c == '(' || c == ')' ||
            (c == ',' && braces == 0 && !in_set) || (c == '=' && is_condition_name(&t->value)))
            break;
        if (c == '\\') {
            read_escape(t);
            continue;
        }
        in_set = in_set ? c != ']' : c == '[';
        if (!in_set && c == '{')
            braces++;
        else if (!in_set && c == '}' && braces > 0)
            braces--;
        keep(t, &t->text[t->pos], 1);
        advance(t, 1);
    }
    if (is_condition_name(&t->value)) { /* fstype = proc is the same */
        size_t ahead = 0;

        while (peek(t, ahead) == ' ' || peek(t, ahead) == '\t')
            ahead++;
        if (peek(t, ahead) == '=') {
            t->kind = TOKEN_CONDITION;
            advance(t, ahead + 1);
        }
    }
}

/* Behind = and ( a brace begins a pattern, elsewhere a block. before: the token before. */
static enum token_kind sign_kind(const struct rule_text *t, enum token_kind before, size_t *ret_len)
{
    *ret_len = 1;
    switch (peek(t, 0)) {
    case '(':
        return TOKEN_OPEN;
    case ')':
        return TOKEN_CLOSE;
    case ',':
        return TOKEN_COMMA;
    case '{':
        return before == TOKEN_CONDITION || before == TOKEN_OPEN ? TOKEN_WORD : TOKEN_BLOCK;
    case '}':
        return TOKEN_BLOCK;
    case '-':
        *ret_len = 2;
        return peek(t, 1) == '>' ? TOKEN_ARROW : TOKEN_WORD;
    case '<':
        *ret_len = 2;
        return peek(t, 1) == '=' ? TOKEN_AT_MOST : TOKEN_WORD;
    default:
        return TOKEN_WORD;
    }
}

void rule_text_next(struct rule_text *t)
{
    enum token_kind before = t->kind;
    bool broken_before = t->broken;
    size_t len;

    t->comment = NULL;
    t->quoted = false;
    buf_clear(&t->value);
    skip_blanks_and_comments(t);
    t->token_line = t->line;
    t->token_column = t->column;
    if (at_end(t)) {
        t->kind = TOKEN_END;
    } else if (peek(t, 0) == '"') {
        read_quoted(t);
    } else {
        t->kind = sign_kind(t, before, &len);
        if (t->kind == TOKEN_WORD) {
            read_word(t);
        } else {
            if (t->kind == TOKEN_BLOCK)
                keep(t, &t->text[t->pos], 1);
            advance(t, len);
        }
    }
    t->token_bad = t->broken && !broken_before;
}

void rule_text_skip_rule(struct rule_text *t)
{
    unsigned depth = 0;

    t->broken = true; /* words on the way are not judged */
    while (t->kind != TOKEN_END && t->kind != TOKEN_BLOCK &&
           (t->kind != TOKEN_COMMA || depth > 0)) {
        depth += t->kind == TOKEN_OPEN;
        depth -= t->kind == TOKEN_CLOSE && depth > 0;
        rule_text_next(t);
    }
    if (t->kind == TOKEN_BLOCK)
        rule_text_next(t);
    t->broken = false;
    if (t->kind == TOKEN_COMMA)
        rule_text_next(t);
}

/* ---- the whole text ---- */

static int check_characters(struct rule_text *t)
{
    struct rule_text at = *t;

    while (!at_end(&at)) {
        const uint8_t *s = (const uint8_t *)at.text + at.pos;
        size_t n = is_blank((char)*s) ? 1 : utf8_printable(s, at.len - at.pos);

        if (n == 0) {
            return rule_text_problem_at(t, at.line, at.column, "byte 0x%02x is %s", *s,
                                        *s < 0x80 ? "a control character"
                                                  : "no UTF-8, or a control character");
        }
        advance(&at, n);
    }
    return 0;
}

int rule_text_init(struct rule_text *t, const char *text, size_t len, unsigned line,
                   unsigned column, enum rule_author author, struct findings *findings)
{
    size_t max = author == AUTHOR_WRITER ? AA_MAX_PROFILE_TEXT : AA_MAX_TEXT;

    *t = (struct rule_text){
        .text = text,
        .len = len,
        .line = line,
        .column = column,
        .author = author,
        .findings = findings,
        .value = BUF_INIT(AA_MAX_RULE_BYTES),
    };
    if (len > max)
        return rule_text_problem_at(t, line, column, "the text has %zu bytes, more than %zu", len,
                                    max);
    if (check_characters(t) < 0)
        return -EINVAL;
    rule_text_next(t);
    return t->failure;
}

void rule_text_done(struct rule_text *t)
{
    buf_done(&t->value);
}

/* ---- writing ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_./*?[]{}@+:~%-^", c));
}

/* Without quotes: only what every reader takes for one word. */
static bool needs_quotes(const char *word)
{
    unsigned braces = 0;
    bool in_set = false;

    if (!is_plain(word[0]) || strchr("{}[]*?^-:+~%", word[0]))
        return true;
    for (const char *s = word; *s != '\0'; s++) {
        if (*s == ',' ? (braces == 0 && !in_set) || !is_plain(s[1]) : !is_plain(*s))
            return true;
        in_set = in_set ? *s != ']' : *s == '[';
        braces += !in_set && *s == '{';
        braces -= !in_set && *s == '}' && braces > 0;
    }
    return false;
}

int rule_text_write_word(struct buf *out, const char *word)
{
    int r;

    if (!needs_quotes(word))
        return buf_add_text(out, word);
    r = buf_add(out, "\"", 1);
    for (const char *s = word; *s != '\0' && r == 0; s++)
        r = *s == '"' ? buf_add_text(out, "\\\"") : buf_add(out, s, 1);
    return r < 0 ? r : buf_add(out, "\"", 1);
}
