/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manager/write_queue.h"

static const struct write_pace pace = {
    .settle_ns = 10,
    .first_gap_ns = 100,
    .max_gap_ns = 400,
    .quiet_ns = 1000,
    .retry_first_ns = 50,
    .retry_max_ns = 200,
    .max_running = 2,
    .burst = 100,
    .per_second = 1,
    .max_objects = 50,
};

static struct write_queue *queue;

static void set_up(void)
{
    queue = write_queue_new(&pace, 1);
}

static void tear_down(void)
{
    write_queue_free(queue);
}

static void touch(const char *key, uint64_t now_ns)
{
    ck_assert_int_eq(write_queue_touch(queue, key, now_ns), 0);
}

/* Expects an object's turn ("" for nobody's). */
static void expect(const char *key, uint64_t now_ns)
{
    const char *next = write_queue_next(queue, now_ns);

    ck_assert_str_eq(next ? next : "", key);
}

static void end(const char *key, enum write_outcome outcome, uint64_t now_ns)
{
    write_queue_ended(queue, key, outcome, 0, now_ns);
}

START_TEST(changes_that_come_together_are_written_together)
{
    touch("a", 0);
    touch("a", 5);
    touch("a", 9);
    expect("", 9);
    ck_assert_uint_eq(write_queue_due_ns(queue), 10);
    expect("a", 10);
    expect("", 11);
    end("a", WRITE_DONE, 20);
    expect("", 100000);
    ck_assert_uint_eq(write_queue_due_ns(queue), UINT64_MAX);
}
END_TEST

START_TEST(what_changes_during_a_write_is_one_more_write)
{
    touch("a", 0);
    expect("a", 10);
    touch("a", 11);
    touch("a", 12);
    expect("", 1000); /* of one object at most one is under way */
    end("a", WRITE_DONE, 20);
    expect("", 119);
    expect("a", 120);
    end("a", WRITE_DONE, 125);
    expect("", 100000);
}
END_TEST

START_TEST(the_gap_doubles_while_an_object_goes_on_changing)
{
    static const uint64_t gaps[] = {100, 200, 400, 400};
    uint64_t now_ns = 10;

    touch("a", 0);
    for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
        expect("a", now_ns);
        end("a", WRITE_DONE, now_ns);
        touch("a", now_ns);
        expect("", now_ns + gaps[i] - 1);
        now_ns += gaps[i];
    }
    expect("a", now_ns);
    end("a", WRITE_DONE, now_ns);
    now_ns += pace.quiet_ns; /* it has been quiet: the gap starts anew */
    touch("a", now_ns);
    expect("a", now_ns + pace.settle_ns);
    end("a", WRITE_DONE, now_ns + 10);
    touch("a", now_ns + 10);
    ck_assert_uint_eq(write_queue_due_ns(queue), now_ns + 110);
}
END_TEST

START_TEST(the_first_due_has_its_turn_first)
{
    char key[16];

    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "%02d", (i * 7) % 50);
        touch(key, (uint64_t)(i * 7) % 50);
    }
    ck_assert_uint_eq(write_queue_n_waiting(queue), 50);
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "%02d", i);
        expect(key, 1000);
        end(key, WRITE_NOTHING, 1000);
    }
    ck_assert_uint_eq(write_queue_n_waiting(queue), 0);
}
END_TEST

START_TEST(so_many_are_under_way_and_no_more)
{
    touch("a", 0);
    touch("b", 1);
    touch("c", 2);
    expect("a", 20);
    expect("b", 20);
    expect("", 20);
    ck_assert_uint_eq(write_queue_due_ns(queue), UINT64_MAX);
    end("a", WRITE_DONE, 21);
    expect("c", 21);
}
END_TEST

