/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "proto/messages.h"
#include "proto/profile_codec.h"

static const struct msg_fact facts[] = {{"lsm", "lockdown,bpf"}, {"task_storage", "yes"}};
static const struct msg_enforcer_state states[] = {{ENFORCER_BPF, true, ""},
                                                   {ENFORCER_APPARMOR, false, "off"}};
static const struct msg_held held[] = {{"varmor-a-b", {{1, 2, 3}}}};
static const struct msg_enforcer_result results[] = {{.enforcer = ENFORCER_APPARMOR,
                                                      .applied = true,
                                                      .image_digest = {{9}},
                                                      .since_ns = 77,
                                                      .mode = "complain",
                                                      .policy_hash = "ab12"}};
static const struct msg_binding_enforcer holds[] = {
    {.enforcer = ENFORCER_BPF, .in_force = true, .since_ns = 7},
    {.enforcer = ENFORCER_SECCOMP,
     .restart_needed = true,
     .opted_out = true,
     .mode = "x",
     .reason = "an older filter",
     .since_ns = 8},
};
static const struct msg_event_count events[] = {{ENFORCER_APPARMOR, "disallow-mount", 1ull << 40},
                                                {ENFORCER_SECCOMP, NULL, 2}};
static const struct msg_binding binding = {.container_id = "abc",
                                           .pod_name = "web-0",
                                           .pid = 42,
                                           .profile = "varmor-a-b",
                                           .before_first_instruction = true,
                                           .enforcers = holds,
                                           .n_enforcers = ARRAY_SIZE(holds)};
static const struct msg_violation violation = {
    .profile = "varmor-a-b", .rule = "base", .rule_number = -1, .denied = true, .event = "{}"};

static void check_holds(const struct msg_binding *b)
{
    ck_assert_uint_eq(b->n_enforcers, ARRAY_SIZE(holds));
    ck_assert_int_eq(b->enforcers[0].enforcer, ENFORCER_BPF);
    ck_assert(b->enforcers[0].in_force && !b->enforcers[0].restart_needed);
    ck_assert_str_eq(b->enforcers[0].reason, "");
    ck_assert(!b->enforcers[1].in_force && b->enforcers[1].restart_needed);
    ck_assert(!b->enforcers[0].opted_out && b->enforcers[1].opted_out);
    ck_assert_str_eq(b->enforcers[1].mode, "x");
    ck_assert_str_eq(b->enforcers[1].reason, "an older filter");
    ck_assert_int_eq(b->enforcers[1].since_ns, 8);
}

static void check_events(const struct msg_event_count *e, size_t n)
{
    ck_assert_uint_eq(n, ARRAY_SIZE(events));
    ck_assert_int_eq(e[0].enforcer, ENFORCER_APPARMOR);
    ck_assert_str_eq(e[0].origin, "disallow-mount");
    ck_assert(e[0].count == 1ull << 40);
    ck_assert_str_eq(e[1].origin, "");
}

static void encode_agent(const struct agent_message *m, struct agent_message *ret)
{
    CLEANUP_BUF struct buf b = BUF_INIT(65536);

    ck_assert_int_eq(agent_message_encode(m, &b), 0);
    ck_assert_int_eq(agent_message_decode(ret, b.data, b.len, NULL), 0);
    ck_assert_int_eq(ret->kind, m->kind);
}

START_TEST(a_hello_arrives_whole)
{
    struct agent_message m = {.kind = AGENT_HELLO,
                              .hello = {.protocol = 1,
                                        .node = "n1",
                                        .kernel = "6.12",
                                        .facts = facts,
                                        .n_facts = 2,
                                        .enforcers = states,
                                        .n_enforcers = 2,
                                        .held = held,
                                        .n_held = 1}};
    struct agent_message q;

    encode_agent(&m, &q);
    ck_assert_str_eq(q.hello.node, "n1");
    ck_assert_str_eq(q.hello.runtime, "");
    ck_assert_str_eq(q.hello.facts[1].name, "task_storage");
    ck_assert_int_eq(q.hello.enforcers[1].enforcer, ENFORCER_APPARMOR);
    ck_assert_str_eq(q.hello.enforcers[1].reason, "off");
    ck_assert(digest_equal(&q.hello.held[0].digest, &held[0].digest));
    agent_message_done(&q);
}
END_TEST

