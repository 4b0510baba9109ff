/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/loop.h"
#include "manager/source_directory.h"
#include "test/unit/source_record.h"

#define POD(name)   "apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\n"
#define DEADLINE_NS (10 * NS_PER_SEC) /* nothing here takes more than a few milliseconds */

static struct loop *loop;
static struct loop_timer *deadline;
static struct source_directory *source;
static struct source_record record;
static char top[PATH_MAX]; /* a folder of this test */

/* ---- Files ---- */

static const char *in_top(const char *name)
{
    static char paths[4][PATH_MAX + 64];
    static unsigned next;
    char *path = paths[next++ % ARRAY_SIZE(paths)];

    snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_top(name), "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void make_folder(const char *name)
{
    ck_assert_int_eq(mkdir(in_top(name), 0700), 0);
}

static void move(const char *from, const char *to)
{
    ck_assert_int_eq(rename(in_top(from), in_top(to)), 0);
}

static void drop(const char *name)
{
    ck_assert_int_eq(remove(in_top(name)), 0);
}

static void link_to(const char *target, const char *name)
{
    ck_assert_int_eq(symlink(target, in_top(name)), 0);
}

/* ---- The source ---- */

static void on_deadline(void *data UNUSED)
{
    ck_abort_msg("the source did not tell; so far:\n%s", buf_text(&record.lines));
}

static void on_settled(void *data UNUSED)
{
    loop_stop(loop);
}

/* Runs until the source has told something, and compares. */
static void told(const char *lines)
{
    buf_clear(&record.lines);
    loop_timer_set(deadline, DEADLINE_NS);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_str_eq(buf_text(&record.lines), lines);
}

static void start(void)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(source_directory_new(&source, loop, in_top("policies"), &source_record_handler,
                                       &record, &e) == 0,
                  "%s", error_message(e));
}

