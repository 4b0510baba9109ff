/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/profile_slots.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct profile_slot *add(struct profile_slots *slots, const char *name, uint32_t number)
{
    struct profile_slot *slot = NULL;

    ck_assert_int_eq(profile_slots_add(slots, name, number, &slot, NULL), 0);
    ck_assert_ptr_nonnull(slot);
    return slot;
}

START_TEST(a_slot_is_found_by_name_number_and_version)
{
    CLEANUP(profile_slots_free) struct profile_slots *slots = profile_slots_new();
    struct profile_slot *one = add(slots, "one", 0), *two = add(slots, "two", 7);

    one->version = 10;
    one->previous_version = 9;
    ck_assert_uint_eq(one->number, 1);
    ck_assert_ptr_eq(profile_slots_find(slots, "one"), one);
    ck_assert_ptr_eq(profile_slots_at(slots, 7), two);
    ck_assert_ptr_eq(profile_slots_find_version(slots, 10), one);
    ck_assert_ptr_eq(profile_slots_find_version(slots, 9), one);
    ck_assert_ptr_null(profile_slots_find_version(slots, 8));
    ck_assert_ptr_null(profile_slots_find_version(slots, 0)); /* two has no version */
    ck_assert_ptr_null(profile_slots_find(slots, "three"));
    ck_assert_ptr_null(profile_slots_at(slots, 2));
    ck_assert_ptr_null(profile_slots_at(slots, VARMOR_MAX_SLOTS));
    ck_assert_ptr_eq(profile_slots_next(slots, NULL), one);
    ck_assert_ptr_eq(profile_slots_next(slots, one), two);
    ck_assert_ptr_null(profile_slots_next(slots, two));
}
END_TEST

START_TEST(a_free_number_is_given_out_again)
{
    CLEANUP(profile_slots_free) struct profile_slots *slots = profile_slots_new();
    struct profile_slot *one = add(slots, "one", 0);

    add(slots, "two", 0);
    profile_slots_drop(slots, one);
    ck_assert_ptr_null(profile_slots_find(slots, "one"));
    ck_assert_uint_eq(add(slots, "three", 0)->number, 1);
    ck_assert_uint_eq(profile_slots_size(slots), 2);
}
END_TEST

static const struct {
    const char *name;
    uint32_t number;
    int r;
} refused_cases[] = {
    {"", 0, -EINVAL},
    {"a-name-of-64-bytes-a-name-of-64-bytes-a-name-of-64-bytes-a-name-", 0, -EINVAL},
    {"x", VARMOR_MAX_SLOTS, -EINVAL},
    {"there", 0, -EEXIST},
    {"x", 3, -EEXIST},
};

START_TEST(what_cannot_be_a_slot_is_refused)
{
    CLEANUP(profile_slots_free) struct profile_slots *slots = profile_slots_new();
    CLEANUP(error_free) struct error *e = NULL;
    struct profile_slot *slot = NULL;

    add(slots, "there", 3);
    ck_assert_int_eq(
        profile_slots_add(slots, refused_cases[_i].name, refused_cases[_i].number, &slot, &e),
        refused_cases[_i].r);
    ck_assert_ptr_null(slot);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(profile_slots_size(slots), 1);
}
END_TEST

START_TEST(the_last_slot_is_given_out_and_one_more_is_refused)
{
    CLEANUP(profile_slots_free) struct profile_slots *slots = profile_slots_new();
    CLEANUP(error_free) struct error *e = NULL;
    struct profile_slot *slot = NULL;
    char name[16];

    for (int i = 0; i < PROFILE_SLOTS_MAX; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        slot = add(slots, name, 0);
    }
    ck_assert_uint_eq(slot->number, VARMOR_MAX_SLOTS - 1);
    ck_assert_int_eq(profile_slots_add(slots, "more", 0, &slot, &e), -E2BIG);
    ck_assert_str_eq(error_message(e), "all 4095 slots for profiles are in use on this node");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("profile_slots");
    TCase *t = tcase_create("profile_slots");

    tcase_add_test(t, a_slot_is_found_by_name_number_and_version);
    tcase_add_test(t, a_free_number_is_given_out_again);
    tcase_add_loop_test(t, what_cannot_be_a_slot_is_refused, 0, (int)ARRAY_SIZE(refused_cases));
    tcase_add_test(t, the_last_slot_is_given_out_and_one_more_is_refused);
    suite_add_tcase(s, t);
    return s;
}
