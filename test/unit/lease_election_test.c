/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/lease_election.h"

#define PROCESSES 3

/* The one Lease object, as a server keeps it. */
static struct lease_record object;
static unsigned version, last_version; /* version 0: it is not there */

static void set_up(void)
{
    object = (struct lease_record){0};
    version = 0;
}

static enum election_outcome serve(enum election_action action, const struct lease_record *write)
{
    if (action == ELECTION_READ)
        return version ? ELECTION_OK : ELECTION_ABSENT;
    if (action == ELECTION_UPDATE && version == 0)
        return ELECTION_ABSENT;
    if (action == ELECTION_CREATE ? version != 0 : strcmp(write->version, object.version) != 0)
        return ELECTION_CONFLICT;
    object = *write;
    version = ++last_version;
    snprintf(object.version, sizeof(object.version), "%u", version);
    return ELECTION_OK;
}

/* One request and its answer, both at once. */
static enum election_outcome step(struct election *e, uint64_t now_ns)
{
    struct lease_record write = {0};
    enum election_action action = election_next(e, now_ns, 0, &write);
    enum election_outcome outcome = serve(action, &write);

    election_answered(e, outcome, outcome == ELECTION_OK ? &object : NULL, now_ns);
    return outcome;
}

static void lead(struct election *e, uint64_t now_ns)
{
    for (int i = 0; i < 3 && !election_leads(e, now_ns); i++)
        step(e, now_ns);
    ck_assert(election_leads(e, now_ns));
}

START_TEST(the_first_makes_the_lease_and_leads)
{
    struct election a;

    election_init(&a, "a");
    lead(&a, 1);
    ck_assert_str_eq(object.holder, "a");
    ck_assert_int_eq(object.duration_s, ELECTION_DURATION_S);
    ck_assert_int_eq(object.transitions, 0);
    ck_assert_uint_eq(election_due_ns(&a), 1 + ELECTION_RETRY_NS);
}
END_TEST

START_TEST(a_leader_that_renews_stays)
{
    struct election a, b;
    uint64_t now_ns = 1;

    election_init(&a, "a");
    election_init(&b, "b");
    lead(&a, now_ns);
    for (int i = 0; i < 1000; i++) {
        now_ns += ELECTION_RETRY_NS;
        step(&a, now_ns);
        step(&b, now_ns);
        ck_assert(election_leads(&a, now_ns));
        ck_assert(!election_leads(&b, now_ns));
    }
}
END_TEST

START_TEST(a_lease_is_taken_only_after_its_duration_of_silence)
{
    struct election a, b;
    uint64_t seen_ns = 5 * NS_PER_SEC, now_ns = seen_ns;

    election_init(&a, "a");
    election_init(&b, "b");
    lead(&a, 1);
    step(&b, seen_ns); /* sees it for the first time: the silence is counted from here */
    for (; now_ns < seen_ns + ELECTION_DURATION_S * NS_PER_SEC; now_ns += NS_PER_SEC) {
        step(&b, now_ns);
        ck_assert(!election_leads(&b, now_ns));
    }
    lead(&b, now_ns);
    ck_assert_int_eq(object.transitions, 1);
    ck_assert(!election_leads(&a, now_ns));
    step(&a, now_ns); /* it still believes that it may write: the server refuses */
    step(&a, now_ns);
    ck_assert_str_eq(election_holder(&a), "b");
    ck_assert(!election_leads(&a, now_ns));
}
END_TEST

START_TEST(a_leader_ends_by_itself_before_the_others_may_take_over)
{
    struct election a;

    election_init(&a, "a");
    lead(&a, 1);
    ck_assert(election_leads(&a, ELECTION_RENEW_NS));
    ck_assert(!election_leads(&a, 1 + ELECTION_RENEW_NS));
    ck_assert_uint_lt(ELECTION_RENEW_NS, ELECTION_DURATION_S * NS_PER_SEC);
}
END_TEST

