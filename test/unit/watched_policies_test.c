/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/map.h"
#include "manager/kube_policy.h"
#include "manager/watched_policies.h"
#include "test/unit/source_record.h"

static struct source_record record;
static struct watched_policies *policies;

/* Each version of an object adds a line too. */
static void on_seen(const char *key, const struct kube_policy *p, const uint8_t *json UNUSED,
                    size_t len, void *data)
{
    struct source_record *rec = data;

    ck_assert_uint_gt(len, 0);
    ck_assert_int_eq(buf_format(&rec->lines, "seen %s %s %d%s%s\n", key, p->resource_version,
                                (int)p->generation, p->refused ? " refused" : "",
                                p->waiting ? " waiting" : ""),
                     0);
}

static void on_gone(const char *key, const struct kube_policy *p, void *data)
{
    struct source_record *rec = data;

    ck_assert(strstr(key, p->name) != NULL);
    ck_assert_int_eq(buf_format(&rec->lines, "gone %s\n", key), 0);
}

static const struct watched_policies_handler handler = {.seen = on_seen, .gone = on_gone};

static void set_up(void)
{
    record = SOURCE_RECORD_INIT;
    policies = watched_policies_new(&source_record_handler, &record, &handler, &record);
    ck_assert_ptr_nonnull(policies);
}

static void tear_down(void)
{
    watched_policies_free(policies);
    buf_done(&record.lines);
}

/* An object as the API server writes it. */
struct text {
    const char *uid, *version;
    int generation;
    const char *labels; /* NULL: {} */
    const char *policy; /* spec.policy; NULL: ordinary */
};

#define ORDINARY "{\"enforcer\":\"BPF\",\"mode\":\"AlwaysAllow\"}"
#define PEERS(rules)                                                                               \
    "{\"enforcer\":\"BPF\",\"mode\":\"EnhanceProtect\",\"enhanceProtect\":{\"bpfRawRules\":{"      \
    "\"network\":{\"egress\":{" rules "}}}}}"
#define TO_SERVICES PEERS("\"toServices\":[{\"namespace\":\"a\",\"name\":\"s\"}]")
#define TO_PODS     PEERS("\"toPods\":[{\"podSelector\":{}}]")

static int put_named(const char *key, const struct text *t, struct error **reterr)
{
    CLEANUP_BUF struct buf json = BUF_INIT(1 << 16);
    const char *slash = strchr(key, '/');

    ck_assert_int_eq(
        buf_format(&json,
                   "{\"apiVersion\":\"crd.varmor.org/v1beta1\",\"kind\":\"%s\",\"metadata\":{"
                   "\"name\":\"%s\",%s%.*s%s\"uid\":\"%s\",\"resourceVersion\":\"%s\","
                   "\"generation\":%d,\"labels\":%s,\"managedFields\":[{\"manager\":\"kubectl\"}]},"
                   "\"spec\":{\"target\":{\"kind\":\"Pod\",\"name\":\"x\"},\"policy\":%s},"
                   "\"status\":{\"ready\":false,\"profileName\":\"\"}}",
                   slash ? "VarmorPolicy" : "VarmorClusterPolicy", slash ? slash + 1 : key,
                   slash ? "\"namespace\":\"" : "", slash ? (int)(slash - key) : 0, key,
                   slash ? "\"," : "", t->uid, t->version, t->generation,
                   t->labels ? t->labels : "{}", t->policy ? t->policy : ORDINARY),
        0);
    return watched_policies_put(policies, !slash, key, json.data, json.len, reterr);
}

static void put(const char *key, struct text t)
{
    CLEANUP(error_free) struct error *e = NULL;

    ck_assert_msg(put_named(key, &t, &e) == 0, "%s", error_message(e));
}

/* Tells what waits, and compares all that was told since the last time. */
static void told_with(unsigned lists, const char *lines)
{
    watched_policies_tell(policies, lists);
    ck_assert_str_eq(buf_text(&record.lines), lines);
    buf_clear(&record.lines);
}

static void told(const char *lines)
{
    told_with(0, lines);
}

