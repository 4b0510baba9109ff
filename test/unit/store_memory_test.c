/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the store, the binder and the counts fails once: the answer is -ENOMEM or a
 * word less in status, nothing leaks, and what is said to be in force is in force. */
#include "test/unit/memory_enforcer.h"

#include "agent/binder.h"
#include "agent/store.h"
#include "agent/violation_counts.h"
#include "proto/profile_codec.h"
#include "test/unit/alloc_failure.h"

#define ALL (ENFORCER_APPARMOR | ENFORCER_BPF | ENFORCER_SECCOMP)

static struct profile *versions[2]; /* of the test; made without failures, like the container */
static struct container *container;
static struct memory_enforcer apparmor, bpf, seccomp;
static struct enforcers enforcers;
static bool broken; /* Check's own assertions allocate */

static void require(bool condition)
{
    broken |= !condition;
}

static void set_up(void)
{
    for (int i = 0; i < 2; i++) {
        versions[i] = profile_new();
        versions[i]->name = strdup("p");
        versions[i]->enforcers = ALL;
        versions[i]->priority = i;
        ck_assert_ptr_nonnull(profile_add_target(versions[i], TARGET_POD));
        ck_assert_int_eq(profile_seal(versions[i], NULL), 0);
    }
    container = container_new();
    container->state = CONTAINER_RUNNING;
    container->cgroup_id = 7;
}

static void tear_down(void)
{
    profile_unref(versions[0]);
    profile_unref(versions[1]);
    container_free(container);
}

static void make_enforcers(void)
{
    enforcers = (struct enforcers){0};
    memory_enforcer_init(&apparmor, ENFORCER_APPARMOR);
    memory_enforcer_init(&seccomp, ENFORCER_SECCOMP);
    memory_enforcer_init(&bpf, ENFORCER_BPF);
    memory_enforcer_list(&apparmor, &enforcers);
    memory_enforcer_list(&seccomp, &enforcers);
    memory_enforcer_list(&bpf, &enforcers);
}

static bool holds(struct memory_enforcer *m, const struct profile *p)
{
    const struct memory_version *held = memory_find(m->held, "p", false);

    return held && digest_equal(&held->digest, &p->digest);
}

/* What the store says is in force is what every kernel holds. */
static void check_truth(const struct store *s)
{
    const struct profile *p = store_find(s, "p");

    if (p)
        require(holds(&apparmor, p) && holds(&seccomp, p) && holds(&bpf, p));
}

static int run_store(struct error **reterr)
{
    CLEANUP(store_free) struct store *s = NULL;
    int r;

    make_enforcers();
    if (store_new(&s, &enforcers, NULL) < 0)
        return error_oom(reterr);
    r = store_apply(s, versions[0], 1, reterr);
    check_truth(s);
    if (r >= 0) {
        apparmor.is_slow = true;
        r = store_apply(s, versions[1], 2, reterr);
        apparmor.is_slow = false;
        require(r < 0 || store_find(s, "p") == versions[0]);
    }
    if (r >= 0) {
        bpf.commit_error = "no room";
        r = store_resume(s, "p", 3, reterr);
        check_truth(s);
    }
    if (r >= 0)
        r = store_remove(s, "p", reterr);
    require(apparmor.n_versions + bpf.n_versions + seccomp.n_versions == 0);
    return r < 0 ? error_oom(reterr) : 0;
}

static void on_changed(const char *key, void *data)
{
    struct msg_binding b;

    binder_fill(*(struct binder **)data, key, &b);
}

static unsigned n_troubles;

static void on_trouble(const char *message UNUSED, void *data UNUSED)
{
    n_troubles++;
}

static int64_t on_now(void *data UNUSED)
{
    return 5;
}

static void on_look_later(void *data UNUSED)
{
}

/* Which enforcer does not hold the container is said as long as it is so. */
static void check_reason(struct binder *b)
{
    struct msg_binding m;

    if (!binder_fill(b, "/", &m))
        return;
    for (size_t i = 0; i < m.n_enforcers; i++)
        if (!m.enforcers[i].in_force)
            require(strcmp(m.reason, "AppArmor enforcer: another label") == 0);
}

/* What the binder cannot say for want of memory, it says as trouble. */
static int run_binder(struct error **reterr)
{
    CLEANUP(store_free) struct store *s = NULL;
    struct binder *b = NULL;
    const struct binder_events events = {.changed = on_changed,
                                         .trouble = on_trouble,
                                         .now_ns = on_now,
                                         .look_later = on_look_later,
                                         .data = &b};
    int r;

    make_enforcers();
    n_troubles = 0;
    if (store_new(&s, &enforcers, NULL) < 0 || binder_new(&b, s, &enforcers, &events) < 0)
        return error_oom(reterr);
    r = store_apply(s, versions[0], 1, reterr);
    if (r >= 0) {
        binder_put(b, container, NULL);
        snprintf(apparmor.hold.reason, sizeof(apparmor.hold.reason), "another label");
        apparmor.hold.in_force = false;
        binder_refresh(b, "p");
        check_reason(b);
        binder_dropped(b, container);
    }
    b = binder_free(b);
    return r < 0 || n_troubles > 0 ? error_oom(reterr) : 0;
}

static int run_counts(struct error **reterr)
{
    CLEANUP(violation_counts_free) struct violation_counts *v = NULL;
    int r = violation_counts_new(&v);
    size_t n;

    for (unsigned i = 0; r == 0 && i < 20; i++) {
        char origin[16];

        snprintf(origin, sizeof(origin), "rule %u", i);
        r = violation_counts_add(v, "p", ENFORCER_SECCOMP, origin);
    }
    if (v && violation_counts_get(v, "p", &n))
        require(n <= 20);
    return r < 0 ? error_oom(reterr) : 0;
}

static int (*const runs[])(struct error **reterr) = {run_store, run_binder, run_counts};

START_TEST(each_allocation_may_fail)
{
    bool happened = true;
    unsigned n_refused = 0;

    broken = false;
    for (unsigned n = 1; happened; n++) {
        CLEANUP(error_free) struct error *problem = NULL;
        int r;

        alloc_failure_arm(n);
        r = runs[_i](&problem);
        happened = alloc_failure_disarm();
        ck_assert_msg(!broken, "allocation %u: what holds after a failure does not", n);
        ck_assert_msg(r == 0 || (r == -ENOMEM && happened), "allocation %u: %d", n, r);
        n_refused += r < 0;
    }
    ck_assert_uint_gt(n_refused, 2);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("store_memory");
    TCase *t = tcase_create("store_memory");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, each_allocation_may_fail, 0, ARRAY_SIZE(runs));
    suite_add_tcase(s, t);
    return s;
}
