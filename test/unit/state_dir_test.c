/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/state_dir.h"
#include "proto/profile_codec.h"

/* A new folder of each test, and the state folder in it. */
static char folder[] = "/tmp/state_dir_test.XXXXXX";
static char path[PATH_MAX];

static void make_folder(void)
{
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a/b", folder);
}

static void remove_folder(void)
{
    char command[PATH_MAX + 16];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct profile *make_profile(const char *name, int priority)
{
    struct profile *p = profile_new();

    p->name = strdup(name);
    p->name_space = strdup("shop");
    p->policy_kind = strdup("VarmorPolicy");
    p->policy_namespace = strdup("shop");
    p->policy_name = strdup("web");
    p->enforcers = ENFORCER_BPF;
    p->priority = priority;
    ck_assert_ptr_nonnull(profile_add_target(p, TARGET_POD));
    ck_assert_int_eq(profile_seal(p, NULL), 0);
    return p;
}

static struct state_dir *open_dir(void)
{
    struct state_dir *d = NULL;

    ck_assert_int_eq(state_dir_new(&d, path, NULL), 0);
    return d;
}

/* What a load told. */
struct loaded {
    char text[512]; /* "name:priority[*for staged] ..." */
    unsigned n_troubles;
    char trouble[512];
};

static void on_found(struct profile *p, bool staged, void *data)
{
    struct loaded *l = data;
    size_t len = strlen(l->text);

    snprintf(l->text + len, sizeof(l->text) - len, "%s:%d%s ", p->name, p->priority,
             staged ? "*" : "");
}

static void on_trouble(const char *message, void *data)
{
    struct loaded *l = data;

    l->n_troubles++;
    snprintf(l->trouble, sizeof(l->trouble), "%s", message);
}

static struct loaded load(struct state_dir *d)
{
    struct loaded l = {0};
    const struct state_dir_visitor visitor = {.found = on_found, .trouble = on_trouble, .data = &l};

    ck_assert_int_eq(state_dir_load(d, &visitor, NULL), 0);
    return l;
}

static void write_file(const char *name, const void *data, size_t len)
{
    char full[PATH_MAX + 64];
    FILE *f;

    snprintf(full, sizeof(full), "%s/%s", path, name);
    f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    fclose(f);
}

START_TEST(a_version_is_staged_and_then_published)
{
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();
    CLEANUP(profile_unref) struct profile *one = make_profile("p", 1);
    CLEANUP(profile_unref) struct profile *two = make_profile("p", 2);

    ck_assert_int_eq(state_dir_stage(d, one, NULL), 0);
    ck_assert_str_eq(load(d).text, "p:1* ");
    ck_assert_int_eq(state_dir_publish(d, "p", NULL), 0);
    ck_assert_str_eq(load(d).text, "p:1 ");
    ck_assert_int_eq(state_dir_stage(d, two, NULL), 0);
    ck_assert_str_eq(load(d).text, "p:1 p:2* ");
    ck_assert_int_eq(state_dir_unstage(d, "p", NULL), 0);
    ck_assert_str_eq(load(d).text, "p:1 ");
    ck_assert_int_eq(state_dir_stage(d, two, NULL), 0);
    ck_assert_int_eq(state_dir_publish(d, "p", NULL), 0);
    ck_assert_str_eq(load(d).text, "p:2 ");
    ck_assert_int_eq(state_dir_drop(d, "p", NULL), 0);
    ck_assert_int_eq(state_dir_drop(d, "p", NULL), 0);
    ck_assert_str_eq(load(d).text, "");
}
END_TEST

START_TEST(only_root_reads_the_files)
{
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();
    CLEANUP(profile_unref) struct profile *p = make_profile("p", 1);
    char full[PATH_MAX + 64];
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(state_dir_stage(d, p, NULL), 0);
    ck_assert_int_eq(state_dir_publish(d, "p", NULL), 0);
    snprintf(full, sizeof(full), "%s/p.profile", path);
    ck_assert_int_eq(stat(full, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_file_of_no_use_is_told_once_and_removed)
{
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();
    CLEANUP(profile_unref) struct profile *p = make_profile("p", 1);
    CLEANUP_BUF struct buf encoded = BUF_INIT(1 << 20);
    char full[PATH_MAX + 64];
    struct loaded l;

    ck_assert_int_eq(profile_encode(p, &encoded), 0);
    snprintf(full, sizeof(full), "%s/link.profile", path);
    for (int kind = 0; kind < 5; kind++) {
        switch (kind) {
        case 0:
            write_file("p.profile", "junk", 4);
            break;
        case 1: /* cut by a crash */
            write_file("p.profile", encoded.data, encoded.len - 1);
            break;
        case 2:
            write_file("p.profile", "", 0);
            break;
        case 3: /* another profile's name */
            write_file("q.profile", encoded.data, encoded.len);
            break;
        case 4:
            ck_assert_int_eq(symlink("/etc/passwd", full), 0);
            break;
        }
        l = load(d);
        ck_assert_msg(l.n_troubles == 1 && !l.text[0], "kind %d: %u troubles, found '%s'", kind,
                      l.n_troubles, l.text);
        ck_assert_ptr_nonnull(strstr(l.trouble, path));
        ck_assert_uint_eq(load(d).n_troubles, 0);
    }
}
END_TEST

START_TEST(a_changed_byte_is_noticed)
{
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();
    CLEANUP(profile_unref) struct profile *p = make_profile("p", 1);
    CLEANUP_BUF struct buf encoded = BUF_INIT(1 << 20);

    ck_assert_int_eq(profile_encode(p, &encoded), 0);
    for (size_t i = 0; i < encoded.len; i++) {
        encoded.data[i] ^= 1;
        write_file("p.profile", encoded.data, encoded.len);
        encoded.data[i] ^= 1;
        ck_assert_msg(load(d).n_troubles == 1, "byte %zu", i);
    }
    write_file("p.profile", encoded.data, encoded.len);
    ck_assert_str_eq(load(d).text, "p:1 ");
}
END_TEST

START_TEST(a_name_never_leaves_the_folder)
{
    static const char *const names[] = {"", ".", "..", "../x", "a/b", ".hidden", "/etc/x"};
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP(error_free) struct error *problem = NULL;
        CLEANUP(profile_unref) struct profile *p = profile_new();

        p->name = strdup(names[i]);
        ck_assert_int_eq(state_dir_stage(d, p, &problem), -EINVAL);
        ck_assert_int_eq(state_dir_publish(d, names[i], NULL), -EINVAL);
        ck_assert_int_eq(state_dir_drop(d, names[i], NULL), -EINVAL);
    }
}
END_TEST

START_TEST(files_of_others_are_left_alone)
{
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();
    struct loaded l;

    write_file("notes.txt", "x", 1);
    write_file(".profile", "x", 1); /* a suffix without a name */
    l = load(d);
    ck_assert_uint_eq(l.n_troubles, 0);
    ck_assert_str_eq(l.text, "");
}
END_TEST

START_TEST(bindings_are_replaced_whole)
{
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();
    CLEANUP_BUF struct buf text = BUF_INIT(64), read = BUF_INIT(64), small = BUF_INIT(4);

    ck_assert_int_eq(state_dir_load_note(d, STATE_NOTE_BINDINGS, &read, NULL), 0); /* none yet */
    ck_assert_uint_eq(read.len, 0);
    ck_assert_int_eq(buf_add_text(&text, "1f 5 1 p\n20 6 0 p\n"), 0);
    ck_assert_int_eq(state_dir_save_note(d, STATE_NOTE_BINDINGS, &text, NULL), 0);
    buf_clear(&text);
    ck_assert_int_eq(buf_add_text(&text, "1f 5 1 p\n"), 0);
    ck_assert_int_eq(state_dir_save_note(d, STATE_NOTE_BINDINGS, &text, NULL), 0);
    ck_assert_int_eq(state_dir_load_note(d, STATE_NOTE_BINDINGS, &read, NULL), 0);
    ck_assert_str_eq(buf_text(&read), "1f 5 1 p\n");
    ck_assert_int_eq(state_dir_load_note(d, STATE_NOTE_BINDINGS, &small, NULL), -E2BIG);
    ck_assert_str_eq(load(d).text, "");
}
END_TEST

#define TOLD_SIZE (2 * PATH_MAX)

static void on_told(const char *what, void *data)
{
    size_t len = strlen(data);

    snprintf((char *)data + len, TOLD_SIZE - len, "%s;", what);
}

START_TEST(removal_says_what_it_removed)
{
    CLEANUP(state_dir_free) struct state_dir *d = open_dir();
    CLEANUP(profile_unref) struct profile *p = make_profile("p", 1);
    char told[TOLD_SIZE] = "", wanted[3 * PATH_MAX];

    ck_assert_int_eq(state_dir_stage(d, p, NULL), 0);
    ck_assert_int_eq(state_dir_publish(d, "p", NULL), 0);
    ck_assert_int_eq(state_dir_remove(path, on_told, told, NULL), 0);
    snprintf(wanted, sizeof(wanted), "file %s/p.profile;folder %s;", path, path);
    ck_assert_str_eq(told, wanted);
    told[0] = '\0';
    ck_assert_int_eq(state_dir_remove(path, on_told, told, NULL), 0);
    ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(a_relative_path_is_refused)
{
    CLEANUP(error_free) struct error *problem = NULL;
    struct state_dir *d = NULL;

    ck_assert_int_eq(state_dir_new(&d, "a/b", &problem), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error_message(problem), "'a/b' is not an absolute path"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("state_dir");
    TCase *t = tcase_create("state_dir");

    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, a_version_is_staged_and_then_published);
    tcase_add_test(t, only_root_reads_the_files);
    tcase_add_test(t, a_file_of_no_use_is_told_once_and_removed);
    tcase_add_test(t, a_changed_byte_is_noticed);
    tcase_add_test(t, a_name_never_leaves_the_folder);
    tcase_add_test(t, files_of_others_are_left_alone);
    tcase_add_test(t, bindings_are_replaced_whole);
    tcase_add_test(t, removal_says_what_it_removed);
    tcase_add_test(t, a_relative_path_is_refused);
    suite_add_tcase(s, t);
    return s;
}