START_TEST(a_policy_is_put_changed_and_dropped)
{
    put("shop/web", (struct text){"u1", "10", 1, NULL, NULL});
    put("base", (struct text){"u2", "11", 1, NULL, NULL});
    told("file varmorpolicy shop/web (1 in force)\n"
         "seen VarmorPolicy/shop/web 10 1 waiting\n"
         "file varmorclusterpolicy base (1 in force)\n"
         "seen VarmorClusterPolicy//base 11 1 waiting\n"
         "put varmorpolicy shop/web VarmorPolicy shop/web\n"
         "put varmorclusterpolicy base VarmorClusterPolicy /base\n");
    ck_assert_uint_eq(watched_policies_count(policies, false), 1);
    ck_assert_uint_eq(watched_policies_count(policies, true), 1);
    put("shop/web", (struct text){"u1", "12", 2, NULL, NULL});
    told("file varmorpolicy shop/web (1 in force)\n"
         "seen VarmorPolicy/shop/web 12 2 waiting\n"
         "put varmorpolicy shop/web VarmorPolicy shop/web\n");
    ck_assert(watched_policies_drop(policies, false, "shop/web"));
    ck_assert(!watched_policies_drop(policies, false, "shop/web"));
    ck_assert(!watched_policies_drop(policies, false, "base"));
    told("drop VarmorPolicy shop/web\n"
         "file varmorpolicy shop/web (0 in force)\n"
         "gone VarmorPolicy/shop/web\n");
    ck_assert_uint_eq(watched_policies_count(policies, false), 0);
}
END_TEST

START_TEST(a_change_of_status_is_seen_and_not_put)
{
    put("shop/web", (struct text){"u1", "10", 1, NULL, NULL});
    watched_policies_tell(policies, 0);
    buf_clear(&record.lines);
    put("shop/web", (struct text){"u1", "11", 1, NULL, NULL});
    told("file varmorpolicy shop/web (1 in force)\nseen VarmorPolicy/shop/web 11 1\n");
    put("shop/web", (struct text){"u1", "12", 1, "{\"team\":\"a\"}", NULL});
    told("file varmorpolicy shop/web (1 in force)\n"
         "seen VarmorPolicy/shop/web 12 1 waiting\n"
         "put varmorpolicy shop/web VarmorPolicy shop/web\n");
}
END_TEST

START_TEST(a_text_that_is_refused_leaves_the_one_before_in_force)
{
    put("shop/web", (struct text){"u1", "10", 1, NULL, NULL});
    watched_policies_tell(policies, 0);
    buf_clear(&record.lines);
    put("shop/web",
        (struct text){"u1", "11", 2, NULL, "{\"enforcer\":\"x\",\"mode\":\"AlwaysAllow\"}"});
    watched_policies_tell(policies, 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines),
                                 "file varmorpolicy shop/web (1 in force) spec.policy.enforcer: "));
    ck_assert_ptr_nonnull(
        strstr(buf_text(&record.lines), "seen VarmorPolicy/shop/web 11 2 refused\n"));
    ck_assert_ptr_null(strstr(buf_text(&record.lines), "put "));
    buf_clear(&record.lines);
    put("shop/web", (struct text){"u1", "12", 3, NULL, NULL});
    told("file varmorpolicy shop/web (1 in force)\n"
         "seen VarmorPolicy/shop/web 12 3 waiting\n"
         "put varmorpolicy shop/web VarmorPolicy shop/web\n");
}
END_TEST

START_TEST(a_policy_that_was_made_again_is_another_one)
{
    put("shop/web", (struct text){"u1", "10", 1, NULL, NULL});
    watched_policies_tell(policies, 0);
    buf_clear(&record.lines);
    put("shop/web", (struct text){"u2", "20", 1, NULL, NULL});
    told("drop VarmorPolicy shop/web\n"
         "file varmorpolicy shop/web (1 in force)\n"
         "seen VarmorPolicy/shop/web 20 1 waiting\n"
         "put varmorpolicy shop/web VarmorPolicy shop/web\n");
    put("shop/web", (struct text){"u3", "30", 1, NULL, "{\"enforcer\":1}"});
    watched_policies_tell(policies, 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&record.lines), "drop VarmorPolicy shop/web\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_text(&record.lines), "file varmorpolicy shop/web (0 in force) spec.policy"));
}
END_TEST

