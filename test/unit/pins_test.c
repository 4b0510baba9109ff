/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Pins are plain files here: the rules for names, locks and order are the same on every file
 * system. */
static char base[64], root[PINS_PATH_SIZE];

static void setup(void)
{
    snprintf(base, sizeof(base), "/tmp/pins-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(base));
    snprintf(root, sizeof(root), "%s/varmor", base);
}

static void teardown(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", base);
    ck_assert_int_eq(system(command), 0);
}

static struct pins *open_pins(void)
{
    struct error *e = NULL;
    struct pins *p = NULL;
    int r = pins_open(&p, root, &e);

    ck_assert_msg(r == 0, "%s", error_message(e));
    return p;
}

static void pin(const struct pins *p, const char *below)
{
    char path[PINS_PATH_SIZE];
    int fd = open(pins_path(p, below, path), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    close(fd);
}

static void folder(const struct pins *p, const char *below)
{
    char path[PINS_PATH_SIZE];

    ck_assert_int_eq(mkdir(pins_path(p, below, path), 0700), 0);
}

static struct pins *publish_layout(void)
{
    struct pins *p = open_pins();

    ck_assert_int_eq(pins_stage(p, NULL), 0);
    pin(p, PINS_STAGING "/varmor_slots");
    folder(p, PINS_STAGING "/links-1");
    pin(p, PINS_STAGING "/links-1/file_open");
    ck_assert_int_eq(pins_publish(p, "layout-1", NULL), 0);
    return p;
}

START_TEST(a_folder_gets_its_name_when_it_is_whole)
{
    struct pins *p = open_pins();

    ck_assert_int_eq(pins_stage(p, NULL), 0);
    pin(p, PINS_STAGING "/varmor_slots");
    ck_assert(!pins_has(p, "layout-1"));
    ck_assert_int_eq(pins_publish(p, "layout-1", NULL), 0);
    ck_assert(pins_has(p, "layout-1/varmor_slots"));
    ck_assert(!pins_has(p, PINS_STAGING));
    pins_free(p);
}
END_TEST

START_TEST(pins_stay_when_the_holder_goes)
{
    struct pins *p = publish_layout();

    pins_free(p);
    p = open_pins();
    ck_assert(pins_has(p, "layout-1/links-1/file_open"));
    pins_free(p);
}
END_TEST

START_TEST(what_a_crash_left_in_staging_is_swept)
{
    struct pins *p = open_pins();

    ck_assert_int_eq(pins_stage(p, NULL), 0);
    pin(p, PINS_STAGING "/varmor_slots");
    folder(p, PINS_STAGING "/links-1");
    pin(p, PINS_STAGING "/links-1/file_open");
    pins_free(p);
    p = open_pins();
    ck_assert(!pins_has(p, PINS_STAGING));
    pins_free(p);
}
END_TEST

START_TEST(a_second_holder_is_told_who_is_in_the_way)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct pins *first = open_pins(), *second = NULL;

    ck_assert_int_eq(pins_open(&second, root, &e), -EBUSY);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(error_message(e), "another varmor-agent holds"));
    pins_free(first);
    second = open_pins();
    pins_free(second);
}
END_TEST

START_TEST(the_lock_ends_with_a_killed_process)
{
    int ready[2];
    char c;
    pid_t child;
    struct pins *p;

    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        open_pins();
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    ck_assert_int_eq(pins_open(&p, root, NULL), -EBUSY);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    p = open_pins();
    pins_free(p);
    close(ready[0]);
}
END_TEST

START_TEST(a_name_that_is_taken_is_not_replaced)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct pins *p = publish_layout();

    ck_assert_int_eq(pins_stage(p, NULL), 0);
    pin(p, PINS_STAGING "/varmor_slots");
    ck_assert_int_eq(pins_publish(p, "layout-1", &e), -EEXIST);
    ck_assert(pins_has(p, "layout-1/links-1/file_open"));
    pins_free(p);
}
END_TEST

struct told {
    char text[256];
};

static void note(const char *what, void *data)
{
    struct told *t = data;
    size_t len = strlen(t->text);

    snprintf(t->text + len, sizeof(t->text) - len, "%s;", what);
}

