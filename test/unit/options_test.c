/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/options.h"

struct settings {
    bool fast;
    char *folder, *note;
    struct option_list listen;
    int64_t wait_ms;
    unsigned level;
    unsigned mode;
};

static const char *const level_words[] = {"error", "warning", "info", NULL};

static const struct option_spec specs[] = {
    {.name = "fast",
     .type = OPTION_FLAG,
     .field = offsetof(struct settings, fast),
     .help = "hurry"},
    {.name = "folder",
     .type = OPTION_TEXT,
     .field = offsetof(struct settings, folder),
     .value = "DIR",
     .default_text = "/etc/x",
     .help = "where the files are"},
    {.name = "note",
     .type = OPTION_TEXT,
     .field = offsetof(struct settings, note),
     .value = "TEXT",
     .help = "anything"},
    {.name = "listen",
     .type = OPTION_LIST,
     .field = offsetof(struct settings, listen),
     .value = "ADDRESS",
     .default_text = "unix:/x",
     .help = "where to listen; may be repeated"},
    {.name = "wait",
     .type = OPTION_NUMBER,
     .field = offsetof(struct settings, wait_ms),
     .value = "N",
     .default_text = "50",
     .min = 1,
     .max = 1000,
     .unit = "ms",
     .help = "how long to wait"},
    {.name = "level",
     .type = OPTION_WORD,
     .field = offsetof(struct settings, level),
     .default_text = "info",
     .words = level_words,
     .help = "what to log"},
    {.name = "mode",
     .type = OPTION_MODE,
     .field = offsetof(struct settings, mode),
     .value = "MODE",
     .default_text = "0660",
     .help = "permission bits"},
};

static int parse(struct settings *s, struct error **reterr, int argc, const char *const *argv)
{
    return options_parse(specs, ARRAY_SIZE(specs), s, argc, (char *const *)argv, reterr);
}

START_TEST(every_option_has_its_default)
{
    const char *const argv[] = {"x"};
    struct settings s = {0};

    ck_assert_int_eq(parse(&s, NULL, 1, argv), OPTIONS_RUN);
    ck_assert(!s.fast);
    ck_assert_str_eq(s.folder, "/etc/x");
    ck_assert_ptr_null(s.note);
    ck_assert_uint_eq(s.listen.n, 1);
    ck_assert_str_eq(s.listen.items[0], "unix:/x");
    ck_assert_int_eq(s.wait_ms, 50);
    ck_assert_uint_eq(s.level, 2);
    ck_assert_uint_eq(s.mode, 0660);
    options_done(specs, ARRAY_SIZE(specs), &s);
}
END_TEST

START_TEST(what_the_command_line_says_counts)
{
    const char *const argv[] = {
        "x",        "--fast",     "--folder=/a", "--folder",    "/b",
        "--listen", "tcp://[::]", "--listen=",   "--wait",      "1000",
        "--level",  "error",      "--note=a=b",  "--fast=true", "--mode=600"};
    struct settings s = {0};

    ck_assert_int_eq(parse(&s, NULL, ARRAY_SIZE(argv), argv), OPTIONS_RUN);
    ck_assert(s.fast);
    ck_assert_str_eq(s.folder, "/b");
    ck_assert_uint_eq(s.listen.n, 2);
    ck_assert_str_eq(s.listen.items[0], "tcp://[::]");
    ck_assert_str_eq(s.listen.items[1], "");
    ck_assert_int_eq(s.wait_ms, 1000);
    ck_assert_uint_eq(s.level, 0);
    ck_assert_str_eq(s.note, "a=b");
    ck_assert_uint_eq(s.mode, 0600);
    options_done(specs, ARRAY_SIZE(specs), &s);
}
END_TEST

static const struct {
    const char *argument, *message;
} bad_arguments[] = {
    {"--fats", "unknown option '--fats'; see --help"},
    {"--wai=5", "unknown option '--wai=5'; see --help"},
    {"folder", "'folder' is not an option; see --help"},
    {"--", "'--' is not an option; see --help"},
    {"-h", "'-h' is not an option; see --help"},
    {"--folder", "--folder needs a value; see --help"},
    {"--fast=yes", "--fast: 'yes' is neither true nor false"},
    {"--wait=0", "--wait: '0' is not a number of 1 to 1000"},
    {"--wait=1001", "--wait: '1001' is not a number of 1 to 1000"},
    {"--wait=5ms", "--wait: '5ms' is not a number of 1 to 1000"},
    {"--wait= 5", "--wait: ' 5' is not a number of 1 to 1000"},
    {"--wait=", "--wait: '' is not a number of 1 to 1000"},
    {"--wait=99999999999999999999", "--wait: '99999999999999999999' is not a number of 1 to 1000"},
    {"--level=inf", "--level: 'inf' is none of error, warning, info"},
    {"--mode=", "--mode: '' is not an octal number of 0 to 777"},
    {"--mode=8", "--mode: '8' is not an octal number of 0 to 777"},
    {"--mode=1000", "--mode: '1000' is not an octal number of 0 to 777"},
    {"--mode=00777", "--mode: '00777' is not an octal number of 0 to 777"},
    {"--help=x", "unknown option '--help=x'; see --help"},
};

