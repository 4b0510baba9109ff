/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/violation_fold.h"

#include <string.h>

#define WINDOW 1000

static struct violation_fold *fold;
static char *large; /* a text of half of all that is held */

static void setup(void)
{
    fold = violation_fold_new(WINDOW);
    large = malloc(VIOLATION_FOLD_MAX_BYTES / 2);
    ck_assert(fold && large);
    memset(large, 'l', VIOLATION_FOLD_MAX_BYTES / 2);
}

static void teardown(void)
{
    free(large);
    violation_fold_free(fold);
}

static bool hold_text(unsigned kind, const char *front, size_t len, uint64_t now_ns)
{
    const struct violation_text text = {
        .front = front, .front_len = len, .back = "back", .back_len = 4};
    struct digest digest = {.bytes = {(uint8_t)kind, (uint8_t)(kind >> 8)}};

    return violation_fold_hold(fold, &digest, &text, now_ns);
}

static bool hold(unsigned kind, const char *front, uint64_t now_ns)
{
    return hold_text(kind, front, strlen(front), now_ns);
}

START_TEST(a_window_gives_its_last_text_and_how_many_there_were)
{
    struct violation_text text;
    uint64_t count;

    ck_assert(!hold(1, "first", 1));
    ck_assert_uint_eq(violation_fold_deadline_ns(fold), UINT64_MAX);
    ck_assert(hold(1, "second", 2));
    ck_assert(hold(1, "third", WINDOW));
    ck_assert_uint_eq(violation_fold_deadline_ns(fold), 1 + WINDOW);
    ck_assert(!violation_fold_take_due(fold, WINDOW, &text, &count));
    ck_assert(violation_fold_take_due(fold, 1 + WINDOW, &text, &count));
    ck_assert_uint_eq(count, 2);
    ck_assert(text.front_len == 5 && memcmp(text.front, "third", 5) == 0);
    ck_assert(text.back_len == 4 && memcmp(text.back, "back", 4) == 0);
    ck_assert(!violation_fold_take_due(fold, 1 + WINDOW, &text, &count));
}
END_TEST

START_TEST(a_window_follows_one_with_events_and_none_follows_an_empty_one)
{
    struct violation_text text;
    uint64_t count;

    hold(1, "a", 0);
    hold(1, "b", 1);
    ck_assert(violation_fold_take_due(fold, WINDOW, &text, &count));
    ck_assert(hold(1, "c", WINDOW + 1));
    ck_assert(violation_fold_take_due(fold, 2 * WINDOW, &text, &count));
    ck_assert_uint_eq(count, 1);
    ck_assert(!hold(1, "d", 3 * WINDOW));
    ck_assert(hold(1, "e", 3 * WINDOW));
}
END_TEST

START_TEST(the_last_place_is_given_and_no_more)
{
    for (unsigned kind = 0; kind < VIOLATION_FOLD_KINDS; kind++)
        ck_assert(!hold(kind, "x", 0));
    ck_assert(hold(VIOLATION_FOLD_KINDS - 1, "x", 1));
    ck_assert(!hold(VIOLATION_FOLD_KINDS, "x", 1));
    ck_assert(!hold(VIOLATION_FOLD_KINDS, "x", 1)); /* it is not remembered */
    ck_assert(!hold(VIOLATION_FOLD_KINDS, "x", WINDOW));
    ck_assert(hold(VIOLATION_FOLD_KINDS, "x", WINDOW)); /* by now places are free */
}
END_TEST

START_TEST(text_is_held_up_to_its_ceiling)
{
    const size_t half = VIOLATION_FOLD_MAX_BYTES / 2;

    for (unsigned kind = 0; kind < 3; kind++)
        hold(kind, "x", 0);
    ck_assert(hold_text(0, large, half - 4, 1));
    ck_assert(!hold_text(1, large, half - 3, 1)); /* one byte more than there is room for */
    ck_assert(hold_text(1, large, half - 4, 1));
    ck_assert(!hold(2, "", 1));
    ck_assert(hold_text(0, large, half - 8, 2)); /* instead of the longer one */
    ck_assert(hold(2, "", 2));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("violation_fold");
    TCase *t = tcase_create("violation_fold");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_window_gives_its_last_text_and_how_many_there_were);
    tcase_add_test(t, a_window_follows_one_with_events_and_none_follows_an_empty_one);
    tcase_add_test(t, the_last_place_is_given_and_no_more);
    tcase_add_test(t, text_is_held_up_to_its_ceiling);
    suite_add_tcase(s, t);
    return s;
}