START_TEST(a_result_arrives_whole)
{
    struct agent_message m = {
        .kind = AGENT_RESULT,
        .result = {.name = "varmor-a-b", .digest = {{4}}, .enforcers = results, .n_enforcers = 1}};
    struct agent_message q;

    encode_agent(&m, &q);
    ck_assert(q.result.enforcers[0].applied);
    ck_assert_int_eq(q.result.enforcers[0].since_ns, 77);
    ck_assert_str_eq(q.result.enforcers[0].mode, "complain");
    ck_assert_str_eq(q.result.enforcers[0].policy_hash, "ab12");
    ck_assert_uint_eq(q.result.digest.bytes[0], 4);
    agent_message_done(&q);
}
END_TEST

START_TEST(reports_arrive_whole)
{
    static const char *const dropped[] = {"x", "y"};
    static const uint64_t counts[] = {0, 5, 1ull << 63};
    struct agent_message m = {
        .kind = AGENT_BINDINGS,
        .bindings = {
            .complete = true, .put = &binding, .n_put = 1, .dropped = dropped, .n_dropped = 2}};
    struct agent_message q;

    encode_agent(&m, &q);
    ck_assert_int_eq(q.bindings.put[0].pid, 42);
    ck_assert(q.bindings.put[0].before_first_instruction);
    check_holds(&q.bindings.put[0]);
    ck_assert_str_eq(q.bindings.dropped[1], "y");
    agent_message_done(&q);

    m = (struct agent_message){.kind = AGENT_VIOLATIONS,
                               .violations = {.items = &violation, .n = 1, .n_dropped = 3}};
    encode_agent(&m, &q);
    ck_assert_int_eq(q.violations.items[0].rule_number, -1);
    ck_assert_uint_eq(q.violations.n_dropped, 3);
    agent_message_done(&q);

    m = (struct agent_message){.kind = AGENT_COUNTS,
                               .counts = {.profile = "varmor-a-b",
                                          .counts = counts,
                                          .n = 3,
                                          .events = events,
                                          .n_events = ARRAY_SIZE(events)}};
    encode_agent(&m, &q);
    check_events(q.counts.events, q.counts.n_events);
    ck_assert(q.counts.counts[2] == 1ull << 63);
    agent_message_done(&q);
}
END_TEST

