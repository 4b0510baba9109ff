/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of reading, building, asking and comparing fails once: nothing leaks, and no
 * failure is taken for an answer. */
#include "test/unit/unit.h"

#include "ctl/builtin_view.h"
#include "ctl/expectations.h"
#include "ctl/field_text.h"
#include "ctl/openapi.h"
#include "ctl/policy_set.h"
#include "lib/policy/object.h"
#include "lib/ruleset/disk_list.h"
#include "profiles/builder.h"
#include "profiles/builtin_rule.h"
#include "profiles/peers.h"
#include "test/unit/alloc_failure.h"

#define STEPS 5000 /* allocations of a run, at most */

static const char expectations[] =
    "policy: a\nexpect:\n- {read: /etc/x, verdict: allow, rule: r}\n"
    "- {socket: 'inet,stream,tcp', verdict: deny}\n- {mount: 'a,b,ro', verdict: deny}\n"
    "- {syscall: 'unshare,1', verdict: deny, enforcer: Seccomp}\n"
    "- {capability: chown, verdict: allow}\n- {raed: /x, verdict: deny}\n";

START_TEST(expectations_are_read_or_not)
{
    for (unsigned n = 1; n < STEPS; n++) {
        struct test_cases cases = {0};
        struct expectations x = {0};
        struct findings findings = {0};
        bool failed;
        int r;

        alloc_failure_arm(n);
        r = expectations_read(&x, &cases, "f", expectations, strlen(expectations), &findings);
        failed = alloc_failure_disarm();
        ck_assert(r == 0 || (r == -ENOMEM && failed));
        if (r == 0) {
            ck_assert_uint_eq(findings.n_errors, 1);
            ck_assert_uint_eq(cases.n, 6);
        }
        expectations_done(&x);
        test_cases_done(&cases);
        findings_done(&findings);
        if (!failed)
            return;
    }
    ck_abort_msg("more allocations than expected");
}
END_TEST

static const char policy_path[] = "test/policies/expect/two.yaml";

/* Reads and builds; 1, 0 or -ENOMEM as policy_set_build(). */
static int build(struct policy_set *set, struct profile **ret)
{
    CLEANUP(error_free) struct error *e = NULL;
    char *paths[] = {(char *)policy_path};
    struct chosen_policy policy;
    int r = policy_set_read(set, paths, 1, &e);

    if (r == 0 && set->report.n_errors)
        return -ENOMEM; /* a finding that says so */
    if (r == 0)
        r = policy_set_choose(set, NULL, &policy, &e);
    return r < 0 ? -ENOMEM : policy_set_build(set, &policy, "varmor", true, ret);
}

START_TEST(a_policy_is_built_or_not)
{
    ck_assert_int_eq(builtin_rules_load(NULL), 0);
    for (unsigned n = 1; n < STEPS; n++) {
        CLEANUP_POLICY_SET struct policy_set set = {0};
        CLEANUP(profile_unref) struct profile *p = NULL;
        bool failed;
        int r;

        alloc_failure_arm(n);
        r = build(&set, &p);
        failed = alloc_failure_disarm();
        ck_assert(failed || r == 1);
        ck_assert((r == 1) == (p != NULL));
        if (!failed) {
            builtin_rules_unload();
            return;
        }
    }
    ck_abort_msg("more allocations than expected");
}
END_TEST

static const struct {
    const char *word, *text;
} questions[] = {
    {"read", "/etc/x"},     {"exec", "/bin/sh"},        {"capability", "sys_admin"},
    {"mount", "proc,proc"}, {"mount", "tmpfs,tmpfs"},   {"ptrace", "trace"},
    {"socket", "inet,raw"}, {"connect", "10.96.0.1:1"},
};

/* Asks everything of every enforcer. 0 or -ENOMEM. */
static int ask(struct profile *p, const struct disk_list *disks)
{
    CLEANUP(judges_free) struct judges *judges = NULL;
    CLEANUP_TEST_CASES struct test_cases cases = {0};
    int r = judges_new(&judges, p, disks, NULL);

    for (size_t i = 0; i < ARRAY_SIZE(questions) && r == 0; i++) {
        struct test_case *c = test_cases_add(&cases);

        r = c ? question_parse(&c->question, questions[i].word, questions[i].text, NULL) : -ENOMEM;
        if (r == 0)
            c->expected.given = true;
    }
    return r < 0 ? r : test_cases_run(&cases, 0, judges, NULL);
}

