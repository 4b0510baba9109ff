/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/audit_position.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static char folder[64], path[96];

static void setup(void)
{
    snprintf(folder, sizeof(folder), "/tmp/audit-position-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/position", folder);
}

static void teardown(void)
{
    unlink(path);
    rmdir(folder);
}

static struct audit_position *begin(void)
{
    struct audit_position *p = NULL;

    ck_assert_int_eq(audit_position_new(&p, path, NULL), 0);
    return p;
}

/* What the agents before left; 0: nothing. */
static uint64_t left(void)
{
    CLEANUP(audit_position_free) struct audit_position *p = begin();
    uint64_t serial;

    return audit_position_left(p, &serial) ? serial : 0;
}

START_TEST(the_highest_serial_is_left_to_the_next_agent)
{
    struct audit_position *p = begin();
    uint64_t serial;

    ck_assert(!audit_position_left(p, &serial));
    audit_position_put(p, 7);
    audit_position_put(p, 9);
    audit_position_put(p, 8);
    ck_assert(!audit_position_left(p, &serial)); /* it is our own */
    audit_position_free(p);
    ck_assert_uint_eq(left(), 9);
    ck_assert_uint_eq(left(), 9);
}
END_TEST

START_TEST(the_file_is_for_nobody_else)
{
    struct stat st;

    audit_position_free(begin());
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(what_another_boot_left_counts_for_nothing)
{
    struct audit_position *p = begin();
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

    audit_position_put(p, 7);
    audit_position_free(p);
    ck_assert_int_eq(pwrite(fd, "~", 1, 3), 1); /* in the boot's id */
    ck_assert_uint_eq(left(), 0);
    p = begin();
    audit_position_put(p, 5);
    audit_position_free(p);
    ck_assert_uint_eq(left(), 5);
}
END_TEST

static const off_t lengths[] = {0, 1, 36, 40, 47};

START_TEST(half_a_file_counts_for_nothing)
{
    struct audit_position *p = begin();

    audit_position_put(p, 7);
    audit_position_free(p);
    ck_assert_int_eq(truncate(path, lengths[_i]), 0);
    ck_assert_uint_eq(left(), 0);
    p = begin();
    audit_position_put(p, 6);
    audit_position_free(p);
    ck_assert_uint_eq(left(), 6);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct audit_position *p = NULL;

    ck_assert_int_eq(symlink("/tmp/audit-position-test-elsewhere", path), 0);
    ck_assert_int_lt(audit_position_new(&p, path, &e), 0);
    ck_assert_ptr_null(p);
    ck_assert_int_ne(access("/tmp/audit-position-test-elsewhere", F_OK), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("audit_position");
    TCase *t = tcase_create("audit_position");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_highest_serial_is_left_to_the_next_agent);
    tcase_add_test(t, the_file_is_for_nobody_else);
    tcase_add_test(t, what_another_boot_left_counts_for_nothing);
    tcase_add_loop_test(t, half_a_file_counts_for_nothing, 0, ARRAY_SIZE(lengths));
    tcase_add_test(t, a_link_is_not_followed);
    suite_add_tcase(s, t);
    return s;
}
