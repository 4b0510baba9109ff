/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/validate.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/inputs.h"
#include "ctl/policy_set.h"
#include "lib/map.h"
#include "lib/policy/object.h"
#include "profiles/builder.h"

static const char validate_help[] =
    "Usage: varmorctl validate [OPTION]... FILE|FOLDER|-...\n"
    "\n"
    "Checks policies and the objects that help to resolve them as the manager would: each file, each\n"
    "folder's files that end in .yaml, .yml or .json, or standard input (-). Says everything that is wrong,\n"
    "a line each: FILE:LINE:COLUMN: error: WHAT. A file with an error would not be applied at all, and what\n"
    "its enforcers cannot carry out is an error too. A warning is about what has no effect, or only with some of\n"
    "the policy's enforcers. Services, pods and disks are not known here: `varmorctl render` takes them.\n"
    "\n"
    "Options:\n"
    "  -o, --output FORMAT         text (the default) or json: one object with files, policies, errors,\n"
    "                              warnings, findings (file, line, column, severity, path, message),\n"
    "                              unreadable (file, message)\n"
    "  -q, --quiet                 print nothing but what could not be read\n"
    "      --install-namespace NS  where the manager runs, for the names of cluster policies' profiles\n"
    "                              (default: " DEFAULT_INSTALL_NAMESPACE ")\n"
    "  -h, --help                  this text\n"
    "\n"
    "Colours appear on a terminal only, and not if NO_COLOR is set.\n"
    "\n"
    "Exit status: 0 (no error), 1 (errors), 2 (usage), 3 (something could not be read), 4 (internal error).\n";

struct validate_options {
    bool json, quiet, help;
    const char *install_namespace;
};

/* Where an object or a profile's name was first seen. */
struct first_place {
    char *file; /* owned */
    char *text; /* owned; "VarmorPolicy 'shop/web'" */
    struct policy_position at;
};

struct validation {
    const struct validate_options *options;
    struct map *seen; /* "kind/namespace/name", or a profile's name -> struct first_place; owned */
    struct report report;
};

static void first_place_free(void *value)
{
    struct first_place *p = value;

    free(p->text);
    free(p->file);
    free(p);
}

/* ---- One file ---- */

static int remember(struct validation *v, const char *key, const char *file, const struct object *o)
{
    struct first_place *place = calloc(1, sizeof(*place));

    if (!place)
        return -ENOMEM;
    place->file = strdup(file);
    place->at = o->at;
    if (asprintf(&place->text, "%s '%s%s%s'", object_kind_name(o->kind), o->name_space,
                 *o->name_space ? "/" : "", o->name) < 0)
        place->text = NULL;
    if (!place->file || !place->text || map_put(v->seen, key, place) < 0) {
        first_place_free(place);
        return -ENOMEM;
    }
    return 0;
}

/* One object in two files (within one file the parser has seen it). *ret_new is false if it is. */
static int check_identity(struct validation *v, const char *file, const struct object *o,
                          bool *ret_new)
{
    CLEANUP_FREE char *key = NULL;
    const struct first_place *first;

    if (asprintf(&key, "%s/%s/%s", object_kind_name(o->kind), o->name_space, o->name) < 0) {
        key = NULL;
        return -ENOMEM;
    }
    first = map_find(v->seen, key);
    *ret_new = !first;
    if (!first)
        return remember(v, key, file, o);
    return report_add(&v->report, FINDING_ERROR, file, o->at,
                      "%s is defined twice: first in %s:%u:%u", first->text, first->file,
                      first->at.line, first->at.column);
}

/* Two policies can ask for one profile name: 'a-b' in 'c', and 'b' in 'c-a'. */
static int check_profile_name(struct validation *v, const char *file, const struct object *o,
                              const char *name)
{
    const struct first_place *first = map_find(v->seen, name);

    if (!first)
        return remember(v, name, file, o);
    return report_add(&v->report, FINDING_ERROR, file, o->at,
                      "its profile would be called '%s', as that of %s in %s:%u:%u", name,
                      first->text, first->file, first->at.line, first->at.column);
}

/* Makes the policy's profile, as the manager would. */
static int check_buildable(struct validation *v, const char *file, const struct object *o)
{
    const struct builder_facts facts = {.install_namespace = v->options->install_namespace};
    CLEANUP(profile_unref) struct profile *profile = NULL;
    int r = policy_build(&v->report, file, o, &facts, &profile);

    return r < 0 ? r : 0;
}

static int check_policy(struct validation *v, const char *file, const struct object *o)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_FREE char *name = NULL;
    int r = policy_profile_name(o->policy, v->options->install_namespace, &name, &e);

    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return report_add(&v->report, FINDING_ERROR, file, o->at, "%s", error_message(e));
    r = check_profile_name(v, file, o, name);
    return r < 0 ? r : check_buildable(v, file, o);
}

