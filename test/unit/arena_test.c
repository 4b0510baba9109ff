/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/arena.h"

#include <string.h>

#include "test/unit/unit.h"

static bool is_zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

START_TEST(memory_is_zero_aligned_and_apart)
{
    CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
    static const size_t sizes[] = {1, 17, 3999, 4001, 100000, 8};

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *p = arena_alloc(a, sizes[i]);

        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
        ck_assert(is_zero(p, sizes[i]));
        memset(p, 0xff, sizes[i]); /* would show in the next one if they overlapped */
    }
}
END_TEST

START_TEST(the_ceiling_counts_what_rounding_wastes)
{
    const size_t piece = _Alignof(max_align_t);
    CLEANUP(arena_free) struct arena *a = arena_new(10 * piece);

    for (unsigned i = 0; i < 10; i++) {
        ck_assert(arena_has_room(a, 1));
        ck_assert_ptr_nonnull(arena_alloc(a, 1));
    }
    ck_assert(!arena_has_room(a, 1));
    ck_assert_ptr_null(arena_alloc(a, 1));
}
END_TEST

START_TEST(a_piece_of_the_whole_ceiling_fits_and_one_byte_more_does_not)
{
    CLEANUP(arena_free) struct arena *exact = arena_new(4096);
    CLEANUP(arena_free) struct arena *more = arena_new(4096);

    ck_assert_ptr_nonnull(arena_alloc(exact, 4096));
    ck_assert_ptr_null(arena_alloc(exact, 1));
    ck_assert_ptr_null(arena_alloc(more, 4097));
}
END_TEST

START_TEST(an_array_whose_size_overflows_is_refused)
{
    CLEANUP(arena_free) struct arena *a = arena_new(SIZE_MAX / 2);

    ck_assert_ptr_null(arena_array(a, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_array(a, SIZE_MAX, 1));
    ck_assert_ptr_nonnull(arena_array(a, 0, 16));
}
END_TEST

START_TEST(a_text_is_copied)
{
    CLEANUP(arena_free) struct arena *a = arena_new(64);
    char text[] = "abc";
    const char *copy = arena_text(a, text);

    text[0] = 'x';
    ck_assert_str_eq(copy, "abc");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("arena");
    TCase *t = tcase_create("arena");

    tcase_add_test(t, memory_is_zero_aligned_and_apart);
    tcase_add_test(t, the_ceiling_counts_what_rounding_wastes);
    tcase_add_test(t, a_piece_of_the_whole_ceiling_fits_and_one_byte_more_does_not);
    tcase_add_test(t, an_array_whose_size_overflows_is_refused);
    tcase_add_test(t, a_text_is_copied);
    suite_add_tcase(s, t);
    return s;
}
