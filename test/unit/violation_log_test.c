/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "agent/container.h"
#include "agent/violation.h"
#include "agent/violation_log.h"
#include "lib/profile.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char base[64], path[128];

static void setup(void)
{
    setenv("TZ", "Asia/Shanghai", 1);
    snprintf(base, sizeof(base), "/tmp/violation-log-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(base));
    snprintf(path, sizeof(path), "%s/varmor/violations.log", base);
}

static void teardown(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", base);
    ck_assert_int_eq(system(command), 0);
}

static struct violation_log *open_log(const char *metadata, uint64_t max_bytes)
{
    struct violation_log_settings settings = {
        .path = path,
        .node_name = "n37",
        .metadata = metadata,
        .max_bytes = max_bytes,
    };
    struct violation_log *log = NULL;
    struct error *e = NULL;
    int r = violation_log_new(&log, &settings, &e);

    ck_assert_msg(r == 0, "%s", error_message(e));
    return log;
}

static struct violation sample(void)
{
    return (struct violation){
        .enforcer = "BPF",
        .action = VIOLATION_DENIED,
        .time_ns = 1749047303999999999ULL,
        .pid = 2798766,
        .mnt_ns = 4026533660,
        .profile_name = "varmor-demo-demo-2",
        .rule = "bpfRawRules.files[0]",
        .rule_number = 4,
        .event_json = "{\"operation\":\"File\"}",
    };
}

/* The text of the file; the caller frees it. */
static char *text_of(const char *name)
{
    FILE *f = fopen(name, "re");
    char *text = calloc(1, 256 * 1024);

    ck_assert_msg(f != NULL, "%s: %s", name, strerror(errno));
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_gt(fread(text, 1, 256 * 1024 - 1, f) + 1, 0);
    fclose(f);
    return text;
}

static size_t n_lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void set_text(char **member, const char *text)
{
    free(*member);
    *member = strdup(text);
}

START_TEST(a_line_has_its_members_in_the_order_of_the_format)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_log("{\"clusterID\": \"ID\"}", 0);
    CLEANUP(container_free) struct container *c = container_new();
    CLEANUP(profile_unref) struct profile *p = profile_new();
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();
    static const char front[] =
        "{\"level\":\"warn\",\"metadata\":{\"clusterID\":\"ID\"},\"nodeName\":\"n37\",\"podUID\":\"uid\","
        "\"podName\":\"demo-2-x\",\"podNamespace\":\"demo\",\"containerID\":\"298c\",\"containerName\":"
        "\"c1\",\"image\":\"debian:12\",\"pid\":2798766,\"mntNsID\":4026533660,\"eventTimestamp\":"
        "1749047303,\"eventType\":\"BPF\",\"enforcer\":\"BPF\",\"action\":\"DENIED\",\"profileName\":"
        "\"varmor-demo-demo-2\",\"policyKind\":\"VarmorPolicy\",\"policyName\":\"demo-2\","
        "\"policyNamespace\":\"demo\",\"event\":{\"operation\":\"File\"},\"time\":\"20";
    static const char back[] =
        "+08:00\",\"message\":\"violation event\",\"seq\":1,\"rule\":\"bpfRawRules.files[0]\","
        "\"eventNanoseconds\":999999999}\n";

    set_text(&c->pod_uid, "uid");
    set_text(&c->pod_name, "demo-2-x");
    set_text(&c->pod_namespace, "demo");
    set_text(&c->id, "298c");
    set_text(&c->name, "c1");
    set_text(&c->image, "debian:12");
    set_text(&p->policy_kind, "VarmorPolicy");
    set_text(&p->policy_name, "demo-2");
    set_text(&p->policy_namespace, "demo");
    v.container = c;
    ck_assert_int_eq(violation_log_write(log, &v, p), 0);
    text = text_of(path);
    ck_assert_int_eq(strncmp(text, front, strlen(front)), 0);
    ck_assert_uint_eq(strlen(text), strlen(front) + strlen("25-06-04T22:28:24") + strlen(back));
    ck_assert_str_eq(text + strlen(text) - strlen(back), back);
    ck_assert_uint_eq(violation_log_n_written(log), 1);
}
END_TEST

