/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/match/automaton.h"
#include "lib/match/pattern.h"

#define MAX_PATTERNS 12
#define MAX_TEXT     48

/* Verdicts of the tests: a set of rules below 32 is its own bits; a number of it is found in a
 * list. */
struct meaning_data {
    uint32_t sets[8192];
    uint32_t n_sets;
    bool lowest_wins; /* only the lowest rule counts: then higher ones are covered */
};

static int test_verdict(void *data, const uint32_t *rules, size_t n_rules, uint32_t *ret)
{
    struct meaning_data *m = data;
    uint32_t set = 0, i = 0;

    ck_assert_uint_gt(n_rules, 0);
    for (size_t j = 0; j < (m->lowest_wins ? 1 : n_rules); j++)
        set |= 1u << rules[j];
    while (i < m->n_sets && m->sets[i] != set)
        i++;
    ck_assert_uint_lt(i, ARRAY_SIZE(m->sets));
    m->sets[i] = set;
    m->n_sets = MAX(m->n_sets, i + 1);
    *ret = i + 1;
    return 0;
}

static bool test_covered(void *data, uint32_t rule, uint32_t other)
{
    return ((struct meaning_data *)data)->lowest_wins && rule > other;
}

struct built {
    struct pattern *patterns[MAX_PATTERNS];
    size_t n;
    struct meaning_data data;
    struct automaton *automaton;
};

static void built_done(struct built *b)
{
    automaton_free(b->automaton);
    for (size_t i = 0; i < b->n; i++)
        pattern_free(b->patterns[i]);
}

static int build(struct built *b, const char *const *texts, size_t n, bool backward, bool lowest)
{
    struct automaton_input inputs[MAX_PATTERNS];
    struct automaton_meaning meaning = {test_verdict, test_covered, &b->data, 0};
    struct automaton_blame blame;

    b->data.n_sets = 0;
    b->data.lowest_wins = lowest;
    b->automaton = NULL;
    b->n = n;
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(pattern_parse(&b->patterns[i], texts[i], NULL), 0);
        inputs[i] = (struct automaton_input){b->patterns[i], (uint32_t)i};
    }
    return automaton_build(&b->automaton, inputs, n, backward, &meaning, &blame, NULL);
}

static uint32_t walk(const struct built *b, bool backward, const char *text, size_t len)
{
    const struct automaton *a = b->automaton;
    uint32_t verdict = automaton_walk(a->cells, a->classes, a->start, backward, text, len);

    return verdict ? b->data.sets[verdict - 1] : 0;
}

static uint32_t expected(const struct built *b, const char *text, size_t len)
{
    uint32_t set = 0;

    for (size_t i = 0; i < b->n; i++)
        if (pattern_matches(b->patterns[i], text, len))
            set |= 1u << i;
    return b->data.lowest_wins ? set & -set : set;
}

/* A small generator of its own, so that a failure can be repeated from its seed. */
static uint64_t random_state;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(random_state >> 33) % n;
}

static void random_pattern(char *out, size_t size)
{
    static const char *const parts[] = {
        "a",    "b", "/",        "/",     "*", "**",    "?",        "[ab]",  "ab",        "[^a]",
        "/**/", "/", "\xc3\xa9", "{a,b}", "c", "{,/a}", "{*,b/**}", "[a-c]", "{a{b,/},c}"};
    unsigned n = 1 + random_below(6);

    snprintf(out, size, "%s", random_below(4) ? "/" : "");
    for (unsigned i = 0; i < n; i++) {
        size_t at = strlen(out);

        snprintf(out + at, size - at, "%s", parts[random_below(ARRAY_SIZE(parts))]);
    }
}

static size_t random_text(char *out, bool absolute)
{
    static const char *const parts[] = {"a", "b", "/", "c", "\xc3\xa9", "\xc3", "z", "/", "ab"};
    size_t len = 0;
    unsigned n = random_below(9);

    if (absolute)
        out[len++] = '/';
    for (unsigned i = 0; i < n; i++) {
        const char *part = parts[random_below(ARRAY_SIZE(parts))];

        memcpy(out + len, part, strlen(part));
        len += strlen(part);
    }
    return len;
}

