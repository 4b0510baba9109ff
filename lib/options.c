/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 26 /* where the help text of an option begins */

static const struct option_spec options_standard[] = {
    {.name = "help", .help = "print this text and end"},
    {.name = "version", .help = "print the version and end"},
    {.name = "print-config", .help = "print the settings as they would be used and end"},
};

static void *option_field(const struct option_spec *spec, void *settings)
{
    return (char *)settings + spec->field;
}

static const void *option_const_field(const struct option_spec *spec, const void *settings)
{
    return (const char *)settings + spec->field;
}

static void option_list_clear(struct option_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_list){0};
}

static int option_list_add(const struct option_spec *spec, struct option_list *list,
                           const char *text, struct error **reterr)
{
    char **items;

    if (list->n == OPTION_LIST_MAX)
        return error_set(reterr, -EINVAL, "--%s may be given %d times at most", spec->name,
                         OPTION_LIST_MAX);
    items = realloc(list->items, (list->n + 1) * sizeof(*items));
    if (!items)
        return error_oom(reterr);
    list->items = items;
    items[list->n] = strdup(text);
    if (!items[list->n])
        return error_oom(reterr);
    list->n++;
    return 0;
}

static int option_set_flag(const struct option_spec *spec, bool *field, const char *text,
                           struct error **reterr)
{
    if (strcmp(text, "true") == 0)
        *field = true;
    else if (strcmp(text, "false") == 0)
        *field = false;
    else
        return error_set(reterr, -EINVAL, "--%s: '%s' is neither true nor false", spec->name,
                         error_quote(text));
    return 0;
}

static int option_set_number(const struct option_spec *spec, int64_t *field, const char *text,
                             struct error **reterr)
{
    char *end = NULL;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (end == text || *end || errno || text[0] == ' ' || text[0] == '+' || number < spec->min ||
        number > spec->max)
        return error_set(reterr, -EINVAL, "--%s: '%s' is not a number of %" PRId64 " to %" PRId64,
                         spec->name, error_quote(text), spec->min, spec->max);
    *field = number;
    return 0;
}

static int option_set_word(const struct option_spec *spec, unsigned *field, const char *text,
                           struct error **reterr)
{
    CLEANUP_BUF struct buf allowed = BUF_INIT(1024);

    for (unsigned i = 0; spec->words[i]; i++) {
        if (strcmp(spec->words[i], text) == 0) {
            *field = i;
            return 0;
        }
        if (buf_format(&allowed, "%s%s", i ? ", " : "", spec->words[i]) < 0)
            return error_oom(reterr);
    }
    return error_set(reterr, -EINVAL, "--%s: '%s' is none of %s", spec->name, error_quote(text),
                     buf_text(&allowed));
}

static int option_set_mode(const struct option_spec *spec, unsigned *field, const char *text,
                           struct error **reterr)
{
    size_t len = strlen(text);

    if (len == 0 || len > 4 || strspn(text, "01234567") != len || strtoul(text, NULL, 8) > 0777)
        return error_set(reterr, -EINVAL, "--%s: '%s' is not an octal number of 0 to 777",
                         spec->name, error_quote(text));
    *field = (unsigned)strtoul(text, NULL, 8);
    return 0;
}

/* Sets the field of one option from text; lists grow by one. */
static int option_set(const struct option_spec *spec, void *settings, const char *text,
                      struct error **reterr)
{
    void *field = option_field(spec, settings);
    char *copy;

    switch (spec->type) {
    case OPTION_FLAG:
        return option_set_flag(spec, field, text, reterr);
    case OPTION_TEXT:
        copy = strdup(text);
        if (!copy)
            return error_oom(reterr);
        free(*(char **)field);
        *(char **)field = copy;
        return 0;
    case OPTION_LIST:
        return option_list_add(spec, field, text, reterr);
    case OPTION_NUMBER:
        return option_set_number(spec, field, text, reterr);
    case OPTION_WORD:
        return option_set_word(spec, field, text, reterr);
    case OPTION_MODE:
        return option_set_mode(spec, field, text, reterr);
    case OPTION_NONE:
        break;
    }
    return error_set(reterr, -EINVAL, "--%s takes no value", spec->name);
}

