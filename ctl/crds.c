/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/crds.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/field_page.h"
#include "ctl/openapi.h"
#include "ctl/status_json.h"
#include "lib/json_value.h"
#include "lib/error.h"

static const char crds_help[] =
    "Usage: varmorctl crds [OPTION]...\n"
    "\n"
    "Prints the CustomResourceDefinitions of VarmorPolicy, VarmorClusterPolicy, ArmorProfile and ArmorProfileModel,\n"
    "for kubectl apply. They are made of the same tables as `validate` and `explain`; no cluster is asked.\n"
    "\n"
    "Options:\n"
    "  -o, --output FORMAT  yaml (the default), json, markdown (a page of all fields)\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit status: 0, 2 (usage), 4 (internal error).\n";

enum crds_format { CRDS_YAML, CRDS_JSON, CRDS_MARKDOWN };
static const char *const format_words[] = {"yaml", "json", "markdown"};

struct crds_options {
    enum crds_format format;
    bool help;
};

/* ---- The objects ---- */

static json_t *columns_json(const struct custom_resource *resource)
{
    CLEANUP(json_decref) json_t *list = json_array();

    for (size_t i = 0; i < resource->n_columns; i++) {
        const struct column *c = &resource->columns[i];
        json_t *to = json_pack("{s:s, s:s, s:s, s:s}", "name", c->name, "type", c->type, "jsonPath",
                               c->path, "description", c->help);

        if ((c->priority &&
             json_object_set_new(to, "priority", json_integer((json_int_t)c->priority)) < 0) ||
            json_array_append_new(list, to) < 0)
            return NULL;
    }
    return TAKE(list);
}

static json_t *names_json(const struct custom_resource *resource)
{
    CLEANUP_FREE char *list_kind = NULL;
    CLEANUP(json_decref) json_t *to = NULL;

    if (asprintf(&list_kind, "%sList", resource->kind) < 0) {
        list_kind = NULL;
        return NULL;
    }
    to = json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "kind", resource->kind, "listKind", list_kind,
                   "plural", resource->plural, "singular", resource->singular, "categories",
                   "varmor");
    if (to && resource->short_name &&
        json_object_set_new(to, "shortNames", json_pack("[s]", resource->short_name)) < 0)
        return NULL;
    return TAKE(to);
}

static json_t *crd_json(const struct custom_resource *resource)
{
    CLEANUP_FREE char *name = NULL;

    if (asprintf(&name, "%s.%s", resource->plural, CUSTOM_RESOURCE_GROUP) < 0) {
        name = NULL;
        return NULL;
    }
    return json_pack(
        "{s:s, s:s, s:{s:s}, s:{s:s, s:o, s:s, s:[{s:s, s:b, s:b, s:{s:{}}, s:o, s:{s:o}}]}}",
        "apiVersion", "apiextensions.k8s.io/v1", "kind", "CustomResourceDefinition", "metadata",
        "name", name, "spec", "group", CUSTOM_RESOURCE_GROUP, "names", names_json(resource),
        "scope", resource->cluster_scoped ? "Cluster" : "Namespaced", "versions", "name",
        CUSTOM_RESOURCE_VERSION, "served", 1, "storage", 1, "subresources", "status",
        "additionalPrinterColumns", columns_json(resource), "schema", "openAPIV3Schema",
        openapi_resource_json(resource));
}

/* ---- Printing ---- */

static int print_yaml(struct error **reterr)
{
    printf("# SPDX-License-Identifier: Apache-2.0\n"
           "# Made by `make golden` from the tables in lib/policy (varmorctl crds).\n");
    for (size_t i = 0; i < CUSTOM_RESOURCES; i++) {
        CLEANUP(json_decref) json_t *crd = crd_json(&custom_resources[i]);
        int r;

        printf("---\n");
        r = status_json_print_yaml(crd, stdout, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int print_json(struct error **reterr)
{
    CLEANUP(json_decref) json_t *items = json_array();
    CLEANUP(json_decref) json_t *list = NULL;

    for (size_t i = 0; i < CUSTOM_RESOURCES; i++)
        if (json_array_append_new(items, crd_json(&custom_resources[i])) < 0)
            return error_oom(reterr);
    list = json_pack("{s:s, s:s, s:O}", "apiVersion", "v1", "kind", "List", "items", items);
    return list ? status_json_print(list, stdout, reterr) : error_oom(reterr);
}

static int print(enum crds_format format, struct error **reterr)
{
    if (format == CRDS_JSON)
        return print_json(reterr);
    return format == CRDS_MARKDOWN ? field_page_print(stdout, reterr) : print_yaml(reterr);
}

/* ---- The command ---- */

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_format(struct crds_options *o)
{
    for (size_t i = 0; i < ARRAY_SIZE(format_words); i++)
        if (strcmp(format_words[i], optarg) == 0) {
            o->format = (enum crds_format)i;
            return 0;
        }
    fprintf(stderr, "varmorctl crds: '%s' is not an output format: yaml, json, markdown\n",
            error_quote(optarg));
    return -EINVAL;
}

static int parse_options(struct crds_options *ret, int argc, char **argv)
{
    int option;

    *ret = (struct crds_options){0};
    optind = 0; /* GNU: start over */
    while ((option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
        if (option == 'h')
            ret->help = true;
        else if (option != 'o' || parse_format(ret) < 0)
            return -EINVAL;
    }
    if (optind < argc) {
        fprintf(stderr, "varmorctl crds: takes no argument '%s'\n", error_quote(argv[optind]));
        return -EINVAL;
    }
    return 0;
}

int crds_run(int argc, char **argv)
{
    CLEANUP(error_free) struct error *e = NULL;
    struct crds_options options;

    if (parse_options(&options, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(crds_help, stdout);
        return 0;
    }
    if (print(options.format, &e) == 0)
        return 0;
    fprintf(stderr, "varmorctl crds: %s\n", error_message(e));
    return EXIT_INTERNAL;
}
