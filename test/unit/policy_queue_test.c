/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "manager/policy_queue.h"

static struct loop *loop;
static struct policy_queue *queue;
static struct policy *policy;
static struct buf told = BUF_INIT(1 << 20);
static const char *failing; /* this key cannot be judged */
static unsigned n_judged;

static int on_judge(const char *key, struct policy *p, const char *file, void *data UNUSED)
{
    n_judged++;
    ck_assert_int_eq(buf_format(&told, "%s%s%s\n", key, p ? " from " : "", p ? file : ""), 0);
    return failing && strcmp(failing, key) == 0 ? -ENOMEM : 0;
}

static void on_drained(void *data UNUSED)
{
    ck_assert_int_eq(buf_add_text(&told, "drained\n"), 0);
    loop_stop(loop);
}

static const struct policy_queue_handler handler = {.judge = on_judge, .drained = on_drained};

static void set_up(void)
{
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(policy_queue_new(&queue, loop, &handler, NULL), 0);
    policy = policy_new();
    failing = NULL;
    n_judged = 0;
}

static void tear_down(void)
{
    queue = policy_queue_free(queue);
    loop = loop_free(loop);
    policy = policy_unref(policy);
    buf_done(&told);
}

static void expect_told(const char *lines)
{
    ck_assert_str_eq(buf_text(&told), lines);
    buf_clear(&told);
}

START_TEST(a_small_change_is_judged_at_once)
{
    ck_assert_int_eq(policy_queue_put(queue, "a", policy, "f"), 0);
    ck_assert_int_eq(policy_queue_again(queue, "b"), 0);
    expect_told("");
    policy_queue_start(queue);
    expect_told("a from f\nb\ndrained\n");
    policy_queue_start(queue);
    expect_told("drained\n");
}
END_TEST

START_TEST(the_newest_text_is_the_one_that_waits)
{
    ck_assert_int_eq(policy_queue_again(queue, "a"), 0);
    ck_assert_int_eq(policy_queue_put(queue, "a", policy, "f"), 0);
    ck_assert_int_eq(policy_queue_again(queue, "a"), 0);
    ck_assert_int_eq(policy_queue_put(queue, "a", policy, "g"), 0);
    ck_assert_int_eq(policy_queue_put(queue, "b", policy, "f"), 0);
    policy_queue_drop(queue, "b");
    policy_queue_drop(queue, "b");
    policy_queue_start(queue);
    expect_told("a from g\ndrained\n");
}
END_TEST

START_TEST(many_policies_are_taken_in_steps)
{
    unsigned turns = 0;

    for (unsigned i = 0; i < 3 * POLICY_QUEUE_STEP; i++) {
        char key[16];

        snprintf(key, sizeof(key), "p%u", i);
        ck_assert_int_eq(policy_queue_again(queue, key), 0);
    }
    policy_queue_start(queue);
    ck_assert_uint_eq(n_judged, POLICY_QUEUE_STEP);
    ck_assert_ptr_null(strstr(buf_text(&told), "drained"));
    policy_queue_drop(queue, "p23"); /* one that still waits */
    while (!strstr(buf_text(&told), "drained") && turns++ < 10)
        loop_run(loop);
    ck_assert_uint_eq(n_judged, 3 * POLICY_QUEUE_STEP - 1);
}
END_TEST

START_TEST(what_failed_is_tried_again_with_the_next_start)
{
    failing = "a";
    ck_assert_int_eq(policy_queue_put(queue, "a", policy, "f"), 0);
    ck_assert_int_eq(policy_queue_put(queue, "b", policy, "f"), 0);
    policy_queue_start(queue);
    expect_told("a from f\nb from f\ndrained\n");
    failing = NULL;
    policy_queue_start(queue);
    expect_told("a from f\ndrained\n");
    policy_queue_start(queue);
    expect_told("drained\n");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("policy_queue");
    TCase *t = tcase_create("policy_queue");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_small_change_is_judged_at_once);
    tcase_add_test(t, the_newest_text_is_the_one_that_waits);
    tcase_add_test(t, many_policies_are_taken_in_steps);
    tcase_add_test(t, what_failed_is_tried_again_with_the_next_start);
    suite_add_tcase(s, t);
    return s;
}