static void compare_once(unsigned seed, bool backward)
{
    char texts[MAX_PATTERNS][128], text[MAX_TEXT];
    const char *pointers[MAX_PATTERNS];
    struct built b = {0};
    size_t n;

    random_state = seed;
    n = 1 + random_below(MAX_PATTERNS - 1);
    for (size_t i = 0; i < n; i++) {
        random_pattern(texts[i], sizeof(texts[i]));
        pointers[i] = texts[i];
    }
    ck_assert_int_eq(build(&b, pointers, n, backward, seed % 2), 0);
    for (unsigned i = 0; i < 200; i++) {
        size_t len = random_text(text, backward || random_below(4));
        uint32_t got = walk(&b, backward, text, len), wanted = expected(&b, text, len);

        ck_assert_msg(got == wanted, "seed %u, text '%.*s': got %x, wanted %x, first pattern '%s'",
                      seed, (int)len, text, got, wanted, texts[0]);
    }
    built_done(&b);
}

START_TEST(a_forward_automaton_agrees_with_the_reference_matcher)
{
    for (unsigned seed = 1; seed <= 400; seed++)
        compare_once(seed, false);
}
END_TEST

START_TEST(a_backward_automaton_agrees_on_absolute_paths)
{
    for (unsigned seed = 1001; seed <= 1400; seed++)
        compare_once(seed, true);
}
END_TEST

static const struct {
    const char *patterns[4];
    size_t n;
    bool backward;
    unsigned n_states;
} minimal_cases[] = {
    {{"/a"}, 1, false, 3},          {{"/{a,b}"}, 1, false, 3},
    {{"/{ac,bc}"}, 1, false, 4}, /* the tails are one */
    {{"/a", "/b"}, 2, false, 4}, /* two rules: two ends */
    {{"/etc/**"}, 1, false, 6},     {{"**"}, 1, false, 1},
    {{"/a*", "/a**"}, 2, false, 4}, {{"*.c"}, 1, true, 4}, /* nothing, c, .c, / */
    {{"**/x"}, 1, true, 3},                                /* done at the '/' */
    {{"/**/x"}, 1, true, 3},                               /* the same on absolute paths */
    {{"/**x"}, 1, true, 2},         {{"**/x/**", "**/x/**"}, 2, true, 4},
};

START_TEST(an_automaton_is_minimal)
{
    struct built b = {0};

    ck_assert_int_eq(build(&b, minimal_cases[_i].patterns, minimal_cases[_i].n,
                           minimal_cases[_i].backward, true),
                     0);
    ck_assert_msg(b.automaton->n_states == minimal_cases[_i].n_states, "'%s': %u states",
                  minimal_cases[_i].patterns[0], b.automaton->n_states);
    built_done(&b);
}
END_TEST

START_TEST(a_walk_may_end_where_nothing_can_change_any_more)
{
    static const char *const forward[] = {"/etc/**"};
    const struct varmor_cell *cells;
    struct built b = {0};
    uint32_t n_stops = 0;

    ck_assert_int_eq(build(&b, forward, 1, false, false), 0);
    cells = b.automaton->cells;
    /* Every state but the last is left for good by a byte that is not its own, and the last is
     * final. */
    for (uint32_t i = 1; i < b.automaton->n_cells; i++)
        n_stops += (cells[i].owner & VARMOR_CELL_RECORD) && (cells[i].owner & VARMOR_CELL_STOP);
    ck_assert_uint_eq(n_stops, b.automaton->n_states);
    built_done(&b);
}
END_TEST