START_TEST(every_question_is_answered_or_not)
{
    CLEANUP_POLICY_SET struct policy_set set = {0};
    CLEANUP(profile_unref) struct profile *p = NULL;
    char sda[] = "/dev/sda", *paths[] = {sda};
    const struct disk_list disks = {.paths = paths, .n = 1};

    ck_assert_int_eq(build(&set, &p), 1);
    builtin_rules_unload();
    for (unsigned n = 1; n < 2 * STEPS; n++) {
        bool failed;
        int r;

        alloc_failure_arm(n);
        r = ask(p, &disks);
        failed = alloc_failure_disarm();
        ck_assert(r == 0 || (r == -ENOMEM && failed));
        if (!failed)
            return;
    }
    ck_abort_msg("more allocations than expected");
}
END_TEST

START_TEST(peers_are_told_or_not)
{
    CLEANUP_POLICY_SET struct policy_set set = {0};
    CLEANUP(profile_unref) struct profile *p = NULL;

    ck_assert_int_eq(build(&set, &p), 1);
    builtin_rules_unload();
    for (unsigned n = 1; n < STEPS; n++) {
        struct peers *peers;
        struct builder_facts facts = {0};
        bool failed;
        int r;

        alloc_failure_arm(n);
        peers = peers_new();
        r = peers ? 0 : -ENOMEM;
        for (size_t i = 0; i < set.files[0].objects.n && r == 0; i++)
            if (peers_wants(set.files[0].objects.items[i].kind))
                r = peers_put(peers, &set.files[0].objects.items[i]);
        if (r == 0)
            r = peers_tell(peers, &facts);
        failed = alloc_failure_disarm();
        ck_assert(r == 0 || (r == -ENOMEM && failed));
        if (r == 0)
            ck_assert_uint_eq(facts.n_services, 1);
        peers_free(peers);
        if (!failed)
            return;
    }
    ck_abort_msg("more allocations than expected");
}
END_TEST

START_TEST(a_rule_is_shown_or_not)
{
    const struct builtin_rule *rule;

    ck_assert_int_eq(builtin_rules_load(NULL), 0);
    rule = builtin_rule_find(BUILTIN_HARDENING, "disallow-mount-procfs");
    for (unsigned n = 1; n < STEPS; n++) {
        CLEANUP_BUF struct buf text = BUF_INIT(1 << 20);
        json_t *json;
        bool failed;
        int r;

        alloc_failure_arm(n);
        r = builtin_view_text(rule, &text);
        json = builtin_view_json(rule);
        failed = alloc_failure_disarm();
        ck_assert(failed || (r == 0 && json));
        json_decref(json);
        if (!failed) {
            builtin_rules_unload();
            return;
        }
    }
    ck_abort_msg("more allocations than expected");
}
END_TEST

/* A kind with each shape of values, as text and as OpenAPI. */
START_TEST(a_kind_is_described_or_not)
{
    const struct field_place place = {.resource = custom_resource_find("ArmorProfile")};
    json_t *whole = openapi_resource_json(place.resource);

    for (unsigned n = 1; n < 10 * STEPS; n++) {
        CLEANUP_BUF struct buf text = BUF_INIT(1 << 20);
        json_t *json;
        bool failed;
        int r;

        alloc_failure_arm(n);
        r = field_text_explain(&place, true, &text);
        json = r == 0 ? openapi_resource_json(place.resource) : NULL;
        failed = alloc_failure_disarm();
        ck_assert(r == 0 || (r == -ENOMEM && failed));
        ck_assert(json ? json_equal(json, whole) : failed);
        json_decref(json);
        if (!failed) {
            json_decref(whole);
            return;
        }
    }
    ck_abort_msg("more allocations than expected");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("ctl_memory");
    TCase *t = tcase_create("ctl_memory");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, expectations_are_read_or_not);
    tcase_add_test(t, a_policy_is_built_or_not);
    tcase_add_test(t, every_question_is_answered_or_not);
    tcase_add_test(t, peers_are_told_or_not);
    tcase_add_test(t, a_rule_is_shown_or_not);
    tcase_add_test(t, a_kind_is_described_or_not);
    suite_add_tcase(s, t);
    return s;
}
