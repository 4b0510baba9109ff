/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "lib/metrics.h"

#define TAIL                                                                                       \
    "# HELP varmor_metrics_left_out Series and updates of a metric that found no room.\n"          \
    "# TYPE varmor_metrics_left_out gauge\n"

static struct metrics *metrics;

static void set_up(void)
{
    metrics = metrics_new();
    ck_assert_ptr_nonnull(metrics);
}

static void tear_down(void)
{
    metrics = metrics_free(metrics);
    ck_assert_ptr_null(metrics);
}

static struct metric *added(const struct metric_spec *spec)
{
    struct metric *f = NULL;

    ck_assert_int_eq(metrics_add(metrics, &f, spec), 0);
    return f;
}

static void assert_text(const char *wanted)
{
    CLEANUP_BUF struct buf text = BUF_INIT(65536);

    ck_assert_int_eq(metrics_format(metrics, &text), 0);
    ck_assert_str_eq(buf_text(&text), wanted);
}

START_TEST(families_stand_in_the_order_in_which_they_were_added)
{
    struct metric *b = added(
        &(struct metric_spec){"b_total", "What b counts.", METRIC_COUNTER, {NULL}, 1, NULL, 0});
    struct metric *a = added(&(struct metric_spec){
        "a", "Back\\slash,\n\"new\" line.", METRIC_GAUGE, {"x", "y"}, 2, NULL, 0});

    metric_add(b, NULL, 1);
    metric_add(b, NULL, 2);
    metric_set(a, (const char *const[]){"1", "2"}, -0.25);
    metric_set(a, (const char *const[]){"1", NULL}, 7);
    assert_text("# HELP b_total What b counts.\n# TYPE b_total counter\nb_total 3\n"
                "# HELP a Back\\\\slash,\\n\"new\" line.\n# TYPE a gauge\n"
                "a{x=\"1\",y=\"2\"} -0.25\na{x=\"1\",y=\"\"} 7\n" TAIL);
}
END_TEST

START_TEST(a_histogram_is_cumulative_and_ends_at_infinity)
{
    static const double bounds[] = {0.1, 1, 2.5};
    static const double values[] = {0.1, 0.11, 2, 100};
    struct metric *h =
        added(&(struct metric_spec){"h", "H.", METRIC_HISTOGRAM, {"k"}, 1, bounds, 3});
    struct metric *bare =
        added(&(struct metric_spec){"bare", "B.", METRIC_HISTOGRAM, {NULL}, 1, bounds, 1});

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        metric_observe(h, (const char *const[]){"v"}, values[i]);
    metric_observe(bare, NULL, 0.05);
    assert_text(
        "# HELP h H.\n# TYPE h histogram\n"
        "h_bucket{k=\"v\",le=\"0.1\"} 1\nh_bucket{k=\"v\",le=\"1\"} 2\n"
        "h_bucket{k=\"v\",le=\"2.5\"} 3\nh_bucket{k=\"v\",le=\"+Inf\"} 4\n"
        "h_sum{k=\"v\"} 102.21\nh_count{k=\"v\"} 4\n"
        "# HELP bare B.\n# TYPE bare histogram\n"
        "bare_bucket{le=\"0.1\"} 1\nbare_bucket{le=\"+Inf\"} 1\nbare_sum 0.05\nbare_count 1\n" TAIL);
}
END_TEST

START_TEST(numbers_are_written_as_prometheus_reads_them)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},
                {-3, "-3"},
                {1.5, "1.5"},
                {1e14, "100000000000000"},
                {1764067695.125, "1764067695.125"},
                {1e300, "1e+300"},
                {INFINITY, "+Inf"},
                {-INFINITY, "-Inf"},
                {NAN, "NaN"}};
    struct metric *g = added(&(struct metric_spec){"g", "G.", METRIC_GAUGE, {NULL}, 1, NULL, 0});

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_BUF struct buf wanted = BUF_INIT(1024);

        metric_set(g, NULL, rows[i].value);
        ck_assert_int_eq(
            buf_format(&wanted, "# HELP g G.\n# TYPE g gauge\ng %s\n" TAIL, rows[i].text), 0);
        assert_text(buf_text(&wanted));
    }
}
END_TEST

