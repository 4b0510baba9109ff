/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/validate.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/policy_set.h"
#include "ctl/syscall_check.h"
#include "lib/map.h"
#include "lib/policy/object.h"

static const char validate_help[] =
    "Usage: varmorctl validate [OPTION]... FILE|FOLDER|-...\n"
    "\n"
    "Checks policies and the objects that help to resolve them as the manager would: each file, each\n"
    "folder's files that end in .yaml, .yml or .json, or standard input (-). Says everything that is wrong,\n"
    "a line each: FILE:LINE:COLUMN: error: WHAT. A file with an error would not be applied at all, and what\n"
    "its enforcers cannot carry out is an error too. A warning is about what has no effect, or only with some of\n"
    "the policy's enforcers; services that rules name are missed if the files define any.\n"
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
    struct policy_set set;
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
    return report_add(&v->set.report, FINDING_ERROR, file, o->at,
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
    return report_add(&v->set.report, FINDING_ERROR, file, o->at,
                      "its profile would be called '%s', as that of %s in %s:%u:%u", name,
                      first->text, first->file, first->at.line, first->at.column);
}

/* Makes the policy's profile, as the manager would. Files that define no service say nothing about
 * which there are. */
static int check_buildable(struct validation *v, const struct policy_file *file,
                           const struct object *o)
{
    const struct chosen_policy policy = {.file = file, .object = o};
    CLEANUP(profile_unref) struct profile *profile = NULL;
    int r = policy_set_build(&v->set, &policy, v->options->install_namespace, v->set.n_peers > 0,
                             &profile);

    return r < 0 ? r : syscall_check(&v->set.report, file->name, o->policy);
}

static int check_policy(struct validation *v, const struct policy_file *file,
                        const struct object *o)
{
    CLEANUP(error_free) struct error *e = NULL;
    CLEANUP_FREE char *name = NULL;
    int r = policy_profile_name(o->policy, v->options->install_namespace, &name, &e);

    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return report_add(&v->set.report, FINDING_ERROR, file->name, o->at, "%s", error_message(e));
    r = check_profile_name(v, file->name, o, name);
    return r < 0 ? r : check_buildable(v, file, o);
}

static int check_file(struct validation *v, const struct policy_file *file)
{
    for (size_t i = 0; i < file->objects.n; i++) {
        const struct object *o = &file->objects.items[i];
        bool new;
        int r = check_identity(v, file->name, o, &new);

        if (r == 0 && new && o->policy)
            r = check_policy(v, file, o);
        if (r < 0)
            return r;
    }
    return 0;
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
    const struct report *r = &v->set.report;

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

static int validate_all(struct validation *v)
{
    int r = 0;

    for (size_t i = 0; i < v->set.n_files && r == 0; i++) {
        v->set.report.file_number = v->set.files[i].number;
        r = check_file(v, &v->set.files[i]);
    }
    if (r < 0)
        return r;
    report_sort(&v->set.report);
    return print_report(v);
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
    struct validate_options options;
    struct validation v = {.options = &options};
    int status, r;

    if (parse_options(&options, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(validate_help, stdout);
        return VALIDATE_CLEAN;
    }
    v.seen = map_new(first_place_free, 0); /* bounded by INPUTS_MAX files of bounded size */
    r = v.seen ? policy_set_read(&v.set, argv + optind, (size_t)(argc - optind), &e)
               : error_oom(&e);
    if (r == 0 && validate_all(&v) < 0)
        r = error_oom(&e);
    status = r < 0 ? internal_error(e) : validate_exit(&v.set.report);
    map_free(v.seen);
    policy_set_done(&v.set);
    return status;
}
