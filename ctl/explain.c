/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/explain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/builtin_view.h"
#include "ctl/command.h"
#include "ctl/status_json.h"

#define EXPLAIN_MAX (4u << 20) /* bytes about one rule */

static const char explain_help[] =
    "Usage: varmorctl explain rule NAME [OPTION]...\n"
    "\n"
    "Says what a built-in rule defends against, what it means for each enforcer, since when it exists, where to\n"
    "read on, and what it is known not to cover. A name may be written as in a policy: DISABLE_CAP_NET_RAW is\n"
    "disable-cap-net-raw. `varmorctl get rules` lists them.\n"
    "\n"
    "Options:\n"
    "  -o, --output FORMAT  text (the default), json, yaml\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit status: 0, 1 (there is no such rule), 2 (usage), 4 (internal error).\n";

enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_YAML };

struct explain_options {
    enum explain_format format;
    bool help;
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_format(struct explain_options *o)
{
    static const char *const words[] = {"text", "json", "yaml"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i], optarg) == 0) {
            o->format = (enum explain_format)i;
            return 0;
        }
    fprintf(stderr, "varmorctl explain: '%s' is not an output format: text, json, yaml\n",
            error_quote(optarg));
    return -EINVAL;
}

static int parse_options(struct explain_options *ret, int argc, char **argv)
{
    int option;

    *ret = (struct explain_options){0};
    optind = 0; /* GNU: start over */
    while ((option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
        if (option == 'h')
            ret->help = true;
        else if (option != 'o' || parse_format(ret) < 0)
            return -EINVAL;
    }
    if (ret->help)
        return 0;
    if (argc - optind == 2 && strcmp(argv[optind], "rule") == 0)
        return 0;
    if (argc - optind >= 1 && strcmp(argv[optind], "rule") != 0)
        fprintf(stderr, "varmorctl explain: '%s' cannot be explained: rule\n",
                error_quote(argv[optind]));
    else
        fprintf(stderr, "varmorctl explain: takes the word rule and the name of one\n");
    return -EINVAL;
}

static int explain_text(const struct builtin_rule *rule, struct error **reterr)
{
    CLEANUP_BUF struct buf out = BUF_INIT(EXPLAIN_MAX);

    if (builtin_view_text(rule, &out) < 0)
        return error_oom(reterr);
    fputs(buf_text(&out), stdout);
    return 0;
}

static int explain_rule(const struct builtin_rule *rule, enum explain_format format,
                        struct error **reterr)
{
    json_t *document;
    int r;

    if (format == EXPLAIN_TEXT)
        return explain_text(rule, reterr);
    document = builtin_view_json(rule);
    if (!document)
        return error_oom(reterr);
    r = format == EXPLAIN_YAML ? status_json_print_yaml(document, stdout, reterr)
                               : status_json_print(document, stdout, reterr);
    json_decref(document);
    return r;
}

int explain_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct explain_options options;
    const struct builtin_rule *rule;

    if (parse_options(&options, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(explain_help, stdout);
        return 0;
    }
    rule = builtin_view_find(argv[optind + 1], &e);
    if (rule && explain_rule(rule, options.format, &e) == 0)
        return 0;
    fprintf(stderr, "varmorctl explain: %s\n", error_message(e));
    return rule ? EXIT_INTERNAL : EXPLAIN_UNKNOWN;
}
