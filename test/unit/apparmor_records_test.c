/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/apparmor_binary.h"
#include "agent/apparmor_records.h"
#include "test/unit/apparmor_parser_run.h"

#define FOLDER "/tmp/apparmor-records-test"
#define NAME   "varmor-shop-web"

static struct apparmor_records *records;
static struct apparmor_binary *binary;

static void setup(void)
{
    struct buf data CLEANUP_BUF = BUF_INIT(APPARMOR_BINARY_MAX);

    ck_assert_int_eq(system("rm -rf " FOLDER), 0);
    ck_assert_int_eq(apparmor_records_new(&records, FOLDER, NULL), 0);
    parser_run("profile " NAME " { file, }", &data);
    ck_assert_int_eq(apparmor_binary_new(&binary, NAME, &data, NULL), 0);
}

static void teardown(void)
{
    apparmor_binary_unref(binary);
    records = apparmor_records_free(records);
    ck_assert_int_eq(system("rm -rf " FOLDER), 0);
}

static struct apparmor_record record_of(uint8_t number)
{
    return (struct apparmor_record){
        .profile_digest = {.bytes = {number}}, .key = {.bytes = {0, number}}, .binary = binary};
}

static void require_record(enum apparmor_record_kind kind, uint8_t number)
{
    struct apparmor_record r;

    ck_assert_int_eq(apparmor_records_read(records, NAME, kind, &r, NULL), 0);
    ck_assert_uint_eq(r.profile_digest.bytes[0], number);
    ck_assert_uint_eq(r.key.bytes[1], number);
    ck_assert(digest_equal(&r.binary->digest, &binary->digest));
    ck_assert(r.this_boot);
    ck_assert_str_eq(r.kernel_hash, kind == APPARMOR_RECORD_LOADED ? "0a1b" : "");
    apparmor_record_done(&r);
}

static void require_none(enum apparmor_record_kind kind)
{
    struct apparmor_record r;

    ck_assert_int_eq(apparmor_records_read(records, NAME, kind, &r, NULL), -ENOENT);
}

static void stage(uint8_t number)
{
    struct apparmor_record r = record_of(number);

    ck_assert_int_eq(apparmor_records_stage(records, NAME, &r, NULL), 0);
}

START_TEST(a_record_is_staged_and_then_published)
{
    stage(1);
    require_record(APPARMOR_RECORD_LOADING, 1);
    require_none(APPARMOR_RECORD_LOADED);
    ck_assert_int_eq(apparmor_records_publish(records, NAME, "0a1b", NULL), 0);
    require_record(APPARMOR_RECORD_LOADED, 1);
    require_none(APPARMOR_RECORD_LOADING);
    stage(2);
    require_record(APPARMOR_RECORD_LOADED, 1);
    apparmor_records_unstage(records, NAME);
    require_none(APPARMOR_RECORD_LOADING);
    stage(3);
    ck_assert_int_eq(apparmor_records_drop(records, NAME, NULL), 0);
    require_none(APPARMOR_RECORD_LOADED);
    require_none(APPARMOR_RECORD_LOADING);
    ck_assert_int_eq(apparmor_records_drop(records, NAME, NULL), 0);
}
END_TEST

START_TEST(a_record_outlives_its_reader)
{
    stage(7);
    ck_assert_int_eq(apparmor_records_publish(records, NAME, "0a1b", NULL), 0);
    apparmor_records_free(records);
    ck_assert_int_eq(apparmor_records_new(&records, FOLDER, NULL), 0);
    require_record(APPARMOR_RECORD_LOADED, 7);
}
END_TEST

static off_t size_of_file(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    return st.st_size;
}

/* Whatever happens to a file, it is refused, and refused once. */
static void require_refused(const char *message)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct apparmor_record r;

    ck_assert_int_eq(apparmor_records_read(records, NAME, APPARMOR_RECORD_LOADING, &r, &problem),
                     -EBADMSG);
    ck_assert_str_eq(error_message(problem), message);
    require_none(APPARMOR_RECORD_LOADING);
}