static int check_objects(struct validation *v, const char *file, const struct objects *objects)
{
    for (size_t i = 0; i < objects->n; i++) {
        const struct object *o = &objects->items[i];
        bool new;
        int r = check_identity(v, file, o, &new);

        if (r == 0 && new && o->policy)
            r = check_policy(v, file, o);
        if (r < 0)
            return r;
    }
    return 0;
}

static int validate_text(struct validation *v, const char *file, const struct buf *text)
{
    struct findings findings;
    struct objects objects;
    int r, added;

    r = objects_parse_checked(&objects, buf_text(text), text->len, &policy_set_checks, &findings);
    v->report.n_files++;
    v->report.n_policies += objects.n_policies;
    added = report_add_findings(&v->report, file, &findings);
    if (r == 0)
        r = added;
    if (r == 0)
        r = check_objects(v, file, &objects);
    objects_done(&objects);
    return r;
}

static int validate_input(struct validation *v, const struct input *input)
{
    CLEANUP_BUF struct buf text = BUF_INIT((size_t)OBJECT_FILE_MAX_BYTES + 1);
    CLEANUP(error_free) struct error *e = NULL;
    const char *file = strcmp(input->path, "-") == 0 ? "<stdin>" : input->path;
    int r;

    if (input->error)
        return report_add_unreadable(&v->report, file, error_message(input->error));
    r = input_read(input, &text, &e);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return report_add_unreadable(&v->report, file, error_message(e));
    return validate_text(v, file, &text);
}

/* ---- The command ---- */

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"quiet", no_argument, NULL, 'q'},
    {"install-namespace", required_argument, NULL, 'n'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_option(struct validate_options *o, int option)
{
    switch (option) {
    case 'o':
        o->json = strcmp(optarg, "json") == 0;
        if (o->json || strcmp(optarg, "text") == 0)
            return 0;
        fprintf(stderr, "varmorctl validate: '%s' is not an output format: text, json\n",
                error_quote(optarg));
        return -EINVAL;
    case 'q':
        o->quiet = true;
        return 0;
    case 'n':
        o->install_namespace = optarg;
        return 0;
    case 'h':
        o->help = true;
        return 0;
    default:
        return -EINVAL; /* getopt_long() has said what is wrong */
    }
}

static int parse_options(struct validate_options *ret, int argc, char **argv)
{
    int option;

    *ret = (struct validate_options){.install_namespace = DEFAULT_INSTALL_NAMESPACE};
    optind = 0; /* GNU: start over */
    while ((option = getopt_long(argc, argv, "o:qh", long_options, NULL)) != -1)
        if (parse_option(ret, option) < 0)
            return -EINVAL;
    if (!ret->help && optind == argc) {
        fprintf(stderr, "varmorctl validate: no file, folder or - is given\n");
        return -EINVAL;
    }
    return 0;
}

static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static int print_report(const struct validation *v)
{
    const struct report *r = &v->report;

    if (v->options->quiet) {
        for (size_t i = 0; i < r->n; i++)
            if (r->rows[i].unreadable)
                fprintf(stderr, "varmorctl: %s: %s\n", r->rows[i].file, r->rows[i].finding.message);
        return 0;
    }
    if (v->options->json)
        return report_print_json(r);
    report_print_text(r, stdout, wants_colour());
    report_print_summary(r);
    return 0;
}

static int validate_all(struct validation *v, const struct inputs *inputs)
{
    int r = 0;

    for (size_t i = 0; i < inputs->n && r == 0; i++)
        r = validate_input(v, &inputs->items[i]);
    return r < 0 ? r : print_report(v);
}

static int validate_exit(const struct report *r)
{
    return r->n_unreadable ? VALIDATE_UNREADABLE : r->n_errors ? VALIDATE_FINDINGS : VALIDATE_CLEAN;
}

static int internal_error(const struct error *e)
{
    fprintf(stderr, "varmorctl validate: %s\n", error_message(e));
    return EXIT_INTERNAL;
}

int validate_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_INPUTS struct inputs inputs = {0};
    struct validate_options options;
    struct validation v = {.options = &options};
    int r = 0, status;

    if (parse_options(&options, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(validate_help, stdout);
        return VALIDATE_CLEAN;
    }
    for (int i = optind; i < argc && r == 0; i++)
        r = inputs_add(&inputs, argv[i], &e);
    if (r < 0)
        return internal_error(e);
    v.seen = map_new(first_place_free, 0); /* bounded by INPUTS_MAX files of bounded size */
    if (!v.seen || validate_all(&v, &inputs) < 0) {
        error_oom(&e);
        status = internal_error(e);
    } else {
        status = validate_exit(&v.report);
    }
    map_free(v.seen);
    report_done(&v.report);
    return status;
}
