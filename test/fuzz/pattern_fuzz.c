/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns: the input is lines, each a pattern, and behind an empty line paths. What parses is
 * compiled in both directions; every path must get from the automata what the reference matcher
 * says.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/match/automaton.h"
#include "lib/match/pattern.h"

#define MAX_PATTERNS 6
#define MAX_LINE     200 /* longer lines only make the reference matcher slow */

struct patterns {
    struct pattern *items[MAX_PATTERNS];
    size_t n;
};

/* The verdict of a set of rules is the set itself, as bits. */
static int fuzz_verdict(void *data, const uint32_t *rules, size_t n_rules, uint32_t *ret)
{
    (void)data;
    *ret = 0;
    for (size_t i = 0; i < n_rules; i++)
        *ret |= 1u << rules[i];
    return 0;
}

static void compare(const struct patterns *p, const struct automaton *a, bool backward,
                    const char *path, size_t len)
{
    uint32_t got = automaton_walk(a->cells, a->classes, a->start, backward, path, len), wanted = 0;

    for (size_t i = 0; i < p->n; i++)
        if (pattern_matches(p->items[i], path, len))
            wanted |= 1u << i;
    if (got != wanted)
        abort();
}

/* Compiles the patterns and compares each line of paths. */
static void judge_paths(const struct patterns *p, bool backward, const char *paths, size_t size)
{
    struct automaton_input inputs[MAX_PATTERNS];
    struct automaton_meaning meaning = {.verdict = fuzz_verdict, .max_states = 4096};
    struct automaton *a = NULL;
    struct automaton_blame blame;

    for (size_t i = 0; i < p->n; i++)
        inputs[i] = (struct automaton_input){p->items[i], (uint32_t)i};
    if (p->n == 0 || automaton_build(&a, inputs, p->n, backward, &meaning, &blame, NULL) < 0)
        return;
    while (size > 0) {
        const char *end = memchr(paths, '\n', size);
        size_t len = end ? (size_t)(end - paths) : size;

        if (len <= MAX_LINE && (!backward || (len > 0 && paths[0] == '/')))
            compare(p, a, backward, paths, len);
        len += end != NULL;
        paths += len;
        size -= len;
    }
    automaton_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct patterns p = {.n = 0};

    while (size > 0 && p.n < MAX_PATTERNS) {
        const char *end = memchr(text, '\n', size);
        size_t len = end ? (size_t)(end - text) : size;
        char line[MAX_LINE + 1];
        struct error *e = NULL;

        if (len > 0 && len <= MAX_LINE) {
            memcpy(line, text, len);
            line[len] = '\0';
            if (pattern_parse(&p.items[p.n], line, &e) == 0)
                p.n++;
            error_free(e);
        }
        text += len + (end != NULL);
        size -= len + (end != NULL);
        if (len == 0)
            break;
    }
    judge_paths(&p, false, text, size);
    judge_paths(&p, true, text, size);
    for (size_t i = 0; i < p.n; i++)
        pattern_free(p.items[i]);
    return 0;
}