START_TEST(an_audited_event_of_nobody_known_is_still_a_line)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_log(NULL, 0);
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();
    json_t *json;

    setenv("TZ", "UTC", 1);
    v.action = VIOLATION_AUDITED;
    v.profile_name = "";
    v.rule = "a \"quoted\"\nrule";
    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    text = text_of(path);
    ck_assert_uint_eq(n_lines(text), 1);
    json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "level")), "debug");
    ck_assert_str_eq(json_string_value(json_object_get(json, "action")), "AUDIT");
    ck_assert_str_eq(json_string_value(json_object_get(json, "podName")), "");
    ck_assert_str_eq(json_string_value(json_object_get(json, "policyKind")), "");
    ck_assert_str_eq(json_string_value(json_object_get(json, "rule")), "a \"quoted\"\nrule");
    ck_assert_uint_eq(json_object_size(json_object_get(json, "metadata")), 0);
    ck_assert_ptr_null(json_object_get(json, "lost"));
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json, "time")), "Z"));
    json_decref(json);
}
END_TEST

static const struct {
    const char *metadata, *told;
    const char *problem; /* NULL: none */
} metadata_cases[] = {
    {"", "{\"varmorNamespace\":\"varmor\"}", NULL},
    {"{}", "{\"varmorNamespace\":\"varmor\"}", NULL},
    {"{\"clusterID\":\"ID\",\"n\":1}",
     "{\"clusterID\":\"ID\",\"n\":1,\"varmorNamespace\":\"varmor\"}", NULL},
    {"{\"n\": 1, \"deep\": {\"a\": [true]}}",
     "{\"n\":1,\"deep\":{\"a\":[true]},\"varmorNamespace\":\"varmor\"}", NULL},
    {"[1]", NULL, "the metadata of violations is not a JSON object"},
    {"{\"a\":", NULL, "the metadata of violations is not JSON (column 5)"},
    {"{\"a\":1,\"a\":2}", NULL, "the metadata of violations is not JSON (column 10): duplicate"},
    {"x", NULL, "the metadata of violations is not JSON (column 1)"},
};

START_TEST(metadata_is_a_json_object_or_left_out_with_the_reason)
{
    struct violation_log_settings settings = {
        .path = path,
        .node_name = "n",
        .metadata = metadata_cases[_i].metadata,
        .install_namespace = "varmor",
    };
    CLEANUP(violation_log_free) struct violation_log *log = NULL;
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();

    ck_assert_int_eq(violation_log_new(&log, &settings, NULL), 0);
    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    text = text_of(path);
    if (metadata_cases[_i].problem) {
        ck_assert_ptr_nonnull(strstr(violation_log_problem(log), metadata_cases[_i].problem));
        ck_assert_ptr_null(strstr(text, "metadata"));
        return;
    }
    ck_assert_ptr_null(violation_log_problem(log));
    ck_assert_ptr_nonnull(strstr(text, "\"metadata\":"));
    ck_assert_int_eq(strncmp(strstr(text, "\"metadata\":") + strlen("\"metadata\":"),
                             metadata_cases[_i].told, strlen(metadata_cases[_i].told)),
                     0);
}
END_TEST

START_TEST(metadata_at_its_limit_is_taken_and_one_byte_more_is_left_out)
{
    char text[VIOLATION_METADATA_MAX + 2];
    struct violation_log_settings settings = {.path = path, .node_name = "n", .metadata = text};

    memset(text, ' ', sizeof(text));
    memcpy(text, "{}", 2);
    for (int over = 0; over < 2; over++) {
        CLEANUP(violation_log_free) struct violation_log *log = NULL;

        text[VIOLATION_METADATA_MAX + over] = '\0';
        ck_assert_int_eq(violation_log_new(&log, &settings, NULL), 0);
        ck_assert_int_eq(violation_log_problem(log) != NULL, over);
        text[VIOLATION_METADATA_MAX + over] = ' ';
    }
}
END_TEST

