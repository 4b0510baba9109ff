/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/stream.h"
#include "proto/messages.h"
#include "proto/profile_codec.h"

#define NAME_SIZE 64

/* The agent of these tests: it holds one profile, and every container whose id begins with "c". A
 * container's key is "ns/id". */
struct agent {
    unsigned n_welcomes, n_profiles, n_removals, n_in_syncs, in_sync;
    char last[NAME_SIZE];
    bool result_known;
};

static int on_hello(struct msg_hello *ret, void *data)
{
    static const struct msg_held held = {.name = "held-1"};

    (void)data;
    *ret = (struct msg_hello){.protocol = MESSAGE_PROTOCOL,
                              .node = "n1",
                              .agent_version = "1",
                              .kernel = "6",
                              .architecture = "x",
                              .runtime = "containerd 1",
                              .held = &held,
                              .n_held = 1};
    return 0;
}

static bool on_result(const char *profile, struct msg_result *ret, void *data)
{
    static const struct msg_enforcer_result bpf = {
        .enforcer = ENFORCER_BPF, .applied = true, .reason = ""};
    const struct agent *a = data;

    *ret = (struct msg_result){.name = profile, .enforcers = &bpf, .n_enforcers = 1};
    return a->result_known;
}

static bool on_binding(const char *key, struct msg_binding *ret, void *data)
{
    const char *id = strchr(key, '/') + 1;

    (void)data;
    *ret = (struct msg_binding){.container_id = id,
                                .runtime_namespace = "default",
                                .container_name = "",
                                .pod_name = "",
                                .pod_namespace = "",
                                .pod_uid = "",
                                .image = "",
                                .profile = "p",
                                .reason = "",
                                .workload_kind = "",
                                .workload_name = ""};
    return id[0] == 'c';
}

static bool on_counts(const char *profile, struct msg_counts *ret, void *data)
{
    static const uint64_t counts[] = {7, 8};

    (void)data;
    *ret = (struct msg_counts){.profile = profile, .counts = counts, .n = ARRAY_SIZE(counts)};
    return true;
}

static void on_welcome(const char *manager_version, void *data)
{
    struct agent *a = data;

    a->n_welcomes++;
    snprintf(a->last, NAME_SIZE, "%s", manager_version);
}

static void on_profile(struct profile *p, void *data)
{
    struct agent *a = data;

    a->n_profiles++;
    snprintf(a->last, NAME_SIZE, "%s", p->name);
}

static void on_removal(const char *profile, void *data)
{
    struct agent *a = data;

    a->n_removals++;
    snprintf(a->last, NAME_SIZE, "%s", profile);
}

static void on_in_sync(unsigned n_profiles, void *data)
{
    struct agent *a = data;

    a->n_in_syncs++;
    a->in_sync = n_profiles;
}

static const struct stream_owner owner = {
    .hello = on_hello,
    .result = on_result,
    .binding = on_binding,
    .counts = on_counts,
    .welcome = on_welcome,
    .profile = on_profile,
    .removal = on_removal,
    .in_sync = on_in_sync,
};

static struct stream *make_stream(struct agent *a)
{
    struct stream *s = NULL;

    ck_assert_int_eq(stream_new(&s, &owner, a), 0);
    return s;
}

/* What the stream says next; the kind is AGENT_MESSAGE_NONE if it says nothing. */
static struct agent_message next(struct stream *s)
{
    CLEANUP_BUF struct buf b = BUF_INIT(STREAM_MESSAGE_MAX_BYTES);
    struct agent_message m = {0};
    int r = stream_pending(s, &b);

    ck_assert_int_ge(r, 0);
    ck_assert((r == 0) == (b.len == 0));
    if (r == 1)
        ck_assert_int_eq(agent_message_decode(&m, b.data, b.len, NULL), 0);
    return m;
}

static enum agent_message_kind next_kind(struct stream *s)
{
    struct agent_message m = next(s);
    enum agent_message_kind kind = m.kind;

    agent_message_done(&m);
    return kind;
}

static int feed(struct stream *s, const struct manager_message *m, struct error **reterr)
{
    CLEANUP_BUF struct buf b = BUF_INIT(1 << 20);

    ck_assert_int_eq(manager_message_encode(m, &b), 0);
    return stream_feed(s, b.data, b.len, reterr);
}

static const struct manager_message welcome = {
    .kind = MANAGER_WELCOME, .welcome = {.protocol = MESSAGE_PROTOCOL, .manager_version = "0.9"}};