START_TEST(a_drop_tells_each_pin_links_first)
{
    struct pins *p = publish_layout();
    struct told t = {};

    ck_assert_int_eq(pins_drop(p, "layout-1", note, &t, NULL), 0);
    ck_assert_str_eq(t.text, "link file_open;map varmor_slots;");
    ck_assert(!pins_has(p, "layout-1"));
    ck_assert_int_eq(pins_drop(p, "layout-1", note, &t, NULL), 0);
    ck_assert_int_eq(pins_remove_root(p, NULL), 0);
    ck_assert_int_ne(access(root, F_OK), 0);
    pins_free(p);
}
END_TEST

START_TEST(a_drop_of_one_folder_leaves_its_neighbours)
{
    struct pins *p = publish_layout();
    struct told t = {};

    ck_assert_int_eq(pins_stage(p, NULL), 0);
    pin(p, PINS_STAGING "/file_open");
    ck_assert_int_eq(pins_publish(p, "layout-1/links-2", NULL), 0);
    ck_assert_int_eq(pins_drop(p, "layout-1/links-1", note, &t, NULL), 0);
    ck_assert_str_eq(t.text, "link file_open;");
    ck_assert(!pins_has(p, "layout-1/links-1"));
    ck_assert(pins_has(p, "layout-1/links-2/file_open"));
    ck_assert(pins_has(p, "layout-1/varmor_slots"));
    pins_free(p);
}
END_TEST

START_TEST(a_folder_that_is_too_deep_is_not_ours)
{
    char path[PINS_PATH_SIZE] = "deep";
    struct pins *p = open_pins();

    for (unsigned i = 0; i <= PINS_MAX_DEPTH + 1; i++) {
        folder(p, path);
        memcpy(path + strlen(path), "/d", 3);
    }
    ck_assert_int_eq(pins_drop(p, "deep", NULL, NULL, NULL), -ELOOP);
    pins_free(p);
}
END_TEST

static int count(const char *name, bool is_folder, void *data)
{
    int *n = data;

    if (strcmp(name, "links-1") == 0)
        ck_assert(is_folder);
    else
        ck_assert(!is_folder);
    return ++*n == 3 ? 7 : 0;
}

START_TEST(a_listing_ends_with_the_folder_or_with_the_callers_word)
{
    struct pins *p = publish_layout();
    int n = 0;

    ck_assert_int_eq(pins_list(p, "layout-1", count, &n, NULL), 0);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(pins_list(p, "layout-1", count, &n, NULL), 7);
    ck_assert_int_eq(pins_list(p, "absent", count, &n, NULL), 0);
    pins_free(p);
}
END_TEST

START_TEST(a_root_that_is_too_long_or_cannot_be_made_is_refused)
{
    CLEANUP(error_free) struct error *e = NULL;
    char path[PINS_PATH_SIZE + 2];
    struct pins *p = NULL;

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(pins_open(&p, path, NULL), -ENAMETOOLONG);
    ck_assert_int_eq(pins_open(&p, "/proc/no/such", &e), -ENOENT);
    ck_assert_str_eq(error_message(e), "/proc/no/such: No such file or directory");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("pins");
    TCase *t = tcase_create("pins");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_folder_gets_its_name_when_it_is_whole);
    tcase_add_test(t, pins_stay_when_the_holder_goes);
    tcase_add_test(t, what_a_crash_left_in_staging_is_swept);
    tcase_add_test(t, a_second_holder_is_told_who_is_in_the_way);
    tcase_add_test(t, the_lock_ends_with_a_killed_process);
    tcase_add_test(t, a_name_that_is_taken_is_not_replaced);
    tcase_add_test(t, a_drop_tells_each_pin_links_first);
    tcase_add_test(t, a_drop_of_one_folder_leaves_its_neighbours);
    tcase_add_test(t, a_folder_that_is_too_deep_is_not_ours);
    tcase_add_test(t, a_listing_ends_with_the_folder_or_with_the_callers_word);
    tcase_add_test(t, a_root_that_is_too_long_or_cannot_be_made_is_refused);
    suite_add_tcase(s, t);
    return s;
}