/* Each action with what the log calls it. */
static const struct {
    enum violation_action action;
    const char *members;
} action_cases[] = {
    {VIOLATION_DENIED, "{\"level\":\"warn\",\"DENIED\""},
    {VIOLATION_AUDITED, "{\"level\":\"debug\",\"AUDIT\""},
    {VIOLATION_ALLOWED, "{\"level\":\"debug\",\"ALLOWED\""},
    {VIOLATION_AUDITED_OR_ALLOWED, "{\"level\":\"debug\",\"AUDIT|ALLOWED\""},
};

START_TEST(an_action_has_its_word_and_level)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_log(NULL, 0);
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();
    char got[128];
    json_t *json;

    v.action = action_cases[_i].action;
    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    text = text_of(path);
    json = json_loads(text, 0, NULL);
    snprintf(got, sizeof(got), "{\"level\":\"%s\",\"%s\"",
             json_string_value(json_object_get(json, "level")),
             json_string_value(json_object_get(json, "action")));
    ck_assert_str_eq(got, action_cases[_i].members);
    json_decref(json);
}
END_TEST

/* ---- folding ---- */

static struct violation_log *open_folding_log(void)
{
    struct violation_log_settings settings = {
        .path = path, .node_name = "n", .fold_ns = 3600 * NS_PER_SEC};
    struct violation_log *log = NULL;

    ck_assert_int_eq(violation_log_new(&log, &settings, NULL), 0);
    return log;
}

/* The sum of what all lines stand for. */
static uint64_t n_events(const char *text)
{
    uint64_t n = 0;

    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        json_t *json = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
        json_t *count = json_object_get(json, "count");

        ck_assert(json_is_object(json));
        n += count ? (uint64_t)json_integer_value(count) : 1;
        json_decref(json);
    }
    return n;
}

START_TEST(equal_events_become_one_line_with_their_number)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_folding_log();
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();

    ck_assert_uint_eq(violation_log_deadline_ns(log), UINT64_MAX);
    for (int i = 0; i < 100; i++) {
        v.pid = 1000 + i; /* another process that does the same */
        v.lost = i == 50 ? 7 : 0;
        ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    }
    ck_assert_uint_eq(violation_log_n_written(log), 1);
    ck_assert_uint_lt(violation_log_deadline_ns(log), UINT64_MAX);
    ck_assert_int_eq(violation_log_flush(log, violation_log_deadline_ns(log) - 1), 0);
    ck_assert_uint_eq(violation_log_n_written(log), 1);
    ck_assert_int_eq(violation_log_flush(log, violation_log_deadline_ns(log)), 0);
    text = text_of(path);
    ck_assert_uint_eq(n_lines(text), 2);
    ck_assert_uint_eq(n_events(text), 100);
    ck_assert_ptr_nonnull(strstr(text, "\"pid\":1099,"));
    ck_assert_ptr_nonnull(strstr(text, "\"lost\":7,\"count\":99}\n"));
    ck_assert_uint_eq(violation_log_deadline_ns(log), UINT64_MAX);
}
END_TEST