/* Open, hello, welcome. */
static void greet(struct stream *s)
{
    stream_open(s, 0);
    ck_assert_int_eq(next_kind(s), AGENT_HELLO);
    ck_assert_int_eq(feed(s, &welcome, NULL), 0);
}

START_TEST(the_hello_comes_first_and_alone)
{
    struct agent a = {.result_known = true};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);
    struct agent_message m;

    stream_bindings_ready(s);
    ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE); /* closed */
    stream_open(s, 0);
    m = next(s);
    ck_assert_int_eq(m.kind, AGENT_HELLO);
    ck_assert_str_eq(m.hello.node, "n1");
    ck_assert_uint_eq(m.hello.n_held, 1);
    agent_message_done(&m);
    ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE); /* until the welcome */
    ck_assert(!stream_is_greeted(s));
    ck_assert_int_eq(feed(s, &welcome, NULL), 0);
    ck_assert(stream_is_greeted(s));
    ck_assert_str_eq(a.last, "0.9");
    ck_assert_int_eq(next_kind(s), AGENT_BINDINGS);
}
END_TEST

START_TEST(a_manager_that_does_not_answer_expires)
{
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);

    ck_assert_uint_eq(stream_deadline_ns(s), 0);
    ck_assert(!stream_expired(s, UINT64_MAX));
    stream_open(s, 5);
    ck_assert_uint_eq(stream_deadline_ns(s), 5 + STREAM_WELCOME_TIMEOUT_NS);
    ck_assert(!stream_expired(s, 4 + STREAM_WELCOME_TIMEOUT_NS));
    ck_assert(stream_expired(s, 5 + STREAM_WELCOME_TIMEOUT_NS));
    ck_assert_int_eq(next_kind(s), AGENT_HELLO);
    ck_assert_int_eq(feed(s, &welcome, NULL), 0);
    ck_assert(!stream_expired(s, UINT64_MAX));
}
END_TEST

START_TEST(what_comes_out_of_turn_ends_the_stream)
{
    static const struct {
        bool greeted;
        struct manager_message m;
        int result;
        const char *reason;
    } cases[] = {
        {false,
         {.kind = MANAGER_REMOVAL, .removal = "p"},
         -EPROTO,
         "the manager sends something before its welcome"},
        {false,
         {.kind = MANAGER_IN_SYNC},
         -EPROTO,
         "the manager sends something before its welcome"},
        {false,
         {.kind = MANAGER_WELCOME, .welcome = {.protocol = 2, .manager_version = ""}},
         -EPROTO,
         "the manager speaks protocol 2, this agent 1"},
        {true,
         {.kind = MANAGER_WELCOME, .welcome = {.protocol = 1, .manager_version = ""}},
         -EPROTO,
         "the manager says welcome out of turn"},
        {true, {.kind = MANAGER_REMOVAL, .removal = "p"}, 0, NULL},
        {true, {.kind = MANAGER_IN_SYNC, .in_sync = 3}, 0, NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        struct agent a = {0};
        CLEANUP(stream_free) struct stream *s = make_stream(&a);

        if (cases[i].greeted) {
            greet(s);
        } else {
            stream_open(s, 0);
            ck_assert_int_eq(next_kind(s), AGENT_HELLO);
        }
        ck_assert_int_eq(feed(s, &cases[i].m, &problem), cases[i].result);
        if (cases[i].reason)
            ck_assert_str_eq(error_message(problem), cases[i].reason);
    }
}
END_TEST

START_TEST(a_welcome_before_the_hello_is_refused)
{
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);

    stream_open(s, 0);
    ck_assert_int_eq(feed(s, &welcome, NULL), -EPROTO);
    ck_assert_uint_eq(a.n_welcomes, 0);
}
END_TEST

START_TEST(bytes_that_are_no_message_are_refused)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);

    greet(s);
    ck_assert_int_eq(stream_feed(s, (const uint8_t *)"\xff\xff\xff", 3, &problem), -EBADMSG);
    ck_assert_ptr_nonnull(problem);
}
END_TEST

