/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "lib/backoff.h"

static const struct {
    uint64_t first_ns, max_ns;
    unsigned n_before;
    uint64_t low_ns, high_ns; /* where the next delay must lie, both included */
} backoff_cases[] = {
    {100, 10000, 0, 50, 100},
    {100, 10000, 1, 100, 200},
    {100, 10000, 2, 200, 400},
    {100, 10000, 6, 3200, 6400},
    {100, 10000, 7, 5000, 10000},
    {100, 10000, 500, 5000, 10000},
    {1, UINT64_MAX, 62, 1ULL << 61, 1ULL << 62},
    {3, UINT64_MAX, 200, UINT64_MAX / 2, UINT64_MAX}, /* no overflow on the way */
    {500, 100, 0, 50, 100},
    {0, 0, 3, 0, 0},
    {1, 1, 9, 1, 1},
};

START_TEST(the_delay_doubles_up_to_its_maximum)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct backoff b = {.first_ns = backoff_cases[_i].first_ns,
                            .max_ns = backoff_cases[_i].max_ns,
                            .random_state = seed};
        uint64_t delay;

        for (unsigned i = 0; i < backoff_cases[_i].n_before; i++)
            backoff_next_ns(&b);
        delay = backoff_next_ns(&b);
        ck_assert_uint_ge(delay, backoff_cases[_i].low_ns);
        ck_assert_uint_le(delay, backoff_cases[_i].high_ns);
    }
}
END_TEST

START_TEST(agents_with_different_seeds_do_not_come_back_together)
{
    unsigned n_in_quarter[4] = {};

    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct backoff b = {.first_ns = 8000, .max_ns = 8000, .random_state = seed};
        uint64_t quarter = (backoff_next_ns(&b) - 4000) / 1000;

        n_in_quarter[MIN(quarter, 3)]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(n_in_quarter); i++) {
        ck_assert_uint_gt(n_in_quarter[i], 180);
        ck_assert_uint_lt(n_in_quarter[i], 320);
    }
}
END_TEST

START_TEST(success_starts_again_from_the_first_delay)
{
    struct backoff b = {.first_ns = 100, .max_ns = 10000, .random_state = 7};

    for (unsigned i = 0; i < 9; i++)
        backoff_next_ns(&b);
    backoff_reset(&b);
    ck_assert_uint_le(backoff_next_ns(&b), 100);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("backoff");
    TCase *t = tcase_create("backoff");

    tcase_add_loop_test(t, the_delay_doubles_up_to_its_maximum, 0, (int)ARRAY_SIZE(backoff_cases));
    tcase_add_test(t, agents_with_different_seeds_do_not_come_back_together);
    tcase_add_test(t, success_starts_again_from_the_first_delay);
    suite_add_tcase(s, t);
    return s;
}