START_TEST(a_policy_waits_for_the_lists_that_it_needs_and_no_other_with_it)
{
    static const struct {
        const char *policy;
        unsigned needs;
    } cases[] = {
        {ORDINARY, 0},
        {TO_SERVICES, WATCHED_NEEDS_SERVICES},
        {TO_PODS, WATCHED_NEEDS_SERVICES | WATCHED_NEEDS_PODS},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        put("shop/web", (struct text){"u1", "1", (int)i + 1, NULL, cases[i].policy});
        ck_assert_uint_eq(watched_policies_needs(policies), cases[i].needs);
        buf_clear(&record.lines);
        if (cases[i].needs)
            told_with(WATCHED_NEEDS_PODS, "");
        told_with(cases[i].needs, "put varmorpolicy shop/web VarmorPolicy shop/web\n");
        told_with(cases[i].needs, "");
    }
    put("shop/other", (struct text){"u2", "2", 1, NULL, NULL});
    put("shop/web", (struct text){"u1", "3", 4, NULL, TO_PODS});
    buf_clear(&record.lines);
    told_with(WATCHED_NEEDS_SERVICES, "put varmorpolicy shop/other VarmorPolicy shop/other\n");
    /* A text that no longer needs them ends the waiting; one that is dropped leaves nothing. */
    put("shop/web", (struct text){"u1", "4", 5, NULL, NULL});
    buf_clear(&record.lines);
    told("put varmorpolicy shop/web VarmorPolicy shop/web\n");
    put("shop/web", (struct text){"u1", "5", 6, NULL, TO_PODS});
    buf_clear(&record.lines);
    ck_assert(watched_policies_drop(policies, false, "shop/web"));
    told_with(WATCHED_NEEDS_PODS | WATCHED_NEEDS_SERVICES,
              "drop VarmorPolicy shop/web\n"
              "file varmorpolicy shop/web (0 in force)\n"
              "gone VarmorPolicy/shop/web\n");
}
END_TEST

START_TEST(a_text_that_is_no_object_is_refused_and_changes_nothing)
{
    static const struct {
        const char *json, *problem;
    } cases[] = {
        {"{", "the API server's text is no JSON: "},
        {"[]", "the API server's object has no metadata.uid or no resourceVersion"},
        {"{\"metadata\":{\"uid\":\"u1\"}}",
         "the API server's object has no metadata.uid or no resourceVersion"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(error_free) struct error *e = NULL;

        ck_assert_int_eq(watched_policies_put(policies, false, "shop/web",
                                              (const uint8_t *)cases[i].json, strlen(cases[i].json),
                                              &e),
                         -EBADMSG);
        ck_assert_msg(strncmp(error_message(e), cases[i].problem, strlen(cases[i].problem)) == 0,
                      "%s", error_message(e));
        told("");
    }
}
END_TEST

START_TEST(an_object_of_another_name_is_not_taken_for_the_policy)
{
    CLEANUP(error_free) struct error *e = NULL;
    static const char json[] =
        "{\"apiVersion\":\"crd.varmor.org/v1beta1\",\"kind\":\"VarmorPolicy\",\"metadata\":{"
        "\"name\":\"other\",\"namespace\":\"shop\",\"uid\":\"u\",\"resourceVersion\":\"1\"},"
        "\"spec\":{\"target\":{\"kind\":\"Pod\",\"name\":\"x\"},\"policy\":" ORDINARY "}}";

    ck_assert_int_eq(watched_policies_put(policies, false, "shop/web", (const uint8_t *)json,
                                          sizeof(json) - 1, &e),
                     0);
    told("file varmorpolicy shop/web (0 in force) the API server sent another object\n"
         "seen VarmorPolicy/shop/web 1 0 refused\n");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("watched_policies");
    TCase *t = tcase_create("watched_policies");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_policy_is_put_changed_and_dropped);
    tcase_add_test(t, a_change_of_status_is_seen_and_not_put);
    tcase_add_test(t, a_text_that_is_refused_leaves_the_one_before_in_force);
    tcase_add_test(t, a_policy_that_was_made_again_is_another_one);
    tcase_add_test(t, a_policy_waits_for_the_lists_that_it_needs_and_no_other_with_it);
    tcase_add_test(t, a_text_that_is_no_object_is_refused_and_changes_nothing);
    tcase_add_test(t, an_object_of_another_name_is_not_taken_for_the_policy);
    suite_add_tcase(s, t);
    return s;
}