START_TEST(a_profile_reaches_the_agent_and_its_result_the_manager)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    struct agent a = {.result_known = true};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);
    struct agent_message m;

    p->name = strdup("varmor-shop-web");
    p->name_space = strdup("shop");
    p->policy_kind = strdup("VarmorPolicy");
    p->policy_namespace = strdup("shop");
    p->policy_name = strdup("web");
    p->enforcers = ENFORCER_BPF;
    ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    greet(s);
    ck_assert_int_eq(
        feed(s, &(struct manager_message){.kind = MANAGER_PROFILE, .profile = p}, NULL), 0);
    ck_assert_uint_eq(a.n_profiles, 1);
    ck_assert_str_eq(a.last, "varmor-shop-web");

    ck_assert_int_eq(stream_put_result(s, p->name), 0);
    m = next(s);
    ck_assert_int_eq(m.kind, AGENT_RESULT);
    ck_assert_str_eq(m.result.name, "varmor-shop-web");
    ck_assert_uint_eq(m.result.n_enforcers, 1);
    agent_message_done(&m);
    ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE);
}
END_TEST

START_TEST(a_result_that_changed_twice_is_told_once)
{
    struct agent a = {.result_known = true};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);

    greet(s);
    ck_assert_int_eq(stream_put_result(s, "p"), 0);
    ck_assert_int_eq(stream_put_result(s, "p"), 0);
    ck_assert_int_eq(next_kind(s), AGENT_RESULT);
    ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE);
    a.result_known = false;
    ck_assert_int_eq(stream_put_result(s, "p"), 0);
    ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE);
}
END_TEST

START_TEST(the_first_bindings_report_is_complete_even_if_it_is_empty)
{
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);

    for (int round = 0; round < 2; round++) {
        struct agent_message m;

        greet(s);
        if (round == 0) {
            ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE); /* not all containers are known */
            stream_bindings_ready(s);
        }
        m = next(s);
        ck_assert_int_eq(m.kind, AGENT_BINDINGS);
        ck_assert(m.bindings.complete);
        ck_assert_uint_eq(m.bindings.n_put, 0);
        agent_message_done(&m);
        ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE);
        stream_close(s);
    }
}
END_TEST

START_TEST(bindings_travel_as_put_and_dropped_in_bounded_messages)
{
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);
    size_t n_put = 0, n_dropped = 0, n_messages = 0;

    greet(s);
    stream_bindings_ready(s);
    for (unsigned i = 0; i < STREAM_BINDINGS_A_MESSAGE + 1; i++) {
        char id[NAME_SIZE];

        snprintf(id, sizeof(id), "ns/%c%u", i % 2 ? 'c' : 'x', i);
        ck_assert_int_eq(stream_put_binding(s, id), 0);
    }
    for (;;) {
        struct agent_message m = next(s);

        if (m.kind == AGENT_MESSAGE_NONE)
            break;
        ck_assert_int_eq(m.kind, AGENT_BINDINGS);
        ck_assert(m.bindings.complete == (n_messages == 0));
        ck_assert_uint_le(m.bindings.n_put + m.bindings.n_dropped, STREAM_BINDINGS_A_MESSAGE);
        for (size_t i = 0; i < m.bindings.n_put; i++)
            ck_assert_int_eq(m.bindings.put[i].container_id[0], 'c');
        for (size_t i = 0; i < m.bindings.n_dropped; i++)
            ck_assert_int_eq(m.bindings.dropped[i][0], 'x');
        n_put += m.bindings.n_put;
        n_dropped += m.bindings.n_dropped;
        n_messages++;
        agent_message_done(&m);
    }
    ck_assert_uint_eq(n_messages, 2);
    ck_assert_uint_eq(n_put, STREAM_BINDINGS_A_MESSAGE / 2);
    ck_assert_uint_eq(n_dropped, STREAM_BINDINGS_A_MESSAGE / 2 + 1);
}
END_TEST

static void add_violations(struct stream *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char event[NAME_SIZE]; /* the stream must copy it */

        snprintf(event, sizeof(event), "{\"n\":%u}", i);
        stream_add_violation(
            s, &(struct msg_violation){.profile = "p", .rule_number = -1, .event = event});
    }
}

