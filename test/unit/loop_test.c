/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "lib/loop.h"

struct trace {
    struct loop *loop;
    struct loop_task *task;
    struct loop_io *io;
    int fds[2];
    char text[32]; /* one letter for each thing that happened */
    size_t len;
};

static void trace_add(struct trace *t, char letter)
{
    if (t->len < sizeof(t->text) - 1)
        t->text[t->len++] = letter;
}

static struct trace trace_new(void)
{
    struct trace t = {.fds = {-1, -1}};

    ck_assert_int_eq(loop_new(&t.loop, NULL), 0);
    return t;
}

static void on_stop(void *data)
{
    struct trace *t = data;

    trace_add(t, 'S');
    loop_stop(t->loop);
}

static void on_b(void *data)
{
    trace_add(data, 'b');
}

static void on_a(void *data)
{
    struct trace *t = data;

    trace_add(t, 'a');
    ck_assert_int_eq(loop_defer(t->loop, on_stop, t), 0);
}

START_TEST(deferred_functions_run_in_order_and_new_ones_a_turn_later)
{
    struct trace t = trace_new();

    ck_assert_int_eq(loop_defer(t.loop, on_a, &t), 0);
    ck_assert_int_eq(loop_defer(t.loop, on_b, &t), 0);
    ck_assert_int_eq(loop_run(t.loop), 0);
    ck_assert_str_eq(t.text, "abS");
    loop_free(t.loop);
}
END_TEST

static void on_task_again(void *data)
{
    struct trace *t = data;

    trace_add(t, 't');
    if (t->len < 3)
        loop_task_set(t->task);
    else
        loop_stop(t->loop);
}

START_TEST(a_task_runs_once_however_often_it_is_set_and_again_when_set_inside)
{
    struct trace t = trace_new();

    ck_assert_int_eq(loop_task_new(t.loop, &t.task, on_task_again, &t), 0);
    loop_task_set(t.task);
    loop_task_set(t.task);
    ck_assert_int_eq(loop_run(t.loop), 0);
    ck_assert_str_eq(t.text, "ttt");
    loop_task_free(t.task);
    loop_free(t.loop);
}
END_TEST

static void on_task_free_itself(void *data)
{
    struct trace *t = data;

    t->task = loop_task_free(t->task);
    loop_stop(t->loop);
}

START_TEST(a_task_may_free_itself_and_a_freed_one_does_not_run)
{
    struct trace t = trace_new();
    struct loop_task *other = NULL;

    ck_assert_int_eq(loop_task_new(t.loop, &t.task, on_task_free_itself, &t), 0);
    ck_assert_int_eq(loop_task_new(t.loop, &other, on_b, &t), 0);
    loop_task_set(other);
    loop_task_set(t.task);
    loop_task_free(other);
    ck_assert_int_eq(loop_run(t.loop), 0);
    ck_assert_ptr_null(t.task);
    ck_assert_str_eq(t.text, "");
    loop_free(t.loop);
}
END_TEST

START_TEST(a_loop_without_sources_says_so)
{
    struct trace t = trace_new();

    ck_assert_int_eq(loop_run(t.loop), -EDEADLK);
    loop_free(t.loop);
}
END_TEST

START_TEST(a_timer_waits_at_least_its_delay_and_the_last_setting_counts)
{
    struct trace t = trace_new();
    struct loop_timer *late = NULL, *never = NULL, *early = NULL;
    uint64_t start;

    ck_assert_int_eq(loop_timer_new(t.loop, &late, on_stop, &t), 0);
    ck_assert_int_eq(loop_timer_new(t.loop, &never, on_b, &t), 0);
    ck_assert_int_eq(loop_timer_new(t.loop, &early, on_b, &t), 0);
    start = loop_now_ns(t.loop);
    loop_timer_set(never, 1);
    loop_timer_unset(never);
    loop_timer_set(late, 3600 * NS_PER_SEC);
    loop_timer_set(late, 30 * NS_PER_MSEC);
    loop_timer_set(early, 0);
    ck_assert_int_eq(loop_run(t.loop), 0);
    ck_assert_uint_ge(loop_now_ns(t.loop) - start, 30 * NS_PER_MSEC);
    ck_assert_str_eq(t.text, "bS");
    loop_timer_free(late);
    loop_timer_free(never);
    loop_timer_free(early);
    loop_free(t.loop);
}
END_TEST

static void on_io(int fd, unsigned events, void *data)
{
    struct trace *t = data;
    char c;

    if (events & LOOP_WRITE) {
        trace_add(t, 'w');
        ck_assert_int_eq(loop_io_set_events(t->io, LOOP_READ), 0);
        ck_assert_int_eq(write(t->fds[1], "x", 1), 1);
    }
    if (events & LOOP_READ) {
        ck_assert_int_eq(read(fd, &c, 1), 1);
        trace_add(t, c);
        ck_assert_int_eq(loop_io_set_events(t->io, 0), 0);
        ck_assert_int_eq(write(t->fds[1], "y", 1), 1); /* nobody waits for it */
        ck_assert_int_eq(loop_defer(t->loop, on_stop, t), 0);
    }
}

START_TEST(readiness_is_told_for_the_events_that_were_asked_for)
{
    struct trace t = trace_new();

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t.fds), 0);
    ck_assert_int_eq(loop_io_new(t.loop, &t.io, t.fds[0], LOOP_READ | LOOP_WRITE, on_io, &t), 0);
    ck_assert_int_eq(loop_run(t.loop), 0);
    ck_assert_str_eq(t.text, "wxS");
    loop_io_free(t.io);
    close(t.fds[0]);
    close(t.fds[1]);
    loop_free(t.loop);
}
END_TEST

static void on_signal(int signal_number, void *data)
{
    struct trace *t = data;

    ck_assert_int_eq(signal_number, SIGUSR1);
    on_stop(t);
}

START_TEST(a_signal_is_an_event_and_a_broken_pipe_is_not_the_end)
{
    struct trace t = trace_new();
    struct loop_signal *s = NULL;

    ck_assert_int_eq(loop_signal_new(t.loop, &s, SIGUSR1, on_signal, &t), 0);
    raise(SIGPIPE);
    raise(SIGUSR1);
    ck_assert_int_eq(loop_run(t.loop), 0);
    ck_assert_str_eq(t.text, "S");
    loop_signal_free(s);
    loop_free(t.loop);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("loop");
    TCase *t = tcase_create("loop");

    tcase_add_test(t, deferred_functions_run_in_order_and_new_ones_a_turn_later);
    tcase_add_test(t, a_task_runs_once_however_often_it_is_set_and_again_when_set_inside);
    tcase_add_test(t, a_task_may_free_itself_and_a_freed_one_does_not_run);
    tcase_add_test(t, a_loop_without_sources_says_so);
    tcase_add_test(t, a_timer_waits_at_least_its_delay_and_the_last_setting_counts);
    tcase_add_test(t, readiness_is_told_for_the_events_that_were_asked_for);
    tcase_add_test(t, a_signal_is_an_event_and_a_broken_pipe_is_not_the_end);
    suite_add_tcase(s, t);
    return s;
}
