/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of reading a file fails once: nothing leaks, nothing is half applied, no error is
 * forgotten. */
#include "test/unit/unit.h"

#include <stdio.h>

#include "lib/buf.h"
#include "lib/policy/object.h"
#include "test/unit/alloc_failure.h"

#define FILE_MAX (1u << 20)

static const char *const files[] = {
    "test/policies/good/every-field.yaml", "test/policies/good/manifests.yaml",
    "test/policies/good/modes.yaml",       "test/policies/good/from-kubectl.yaml",
    "test/policies/bad/bpf-rules.yaml",    "test/policies/bad/words.yaml",
    "test/policies/bad/yaml.yaml",         "test/policies/bad/sections.yaml",
};

static void read_file(const char *path, struct buf *ret)
{
    FILE *f = fopen(path, "re");
    char chunk[4096];
    size_t n;

    ck_assert_ptr_nonnull(f);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        ck_assert_int_eq(buf_add(ret, chunk, n), 0);
    fclose(f);
}

/* One run; true if an allocation failed in it. */
static bool run_with_failure(const struct buf *text, unsigned n, size_t n_errors, size_t n_objects)
{
    struct findings findings;
    struct objects objects;
    bool failed;
    int r;

    alloc_failure_arm(n);
    r = objects_parse(&objects, buf_text(text), text->len, &findings);
    failed = alloc_failure_disarm();
    if (r == 0) {
        ck_assert_uint_eq(findings.n_errors, n_errors);
        ck_assert_uint_eq(objects.n, n_objects);
    } else {
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert(failed);
        ck_assert_uint_eq(objects.n, 0);
    }
    objects_done(&objects);
    findings_done(&findings);
    return failed;
}

START_TEST(each_allocation_may_fail)
{
    CLEANUP_BUF struct buf text = BUF_INIT(FILE_MAX);
    struct findings findings;
    struct objects objects;
    size_t n_errors, n_objects;
    unsigned n = 1;

    read_file(files[_i], &text);
    ck_assert_int_eq(objects_parse(&objects, buf_text(&text), text.len, &findings), 0);
    n_errors = findings.n_errors;
    n_objects = objects.n;
    objects_done(&objects);
    findings_done(&findings);
    while (run_with_failure(&text, n, n_errors, n_objects))
        n++;
    ck_assert_uint_gt(n, 50); /* it did allocate, and did fail */
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("object_memory");
    TCase *t = tcase_create("object_memory");

    tcase_add_loop_test(t, each_allocation_may_fail, 0, (int)ARRAY_SIZE(files));
    suite_add_tcase(s, t);
    return s;
}
