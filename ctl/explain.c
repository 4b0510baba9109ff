/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/explain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/builtin_view.h"
#include "ctl/command.h"
#include "ctl/field_text.h"
#include "ctl/openapi.h"
#include "ctl/status_json.h"

#define EXPLAIN_MAX (4u << 20) /* bytes about one rule or field */

static const char explain_help[] =
    "Usage: varmorctl explain FIELD.PATH [OPTION]...\n"
    "       varmorctl explain rule NAME [OPTION]...\n"
    "\n"
    "The first form says what a field means, what it takes, and what fields it has: spec.policy.mode. A kind may stand in\n"
    "front (vpol, vcpol, armorprofile, armorprofilemodel; VarmorPolicy if there is none), and a path may be pasted from\n"
    "a finding of `varmorctl validate`: spec.policy.enhanceProtect.bpfRawRules.files[0].pattern.\n"
    "\n"
    "The second form says what a built-in rule defends against, what it means for each enforcer, since when it exists,\n"
    "where to read on, and what it is known not to cover. A name may be written as in a policy: DISABLE_CAP_NET_RAW is\n"
    "disable-cap-net-raw. `varmorctl get rules` lists them.\n"
    "\n"
    "Options:\n"
    "  -o, --output FORMAT  text (the default), json, yaml; of a field these two are its schema in OpenAPI's words;\n"
    "                       name: the paths of a field and of those below it (of all fields if none is given)\n"
    "  -r, --recursive      the names and types of all fields below it\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit status: 0, 1 (there is no such rule or field), 2 (usage), 4 (internal error).\n";

enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_YAML, EXPLAIN_NAME };

struct explain_options {
    enum explain_format format;
    bool recursive, help;
    const char *rule; /* NULL: a field is asked for */
    const char *path; /* of the field */
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"recursive", no_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_format(struct explain_options *o)
{
    static const char *const words[] = {"text", "json", "yaml", "name"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i], optarg) == 0) {
            o->format = (enum explain_format)i;
            return 0;
        }
    fprintf(stderr, "varmorctl explain: '%s' is not an output format: text, json, yaml, name\n",
            error_quote(optarg));
    return -EINVAL;
}

/* What is asked for, from the arguments behind the options. */
static int parse_subject(struct explain_options *o, int n, char **words)
{
    if (n >= 1 && strcmp(words[0], "rule") == 0) {
        if (n == 2 && !o->recursive && o->format != EXPLAIN_NAME) {
            o->rule = words[1];
            return 0;
        }
        fprintf(stderr, "varmorctl explain: takes the word rule and the name of one\n");
        return -EINVAL;
    }
    if (n == 1 || (n == 0 && o->format == EXPLAIN_NAME)) {
        o->path = n ? words[0] : "";
        return 0;
    }
    fprintf(stderr, "varmorctl explain: takes the path of a field, or the word rule and the name "
                    "of one\n");
    return -EINVAL;
}

static int parse_options(struct explain_options *ret, int argc, char **argv)
{
    int option;

    *ret = (struct explain_options){0};
    optind = 0; /* GNU: start over */
    while ((option = getopt_long(argc, argv, "o:rh", long_options, NULL)) != -1) {
        if (option == 'h')
            ret->help = true;
        else if (option == 'r')
            ret->recursive = true;
        else if (option != 'o' || parse_format(ret) < 0)
            return -EINVAL;
    }
    return ret->help ? 0 : parse_subject(ret, argc - optind, argv + optind);
}

/* ---- Rules ---- */

static int explain_text(const struct builtin_rule *rule, struct error **reterr)
{
    CLEANUP_BUF struct buf out = BUF_INIT(EXPLAIN_MAX);

    if (builtin_view_text(rule, &out) < 0)
        return error_oom(reterr);
    fputs(buf_text(&out), stdout);
    return 0;
}

/* Takes the document, which may be NULL: no memory. */
static int explain_document(json_t *document, enum explain_format format, struct error **reterr)
{
    int r;

    if (!document)
        return error_oom(reterr);
    r = format == EXPLAIN_YAML ? status_json_print_yaml(document, stdout, reterr)
                               : status_json_print(document, stdout, reterr);
    json_decref(document);
    return r;
}

static int explain_rule(const struct explain_options *o, struct error **reterr)
{
    const struct builtin_rule *rule = builtin_view_find(o->rule, reterr);

    if (!rule)
        return -ENOENT;
    if (o->format == EXPLAIN_TEXT)
        return explain_text(rule, reterr);
    return explain_document(builtin_view_json(rule), o->format, reterr);
}

/* ---- Fields ---- */

static int print_path(const char *path, const struct field *f UNUSED, void *data UNUSED)
{
    printf("%s\n", path);
    return 0;
}

static int print_paths(const struct field_place *place, const char *path, struct error **reterr)
{
    const struct schema *schema = field_place_schema(place);

    if (*path)
        printf("%s\n", path);
    if (schema && field_path_each(schema, path, print_path, NULL) < 0)
        return error_set(reterr, -ENAMETOOLONG, "a path of more than %d bytes", FIELD_PATH_SIZE);
    return 0;
}

static int explain_field(const struct explain_options *o, struct error **reterr)
{
    CLEANUP_BUF struct buf out = BUF_INIT(EXPLAIN_MAX);
    struct field_place place;
    int r = field_path_find(&place, o->path, reterr);

    if (r < 0)
        return r;
    if (o->format == EXPLAIN_NAME)
        return print_paths(&place, o->path, reterr);
    if (o->format != EXPLAIN_TEXT)
        return explain_document(place.field ? openapi_field_json(place.field)
                                            : openapi_resource_json(place.resource),
                                o->format, reterr);
    if (field_text_explain(&place, o->recursive, &out) < 0)
        return error_oom(reterr);
    fputs(buf_text(&out), stdout);
    return 0;
}

int explain_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct explain_options options;
    int r;

    if (parse_options(&options, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(explain_help, stdout);
        return 0;
    }
    r = options.rule ? explain_rule(&options, &e) : explain_field(&options, &e);
    if (r == 0)
        return 0;
    fprintf(stderr, "varmorctl explain: %s\n", error_message(e));
    return r == -ENOENT ? EXPLAIN_UNKNOWN : EXIT_INTERNAL;
}
