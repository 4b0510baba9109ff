/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The commands of varmorctl: one row each in ctl/command.c, which is all that --help, `help`, the
 * completion scripts and the dispatch know. A command parses its own options.
 */
#include "lib/base.h"

/* Exit statuses of varmorctl itself; a command says in its --help what else it returns. */
enum { EXIT_USAGE = 2, EXIT_INTERNAL = 4 };

struct command {
    const char *name;
    const char *summary; /* one line of --help */
    const char *words;   /* for completion: its options and fixed words, between blanks */
    bool takes_files;    /* for completion: other arguments are paths */
    bool takes_rules;    /* for completion: after "rule" or "rules" come names of built-in rules */
    bool takes_fields;   /* for completion: the first argument may be the path of a field */
    /* argv[0] is "varmorctl NAME", for messages; the result is the exit status. */
    int (*run)(int argc, char **argv);
};

extern const struct command commands[];
extern const size_t n_commands;

const struct command *command_find(const char *name); /* NULL: there is none */

/* varmorctl completion SHELL (ctl/completion.c). */
int completion_run(int argc, char **argv);