static int options_set_defaults(const struct option_spec *specs, size_t n_specs, void *settings,
                                bool only_empty_lists, struct error **reterr)
{
    for (size_t i = 0; i < n_specs; i++) {
        const struct option_list *list = option_field(&specs[i], settings);
        bool is_list = specs[i].type == OPTION_LIST;
        int r;

        if (!specs[i].default_text || is_list != only_empty_lists || (is_list && list->n > 0))
            continue;
        r = option_set(&specs[i], settings, specs[i].default_text, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The option whose name is the first len bytes of name. */
static const struct option_spec *options_find(const struct option_spec *specs, size_t n_specs,
                                              const char *name, size_t len)
{
    for (size_t i = 0; i < n_specs; i++)
        if (strlen(specs[i].name) == len && strncmp(specs[i].name, name, len) == 0)
            return &specs[i];
    return NULL;
}

/* Handles argv[*i], and the one behind it if it is its value. Returns as options_parse(). */
static int options_parse_one(const struct option_spec *specs, size_t n_specs, void *settings,
                             int argc, char *const *argv, int *i, struct error **reterr)
{
    const char *argument = argv[*i], *name = argument + 2, *equals;
    const struct option_spec *spec, *standard;
    size_t len;

    if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0')
        return error_set(reterr, -EINVAL, "'%s' is not an option; see --help",
                         error_quote(argument));
    equals = strchr(name, '=');
    len = equals ? (size_t)(equals - name) : strlen(name);
    standard = options_find(options_standard, ARRAY_SIZE(options_standard), name, len);
    if (standard && !equals)
        return OPTIONS_HELP + (int)(standard - options_standard);
    spec = options_find(specs, n_specs, name, len);
    if (!spec)
        return error_set(reterr, -EINVAL, "unknown option '%s'; see --help", error_quote(argument));
    if (equals)
        return option_set(spec, settings, equals + 1, reterr);
    if (spec->type == OPTION_FLAG)
        return option_set(spec, settings, "true", reterr);
    if (*i + 1 == argc)
        return error_set(reterr, -EINVAL, "--%s needs a value; see --help", spec->name);
    *i += 1;
    return option_set(spec, settings, argv[*i], reterr);
}

int options_parse(const struct option_spec *specs, size_t n_specs, void *settings, int argc,
                  char *const *argv, struct error **reterr)
{
    int outcome = OPTIONS_RUN, r;

    r = options_set_defaults(specs, n_specs, settings, false, reterr);
    if (r < 0)
        return r;
    for (int i = 1; i < argc; i++) {
        r = options_parse_one(specs, n_specs, settings, argc, argv, &i, reterr);
        if (r < 0)
            return r;
        if (outcome == OPTIONS_RUN)
            outcome = r;
    }
    r = options_set_defaults(specs, n_specs, settings, true, reterr);
    return r < 0 ? r : outcome;
}

void options_done(const struct option_spec *specs, size_t n_specs, void *settings)
{
    for (size_t i = 0; i < n_specs; i++) {
        void *field = option_field(&specs[i], settings);

        if (specs[i].type == OPTION_TEXT) {
            free(*(char **)field);
            *(char **)field = NULL;
        } else if (specs[i].type == OPTION_LIST) {
            option_list_clear(field);
        }
    }
}

/* "--name VALUE", "--level error|warning". */
static int option_format_usage(const struct option_spec *spec, struct buf *out)
{
    int r = buf_format(out, "--%s", spec->name);

    if (r == 0 && spec->type == OPTION_WORD)
        for (unsigned i = 0; r == 0 && spec->words[i]; i++)
            r = buf_format(out, "%c%s", i ? '|' : ' ', spec->words[i]);
    else if (r == 0 && spec->value)
        r = buf_format(out, " %s", spec->value);
    return r;
}

static int option_format_help(const struct option_spec *spec, struct buf *out)
{
    CLEANUP_BUF struct buf usage = BUF_INIT(1024);
    int r = option_format_usage(spec, &usage);

    if (r < 0)
        return r;
    if (usage.len + 4 <= HELP_COLUMN)
        r = buf_format(out, "  %-*s%s", HELP_COLUMN - 2, buf_text(&usage), spec->help);
    else
        r = buf_format(out, "  %s\n%*s%s", buf_text(&usage), HELP_COLUMN, "", spec->help);
    if (r == 0 && spec->type == OPTION_NUMBER)
        r = buf_format(out, " (%" PRId64 " to %" PRId64 "%s%s)", spec->min, spec->max,
                       spec->unit ? " " : "", spec->unit ? spec->unit : "");
    if (r == 0 && spec->default_text)
        r = buf_format(out, " [%s]", spec->default_text);
    return r < 0 ? r : buf_add_text(out, "\n");
}

int options_format_help(const struct option_spec *specs, size_t n_specs, const char *program,
                        const char *summary, struct buf *out)
{
    int r = buf_format(out, "usage: %s [OPTION...]\n\n%s\n\n", program, summary);

    for (size_t i = 0; r == 0 && i < n_specs; i++)
        r = option_format_help(&specs[i], out);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options_standard); i++)
        r = option_format_help(&options_standard[i], out);
    return r;
}

static int option_format_value(const struct option_spec *spec, const void *field, struct buf *out)
{
    const struct option_list *list = field;
    int r = 0;

    switch (spec->type) {
    case OPTION_FLAG:
        return buf_format(out, "%s = %s\n", spec->name, *(const bool *)field ? "true" : "false");
    case OPTION_TEXT:
        return buf_format(out, "%s = %s\n", spec->name,
                          *(char *const *)field ? *(char *const *)field : "");
    case OPTION_LIST:
        for (size_t i = 0; r == 0 && i < list->n; i++)
            r = buf_format(out, "%s = %s\n", spec->name, list->items[i]);
        return r;
    case OPTION_NUMBER:
        return buf_format(out, "%s = %" PRId64 "\n", spec->name, *(const int64_t *)field);
    case OPTION_WORD:
        return buf_format(out, "%s = %s\n", spec->name, spec->words[*(const unsigned *)field]);
    case OPTION_MODE:
        return buf_format(out, "%s = %04o\n", spec->name, *(const unsigned *)field);
    case OPTION_NONE:
        break;
    }
    return 0;
}

int options_format_config(const struct option_spec *specs, size_t n_specs, const void *settings,
                          struct buf *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n_specs; i++)
        r = option_format_value(&specs[i], option_const_field(&specs[i], settings), out);
    return r;
}