START_TEST(events_that_differ_in_anything_but_their_record_are_not_folded)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_folding_log();
    CLEANUP(container_free) struct container *c = container_new();
    struct violation v = sample();

    v.event_kind = "{\"x\":1}";
    violation_log_write(log, &v, NULL);
    v.event_json = "{\"x\":1,\"auditID\":\"1.1:2\"}"; /* the same */
    violation_log_write(log, &v, NULL);
    ck_assert_uint_eq(violation_log_n_written(log), 1);
    v.event_kind = "{\"x\":2}";
    violation_log_write(log, &v, NULL);
    v.action = VIOLATION_AUDITED;
    violation_log_write(log, &v, NULL);
    v.rule = "another";
    violation_log_write(log, &v, NULL);
    v.profile_name = "another";
    violation_log_write(log, &v, NULL);
    set_text(&c->id, "another");
    v.container = c;
    violation_log_write(log, &v, NULL);
    v.enforcer = "AppArmor";
    violation_log_write(log, &v, NULL);
    ck_assert_uint_eq(violation_log_n_written(log), 7);
}
END_TEST

START_TEST(what_is_held_is_written_before_the_end)
{
    struct violation_log *log = open_folding_log();
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();

    for (int i = 0; i < 3; i++)
        violation_log_write(log, &v, NULL);
    violation_log_free(log);
    text = text_of(path);
    ck_assert_uint_eq(n_events(text), 3);
}
END_TEST

START_TEST(more_kinds_than_are_remembered_are_written_each)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_folding_log();
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();

    for (int i = 0; i < 1000; i++) {
        char kind[32];

        snprintf(kind, sizeof(kind), "{\"n\":%d}", i % 100);
        v.event_kind = kind;
        ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    }
    ck_assert_int_eq(violation_log_flush(log, UINT64_MAX), 0);
    text = text_of(path);
    ck_assert_uint_eq(n_events(text), 1000);
    ck_assert_uint_eq(n_lines(text), 64 + 64 + 36 * 10);
}
END_TEST

START_TEST(a_log_is_continued_after_a_restart)
{
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();
    struct stat st;

    for (int i = 0; i < 2; i++) {
        CLEANUP(violation_log_free) struct violation_log *log = open_log(NULL, 0);

        ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    }
    text = text_of(path);
    ck_assert_uint_eq(n_lines(text), 2);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* The names in the folder that are not the log's own, sorted; at most 8. */
static int rotated(char names[8][NAME_MAX + 1])
{
    char folder[128];
    struct dirent **entries;
    int n, kept = 0;

    snprintf(folder, sizeof(folder), "%s/varmor", base);
    n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (strncmp(entries[i]->d_name, "violations-", 11) == 0 && kept < 8)
            snprintf(names[kept++], NAME_MAX + 1, "%s", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return kept;
}

START_TEST(a_full_log_is_rotated_and_three_are_kept)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_log(NULL, 1500);
    char names[8][NAME_MAX + 1], other[192];
    struct violation v = sample();
    struct stat st;

    /* what is not a rotated log is left alone, whatever it looks like */
    snprintf(other, sizeof(other), "%s/varmor/violations-2000-01-01T00-00-00.000.log.gz", base);
    fclose(fopen(other, "we"));
    ck_assert_int_eq(chmod(path, 0640), 0);
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    ck_assert_int_eq(rotated(names), 4);
    ck_assert_str_eq(names[0], "violations-2000-01-01T00-00-00.000.log.gz");
    for (int i = 1; i < 4; i++) {
        char name[PATH_MAX];
        CLEANUP_FREE char *text = NULL;

        ck_assert_uint_eq(strlen(names[i]), strlen("violations-2006-01-02T15-04-05.000.log"));
        snprintf(name, sizeof(name), "%s/varmor/%s", base, names[i]);
        text = text_of(name);
        ck_assert_uint_ge(n_lines(text), 1);
        ck_assert_uint_le(strlen(text), 1500);
    }
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_le((uint64_t)st.st_size, 1500);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    ck_assert_uint_eq(violation_log_n_written(log), 40);
}
END_TEST

START_TEST(a_file_that_was_moved_away_is_made_anew)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_log(NULL, 0);
    CLEANUP_FREE char *old = NULL, *new = NULL;
    struct violation v = sample();
    char moved[160];

    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    snprintf(moved, sizeof(moved), "%s.1", path);
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    old = text_of(moved);
    new = text_of(path);
    ck_assert_uint_eq(n_lines(old), 1);
    ck_assert_uint_eq(n_lines(new), 1);
}
END_TEST