START_TEST(writes_cost_tokens_and_looks_do_not)
{
    uint64_t now_ns = 10;
    char key[16];

    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "%d", i % 50);
        touch(key, now_ns - 10);
        expect(key, now_ns);
        end(key, WRITE_NOTHING, now_ns);
    }
    for (unsigned i = 0; i < pace.burst; i++) {
        snprintf(key, sizeof(key), "%u", i % 50);
        now_ns += 500;
        touch(key, now_ns - 10);
        expect(key, now_ns);
        end(key, WRITE_DONE, now_ns);
    }
    touch("0", now_ns + 1000);
    expect("", now_ns + 2000);
    ck_assert_uint_gt(write_queue_due_ns(queue), now_ns + NS_PER_SEC / 2);
    expect("0", now_ns + NS_PER_SEC + 2000);
}
END_TEST

START_TEST(what_failed_is_tried_for_ever_with_growing_delays)
{
    uint64_t now_ns = 10, delay_ns = 0;

    touch("a", 0);
    for (int i = 0; i < 90; i++) {
        expect("a", now_ns);
        end("a", WRITE_AGAIN, now_ns);
        touch("a", now_ns); /* which does not make it come earlier */
        delay_ns = write_queue_due_ns(queue) - now_ns;
        ck_assert_uint_ge(delay_ns, pace.retry_first_ns / 2);
        ck_assert_uint_le(delay_ns, pace.retry_max_ns);
        now_ns += delay_ns;
    }
    ck_assert_uint_ge(delay_ns, pace.retry_max_ns / 2);
    expect("a", now_ns);
    write_queue_ended(queue, "a", WRITE_AGAIN, 5000, now_ns); /* the server says when */
    ck_assert_uint_eq(write_queue_due_ns(queue), now_ns + 5000);
}
END_TEST

START_TEST(what_waits_for_something_hurries_when_touched)
{
    touch("a", 0);
    expect("a", 10);
    write_queue_ended(queue, "a", WRITE_LATER, 5000, 10);
    ck_assert_uint_eq(write_queue_due_ns(queue), 5010);
    touch("a", 100);
    expect("a", 110);
    write_queue_ended(queue, "a", WRITE_LATER, 5000, 110);
    expect("a", 5110);
    end("a", WRITE_NOTHING, 5110);
}
END_TEST

START_TEST(an_object_that_is_gone_is_forgotten)
{
    touch("a", 0);
    touch("b", 0);
    write_queue_drop(queue, "a");
    write_queue_drop(queue, "none");
    expect("b", 10);
    write_queue_drop(queue, "b"); /* under way: ends as it may */
    end("b", WRITE_AGAIN, 20);
    expect("", 100000);
    touch("a", 0);
    expect("a", 10);
    write_queue_drop(queue, "a");
    touch("a", 11); /* made anew meanwhile */
    end("a", WRITE_DONE, 20);
    expect("a", 120);
}
END_TEST

START_TEST(objects_end_at_their_ceiling)
{
    char key[16];

    for (unsigned i = 0; i < pace.max_objects; i++) {
        snprintf(key, sizeof(key), "%u", i);
        touch(key, 0);
    }
    ck_assert_int_eq(write_queue_touch(queue, "more", 0), -E2BIG);
    touch("0", 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("write_queue");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, changes_that_come_together_are_written_together);
    tcase_add_test(t, what_changes_during_a_write_is_one_more_write);
    tcase_add_test(t, the_gap_doubles_while_an_object_goes_on_changing);
    tcase_add_test(t, the_first_due_has_its_turn_first);
    tcase_add_test(t, so_many_are_under_way_and_no_more);
    tcase_add_test(t, writes_cost_tokens_and_looks_do_not);
    tcase_add_test(t, what_failed_is_tried_for_ever_with_growing_delays);
    tcase_add_test(t, what_waits_for_something_hurries_when_touched);
    tcase_add_test(t, an_object_that_is_gone_is_forgotten);
    tcase_add_test(t, objects_end_at_their_ceiling);
    suite_add_tcase(s, t);
    return s;
}
