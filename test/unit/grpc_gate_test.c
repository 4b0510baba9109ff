/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "test/unit/grpc_bed.h"

/* A gate that remembers the last call that it was asked about. */
struct watchman {
    struct grpc_call *call; /* NULL once it is decided or over */
    char path[64];
    const char *admit_as; /* at once */
    uint64_t until_ns;
    enum grpc_status refusal; /* at once, unless GRPC_OK */
    unsigned n_asked, n_closed;
};

static void watchman_asked(struct grpc_call *call, const char *path, void *data)
{
    struct watchman *w = data;

    w->n_asked++;
    snprintf(w->path, sizeof(w->path), "%s", path);
    grpc_call_set_gate_data(call, w);
    if (w->refusal != GRPC_OK)
        grpc_call_finish(call, w->refusal, "not through here");
    else if (w->admit_as)
        grpc_call_admit(call, w->admit_as, w->until_ns);
    else
        w->call = call;
}

static void watchman_closed(struct grpc_call *call, void *data)
{
    struct watchman *w = data;

    ck_assert_ptr_eq(grpc_call_gate_data(call), w);
    w->n_closed++;
    w->call = NULL;
}

static const struct grpc_gate watchman_gate = {.asked = watchman_asked, .closed = watchman_closed};

static void gate_bed_new(struct bed *b, struct watchman *w)
{
    bed_new(b, GRPC_UNIX, NULL, NULL);
    grpc_server_set_gate(b->server, &watchman_gate, w);
}

static unsigned refused_calls(const struct bed *b)
{
    struct grpc_server_stats stats;

    grpc_server_stats(b->server, &stats);
    return (unsigned)stats.refused_calls;
}

START_TEST(a_call_that_is_admitted_at_once_goes_its_way)
{
    struct watchman w = {.admit_as = "n1"};
    struct probe p;
    struct bed b;

    gate_bed_new(&b, &w);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    probe_send(&p, "x");
    grpc_client_call_half_close(p.call);
    probe_wait(&p);
    ck_assert_msg(p.status == GRPC_OK, "%s", p.text);
    ck_assert_str_eq(buf_text(&p.received), "x|");
    ck_assert_str_eq(w.path, "/test.Echo/Echo");
    ck_assert_uint_eq(w.n_closed, 0);
    ck_assert_uint_eq(refused_calls(&b), 0);
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(what_the_client_sends_waits_until_the_gate_has_answered)
{
    struct watchman w = {0};
    struct probe p;
    struct bed b;

    gate_bed_new(&b, &w);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    probe_send(&p, "one");
    probe_send(&p, "two");
    grpc_client_call_half_close(p.call);
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    ck_assert_ptr_nonnull(w.call);
    ck_assert_uint_eq(b.echo.n_open, 0);
    ck_assert_uint_eq(b.echo.n_messages, 0);
    grpc_call_admit(w.call, "n1", 0);
    ck_assert_str_eq(grpc_call_caller(w.call), "n1");
    ck_assert_uint_eq(b.echo.n_messages, 2);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_OK);
    ck_assert_str_eq(buf_text(&p.received), "one|two|");
    buf_done(&p.received);
    bed_done(&b);
}
END_TEST

START_TEST(a_refused_call_opens_nothing)
{
    bool is_late = _i == 1;
    struct watchman w = {.refusal = is_late ? GRPC_OK : GRPC_PERMISSION_DENIED};
    struct probe p;
    struct bed b;

    gate_bed_new(&b, &w);
    probe_start(&p, &b, "/test.Echo/Echo", 0);
    probe_send(&p, "x");
    if (is_late) {
        bed_let_pass(&b, 20 * NS_PER_MSEC);
        grpc_call_finish(w.call, GRPC_PERMISSION_DENIED, "not through here");
        grpc_call_admit(w.call, "n1", 0); /* too late: changes nothing */
    }
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_PERMISSION_DENIED);
    ck_assert_str_eq(p.text, "not through here");
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    ck_assert_uint_eq(b.echo.n_open, 0);
    ck_assert_uint_eq(w.n_closed, 1);
    ck_assert_uint_eq(refused_calls(&b), 1);
    bed_done(&b);
}
END_TEST

START_TEST(the_gate_is_told_when_a_client_does_not_wait_for_it)
{
    bool has_deadline = _i == 1;
    struct watchman w = {0};
    struct probe p;
    struct bed b;

    gate_bed_new(&b, &w);
    probe_start(&p, &b, "/test.Echo/Echo", has_deadline ? 50 * NS_PER_MSEC : 0);
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    ck_assert_ptr_nonnull(w.call);
    if (!has_deadline)
        grpc_client_call_cancel(p.call);
    while (w.call)
        bed_let_pass(&b, 5 * NS_PER_MSEC);
    ck_assert_uint_eq(w.n_closed, 1);
    ck_assert_uint_eq(b.echo.n_open, 0);
    bed_done(&b);
}
END_TEST

START_TEST(unknown_methods_are_none_of_the_gates_business)
{
    struct watchman w = {0};
    struct probe p;
    struct bed b;

    gate_bed_new(&b, &w);
    probe_start(&p, &b, "/test.Echo/Absent", 0);
    probe_wait(&p);
    ck_assert_int_eq(p.status, GRPC_UNIMPLEMENTED);
    ck_assert_uint_eq(w.n_asked, 0);
    bed_done(&b);
}
END_TEST

START_TEST(an_admission_that_ends_ends_the_call)
{
    struct watchman w = {.admit_as = "n1"};
    struct probe p;
    struct bed b;

    gate_bed_new(&b, &w);
    w.until_ns = loop_now_ns(b.loop) + 50 * NS_PER_MSEC;
    probe_start(&p, &b, "/test.Echo/Hang", _i == 1 ? 10 * NS_PER_MSEC : 10 * NS_PER_SEC);
    probe_send(&p, "x");
    probe_wait(&p);
    ck_assert_int_eq(p.status, _i == 1 ? GRPC_DEADLINE_EXCEEDED : GRPC_UNAUTHENTICATED);
    ck_assert_uint_eq(b.echo.n_messages, 1);
    buf_done(&p.received);
    bed_let_pass(&b, 20 * NS_PER_MSEC);
    bed_done(&b);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("grpc_gate");
    TCase *t = tcase_create("grpc_gate");

    tcase_add_test(t, a_call_that_is_admitted_at_once_goes_its_way);
    tcase_add_test(t, what_the_client_sends_waits_until_the_gate_has_answered);
    tcase_add_loop_test(t, a_refused_call_opens_nothing, 0, 2);
    tcase_add_loop_test(t, the_gate_is_told_when_a_client_does_not_wait_for_it, 0, 2);
    tcase_add_loop_test(t, an_admission_that_ends_ends_the_call, 0, 2);
    tcase_add_test(t, unknown_methods_are_none_of_the_gates_business);
    suite_add_tcase(s, t);
    return s;
}
