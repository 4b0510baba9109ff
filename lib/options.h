/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Options of a program: one table gives the parser, --help and --print-config.
 *
 * A program has one struct of settings. Its table names for each option the field (offsetof), the
 * type, the default, the range and the help. options_parse() fills the struct once, in main; from
 * then on it is const. Every value is checked whole: an unknown option, a number with a tail, a
 * word that is not in the list, an argument that no option takes end the parse with one message
 * that says which. The options --help, --version and --print-config belong to every table and are
 * not listed in it.
 *
 *     static const struct option_spec specs[] = {
 *         {.name = "listen", .type = OPTION_LIST, .field = offsetof(struct config, listen),
 *          .value = "ADDRESS", .default_text = "unix:/run/x.sock", .help = "where to listen"},
 *     };
 */
#include "lib/buf.h"
#include "lib/error.h"

enum option_type {
    OPTION_NONE,
    OPTION_FLAG,   /* bool: --x, --x=true, --x=false */
    OPTION_TEXT,   /* char *: owned by the struct; NULL where there is no default */
    OPTION_LIST,   /* struct option_list: each use adds one; the default is for none */
    OPTION_NUMBER, /* int64_t: decimal, min to max */
    OPTION_WORD,   /* unsigned: index of the word in words */
    OPTION_MODE,   /* unsigned: permission bits in octal, 0 to 777 */
};

#define OPTION_LIST_MAX 64 /* uses of one OPTION_LIST */

struct option_list {
    char **items; /* owned */
    size_t n;
};

struct option_spec {
    const char *name; /* without dashes */
    enum option_type type;
    size_t field;             /* offset in the struct of settings */
    const char *value;        /* how --help calls the value: "DIR"; NULL for flags and words */
    const char *default_text; /* as a user would write it; NULL: none ("", 0, false) */
    int64_t min, max;         /* OPTION_NUMBER */
    const char *unit;         /* OPTION_NUMBER, for --help: "ms"; may be NULL */
    const char *const *words; /* OPTION_WORD, ends with NULL */
    const char *help;
};

/* What the command line asks for: positive results of options_parse(). */
enum options_outcome { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_PRINT_CONFIG };

/*
 * Sets every field of settings (which must be zeroed) to its default and then to what argv[1] on
 * says. A bare argument is an error. Returns an enum options_outcome, -EINVAL with *reterr, or
 * -ENOMEM. Give the settings back with options_done() whatever the result.
 */
int options_parse(const struct option_spec *specs, size_t n_specs, void *settings, int argc,
                  char *const *argv, struct error **reterr);
void options_done(const struct option_spec *specs, size_t n_specs, void *settings);

/* Append the text of --help ("usage: program [OPTION...]", summary, one paragraph an option) or of
 * --print-config ("name = value" a line, one line a list item). 0, -E2BIG or -ENOMEM. */
int options_format_help(const struct option_spec *specs, size_t n_specs, const char *program,
                        const char *summary, struct buf *out) MUST_CHECK;
int options_format_config(const struct option_spec *specs, size_t n_specs, const void *settings,
                          struct buf *out) MUST_CHECK;
