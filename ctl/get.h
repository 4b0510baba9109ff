/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* varmorctl get, describe and wait: what the manager knows, for people and for scripts. */

enum { GET_EXIT_FAILURE = 1 }; /* and EXIT_USAGE of ctl/command.h */

/* argv[0] is the command's name; the result is the exit status. */
int get_run(int argc, char **argv);
int describe_run(int argc, char **argv);
int wait_run(int argc, char **argv);