START_TEST(equal_inputs_give_equal_cells)
{
    static const char *const texts[] = {"/proc/*/mem", "/sys/**/x", "/etc/{passwd,shadow}*"};
    struct built one = {0}, two = {0};

    ck_assert_int_eq(build(&one, texts, 3, false, false), 0);
    ck_assert_int_eq(build(&two, texts, 3, false, false), 0);
    ck_assert_uint_eq(one.automaton->n_cells, two.automaton->n_cells);
    ck_assert_mem_eq(one.automaton->cells, two.automaton->cells,
                     one.automaton->n_cells * sizeof(*one.automaton->cells));
    built_done(&one);
    built_done(&two);
}
END_TEST

START_TEST(nothing_is_built_from_nothing)
{
    struct built b = {0};

    ck_assert_int_eq(build(&b, NULL, 0, false, false), 0);
    ck_assert_uint_eq(b.automaton->n_cells, 0);
    built_done(&b);
}
END_TEST

/* Each pattern doubles what has to be remembered: which of the others was seen. */
START_TEST(patterns_that_explode_are_refused_and_blamed)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct automaton_input inputs[24];
    struct automaton_meaning meaning = {.verdict = test_verdict};
    struct meaning_data *data = calloc(1, sizeof(*data));
    struct automaton *a = NULL;
    struct automaton_blame blame;

    meaning.data = data;
    data->lowest_wins = true;
    for (unsigned i = 0; i < ARRAY_SIZE(inputs); i++) {
        struct pattern *p = NULL;
        char text[32];

        snprintf(text, sizeof(text), i == 23 ? "/short" : "/**/a%c**/x", 'a' + (char)i);
        ck_assert_int_eq(pattern_parse(&p, text, NULL), 0);
        inputs[i] = (struct automaton_input){p, i};
    }
    ck_assert_int_eq(automaton_build(&a, inputs, ARRAY_SIZE(inputs), false, &meaning, &blame, &e),
                     -E2BIG);
    ck_assert_ptr_null(a);
    ck_assert_ptr_nonnull(strstr(error_message(e), "need more than"));
    ck_assert_uint_eq(blame.n_rules, AUTOMATON_MAX_BLAMED);
    for (size_t i = 0; i < blame.n_rules; i++)
        ck_assert_uint_lt(blame.rules[i], 23); /* the innocent one is not named */
    for (unsigned i = 0; i < ARRAY_SIZE(inputs); i++)
        pattern_free((struct pattern *)inputs[i].pattern);
    free(data);
}
END_TEST

static const struct {
    const char *pattern;
    bool backward;
} direction_cases[] = {
    {"/etc/**", false}, {"/e*", false},  {"/[ab]*", false},    {"/?x", false},
    {"/*/x", true},     {"/**/x", true}, {"**/x", true},       {"*.log", true},
    {"name", true},     {"/", false},    {"/{a,b*}/x", false}, {"/{a,*b}", true},
    {"/{,a}*", true},   {"", true},      {"**", true},         {"/{a,b}*", false},
};

START_TEST(a_pattern_is_walked_from_its_literal_end)
{
    CLEANUP(pattern_free) struct pattern *p = NULL;

    ck_assert_int_eq(pattern_parse(&p, direction_cases[_i].pattern, NULL), 0);
    ck_assert_msg(automaton_prefers_backward(p) == direction_cases[_i].backward, "'%s'",
                  direction_cases[_i].pattern);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("automaton");
    TCase *t = tcase_create("automaton");

    tcase_add_test(t, a_forward_automaton_agrees_with_the_reference_matcher);
    tcase_add_test(t, a_backward_automaton_agrees_on_absolute_paths);
    tcase_add_loop_test(t, an_automaton_is_minimal, 0, (int)ARRAY_SIZE(minimal_cases));
    tcase_add_test(t, a_walk_may_end_where_nothing_can_change_any_more);
    tcase_add_test(t, equal_inputs_give_equal_cells);
    tcase_add_test(t, nothing_is_built_from_nothing);
    tcase_add_test(t, patterns_that_explode_are_refused_and_blamed);
    tcase_add_loop_test(t, a_pattern_is_walked_from_its_literal_end, 0,
                        (int)ARRAY_SIZE(direction_cases));
    suite_add_tcase(s, t);
    return s;
}
