/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's own events do is tested in a virtual machine (test/node/run): a test without rights cannot cause
 * one. */
#include "test/unit/unit.h"

#include "agent/node_devices.h"
#include "lib/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void unexpected(void *data UNUSED)
{
    ck_abort_msg("nothing has changed");
}

/* A file with the given text; returns its path, to be unlinked. */
static const char *file_of(const char *text)
{
    static char path[32];
    FILE *f;
    int fd;

    snprintf(path, sizeof(path), "/tmp/node-devices-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

START_TEST(the_disks_of_the_file_are_told_and_put_into_profiles)
{
    const char *path = file_of(" 8 1 1 sdb\n 8 0 1 sda\n");
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(node_devices_free) struct node_devices *d = NULL;
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP(profile_unref) struct profile *e = NULL;
    const char *const *names;
    size_t n = 0;

    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(node_devices_new(&d, loop, path, unexpected, NULL, NULL), 0);
    unlink(path);
    names = node_devices_names(d, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(names[0], "/dev/sda");
    ck_assert_str_eq(names[1], "/dev/sdb");
    p->name = strdup("varmor-shop-web");
    profile_add_rule(p, RULE_FILE, RULE_DENY, "base")->path.pattern = strdup(DISK_PLACEHOLDER);
    ck_assert_int_eq(node_devices_expand(d, p, &e, NULL), 0);
    ck_assert_str_eq(e->rules[0].path.pattern, "/dev/{sda,sdb}");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(node_devices_free) struct node_devices *d = NULL;
    CLEANUP(error_free) struct error *why = NULL;

    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(node_devices_new(&d, loop, "/nowhere/partitions", unexpected, NULL, &why),
                     -ENOENT);
    ck_assert_str_eq(error_message(why), "/nowhere/partitions: No such file or directory");
    ck_assert_ptr_null(d);
}
END_TEST

START_TEST(a_file_of_just_the_ceiling_is_read)
{
    CLEANUP_FREE char *text = malloc(DISK_LIST_MAX_TEXT + 1);
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(node_devices_free) struct node_devices *d = NULL;
    const char *path;
    size_t n = 0;

    ck_assert_ptr_nonnull(text);
    memset(text, '\n', DISK_LIST_MAX_TEXT);
    text[DISK_LIST_MAX_TEXT] = '\0';
    memcpy(text, " 8 0 1 sda", 10);
    path = file_of(text);
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(node_devices_new(&d, loop, path, unexpected, NULL, NULL), 0);
    unlink(path);
    node_devices_names(d, &n);
    ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(a_file_beyond_the_ceiling_is_an_error)
{
    CLEANUP(loop_free) struct loop *loop = NULL;
    CLEANUP(node_devices_free) struct node_devices *d = NULL;
    CLEANUP(error_free) struct error *why = NULL;

    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(node_devices_new(&d, loop, "/dev/zero", unexpected, NULL, &why), -E2BIG);
    ck_assert_str_eq(error_message(why), "/dev/zero is longer than 262144 bytes");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("node_devices");
    TCase *all = tcase_create("all");

    tcase_add_test(all, the_disks_of_the_file_are_told_and_put_into_profiles);
    tcase_add_test(all, a_file_that_is_not_there_is_an_error);
    tcase_add_test(all, a_file_of_just_the_ceiling_is_read);
    tcase_add_test(all, a_file_beyond_the_ceiling_is_an_error);
    suite_add_tcase(suite, all);
    return suite;
}