START_TEST(a_file_that_was_changed_is_no_record)
{
    static const struct {
        int at; /* byte that is changed; negative: cut here, from the end */
        const char *message;
    } changes[] = {
        {0, FOLDER "/" NAME ".loading: it is in no format that is known here"},
        {16, FOLDER "/" NAME ".loading: it is in no format that is known here"},
        {64 + 3 * 32 - 1, FOLDER "/" NAME ".loading: its content is not what was written"},
        {1000, FOLDER "/" NAME ".loading: its content is not what was written"},
        {-1,
         FOLDER "/" NAME ".loading: the compiled profile is not in the form that is known here"},
    };
    const char *path = FOLDER "/" NAME ".loading";
    CLEANUP_CLOSE int fd = -1;
    off_t size;
    uint8_t byte;

    stage(1);
    size = size_of_file(path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    if (changes[_i].at >= 0) {
        ck_assert_int_eq(pread(fd, &byte, 1, changes[_i].at), 1);
        byte ^= 0x40;
        ck_assert_int_eq(pwrite(fd, &byte, 1, changes[_i].at), 1);
    } else {
        ck_assert_int_eq(ftruncate(fd, size + changes[_i].at), 0);
    }
    require_refused(changes[_i].message);
}
END_TEST

START_TEST(an_empty_file_is_no_record)
{
    stage(1);
    ck_assert_int_eq(truncate(FOLDER "/" NAME ".loading", 0), 0);
    require_refused(FOLDER "/" NAME ".loading: it is cut short");
}
END_TEST

START_TEST(a_record_of_another_profile_is_refused)
{
    struct apparmor_record r = record_of(1);

    ck_assert_int_eq(apparmor_records_stage(records, "varmor-shop-other", &r, NULL), 0);
    ck_assert_int_eq(
        apparmor_records_read(records, "varmor-shop-other", APPARMOR_RECORD_LOADING, &r, NULL),
        -EBADMSG);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    struct apparmor_record r;

    stage(1);
    ck_assert_int_eq(rename(FOLDER "/" NAME ".loading", FOLDER "/elsewhere"), 0);
    ck_assert_int_eq(symlink("elsewhere", FOLDER "/" NAME ".loading"), 0);
    ck_assert_int_eq(apparmor_records_read(records, NAME, APPARMOR_RECORD_LOADING, &r, NULL),
                     -ELOOP);
    stage(2); /* takes the link's place, and does not write through it */
    require_record(APPARMOR_RECORD_LOADING, 2);
}
END_TEST

START_TEST(a_name_that_could_leave_the_folder_is_refused)
{
    static const char *const names[] = {"../x", ".hidden", "a/b", ""};
    struct apparmor_record r = record_of(1);

    ck_assert_int_eq(apparmor_records_stage(records, names[_i], &r, NULL), -EINVAL);
}
END_TEST

static char listed[256];

static int on_name(const char *profile, void *data, struct error **reterr UNUSED)
{
    size_t len = strlen(listed);

    snprintf(listed + len, sizeof(listed) - len, "%s ", profile);
    return data ? -EIO : 0;
}

START_TEST(each_profile_is_listed_once)
{
    CLEANUP_CLOSE int fd = open(FOLDER "/stray", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    stage(1);
    ck_assert_int_eq(apparmor_records_publish(records, NAME, "0a1b", NULL), 0);
    stage(2);
    ck_assert_int_eq(apparmor_records_each(records, on_name, NULL, NULL), 0);
    ck_assert_str_eq(listed, NAME " ");
    ck_assert_int_eq(apparmor_records_each(records, on_name, listed, NULL), -EIO);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("apparmor_records");
    TCase *tcase = tcase_create("apparmor_records");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_record_is_staged_and_then_published);
    tcase_add_test(tcase, a_record_outlives_its_reader);
    tcase_add_loop_test(tcase, a_file_that_was_changed_is_no_record, 0, 5);
    tcase_add_test(tcase, an_empty_file_is_no_record);
    tcase_add_test(tcase, a_record_of_another_profile_is_refused);
    tcase_add_test(tcase, a_link_is_not_followed);
    tcase_add_loop_test(tcase, a_name_that_could_leave_the_folder_is_refused, 0, 4);
    tcase_add_test(tcase, each_profile_is_listed_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