static void set_up(void)
{
    snprintf(top, sizeof(top), "%s/varmor-source-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(top));
    make_folder("policies");
    record = SOURCE_RECORD_INIT;
    record.on_settled = on_settled;
    ck_assert_int_eq(loop_new(&loop, NULL), 0);
    ck_assert_int_eq(loop_timer_new(loop, &deadline, on_deadline, NULL), 0);
}

static void tear_down(void)
{
    char command[2 * PATH_MAX + 64];

    source = source_directory_free(source);
    deadline = loop_timer_free(deadline);
    loop = loop_free(loop);
    buf_done(&record.lines);
    snprintf(command, sizeof(command), "chmod -R u+rwx '%s'; rm -rf '%s'", top, top);
    ck_assert_int_eq(system(command), 0);
}

/* ---- Tests ---- */

START_TEST(what_is_there_is_told_first)
{
    make_folder("policies/sub");
    write_file("policies/b.yaml", POD("b"));
    write_file("policies/sub/a.json",
               "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}}");
    write_file("policies/sub/notes.txt", "none of our business");
    write_file("policies/.hidden.yaml", POD("hidden"));
    write_file("policies/c.yaml~", POD("backup"));
    start();
    told("put b.yaml Pod default/b\nput sub/a.json Pod default/a\n"
         "file b.yaml (1 in force)\nfile sub/a.json (1 in force)\nsettled\n");
}
END_TEST

START_TEST(an_empty_folder_is_synced_at_once)
{
    start();
    told("settled\n");
}
END_TEST

START_TEST(a_file_that_is_written_changed_and_removed_is_told)
{
    start();
    told("settled\n");
    write_file("policies/a.yaml", POD("x"));
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    write_file("policies/a.yaml", POD("y"));
    told("put a.yaml Pod default/y\ndrop Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    drop("policies/a.yaml");
    told("drop Pod default/y\nfile a.yaml (0 in force)\nsettled\n");
}
END_TEST

START_TEST(a_replacement_by_rename_is_one_change)
{
    write_file("policies/a.yaml", POD("x"));
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    write_file("policies/.a.new", POD("y"));
    move("policies/.a.new", "policies/a.yaml");
    told("put a.yaml Pod default/y\ndrop Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    write_file("elsewhere", POD("z"));
    move("elsewhere", "policies/a.yaml");
    told("put a.yaml Pod default/z\ndrop Pod default/y\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_file_moved_to_another_name_keeps_its_object_in_force)
{
    write_file("policies/a.yaml", POD("x"));
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    move("policies/a.yaml", "policies/b.yaml");
    told("put b.yaml Pod default/x\nfile a.yaml (0 in force)\nfile b.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(while_a_writer_is_at_it_the_earlier_content_counts)
{
    int fd;

    write_file("policies/a.yaml", POD("x"));
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    fd = open(in_top("policies/a.yaml"), O_WRONLY | O_TRUNC | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    write_file("policies/b.yaml", POD("b")); /* makes the source look at the folder */
    told("put b.yaml Pod default/b\nfile b.yaml (1 in force)\nsettled\n");
    ck_assert_int_eq(write(fd, POD("y"), strlen(POD("y"))), (ssize_t)strlen(POD("y")));
    close(fd);
    told("put a.yaml Pod default/y\ndrop Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_new_file_is_read_when_its_writer_closes_it)
{
    int fd;

    start();
    told("settled\n");
    fd = open(in_top("policies/a.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, "kind: [", 7), 7);
    told("settled\n");
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, POD("x"), strlen(POD("x")), 0), (ssize_t)strlen(POD("x")));
    close(fd);
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(an_unnamed_file_linked_into_place_is_read)
{
    char proc[64];
    int fd;

    start();
    told("settled\n");
    fd = open(in_top("policies"), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd < 0) { /* not every file system has it; the rest of the test is then about nothing */
        ck_assert_int_eq(errno, EOPNOTSUPP);
        return;
    }
    ck_assert_int_eq(write(fd, POD("x"), strlen(POD("x"))), (ssize_t)strlen(POD("x")));
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    ck_assert_int_eq(linkat(AT_FDCWD, proc, AT_FDCWD, in_top("policies/a.yaml"), AT_SYMLINK_FOLLOW),
                     0);
    close(fd);
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_hard_link_is_read_at_once)
{
    write_file("a.yaml", POD("x"));
    start();
    told("settled\n");
    ck_assert_int_eq(link(in_top("a.yaml"), in_top("policies/a.yaml")), 0);
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(folders_come_move_and_go_with_their_files)
{
    start();
    told("settled\n");
    make_folder("shop");
    write_file("shop/a.yaml", POD("x"));
    move("shop", "policies/shop");
    told("put shop/a.yaml Pod default/x\nfile shop/a.yaml (1 in force)\nsettled\n");
    write_file("policies/shop/b.yaml", POD("y"));
    told("put shop/b.yaml Pod default/y\nfile shop/b.yaml (1 in force)\nsettled\n");
    move("policies/shop", "policies/bank");
    told("put bank/a.yaml Pod default/x\nput bank/b.yaml Pod default/y\n"
         "file bank/a.yaml (1 in force)\nfile bank/b.yaml (1 in force)\n"
         "file shop/a.yaml (0 in force)\nfile shop/b.yaml (0 in force)\nsettled\n");
    move("policies/bank", "bank");
    told("drop Pod default/x\ndrop Pod default/y\n"
         "file bank/a.yaml (0 in force)\nfile bank/b.yaml (0 in force)\nsettled\n");
    write_file("bank/c.yaml", POD("z")); /* nobody is told of a folder that has left */
    write_file("policies/d.yaml", POD("d"));
    told("put d.yaml Pod default/d\nfile d.yaml (1 in force)\nsettled\n");
}
END_TEST

/* A ConfigMap volume: a.yaml -> ..data/a.yaml, ..data -> a folder that is switched by one rename.
 */
START_TEST(a_config_map_mount_is_switched_by_one_rename)
{
    make_folder("policies/..v1");
    write_file("policies/..v1/a.yaml", POD("x"));
    link_to("..v1", "policies/..data");
    link_to("..data/a.yaml", "policies/a.yaml");
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");

    make_folder("policies/..v2");
    write_file("policies/..v2/a.yaml", POD("y"));
    link_to("..v2", "policies/..data_tmp");
    move("policies/..data_tmp", "policies/..data");
    told("put a.yaml Pod default/y\ndrop Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_file_behind_a_link_is_watched_where_it_is)
{
    write_file("a.yaml", POD("x"));
    link_to("../a.yaml", "policies/a.yaml");
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    write_file("a.yaml", POD("y"));
    told("put a.yaml Pod default/y\ndrop Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    write_file("new.yaml", POD("z"));
    move("new.yaml", "a.yaml");
    told("put a.yaml Pod default/z\ndrop Pod default/y\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_link_back_to_its_own_folder_ends_there)
{
    write_file("policies/a.yaml", POD("x"));
    link_to(".", "policies/again");
    link_to("nowhere", "policies/b.yaml");
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_wrong_file_keeps_what_was_in_force)
{
    write_file("policies/a.yaml", POD("x"));
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    write_file("policies/a.yaml", "apiVersion: v1\nkind: Pad\nmetadata: {name: x}\n");
    buf_clear(&record.lines);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines), "file a.yaml (1 in force) 2:7: "));
    ck_assert_ptr_null(strstr(buf_text(&record.lines), "drop"));
    write_file("policies/a.yaml", POD("x"));
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(what_is_no_regular_file_is_a_finding)
{
    ck_assert_int_eq(mkfifo(in_top("policies/a.yaml"), 0600), 0);
    start();
    told("file a.yaml (0 in force) is not a regular file\nsettled\n");
}
END_TEST

START_TEST(a_file_that_is_too_large_is_a_finding)
{
    write_file("policies/a.yaml", POD("x"));
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    write_file("new", POD("x"));
    ck_assert_int_eq(truncate(in_top("new"), OBJECT_FILE_MAX_BYTES + 1), 0);
    move("new", "policies/a.yaml");
    told("file a.yaml (1 in force) is larger than 4194304 bytes\nsettled\n");
}
END_TEST

START_TEST(a_folder_that_lies_too_deep_is_a_finding)
{
    char path[PATH_MAX] = "policies";

    for (int i = 0; i <= SOURCE_MAX_DEPTH; i++) {
        size_t len = strlen(path);

        snprintf(path + len, sizeof(path) - len, "/d");
        make_folder(path);
    }
    start();
    told("file d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/ (0 in force) lies too deep and is left out\n"
         "settled\n");
}
END_TEST

START_TEST(a_root_that_vanishes_keeps_its_objects_and_may_come_back)
{
    write_file("policies/a.yaml", POD("x"));
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    move("policies", "away");
    buf_clear(&record.lines);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines),
                                 "file ./ (0 in force) what the folder said"
                                 " before stays in force: "));
    ck_assert_ptr_null(strstr(buf_text(&record.lines), "drop"));
    make_folder("new");
    write_file("new/b.yaml", POD("y"));
    move("new", "policies");
    told("put b.yaml Pod default/y\ndrop Pod default/x\nfile ./ (0 in force)\n"
         "file a.yaml (0 in force)\nfile b.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_root_that_is_missing_is_read_when_it_appears)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_int_eq(source_directory_new(&source, loop, in_top("var/lib/p"),
                                          &source_record_handler, &record, &e),
                     0);
    buf_clear(&record.lines);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines), "No such file or directory"));
    make_folder("var");
    buf_clear(&record.lines);
    ck_assert_int_eq(loop_run(loop), 0);
    make_folder("var/lib");
    ck_assert_int_eq(loop_run(loop), 0);
    make_folder("new");
    write_file("new/a.yaml", POD("x"));
    move("new", "var/lib/p");
    told("put a.yaml Pod default/x\nfile ./ (0 in force)\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(a_root_that_is_a_link_can_be_switched)
{
    make_folder("v1");
    make_folder("v2");
    write_file("v1/a.yaml", POD("x"));
    write_file("v2/a.yaml", POD("y"));
    drop("policies");
    link_to("v1", "policies");
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    link_to("v2", "next");
    move("next", "policies");
    told("put a.yaml Pod default/y\ndrop Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
}
END_TEST

START_TEST(what_may_not_be_read_keeps_what_was_in_force)
{
    if (geteuid() == 0) { /* root reads everything: be somebody else */
        ck_assert_int_eq(chown(top, 65534, 65534), 0);
        ck_assert_int_eq(chown(in_top("policies"), 65534, 65534), 0);
        ck_assert_int_eq(seteuid(65534), 0);
    }
    write_file("policies/a.yaml", POD("x"));
    make_folder("policies/sub");
    write_file("policies/sub/b.yaml", POD("y"));
    start();
    told("put a.yaml Pod default/x\nput sub/b.yaml Pod default/y\n"
         "file a.yaml (1 in force)\nfile sub/b.yaml (1 in force)\nsettled\n");
    ck_assert_int_eq(chmod(in_top("policies/a.yaml"), 0), 0);
    told("file a.yaml (1 in force) cannot be read: Permission denied\nsettled\n");
    ck_assert_int_eq(chmod(in_top("policies/sub"), 0), 0);
    buf_clear(&record.lines);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines),
                                 "file sub/ (0 in force) what the folder said before stays in "
                                 "force: "));
    ck_assert_ptr_null(strstr(buf_text(&record.lines), "drop"));
    ck_assert_int_eq(chmod(in_top("policies/a.yaml"), 0600), 0);
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    ck_assert_int_eq(chmod(in_top("policies/sub"), 0700), 0);
    told("file sub/ (0 in force)\nsettled\n");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(lost_events_make_everything_be_looked_at)
{
    char name[32];
    unsigned limit = 0;
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%u", &limit), 1);
    fclose(f);
    write_file("policies/a.yaml", POD("x"));
    start();
    told("put a.yaml Pod default/x\nfile a.yaml (1 in force)\nsettled\n");
    for (unsigned i = 0; i < limit / 2 + 1; i++) { /* two events each at least */
        snprintf(name, sizeof(name), "policies/%u.tmp", i % 10);
        write_file(name, "");
        drop(name);
    }
    write_file("policies/a.yaml", POD("y") "# of another size\n");
    write_file("policies/b.yaml", POD("z"));
    buf_clear(&record.lines);
    loop_timer_set(deadline, DEADLINE_NS);
    while (!strstr(buf_text(&record.lines), "put b.yaml Pod default/z") ||
           !strstr(buf_text(&record.lines), "put a.yaml Pod default/y"))
        ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines), "drop Pod default/x"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("source_directory");
    TCase *t = tcase_create("source_directory");

    tcase_set_timeout(t,
                      60); /* filling the kernel's queue of events takes long on a busy machine */
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, what_is_there_is_told_first);
    tcase_add_test(t, an_empty_folder_is_synced_at_once);
    tcase_add_test(t, a_file_that_is_written_changed_and_removed_is_told);
    tcase_add_test(t, a_replacement_by_rename_is_one_change);
    tcase_add_test(t, a_file_moved_to_another_name_keeps_its_object_in_force);
    tcase_add_test(t, while_a_writer_is_at_it_the_earlier_content_counts);
    tcase_add_test(t, a_new_file_is_read_when_its_writer_closes_it);
    tcase_add_test(t, an_unnamed_file_linked_into_place_is_read);
    tcase_add_test(t, a_hard_link_is_read_at_once);
    tcase_add_test(t, folders_come_move_and_go_with_their_files);
    tcase_add_test(t, a_config_map_mount_is_switched_by_one_rename);
    tcase_add_test(t, a_file_behind_a_link_is_watched_where_it_is);
    tcase_add_test(t, a_link_back_to_its_own_folder_ends_there);
    tcase_add_test(t, a_wrong_file_keeps_what_was_in_force);
    tcase_add_test(t, what_is_no_regular_file_is_a_finding);
    tcase_add_test(t, a_file_that_is_too_large_is_a_finding);
    tcase_add_test(t, a_folder_that_lies_too_deep_is_a_finding);
    tcase_add_test(t, a_root_that_vanishes_keeps_its_objects_and_may_come_back);
    tcase_add_test(t, a_root_that_is_missing_is_read_when_it_appears);
    tcase_add_test(t, a_root_that_is_a_link_can_be_switched);
    tcase_add_test(t, what_may_not_be_read_keeps_what_was_in_force);
    tcase_add_test(t, lost_events_make_everything_be_looked_at);
    suite_add_tcase(s, t);
    return s;
}
