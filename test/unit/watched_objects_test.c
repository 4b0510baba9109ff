/* SPDX-License-Identifier: Apache-2.0 */
/* The objects are those that a real API server has encoded (test/cluster/record_objects). */
#include "test/unit/unit.h"

#include <string.h>

#include "manager/watched_objects.h"
#include "manager/watched_problems.h"
#include "test/unit/source_record.h"

#define RECORDED_MAX 8192

static struct source_record record;
static struct watched_objects objects;
static uint8_t bytes[RECORDED_MAX]; /* the kind, then the message */
static size_t n_bytes;

static void set_up(void)
{
    record = SOURCE_RECORD_INIT;
    objects = (struct watched_objects){
        .kind = OBJECT_POD, .file = "pods", .handler = &source_record_handler, .data = &record};
}

static void tear_down(void)
{
    watched_objects_done(&objects);
    buf_done(&record.lines);
}

static void record_read(const char *name)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "test/fuzz/corpus/kubernetes_fuzz/%s", name);
    file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    n_bytes = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
}

static bool put_bytes(const char *problem)
{
    CLEANUP(error_free) struct error *e = NULL;
    bool told = watched_objects_put(&objects, bytes + 1, n_bytes - 1, &e);

    ck_assert_msg(!e == !problem, "%s", error_message(e));
    if (problem)
        ck_assert_str_eq(error_message(e), problem);
    return told;
}

static void told(const char *lines)
{
    ck_assert_str_eq(buf_text(&record.lines), lines);
    buf_clear(&record.lines);
}

/* Changes each place of the message where from stands: values are told in managedFields and annotations too. */
static void change(const char *from, const char *to)
{
    uint8_t *at = memmem(bytes + 1, n_bytes - 1, from, strlen(from));

    ck_assert_ptr_nonnull(at);
    for (; at; at = memmem(at, (size_t)(bytes + n_bytes - at), from, strlen(from)))
        memcpy(at, to, strlen(from));
}

START_TEST(an_object_is_put_once_and_dropped)
{
    record_read("ordinary_pod");
    ck_assert(put_bytes(NULL));
    told("put pods Pod shop/web-1\n");
    ck_assert(!put_bytes(NULL));
    told("");
    ck_assert(!watched_objects_drop(&objects, "shop/web-2"));
    ck_assert(!watched_objects_drop(&objects, "web-1"));
    ck_assert(watched_objects_drop(&objects, "shop/web-1"));
    told("drop Pod shop/web-1\n");
    ck_assert_uint_eq(objects.table.n, 0);
}
END_TEST

START_TEST(only_a_change_of_what_is_read_is_told)
{
    static const struct {
        const char *from, *to;
        bool told;
    } cases[] = {
        {"registry.example/c:1", "registry.example/c:2", false}, /* the image */
        {"5d4f8c7b9", "5d4f8c7b8", true},                        /* a label's value */
        {"fd00::1", "fd00::2", true},                            /* an address */
        {"Running", "Pending", false},
    };

    record_read("ordinary_pod");
    put_bytes(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        buf_clear(&record.lines);
        change(cases[i].from, cases[i].to);
        ck_assert_int_eq(put_bytes(NULL), cases[i].told);
        told(cases[i].told ? "put pods Pod shop/web-1\n" : "");
    }
}
END_TEST

START_TEST(a_broken_object_leaves_what_was_known)
{
    record_read("ordinary_pod");
    put_bytes(NULL);
    buf_clear(&record.lines);
    change("fd00::1", "fd00::x");
    ck_assert(!put_bytes("status.podIPs: 'fd00::x' is not an IP address"));
    told("");
    ck_assert_uint_eq(objects.table.n, 1);
    ck_assert_uint_eq(object_table_find(&objects.table, "shop", "web-1")->manifest->n_addresses, 2);
}
END_TEST

START_TEST(objects_without_a_namespace_are_dropped_by_name)
{
    objects.kind = OBJECT_NAMESPACE;
    record_read("namespace");
    put_bytes(NULL);
    ck_assert(watched_objects_drop(&objects, "shop"));
    told("put pods Namespace /shop\ndrop Namespace /shop\n");
}
END_TEST

/* ---- Problems ---- */

static struct watched_problems problems;

static void problems_are(const char *text)
{
    CLEANUP_BUF struct buf lines = BUF_INIT(1 << 20);
    struct findings findings = {0};

    watched_problems_tell(&problems, &findings);
    for (size_t i = 0; i < findings.n; i++)
        ck_assert_int_eq(buf_format(&lines, "%s\n", findings.items[i].message), 0);
    ck_assert_str_eq(buf_text(&lines), text);
    findings_done(&findings);
}

START_TEST(problems_are_told_until_they_are_gone)
{
    ck_assert_int_eq(watched_problems_init(&problems), 0);
    ck_assert(!problems.changed);
    watched_problems_drop(&problems, "a/x");
    watched_problems_set_trouble(&problems, NULL);
    ck_assert(!problems.changed);
    watched_problems_set_trouble(&problems, "forbidden");
    watched_problems_put(&problems, "a/x", "broken");
    ck_assert(problems.changed);
    problems_are("forbidden\n'a/x': broken\n");
    ck_assert(!problems.changed);
    watched_problems_set_trouble(&problems, "forbidden");
    watched_problems_put(&problems, "a/x", "broken");
    ck_assert(!problems.changed);
    watched_problems_set_trouble(&problems, NULL);
    problems_are("'a/x': broken\n");
    watched_problems_drop(&problems, "a/x");
    ck_assert(problems.changed);
    problems_are("");
    watched_problems_done(&problems);
}
END_TEST

START_TEST(problems_beyond_the_ceiling_are_counted)
{
    char key[16];
    struct findings findings = {0};

    ck_assert_int_eq(watched_problems_init(&problems), 0);
    for (int i = 0; i < WATCHED_PROBLEMS_MAX + 2; i++) {
        snprintf(key, sizeof(key), "a/%d", i);
        watched_problems_put(&problems, key, "broken");
    }
    watched_problems_tell(&problems, &findings);
    ck_assert_uint_eq(findings.n, WATCHED_PROBLEMS_MAX + 1);
    ck_assert_str_eq(findings.items[WATCHED_PROBLEMS_MAX].message, "and 2 more objects");
    findings_done(&findings);
    for (int i = 0; i < WATCHED_PROBLEMS_MAX; i++) {
        snprintf(key, sizeof(key), "a/%d", i);
        watched_problems_drop(&problems, key);
    }
    problems_are("");
    watched_problems_done(&problems);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("watched_objects");
    TCase *t = tcase_create("watched_objects");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_object_is_put_once_and_dropped);
    tcase_add_test(t, only_a_change_of_what_is_read_is_told);
    tcase_add_test(t, a_broken_object_leaves_what_was_known);
    tcase_add_test(t, objects_without_a_namespace_are_dropped_by_name);
    tcase_add_test(t, problems_are_told_until_they_are_gone);
    tcase_add_test(t, problems_beyond_the_ceiling_are_counted);
    suite_add_tcase(s, t);
    return s;
}
