/* SPDX-License-Identifier: Apache-2.0 */
/* What the BPF enforcer does without a kernel; test/vm/enforcer has the rest. */
#include "test/unit/unit.h"

#include "agent/container.h"
#include "agent/enforcer.h"
#include "bpf/varmor_shared.h"
#include "lib/loop.h"

#include <errno.h>
#include <string.h>

static struct loop *loop;
static struct enforcer *enforcer;

static void setup(void)
{
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(enforcer_bpf_new(&enforcer, loop, NULL, NULL), 0);
}

static void teardown(void)
{
    enforcer->ops->free(enforcer);
    loop_free(loop);
}

static struct profile *file_profile(const char *pattern)
{
    struct profile *p = profile_new();
    struct rule *rule;

    ck_assert_ptr_nonnull(p);
    p->name = strdup("varmor-shop-web");
    rule = profile_add_rule(p, RULE_FILE, RULE_DENY, "bpfRawRules.files[0]");
    ck_assert_ptr_nonnull(rule);
    rule->path.pattern = strdup(pattern);
    rule->path.permissions = PATH_READ;
    return p;
}

START_TEST(a_profile_is_prepared_without_the_kernel)
{
    CLEANUP(profile_unref) struct profile *p = file_profile("/etc/**");
    struct enforcer_version *v = NULL;

    ck_assert_int_eq(enforcer->ops->prepare(enforcer, p, &v, NULL), 0);
    ck_assert_ptr_nonnull(v);
    ck_assert_uint_eq(p->n_refs, 2);
    enforcer->ops->discard(enforcer, v);
    ck_assert_uint_eq(p->n_refs, 1);
}
END_TEST

START_TEST(a_bad_pattern_is_refused_with_its_rule)
{
    CLEANUP(profile_unref) struct profile *p = file_profile("/etc/[");
    CLEANUP(error_free) struct error *e = NULL;
    struct enforcer_version *v = NULL;

    ck_assert_int_eq(enforcer->ops->prepare(enforcer, p, &v, &e), -EINVAL);
    ck_assert_ptr_null(v);
    ck_assert_ptr_nonnull(strstr(error_message(e), "bpfRawRules.files[0]"));
    ck_assert_uint_eq(p->n_refs, 1);
}
END_TEST

START_TEST(a_commit_without_a_kernel_is_refused_and_frees_the_version)
{
    CLEANUP(profile_unref) struct profile *p = file_profile("/etc/**");
    CLEANUP(error_free) struct error *e = NULL;
    struct enforcer_version *v = NULL;

    ck_assert_int_eq(enforcer->ops->prepare(enforcer, p, &v, NULL), 0);
    ck_assert_int_eq(enforcer->ops->commit(enforcer, &v, &e), -ENODEV);
    ck_assert_ptr_null(v);
    ck_assert_str_eq(error_message(e),
                     "profile 'varmor-shop-web': BPF enforcement cannot be had on this kernel");
    ck_assert_uint_eq(p->n_refs, 1);
}
END_TEST

static void no_holding(const struct enforcer_holding *h, void *data)
{
    (void)h;
    (void)data;
    ck_abort_msg("nothing is held");
}

static void no_binding(uint64_t cgroup_id, const char *profile, void *data)
{
    (void)cgroup_id;
    (void)profile;
    (void)data;
    ck_abort_msg("nothing is bound");
}

START_TEST(nothing_works_before_the_kernel_was_probed)
{
    const struct enforcer_ops *ops = enforcer->ops;
    CLEANUP(container_free) struct container *c = container_new();
    uint64_t values[VARMOR_N_STATS];
    struct enforcer_holding h;

    c->cgroup_id = 1;
    ck_assert_int_eq(ops->adopt(enforcer, no_holding, NULL, NULL), -ENODEV);
    ck_assert_int_eq(ops->remove(enforcer, "x", NULL), -ENODEV);
    ck_assert_int_eq(ops->bind(enforcer, c, "x", true, NULL), -ENODEV);
    ck_assert_int_eq(ops->unbind(enforcer, 1, NULL), -ENODEV);
    ck_assert_int_eq(ops->bindings(enforcer, no_binding, NULL, NULL), -ENODEV);
    ck_assert_int_eq(ops->describe(enforcer, "x", &h, NULL), -ENODEV);
    ck_assert_int_eq(ops->counts(enforcer, "x", values, 1, NULL), -ENODEV);
    ck_assert_int_eq(ops->settle(enforcer, NULL), -ENODEV);
    ck_assert_int_eq(enforcer_bpf_stats(enforcer, values, VARMOR_N_STATS), -ENODEV);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("enforcer_bpf");
    TCase *t = tcase_create("enforcer_bpf");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_profile_is_prepared_without_the_kernel);
    tcase_add_test(t, a_bad_pattern_is_refused_with_its_rule);
    tcase_add_test(t, a_commit_without_a_kernel_is_refused_and_frees_the_version);
    tcase_add_test(t, nothing_works_before_the_kernel_was_probed);
    suite_add_tcase(s, t);
    return s;
}
