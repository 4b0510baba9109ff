/* SPDX-License-Identifier: Apache-2.0 */
/* varmorctl: for people and for CI. Finds the command, runs it, and makes sure that its output was
 * written. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "lib/error.h"
#include "lib/policy/words.h"

#define PROGRAM_NAME_SIZE 64 /* of "varmorctl NAME" */

static void print_help(FILE *out)
{
    fprintf(out, "Usage: varmorctl COMMAND [ARGUMENT...]\n"
                 "\n"
                 "Looks after varmor, which hardens containers.\n"
                 "\n"
                 "Commands:\n");
    for (size_t i = 0; i < n_commands; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fprintf(out,
            "  %-12s %s\n"
            "\n"
            "  -h, --help     this text; `varmorctl COMMAND --help` explains a command\n"
            "  -V, --version  the version\n",
            "help", "explain a command");
}

static int unknown_command(const char *name)
{
    const char *nearest = words_nearest(name, &commands[0].name, n_commands, sizeof(commands[0]));

    fprintf(stderr, "varmorctl: '%s' is not a command", error_quote(name));
    if (nearest)
        fprintf(stderr, "; did you mean '%s'?\n", nearest);
    else
        fprintf(stderr, ": see varmorctl --help\n");
    return EXIT_USAGE;
}

static int run_command(const char *name, int argc, char **argv)
{
    const struct command *command = command_find(name);
    char program[PROGRAM_NAME_SIZE];

    if (!command)
        return unknown_command(name);
    snprintf(program, sizeof(program), "varmorctl %s", name);
    argv[0] = program;
    return command->run(argc, argv);
}

/* help [COMMAND]: what --help says. */
static int run_help(int argc, char **argv)
{
    char option[] = "--help";
    char *help[] = {NULL, option, NULL};

    if (argc > 2) {
        fprintf(stderr, "varmorctl: help takes at most one command\n");
        return EXIT_USAGE;
    }
    if (argc == 2 && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0)
        return run_command(argv[1], 2, help);
    print_help(stdout);
    return 0;
}

static int run(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;

    if (!first) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        printf("varmorctl %s\n", VARMOR_VERSION);
        return 0;
    }
    if (strcmp(first, "help") == 0)
        return run_help(argc - 1, argv + 1);
    return run_command(first, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);

    if (fflush(stdout) == EOF || ferror(stdout)) {
        fprintf(stderr, "varmorctl: standard output: %s\n", strerror(errno));
        return EXIT_INTERNAL;
    }
    return status;
}