START_TEST(an_event_that_does_not_fit_on_the_disk_is_counted_in_the_next_line)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_log(NULL, 0);
    struct rlimit full = {.rlim_max = RLIM_INFINITY}, before;
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();
    struct stat st;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    full.rlim_cur = (rlim_t)st.st_size + 10;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    v.lost = 5;
    ck_assert_int_lt(violation_log_write(log, &v, NULL), 0); /* half of it fits */
    v.lost = 0;
    full.rlim_cur = 1;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    ck_assert_int_lt(violation_log_write(log, &v, NULL), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_uint_eq(violation_log_n_lost(log), 7);
    v.lost = 2;
    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    text = text_of(path);
    ck_assert_uint_eq(n_lines(text), 2);
    ck_assert_ptr_nonnull(
        strstr(text, "\"seq\":2,\"rule\":\"bpfRawRules.files[0]\",\"eventNanoseconds\":999999999,"
                     "\"lost\":9}\n"));
}
END_TEST

START_TEST(an_event_found_afterwards_is_told_as_late)
{
    CLEANUP(violation_log_free) struct violation_log *log = open_log(NULL, 0);
    CLEANUP_FREE char *text = NULL;
    struct violation v = sample();

    v.late = true;
    v.lost = 3;
    ck_assert_int_eq(violation_log_write(log, &v, NULL), 0);
    text = text_of(path);
    ck_assert_ptr_nonnull(
        strstr(text, "\"eventNanoseconds\":999999999,\"late\":true,\"lost\":3}\n"));
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_is_an_error_with_its_name)
{
    static const char *const paths[] = {"violations.log", "/proc/nope/violations.log", "/dev/null"};
    static const int codes[] = {-ENAMETOOLONG, -ENOENT, -EINVAL};
    struct violation_log_settings settings = {.path = paths[_i], .node_name = "n"};
    CLEANUP(error_free) struct error *e = NULL;
    struct violation_log *log = NULL;

    ck_assert_int_eq(violation_log_new(&log, &settings, &e), codes[_i]);
    ck_assert_ptr_nonnull(strstr(error_message(e), _i == 1 ? "/proc/nope" : paths[_i]));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("violation_log");
    TCase *t = tcase_create("violation_log");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_line_has_its_members_in_the_order_of_the_format);
    tcase_add_test(t, an_audited_event_of_nobody_known_is_still_a_line);
    tcase_add_loop_test(t, metadata_is_a_json_object_or_left_out_with_the_reason, 0,
                        (int)ARRAY_SIZE(metadata_cases));
    tcase_add_loop_test(t, an_action_has_its_word_and_level, 0, (int)ARRAY_SIZE(action_cases));
    tcase_add_test(t, equal_events_become_one_line_with_their_number);
    tcase_add_test(t, events_that_differ_in_anything_but_their_record_are_not_folded);
    tcase_add_test(t, what_is_held_is_written_before_the_end);
    tcase_add_test(t, more_kinds_than_are_remembered_are_written_each);
    tcase_add_test(t, metadata_at_its_limit_is_taken_and_one_byte_more_is_left_out);
    tcase_add_test(t, a_log_is_continued_after_a_restart);
    tcase_add_test(t, a_full_log_is_rotated_and_three_are_kept);
    tcase_add_test(t, a_file_that_was_moved_away_is_made_anew);
    tcase_add_test(t, an_event_that_does_not_fit_on_the_disk_is_counted_in_the_next_line);
    tcase_add_test(t, an_event_found_afterwards_is_told_as_late);
    tcase_add_loop_test(t, a_path_that_cannot_be_opened_is_an_error_with_its_name, 0, 3);
    suite_add_tcase(s, t);
    return s;
}