START_TEST(violations_beyond_the_queue_are_counted)
{
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);
    unsigned n_told = 0, n_dropped = 0;

    add_violations(s, STREAM_MAX_VIOLATIONS + 3); /* while there is no manager */
    greet(s);
    for (;;) {
        struct agent_message m = next(s);
        char wanted[NAME_SIZE];

        if (m.kind == AGENT_MESSAGE_NONE)
            break;
        ck_assert_int_eq(m.kind, AGENT_VIOLATIONS);
        ck_assert_uint_le(m.violations.n, STREAM_VIOLATIONS_A_MESSAGE);
        for (size_t i = 0; i < m.violations.n; i++) {
            snprintf(wanted, sizeof(wanted), "{\"n\":%u}", n_told++);
            ck_assert_str_eq(m.violations.items[i].event, wanted);
            ck_assert_str_eq(m.violations.items[i].rule, "");
            ck_assert_int_eq(m.violations.items[i].rule_number, -1);
        }
        n_dropped += (unsigned)m.violations.n_dropped;
        agent_message_done(&m);
    }
    ck_assert_uint_eq(n_told, STREAM_MAX_VIOLATIONS);
    ck_assert_uint_eq(n_dropped, 3);
    add_violations(s, 1);
    ck_assert_int_eq(next_kind(s), AGENT_VIOLATIONS);
}
END_TEST

START_TEST(containers_that_go_while_the_manager_is_away_take_no_room)
{
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);
    struct agent_message m;

    stream_bindings_ready(s);
    for (unsigned i = 0; i <= STREAM_MAX_NAMES; i++) {
        char id[NAME_SIZE];

        snprintf(id, sizeof(id), "ns/x%u", i);
        ck_assert_int_eq(stream_put_binding(s, id), 0);
    }
    greet(s);
    ck_assert_int_eq(stream_put_binding(s, "ns/c1"), 0);
    m = next(s);
    ck_assert_int_eq(m.kind, AGENT_BINDINGS);
    ck_assert_uint_eq(m.bindings.n_put, 1);
    ck_assert_uint_eq(m.bindings.n_dropped, 0);
    agent_message_done(&m);
}
END_TEST

START_TEST(a_new_connection_forgets_results_and_keeps_violations)
{
    struct agent a = {.result_known = true};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);

    greet(s);
    ck_assert_int_eq(stream_put_result(s, "p"), 0);
    add_violations(s, 1);
    stream_close(s);
    ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE);
    greet(s);
    ck_assert_int_eq(next_kind(s), AGENT_VIOLATIONS);
    ck_assert_int_eq(next_kind(s), AGENT_MESSAGE_NONE);
}
END_TEST

START_TEST(counts_are_asked_for_when_they_are_sent)
{
    struct agent a = {0};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);
    struct agent_message m;

    greet(s);
    ck_assert_int_eq(stream_put_counts(s, "p"), 0);
    m = next(s);
    ck_assert_int_eq(m.kind, AGENT_COUNTS);
    ck_assert_uint_eq(m.counts.n, 2);
    ck_assert_uint_eq(m.counts.counts[1], 8);
    agent_message_done(&m);
}
END_TEST

START_TEST(a_message_that_does_not_fit_stays_pending)
{
    CLEANUP_BUF struct buf small = BUF_INIT(4);
    struct agent a = {.result_known = true};
    CLEANUP(stream_free) struct stream *s = make_stream(&a);

    greet(s);
    ck_assert_int_eq(stream_put_result(s, "a-long-name"), 0);
    ck_assert_int_eq(stream_pending(s, &small), -E2BIG);
    ck_assert_int_eq(next_kind(s), AGENT_RESULT);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("stream");
    TCase *t = tcase_create("stream");

    tcase_add_test(t, the_hello_comes_first_and_alone);
    tcase_add_test(t, a_manager_that_does_not_answer_expires);
    tcase_add_test(t, what_comes_out_of_turn_ends_the_stream);
    tcase_add_test(t, a_welcome_before_the_hello_is_refused);
    tcase_add_test(t, bytes_that_are_no_message_are_refused);
    tcase_add_test(t, a_profile_reaches_the_agent_and_its_result_the_manager);
    tcase_add_test(t, a_result_that_changed_twice_is_told_once);
    tcase_add_test(t, the_first_bindings_report_is_complete_even_if_it_is_empty);
    tcase_add_test(t, bindings_travel_as_put_and_dropped_in_bounded_messages);
    tcase_add_test(t, violations_beyond_the_queue_are_counted);
    tcase_add_test(t, containers_that_go_while_the_manager_is_away_take_no_room);
    tcase_add_test(t, a_new_connection_forgets_results_and_keeps_violations);
    tcase_add_test(t, counts_are_asked_for_when_they_are_sent);
    tcase_add_test(t, a_message_that_does_not_fit_stays_pending);
    suite_add_tcase(s, t);
    return s;
}