START_TEST(a_bad_argument_is_named_with_what_is_allowed)
{
    const char *const argv[] = {"x", bad_arguments[_i].argument};
    CLEANUP(error_free) struct error *e = NULL;
    struct settings s = {0};

    ck_assert_int_eq(parse(&s, &e, 2, argv), -EINVAL);
    ck_assert_str_eq(error_message(e), bad_arguments[_i].message);
    options_done(specs, ARRAY_SIZE(specs), &s);
}
END_TEST

START_TEST(a_list_has_a_ceiling)
{
    const char *argv[OPTION_LIST_MAX + 2] = {"x"};
    CLEANUP(error_free) struct error *e = NULL;
    struct settings s = {0};

    for (size_t i = 1; i < ARRAY_SIZE(argv); i++)
        argv[i] = "--listen=a";
    ck_assert_int_eq(parse(&s, NULL, OPTION_LIST_MAX + 1, argv), OPTIONS_RUN);
    options_done(specs, ARRAY_SIZE(specs), &s);
    ck_assert_int_eq(parse(&s, &e, OPTION_LIST_MAX + 2, argv), -EINVAL);
    ck_assert_str_eq(error_message(e), "--listen may be given 64 times at most");
    options_done(specs, ARRAY_SIZE(specs), &s);
}
END_TEST

START_TEST(help_version_and_print_config_are_outcomes)
{
    const char *const help[] = {"x", "--help"}, *const version[] = {"x", "--version"},
                      *const print[] = {"x", "--wait=7", "--print-config"};
    CLEANUP_BUF struct buf text = BUF_INIT(4096);
    struct settings s = {0};

    ck_assert_int_eq(parse(&s, NULL, 2, help), OPTIONS_HELP);
    ck_assert_int_eq(options_format_help(specs, ARRAY_SIZE(specs), "x", "Does x.", &text), 0);
    ck_assert_str_eq(
        buf_text(&text),
        "usage: x [OPTION...]\n\nDoes x.\n\n"
        "  --fast                  hurry\n"
        "  --folder DIR            where the files are [/etc/x]\n"
        "  --note TEXT             anything\n"
        "  --listen ADDRESS        where to listen; may be repeated [unix:/x]\n"
        "  --wait N                how long to wait (1 to 1000 ms) [50]\n"
        "  --level error|warning|info\n"
        "                          what to log [info]\n"
        "  --mode MODE             permission bits [0660]\n"
        "  --help                  print this text and end\n"
        "  --version               print the version and end\n"
        "  --print-config          print the settings as they would be used and end\n");
    options_done(specs, ARRAY_SIZE(specs), &s);
    ck_assert_int_eq(parse(&s, NULL, 2, version), OPTIONS_VERSION);
    options_done(specs, ARRAY_SIZE(specs), &s);
    ck_assert_int_eq(parse(&s, NULL, 3, print), OPTIONS_PRINT_CONFIG);
    buf_clear(&text);
    ck_assert_int_eq(options_format_config(specs, ARRAY_SIZE(specs), &s, &text), 0);
    ck_assert_str_eq(buf_text(&text), "fast = false\nfolder = /etc/x\nnote = \nlisten = unix:/x\n"
                                      "wait = 7\nlevel = info\nmode = 0660\n");
    options_done(specs, ARRAY_SIZE(specs), &s);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *s = suite_create("options");
    TCase *t = tcase_create("options");

    tcase_add_test(t, every_option_has_its_default);
    tcase_add_test(t, what_the_command_line_says_counts);
    tcase_add_loop_test(t, a_bad_argument_is_named_with_what_is_allowed, 0,
                        ARRAY_SIZE(bad_arguments));
    tcase_add_test(t, a_list_has_a_ceiling);
    tcase_add_test(t, help_version_and_print_config_are_outcomes);
    suite_add_tcase(s, t);
    return s;
}
