/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The options of get, describe and wait: those that reach a manager, and those of the output. */
#include "ctl/connection.h"
#include "proto/messages.h"

enum status_output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME };

struct status_options {
    struct connection_options connection;
    const char *name_space; /* "" : all */
    enum status_output output;
    bool watch, headings, help;
    const char *condition;  /* of wait; NULL if not given */
    const char *category;   /* of built-in rules; NULL if not given */
    char *const *arguments; /* what is no option */
    int n_arguments;
};

/* The options' lines of --help. */
extern const char status_options_help[];

/* The options that not every command takes. */
enum status_option_bit {
    STATUS_TAKES_OUTPUT = 1,
    STATUS_TAKES_WATCH = 2,
    STATUS_TAKES_CONDITION = 4,
    STATUS_TAKES_CATEGORY = 8
};

/* Parses argv[1..]; borrows from it. taken is a set of enum status_option_bit: the other options of
 * these are refused. 0, or -EINVAL after having written on stderr what is wrong. */
int status_options_parse(struct status_options *ret, unsigned taken, int argc, char **argv);

/* "policies", "policy", "vpol", "nodes"...; STATUS_NONE if it is no resource. */
enum status_resource status_resource_parse(const char *word);
/* The method of StatusService that lists a resource; static. */
const char *status_resource_method(enum status_resource resource);
/* The words for messages: "policies, profiles, nodes, bindings"; get takes "rules" too. */
extern const char status_resource_words[];
