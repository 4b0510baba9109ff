/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the enforcer's and the log's modules fails once: the answer is -ENOMEM,
 * nothing leaks, and what was there before still is. */
#include "test/unit/unit.h"

#include "agent/container.h"
#include "agent/enforcer.h"
#include "agent/profile_slots.h"
#include "agent/rule_names.h"
#include "agent/violation.h"
#include "agent/violation_bpf.h"
#include "agent/violation_log.h"
#include "lib/loop.h"
#include "test/unit/alloc_failure.h"

#define LOG_FOLDER "/tmp/enforcer-memory-test"

static struct profile *profile; /* of the test; made without failures */

static void setup(void)
{
    static const char *const paths[] = {"/etc/shadow", "/srv/**/key", "*.pem"};

    profile = profile_new();
    ck_assert_ptr_nonnull(profile);
    profile->name = strdup("varmor-shop-web");
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct rule *rule = profile_add_rule(profile, RULE_FILE, RULE_DENY, "bpfRawRules.files[0]");

        ck_assert_ptr_nonnull(rule);
        rule->path.pattern = strdup(paths[i]);
        rule->path.permissions = PATH_READ;
    }
}

static void teardown(void)
{
    profile_unref(profile);
    ck_assert_int_eq(system("rm -rf " LOG_FOLDER), 0);
}

static bool broken; /* Check's own assertions allocate */

static void require(bool condition)
{
    broken |= !condition;
}

static int run_prepare(struct error **reterr)
{
    struct enforcer_version *v = NULL;
    struct enforcer *enforcer = NULL;
    struct loop *loop = NULL;
    int r = loop_new(&loop, reterr);

    if (r == 0)
        r = enforcer_bpf_new(&enforcer, loop, NULL, reterr);
    if (r == 0)
        r = enforcer->ops->prepare(enforcer, profile, &v, reterr);
    if (v)
        enforcer->ops->discard(enforcer, v);
    if (enforcer)
        enforcer->ops->free(enforcer);
    loop_free(loop);
    require(profile->n_refs == 1);
    return r;
}

static int run_rule_names(struct error **reterr)
{
    CLEANUP(rule_names_unref) struct rule_names *names = rule_names_new(profile), *back = NULL;
    const uint64_t from[] = {1, 2, 3};
    struct varmor_line lines[4];
    uint64_t to[] = {10, 10, 10};
    int r;

    if (!names)
        return error_oom(reterr);
    require(rule_names_lines(names) <= ARRAY_SIZE(lines));
    rule_names_encode(names, lines);
    r = rule_names_decode(&back, lines, rule_names_lines(names), reterr);
    if (r < 0)
        return r;
    r = rule_names_carry(names, from, back, to);
    require(to[0] + to[1] + to[2] == (r < 0 ? 30u : 36u));
    return r < 0 ? error_oom(reterr) : 0;
}

static int run_slots(struct error **reterr)
{
    CLEANUP(profile_slots_free) struct profile_slots *slots = profile_slots_new();
    struct profile_slot *slot = NULL;
    int r = 0;

    if (!slots)
        return error_oom(reterr);
    for (unsigned i = 0; r == 0 && i < 20; i++) {
        char name[8] = {'p', (char)('a' + i)};

        r = profile_slots_add(slots, name, 0, &slot, reterr);
        require(profile_slots_size(slots) == i + (r == 0));
        require(r == 0 || !profile_slots_at(slots, i + 1));
    }
    return r;
}

static int run_log(struct error **reterr)
{
    struct violation_log_settings settings = {
        .path = LOG_FOLDER "/violations.log",
        .node_name = "n",
        .metadata = NULL, /* without memory jansson's parser may call good text bad */
        .install_namespace = "varmor",
    };
    CLEANUP(violation_log_free) struct violation_log *log = NULL;
    CLEANUP(container_free) struct container *c = container_new();
    struct varmor_event event = {.kind = VARMOR_EVENT_CAPABILITY, .action = VARMOR_ACTION_DENIED};
    struct buf json CLEANUP_BUF = BUF_INIT(VIOLATION_BPF_JSON_MAX);
    struct violation v = {.enforcer = "BPF", .profile_name = "p", .rule = "r", .container = c};
    int r;

    if (!c)
        return error_oom(reterr);
    r = violation_log_new(&log, &settings, reterr);
    if (r < 0)
        return r;
    r = violation_bpf_format(&json, &event);
    if (r == 0) {
        v.event_json = buf_text(&json);
        r = violation_log_write(log, &v, profile);
        require(violation_log_n_lost(log) == (r < 0 ? 1u : 0u));
        require(violation_log_n_written(log) == (r == 0 ? 1u : 0u));
    }
    return r < 0 ? error_oom(reterr) : 0;
}

static int (*const runs[])(struct error **reterr) = {run_prepare, run_rule_names, run_slots,
                                                     run_log};

START_TEST(each_allocation_may_fail)
{
    unsigned n = 0, n_refused = 0;
    bool failed;

    do {
        CLEANUP(error_free) struct error *e = NULL;
        int r;

        alloc_failure_arm(++n);
        r = runs[_i](&e);
        failed = alloc_failure_disarm();
        ck_assert_msg(!broken, "allocation %u: what holds after a failure does not", n);
        ck_assert_msg(r == 0 || (r == -ENOMEM && failed), "allocation %u: %d (%s)", n, r,
                      error_message(e));
        n_refused += r < 0;
    } while (failed);
    ck_assert_uint_gt(n_refused, 2);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("enforcer_memory");
    TCase *t = tcase_create("enforcer_memory");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, each_allocation_may_fail, 0, (int)ARRAY_SIZE(runs));
    suite_add_tcase(s, t);
    return s;
}