START_TEST(a_late_answer_does_not_stretch_what_is_held)
{
    struct lease_record write = {0};
    struct election a;

    election_init(&a, "a");
    step(&a, 1);
    ck_assert_int_eq(election_next(&a, 1, 0, &write), ELECTION_CREATE);
    ck_assert_int_eq(serve(ELECTION_CREATE, &write), ELECTION_OK);
    election_answered(&a, ELECTION_OK, &object, 9 * NS_PER_SEC);
    ck_assert(election_leads(&a, 9 * NS_PER_SEC));
    ck_assert(!election_leads(&a, 1 + ELECTION_RENEW_NS));
}
END_TEST

START_TEST(a_renewal_whose_answer_was_lost_is_found_to_be_ones_own)
{
    struct lease_record write = {0};
    struct election a;

    election_init(&a, "a");
    lead(&a, 1);
    ck_assert_int_eq(election_next(&a, 2, 0, &write), ELECTION_UPDATE);
    serve(ELECTION_UPDATE, &write);
    election_answered(&a, ELECTION_FAILED, NULL, 2);
    ck_assert_int_eq(step(&a, 3), ELECTION_CONFLICT);
    ck_assert_int_eq(step(&a, 4), ELECTION_OK); /* reads */
    ck_assert_int_eq(step(&a, 5), ELECTION_OK); /* renews */
    ck_assert(election_leads(&a, 4 + ELECTION_RENEW_NS));
}
END_TEST

START_TEST(who_resigns_lets_another_lead_at_once)
{
    struct lease_record write = {0};
    struct election a, b;

    election_init(&a, "a");
    election_init(&b, "b");
    ck_assert(!election_resign(&b, 0, &write)); /* it never was its own */
    election_init(&b, "b");
    lead(&a, 1);
    step(&b, 1);
    ck_assert(election_resign(&a, 0, &write));
    ck_assert(!election_leads(&a, 1));
    ck_assert_str_eq(write.holder, "");
    ck_assert_int_eq(serve(ELECTION_UPDATE, &write), ELECTION_OK);
    lead(&b, 2);
    step(&a, 3);
    ck_assert(!election_leads(&a, 3));
}
END_TEST

START_TEST(a_lease_that_is_deleted_is_made_again)
{
    struct election a;

    election_init(&a, "a");
    lead(&a, 1);
    set_up();
    step(&a, 2);
    for (int i = 0; i < 4; i++)
        step(&a, 3);
    ck_assert_str_eq(object.holder, "a");
    ck_assert(election_leads(&a, 2 + ELECTION_RENEW_NS));
}
END_TEST

START_TEST(a_lease_that_is_deleted_is_not_taken_from_who_leads)
{
    struct election a, b;

    election_init(&a, "a");
    election_init(&b, "b");
    lead(&a, 1);
    step(&b, 1);
    set_up();
    for (uint64_t now_ns = 2; now_ns < ELECTION_DURATION_S * NS_PER_SEC; now_ns += NS_PER_SEC) {
        ck_assert_int_eq(step(&b, now_ns), ELECTION_ABSENT);
        ck_assert(!election_leads(&b, now_ns));
    }
    lead(&b, 2 + ELECTION_DURATION_S * NS_PER_SEC); /* whoever it was is silent */
    ck_assert_int_eq(object.transitions, 1);
}
END_TEST

START_TEST(a_lease_that_is_deleted_may_have_been_taken_unseen)
{
    struct lease_record write = {0};
    struct election a, b, c;

    election_init(&a, "a");
    election_init(&b, "b");
    election_init(&c, "c");
    lead(&a, 1);
    ck_assert(election_resign(&a, 0, &write));
    serve(ELECTION_UPDATE, &write);
    step(&b, 2); /* sees that nobody holds it */
    lead(&c, 3);
    set_up();
    step(&b, 4);
    step(&b, 5);
    ck_assert(!election_leads(&b, 5));
    for (int i = 0; i < 3; i++)
        step(&c, 6); /* makes it again */
    step(&b, 7);
    ck_assert(!election_leads(&b, 7));
    ck_assert_str_eq(election_holder(&b), "c");
}
END_TEST

