/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch tells, with each allocation failing in turn: the receiver keeps what it has, and the next time works. */
#include "test/unit/alloc_failure.h"
#include "test/unit/unit.h"

#include "lib/map.h"
#include "manager/source.h"
#include "manager/watched_objects.h"
#include "manager/watched_policies.h"
#include "manager/watched_problems.h"

#define RECORDED_MAX 8192

static const struct object *in_force; /* what the receiver was told last */

static void on_put(const struct object *o, const char *file UNUSED, void *data UNUSED)
{
    in_force = o;
}

static void on_dropped(const struct object *o, void *data UNUSED)
{
    if (o == in_force)
        in_force = NULL;
}

static void on_file(const struct source_file *f UNUSED, void *data UNUSED)
{
}

static void on_settled(void *data UNUSED)
{
}

static const struct source_handler handler = {
    .put = on_put, .dropped = on_dropped, .file = on_file, .settled = on_settled};

/* ---- Objects ---- */

static size_t record_read(const char *name, uint8_t bytes[static RECORDED_MAX])
{
    char path[128];
    FILE *file;
    size_t n;

    snprintf(path, sizeof(path), "test/fuzz/corpus/kubernetes_fuzz/%s", name);
    file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    n = fread(bytes, 1, RECORDED_MAX, file);
    fclose(file);
    return n;
}

static const char *const recorded[] = {"ordinary_pod", "namespace",    "service",   "slice",
                                       "deployment",   "stateful_set", "daemon_set"};

START_TEST(an_object_that_had_no_memory_comes_with_the_next_change)
{
    uint8_t bytes[RECORDED_MAX];
    size_t n_bytes = record_read(recorded[_i], bytes);

    for (unsigned n = 1;; n++) {
        CLEANUP(error_free) struct error *e = NULL;
        struct watched_objects objects = {.kind = bytes[0], .file = "x", .handler = &handler};
        bool told, failed;

        in_force = NULL;
        alloc_failure_arm(n);
        told = watched_objects_put(&objects, bytes + 1, n_bytes - 1, &e);
        failed = alloc_failure_disarm();
        ck_assert(told == (in_force != NULL));
        ck_assert(failed || told);
        ck_assert(!told == (e != NULL));
        if (!told) {
            ck_assert_int_eq(error_code(e), -ENOMEM);
            ck_assert_uint_eq(objects.table.n, 0);
            ck_assert(watched_objects_put(&objects, bytes + 1, n_bytes - 1, NULL));
        }
        watched_objects_done(&objects);
        if (!failed)
            break;
    }
}
END_TEST

/* ---- Policies ---- */

#define TEXT(generation)                                                                                 \
    "{\"apiVersion\":\"crd.varmor.org/v1beta1\",\"kind\":\"VarmorPolicy\",\"metadata\":{\"name\":"       \
    "\"web\",\"namespace\":\"shop\",\"uid\":\"u\",\"resourceVersion\":\"1\",\"generation\":" #generation \
    "},\"spec\":{\"target\":{\"kind\":\"Pod\",\"name\":\"x\"},\"policy\":{"                              \
    "\"enforcer\":\"BPF\",\"mode\":\"AlwaysAllow\"}}}"

static int put(struct watched_policies *policies, const char *text, struct error **reterr)
{
    return watched_policies_put(policies, false, "shop/web", (const uint8_t *)text, strlen(text),
                                reterr);
}

START_TEST(a_policy_that_had_no_memory_leaves_the_one_before_in_force)
{
    for (unsigned n = 1;; n++) {
        CLEANUP(watched_policies_free)
        struct watched_policies *policies = watched_policies_new(&handler, NULL, NULL, NULL);
        CLEANUP(error_free) struct error *e = NULL;
        const struct object *before;
        bool failed;
        int r;

        in_force = NULL;
        ck_assert_int_eq(put(policies, TEXT(1), NULL), 0);
        watched_policies_tell(policies, 0);
        before = in_force;
        ck_assert_ptr_nonnull(before);
        alloc_failure_arm(n);
        r = put(policies, TEXT(2), &e);
        watched_policies_tell(policies, 0);
        failed = alloc_failure_disarm();
        ck_assert(failed || r == 0);
        ck_assert(r == 0 || r == -ENOMEM || r == -EBADMSG);
        if (r < 0) {
            ck_assert_ptr_eq(in_force, before);
            ck_assert_int_eq(put(policies, TEXT(2), NULL), 0);
            watched_policies_tell(policies, 0);
        }
        ck_assert_int_eq(in_force->policy->generation, 2);
        if (!failed)
            break;
    }
}
END_TEST

START_TEST(a_policy_that_is_gone_is_dropped_without_memory)
{
    CLEANUP(watched_policies_free)
    struct watched_policies *policies = watched_policies_new(&handler, NULL, NULL, NULL);
    bool dropped;

    ck_assert_int_eq(put(policies, TEXT(1), NULL), 0);
    watched_policies_tell(policies, 0);
    alloc_failure_arm(1);
    dropped = watched_policies_drop(policies, false, "shop/web");
    alloc_failure_disarm();
    ck_assert(dropped);
    ck_assert_ptr_null(in_force);
}
END_TEST

START_TEST(problems_without_memory_are_counted)
{
    for (unsigned n = 1;; n++) {
        struct watched_problems problems = {0};
        struct findings findings = {0};
        bool failed;

        alloc_failure_arm(n);
        if (watched_problems_init(&problems) == 0) {
            watched_problems_put(&problems, "a/x", "broken");
            failed = alloc_failure_disarm();
            watched_problems_tell(&problems, &findings);
            ck_assert_uint_eq(findings.n, 1);
            findings_done(&findings);
        } else {
            failed = alloc_failure_disarm();
        }
        watched_problems_done(&problems);
        if (!failed)
            break;
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("watched_memory");
    TCase *t = tcase_create("watched_memory");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, an_object_that_had_no_memory_comes_with_the_next_change, 0,
                        ARRAY_SIZE(recorded));
    tcase_add_test(t, a_policy_that_had_no_memory_leaves_the_one_before_in_force);
    tcase_add_test(t, a_policy_that_is_gone_is_dropped_without_memory);
    tcase_add_test(t, problems_without_memory_are_counted);
    suite_add_tcase(s, t);
    return s;
}