START_TEST(what_is_no_message_is_refused)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct manager_message n;
    struct agent_message m;

    ck_assert_int_eq(agent_message_decode(&m, (const uint8_t *)"", 0, &e), -EBADMSG);
    ck_assert_str_eq(error_message(e), "the agent's message says nothing that this version knows");
    ck_assert_int_eq(agent_message_decode(&m, (const uint8_t *)"\xff\xff\xff", 3, NULL), -EBADMSG);
    ck_assert_int_eq(manager_message_decode(&n, (const uint8_t *)"\x0a\x05", 2, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_digest_of_another_length_is_refused)
{
    /* ProfileResult { name: "a", digest: 3 bytes } */
    static const uint8_t bytes[] = {0x12, 0x08, 0x0a, 0x01, 'a', 0x12, 0x03, 1, 2, 3};
    CLEANUP(error_free) struct error *e = NULL;
    struct agent_message m;

    ck_assert_int_eq(agent_message_decode(&m, bytes, sizeof(bytes), &e), -EBADMSG);
    ck_assert_str_eq(error_message(e), "a digest has 32 bytes, not 3");
}
END_TEST

START_TEST(a_list_beyond_its_ceiling_is_refused_with_the_number)
{
    CLEANUP_BUF struct buf b = BUF_INIT(16 << 20);
    CLEANUP(error_free) struct error *e = NULL;
    struct status_list l;

    for (int i = 0; i <= MESSAGE_MAX_ITEMS; i++)
        ck_assert_int_eq(buf_add(&b, "\x0a\x00", 2), 0); /* an empty item */
    ck_assert_int_eq(status_list_decode(&l, STATUS_BINDINGS, b.data, b.len, &e), -EBADMSG);
    ck_assert_str_eq(error_message(e), "field 'items' has 100001 items; the limit is 100000");
}
END_TEST

static void check_ceiling(const struct agent_message *m, const char *complaint)
{
    CLEANUP_BUF struct buf b = BUF_INIT(1 << 20);
    CLEANUP(error_free) struct error *e = NULL;
    struct agent_message q;

    ck_assert_int_eq(agent_message_encode(m, &b), 0);
    if (complaint) {
        ck_assert_int_eq(agent_message_decode(&q, b.data, b.len, &e), -EBADMSG);
        ck_assert_str_eq(error_message(e), complaint);
        return;
    }
    ck_assert_int_eq(agent_message_decode(&q, b.data, b.len, &e), 0);
    agent_message_done(&q);
}

START_TEST(what_an_agent_says_of_enforcers_has_ceilings)
{
    static struct msg_event_count many[MESSAGE_MAX_EVENT_COUNTS + 1];
    struct msg_binding_enforcer four[MESSAGE_MAX_ENFORCERS + 1];
    struct msg_binding put = {.container_id = "abc", .enforcers = four};
    struct agent_message m = {.kind = AGENT_COUNTS, .counts = {.profile = "p", .events = many}};
    char origin[MESSAGE_MAX_ORIGIN + 2];

    memset(origin, 'o', sizeof(origin));
    origin[MESSAGE_MAX_ORIGIN] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        many[i].enforcer = ENFORCER_SECCOMP;
    for (size_t i = 0; i < ARRAY_SIZE(four); i++)
        four[i] = (struct msg_binding_enforcer){.enforcer = ENFORCER_BPF};
    m.counts.n_events = MESSAGE_MAX_EVENT_COUNTS;
    check_ceiling(&m, NULL);
    m.counts.n_events++;
    check_ceiling(&m, "2049 counts of events; the limit is 2048");
    m.counts.n_events = 1;
    many[0].origin = origin;
    check_ceiling(&m, NULL);
    origin[MESSAGE_MAX_ORIGIN] = 'o';
    origin[MESSAGE_MAX_ORIGIN + 1] = '\0';
    check_ceiling(&m, "an origin of 257 bytes; the limit is 256");
    m = (struct agent_message){.kind = AGENT_BINDINGS, .bindings = {.put = &put, .n_put = 1}};
    put.n_enforcers = MESSAGE_MAX_ENFORCERS;
    check_ceiling(&m, NULL);
    put.n_enforcers++;
    check_ceiling(&m, "a binding with 4 enforcers; the limit is 3");
}
END_TEST

START_TEST(the_manager_messages_arrive_whole)
{
    CLEANUP_BUF struct buf b = BUF_INIT(65536);
    struct manager_message m = {.kind = MANAGER_REMOVAL, .removal = "varmor-a-b"};
    struct manager_message q;

    ck_assert_int_eq(manager_message_encode(&m, &b), 0);
    ck_assert_int_eq(manager_message_decode(&q, b.data, b.len, NULL), 0);
    ck_assert_int_eq(q.kind, MANAGER_REMOVAL);
    ck_assert_str_eq(q.removal, "varmor-a-b");
    manager_message_done(&q);

    buf_clear(&b);
    m = (struct manager_message){.kind = MANAGER_IN_SYNC, .in_sync = 12};
    ck_assert_int_eq(manager_message_encode(&m, &b), 0);
    ck_assert_int_eq(manager_message_decode(&q, b.data, b.len, NULL), 0);
    ck_assert_uint_eq(q.in_sync, 12);
    manager_message_done(&q);
}
END_TEST

START_TEST(a_profile_travels_in_a_manager_message)
{
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP_BUF struct buf b = BUF_INIT(65536);
    struct manager_message m = {.kind = MANAGER_PROFILE, .profile = p};
    struct manager_message q;

    p->name = strdup("varmor-a-b");
    profile_add_rule(p, RULE_CAPABILITY, RULE_DENY, "x")->capability.mask = 2;
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    ck_assert_int_eq(manager_message_encode(&m, &b), 0);
    ck_assert_int_eq(manager_message_decode(&q, b.data, b.len, NULL), 0);
    ck_assert_int_eq(q.kind, MANAGER_PROFILE);
    ck_assert(digest_equal(&q.profile->digest, &p->digest));
    manager_message_done(&q);
}
END_TEST

START_TEST(a_description_arrives_whole)
{
    static const struct status_condition conditions[] = {
        {"Ready", "True", "AllAgentsReady", "", 5}};
    static const struct status_enforcer_bindings bindings[] = {
        {.enforcer = ENFORCER_SECCOMP, .n_in_force = 4, .n_restart_needed = 1, .n_without = 2}};
    static const struct status_node_result nodes[] = {{.node = "n1",
                                                       .connected = true,
                                                       .current = true,
                                                       .enforcers = results,
                                                       .n_enforcers = 1,
                                                       .n_bound = 3,
                                                       .bindings = bindings,
                                                       .n_bindings = 1}};
    static const struct status_rule_count rules[] = {{"base", 12, "file", "deny read /etc/shadow"}};
    static const char *const warnings[] = {"disallow-umount: BPF does not see moved mounts"};
    struct status_binding node_binding = {"n1", binding};
    struct status_violation node_violation = {"n1", violation};
    struct status_policy_description d = {
        .policy = {.kind = "VarmorPolicy",
                   .name = "web",
                   .ready = true,
                   .conditions = conditions,
                   .n_conditions = 1,
                   .nodes = nodes,
                   .n_nodes = 1,
                   .n_without = 5,
                   .n_restart_needed = 6},
        .bindings = &node_binding,
        .n_bindings = 1,
        .violations = &node_violation,
        .n_violations = 1,
        .rules = rules,
        .n_rules = 1,
        .events = events,
        .n_events = ARRAY_SIZE(events),
        .warnings = warnings,
        .n_warnings = 1,
    };
    CLEANUP_BUF struct buf b = BUF_INIT(65536);
    struct status_policy_description q;
    void *arena;

    ck_assert_int_eq(status_policy_description_encode(&d, &b), 0);
    ck_assert_int_eq(status_policy_description_decode(&q, &arena, b.data, b.len, NULL), 0);
    ck_assert(q.policy.ready);
    ck_assert_str_eq(q.policy.conditions[0].reason, "AllAgentsReady");
    ck_assert_uint_eq(q.policy.nodes[0].n_bound, 3);
    ck_assert_str_eq(q.policy.nodes[0].enforcers[0].mode, "complain");
    ck_assert_int_eq(q.policy.nodes[0].bindings[0].enforcer, ENFORCER_SECCOMP);
    ck_assert_uint_eq(q.policy.nodes[0].bindings[0].n_in_force, 4);
    ck_assert_uint_eq(q.policy.nodes[0].bindings[0].n_restart_needed, 1);
    ck_assert_uint_eq(q.policy.nodes[0].bindings[0].n_without, 2);
    ck_assert_uint_eq(q.policy.n_without, 5);
    ck_assert_uint_eq(q.policy.n_restart_needed, 6);
    ck_assert_str_eq(q.bindings[0].binding.pod_name, "web-0");
    check_holds(&q.bindings[0].binding);
    check_events(q.events, q.n_events);
    ck_assert_uint_eq(q.n_warnings, 1);
    ck_assert_str_eq(q.warnings[0], warnings[0]);
    ck_assert_str_eq(q.violations[0].violation.rule, "base");
    ck_assert_uint_eq(q.rules[0].count, 12);
    status_arena_free(arena);
}
END_TEST

START_TEST(a_watch_event_arrives_whole)
{
    struct status_watch_event e = {.type = STATUS_WATCH_PUT,
                                   .resource = STATUS_PROFILES,
                                   .profile = {.name = "varmor-a-b",
                                               .enforcers = ENFORCER_BPF | ENFORCER_SECCOMP,
                                               .n_rules = 4}};
    CLEANUP_BUF struct buf b = BUF_INIT(65536);
    struct status_watch_event q;

    ck_assert_int_eq(status_watch_event_encode(&e, &b), 0);
    ck_assert_int_eq(status_watch_event_decode(&q, b.data, b.len, NULL), 0);
    ck_assert_int_eq(q.resource, STATUS_PROFILES);
    ck_assert_uint_eq(q.profile.enforcers, ENFORCER_BPF | ENFORCER_SECCOMP);
    status_watch_event_done(&q);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("messages");
    TCase *t = tcase_create("messages");

    tcase_add_test(t, a_hello_arrives_whole);
    tcase_add_test(t, a_result_arrives_whole);
    tcase_add_test(t, reports_arrive_whole);
    tcase_add_test(t, what_is_no_message_is_refused);
    tcase_add_test(t, a_digest_of_another_length_is_refused);
    tcase_add_test(t, a_list_beyond_its_ceiling_is_refused_with_the_number);
    tcase_add_test(t, what_an_agent_says_of_enforcers_has_ceilings);
    tcase_add_test(t, the_manager_messages_arrive_whole);
    tcase_add_test(t, a_profile_travels_in_a_manager_message);
    tcase_add_test(t, a_description_arrives_whole);
    tcase_add_test(t, a_watch_event_arrives_whole);
    suite_add_tcase(s, t);
    return s;
}