START_TEST(a_holder_with_an_absurd_duration_is_not_waited_for_for_ever)
{
    struct election a;

    election_init(&a, "a");
    object.duration_s = INT64_MAX;
    snprintf(object.holder, sizeof(object.holder), "z");
    snprintf(object.version, sizeof(object.version), "%u", ++version);
    step(&a, 1);
    step(&a, 1 + ELECTION_DURATION_S * NS_PER_SEC);
    lead(&a, 1 + ELECTION_DURATION_S * NS_PER_SEC);
}
END_TEST

/* A process of the long run below. */
struct process {
    struct election election;
    uint64_t paused_until_ns, answer_ns;
    enum election_outcome outcome;
    struct lease_record answer;
    bool waits; /* for the answer */
};

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static void live(struct process *p, uint64_t now_ns)
{
    struct lease_record write = {0};
    enum election_action action;

    if (p->waits && now_ns >= p->answer_ns) {
        p->waits = false;
        election_answered(&p->election, p->outcome, p->outcome == ELECTION_OK ? &p->answer : NULL,
                          now_ns);
    }
    if (p->waits || now_ns < election_due_ns(&p->election))
        return;
    action = election_next(&p->election, now_ns, 0, &write);
    p->waits = true;
    p->answer_ns = now_ns + random_below(3000) * NS_PER_MSEC;
    p->outcome = random_below(8) == 0 ? ELECTION_FAILED : serve(action, &write);
    if (p->outcome == ELECTION_OK && random_below(8) == 0)
        p->outcome = ELECTION_FAILED; /* it was done, and nobody hears of it */
    p->answer = object;
}

START_TEST(of_processes_that_stop_and_servers_that_fail_never_two_lead)
{
    struct process processes[PROCESSES] = {0};
    unsigned n_turns_led = 0, n_turns = 0;
    uint64_t deleted_ns = 60 * NS_PER_SEC;

    random_state = (uint32_t)_i + 1;
    for (unsigned i = 0; i < PROCESSES; i++) {
        char name[8];

        snprintf(name, sizeof(name), "p%u", i);
        election_init(&processes[i].election, name);
    }
    for (uint64_t now_ns = 1; now_ns < 3600 * NS_PER_SEC; now_ns += 100 * NS_PER_MSEC, n_turns++) {
        unsigned n_leaders = 0;

        if (now_ns > deleted_ns + 60 * NS_PER_SEC && random_below(3000) == 0) {
            version = 0; /* somebody deletes it, and not again while its duration lasts */
            deleted_ns = now_ns;
        }
        for (unsigned i = 0; i < PROCESSES; i++) {
            struct process *p = &processes[i];

            if (random_below(2000) == 0)
                p->paused_until_ns = now_ns + random_below(40) * NS_PER_SEC;
            if (now_ns >= p->paused_until_ns)
                live(p, now_ns);
            n_leaders += election_leads(&p->election, now_ns); /* who is stopped does not know */
        }
        ck_assert_uint_le(n_leaders, 1);
        n_turns_led += n_leaders;
    }
    ck_assert_uint_gt(n_turns_led, n_turns / 2);
}
END_TEST

/* ---- The object's JSON ---- */

static int parse(const char *text, struct lease_record *ret, struct error **reterr)
{
    return lease_record_parse(ret, (const uint8_t *)text, strlen(text), reterr);
}