START_TEST(what_a_label_says_cannot_break_the_text)
{
    static const struct {
        const char *value, *text;
    } rows[] = {{"plain", "plain"},     {"a\"b", "a\\\"b"},       {"a\\b", "a\\\\b"},
                {"a\nb 1", "a\\nb 1"},  {"\xc3\xa9", "\xc3\xa9"}, {"a\xff\xc3", "a??"},
                {"\xed\xa0\x80", "???"}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_BUF struct buf wanted = BUF_INIT(1024);
        struct metric *g;

        metrics_free(metrics);
        set_up();
        g = added(&(struct metric_spec){"g", "G.", METRIC_GAUGE, {"l"}, 1, NULL, 0});
        metric_set(g, &rows[i].value, 1);
        ck_assert_int_eq(
            buf_format(&wanted, "# HELP g G.\n# TYPE g gauge\ng{l=\"%s\"} 1\n" TAIL, rows[i].text),
            0);
        assert_text(buf_text(&wanted));
    }
}
END_TEST

/* A series of a value of so many bytes, whose last characters have two bytes each. */
static size_t written_len(size_t len)
{
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    CLEANUP_FREE char *value = calloc(1, len + 1);
    struct metric *g;
    const char *start;

    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < len; i++)
        value[i] = (len - i) % 2 ? '\xa9' : '\xc3';
    if (len % 2)
        value[0] = 'x';
    metrics_free(metrics);
    set_up();
    g = added(&(struct metric_spec){"g", "G.", METRIC_GAUGE, {"l"}, 1, NULL, 0});
    metric_set(g, (const char *const[]){value}, 1);
    ck_assert_int_eq(metrics_format(metrics, &text), 0);
    ck_assert_ptr_null(strchr(buf_text(&text), '?'));
    start = strstr(buf_text(&text), "l=\"");
    ck_assert_ptr_nonnull(start);
    return strcspn(start + 3, "\"");
}

START_TEST(a_long_label_is_cut_between_two_characters)
{
    ck_assert_uint_eq(written_len(METRIC_LABEL_MAX), METRIC_LABEL_MAX);
    ck_assert_uint_eq(written_len(METRIC_LABEL_MAX + 1), METRIC_LABEL_MAX - 1);
    ck_assert_uint_eq(written_len(4 * (size_t)METRIC_LABEL_MAX), METRIC_LABEL_MAX);
}
END_TEST

START_TEST(series_beyond_the_ceiling_are_counted_and_the_others_go_on)
{
    struct metric *c =
        added(&(struct metric_spec){"c_total", "C.", METRIC_COUNTER, {"l"}, 2, NULL, 0});

    for (unsigned i = 0; i < 2; i++) {
        metric_add(c, (const char *const[]){"a"}, 1);
        metric_add(c, (const char *const[]){"b"}, 1);
        metric_add(c, (const char *const[]){"c"}, 1);
    }
    metric_left_out(c, 5);
    assert_text(
        "# HELP c_total C.\n# TYPE c_total counter\nc_total{l=\"a\"} 2\nc_total{l=\"b\"} 2\n" TAIL
        "varmor_metrics_left_out{metric=\"c_total\"} 7\n");
    metric_drop(c, (const char *const[]){"a"});
    metric_drop(c, (const char *const[]){"unknown"});
    metric_add(c, (const char *const[]){"c"}, 1);
    assert_text(
        "# HELP c_total C.\n# TYPE c_total counter\nc_total{l=\"b\"} 2\nc_total{l=\"c\"} 1\n" TAIL
        "varmor_metrics_left_out{metric=\"c_total\"} 7\n");
    metric_clear(c);
    assert_text("# HELP c_total C.\n# TYPE c_total counter\n" TAIL);
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_refused)
{
    CLEANUP_BUF struct buf text = BUF_INIT(sizeof(TAIL) - 2);
    CLEANUP_BUF struct buf enough = BUF_INIT(sizeof(TAIL) - 1);

    ck_assert_int_eq(metrics_format(metrics, &text), -E2BIG);
    ck_assert_int_eq(metrics_format(metrics, &enough), 0);
}
END_TEST

START_TEST(each_type_has_the_name_of_the_format)
{
    ck_assert_str_eq(metric_type_name(METRIC_COUNTER), "counter");
    ck_assert_str_eq(metric_type_name(METRIC_GAUGE), "gauge");
    ck_assert_str_eq(metric_type_name(METRIC_HISTOGRAM), "histogram");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, families_stand_in_the_order_in_which_they_were_added);
    tcase_add_test(tests, a_histogram_is_cumulative_and_ends_at_infinity);
    tcase_add_test(tests, numbers_are_written_as_prometheus_reads_them);
    tcase_add_test(tests, what_a_label_says_cannot_break_the_text);
    tcase_add_test(tests, a_long_label_is_cut_between_two_characters);
    tcase_add_test(tests, series_beyond_the_ceiling_are_counted_and_the_others_go_on);
    tcase_add_test(tests, a_text_that_does_not_fit_is_refused);
    tcase_add_test(tests, each_type_has_the_name_of_the_format);
    suite_add_tcase(suite, tests);
    return suite;
}
