/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "manager/file_claims.h"
#include "test/unit/source_record.h"

#define POD(name) "apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\n"

static struct source_record record;
static struct file_claims *claims;

static void set_up(void)
{
    record = SOURCE_RECORD_INIT;
    claims = file_claims_new(&source_record_handler, &record);
    ck_assert_ptr_nonnull(claims);
}

static void tear_down(void)
{
    file_claims_free(claims);
    buf_done(&record.lines);
}

static void put(const char *file, const char *text)
{
    ck_assert_int_eq(file_claims_put(claims, file, text, strlen(text)), 0);
}

/* Settles and compares what was told. */
static void told(const char *lines)
{
    buf_clear(&record.lines);
    ck_assert_int_eq(file_claims_settle(claims), 0);
    ck_assert_str_eq(buf_text(&record.lines), lines);
}

START_TEST(a_file_puts_its_objects_and_withdraws_them)
{
    put("a.yaml", POD("x") "---\n" POD("y"));
    told("put a.yaml Pod default/x\nput a.yaml Pod default/y\nfile a.yaml (2 in force)\n");
    told("");
    put("a.yaml", POD("y"));
    told("put a.yaml Pod default/y\ndrop Pod default/x\nfile a.yaml (1 in force)\n");
    ck_assert(file_claims_drop(claims, "a.yaml"));
    ck_assert(!file_claims_drop(claims, "a.yaml"));
    ck_assert(!file_claims_drop(claims, "b.yaml"));
    told("drop Pod default/y\nfile a.yaml (0 in force)\n");
    told("");
}
END_TEST

START_TEST(a_wrong_file_keeps_its_last_good_content_in_force)
{
    put("a.yaml", POD("x"));
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\n");
    put("a.yaml", "kind: [\n");
    buf_clear(&record.lines);
    ck_assert_int_eq(file_claims_settle(claims), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines), "file a.yaml (1 in force) 2:1: "));
    ck_assert_ptr_null(strstr(buf_text(&record.lines), "drop"));
    ck_assert_int_eq(file_claims_refuse(claims, "a.yaml", "cannot be read: too bad"), 0);
    told("file a.yaml (1 in force) cannot be read: too bad\n");
    put("a.yaml", POD("x"));
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\n");
}
END_TEST

START_TEST(an_object_that_moves_to_another_file_is_never_gone)
{
    put("b.yaml", POD("x"));
    told("put b.yaml Pod default/x\nfile b.yaml (1 in force)\n");
    put("a.yaml", POD("x"));
    ck_assert(file_claims_drop(claims, "b.yaml"));
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nfile b.yaml (0 in force)\n");
}
END_TEST

START_TEST(a_file_that_goes_and_comes_in_one_turn_has_not_gone)
{
    put("a.yaml", POD("x"));
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\n");
    ck_assert(file_claims_drop(claims, "a.yaml"));
    put("a.yaml", POD("x"));
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\n");
}
END_TEST

START_TEST(of_two_new_claims_the_first_name_wins_and_both_are_told)
{
    put("b.yaml", POD("x"));
    put("a.yaml", "---\n" POD("x"));
    told(
        "put a.yaml Pod default/x\n"
        "file a.yaml (1 in force) 2:1: Pod 'default/x' is defined in b.yaml:1:1 too; this one is in force\n"
        "file b.yaml (0 in force) 1:1: Pod 'default/x' is defined in a.yaml:2:1 too; that one is in force\n");
}
END_TEST

START_TEST(who_had_an_object_first_keeps_it)
{
    put("b.yaml", POD("x"));
    told("put b.yaml Pod default/x\nfile b.yaml (1 in force)\n");
    put("a.yaml", POD("x") "---\n" POD("y"));
    told(
        "put a.yaml Pod default/y\n"
        "file a.yaml (1 in force) 1:1: Pod 'default/x' is defined in b.yaml:1:1 too; that one is in force\n"
        "file b.yaml (1 in force) 1:1: Pod 'default/x' is defined in a.yaml:1:1 too; this one is in force\n");
    put("b.yaml", "");
    told("put a.yaml Pod default/x\nfile a.yaml (2 in force)\nfile b.yaml (0 in force)\n");
}
END_TEST

START_TEST(the_number_of_files_has_a_ceiling)
{
    char name[32];

    for (int i = 0; i < FILE_CLAIMS_MAX_FILES; i++) {
        snprintf(name, sizeof(name), "%d.yaml", i);
        put(name, "");
    }
    ck_assert_int_eq(file_claims_put(claims, "more.yaml", "", 0), -E2BIG);
    ck_assert_int_eq(file_claims_refuse(claims, "more.yaml", "x"), -E2BIG);
    for (int i = 0; i < FILE_CLAIMS_MAX_FOLDERS;
         i++) { /* whose findings must be told all the same */
        snprintf(name, sizeof(name), "%d/", i);
        ck_assert_int_eq(file_claims_refuse(claims, name, "x"), 0);
    }
    ck_assert_int_eq(file_claims_refuse(claims, "more/", "x"), -E2BIG);
    ck_assert(file_claims_drop(claims, "0/"));
    put("0.yaml", POD("x"));
    ck_assert_int_eq(file_claims_settle(claims), 0);
    ck_assert_int_eq(file_claims_refuse(claims, "more/", "x"), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("file_claims");
    TCase *t = tcase_create("file_claims");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_file_puts_its_objects_and_withdraws_them);
    tcase_add_test(t, a_wrong_file_keeps_its_last_good_content_in_force);
    tcase_add_test(t, an_object_that_moves_to_another_file_is_never_gone);
    tcase_add_test(t, a_file_that_goes_and_comes_in_one_turn_has_not_gone);
    tcase_add_test(t, of_two_new_claims_the_first_name_wins_and_both_are_told);
    tcase_add_test(t, who_had_an_object_first_keeps_it);
    tcase_add_test(t, the_number_of_files_has_a_ceiling);
    suite_add_tcase(s, t);
    return s;
}