START_TEST(a_record_survives_its_json)
{
    CLEANUP_BUF struct buf text = BUF_INIT(LEASE_MAX_BYTES);
    struct lease_record r = {.holder = "a", .version = "7", .duration_s = 15, .transitions = 3};
    struct lease_place place = {"varmor", "varmor-manager", "[{\"kind\":\"ClusterRole\"}]"};
    struct lease_record back;

    lease_time_format(r.renewed, 1795599000000001000);
    ck_assert_str_eq(r.renewed, "2026-11-25T09:30:00.000001Z");
    ck_assert_int_eq(lease_record_format(&r, &place, &text), 0);
    ck_assert_str_eq(
        buf_text(&text),
        "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"namespace\":"
        "\"varmor\",\"name\":\"varmor-manager\",\"resourceVersion\":\"7\",\"ownerReferences\":[{"
        "\"kind\":\"ClusterRole\"}]},\"spec\":{"
        "\"holderIdentity\":\"a\",\"acquireTime\":null,\"renewTime\":\"2026-11-25T09:30:00.000001Z\","
        "\"leaseDurationSeconds\":15,\"leaseTransitions\":3}}");
    ck_assert_int_eq(parse(buf_text(&text), &back, NULL), 0);
    ck_assert_str_eq(back.holder, "a");
    ck_assert_str_eq(back.version, "7");
    ck_assert_str_eq(back.acquired, "");
    ck_assert_str_eq(back.renewed, r.renewed);
    ck_assert_int_eq(back.duration_s, 15);
    ck_assert_int_eq(back.transitions, 3);
    place.owners = "{";
    ck_assert_int_eq(lease_record_format(&r, &place, &text), -EINVAL);
}
END_TEST

static const struct {
    const char *json, *message;
} bad_leases[] = {
    {"[", "lease: not JSON: "},
    {"{}", "lease: no metadata"},
    {"{\"metadata\":{}}", "lease: no resourceVersion"},
    {"{\"metadata\":{\"resourceVersion\":7}}", "lease: 'resourceVersion' is not a text"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"spec\":{\"leaseTransitions\":-1}}",
     "lease: 'leaseTransitions' is not a count"},
    {"{\"metadata\":{\"resourceVersion\":\"7\"},\"spec\":{\"renewTime\":"
     "\"2026-11-25T09:30:00.000001Z and much that is no time\"}}",
     "lease: 'renewTime' has 52 bytes, more than 40"},
};

START_TEST(what_is_no_lease_is_refused_with_the_reason)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct lease_record r;

    ck_assert_int_eq(parse(bad_leases[_i].json, &r, &e), -EBADMSG);
    ck_assert_msg(
        strncmp(error_message(e), bad_leases[_i].message, strlen(bad_leases[_i].message)) == 0,
        "%s", error_message(e));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("lease_election");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, the_first_makes_the_lease_and_leads);
    tcase_add_test(t, a_leader_that_renews_stays);
    tcase_add_test(t, a_lease_is_taken_only_after_its_duration_of_silence);
    tcase_add_test(t, a_leader_ends_by_itself_before_the_others_may_take_over);
    tcase_add_test(t, a_late_answer_does_not_stretch_what_is_held);
    tcase_add_test(t, a_renewal_whose_answer_was_lost_is_found_to_be_ones_own);
    tcase_add_test(t, who_resigns_lets_another_lead_at_once);
    tcase_add_test(t, a_lease_that_is_deleted_is_made_again);
    tcase_add_test(t, a_lease_that_is_deleted_is_not_taken_from_who_leads);
    tcase_add_test(t, a_lease_that_is_deleted_may_have_been_taken_unseen);
    tcase_add_test(t, a_holder_with_an_absurd_duration_is_not_waited_for_for_ever);
    tcase_add_loop_test(t, of_processes_that_stop_and_servers_that_fail_never_two_lead, 0, 20);
    tcase_add_test(t, a_record_survives_its_json);
    tcase_add_loop_test(t, what_is_no_lease_is_refused_with_the_reason, 0, ARRAY_SIZE(bad_leases));
    suite_add_tcase(s, t);
    return s;
}
