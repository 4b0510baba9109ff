/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the AppArmor enforcer's parts fails once: the answer is -ENOMEM, nothing leaks,
 * nobody waits for ever, and what was there before still is. */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_compiler.h"
#include "agent/apparmor_features.h"
#include "agent/apparmor_records.h"
#include "agent/enforcer_apparmor.h"
#include "agent/whole_file.h"
#include "lib/loop.h"
#include "test/unit/alloc_failure.h"
#include "test/unit/apparmor_parser_run.h"

#define FOLDER "/tmp/apparmor-memory-test"
#define NAME   "varmor-shop-web"
#define TEXT   "profile " NAME " { file, deny mount, }\n"

static struct profile *profile; /* of the test, like the rest; made without failures */
static struct apparmor_binary *binary;
static struct buf features, data;

static void setup(void)
{
    struct buf copy CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);

    features = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
    data = BUF_INIT(APPARMOR_BINARY_MAX);
    profile = profile_new();
    ck_assert_ptr_nonnull(profile);
    profile->name = strdup(NAME);
    profile->apparmor_text = strdup(TEXT);
    ck_assert_int_eq(whole_file_read_kernel(AT_FDCWD, TEST_FEATURES, &features), 0);
    parser_run(TEXT, &data);
    ck_assert_int_eq(buf_add(&copy, data.data, data.len), 0);
    ck_assert_int_eq(apparmor_binary_new(&binary, NAME, &copy, NULL), 0);
    ck_assert_int_eq(system("rm -rf " FOLDER), 0);
}

static void teardown(void)
{
    apparmor_binary_unref(binary);
    profile_unref(profile);
    buf_done(&features);
    buf_done(&data);
    ck_assert_int_eq(system("rm -rf " FOLDER), 0);
}

static bool broken; /* Check's own assertions allocate */

static void require(bool condition)
{
    broken |= !condition;
}

static int run_binary(struct error **reterr)
{
    CLEANUP(apparmor_binary_unref) struct apparmor_binary *b = NULL;
    struct buf copy CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);
    int r = buf_add(&copy, data.data, data.len);

    if (r < 0)
        return error_oom(reterr);
    r = apparmor_binary_new(&b, NAME, &copy, reterr);
    require(r == 0 || copy.len == data.len); /* still ours */
    return r;
}

static int count_one(const char *name UNUSED, void *count, struct error **reterr UNUSED)
{
    ++*(unsigned *)count;
    return 0;
}

static int run_records(struct error **reterr)
{
    CLEANUP(apparmor_records_free) struct apparmor_records *records = NULL;
    const struct apparmor_record record = {.binary = binary};
    struct apparmor_record back = {0};
    unsigned n = 0;
    int r = apparmor_records_new(&records, FOLDER, reterr);

    if (r == 0)
        r = apparmor_records_stage(records, NAME, &record, reterr);
    if (r == 0)
        r = apparmor_records_read(records, NAME, APPARMOR_RECORD_LOADING, &back, reterr);
    require(r < 0 || back.binary->len == binary->len);
    if (r == 0)
        r = apparmor_records_each(records, count_one, &n, reterr);
    require(r < 0 || n == 1);
    apparmor_record_done(&back);
    require(binary->n_refs == 1);
    return r;
}

static int run_features(struct error **reterr)
{
    struct buf out CLEANUP_BUF = BUF_INIT(APPARMOR_FEATURES_TEXT_MAX);
    int r = apparmor_features_select(buf_text(&features), false, &out);

    return r < 0 ? error_oom(reterr) : 0;
}

struct waiting {
    struct loop *loop;
    unsigned n_done;
};

static void on_done(const char *name UNUSED, void *waiting)
{
    struct waiting *w = waiting;

    w->n_done++;
    loop_stop(w->loop);
}

/* A whole compilation, with the parser in a child. */
static int run_compiler(struct error **reterr)
{
    struct apparmor_compiler_settings settings = {
        .parser = TEST_PARSER,
        .features_file = TEST_FEATURES,
        .features_text = buf_text(&features),
        .max_children = 1,
        .deadline_ns = 20 * NS_PER_SEC,
        .max_kept_bytes = 1u << 20,
        .done = on_done,
    };
    CLEANUP(loop_free) struct loop *loop = NULL;
    struct apparmor_compiler *compiler = NULL;
    struct apparmor_binary *b = NULL;
    struct waiting waiting = {0};
    int r = loop_new(&loop, reterr);

    waiting.loop = loop;
    settings.data = &waiting;
    if (r == 0)
        r = apparmor_compiler_new(&compiler, loop, &settings, reterr);
    if (r == 0)
        r = apparmor_compiler_get(compiler, profile, "", false, &b, reterr);
    if (r == -EINPROGRESS) {
        require(loop_run(loop) == 0);
        require(waiting.n_done == 1);
        r = apparmor_compiler_get(compiler, profile, "", false, &b, reterr);
    }
    require(r < 0 || b->len == binary->len);
    apparmor_binary_unref(b);
    apparmor_compiler_free(compiler);
    require(profile->n_refs == 1);
    return r;
}

/* On a machine without AppArmor it is not usable, and says so. */
static int run_enforcer(struct error **reterr)
{
    const struct enforcer_apparmor_settings settings = {.parser = TEST_PARSER,
                                                        .state_folder = FOLDER};
    CLEANUP(loop_free) struct loop *loop = NULL;
    struct enforcer_version *v = NULL;
    struct enforcer_facts facts = {0};
    struct enforcer *e = NULL;
    int r = loop_new(&loop, reterr);

    if (r == 0)
        r = enforcer_apparmor_new(&e, loop, &settings, NULL, reterr);
    if (r == 0)
        r = e->ops->probe(e, &facts, reterr);
    if (r == 0 && !facts.usable)
        require(e->ops->prepare(e, profile, &v, NULL) == -ENODEV && facts.reason[0]);
    if (e)
        e->ops->free(e);
    return r;
}

static int (*const runs[])(struct error **reterr) = {
    run_binary, run_records, run_features, run_compiler, run_enforcer,
};

START_TEST(an_allocation_that_fails_is_an_error_and_no_more)
{
    unsigned n = 1;

    for (;; n++) {
        struct error *problem = NULL;
        int r;

        alloc_failure_arm(n);
        r = runs[_i](&problem);
        if (!alloc_failure_disarm()) {
            ck_assert_msg(r == 0, "%s", error_message(problem));
            break;
        }
        ck_assert_msg(!broken, "allocation %u", n);
        ck_assert_msg(r == 0 || r == -ENOMEM, "allocation %u: %d: %s", n, r,
                      error_message(problem));
        error_free(problem);
    }
    ck_assert(!broken);
    ck_assert_uint_gt(n, 1);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("apparmor_memory");
    TCase *tcase = tcase_create("apparmor_memory");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, an_allocation_that_fails_is_an_error_and_no_more, 0,
                        ARRAY_SIZE(runs));
    suite_add_tcase(suite, tcase);
    return suite;
}
